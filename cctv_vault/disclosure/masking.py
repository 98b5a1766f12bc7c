"""Whether a film can be the masked one of a camera's released time, by its length and shape. Pure.

Owns the bounds: a film shows what is released and no more of it, in the shape the camera made.
What is masked in it nobody here can tell; who masked it declares that, and a second person decides
on this very film. Refuses one without a length, and sound that the camera's register forbids.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cctv_vault.disclosure.windows import Window

SLACK: Final = timedelta(seconds=5)
PART: Final = 0.01
"""What a length may differ by: a cut lies on a key frame, and programs round rates (D)."""
_SHAPE: Final = 0.02


@dataclass(frozen=True)
class Film:
    """What reading a film showed, whatever it says of itself; ``seconds`` None: nobody can tell."""

    kind: str
    seconds: float | None
    width: int
    height: int
    has_sound: bool


@dataclass(frozen=True)
class Span:
    """How long a film may be: what of a time there are pictures of, and the whole of it."""

    filmed: timedelta
    whole: timedelta

    def admits(self, length: timedelta) -> bool:
        """Whether a film of that length can be of it."""
        return self.filmed - _slack(self.filmed) <= length <= self.whole + _slack(self.whole)


def spans_of(windows: Iterable[Window], filmed: Sequence[Window]) -> tuple[Span, ...]:
    """How long films of a camera may be: one for each window, or one of them all.

    Args:
        windows: The camera's released time.
        filmed: From when to when its recordings go; without any the windows alone bound the film.
    """
    each = [
        Span(_covered(window, filmed) if filmed else window.length, window.length)
        for window in windows
    ]
    if len(each) > 1:
        each.append(
            Span(
                sum((one.filmed for one in each), timedelta()),
                sum((one.whole for one in each), timedelta()),
            )
        )
    return tuple(each)


def misfit(
    film: Film, spans: Sequence[Span], shapes: Collection[tuple[int, int]], *, may_sound: bool
) -> str:
    """Why a film cannot be the masked one; empty where it can.

    Args:
        film: What it is.
        spans: How long it may be.
        shapes: Width and height of the camera's recordings, in pixels.
        may_sound: Whether the camera's register lets sound go with its pictures (S2).
    """
    if film.kind != "video" or film.seconds is None:
        return "the masked film is no film whose length can be told; make it anew as MP4"
    length = timedelta(seconds=film.seconds)
    if not any(span.admits(length) for span in spans):
        least, most = min(span.filmed for span in spans), max(span.whole for span in spans)
        return (
            f"the masked film lasts {_seconds(length)} s and the time that is released "
            f"{_seconds(least)} to {_seconds(most)} s; cut it to the window"
            if least != most
            else f"the masked film lasts {_seconds(length)} s and the time that is released "
            f"{_seconds(most)} s; cut it to the window"
        )
    known = {shape for shape in shapes if min(shape) > 0}
    if known and not any(_like(film, shape) for shape in known):
        widest = max(known)
        return (
            f"the masked film is {film.width} × {film.height} pixels and the camera's pictures are "
            f"{widest[0]} × {widest[1]}; mask the film without cropping or enlarging it"
        )
    if film.has_sound and not may_sound:
        return "the masked film has sound, which the camera's register forbids; leave it out"
    return ""


def _covered(window: Window, filmed: Sequence[Window]) -> timedelta:
    total, reached = timedelta(), window.starts_at
    for each in sorted(filmed, key=lambda one: one.starts_at):
        start, end = max(each.starts_at, reached), min(each.ends_at, window.ends_at)
        if end > start:
            total += end - start
            reached = end
    return total


def _slack(length: timedelta) -> timedelta:
    return SLACK + length * PART


def _like(film: Film, shape: tuple[int, int]) -> bool:
    """Whether a film has the shape of a camera's pictures, and is no larger."""
    width, height = shape
    return (
        0 < film.width <= width
        and 0 < film.height <= height
        and abs(film.width * height - film.height * width) <= _SHAPE * width * film.height
    )


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.0f}"
