"""Inside the sandbox: what a recording's key frames say of its camera, in figures and edges.

Owns what health is judged by: how light the picture is, how much there is in it, whether anything
in it changes at all, and which way its edges run. The last is an outline of the empty room in 16 by
9 fields: whoever passes is taken out by the median over a film, and nobody could be known by it.
"""

import hashlib
from dataclasses import dataclass
from statistics import fmean, median_low, pstdev
from typing import Any, Final

from av.video.frame import VideoFrame

SMALL_WIDTH: Final = 160
"""Points across a picture made small and grey."""
_ACROSS: Final = 16
_DOWN: Final = 9
_FIELD: Final = 4
_WIDTH: Final = _ACROSS * _FIELD
_HEIGHT: Final = _DOWN * _FIELD
# Cameras write the time at the upper or lower edge: what changes there shows no live picture.
_EDGE: Final = 8
# Pictures that the median is taken of: enough that whoever walks by stands nowhere in most.
_KEPT: Final = 9
# The same picture coded again differs by more than two levels in up to 1 % of its points (measured
# with x264 at several rates); of a live one, with noise, sun or people, more does.
_CODED: Final = 2
_CODED_SHARE: Final = 0.01
# Edges of a field are told in relation to those of a field with 10 levels on a quarter of it.
_FAINT: Final = 80


@dataclass(frozen=True)
class _Sample:
    """A picture: ``middle`` without its edges, ``pixels`` smaller still."""

    time: float
    middle: bytes
    pixels: bytes


class Looker:
    """Gathers what key frames, made small and grey, say; `told` is the answer."""

    def __init__(self) -> None:
        self._samples: list[_Sample] = []
        self._apart = 0.0

    def see(self, small: VideoFrame, time: float) -> None:
        """The next picture, at its time in seconds."""
        if self._samples and time - self._samples[-1].time < self._apart:
            return
        tiny = small.reformat(_WIDTH, _HEIGHT, "gray", interpolation="AREA")
        self._samples.append(_Sample(time, _middle(small), plane(tiny)))
        if len(self._samples) == 2 * _KEPT:
            # Of a film of any length: every second one, and from now on twice as far apart.
            self._apart = 2 * max(self._apart, time / (2 * _KEPT))
            self._samples = self._samples[::2]

    def told(self) -> dict[str, Any]:
        """The answer; empty where no picture was seen."""
        if not self._samples:
            return {}
        first, last = self._samples[0], self._samples[-1]
        pixels = [each.pixels for each in self._samples[:: -(-len(self._samples) // _KEPT)]]
        room = bytes(median_low(values) for values in zip(*pixels, strict=True))
        return {
            "light": round(fmean(room), 2),
            "spread": round(pstdev(room), 2),
            "still": not any(_differs(first.middle, each.middle) for each in self._samples[1:]),
            "mark": hashlib.sha256(last.middle).hexdigest()[:16],
            "outline": outline(room).hex(),
        }


def outline(room: bytes) -> bytes:
    """Which way the edges of a small grey picture run: four directions in each of 144 fields."""
    fields = [[0, 0, 0, 0] for _ in range(_ACROSS * _DOWN)]
    for row in range(1, _HEIGHT - 1):
        begin = row * _WIDTH
        for column in range(1, _WIDTH - 1):
            at = begin + column
            across = room[at + 1] - room[at - 1]
            down = room[at + _WIDTH] - room[at - _WIDTH]
            wide, high = abs(across), abs(down)
            if wide > 2 * high:
                direction = 0
            elif high > 2 * wide:
                direction = 2
            else:
                direction = 1 if (across > 0) == (down > 0) else 3
            fields[row // _FIELD * _ACROSS + column // _FIELD][direction] += wide + high
    return bytes(value * 255 // (sum(field) + _FAINT) for field in fields for value in field)


def small_grey(frame: VideoFrame) -> VideoFrame:
    """A picture made small and grey, with its shape kept as far as it is a picture's."""
    height = max(2, round(frame.height * SMALL_WIDTH / frame.width / 2) * 2)
    return frame.reformat(SMALL_WIDTH, min(height, 4 * SMALL_WIDTH), "gray", interpolation="AREA")


def _differs(one: bytes, other: bytes) -> bool:
    """Whether more of two pictures differs than coding the same picture twice makes differ."""
    if one == other:
        return False
    differing = sum(abs(here - there) > _CODED for here, there in zip(one, other, strict=False))
    return differing > len(one) * _CODED_SHARE


def _middle(small: VideoFrame) -> bytes:
    pixels = plane(small)
    rows = len(pixels) // small.width
    cut = rows // _EDGE * small.width
    return pixels[cut : len(pixels) - cut]


def plane(picture: VideoFrame) -> bytes:
    """The pixels of a grey picture, without what pads its lines."""
    first = picture.planes[0]
    data, line, width = bytes(first), first.line_size, picture.width
    if line == width:
        return data[: width * picture.height]
    return b"".join(data[row * line : row * line + width] for row in range(picture.height))
