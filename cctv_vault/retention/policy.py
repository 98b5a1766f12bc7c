"""The retention policy as a document: purposes, their periods, clocks, statutes and reviews. Pure.

Owns the form of the TOML document and refuses, in words, whatever it does not understand: a policy
that was half read would keep or destroy something nobody decided. What a policy means for a
recording is decided in `rules`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from cctv_vault.errors import InvalidInputError

_UNITS: Final = {"h": "hours", "d": "days", "mo": "months", "y": "years"}
_MONTHS: Final = 12


class StartsAt(StrEnum):
    """What starts a purpose's clock."""

    CAPTURE = "capture"
    ARRIVAL = "arrival"
    PLACING = "placing"
    DECISION = "decision"
    CONSENT = "consent"
    RECEIPT = "receipt"
    CASE = "case"


class MissedReview(StrEnum):
    """What a missed review does (legal.md, after table A)."""

    NOTHING = "nothing"
    ENDS = "ends"
    ESCALATES = "escalates"


@dataclass(frozen=True)
class Period:
    """A length of time as written: ``72h``, ``30d``, ``24mo``, ``5y``.

    Hours and days are elapsed time (a day is 24 h); months and years follow the calendar in UTC.
    """

    text: str
    elapsed: timedelta
    months: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a period.

        Raises:
            ValueError: It is no positive number of h, d, mo or y.
        """
        number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = _UNITS.get(text[len(number) :])
        if unit is None or not number.isascii() or not number.isdigit() or int(number) == 0:
            raise ValueError(f"{text!r} is no period; write one like 72h, 30d, 24mo or 5y")
        count = int(number)
        if unit in {"months", "years"}:
            return cls(text, timedelta(), count * (1 if unit == "months" else _MONTHS))
        return cls(text, timedelta(**{unit: count}), 0)

    def after(self, moment: datetime) -> datetime:
        """The moment this long after another; a day the month lacks becomes its last."""
        return add_months(moment, self.months) + self.elapsed


def add_months(moment: datetime, months: int) -> datetime:
    """``moment`` in UTC, moved by calendar months; 31 January + 1 month is 28 or 29 February."""
    moment = moment.astimezone(UTC)
    if months == 0:
        return moment
    year, month = divmod(moment.year * _MONTHS + moment.month - 1 + months, _MONTHS)
    first = moment.replace(year=year, month=month + 1, day=1)
    next_year, next_month = divmod(year * _MONTHS + month + 1, _MONTHS)
    last = (first.replace(year=next_year, month=next_month + 1) - timedelta(days=1)).day
    return first.replace(day=min(moment.day, last))


@dataclass(frozen=True)
class Purpose:
    """Why footage may be kept, on what ground, and for how long.

    Attributes:
        code: Stable, in the log.
        sv: What it is, in Swedish.
        en: The same in English.
        statute: The statute code as printed; never a conclusion of ours.
        starts: What starts the clock.
        period: How long, or None where only a decision ends it.
        source: The clause it comes from.
        hold: Whether it is a hold over windows.
        backup: Whether its keys enter backups.
        base_for: The origin whose footage is kept under it from the start, or None.
        first_opening: Not before this time of day on the first opening day after the recording.
        ceiling: Nor longer than this, opening day or not.
        limit: The longest a hold may be set to run from its placing.
        extension: The longest one extension may add.
        after_report: How long from the day a police report number is entered.
        review: When it must be looked at again, from the placing; for ``review_before_end`` from
            the end backwards.
        review_every: Whether the review repeats.
        review_before_end: Whether ``review`` counts back from the end.
        missed_review: What happens when nobody does.
    """

    code: str
    sv: str
    en: str
    statute: str
    starts: StartsAt
    source: str
    period: Period | None = None
    hold: bool = False
    backup: bool = True
    base_for: str | None = None
    first_opening: time | None = None
    ceiling: Period | None = None
    limit: Period | None = None
    extension: Period | None = None
    after_report: Period | None = None
    review: Period | None = None
    review_every: bool = False
    review_before_end: bool = False
    missed_review: MissedReview = MissedReview.NOTHING


_PERIODS: Final = frozenset({"period", "ceiling", "limit", "extension", "after_report", "review"})
_SWITCHES: Final = frozenset({"hold", "backup", "review_every", "review_before_end"})
_NEEDED: Final = ("code", "sv", "en", "statute", "starts", "source")


@dataclass(frozen=True)
class Policy:
    """One version of the retention policy."""

    version: int
    holidays: str
    purposes: Mapping[str, Purpose]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy document.

        Raises:
            InvalidInputError: It has faults; all of them are named.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInputError(f"the policy is no TOML document: {error}") from None
        faults: list[str] = []
        unknown = sorted(document.keys() - {"version", "holidays", "purpose"})
        faults += [f"there is no setting {each!r} in a policy" for each in unknown]
        version, holidays = document.get("version"), document.get("holidays")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            faults.append("'version' must be a number from 1")
        if not isinstance(holidays, str) or not holidays:
            faults.append("'holidays' must name a country, like SE")
        entries = document.get("purpose")
        purposes: dict[str, Purpose] = {}
        for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
            purpose = _purpose(entry, f"purpose {number}", faults)
            if purpose is not None and purpose.code in purposes:
                faults.append(f"the purpose {purpose.code!r} stands there twice")
            elif purpose is not None:
                purposes[purpose.code] = purpose
        if not purposes:
            # An empty list of purposes would read as "erase everything"; it is an error instead.
            faults.append("it names no purposes")
        if faults:
            raise InvalidInputError("the policy cannot be used: " + "; ".join(faults))
        return cls(int(str(version)), str(holidays), purposes)

    def purpose(self, code: str) -> Purpose:
        """The purpose of a code.

        Raises:
            InvalidInputError: There is none.
        """
        try:
            return self.purposes[code]
        except KeyError:
            raise InvalidInputError(
                f"there is no purpose {code!r}; the policy has {', '.join(sorted(self.purposes))}"
            ) from None

    def base(self, origin: str) -> Purpose:
        """The purpose that keeps footage of an origin from the start (S1).

        Raises:
            InvalidInputError: The policy names none.
        """
        for purpose in self.purposes.values():
            if purpose.base_for == origin:
                return purpose
        raise InvalidInputError(f"the policy names no purpose for footage of origin {origin!r}")


def _purpose(entry: object, where: str, faults: list[str]) -> Purpose | None:
    if not isinstance(entry, dict):
        faults.append(f"{where} must be a table")
        return None
    where = f"{where} ({entry.get('code', 'without code')})"
    known = {each.name for each in fields(Purpose)}
    before = len(faults)
    faults += [f"{where}: there is no setting {each!r}" for each in sorted(entry.keys() - known)]
    faults += [
        f"{where}: {each!r} must be given"
        for each in _NEEDED
        if not isinstance(entry.get(each), str) or not str(entry[each]).strip()
    ]
    values: dict[str, Any] = {}
    for name in sorted(entry.keys() & known):
        try:
            values[name] = _value(name, entry[name])
        except ValueError as error:
            faults.append(f"{where}: {name!r}: {error}")
    if values.get("period") is None and not values.get("hold"):
        faults.append(f"{where}: only a hold may lack a 'period' (S10)")
    if values.get("hold") and values.get("period") is None and values.get("review") is None:
        faults.append(f"{where}: what has no end needs a 'review' (S10)")
    return Purpose(**values) if len(faults) == before else None


def _value(name: str, value: object) -> object:
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004
    if name in _PERIODS:
        return Period.parse(value)
    if name == "starts":
        return StartsAt(value)
    if name == "missed_review":
        return MissedReview(value)
    if name == "first_opening":
        return time.fromisoformat(value)
    return value
