"""Sending bytes that are decrypted on the way: in pieces, bounded in memory, closed at the end."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from starlette.responses import Response

PIECE: Final = 1024 * 1024
MOST_AT_ONCE: Final = 8 * PIECE
"""Bytes that are sent before it is asked anew whether they may be."""


def as_pdf(data: bytes, name: str) -> Response:
    """A document to be kept, not shown by the page: ``name`` is without its ending."""
    return Response(
        data,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
    )


class Readable(Protocol):
    """What is sent: a sealed reader, or anything that reads, seeks and closes as one."""

    def read(self, size: int = ..., /) -> bytes: ...  # noqa: D102
    def seek(self, offset: int, whence: int = ..., /) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def pieces(reader: Readable, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from ``start`` to ``end`` (exclusive; None: all), then the reader closed."""
    try:
        reader.seek(start)
        left = end - start if end is not None else None
        while left is None or left > 0:
            piece = reader.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            if left is not None:
                left -= len(piece)
            yield piece
    finally:
        reader.close()


def in_steps(
    first: Readable, size: int, step: int, again: Callable[[], Readable]
) -> Iterator[bytes]:
    """All ``size`` bytes, opened anew with ``again`` after each ``step`` of them.

    Whoever reads slowly so meets, within a step, whatever has ended meanwhile.

    Raises:
        VaultError: As ``again`` does.
    """
    reader = first
    for start in range(0, max(size, 1), step):
        if start:
            reader = again()
        yield from pieces(reader, start, min(start + step, size))
