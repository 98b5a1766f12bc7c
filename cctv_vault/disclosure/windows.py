"""The spans of cameras' time that a case is about: asked for, needed, handed over. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Window:
    """A span of one camera's time, UTC, the end exclusive."""

    camera: str
    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.ends_at - self.starts_at

    def moved(self, by: timedelta) -> "Window":
        """The same span, earlier or later."""
        return Window(self.camera, self.starts_at + by, self.ends_at + by)


@dataclass(frozen=True, order=True)
class Moment:
    """One moment of one camera, UTC."""

    camera: str
    at: datetime

    def within(self, windows: Iterable[Window]) -> bool:
        """Whether it lies in one of them."""
        return any(
            each.camera == self.camera and each.starts_at <= self.at < each.ends_at
            for each in windows
        )


@dataclass(frozen=True, order=True)
class Told:
    """A window of true time, and the one in which recordings tell it (`unmeasured`)."""

    asked: Window
    told: Window


def camera_time(windows: Iterable[Window]) -> timedelta:
    """The sum over cameras: two cameras for an hour are two camera-hours."""
    return sum((window.length for window in windows), timedelta())


def wall_time(windows: Iterable[Window]) -> timedelta:
    """How much time the windows cover together, whatever the number of cameras."""
    total, reached = timedelta(), None
    for window in sorted(windows, key=lambda each: each.starts_at):
        start = window.starts_at if reached is None else max(window.starts_at, reached)
        if window.ends_at > start:
            total += window.ends_at - start
            reached = window.ends_at
    return total


def outside(wanted: Iterable[Window], asked: Sequence[Window]) -> tuple[Window, ...]:
    """The windows that were not asked for, wholly or in part."""
    return tuple(window for window in wanted if not _within(window, asked))


def narrower(wanted: Sequence[Window], asked: Sequence[Window]) -> bool:
    """Whether less is approved than was asked for."""
    return bool(outside(asked, wanted))


def joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same time with no moment of a camera twice, in order."""
    found: list[Window] = []
    for window in sorted(windows):
        last = found[-1] if found else None
        if last is None or last.camera != window.camera or last.ends_at < window.starts_at:
            found.append(window)
        elif last.ends_at < window.ends_at:
            found[-1] = Window(last.camera, last.starts_at, window.ends_at)
    return tuple(found)


def looked_in(asked: Sequence[Window], told: Sequence[Told]) -> tuple[Window, ...]:
    """Where to look for what is asked for: where recordings tell it, or else there."""
    if not told:
        return tuple(asked)
    elsewhere = {each.asked for each in told}
    return joined(
        (*(each.told for each in told), *(each for each in asked if each not in elsewhere))
    )


def _within(window: Window, others: Sequence[Window]) -> bool:
    reached = window.starts_at
    for other in sorted(others):
        if other.camera == window.camera and other.starts_at <= reached:
            reached = max(reached, other.ends_at)
    return reached >= window.ends_at
