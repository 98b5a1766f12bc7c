"""Reading a piece ahead: all of it, in order, and nothing after it was closed."""

import io
from contextlib import closing

import pytest

from cctv_vault.disclosure.ahead import read_ahead


class Breaking(io.BytesIO):
    """A reader that fails at its third piece."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > 2:
            raise OSError("the medium fails")
        return super().read(size)


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 5 * 2**20 + 7])
def test_all_of_it_comes_in_order(size: int) -> None:
    data = bytes(each % 251 for each in range(size))
    with closing(read_ahead(io.BytesIO(data))) as pieces:
        assert b"".join(pieces) == data


def test_a_failure_comes_where_the_piece_would_have_come() -> None:
    with closing(read_ahead(Breaking(bytes(4 * 2**20)))) as pieces:
        assert [len(next(pieces)), len(next(pieces))] == [2**20, 2**20]
        with pytest.raises(OSError, match="medium"):
            next(pieces)


def test_once_it_is_closed_nothing_is_read_any_more() -> None:
    reader = Breaking(bytes(4 * 2**20))
    with closing(read_ahead(reader)) as pieces:
        next(pieces)
    assert reader.reads == 2
    reader.close()
