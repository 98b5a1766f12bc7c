"""How values leave the services: as JSON for machines, and times as text, both ways."""

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cctv_vault.errors import InvalidInputError, NaiveTimeError

_YEARS: Final = range(1970, 2200)
_UTC: Final = re.compile(
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z\b|\+00:00)"
)


def iso(moment: datetime) -> str:
    """A time as ISO 8601 in UTC with ``Z``, with microseconds only when there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_local_time(sentence: str, zone: str) -> str:
    """A sentence for people: what it holds of times in UTC, on the clocks of an IANA zone.

    ``2026-03-01T08:00:00Z`` becomes ``2026-03-01 09:00:00 CET``; all else stays.
    """

    def told(found: re.Match[str]) -> str:
        try:
            local = datetime.fromisoformat(found[0]).astimezone(ZoneInfo(zone))
        except (ValueError, OverflowError):  # of that shape, but no time
            return found[0]
        return f"{local:%Y-%m-%d %H:%M:%S %Z}"

    return _UTC.sub(told, sentence)


def parse_time(text: str, zone: str) -> datetime:
    """Read an ISO 8601 time with an offset or ``Z`` into UTC.

    Raises:
        NaiveTimeError: It has no offset; ``zone`` is named in the message.
        InvalidInputError: It is no time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no time; write it like 2026-03-01T09:00:00+01:00"
        ) from None
    if moment.tzinfo is None:
        raise NaiveTimeError(text, zone)
    return within_calendar(moment)


def within_calendar(moment: datetime) -> datetime:
    """A time with an offset, in UTC, where windows and terms can still be counted from it.

    Raises:
        InvalidInputError: It is no time in which there are cameras.
    """
    if moment.year not in _YEARS:
        raise InvalidInputError(
            f"the year of a time is one of {_YEARS[0]} to {_YEARS[-1]}, not {moment.year}"
        )
    return moment.astimezone(UTC)


def to_json(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any view in, any JSON out
    """A view (dataclasses, times, bytes, enums, paths) as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: to_json(getattr(value, each.name)) for each in fields(value) if each.repr
        }
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return printable(str(value))
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(each) for each in value]
    return value


def printable(text: str) -> str:
    r"""Text that may hold bytes that are not UTF-8 (a file name), each shown as ``\xNN``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
