"""Reading a piece ahead: while one is written, the next is read, checked and decrypted.

Owns the thread that reads. The reader is this thread's alone until the pieces are closed.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

_PIECE: Final = 1024 * 1024


class Readable(Protocol):
    """What is read."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes; none at the end."""
        ...


def read_ahead(reader: Readable) -> Generator[bytes]:
    """All that is left of a reader, in pieces; close it before the reader.

    Raises:
        Exception: Whatever the reader raises, where the piece would have come.
    """
    # A sealed stream gives what it has decrypted anyhow, without copying it.
    read: Callable[[int], bytes | None] = getattr(reader, "piece", reader.read)
    with ThreadPoolExecutor(1) as reading:
        following = reading.submit(read, _PIECE)
        while piece := following.result():
            following = reading.submit(read, _PIECE)
            yield piece
