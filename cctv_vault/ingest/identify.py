"""Deciding when a recording was made, from its name, its container and its arrival.

Pure: facts in, one frozen decision out, with what was believed, how far it may be wrong, and every
contradiction as data and as a sentence. It refuses to hide doubt: what it cannot resolve widens the
uncertainty, so that a hold over a window catches the recording all the same.

Sign of the offset, here as everywhere: ``offset = shown − true``. A camera whose picture says 20:10
at 21:10 has the offset −3600 s, and ``true = shown − offset``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import combinations
from typing import Final, Literal

from cctv_vault.ingest.conventions import NameReading

TimeSource = Literal["name", "container", "arrival"]

# A camera whose clock nobody measured: an hour of forgotten summer time and fifteen minutes' drift.
UNMEASURED_S: Final = 4500.0
# Half a fold unresolved, or a time that was skipped, may be off by the hour the clocks moved.
FOLD_S: Final = 3600.0
_TWICE: Final = "The time shown occurred twice, when summer time ended; "
_ARRIVAL_S: Final = 60.0
_DISAGREE_S: Final = 60.0
_DRIFT_S_A_DAY: Final = 10.0
# A container's clock may run ahead of the vault's by this much and still be a clock.
_CONTAINER_AHEAD: Final = timedelta(minutes=10)
# The vault's own clock and the camera's, both right, may differ by this.
_SKEW: Final = timedelta(seconds=5)
# What is older shows a clock that was never set or lost its battery: 1904, 1970, zero, and 2000,
# where most recorders begin again and run on until somebody sets them.
_OLDEST: Final = datetime(2001, 1, 1, tzinfo=UTC)
# No recorder writes one file for longer than a day; a longer span is a misread name.
_LONGEST: Final = timedelta(days=1, hours=1)
# What a clock may well have drifted by; more than that asks for another reason.
_DRIFTED_S: Final = 300.0
# A file is sent soon after it ends; within this, arrival tells the two hours of a fold apart.
_PROMPT: Final = timedelta(hours=1)


@dataclass(frozen=True)
class ContainerTime:
    """The time a container states; naive where it means local time (AVI, EXIF, DAV)."""

    value: datetime


@dataclass(frozen=True)
class Disagreement:
    """Two sources that cannot both be right; ``seconds`` is the first minus the second."""

    first: TimeSource | Literal["zone", "date"]
    second: TimeSource
    seconds: float
    sentence: str


@dataclass(frozen=True)
class RecordingTime:
    """When a recording was made.

    ``started_at`` and ``ended_at`` are UTC, corrected by the measured offset; ``started_at`` is
    never after the arrival. ``uncertainty_s`` is how far ``started_at`` may be wrong either way.
    ``original_started`` is the time as it was read, before any correction, empty for arrival.
    ``clock_offset_s`` is what was taken off. ``notes`` are sentences on how doubts were settled.
    """

    started_at: datetime
    ended_at: datetime
    source: TimeSource
    uncertainty_s: float
    original_started: str
    clock_offset_s: float
    disagreements: tuple[Disagreement, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Neighbour:
    """A recording of the same stream whose time is settled; UTC, corrected."""

    started: datetime
    ended: datetime


@dataclass(frozen=True)
class _Facts:
    """What is known besides the claims; ``arrived`` in UTC, ``length`` as measured.

    ``written`` is when the file was last written, where the system tells: it may have waited.
    """

    arrived: datetime
    written: datetime
    length: timedelta
    zone: tzinfo
    offset: timedelta
    doubt_s: float
    measured: datetime | None
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class _Claim:
    """What one source says, as true time."""

    source: TimeSource
    started: datetime
    uncertainty_s: float
    original: str
    notes: tuple[str, ...] = ()
    hour_s: float = 0.0
    """Of the uncertainty, the hour of a recorder that may not have followed the clocks."""


def decide_time(
    *,
    reading: NameReading | None,
    container: ContainerTime | None,
    duration_s: float | None,
    arrived_at: datetime,
    zone: tzinfo,
    clock_offset_s: float,
    clock_uncertainty_s: float | None,
    clock_measured_at: datetime | None = None,
    written_at: datetime | None = None,
    neighbours: Sequence[Neighbour] = (),
) -> RecordingTime:
    """Decides from the name, else the container, else arrival minus duration.

    ``arrived_at`` is aware; ``zone`` is the camera's; ``clock_offset_s`` is shown minus true, and
    ``clock_uncertainty_s`` None where the clock was never measured, at ``clock_measured_at``
    otherwise. ``written_at`` and ``neighbours`` help to tell the two hours apart that have one name
    (`is_twofold`).

    Raises:
        ValueError: ``arrived_at`` is naive.
    """
    if arrived_at.tzinfo is None:
        raise ValueError("the time of arrival needs an offset")
    arrived = arrived_at.astimezone(UTC)
    length = timedelta(seconds=duration_s or 0.0)
    offset = timedelta(seconds=clock_offset_s)
    doubt = UNMEASURED_S if clock_uncertainty_s is None else clock_uncertainty_s

    written = min(arrived, (written_at or arrived).astimezone(UTC))
    facts = _Facts(
        arrived, written, length, zone, offset, doubt, clock_measured_at, tuple(neighbours)
    )
    by_name = _from_name(reading, facts)
    by_container = _from_container(container, facts)
    by_arrival = _Claim(
        "arrival", arrived - length, max(_ARRIVAL_S, length.total_seconds()), "",
    )  # fmt: skip
    notes: list[str] = []
    chosen = by_arrival
    if by_name is not None:
        if by_name.started < _OLDEST:
            notes.append("The time in the name is of a clock that was never set or lost its time.")
        elif by_name.started <= arrived + _SKEW:
            chosen = by_name
        else:
            notes.append("The time in the name lies after the arrival, so the arrival counts.")
            chosen = _in_doubt(by_arrival, by_name)
    elif by_container is not None:
        if by_container.started <= arrived + _SKEW:
            chosen = by_container
        else:
            notes.append("The container's time lies after the arrival, so the arrival counts.")
            chosen = _in_doubt(by_arrival, by_container)
    elif container is not None:
        notes.append(
            "The container's clock was never set or runs ahead of the arrival; it was not used."
        )
    if chosen.source == "arrival" and not notes:
        notes.append(
            "Neither name nor container tells the time; it is the arrival less the length."
        )

    claims = [claim for claim in (by_name, by_container, by_arrival) if claim is not None]
    disagreements = [
        found for pair in combinations(claims, 2) if (found := _compare(*pair, length)) is not None
    ]
    started = min(chosen.started, arrived)
    if reading is not None:
        disagreements += _inner_contradictions(reading, zone, chosen, started + offset)
    return RecordingTime(
        started_at=started,
        ended_at=_ended(reading, chosen, started, facts),
        source=chosen.source,
        uncertainty_s=chosen.uncertainty_s,
        original_started=chosen.original,
        clock_offset_s=0.0 if chosen.source == "arrival" else clock_offset_s,
        disagreements=tuple(disagreements),
        notes=(*notes, *chosen.notes),
    )


def _from_name(reading: NameReading | None, facts: _Facts) -> _Claim | None:
    if reading is None or reading.started is None:
        return None
    shown, extra, notes = _instant(reading.started, facts, dst=reading.dst_marked)
    if reading.clock_flips:
        ahead = reading.started.replace(tzinfo=facts.zone).utcoffset() or timedelta()
        extra += abs(ahead.total_seconds())
        notes = (*notes, "This device changes between UTC and local time by itself.")
    original = f"{reading.started.isoformat()} ({reading.convention}, {reading.clock})"
    hour, told = _not_followed(reading.started, shown, facts)
    doubt = facts.doubt_s + extra + hour
    return _Claim("name", shown - facts.offset, doubt, original, (*notes, *told), hour)


def _from_container(container: ContainerTime | None, facts: _Facts) -> _Claim | None:
    if container is None:
        return None
    shown, extra, notes = _instant(container.value, facts, dst=None)
    if shown < _OLDEST or shown - facts.offset > facts.arrived + _CONTAINER_AHEAD:
        return None
    local = "local" if container.value.tzinfo is None else "utc"
    original = f"{container.value.isoformat()} (container, {local})"
    hour, told = _not_followed(container.value, shown, facts)
    doubt = facts.doubt_s + extra + hour
    return _Claim("container", shown - facts.offset, doubt, original, (*notes, *told), hour)


def _instant(
    value: datetime, facts: _Facts, *, dst: bool | None
) -> tuple[datetime, float, tuple[str, ...]]:
    """The instant a shown time means, the doubt it adds in seconds, and sentences about it.

    The answer is on the camera's own clock, before the offset is taken off.
    """
    try:
        earlier, later = _both_folds(value, facts.zone)
    except OverflowError:  # the year 1 or 9999
        return _OLDEST - timedelta(days=1), 0.0, ()
    if earlier == later:
        return earlier, 0.0, ()
    if earlier > later:  # PEP 495: in a gap, fold 0 reads by the offset before it
        return earlier, FOLD_S, ("The time shown was skipped when summer time began.",)
    return _untangled(earlier, later, facts, dst=dst)


def _both_folds(value: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The two instants a local time may mean, the same one on all but two nights of the year."""
    if value.tzinfo is not None:
        return value.astimezone(UTC), value.astimezone(UTC)
    return (
        value.replace(tzinfo=zone, fold=0).astimezone(UTC),
        value.replace(tzinfo=zone, fold=1).astimezone(UTC),
    )


def _untangled(
    earlier: datetime, later: datetime, facts: _Facts, *, dst: bool | None
) -> tuple[datetime, float, tuple[str, ...]]:
    """Chooses between the two instants of an hour that occurred twice."""
    if dst is not None:
        mark = "the recorder marks it as " + ("summer" if dst else "normal")
        return (earlier if dst else later), 0.0, (_TWICE + mark + " time.",)
    ends, written = later + facts.length, facts.written + facts.offset
    # A clock that is off by the doubt makes what is nearer than that to the edge uncertain, too.
    slack = _SKEW + timedelta(seconds=min(facts.doubt_s, FOLD_S / 4))
    passed = _TWICE + "the second had not yet passed when the file arrived."
    if ends > written + slack:
        return earlier, 0.0, (passed,)
    first, second = (_beside(each - facts.offset, facts) for each in (earlier, later))
    if ends > written + _SKEW and not second.follows:
        return earlier, FOLD_S, (passed,)
    if written - ends <= _PROMPT:
        if second.taken or (first.follows and not first.taken and not second.follows):
            told = "what came before goes on with the first, though it arrived after the second."
            return earlier, FOLD_S, (_TWICE + told,)
        # Whoever sends late looks like that, too; what lies around it makes it sure.
        doubt = 0.0 if second.follows or first.taken else FOLD_S
        return later, doubt, (_TWICE + "the second is the nearest before the arrival.",)
    return _by_order((earlier, first), (later, second))


def _by_order(
    first: tuple[datetime, "_Beside"], second: tuple[datetime, "_Beside"]
) -> tuple[datetime, float, tuple[str, ...]]:
    """Chooses by what else was recorded; sure only where both places say the same."""
    for (at, here), (_, there), name in ((second, first, "first"), (first, second, "second")):
        if there.taken and not here.taken:
            doubt = 0.0 if here.follows else FOLD_S
            return at, doubt, (_TWICE + f"another recording has the {name}.",)
    if second[1].follows and not first[1].follows:
        return second[0], FOLD_S, (_TWICE + "another recording ended where the second begins.",)
    return first[0], FOLD_S, (_TWICE + "nothing tells which is meant, so the first is taken.",)


def _not_followed(value: datetime, shown: datetime, facts: _Facts) -> tuple[float, tuple[str, ...]]:
    """The hour of a recorder that may have stayed on the time it had when it was measured.

    Many do not follow summer time, which a measurement of the other half of the year cannot show.
    Forward there is proof where the hour more had not yet passed when the file was written. Back
    there is none: whoever sends soon after the end is taken to have followed, so a recorder that
    did not and sends an hour late is not noticed.
    """
    if value.tzinfo is not None or facts.measured is None:
        return 0.0, ()
    then, now = (each.astimezone(facts.zone).utcoffset() for each in (facts.measured, shown))
    moved = (now or timedelta()) - (then or timedelta())
    if not moved:
        return 0.0, ()
    late = facts.written - (shown - facts.offset + facts.length)
    slack = _SKEW + timedelta(seconds=min(facts.doubt_s, _DRIFTED_S))
    followed = late + slack < moved if moved > timedelta() else -slack <= late <= -moved / 2
    if followed:
        return 0.0, ()
    told = "The clocks were changed since this one was measured, and nothing tells if it followed."
    return abs(moved.total_seconds()), (told,)


def _in_doubt(arrival: _Claim, other: _Claim) -> _Claim:
    """The arrival, where another claim is an hour ahead of it: whoever did not follow sent late."""
    if not other.hour_s:
        return arrival
    return replace(
        arrival, uncertainty_s=max(arrival.uncertainty_s, other.uncertainty_s), notes=other.notes
    )


@dataclass(frozen=True)
class _Beside:
    """What neighbours say of a place in time: that one has it, that one ended where it begins."""

    taken: bool
    follows: bool


def _beside(started: datetime, facts: _Facts) -> _Beside:
    ended = started + facts.length
    return _Beside(
        taken=any(
            min(each.ended, ended) - max(each.started, started) > facts.length / 2
            for each in facts.neighbours
        ),
        follows=any(abs(each.ended - started) <= _SKEW for each in facts.neighbours),
    )


def is_twofold(reading: NameReading | None, zone: tzinfo) -> bool:
    """Whether a name's time occurred twice and nothing in the name tells the two apart."""
    if reading is None or reading.started is None or reading.dst_marked is not None:
        return False
    earlier, later = _both_folds(reading.started, zone)
    return earlier < later


def drifted(
    uncertainty_s: float | None, measured_at: datetime | None, now: datetime
) -> float | None:
    """How far a measured clock may be wrong by now, in seconds; None where it never was measured.

    A recorder's clock that nobody sets drifts by up to 10 s a day (115 ppm, the worst of cheap
    quartz in the cold), so that a measurement grows old.
    """
    if uncertainty_s is None or measured_at is None:
        return uncertainty_s
    days = max(0.0, (now - measured_at).total_seconds() / 86_400)
    return max(uncertainty_s, min(UNMEASURED_S, uncertainty_s + _DRIFT_S_A_DAY * days))


def _compare(one: _Claim, other: _Claim, length: timedelta) -> Disagreement | None:
    difference = (one.started - other.started).total_seconds()
    # Some recorders stamp a container when they close it, at the end.
    if {one.source, other.source} == {"name", "container"}:
        container_first = one.source == "container"
        at_end = difference - (length if container_first else -length).total_seconds()
        difference = min(difference, at_end, key=abs)
    if abs(difference) <= max(one.uncertainty_s, other.uncertainty_s) + _DISAGREE_S:
        return None
    sentence = (
        f"By its {_SPOKEN[one.source]} the recording began {_spoken(abs(difference))} "
        f"{'later' if difference > 0 else 'earlier'} than by its {_SPOKEN[other.source]}."
    )
    return Disagreement(one.source, other.source, difference, sentence)


def _inner_contradictions(
    reading: NameReading, zone: tzinfo, chosen: _Claim, shown_at: datetime
) -> list[Disagreement]:
    """What a name says beside its start: a local time next to an epoch, or a date alone."""
    if reading.shown is not None and reading.started is not None:
        both = [instant - reading.started for instant in _both_folds(reading.shown, zone)]
        off = min((each.total_seconds() for each in both), key=abs)
        if abs(off) > _DISAGREE_S:
            sentence = (
                f"The local time in the name is {_spoken(abs(off))} "
                f"{'ahead of' if off > 0 else 'behind'} what the camera's zone makes of the exact "
                "time beside it: the device is set to another zone."
            )
            return [Disagreement("zone", "name", off, sentence)]
    if reading.day is not None and reading.started is None:
        apart = (shown_at.astimezone(zone).date() - reading.day).days
        if apart:
            sentence = f"The name's date is {reading.day.isoformat()}, {abs(apart)} days away."
            return [Disagreement("date", chosen.source, -86_400.0 * apart, sentence)]
    return []


def _ended(
    reading: NameReading | None, chosen: _Claim, started: datetime, facts: _Facts
) -> datetime:
    """The name's end where its start was believed; else the start and what was measured."""
    if chosen.source == "name" and reading is not None and reading.started and reading.ended:
        began = started + facts.offset
        stated = [
            length
            for end in _both_folds(reading.ended, facts.zone)
            if timedelta() <= (length := end - began) <= _LONGEST
        ]
        if stated:  # two where the end falls into the hour that occurs twice
            return started + min(stated, key=lambda length: abs(length - facts.length))
    return started + facts.length


_SPOKEN: Final = {"name": "name", "container": "container", "arrival": "arrival"}


def _spoken(seconds: float) -> str:
    whole = round(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, last = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (last, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
