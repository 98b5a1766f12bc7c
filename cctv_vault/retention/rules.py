"""What a policy means: how long, from when, what matches, what is due, and why. Pure.

Facts in, decisions with their reasons out. Nothing here reads a clock or a table. Every rule names
its clause: S1..S20 are the requirements of the controller's published policy, table A the retention
table, both in the design's legal part.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cctv_vault.people.actors import Role
from cctv_vault.retention.policy import Purpose, StartsAt, add_months

UNMEASURED_S: Final = 4500.0
"""Uncertainty, in seconds, of a camera clock that was never measured: 75 minutes."""

REGISTER_YEARS: Final = 5
HASTE_REACHES: Final = timedelta(hours=24)
"""How far back "save now, explain later" reaches at most."""
_QUARTER: Final = timedelta(minutes=15)
_LOOK_AHEAD_DAYS: Final = 31
_ONGOING: Final = timedelta(days=1)  # an incident may still be going on when it is flagged
_LONGEST_LEAD: Final = timedelta(days=7)
_TRUSTED: Final = frozenset({"name", "container"})
ARRIVAL: Final = "arrival"
"""The source of a recording's time that owes nothing to the camera's clock."""


class ClockStart(StrEnum):
    """Whether a time was taken from the footage or from its arrival."""

    CAPTURE = "capture"
    ARRIVAL = "arrival"


@dataclass(frozen=True)
class Opening:
    """When a site is open, as far as retention asks: which days.

    ``weekdays`` holds 0 (Monday) to 6, or is None where no opening hours are given: then every day
    that is not closed counts. ``closed`` are public holidays and the site's own closed days;
    ``opened`` are days opened although they are closed days.
    """

    zone: ZoneInfo
    weekdays: frozenset[int] | None = None
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Whether anybody is in on that day."""
        if day in self.opened:
            return True
        if day in self.closed:
            return False
        return self.weekdays is None or day.weekday() in self.weekdays

    def first_open_after(self, day: date) -> date | None:
        """The first opening day after ``day``, or None within a month."""
        for ahead in range(1, _LOOK_AHEAD_DAYS + 1):
            candidate = day + timedelta(days=ahead)
            if self.is_open(candidate):
                return candidate
        return None


@dataclass(frozen=True)
class Term:
    """How long a purpose keeps something: from ``start`` to ``until``, and why so long.

    ``shortened_by`` is the later version of the policy that ends it sooner, None where none does.
    """

    start: datetime
    until: datetime
    reason: str
    shortened_by: int | None = None


def start_of_clock(
    captured: datetime, arrived: datetime, time_source: str
) -> tuple[datetime, ClockStart]:
    """When the clock of a capture purpose starts (table A, prevention).

    Capture where its time is trustworthy, otherwise arrival; a time in the future counts as
    arrival, so that a camera set to 2036 keeps nothing until then.
    """
    if time_source in _TRUSTED and captured <= arrived:
        return captured, ClockStart.CAPTURE
    return arrived, ClockStart.ARRIVAL


def base_until(
    purpose: Purpose, *, captured: datetime, arrived: datetime, time_source: str, opening: Opening
) -> Term:
    """Until when a recording is kept under the purpose of its origin.

    Prevention is 72 h, but not before noon of the first opening day after the recording, at most
    120 h (table A, S10; IMY allows longer over closed days).

    Args:
        purpose: The base purpose.
        captured: The end of the recording, UTC.
        arrived: When it was offered to the vault, UTC.
        time_source: ``name``, ``container`` or ``arrival``.
        opening: The opening days of the camera's site.
    """
    start, origin = start_of_clock(captured, arrived, time_source)
    if purpose.period is None:
        raise ValueError(f"the purpose {purpose.code} has no period and cannot keep by itself")
    until = purpose.period.after(start)
    reason = f"{purpose.en}: {purpose.period.text} from {origin.value}"
    if purpose.first_opening is not None:
        floor = _opening_floor(start, purpose.first_opening, opening)
        if floor is not None and floor > until:
            until = floor
            reason += f", until {purpose.first_opening:%H:%M} of the first opening day after it"
    if purpose.ceiling is not None and until > (ceiling := purpose.ceiling.after(start)):
        until = ceiling
        reason += f", at most {purpose.ceiling.text}"
    return Term(start, until, reason)


@dataclass(frozen=True)
class Basis:
    """What one version of the policy says of footage from a camera, from the start.

    ``effective_at`` is when the version takes effect, UTC; it may lie ahead.
    """

    version: int
    effective_at: datetime
    purpose: Purpose
    opening: Opening


def kept_under(
    bases: Sequence[Basis], *, captured: datetime, arrived: datetime, time_source: str
) -> tuple[Basis, Term]:
    """Under which version footage is kept from the start, and until when (S17).

    The version in force when its clock started; the first where none was. A later version never
    lengthens that, and shortens it from the moment it takes effect.

    Args:
        bases: What each version says, in the order of the versions; at least one.
        captured: As for `base_until`, with the next two.
        arrived: UTC.
        time_source: ``name``, ``container`` or ``arrival``.
    """
    start, _ = start_of_clock(captured, arrived, time_source)
    first = max((n for n, each in enumerate(bases) if each.effective_at <= start), default=0)
    terms = [
        base_until(
            each.purpose,
            captured=captured,
            arrived=arrived,
            time_source=time_source,
            opening=each.opening,
        )
        for each in bases[first:]
    ]
    term = terms[0]
    for basis, other in zip(bases[first + 1 :], terms[1:], strict=True):
        until = max(other.until, basis.effective_at)
        if until < term.until:
            reason = shortened(term.reason, basis.version)
            term = Term(start, until, reason, basis.version)
    return bases[first], term


def shortened(reason: str, version: int) -> str:
    """A grant's reason once a version of the policy has shortened it (S17)."""
    return f"{reason}; shortened by version {version} of the policy"


def _opening_floor(start: datetime, at: time, opening: Opening) -> datetime | None:
    day = opening.first_open_after(start.astimezone(opening.zone).date())
    if day is None:
        return None
    return datetime.combine(day, at, opening.zone).astimezone(UTC)


def quarter_hour(moment: datetime) -> datetime:
    """The quarter-hour (UTC) at or after a moment: when its purpose key goes."""
    moment = moment.astimezone(UTC)
    base = moment.replace(minute=0, second=0, microsecond=0)
    steps = -((base - moment) // _QUARTER)
    return base + steps * _QUARTER


def month_after(moment: datetime, *, years: int) -> datetime:
    """The first of the month (UTC) at or after ``moment`` + ``years``: a register month's end."""
    ahead = add_months(moment, years * 12)
    first = ahead.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first if first == ahead else add_months(first, 1)


# --- holds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """One camera's window: ``starts_at`` inclusive, ``ends_at`` exclusive, UTC."""

    camera: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Span:
    """When a recording was made, and how far off that may be (seconds, either way)."""

    started_at: datetime
    ended_at: datetime
    uncertainty_s: float


def matches(window: Window, widened_s: float, span: Span, *, drift_s: float = 0.0) -> bool:
    """Whether a recording may show something of a window.

    The window is widened by the greater of the camera's and the recording's own uncertainty (they
    are readings of the same clock, so they do not add up), and by ``drift_s``, how far the clock's
    measured offset has moved since the recording was indexed: a corrected clock may add recordings
    to a hold, never drop them.
    """
    slack = timedelta(seconds=max(widened_s, span.uncertainty_s) + abs(drift_s))
    starts, ends = window.starts_at - slack, window.ends_at + slack
    if span.started_at == span.ended_at:  # a still
        return starts <= span.started_at < ends
    return span.started_at < ends and span.ended_at > starts


def is_within(window: Window, others: Iterable[Window]) -> bool:
    """Whether the windows of the same camera cover one wholly."""
    reached = window.starts_at
    for other in sorted(others, key=lambda each: each.starts_at):
        if other.camera == window.camera and other.starts_at <= reached:
            reached = max(reached, other.ends_at)
    return reached >= window.ends_at


def window_faults(windows: Sequence[Window], now: datetime) -> list[str]:
    """What is wrong with the windows of a hold, in words; empty when nothing is."""
    faults = [] if windows else ["a hold needs at least one camera and window"]
    for each in windows:
        if each.ends_at <= each.starts_at:
            faults.append(
                f"the window of {each.camera} is empty or reversed: it ends "
                f"{_shown(each.ends_at)} and starts {_shown(each.starts_at)}"
            )
        elif each.starts_at > now:
            faults.append(
                f"the window of {each.camera} lies in the future (it starts "
                f"{_shown(each.starts_at)}, now is {_shown(now)}); a hold keeps what was recorded"
            )
        elif each.ends_at > now + _ONGOING:
            faults.append(
                f"the window of {each.camera} reaches more than a day into the future, to "
                f"{_shown(each.ends_at)}; a hold keeps what was recorded"
            )
    ordered = sorted(windows, key=lambda each: (each.camera, each.starts_at))
    faults += [
        f"two windows of {earlier.camera} overlap from {_shown(later.starts_at)}; give one"
        for earlier, later in itertools.pairwise(ordered)
        if earlier.camera == later.camera and later.starts_at < earlier.ends_at
    ]
    return faults


def hold_term(
    purpose: Purpose, placed: datetime, until: datetime | None
) -> tuple[datetime | None, list[str]]:
    """The end of a hold whose clock started at ``placed``, from what was asked or else the policy.

    For an order or a ban that is the day it was decided. What is extended is placed for one period
    and no longer (RB 27:16: 90 days, and 90 more where there are special reasons).

    Returns the end (None while open-ended) and the faults, in words.
    """
    if until is None:
        return (purpose.period.after(placed) if purpose.period else None), []
    faults = []
    if until <= placed:
        faults.append(f"a hold cannot end before it is placed ({_shown(until)})")
    longest = purpose.period or purpose.limit
    if longest is not None and until > longest.after(placed):
        faults.append(
            f"{purpose.code} keeps at most {longest.text}: until {_shown(longest.after(placed))} "
            f"({purpose.statute})"
        )
    return until, faults


def stored_only_faults(windows: Sequence[Window], decided: datetime) -> list[str]:
    """What of an order reaches beyond what was stored when it was decided (RB 27:16), in words."""
    return [
        f"the window of {each.camera} ends after the order was decided ({_shown(decided)}); an "
        "order reaches stored footage only (RB 27:16): send it back for clarification"
        for each in windows
        if each.ends_at > decided
    ]


def haste_faults(windows: Sequence[Window], now: datetime) -> list[str]:
    """What of a window cannot be saved in haste, in words (table A, save now).

    The last hours only: else one saving after another would keep anything for as long as anybody
    likes, and never with a reason.
    """
    return [
        f"what is saved now, to be explained, is of the last {HASTE_REACHES // timedelta(hours=1)} "
        f"hours; the window of {each.camera} starts {_shown(each.starts_at)}"
        for each in windows
        if each.starts_at < now - HASTE_REACHES
    ]


def ban_faults(sites: Iterable[str], *, over_15: bool) -> list[str]:
    """Why a trespass ban may not be kept for, in words (lag 2021:34, table A).

    Args:
        sites: The sites of its cameras.
        over_15: Whether whoever places it says that the person is 15 or older.
    """
    faults = []
    if len(set(sites)) > 1:
        faults.append("a trespass ban covers the premises of one shop; place one for each")
    if not over_15:
        faults.append(
            "a trespass ban is never kept for a person under 15; say that the person is older"
        )
    return faults


def shortened_hold(
    purpose: Purpose, *, placed: datetime, reported: datetime | None, extended: bool
) -> datetime | None:
    """When a hold ends by a newer policy, or None where no policy ends it (S17, table A).

    Only what the house keeps for itself: the end of an order, a ban or a case is somebody else's
    decision, and an extension is one of its own, with its own reason.

    Args:
        purpose: Its purpose in the newer policy.
        placed: When it was placed, UTC.
        reported: When a police report number was entered, UTC.
        extended: Whether somebody extended it.
    """
    if purpose.period is None or purpose.starts is not StartsAt.PLACING or extended:
        return None
    until = purpose.period.after(placed)
    if reported is not None and purpose.after_report is not None:
        until = max(until, purpose.after_report.after(reported))
    return until


def extension_faults(
    purpose: Purpose,
    *,
    roles: frozenset[Role],
    earlier: int,
    placed: datetime,
    present: datetime,
    until: datetime,
) -> list[str]:
    """Why somebody may not extend a hold from ``present`` to ``until``, in words (table A).

    ``earlier`` counts the extensions there were.
    """
    if purpose.extension is None:
        return [f"the policy lets nobody extend {purpose.code}; it ends {_shown(present)}"]
    faults = []
    if purpose.extend_by and not roles & frozenset(purpose.extend_by):
        faults.append(f"the policy lets only {' or '.join(purpose.extend_by)} extend it")
    if purpose.extensions is not None and earlier >= purpose.extensions:
        faults.append(f"it was extended {earlier} times, and the policy allows no more")
    longest = purpose.extension.after(present)
    if purpose.limit is not None:
        longest = min(longest, purpose.limit.after(placed))
    if until > longest:
        faults.append(f"one extension reaches to {_shown(longest)} at most ({purpose.statute})")
    return faults


def review_at(purpose: Purpose, placed: datetime, until: datetime | None) -> datetime | None:
    """When a hold must be looked at again (table A, the review column)."""
    if purpose.review is None:
        return None
    if not purpose.review_before_end:
        return purpose.review.after(placed)
    return None if until is None else max(placed, until - purpose.review.elapsed)


class Call(IntEnum):
    """How loudly a review is called for."""

    NONE = 0
    SOON = 1
    DUE = 2
    MISSED = 3


def review_calls(
    *, placed: datetime, review: datetime, until: datetime | None
) -> tuple[datetime, datetime, datetime]:
    """When a review is reminded of, when it is due (the first warning), and when it was missed.

    The reminder comes a tenth of the way before it, a week at most. The second warning follows as
    long after it, and no later than half way to the end, so that whoever has to decide is called
    twice before table A decides for them.
    """
    lead = min(_LONGEST_LEAD, max(timedelta(0), review - placed) / 10)
    after = lead if until is None else min(lead, max(timedelta(0), until - review) / 2)
    return review - lead, review, review + after


def review_call(
    now: datetime, *, placed: datetime, review: datetime | None, until: datetime | None
) -> Call:
    """How loudly a review is called for at ``now``."""
    if review is None:
        return Call.NONE
    return Call(sum(at <= now for at in review_calls(placed=placed, review=review, until=until)))


def next_review(purpose: Purpose, now: datetime, until: datetime | None) -> datetime | None:
    """When a hold that was just reviewed is looked at again (table A, S10).

    None where its end comes first.

    What repeats does, and so does whatever has no end.
    """
    if purpose.review is None or not (purpose.review_every or until is None):
        return None
    return purpose.review.after(now)


# --- grants -----------------------------------------------------------------------------------


def is_live(now: datetime, *, until: datetime | None, ended_at: datetime | None) -> bool:
    """Whether a grant keeps its recording readable: refused from its exact end (S10)."""
    return ended_at is None and (until is None or now < until)


@dataclass(frozen=True)
class GrantFacts:
    """A grant as the answer to "why is this still here" needs it."""

    purpose: str
    statute: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    reason: str


def why(grants: Iterable[GrantFacts], now: datetime) -> tuple[str, ...]:
    """Why a recording is still here: one sentence for each live grant, the latest end first."""
    live = [each for each in grants if is_live(now, until=each.until, ended_at=each.ended_at)]
    live.sort(key=lambda each: (each.until is not None, -(each.until or now).timestamp()))
    return tuple(
        f"{each.purpose} ({each.statute}), "
        + (f"until {_shown(each.until)}" if each.until else "until it is released")
        + f": {each.reason}"
        for each in live
    )


# --- the sweep --------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyFacts:
    """A purpose key before a sweep: ``live`` counts what it still keeps and must not lose."""

    id: str
    purpose: str
    expires_at: datetime | None
    retiring: bool
    live: int


@dataclass(frozen=True)
class SweepPlan:
    """Which purpose keys go, and which are replaced because something under them ended early."""

    destroy: tuple[str, ...] = field(default=())
    replace: tuple[str, ...] = field(default=())


def plan_sweep(keys: Iterable[KeyFacts], safe_until: datetime) -> SweepPlan:
    """What a sweep does to the purpose keys.

    A key past its quarter-hour goes. A retiring key goes when nothing lives under it and is
    replaced when something does, so that what ended cannot be opened from an old copy.
    """
    destroy: list[str] = []
    replace: list[str] = []
    for key in keys:
        if key.expires_at is not None and key.expires_at <= safe_until:
            destroy.append(key.id)
        elif key.retiring:
            (replace if key.live else destroy).append(key.id)
    return SweepPlan(tuple(sorted(destroy)), tuple(sorted(replace)))


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
