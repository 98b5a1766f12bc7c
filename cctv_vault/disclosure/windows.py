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


def _within(window: Window, others: Sequence[Window]) -> bool:
    reached = window.starts_at
    for other in sorted(others):
        if other.camera == window.camera and other.starts_at <= reached:
            reached = max(reached, other.ends_at)
    return reached >= window.ends_at
