"""Where there is no footage, and why: the rules. Pure.

A hole that recordings leave has one of five causes; the first that fits of: it was there and has
expired, what came could not be read, nothing could be taken in, the camera's clock was set over it
so that nothing is missing, the camera sent nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

JOINED: Final = timedelta(seconds=1.5)
"""Recordings no further apart than this are one stretch of footage."""
NEAR: Final = timedelta(minutes=1)
# How exactly files of a running camera follow each other, against a step of its clock.
_STEADY_S: Final = 2.0
_STEADY_SHARE: Final = 0.25
_STEP: Final = 4


@dataclass(frozen=True)
class Stretch:
    """Recordings of one kind that follow each other without a break.

    ``here`` says whether they are there for who asks, or have expired; they expire when the first
    of them does (None: while all are open-ended), and are held all or none of them. ``first`` and
    ``last`` are ids. ``derived`` stretches are windows of recordings whose rest is gone.
    """

    kind: str
    here: bool
    held: bool
    starts_at: datetime
    ends_at: datetime
    count: int
    first: str
    last: str
    expires_at: datetime | None
    derived: bool = False


class Edge(NamedTuple):
    """A recording at the edge of a stretch, as its clock and its arrival tell of it."""

    started_at: datetime
    ended_at: datetime
    arrived_at: datetime
    clock_offset_s: float


@dataclass(frozen=True)
class Gap:
    """A stretch without footage, and why.

    ``cause`` is ``silent`` (the camera sent nothing), ``quarantined`` (what it sent could not be
    read), ``intake-stopped`` (nothing could be taken in then), ``clock-step`` (the camera's clock
    was set meanwhile, so that nothing is missing) or ``expired`` (it was there).
    """

    camera: str
    starts_at: datetime
    ends_at: datetime
    cause: str


@dataclass(frozen=True)
class Span:
    """A span of time."""

    starts_at: datetime
    ends_at: datetime


def joined(stretches: Iterable[Stretch]) -> list[Span]:
    """What stretches, in order of their start, cover together."""
    covered: list[Span] = []
    for each in stretches:
        if covered and each.starts_at - covered[-1].ends_at <= JOINED:
            last = covered.pop()
            covered.append(Span(last.starts_at, max(last.ends_at, each.ends_at)))
        else:
            covered.append(Span(each.starts_at, each.ends_at))
    return covered


def between(stretches: Sequence[Span], start: datetime, end: datetime) -> list[Span]:
    """The holes that stretches leave in [start, end); slivers that count as joined are none."""
    holes = []
    at = start
    for each in stretches:
        if each.starts_at - at > JOINED:
            holes.append(Span(at, each.starts_at))
        at = max(at, each.ends_at)
    if end - at > JOINED:
        holes.append(Span(at, end))
    return holes


def length(stretch: Span, start: datetime, end: datetime) -> timedelta:
    """How much of a stretch lies in [start, end)."""
    return max(timedelta(0), min(stretch.ends_at, end) - max(stretch.starts_at, start))


@dataclass(frozen=True)
class Known:
    """What is known of a camera around its holes.

    ``films`` are its stretches of video in order, those that expired included, and ``edges`` the
    recordings at their ends by id; ``unread`` is when each of its quarantined files was made and
    how much later that may be said.
    """

    films: Sequence[Stretch]
    edges: Mapping[str, Edge]
    expired: Sequence[Span]
    unread: Sequence[tuple[datetime, timedelta]]
    stops: Sequence[Span]


def explained(camera: str, hole: Span, known: Known) -> Iterator[Gap]:
    """A hole, divided into what has expired and what never came, each with its cause."""
    gone = [
        Span(max(each.starts_at, hole.starts_at), min(each.ends_at, hole.ends_at))
        for each in known.expired
        if each.starts_at < hole.ends_at and each.ends_at > hole.starts_at
    ]
    never = between(gone, hole.starts_at, hole.ends_at)
    for part in sorted((*gone, *never), key=lambda each: each.starts_at):
        if part in gone:
            cause = "expired"
        elif any(
            part.starts_at - NEAR <= moment <= part.ends_at + slack
            for moment, slack in known.unread
        ):
            cause = "quarantined"
        elif any(
            stop.starts_at < part.ends_at and stop.ends_at > part.starts_at for stop in known.stops
        ):
            cause = "intake-stopped"
        elif _clock_was_set(part, known):
            cause = "clock-step"
        else:
            cause = "silent"
        yield Gap(camera, part.starts_at, part.ends_at, cause)


def _clock_was_set(hole: Span, known: Known) -> bool:
    """Whether the camera's clock moved over a hole, so that nothing is missing in it.

    Either the recordings beside it were corrected by offsets that differ by its length; or they
    arrived as those of a camera that never stopped: the later one its own length after the earlier.
    """
    earlier = [each for each in known.films if each.ends_at <= hole.starts_at]
    later = next((each for each in known.films if each.starts_at >= hole.ends_at), None)
    if not earlier or later is None:
        return False
    before = known.edges[max(earlier, key=lambda each: each.ends_at).last]
    after = known.edges[later.first]
    missing = (hole.ends_at - hole.starts_at).total_seconds()
    moved = before.clock_offset_s - after.clock_offset_s
    if moved and abs(missing - moved) <= max(_STEADY_S, _STEADY_SHARE * missing):
        return True
    lasts = (after.ended_at - after.started_at).total_seconds()
    slack = max(_STEADY_S, _STEADY_SHARE * lasts)
    apart = (after.arrived_at - before.arrived_at).total_seconds()
    return lasts >= _STEP * _STEADY_S and missing >= _STEP * slack and abs(apart - lasts) <= slack
