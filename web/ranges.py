"""Byte ranges (RFC 9110, section 14): what a player asks for when it seeks. Pure."""

from dataclasses import dataclass
from typing import Final

_UNIT: Final = "bytes="
_MOST_DIGITS: Final = 18  # more than any file has; a longer number could not even be read


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` to ``end`` (exclusive) of ``size``."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """The header's value."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


class RangeNotSatisfiableError(Exception):
    """The range begins beyond the end."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """The one range asked for, or None where the whole is to be sent.

    A header that is malformed or asks for several ranges is ignored, as the RFC allows: the
    whole is then the answer.

    Raises:
        RangeNotSatisfiableError: The range lies wholly beyond the end.
    """
    if header is None or not header.startswith(_UNIT) or "," in header:
        return None
    first, dash, last = header.removeprefix(_UNIT).strip().partition("-")
    numbers = [part for part in (first, last) if part]
    if not dash or not all(
        each.isascii() and each.isdigit() and len(each) <= _MOST_DIGITS for each in numbers
    ):
        return None
    if not first:
        if not last:
            return None
        if int(last) == 0 or size == 0:
            raise RangeNotSatisfiableError
        return ByteRange(max(0, size - int(last)), size, size)
    start, end = int(first), min(size, int(last) + 1) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiableError
    return ByteRange(start, end, size)
