"""A request as it arrives, read strictly: what it may hold, and what each window then means.

Owns the JSON of a request, which the portal, the command line and the API speak alike. Refuses,
by name, every field it does not know, every time without an offset, every camera and place that
is not there, and windows that are reversed, overlapping or wholly in the future. It decides
nothing about whether the request is lawful.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from cctv_vault.disclosure.legal import ASKS_IN_DANGER, REQUESTERS, RESCUERS, find_ground
from cctv_vault.disclosure.windows import Told, Window, joined, outside
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.views import iso, parse_time

LANGUAGES: Final = ("sv", "en")
CHANNELS: Final = ("link", "usb", "in-person")
LONGEST_WINDOW: Final = timedelta(days=31)
MOST_ITEMS: Final = 20
_SHORT: Final = 200
_TURNS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_LONG: Final = 4000
_REQUESTER: Final = ("type", "authority", "unit", "name", "role", "email", "phone")
_GROUND: Final = ("code", "decision_maker", "document", "due", "decided_at")
_MATTER: Final = ("number", "offence")
_ITEM: Final = ("cameras", "site", "from", "to", "clock", "doubtful")
CLOCKS: Final = ("real", "picture")
"""What a window's times are: those of a true clock, or those read off the picture."""
MEASURED: Final = "measured"
"""Times of a true clock that an assessment looks for where the recordings tell them."""
_MEASURE: Final = ("taken", "protocol", "notified_on", "court_on")
_DANGER: Final = ("asked_by", "at_stake", "told")
_BODY: Final = (
    *("requester", "ground", "matter", "footage", "description", "language", "delivery"),
    *("measure", "danger"),
)


@dataclass(frozen=True)
class Places:
    """The cameras and sites there are: camera → (site, zone), site → zone.

    ``offsets`` says how many seconds a camera's clock shows more than the true time, ``taken_off``
    how many were taken off its recordings whose pictures show something between two times: what
    was sealed before the clock was measured is found by the time it was sealed under.
    """

    cameras: Mapping[str, tuple[str, str]]
    sites: Mapping[str, str]
    offsets: Mapping[str, float] = field(default_factory=dict)
    taken_off: Callable[[str, datetime, datetime], float | None] = lambda *_shown: None

    def of_site(self, site: str) -> tuple[str, ...]:
        """The cameras of a site, in order."""
        return tuple(sorted(code for code, (at, _) in self.cameras.items() if at == site))


@dataclass(frozen=True)
class Filing:
    """A request that means something; everything that names a person is kept out of its repr.

    ``places_named`` is False where no camera was named, so that all of the place are meant;
    ``due`` is the day that an order or an authority states for the answer. ``windows`` are in true
    time: where ``off_picture``, some were read off the picture and each camera's clock is taken
    off. ``doubtful`` are times that a change of the clocks has twice or not at all: the windows
    hold everything that may be meant, and somebody has to ask. ``decided_at``
    is when an order was decided: its time runs from there. ``measure`` is what is known of a
    seizure, search or copying: what was taken, the number of its protocol, and the days on which it
    was notified and on which a court is to review it. ``danger`` is what is said of an emergency:
    which of the rescuers asks, what life or health is at stake, and how that was told.
    """

    type: str
    ground: str
    language: str
    delivery: str
    site: str | None
    windows: tuple[Window, ...]
    places_named: bool
    footage: tuple[Mapping[str, Any], ...]
    requester: Mapping[str, str | None] = field(repr=False)
    decision_maker: str | None = field(repr=False)
    document: str | None = field(repr=False)
    number: str | None = field(repr=False)
    offence: str | None = field(repr=False)
    description: str = field(repr=False)
    due: date | None = None
    measure: Mapping[str, str] | None = field(default=None, repr=False)
    danger: Mapping[str, str] | None = field(default=None, repr=False)
    decided_at: datetime | None = None

    @property
    def off_picture(self) -> bool:
        """Whether a time was read off the picture."""
        return any(item.get("clock") == "picture" for item in self.footage)

    @property
    def doubtful(self) -> bool:
        """Whether a time has to be asked about."""
        return any(item.get("doubtful") is True for item in self.footage)

    def to_body(self) -> dict[str, Any]:
        """The request as it is kept: what arrived, cleaned of surrounding white space."""
        return {
            "requester": dict(self.requester),
            "ground": {
                "code": self.ground or None,
                "decision_maker": self.decision_maker,
                "document": self.document,
                "due": None if self.due is None else self.due.isoformat(),
                **({} if self.decided_at is None else {"decided_at": iso(self.decided_at)}),
            },
            "matter": {"number": self.number, "offence": self.offence},
            "footage": [dict(item) for item in self.footage],
            "description": self.description,
            "language": self.language,
            "delivery": self.delivery,
            **({} if self.measure is None else {"measure": dict(self.measure)}),
            **({} if self.danger is None else {"danger": dict(self.danger)}),
        }


def cameras_meant(body: object, places: Places) -> tuple[str, ...]:
    """The cameras whose locks filing this body needs; never raises, whatever the body is."""
    meant: set[str] = set()
    items = body.get("footage") if isinstance(body, dict) else None
    for item in items if isinstance(items, list) else ():
        named = item.get("cameras") if isinstance(item, dict) else None
        if isinstance(named, list) and named:
            meant.update(each for each in named if isinstance(each, str))
        else:
            meant.update(places.cameras)
    return tuple(sorted(meant & set(places.cameras)))


def read_request(body: object, places: Places, now: datetime, *, public: bool) -> Filing:
    """Read a request.

    Args:
        body: Decoded JSON.
        places: What cameras and sites there are.
        now: UTC; windows wholly after it are refused.
        public: Whether a stranger asks, who is not told which cameras there are.

    Raises:
        InvalidInputError: A field is unknown, missing or of the wrong kind; the message says
            where.
        NaiveTimeError: A time has no offset.
        NotFoundError: There is no such camera or site.
    """
    whole = _object(body, "request", _BODY, needs=("requester", "ground", "footage"))
    requester = _object(whole["requester"], "requester", _REQUESTER, needs=("type",))
    ground = _object(whole["ground"], "ground", _GROUND)
    matter = _object(whole.get("matter") or {}, "matter", _MATTER)
    type_ = requester["type"]
    if not isinstance(type_, str) or type_ not in REQUESTERS:
        raise InvalidInputError(f"requester.type must be one of: {', '.join(REQUESTERS)}")
    who = {name: _text(requester.get(name), f"requester.{name}", _SHORT) for name in _REQUESTER[1:]}
    if not (who["authority"] or who["name"]):
        raise InvalidInputError("requester.authority or requester.name must say who asks")
    windows, site, named = _windows(whole["footage"], places, now, public=public)
    return Filing(
        type=type_,
        ground=read_ground(ground.get("code")),
        language=_choice(whole.get("language") or "sv", "language", LANGUAGES),
        delivery=_choice(whole.get("delivery") or "link", "delivery", CHANNELS),
        site=site,
        windows=windows,
        places_named=named,
        footage=tuple(whole["footage"]),
        requester={"type": type_, **who},
        decision_maker=_text(ground.get("decision_maker"), "ground.decision_maker", _SHORT),
        document=_text(ground.get("document"), "ground.document", _SHORT),
        number=_text(matter.get("number"), "matter.number", _SHORT),
        offence=_text(matter.get("offence"), "matter.offence", _SHORT),
        description=_text(whole.get("description"), "description", _LONG) or "",
        due=read_day(ground.get("due"), "ground.due"),
        decided_at=read_decided(ground.get("decided_at"), now),
        measure=None if whole.get("measure") is None else _of_seizure(whole["measure"], type_),
        danger=None if whole.get("danger") is None else _of_danger(whole["danger"], type_),
    )


def read_decided(value: object, now: datetime) -> datetime | None:
    """When an order was decided, in UTC; None where it is not said.

    Raises:
        InvalidInputError: It is no time, or in the future.
        NaiveTimeError: It has no offset.
    """
    text = _text(value, "ground.decided_at", _SHORT)
    if text is None:
        return None
    decided = parse_time(text, "UTC")
    if decided > now:
        raise InvalidInputError("ground.decided_at: nothing is decided in the future")
    return decided


def read_measure(value: object) -> dict[str, str]:
    """What is known of a seizure, search or copying; only what is filled in.

    Raises:
        InvalidInputError: A field is unknown, or a day is none.
    """
    fields = _object(value, "measure", _MEASURE)
    days = {name: read_day(fields.get(name), f"measure.{name}") for name in _MEASURE[2:]}
    texts = {
        "taken": _text(fields.get("taken"), "measure.taken", _LONG),
        "protocol": _text(fields.get("protocol"), "measure.protocol", _SHORT),
        **{name: None if day is None else day.isoformat() for name, day in days.items()},
    }
    return {name: text for name, text in texts.items() if text is not None}


def _of_seizure(value: object, type_: str) -> dict[str, str]:
    if type_ != "seizure":
        raise InvalidInputError("only a seizure, a search or a copying is a measure")
    return read_measure(value)


def _of_danger(value: object, type_: str) -> dict[str, str]:
    if type_ not in ASKS_IN_DANGER:
        raise InvalidInputError("only an emergency or a request that is not of crime has a danger")
    fields = _object(value, "danger", _DANGER)
    by = fields.get("asked_by")
    texts = {
        "asked_by": None if by is None else _choice(by, "danger.asked_by", tuple(RESCUERS)),
        "at_stake": _text(fields.get("at_stake"), "danger.at_stake", _LONG),
        "told": _text(fields.get("told"), "danger.told", _LONG),
    }
    return {name: text for name, text in texts.items() if text is not None}


def read_ground(code: object) -> str:
    """The catalogue's spelling of a statute code; empty where none is given.

    Raises:
        InvalidInputError: It is not in the catalogue.
    """
    text = _text(code, "ground.code", _SHORT)
    if text is None:
        return ""
    known = find_ground(text)
    if known is None:
        admissible = ", ".join(sorted({base for row in REQUESTERS.values() for base in row.bases}))
        raise InvalidInputError(f"ground.code is not a known statute code; known: {admissible}")
    return known


def read_day(value: object, where: str) -> date | None:
    """A day such as 2026-03-01; None where none is given.

    Raises:
        InvalidInputError: It is no day.
    """
    text = _text(value, where, _SHORT)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{where} must be a day such as 2026-03-01") from None


def read_windows(
    footage: object,
    places: Places,
    now: datetime,
    told: Sequence[Told] | None = None,
) -> tuple[Window, ...]:
    """The windows of a ``footage`` list alone, as an assessment names them.

    ``told`` says where recordings tell what was asked for: a window whose ``clock`` is ``measured``
    is moved as the one that it is of.

    Raises:
        InvalidInputError: As `read_request`.
        NaiveTimeError: As `read_request`.
        NotFoundError: As `read_request`.
    """
    return _windows(footage, places, now, public=False, told=told)[0]


def read_note(text: str, where: str) -> str:
    """A sentence or more that a person wrote: not empty, not endless, no control characters.

    Raises:
        InvalidInputError: It is one of these.
    """
    read = _text(text, where, _LONG)
    if read is None:
        raise InvalidInputError(f"{where} must not be empty")
    return read


def _windows(
    footage: object,
    places: Places,
    now: datetime,
    *,
    public: bool,
    told: Sequence[Told] | None = None,
) -> tuple[tuple[Window, ...], str | None, bool]:
    if not isinstance(footage, list) or not 0 < len(footage) <= MOST_ITEMS:
        raise InvalidInputError(f"footage must be a list of 1 to {MOST_ITEMS} windows")
    windows: list[Window] = []
    sites: set[str] = set()
    named = True
    measured: list[Window] = []
    clocks = CLOCKS if told is None else (*CLOCKS, MEASURED)
    for number, item in enumerate(footage):
        where = f"footage[{number}]"
        fields = _object(item, where, _ITEM, needs=("from", "to"))
        cameras, site = _cameras(fields, where, places, public=public)
        named = named and site is None
        sites.update(places.cameras[each][0] for each in cameras)
        zone = places.cameras[cameras[0]][1]
        start = _time(fields["from"], f"{where}.from", zone)
        end = _time(fields["to"], f"{where}.to", zone)
        _check_span(start, end, now, where)
        if fields.get("doubtful") not in {None, True, False}:
            raise InvalidInputError(f"{where}.doubtful must be true or false")
        clock = _choice(fields.get("clock") or "real", f"{where}.clock", clocks)
        if clock == "real":
            windows += [Window(camera, start, end) for camera in cameras]
        elif clock == MEASURED:
            measured += [Window(camera, start, end) for camera in cameras]
        else:
            for camera in cameras:
                known = places.taken_off(camera, start, end)
                ahead = timedelta(
                    seconds=places.offsets.get(camera, 0.0) if known is None else known
                )
                windows.append(Window(camera, start - ahead, end - ahead))
    windows.sort()
    for earlier, later in pairwise(sorted((*windows, *measured))):
        if later.camera == earlier.camera and later.starts_at < earlier.ends_at:
            raise InvalidInputError(
                f"two windows of the camera {later.camera!r} overlap; join them into one"
                if not public
                else "two windows overlap; join them into one"
            )
    windows += [there for each in measured for there in _as_told(each, told or ())]
    found = joined(windows) if measured else tuple(windows)
    return found, next(iter(sites)) if len(sites) == 1 else None, named


def _as_told(window: Window, told: Sequence[Told]) -> tuple[Window, ...]:
    """A window of true time as the recordings tell the one asked for that it lies in."""
    of = [each for each in told if not outside((window,), (each.asked,))]
    return tuple(window.moved(each.told.starts_at - each.asked.starts_at) for each in of) or (
        window,
    )


def is_measured(footage: object) -> bool:
    """Whether some of the windows of a ``footage`` list say so of their ``clock``."""
    return isinstance(footage, list) and any(
        isinstance(each, dict) and each.get("clock") == MEASURED for each in footage
    )


def _cameras(
    fields: Mapping[str, Any], where: str, places: Places, *, public: bool
) -> tuple[tuple[str, ...], str | None]:
    """The cameras of one item, and the site where it stands for all of its cameras."""
    cameras = fields.get("cameras") or []
    if not isinstance(cameras, list) or not all(isinstance(each, str) for each in cameras):
        raise InvalidInputError(f"{where}.cameras must be a list of camera codes")
    site = fields.get("site")
    if site is not None and (not isinstance(site, str) or site not in places.sites):
        raise NotFoundError("site", str(site)[:60], f"there are: {', '.join(sorted(places.sites))}")
    for code in cameras:
        if code not in places.cameras or site not in {None, places.cameras[code][0]}:
            known = "" if public else f"there are: {', '.join(sorted(places.cameras))}"
            raise NotFoundError("camera", code[:60], known)
    if len(set(cameras)) != len(cameras):
        raise InvalidInputError(f"{where}.cameras names a camera twice")
    if cameras:
        return tuple(cameras), None
    if site is None and len(places.sites) == 1:
        site = next(iter(places.sites))
    if site is None:
        raise InvalidInputError(
            f"{where} must name cameras or the site; there are: {', '.join(sorted(places.sites))}"
        )
    of_site = places.of_site(site)
    if not of_site:
        raise InvalidInputError(f"{where}: there are no cameras at that place")
    return of_site, site


def _check_span(start: datetime, end: datetime, now: datetime, where: str) -> None:
    if end <= start:
        raise InvalidInputError(f"{where}: the window ends before it starts")
    if end - start > LONGEST_WINDOW:
        raise InvalidInputError(f"{where}: a window lasts at most {LONGEST_WINDOW.days} days")
    if start >= now:
        raise InvalidInputError(
            f"{where}: the window lies wholly in the future; there is no footage to ask for yet"
        )


def _time(value: object, where: str, zone: str) -> datetime:
    if not isinstance(value, str):
        raise InvalidInputError(f"{where} must be a time such as 2026-03-01T09:00:00+01:00")
    return parse_time(value[:_SHORT], zone)


def _object(
    value: object, where: str, known: Sequence[str], needs: Sequence[str] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{where} must be an object")
    unknown = sorted(str(name)[:60] for name in value if name not in known)
    if unknown:
        raise InvalidInputError(
            f"{where} has fields that are not known here: {', '.join(unknown)}; "
            f"known are: {', '.join(known)}"
        )
    missing = [name for name in needs if value.get(name) is None]
    if missing:
        raise InvalidInputError(f"{where} lacks {', '.join(missing)}")
    return value


def _text(value: object, where: str, longest: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInputError(f"{where} must be text")
    text = value.strip()
    if len(text) > longest:
        raise InvalidInputError(f"{where} has more than {longest} characters")
    if any(_is_no_text(each) for each in text):
        raise InvalidInputError(f"{where} holds characters that are not text")
    return text or None


def _is_no_text(sign: str) -> bool:
    """Whether it is no text of any language: control characters, and what turns a line around.

    With the latter a name could make the words beside it read as something else.
    """
    return sign not in "\n\t\r" and (
        unicodedata.category(sign) in {"Cc", "Cs"} or unicodedata.bidirectional(sign) in _TURNS
    )


def _choice(value: object, where: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise InvalidInputError(f"{where} must be one of: {', '.join(choices)}")
    return str(value)
