"""Times, spans, durations and sizes as people read them, in both languages. Pure.

Every time shows its zone, by its abbreviation where it has one (CET, CEST), so that the doubled
hour of an autumn night is never in doubt. Dates are ISO 8601, as they are written in Sweden.
"""

from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from cctv_vault.views import parse_time, within_calendar

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1000
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def zone_name(moment: datetime, zone: str) -> str:
    """``CET``, or ``UTC+05:45`` where the zone has no abbreviation of letters."""
    local = moment.astimezone(ZoneInfo(zone))
    name = local.tzname() or ""
    return name if name.isalpha() else "UTC" + local.isoformat()[-6:]


def clock_time(moment: datetime, zone: str, *, seconds: bool = False) -> str:
    """``09:05`` or ``09:05:07``, without its zone: only where the zone stands beside it."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S" if seconds else "%H:%M")


def moment_words(moment: datetime, zone: str, *, seconds: bool = False) -> str:
    """``2026-03-01 09:05 CET``."""
    local = moment.astimezone(ZoneInfo(zone))
    form = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return f"{local.strftime(form)} {zone_name(moment, zone)}"


def span_words(start: datetime, end: datetime, zone: str, *, seconds: bool = False) -> str:
    """``2026-03-01 09:00–09:10 CET``, with the second date only where it is another."""
    form = "%H:%M:%S" if seconds else "%H:%M"
    first, last = (each.astimezone(ZoneInfo(zone)) for each in (start, end))
    opening = first.strftime(f"%Y-%m-%d {form}")
    if zone_name(start, zone) != zone_name(end, zone):
        opening += f" {zone_name(start, zone)}"
    closing = last.strftime(form if first.date() == last.date() else f"%Y-%m-%d {form}")
    return f"{opening}–{closing} {zone_name(end, zone)}"


def day_words(moment: datetime, zone: str, language: str) -> str:
    """``söndag 1 mars 2026``."""
    form = "EEEE d MMMM y"
    return format_date(moment.astimezone(ZoneInfo(zone)).date(), form, locale=language)


def duration_words(length: timedelta) -> str:
    """``2 d 4 h``, ``3 h 5 min``, ``40 s``: the two largest units, as both languages write them."""
    seconds = max(0, round(length.total_seconds()))
    parts = (
        (seconds // _DAY, "d"),
        (seconds % _DAY // _HOUR, "h"),
        (seconds % _HOUR // _MINUTE, "min"),
        (seconds % _MINUTE, "s"),
    )
    first = next((at for at, (number, _) in enumerate(parts) if number), len(parts) - 1)
    shown = [f"{number} {unit}" for number, unit in parts[first : first + 2] if number]
    return " ".join(shown) or "0 s"


def size_words(size: int, language: str) -> str:
    """``12,3 MB`` in Swedish, ``12.3 MB`` in English: decimal units, as on a disk's label."""
    amount, step = float(size), 0
    while amount >= _THOUSAND and step < len(_UNITS) - 1:
        amount, step = amount / _THOUSAND, step + 1
    form = "#,##0.0" if step else "#,##0"
    return f"{format_decimal(amount, format=form, locale=language)} {_UNITS[step]}"


def number_words(number: float, language: str) -> str:
    """``12 345`` in Swedish, ``12,345`` in English."""
    return format_decimal(number, format="#,##0.###", locale=language)


def read_time(text: str, zone: str, *, edge: Literal["start", "end"] = "start") -> datetime:
    """A time as typed or as a ``datetime-local`` field sends it, in UTC.

    One with an offset means what it says. One without is read on the clocks of ``zone``; where a
    change of the clocks has it twice or not at all, a window's start takes the earlier reading and
    its end the later, so that nothing that may be meant is left out (`is_doubtful` tells).

    Raises:
        InvalidInputError: It is no time.
    """
    clean = text.strip()
    try:
        moment = datetime.fromisoformat(clean)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        return parse_time(clean, zone)
    readings = [within_calendar(each) for each in _readings(moment, zone)]
    return min(readings) if edge == "start" else max(readings)


def is_doubtful(text: str, zone: str) -> bool:
    """Whether a time, typed without an offset, occurs twice or not at all on ``zone``'s clocks."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    if moment.tzinfo is not None:
        return False
    first, second = _readings(moment, zone)
    return first.utcoffset() != second.utcoffset()


def _readings(moment: datetime, zone: str) -> tuple[datetime, datetime]:
    local = moment.replace(tzinfo=ZoneInfo(zone))
    return local.replace(fold=0), local.replace(fold=1)


def exact_words(moment: datetime, zone: str) -> str:
    """``2026-03-01 09:00:12,240 CET``: a moment of one picture, to the millisecond."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S},{local.microsecond // 1000:03d} {local:%Z}"


def field_time(moment: datetime, zone: str) -> str:
    """A time as a ``datetime-local`` field takes it, on the clocks of ``zone``."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")
