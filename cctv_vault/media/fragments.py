"""Inside the sandbox: a fragmented MP4 whose pictures are named by where they lie in their files.

Owns the boxes between header and pictures, one fragment for each key frame and what depends on it.
"""

import struct
from typing import Final

from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.layout import Sample
from cctv_vault.media.remote import Output, RemoteFile

# ISO/IEC 14496-12, 8.8.4 to 8.8.12: tfhd counts from its fragment and says what most pictures are,
# trun says where they begin, what the first one is, and how long and how large each is.
_TFHD: Final = 0x020020
_TRUN: Final = 0x000305
_KEY: Final = 0x02000000  # depends on no other
_OTHER: Final = 0x01010000  # depends on others, is none to begin with
_TRACK: Final = 1
_CLOCK_AT: Final = 16  # from the type of a media header (version 0) to its ticks a second
_SAMPLE: Final = struct.Struct(">II")
# Of cameras whose key frames lie minutes apart.
_MOST_BYTES: Final = 256 * 1024 * 1024
_MOST_TICKS: Final = (1 << 32) - 1


class Fragments:
    """Writes fragments of one track of pictures behind a header."""

    def __init__(self, out: Output, header: bytes) -> None:
        """``header`` is everything before the first fragment, with its track as number 1."""
        at = header.find(b"mdhd")
        if at < 0:
            raise MediaRefusedError("undecodable", "its pictures fit into no film")
        (self._clock,) = struct.unpack_from(">I", header, at + _CLOCK_AT)
        self._apart = max(1, self._clock // 1000)
        self._out = out
        self._number = 0
        self._stamp = -self._apart  # of the picture added last
        self._last_ticks = 0
        self._key = False
        self._begins = 0
        self._sizes: list[int] = []
        self._ticks: list[int] = []
        self._places: list[tuple[RemoteFile, int, int]] = []
        self._file: RemoteFile | None = None
        self._bytes = 0
        out.write(header)

    def add(self, file: RemoteFile, sample: Sample, time_s: float, step_s: float) -> None:
        """The next picture: where it lies, when it is shown, how long where none follows."""
        stamp = max(round(time_s * self._clock), self._stamp + self._apart)
        if self._sizes:
            # Between two recordings the last picture does not stand until the next is shown.
            lasted = stamp - self._stamp
            self._ticks.append(lasted if file is self._file else min(lasted, self._last_ticks))
        if sample.is_key or self._bytes + sample.size > _MOST_BYTES or file is not self._file:
            self._flush()
            self._key, self._begins = sample.is_key, stamp
        self._sizes.append(sample.size)
        self._bytes += sample.size
        if self._places and self._places[-1][1] + self._places[-1][2] == sample.offset:
            _, offset, size = self._places.pop()
            self._places.append((file, offset, size + sample.size))
        else:
            self._places.append((file, sample.offset, sample.size))
        self._stamp, self._file = stamp, file
        self._last_ticks = max(1, round(step_s * self._clock))

    def finish(self) -> None:
        """Writes what has not been written yet."""
        self._ticks.append(self._last_ticks)
        self._flush()

    def _flush(self) -> None:
        if not self._sizes:
            return
        self._number += 1
        runs = b"".join(
            _SAMPLE.pack(min(ticks, _MOST_TICKS), size)
            for ticks, size in zip(self._ticks, self._sizes, strict=True)
        )
        tfhd = _box(b"tfhd", struct.pack(">III", _TFHD, _TRACK, _OTHER))
        tfdt = _box(b"tfdt", struct.pack(">IQ", 1 << 24, self._begins))
        mfhd = _box(b"mfhd", struct.pack(">II", 0, self._number))
        first = _KEY if self._key else _OTHER
        # The pictures begin behind this box and the head of the next.
        length = 8 + len(mfhd) + 8 + len(tfhd) + len(tfdt) + 20 + 4 + len(runs) + 8
        trun = _box(b"trun", struct.pack(">IIiI", _TRUN, len(self._sizes), length, first) + runs)
        moof = _box(b"moof", mfhd + _box(b"traf", tfhd + tfdt + trun))
        self._out.write(moof + struct.pack(">I4s", 8 + self._bytes, b"mdat"))
        for place in self._places:
            self._out.refer(*place)
        self._sizes, self._ticks, self._places, self._bytes = [], [], [], 0


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content
