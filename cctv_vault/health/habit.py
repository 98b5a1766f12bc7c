"""What a camera usually does: learned from what it delivered, hour by hour of the week.

Pure. Owns how many files are expected in a stretch of time, and what of the past teaches nothing.
A camera that records on motion is expected to send nothing while nobody is there: only hours in
which it used to send count. It refuses to expect anything before enough is known: until every
weekday was seen three times, and of the first holidays, only what the camera sends at its quietest
hours.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

WINDOW: Final = timedelta(days=28)
"""How far back is looked: each weekday four times, so that one odd week does not make a habit."""
ENOUGH_DAYS: Final = 3
"""Whole days, and days of one weekday, before anything is expected of them: two may be chance."""

_HOLIDAY: Final = 7  # the kind of day after Monday (0) to Sunday (6)
# A busier hour than nineteen of twenty is an archive that was taken in, or a queue that came loose.
_BUSY: Final = 0.95
# Nine of ten hours bring more than the quietest; nine of ten days miss less than the worst.
_QUIET: Final = 0.1
_WORST: Final = 0.9
_LATE: Final = 0.9
# Fewer say nothing of how long files take.
_ENOUGH_FILES: Final = 20
# Where fewer files a day are usual, a day without any may be chance.
_SURE_FILES: Final = 10
_HOUR: Final = timedelta(hours=1)

Holiday = Callable[[date], bool]
"""Whether a local day is one on which the shop is closed although the weekday is not."""


class Delivery(NamedTuple):
    """A file: when it came and when what it shows ended, UTC; ``dated`` if a time of its own."""

    arrived_at: datetime
    ended_at: datetime
    dated: bool


@dataclass(frozen=True)
class Habit:
    """What a camera usually does.

    ``rates`` are files an hour for each local hour, for Monday to Sunday and for holidays; None for
    a kind of day that was seen too seldom, of which ``floor`` files an hour are expected. ``usual``
    is how many expected files were missing at the worst moment of nine days out of ten. ``lag_s``
    is how long files usually take from their end to their arrival, and ``lag_high_s`` what nine of
    ten take at most; None where too few have a time of their own.
    """

    days: int
    rates: tuple[tuple[float, ...] | None, ...]
    floor: float
    usual: float
    lag_s: float | None
    lag_high_s: float | None

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Habit":
        """As it was stored."""
        rates = tuple(None if each is None else tuple(each) for each in stored["rates"])
        return cls(**{**stored, "rates": rates})


def learn(
    deliveries: Sequence[Delivery], *, now: datetime, zone: ZoneInfo, holiday: Holiday
) -> Habit | None:
    """The habit that deliveries show, in the order of their arrival; None before enough is known.

    Args:
        deliveries: What arrived in the `WINDOW` before ``now``.
        now: UTC.
        zone: The camera's.
        holiday: See `Holiday`.
    """
    counts: dict[date, list[int]] = defaultdict(lambda: [0] * 24)
    for each in deliveries:
        local = each.arrived_at.astimezone(zone)
        counts[local.date()][local.hour] += 1
    days = _teaching(counts, now.astimezone(zone).date(), holiday)
    if len(days) < ENOUGH_DAYS:
        return None
    busy = _quantile([n for day in days for n in counts[day] if n], _BUSY)
    hours = {day: [min(n, busy) for n in counts[day]] for day in days}
    kinds: dict[int, list[list[float]]] = defaultdict(list)
    for day in days:
        kinds[_kind(day, holiday)].append(hours[day])
    # One weekday that is known beside others that are not would be judged by what those miss.
    every = all(len(kinds[kind]) >= ENOUGH_DAYS for kind in range(_HOLIDAY))
    lags = sorted((each.arrived_at - each.ended_at).total_seconds() for each in _dated(deliveries))
    known = len(lags) >= _ENOUGH_FILES
    habit = Habit(
        days=len(days),
        rates=tuple(
            tuple(fmean(column) for column in zip(*kinds[kind], strict=True))
            if every and len(kinds[kind]) >= ENOUGH_DAYS
            else None
            for kind in range(_HOLIDAY + 1)
        ),
        floor=_quantile([n for each in hours.values() for n in each], _QUIET),
        usual=0.0,
        lag_s=median(lags) if known else None,
        lag_high_s=_quantile(lags, _LATE) if known else None,
    )
    # Days of a kind that is not known yet say little of how much may be missing of one that is.
    known_days = [day for day in days if habit.rates[_kind(day, holiday)] is not None]
    worst: dict[date, float] = dict.fromkeys(known_days or days, 0.0)
    for before, after in pairwise(each.arrived_at for each in deliveries):
        day = after.astimezone(zone).date()
        # A gap over a day that teaches nothing was no habit, however it is counted.
        if day in worst and before.astimezone(zone).date() in worst:
            missing = expected(habit, before, after, zone=zone, holiday=holiday)
            worst[day] = max(worst[day], missing)
    return replace(habit, usual=_quantile(list(worst.values()), _WORST))


def expected(
    habit: Habit, start: datetime, end: datetime, *, zone: ZoneInfo, holiday: Holiday
) -> float:
    """How many files usually come in [start, end); of more than the `WINDOW`, of its end alone."""
    total, at = 0.0, max(start, end - WINDOW).astimezone(UTC)
    while at < end:
        local = at.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        after = min(end, at + _HOUR - into)
        rates = habit.rates[_kind(local.date(), holiday)]
        total += (habit.floor if rates is None else rates[local.hour]) * ((after - at) / _HOUR)
        at = after
    return total


def _teaching(counts: Mapping[date, Sequence[int]], today: date, holiday: Holiday) -> list[date]:
    """The whole days that show a habit, the first and the last that may be cut off left out.

    A weekday without any file, where most such weekdays have many, is one on which something was
    broken, or a holiday nobody entered.
    """
    if not counts:
        return []
    first = min(counts)
    days = [first + timedelta(days=n) for n in range(1, (today - first).days)]
    totals: dict[int, list[int]] = defaultdict(list)
    for day in days:
        totals[_kind(day, holiday)].append(sum(counts[day]) if day in counts else 0)
    some = {kind for kind, each in totals.items() if median(each) >= _SURE_FILES}
    some.discard(_HOLIDAY)
    return [day for day in days if day in counts or _kind(day, holiday) not in some]


def _kind(day: date, holiday: Holiday) -> int:
    return _HOLIDAY if holiday(day) else day.weekday()


def _dated(deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
    return (each for each in deliveries if each.dated)


def _quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0
