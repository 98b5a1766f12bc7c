"""The geometry of the timeline: what lies where, in per cent of the time that is shown. Pure.

Positions are of instants, so a day of 23 or 25 hours is drawn as long as it was; only the marks on
the axis follow the clocks of the zone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

SPANS: Final[dict[str, timedelta]] = {
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "31d": timedelta(days=31),
}
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_STRETCHED: Final = 1.05  # an autumn day has 25 hours
_MARKS: Final = (
    (timedelta(minutes=10), timedelta(minutes=1)),
    (timedelta(hours=1), timedelta(minutes=10)),
    (timedelta(hours=6), _HOUR),
    (timedelta(days=1), 3 * _HOUR),
    (timedelta(days=7), _DAY),
    (timedelta(days=32), 5 * _DAY),
)


class Shown(Protocol):
    """A recording, as far as the timeline is concerned."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def started_at(self) -> datetime: ...  # noqa: D102
    @property
    def ended_at(self) -> datetime: ...  # noqa: D102


@dataclass(frozen=True)
class Mark:
    """A mark on the axis."""

    at: datetime
    x: str
    label: str


@dataclass(frozen=True)
class Scale:
    """The time that is shown, from ``start`` to ``end`` (exclusive), on the clocks of ``zone``."""

    start: datetime
    end: datetime
    zone: str

    @classmethod
    def of(cls, start: datetime, span: str, zone: str) -> "Scale":
        """From ``start`` on; a day or more begins at a midnight and ends at one."""
        length = SPANS[span]
        if length < _DAY:
            return cls(start, start + length, zone)
        first = start.astimezone(ZoneInfo(zone)).date()
        return cls(_midnight(first, zone), _midnight(first + length, zone), zone)

    def moved(self, steps: int) -> datetime:
        """Where the view that lies ``steps`` further on starts."""
        length = self.end - self.start
        if length < _DAY - 2 * _HOUR:
            return self.start + steps * length
        first = self.start.astimezone(ZoneInfo(self.zone)).date()
        last = self.end.astimezone(ZoneInfo(self.zone)).date()
        return _midnight(first + steps * (last - first), self.zone)

    def share(self, moment: datetime) -> float:
        """Where an instant lies: 0 at the start, 1 at the end, never outside."""
        return min(1.0, max(0.0, (moment - self.start) / (self.end - self.start)))

    def x(self, moment: datetime) -> str:
        """Where an instant lies, as SVG takes it."""
        return _percent(self.share(moment))

    def width(self, start: datetime, end: datetime) -> str:
        """How wide a span is, as SVG takes it; never so narrow that it disappears."""
        return _percent(max(self.share(end) - self.share(start), 0.0012))

    def shows(self, moment: datetime) -> bool:
        """Whether an instant lies in view."""
        return self.start <= moment < self.end

    def marks(self) -> tuple[Mark, ...]:
        """The marks of the axis, on whole units of the zone's clocks."""
        length = self.end - self.start
        step = next((each for limit, each in _MARKS if length <= _STRETCHED * limit), 5 * _DAY)
        form = "%H:%M" if step < _DAY else "%d/%m"
        return tuple(
            Mark(at, self.x(at), at.astimezone(ZoneInfo(self.zone)).strftime(form).lstrip("0"))
            if step >= _DAY
            else Mark(at, self.x(at), at.astimezone(ZoneInfo(self.zone)).strftime(form))
            for at in self._instants(step)
        )

    def _instants(self, step: timedelta) -> Iterable[datetime]:
        zone = ZoneInfo(self.zone)
        local = self.start.astimezone(zone).replace(tzinfo=None)
        wall = datetime.combine(local.date(), time())
        while True:
            at = wall.replace(tzinfo=zone).astimezone(UTC)
            if at >= self.end:
                return
            # An hour that spring leaves out has no instant of its own.
            if at >= self.start and at.astimezone(zone).replace(tzinfo=None) == wall:
                yield at
            wall += step


def covering(recordings: Sequence[Shown], moment: datetime) -> Shown | None:
    """The recording that shows an instant, else the next one after it."""
    for each in recordings:
        if each.started_at <= moment < each.ended_at or each.started_at >= moment:
            return each
    return None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _percent(share: float) -> str:
    return f"{share * 100:.3f}%"
