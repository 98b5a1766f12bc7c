"""When a camera is not well: facts in, findings with their figures out. Pure.

Owns every threshold and why it stands where it does. It refuses to call anything wrong before
enough is known to tell it from what the camera always did, and to call something mended before
there is evidence of that: a camera whose picture was black is not well because it fell silent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from statistics import median
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cctv_vault.health.habit import Delivery, Habit, Holiday, expected

SILENT_LEAST: Final = timedelta(minutes=30)
"""No shorter silence is told: a recorder that restarts, a network that is mended take as long."""
WATCHED_LEAST: Final = timedelta(minutes=30)
"""After a pause of the vault's own, files that waited have come in by then."""
MISSED_LEAST: Final = 3.0
"""Expected files that must be missing: one may be late, and two may be cut differently."""
MISSED_FACTOR: Final = 3.0
"""Times what is missing at the worst moment of nine usual days out of ten.

Of simulated cameras whose files come in random bunches, one in some two years is missed wrongly.
"""
LATE_LEAST: Final = timedelta(minutes=30)
"""What comes later than usual by less is a slow line; an hour's recording is still whole then."""
LATE_FACTOR: Final = 2.0
CLOCK_LEAST_S: Final = 30.0
"""Police ask by the minute: half of one off may leave out who is looked for."""
CLOCK_NOISE: Final = 4.0
"""Times what the way to the vault scatters by: less cannot be told from a slow line."""
FLAT: Final = 4.0
"""Grey levels (of 255) a picture with nothing in it scatters by: noise, and no edge of a thing."""
BLACK: Final = 40.0
"""Lighter than this and flat, the lens is covered rather than the room dark."""
SELDOM: Final = 0.2
"""Where one of five earlier pictures of the hour was as dark or as still, it is so at that hour."""
SAME_LIGHT: Final = 0.5
"""Grey levels: daylight and lamps move the mean of a live picture by more within half an hour."""
UNLIKE: Final = 0.42
"""Two rooms are alike by 0.28 to 0.37, a picture turned by a tenth of its width by 0.31 to 0.38;
the same room in another light by 0.5 to 0.9, with people in it by 0.65 to 0.99."""
LIKE_AGAIN: Final = 0.5
PICTURES: Final = 3
"""Pictures that must agree: one may be of somebody before the lens, or of a flash."""
DARK_LEAST: Final = timedelta(minutes=15)
FROZEN_LEAST: Final = timedelta(minutes=30)
MOVED_LEAST: Final = timedelta(minutes=30)
"""A pallet before the lens, or whoever cleans it, is gone by then."""
VIEWS_ENOUGH: Final = 8
VIEWS_SPAN: Final = timedelta(hours=22)
"""A day and a night must be known, or the first evening looks like another room."""
VIEWS_HOURS: Final = 2
"""A picture is compared only where one was seen about this hour: by lamps of its own at night."""
ALIKE: Final = 0.6
"""Views that are less alike among themselves are of a camera that turns, and tell nothing."""
_WHOLE_DAY: Final = timedelta(days=1)
_COMPARED: Final = 12
_NEWEST: Final = 10
_STEADY_S: Final = 15.0
_SAID: Final = 5
_DAY_S: Final = 86_400
_WORST_DRIFT_S_A_DAY: Final = 10.0


class Fault(StrEnum):
    """What may be wrong with a camera, the gravest first."""

    SILENT = "silent"
    UNREADABLE = "unreadable"
    BLACK = "black"
    FROZEN = "frozen"
    MOVED = "moved"
    LATE = "late"
    CLOCK = "clock"


@dataclass(frozen=True)
class Finding:
    """A fault, since when (UTC), and the whole figures that show it."""

    fault: Fault
    since: datetime
    figures: Mapping[str, int] = field(default_factory=dict)


class Look(NamedTuple):
    """What one recording's pictures said.

    ``light`` and ``spread`` are grey levels of 0 to 255, ``still`` that no more changed in it than
    coding a picture twice does, ``mark`` is the same for pictures that are the same point for
    point, and ``likeness`` (0 to 1) is to how the room looked before, None where that is not known.
    """

    at: datetime
    light: float
    spread: float
    still: bool
    mark: str
    likeness: float | None

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing in the picture."""
        return self.spread < FLAT


class Earlier(NamedTuple):
    """What an earlier picture was."""

    at: datetime
    flat: bool
    still: bool


class View(NamedTuple):
    """How the empty room looked at a time, UTC: an outline of `footage.look.RoomLook`."""

    at: datetime
    outline: bytes


class Said(NamedTuple):
    """How many seconds a recording's name and container contradict each other by, if they do."""

    seconds: float | None


@dataclass(frozen=True)
class Anchor:
    """How long files took when the clock was known to be right (or first seen), and their scatter.

    Both in seconds.
    """

    lag_s: float
    scatter_s: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a camera now.

    ``newest`` are its newest recordings by time and ``said`` what they contradict themselves by;
    ``looks`` its newest pictures; all the newest first. ``earlier`` tells of every picture of the
    last weeks. ``watched_since`` is None while nobody looks, or
    nothing can be taken in. ``unread`` counts files since ``last_arrival`` that could not be read.
    ``drift_s`` is how far two measurements of its clock say that it has run off since the last.
    """

    now: datetime
    zone: ZoneInfo
    holiday: Holiday
    habit: Habit | None
    last_arrival: datetime | None
    watched_since: datetime | None
    unread: int
    newest: Sequence[Delivery]
    said: Sequence[Said]
    looks: Sequence[Look]
    earlier: Callable[[], Iterable[Earlier]]
    anchor: Anchor | None
    drift_s: float | None
    clock_measured_at: datetime | None
    standing: Mapping[Fault, Finding]


def judge(facts: Facts) -> tuple[Finding, ...]:
    """What is wrong with a camera now, the gravest first."""
    clock = _clock(facts)
    found = (
        _silent(facts),
        _black(facts),
        _frozen(facts),
        _moved(facts),
        # A clock that was set back by an hour makes every file look an hour late.
        None if clock is not None and "shift_s" in clock.figures else _late(facts),
        clock,
    )
    return tuple(each for each in found if each is not None)


def _silent(facts: Facts) -> Finding | None:
    since = facts.last_arrival
    if since is None or facts.habit is None:
        return None
    for fault in (Fault.SILENT, Fault.UNREADABLE):
        before = facts.standing.get(fault)
        if before is not None and before.since == since:
            return before
    watched = facts.watched_since
    if watched is None or facts.now < max(watched + WATCHED_LEAST, since + SILENT_LEAST):
        return None
    missed = expected(facts.habit, since, facts.now, zone=facts.zone, holiday=facts.holiday)
    if missed < max(MISSED_LEAST, MISSED_FACTOR * facts.habit.usual):
        return None
    if facts.unread:
        return Finding(Fault.UNREADABLE, since, {"files": facts.unread})
    return Finding(Fault.SILENT, since, {"expected": round(missed)})


def _late(facts: Facts) -> Finding | None:
    habit = facts.habit
    if habit is None or habit.lag_s is None or habit.lag_high_s is None:
        return None
    limit = max(LATE_FACTOR * habit.lag_high_s, habit.lag_s + LATE_LEAST.total_seconds())
    # The newest by time, not by arrival: an archive that is taken in makes no camera late.
    some = [each for each in facts.newest if each.dated][:PICTURES]
    lags = [(each.arrived_at - each.ended_at).total_seconds() for each in some]
    if len(lags) < PICTURES or min(lags) <= limit:
        return None
    before = facts.standing.get(Fault.LATE)
    since = before.since if before else min(each.arrived_at for each in some)
    return Finding(
        Fault.LATE, since, {"late_s": round(median(lags)), "usual_s": round(habit.lag_s)}
    )


def _clock(facts: Facts) -> Finding | None:
    figures = _clock_figures(facts)
    if figures is None:
        return None
    before = facts.standing.get(Fault.CLOCK)
    return Finding(Fault.CLOCK, before.since if before else facts.now, figures)


def _clock_figures(facts: Facts) -> dict[str, int] | None:
    """What shows that a clock is wrong: a shift of what arrives, a contradiction, or its drift."""
    since = facts.clock_measured_at
    newest = [each for each in facts.newest if since is None or each.arrived_at >= since][:_NEWEST]
    lags = [(each.arrived_at - each.ended_at).total_seconds() for each in newest if each.dated]
    if len(lags) == _NEWEST:
        middle = median(lags)
        scatter = max(lags) - min(lags)
        if middle < -CLOCK_LEAST_S:
            return {"shift_s": round(middle)}  # nothing arrives before it ends
        # A slow line scatters; a clock moves all alike. What was found so ends when it is over.
        steady = facts.anchor is not None and (
            scatter <= max(_STEADY_S, 2 * facts.anchor.scatter_s) or Fault.CLOCK in facts.standing
        )
        if facts.anchor is not None and steady:
            shift = middle - facts.anchor.lag_s
            if abs(shift) > max(CLOCK_LEAST_S, CLOCK_NOISE * facts.anchor.scatter_s):
                return {"shift_s": round(shift)}
    elif len(newest) == _NEWEST and facts.anchor is not None and not lags:
        # Its files used to tell their time; now none is believed, for they lie in the future.
        return {"ahead": 1}
    apart = [abs(each.seconds) for each in facts.said if each.seconds is not None]
    if len(facts.said) >= _SAID and 2 * len(apart) >= len(facts.said):
        return {"apart_s": round(median(apart))}
    if facts.drift_s is not None and abs(facts.drift_s) > CLOCK_LEAST_S:
        return {"drift_s": round(facts.drift_s)}
    return None


def _black(facts: Facts) -> Finding | None:
    before = facts.standing.get(Fault.BLACK)
    run = list(takewhile(lambda each: each.is_flat, facts.looks))
    if before is not None:
        return before if run or not facts.looks else None
    if not _lasts(run, DARK_LEAST) or not _is_new(facts, run, lambda each: each.flat):
        return None
    newest = run[0]
    figures = {"light": round(newest.light), "covered": int(newest.light >= BLACK)}
    return Finding(Fault.BLACK, run[-1].at, figures)


def _frozen(facts: Facts) -> Finding | None:
    before = facts.standing.get(Fault.FROZEN)
    if not facts.looks:
        return before
    newest = facts.looks[0]
    still = list(takewhile(lambda each: _is_same(each, newest), facts.looks))
    # No sensor gives the same values twice: where not one point differs, no sensor is asked.
    exact = list(takewhile(lambda each: each.mark == newest.mark, still))
    if before is not None:
        return before if still and not newest.is_flat and newest.at >= before.since else None
    if _lasts(exact, FROZEN_LEAST):
        return Finding(Fault.FROZEN, exact[-1].at)
    # A room where nobody is stands still, too: so only at hours at which it used not to.
    if _lasts(still, FROZEN_LEAST) and _is_new(facts, still, lambda each: each.still):
        return Finding(Fault.FROZEN, still[-1].at)
    return None


def _is_same(look: Look, newest: Look) -> bool:
    return look.still and not look.is_flat and abs(look.light - newest.light) <= SAME_LIGHT


def _is_new(facts: Facts, run: Sequence[Look], was: Callable[[Earlier], bool]) -> bool:
    """Whether what all of a run are was seldom so at this hour; or the run lasts for a whole day.

    Of an hour of which there were too few pictures nothing is said.
    """
    newest, oldest = run[0].at, run[-1].at
    if newest - oldest >= _WHOLE_DAY:
        return True
    hour = newest.astimezone(facts.zone).hour
    then = [
        was(each)
        for each in facts.earlier()
        if each.at < oldest and _near(each.at.astimezone(facts.zone).hour, hour)
    ]
    return len(then) >= PICTURES and sum(then) < SELDOM * len(then)


def _moved(facts: Facts) -> Finding | None:
    seen = [
        (each, each.likeness)
        for each in facts.looks
        if each.likeness is not None and not each.is_flat
    ]
    before = facts.standing.get(Fault.MOVED)
    if before is not None:
        again = seen[:PICTURES]
        back = len(again) == PICTURES and all(
            like >= LIKE_AGAIN and look.at > before.since for look, like in again
        )
        return None if back else before
    run = [look for look, _ in takewhile(lambda each: each[1] < UNLIKE, seen)]
    if not _lasts(run, MOVED_LEAST):
        return None
    return Finding(Fault.MOVED, run[-1].at, {"likeness_percent": round(100 * (seen[0][1]))})


def _lasts(run: Sequence[Look], least: timedelta) -> bool:
    return len(run) >= PICTURES and run[0].at - run[-1].at >= least


def _near(hour: int, other: int) -> bool:
    return (hour - other) % 24 in {23, 0, 1}


def drift(measured: Sequence[tuple[datetime, float, float]], now: datetime) -> float | None:
    """How far a clock has run off since its last measurement, as the last two of them show.

    Args:
        measured: When, the offset and its uncertainty in seconds; the newest first.
        now: UTC.

    Returns seconds, positive where it runs ahead; None where two measurements show nothing: fewer
    of them, less than a day apart, or no further apart than they are uncertain. A clock that was
    set between them shows a jump: a step of more than ten seconds a day, the worst of cheap quartz,
    is no drift.
    """
    if len(measured) < 2:  # noqa: PLR2004 - a drift takes two
        return None
    (last, offset, doubt), (first, before, doubt_before) = measured[:2]
    days = (last - first).total_seconds() / _DAY_S
    step = offset - before
    if days < 1 or abs(step) <= doubt + doubt_before or abs(step) > _WORST_DRIFT_S_A_DAY * days:
        return None
    return step / days * max(0.0, (now - last).total_seconds() / _DAY_S)


def likeness(outline: bytes, at: datetime, views: Sequence[View], zone: ZoneInfo) -> float | None:
    """How like a picture is to how the room looked, 0 to 1; None where too little is known.

    It is compared with the two views it is most like, as one alone may have been of the same crowd;
    so a room by day and by night, or a camera that turns between places, is known in each state.
    """
    if len(views) < VIEWS_ENOUGH or views[0].at - views[-1].at < VIEWS_SPAN:
        return None
    hour = at.astimezone(zone).hour
    hours = {each.at.astimezone(zone).hour for each in views}
    if not any((hour - each + VIEWS_HOURS) % 24 <= 2 * VIEWS_HOURS for each in hours):
        return None
    return sorted(alike(outline, each.outline) for each in views)[-2]


def steady(views: Sequence[View]) -> bool:
    """Whether views are of one room: nearly each is like another of them."""
    if len(views) < VIEWS_ENOUGH:
        return False
    some = views[:: max(1, len(views) // _COMPARED)]
    best = sorted(
        max(alike(one.outline, other.outline) for other in some if other is not one) for one in some
    )
    return best[len(best) // 10] >= ALIKE


def alike(one: bytes, other: bytes) -> float:
    """What edges two outlines share, of all there are in them: 0 to 1."""
    return sum(map(min, one, other)) / max(1, sum(map(max, one, other)))
