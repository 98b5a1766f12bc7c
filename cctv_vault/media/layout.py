"""Inside the sandbox: where the pictures of a film lie in its file, by the file's own index.

Owns the question whether that index alone tells all there is to know: of an MP4 whose pictures are
shown in the order in which they are stored. Then nothing but the pictures that are wanted is read,
and a clip can name the bytes it consists of instead of carrying them. Of any other film it says
nothing, and the film is read through.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from cctv_vault.media.demux import Footage
from cctv_vault.media.remote import RemoteFile

if TYPE_CHECKING:
    from av.index import IndexEntries

_BOX: Final = struct.Struct(">I4s")
_LARGE: Final = struct.Struct(">Q")
_COUNTED: Final = struct.Struct(">II")  # version and flags, then how many follow
# Of an hour with 60 pictures a second 5 MiB.
_MOST_INDEX: Final = 64 * 1024 * 1024
_MOST_BOXES: Final = 10_000


@dataclass(frozen=True)
class Sample:
    """A coded picture: its bytes in the file, when it is shown on the stream's clock, in ticks."""

    offset: int
    size: int
    stamp: int
    is_key: bool


class Layout:
    """The pictures of a film in the order in which they lie and are shown."""

    def __init__(
        self, footage: Footage, entries: "IndexEntries", tick_s: Fraction, size: int
    ) -> None:
        """``size`` is the file's; what does not lie in it is not there."""
        self._entries = entries
        self._ticks, self._per_s = tick_s.numerator, tick_s.denominator
        self._size = size
        self._step_s = float(1 / footage.rate)
        self._count = len(entries)

    def time(self, sample: Sample) -> float:
        """When a picture is shown, in seconds on the stream's own clock."""
        return self._seconds(sample.stamp)

    @property
    def first_s(self) -> float:
        """When the first picture is shown."""
        return self._seconds(self._entries[0].timestamp)

    def key_frames(self) -> Iterator[Sample]:
        """Every key frame."""
        return (each for each in self._from(0) if each.is_key)

    def window(self, start_s: float, end_s: float) -> Iterator[Sample]:
        """From the last key frame at or before a moment, or else the first one, up to another."""
        after = self._after(start_s)
        if after == self._count:
            # It ended before the moment came: its last picture may still have been showing.
            last = self._seconds(self._entries[after - 1].timestamp)
            if last + self._step_s <= start_s:
                return
        begin = after - 1
        while begin >= 0 and not self._entries[begin].is_keyframe:
            begin -= 1
        if begin < 0:
            begin = after
            while begin < self._count and not self._entries[begin].is_keyframe:
                begin += 1
        left = self._size
        for sample in self._from(begin):
            # An index may name the same bytes over and over, and more of them than there are.
            left -= sample.size
            if self.time(sample) >= end_s or left < 0:
                return
            yield sample

    def _after(self, moment_s: float) -> int:
        """The number of the first picture that is shown after a moment."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._seconds(self._entries[middle].timestamp) > moment_s:
                high = middle
            else:
                low = middle + 1
        return low

    def _seconds(self, stamp: int) -> float:
        # As of packets that are read, to the last bit.
        return stamp * self._ticks / self._per_s

    def _from(self, number: int) -> Iterator[Sample]:
        for place in range(number, self._count):
            entry = self._entries[place]
            offset, size = entry.pos, entry.size
            if offset < 0 or size < 0 or offset + size > self._size:
                return  # the file breaks off
            if size:
                yield Sample(offset, size, entry.timestamp, entry.is_keyframe)


def laid_out(footage: Footage, file: RemoteFile) -> Layout | None:
    """Where the pictures lie, where the index tells; None where the film must be read through."""
    base = footage.stream.time_base
    entries = footage.stream.index_entries
    if footage.sniffed.demuxer != "mov" or not base or not len(entries):
        return None
    index = _index(file)
    if index is None or not _tells_all(index):
        return None
    return Layout(footage, entries, base, file.size)


def _index(file: RemoteFile) -> bytes | None:
    """The box ``moov``, without its head (ISO/IEC 14496-12, 4.2)."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(_BOX.size + _LARGE.size)
        if len(head) < _BOX.size:
            return None
        size, kind = _BOX.unpack_from(head)
        begin = _BOX.size
        if size == 1 and len(head) == _BOX.size + _LARGE.size:
            (size,) = _LARGE.unpack_from(head, _BOX.size)
            begin = len(head)
        if kind == b"moov":
            if not begin <= size <= _MOST_INDEX:
                return None
            file.seek(at + begin)
            return file.read(size - begin)
        if size < begin:  # up to the end, or no size at all
            return None
        at += size
    return None


def _tells_all(index: bytes) -> bool:
    """Whether one track holds pictures, each shown when its turn comes, from its first one on."""
    tracks = []
    for kind, start, end in _boxes(index, 0, len(index)):
        if kind == b"mvex":  # the rest of the index is scattered over the file
            return False
        if kind == b"trak":
            tracks.append(dict(_named(index, start, end)))
    pictures = [each for each in tracks if _handler(index, each) == b"vide"]
    if len(pictures) != 1:
        return False
    (track,) = pictures
    if b"ctts" in track or not _has_one_form(index, *track.get(b"stsd", (0, 0))):
        return False  # shown in another order, or coded in more than one way
    return b"elst" not in track or _is_plain(index, *track[b"elst"])


def _named(index: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    for kind, begin, stop in _boxes(index, start, end):
        yield kind, (begin, stop)
        if kind in {b"mdia", b"minf", b"stbl", b"edts"}:
            yield from _named(index, begin, stop)


def _handler(index: bytes, track: dict[bytes, tuple[int, int]]) -> bytes:
    start, _ = track.get(b"hdlr", (len(index), 0))
    return index[start + 8 : start + 12]


def _has_one_form(index: bytes, start: int, end: int) -> bool:
    return end - start >= _COUNTED.size and _COUNTED.unpack_from(index, start)[1] == 1


def _is_plain(index: bytes, start: int, end: int) -> bool:
    """Whether an edit list begins with the first picture, leaves none out and repeats none."""
    if end - start < 2 * _COUNTED.size + 4:
        return False
    version_flags, count = _COUNTED.unpack_from(index, start)
    return version_flags == 0 and count == 1 and index[start + 12 : start + 16] == bytes(4)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in a stretch: their kind, and where their content begins and ends."""
    while start + _BOX.size <= end:
        size, kind = _BOX.unpack_from(data, start)
        if not _BOX.size <= size <= end - start:
            return
        yield kind, start + _BOX.size, start + size
        start += size
