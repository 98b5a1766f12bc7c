"""The retention policy as a document: purposes, their periods, clocks, statutes and reviews. Pure.

Owns the form of the TOML document and refuses, in words, whatever it does not understand: a policy
that was half read would keep or destroy something nobody decided. What a policy means for a
recording is decided in `rules`; whether it may be published, in `policy_check`.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from cctv_vault.errors import InvalidInputError
from cctv_vault.people.actors import Role
from cctv_vault.retention.policy_lines import Path, line_of, lines_of

_UNITS: Final = {"h": "hours", "d": "days", "mo": "months", "y": "years"}
_MONTHS: Final = 12
_ANCHOR: Final = datetime(2023, 1, 1, tzinfo=UTC)
_ANSWERS: Final = ("purpose", "view", "sound")
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_VAGUE: Final = frozenset(
    {
        *("safety", "security", "surveillance", "monitoring", "cctv", "camera", "prevention"),
        *("säkerhet", "säkerheten", "trygghet", "bevakning", "övervakning", "kameraövervakning"),
        *("kamera", "for", "your", "and", "the", "general", "för", "och", "allmän", "din", "er"),
        *("av", "i", "lokalen", "of", "premises"),
    }
)
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DOCUMENT: Final = 256 * 1024
"""A policy is read by people; no document of theirs is longer than this many characters."""


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
    """What a missed review does (table A, its review column)."""

    NOTHING = "nothing"
    ENDS = "ends"
    ESCALATES = "escalates"


class Keep(StrEnum):
    """What a hold keeps of a recording once the purpose it was made for has ended."""

    RECORDING = "recording"
    WINDOW = "window"


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

    def exceeds(self, other: "Period") -> bool:
        """Whether it is the longer of the two, a year counted as an ordinary one."""
        return self.after(_ANCHOR) > other.after(_ANCHOR)


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
        cameras: The only cameras it keeps from the start; empty for all that no other names.
        reason: Why anything in it is longer than the guideline.
        first_opening: Not before this time of day on the first opening day after the recording.
        ceiling: Nor longer than this, opening day or not.
        limit: The longest a hold may be set to run from its placing.
        extension: The longest one extension may add.
        extend_by: The roles that may extend it; empty for whoever may manage it.
        extensions: How often it may be extended; None for as often as there is a reason.
        after_report: How long from the day a police report number is entered.
        review: When it must be looked at again, from the placing; for ``review_before_end`` from
            the end backwards.
        review_every: Whether the review repeats.
        review_before_end: Whether ``review`` counts back from the end.
        missed_review: What happens when nobody does.
        keep: What a hold keeps once the base purpose has ended: whole recordings, or its window.
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
    cameras: tuple[str, ...] = ()
    reason: str = ""
    first_opening: time | None = None
    ceiling: Period | None = None
    limit: Period | None = None
    extension: Period | None = None
    extend_by: tuple[Role, ...] = ()
    extensions: int | None = None
    after_report: Period | None = None
    review: Period | None = None
    review_every: bool = False
    review_before_end: bool = False
    missed_review: MissedReview = MissedReview.NOTHING
    keep: Keep = Keep.RECORDING


_PERIODS: Final = frozenset({"period", "ceiling", "limit", "extension", "after_report", "review"})
_SWITCHES: Final = frozenset({"hold", "backup", "review_every", "review_before_end"})
_NEEDED: Final = ("code", "sv", "en", "statute", "starts", "source")


@dataclass(frozen=True)
class IntakeRule:
    """What the register must say of a camera before anything of it is taken in (S2, S3).

    Attributes:
        require: Of ``purpose``, ``view`` and ``sound``, what must be answered.
        in_simulated: Whether that holds in simulated vaults too.
    """

    require: tuple[str, ...] = ()
    in_simulated: bool = False

    def unanswered(self, *, purpose: str, view: str, sound: str, simulated: bool) -> list[str]:
        """What of a camera is still to be answered; empty where its footage may come in."""
        if simulated and not self.in_simulated:
            return []
        said = {"purpose": "" if is_vague(purpose) else purpose, "view": view, "sound": sound}
        return [each for each in self.require if not said[each].strip()]


def is_vague(purpose: str) -> bool:
    """Whether a camera's purpose says nothing of that camera: "safety" alone (S3, EDPB § 15)."""
    words = re.findall(r"\w+", purpose.lower())
    return all(each in _VAGUE for each in words)


@dataclass(frozen=True)
class OnTheSpotRule:
    """Release before a decision, on the spot (DSL 2:5) and in an emergency: its figures.

    Attributes:
        alone_after_minutes: How long those who may approve have to answer before the person on
            duty may release alone.
        number_within_days: How long after it the case number may follow.
        review_within_working_days: By the end of which working day another person has reviewed it.
        emergency_minutes: The most footage that is handed over in an emergency before a decision.
    """

    alone_after_minutes: int = 15
    number_within_days: int = 7
    review_within_working_days: int = 1
    emergency_minutes: int = 120


_ON_THE_SPOT_MOST: Final = {
    "alone_after_minutes": 24 * 60,
    "number_within_days": 30,
    "review_within_working_days": 5,
    "emergency_minutes": 24 * 60,
}


@dataclass(frozen=True)
class IncidentCategory:
    """A category of incidents, with its words in both languages."""

    code: str
    sv: str
    en: str


CATEGORIES: Final = tuple(
    IncidentCategory(*each)
    for each in (
        ("theft", "stöld", "theft"),
        ("robbery", "rån", "robbery"),
        ("threat", "hot eller våld", "threat or violence"),
        ("damage", "skadegörelse", "vandalism"),
        ("accident", "olycka", "accident"),
        ("safety", "säkerhet", "safety"),
        ("trespass-ban", "tillträdesförbud", "trespass ban"),
        ("employee-crime", "misstänkt brott av anställd", "suspected crime by an employee"),
        ("other", "annat", "other"),
    )
)
"""The categories of incidents that every vault has."""


@dataclass(frozen=True)
class Fault:
    """Something in a policy document that cannot be, with its line counted from 1."""

    line: int
    sentence: str


@dataclass(frozen=True)
class Policy:
    """One version of the retention policy.

    Attributes:
        version: Counted from 1.
        holidays: The country whose public holidays are closed days.
        purposes: By code, in the document's order.
        effective_at: When it takes effect (UTC); None for its publication.
        intake: What a camera must answer first.
        on_the_spot: The figures of release on the spot.
        sites: For each site named, its opening days: ``mon`` … ``sun`` with hours, ``closed`` and
            ``opened`` with days like 2026-06-19. Other sites keep those of the register.
        categories: Of incidents, beside those every vault has.
    """

    version: int
    holidays: str
    purposes: Mapping[str, Purpose]
    effective_at: datetime | None = None
    intake: IntakeRule = IntakeRule()
    on_the_spot: OnTheSpotRule = OnTheSpotRule()
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    categories: tuple[IncidentCategory, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy document.

        Raises:
            InvalidInputError: It has faults; all of them are named, with their lines.
        """
        policy, faults = cls.read(text)
        if policy is None:
            words = "; ".join(f"line {each.line}: {each.sentence}" for each in faults)
            raise InvalidInputError(f"the policy cannot be used: {words}")
        return policy

    @classmethod
    def read(cls, text: str) -> tuple[Self | None, tuple[Fault, ...]]:
        """Read a policy document, or tell every fault of its form."""
        if len(text) > MAX_DOCUMENT:
            return None, (Fault(1, f"it is longer than {MAX_DOCUMENT} characters"),)
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at line (\d+)", str(error))
            # Without a place the fault is at the end.
            line = int(place[1]) if place else len(text.splitlines()) or 1
            return None, (Fault(line, f"it is no TOML document: {error}"),)
        reading = _Reading(text)
        policy = reading.policy(document)
        if policy is None:
            return None, tuple(sorted(reading.faults, key=lambda each: each.line))
        return cls(**policy), ()

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

    def base(self, origin: str, camera: str = "") -> Purpose:
        """The purpose that keeps a camera's footage of an origin from the start (S1).

        One that names the camera goes before the one for all.

        Raises:
            InvalidInputError: The policy names none.
        """
        found = [
            purpose
            for purpose in self.purposes.values()
            if purpose.base_for == origin and (not purpose.cameras or camera in purpose.cameras)
        ]
        if not found:
            raise InvalidInputError(f"the policy names no purpose for footage of origin {origin!r}")
        return max(found, key=lambda each: bool(each.cameras))


class _Reading:
    """One reading of a document: its values, and every fault of its form with its line."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._lines = lines_of(text)

    def policy(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """What `Policy` is made of, or None where there are faults."""
        known = {
            *("version", "holidays", "effective_at", "intake", "on_the_spot", "site", "purpose"),
            "category",
        }
        for each in sorted(document.keys() - known):
            self._fault((each,), f"there is no setting {each!r} in a policy")
        version, holidays = document.get("version"), document.get("holidays")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._fault(("version",), "'version' must be a number from 1")
        if not isinstance(holidays, str) or not holidays:
            self._fault(("holidays",), "'holidays' must name a country, like SE")
        effective_at = document.get("effective_at")
        if effective_at is not None and not (
            isinstance(effective_at, datetime) and effective_at.tzinfo
        ):
            self._fault(
                ("effective_at",),
                "'effective_at' must be a time with its offset, like 2026-03-01T00:00:00+01:00",
            )
        whole = {
            "version": version,
            "holidays": holidays,
            "effective_at": effective_at,
            "intake": self._intake(document.get("intake", {})),
            "on_the_spot": self._on_the_spot(document.get("on_the_spot", {})),
            "sites": self._sites(document.get("site", {})),
            "purposes": self._purposes(document.get("purpose")),
            "categories": self._categories(document.get("category", [])),
        }
        return None if self.faults else whole

    def _fault(self, path: Path, sentence: str) -> None:
        self.faults.append(Fault(line_of(self._lines, path), sentence))

    # --- intake and sites ---------------------------------------------------------------------

    def _intake(self, entry: object) -> IntakeRule:
        if not isinstance(entry, dict):
            self._fault(("intake",), "'intake' must be a table")
            return IntakeRule()
        for each in sorted(entry.keys() - {"require", "in_simulated"}):
            self._fault(("intake", each), f"intake: there is no setting {each!r}")
        require, simulated = entry.get("require", []), entry.get("in_simulated", False)
        if not isinstance(require, list) or any(each not in _ANSWERS for each in require):
            self._fault(
                ("intake", "require"), f"intake: 'require' lists some of {', '.join(_ANSWERS)}"
            )
            require = []
        if not isinstance(simulated, bool):
            self._fault(("intake", "in_simulated"), "intake: 'in_simulated' must be true or false")
        return IntakeRule(tuple(require), simulated is True)

    def _on_the_spot(self, entry: object) -> OnTheSpotRule:
        if not isinstance(entry, dict):
            self._fault(("on_the_spot",), "'on_the_spot' must be a table")
            return OnTheSpotRule()
        figures: dict[str, int] = {}
        for name, value in entry.items():
            most = _ON_THE_SPOT_MOST.get(name)
            at = ("on_the_spot", name)
            if most is None:
                self._fault(at, f"on_the_spot: there is no setting {name!r}")
            elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                self._fault(at, f"on_the_spot: {name!r} must be a number from 1 to {most}")
            else:
                figures[name] = value
        return OnTheSpotRule(**figures)

    def _sites(self, entry: object) -> dict[str, dict[str, Any]]:
        if not isinstance(entry, dict):
            self._fault(("site",), "'site' must hold tables, like [site.butik]")
            return {}
        sites: dict[str, dict[str, Any]] = {}
        for code, days in entry.items():
            if not isinstance(days, dict):
                self._fault(("site", code), f"site {code}: must be a table, like [site.{code}]")
                continue
            sites[code] = {}
            for name, value in days.items():
                try:
                    sites[code][name] = _days(name, value)
                except (TypeError, ValueError) as error:
                    self._fault(("site", code, name), f"site {code}: {name!r}: {error}")
        return sites

    def _categories(self, entries: object) -> tuple[IncidentCategory, ...]:
        found: dict[str, IncidentCategory] = {}
        if not isinstance(entries, list):
            self._fault(("category",), "'category' must be a list of tables, [[category]]")
            return ()
        for number, entry in enumerate(entries):
            at: Path = ("category", number)
            given = entry if isinstance(entry, dict) else {}
            words = {each: str(given.get(each, "")).strip() for each in ("code", "sv", "en")}
            if not all(words.values()) or given.keys() - words.keys():
                self._fault(at, "a category has 'code', 'sv' and 'en', and nothing else")
            elif not _CODE.fullmatch(words["code"]):
                self._fault(at, "a category's code is 1 to 31 of a-z, 0-9 and '-'")
            elif words["code"] in {*found, *(each.code for each in CATEGORIES)}:
                self._fault(at, f"the category {words['code']!r} is there already")
            else:
                found[words["code"]] = IncidentCategory(**words)
        return tuple(found.values())

    # --- purposes -----------------------------------------------------------------------------

    def _purposes(self, entries: object) -> dict[str, Purpose]:
        purposes: dict[str, Purpose] = {}
        seen: set[str] = set()
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            purpose = self._purpose(entry, ("purpose", number))
            code = entry.get("code") if isinstance(entry, dict) else None
            if isinstance(code, str) and code in seen:
                self._fault(("purpose", number, "code"), f"the purpose {code!r} stands there twice")
            elif isinstance(code, str):
                seen.add(code)
                if purpose is not None:
                    purposes[code] = purpose
        if not isinstance(entries, list) or not entries:
            # An empty list of purposes would read as "erase everything"; it is an error instead.
            self._fault(("purpose",), "it names no purposes")
        return purposes

    def _purpose(self, entry: object, at: Path) -> Purpose | None:
        if not isinstance(entry, dict):
            self._fault(at, "a purpose must be a table")
            return None
        where = f"purpose {entry.get('code', 'without code')}"
        known = {each.name for each in fields(Purpose)}
        before = len(self.faults)
        for each in sorted(entry.keys() - known):
            self._fault((*at, each), f"{where}: there is no setting {each!r}")
        for each in _NEEDED:
            if not isinstance(entry.get(each), str) or not str(entry[each]).strip():
                self._fault((*at, each), f"{where}: {each!r} must be given")
        values: dict[str, Any] = {}
        for name in sorted(entry.keys() & known):
            try:
                values[name] = _value(name, entry[name])
            except ValueError as error:
                self._fault((*at, name), f"{where}: {name!r}: {error}")
        if values.get("period") is None and "period" not in entry and not values.get("hold"):
            self._fault(at, f"{where}: only a hold may lack a 'period' (S10)")
        if values.get("hold") and values.get("period") is None and values.get("review") is None:
            self._fault(at, f"{where}: what has no end needs a 'review' (S10)")
        if values.get("keep") is Keep.WINDOW and not values.get("hold"):
            self._fault((*at, "keep"), f"{where}: only a hold has a window to keep")
        return Purpose(**values) if len(self.faults) == before else None


def _value(name: str, value: object) -> object:
    """A setting of a purpose, read.

    Raises:
        ValueError: It means nothing.
    """
    reader = _READERS.get(name)
    if reader is not None:
        return reader(value)
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - a fault of the document
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must be a number from 1")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


def _one_of(kind: type[StrEnum], value: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is none of {', '.join(kind)}") from None


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    **dict.fromkeys(_PERIODS, lambda value: Period.parse(_text(value))),
    **dict.fromkeys(_SWITCHES, _switch),
    "extensions": _count,
    "cameras": _texts,
    "extend_by": lambda value: tuple(_one_of(Role, each) for each in _texts(value)),
    "starts": lambda value: _one_of(StartsAt, _text(value)),
    "missed_review": lambda value: _one_of(MissedReview, _text(value)),
    "keep": lambda value: _one_of(Keep, _text(value)),
    "first_opening": lambda value: time.fromisoformat(_text(value)),
}


def _days(name: str, value: Any) -> list[Any]:  # noqa: ANN401 - a stranger's document
    """Opening hours of a weekday, or days closed or opened, each in its one form.

    Raises:
        ValueError: It means nothing.
    """
    if name in {"closed", "opened"}:
        return [_day(each) for each in _list(value)]
    if name not in WEEKDAYS:
        raise ValueError(f"a site knows {', '.join(WEEKDAYS)}, closed and opened")
    hours = [[_hour(each) for each in _list(pair)] for pair in _list(value)]
    if any(len(pair) != 2 or pair[0] >= pair[1] for pair in hours):  # noqa: PLR2004 - from and to
        raise ValueError('hours read like [["10:00", "18:00"]], the first before the second')
    return hours


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be a list")  # noqa: TRY004 - a fault of the document
    return value


def _day(value: object) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError(f"{str(value)!r} is no day; write one like 2026-06-19") from None


def _hour(value: object) -> str:
    if value == "24:00":
        return "24:00"
    try:
        return time.fromisoformat(str(value)).strftime("%H:%M")
    except ValueError:
        raise ValueError(f"{str(value)!r} is no time of day; write one like 10:00") from None
