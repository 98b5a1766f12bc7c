"""Who may ask for footage, on what ground, and what must be shown first. Pure data and rules.

Owns table B: one row per type of requester with evidence, admissible statute codes, approvers,
masking and deadline, and the uses that no ground admits. It stores and prints the code of the
statute and never a conclusion of its own. It refuses to know of any single request: what is met
and what is not is decided in ``workflow``.

DSL = lag (2018:218) med kompletterande bestämmelser till EU:s dataskyddsförordning; RB =
rättegångsbalken; KBL = kamerabevakningslag (2018:1200); AML = arbetsmiljölag (1977:1160); SFB =
socialförsäkringsbalk (2010:110); EIO = lag (2017:1000) om en europeisk utredningsorder.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cctv_vault.people.actors import Role


@dataclass(frozen=True)
class Words:
    """A text in both languages of the product."""

    sv: str
    en: str


class Masking(StrEnum):
    """How others in the picture are to be treated before release (table B, Redaction)."""

    NONE = "none"
    MINIMISE = "minimise"
    AS_ORDERED = "as-ordered"
    WHERE_TIME_ALLOWS = "where-time-allows"
    UNINVOLVED = "uninvolved"
    ALL_OTHERS = "all-others"

    @property
    def demanded(self) -> bool:
        """Whether nothing may be released without a masked derivative."""
        return self in {Masking.UNINVOLVED, Masking.ALL_OTHERS}


@dataclass(frozen=True)
class Deadline:
    """When the answer is due, counted from receipt.

    ``unit`` is minutes, hours, days, working-days or months; ``stated`` means that the order or
    the authority names the date.
    """

    unit: str
    amount: int = 0


@dataclass(frozen=True)
class Immediate:
    """Release before a second person's decision, reviewed afterwards by somebody else.

    ``limit`` bounds the footage in time; ``marked`` demands the mark for release on the spot.
    """

    kind: str
    limit: timedelta | None
    marked: bool


@dataclass(frozen=True)
class RequesterRule:
    """One row of table B.

    Attributes:
        type: The code in requests and in the log.
        name: The requester in words.
        evidence: What proves who asks and why.
        methods: The ways of verification that count for this requester.
        bases: Statute codes that can carry a release; empty where none can.
        approvers: Roles that may decide; empty where no decision is needed or possible.
        masking: What must be masked.
        deadline: When the answer is due.
        needs_number: Whether a matter or claim number must stand in the request.
        needs_document: Whether a written order, mandate or power of attorney must be there.
        needs_decider: Whether it must be said who decided the measure (RB 27:4).
        hears_hr: Whether the personnel department is heard before it is decided.
        hands_over: False where the ground only keeps footage (a preservation order).
        auto_refused: True where no ground exists at all.
        hold_purpose: The purpose of the freeze, or None where nothing is frozen.
        immediate: The path of release before decision, where the law has one.
        citation: Where the row comes from.
    """

    type: str
    name: Words
    evidence: Words
    methods: frozenset[str]
    bases: tuple[str, ...]
    approvers: frozenset[Role]
    masking: Masking
    deadline: Deadline
    citation: str
    needs_number: bool = False
    needs_document: bool = False
    needs_decider: bool = False
    hears_hr: bool = False
    hands_over: bool = True
    auto_refused: bool = False
    hold_purpose: str | None = "request"
    immediate: Immediate | None = None


CALL_BACK: Final = "call-back"
IN_PERSON: Final = "in-person"
SIGNED_ORDER: Final = "signed-order"
METHODS: Final[dict[str, Words]] = {
    CALL_BACK: Words(
        "motringning via den växel som myndigheten själv offentliggör",
        "call-back through the switchboard that the authority itself publishes",
    ),
    IN_PERSON: Words("legitimation visad på plats", "identity card shown in person"),
    SIGNED_ORDER: Words("undertecknat beslut eller fullmakt", "signed order or mandate"),
}

GROUNDS: Final[dict[str, Words]] = {
    "DSL 2:5": Words(
        "utlämnande som en brottsbekämpande myndighet har begärt",
        "disclosure that a law-enforcement authority has requested",
    ),
    "RB 23:14": Words(
        "rättens beslut under förundersökning", "court order during a criminal investigation"
    ),
    "RB 27:1": Words("beslag", "seizure"),
    "RB 27:4": Words("beslag vid fara i dröjsmål", "seizure where delay is dangerous"),
    "RB 27:16": Words("bevarandeföreläggande", "preservation order"),
    "RB 27:16 a": Words(
        "bevarandeföreläggande med yppandeförbud", "preservation order with a duty of silence"
    ),
    "RB 27:17 a": Words("kopiering", "copying by the authority"),
    "RB 28:1": Words("husrannsakan", "search of premises"),
    "RB 38:2": Words("editionsplikt", "duty to produce documents"),
    "RB 38:3": Words("edition enligt civilrättslig plikt", "production under a civil-law duty"),
    "RB 38:4": Words("editionsföreläggande", "order to produce documents"),
    "RB 38:5": Words("föreläggande om sättet för edition", "order on how to produce documents"),
    "RB 39:5": Words("tillhandahållande för syn", "production of an object for inspection"),
    "GDPR 6.1 c": Words("rättslig förpliktelse enligt angiven författning", "legal obligation"),
    "GDPR 6.1 d": Words("skydd för grundläggande intressen", "vital interests"),
    "GDPR 6.1 f": Words("berättigat intresse efter intresseavvägning", "legitimate interests"),
    "GDPR 15": Words("den registrerades rätt till tillgång", "right of access"),
    "GDPR 17": Words("den registrerades rätt till radering", "right to erasure"),
    "GDPR 58": Words("tillsynsmyndighetens befogenheter", "powers of the supervisory authority"),
    "KBL 24": Words("tillsyn över kamerabevakning", "supervision of camera surveillance"),
    "AML 7:3": Words("Arbetsmiljöverkets rätt till upplysningar", "work-environment inspection"),
    "SFB 110:31": Words("uppgiftsskyldighet för arbetsgivare", "employer's duty to inform"),
    "EIO 2017:1000": Words(
        "europeisk utredningsorder genom svensk åklagare",
        "European investigation order through a Swedish prosecutor",
    ),
}
GAG_CODE: Final = "RB 27:16 a"
ORDERED: Final = frozenset({"RB 23:14", "RB 27:1", "RB 27:4", "RB 27:17 a", "RB 28:1"})
"""Measures that somebody decided: without that name nothing shows that there was a decision."""
ERASURE: Final = "GDPR 17"
"""What somebody in the picture asks on who wants footage erased, not handed over."""
PROLONGABLE: Final = frozenset({"GDPR 15", ERASURE})
"""Grounds whose answer may take two months more where it is complex (GDPR 12.3)."""

_ANYONE: Final = frozenset({CALL_BACK, IN_PERSON, SIGNED_ORDER})
_WRITTEN: Final = frozenset({CALL_BACK, SIGNED_ORDER})
_PRIVACY: Final = frozenset({Role.PRIVACY_OFFICER})
_SECOND: Final = frozenset({Role.APPROVER, Role.PRIVACY_OFFICER})
_ONE_MONTH: Final = Deadline("months", 1)
PROLONGED_BY: Final = 2
"""Months by which an answer may be prolonged, once (GDPR 12.3)."""

ON_THE_SPOT_LIMIT: Final = timedelta(minutes=60)
BROAD: Final = timedelta(hours=4)
"""Camera time above which a police request is broad and needs the privacy officer (D)."""

_ROWS: Final = (
    RequesterRule(
        type="police",
        name=Words(
            "Polis, åklagare eller annan brottsbekämpande myndighet",
            "Police, prosecutor or other law enforcement",
        ),
        evidence=Words(
            "motringning, legitimation på plats eller undertecknat beslut; tidsfönster; "
            "brott och diarienummer när de finns",
            "call-back, service card in person or signed order; window; offence and case number "
            "where there are any",
        ),
        methods=_ANYONE,
        bases=("DSL 2:5", "RB 23:14", "RB 27:1", "RB 27:4", "RB 28:1"),
        approvers=_SECOND,
        masking=Masking.NONE,
        deadline=Deadline("working-days", 2),
        immediate=Immediate("on-the-spot", ON_THE_SPOT_LIMIT, marked=True),
        citation="DSL 2:5",
    ),
    RequesterRule(
        type="police-not-crime",
        name=Words("Polis, ej brott (försvunnen person, olycka)", "Police, not crime"),
        evidence=Words("motringning eller legitimation på plats", "call-back or in person"),
        methods=frozenset({CALL_BACK, IN_PERSON}),
        bases=("GDPR 6.1 d", "GDPR 6.1 f"),
        approvers=_PRIVACY,
        masking=Masking.WHERE_TIME_ALLOWS,
        deadline=Deadline("hours", 4),
        immediate=Immediate("vital", None, marked=True),
        citation="GDPR 6.1 d, else 6.1 f",
    ),
    RequesterRule(
        type="preservation-order",
        name=Words("Bevarandeföreläggande", "Preservation order"),
        evidence=Words("skriftligt beslut", "written decision"),
        methods=frozenset({SIGNED_ORDER, CALL_BACK}),
        bases=("RB 27:16", "RB 27:16 a"),
        approvers=frozenset(),
        masking=Masking.NONE,
        deadline=Deadline("minutes", 0),
        hands_over=False,
        hold_purpose="preservation-order",
        citation="RB 27:16",
    ),
    RequesterRule(
        type="seizure",
        name=Words("Beslag, husrannsakan eller kopiering", "Seizure, search or copying"),
        evidence=Words("legitimation och beslutsfattare", "identity and decision-maker"),
        methods=frozenset({IN_PERSON, SIGNED_ORDER}),
        bases=("RB 27:1", "RB 27:4", "RB 27:17 a", "RB 28:1"),
        approvers=frozenset(),
        masking=Masking.NONE,
        deadline=Deadline("minutes", 0),
        needs_decider=True,
        immediate=Immediate("compelled", None, marked=False),
        citation="RB 27:1, 27:4, 27:17 a, 28:1",
    ),
    RequesterRule(
        type="court",
        name=Words("Domstol", "Court"),
        evidence=Words("föreläggande", "court order"),
        methods=_WRITTEN,
        bases=("RB 23:14", "RB 38:2", "RB 38:3", "RB 38:4", "RB 38:5", "RB 39:5"),
        approvers=_PRIVACY,
        masking=Masking.AS_ORDERED,
        deadline=Deadline("stated"),
        needs_number=True,
        needs_document=True,
        citation="RB 23:14, 38:2-5, 39:5",
    ),
    RequesterRule(
        type="supervisor",
        name=Words("IMY eller Arbetsmiljöverket", "Supervisory authority"),
        evidence=Words("skriftlig begäran med lagrum", "written request citing the statute"),
        methods=_WRITTEN,
        bases=("GDPR 58", "KBL 24", "AML 7:3"),
        approvers=_PRIVACY,
        masking=Masking.MINIMISE,
        deadline=Deadline("stated"),
        needs_document=True,
        citation="GDPR 58, KBL 24, AML 7:3",
    ),
    RequesterRule(
        type="agency",
        name=Words("Försäkringskassan eller Skatteverket (skatt)", "Other public agency"),
        evidence=Words("angivet lagrum eller föreläggande", "cited statute or order"),
        methods=_WRITTEN,
        bases=("SFB 110:31", "GDPR 6.1 c"),
        approvers=_PRIVACY,
        masking=Masking.ALL_OTHERS,
        deadline=Deadline("stated"),
        needs_document=True,
        citation="GDPR 6.1 c with the statute cited",
    ),
    RequesterRule(
        type="insurer",
        name=Words("Försäkringsbolag", "Insurer"),
        evidence=Words("skadenummer och uppdrag", "claim number and mandate"),
        methods=_WRITTEN,
        bases=("GDPR 6.1 f",),
        approvers=_PRIVACY,
        masking=Masking.UNINVOLVED,
        deadline=Deadline("days", 10),
        needs_number=True,
        needs_document=True,
        citation="GDPR 6.1 f; EDPB 3/2019",
    ),
    RequesterRule(
        type="lawyer",
        name=Words("Ombud eller enskild med anspråk", "Lawyer or private claimant"),
        evidence=Words("fullmakt och anspråk", "power of attorney and claim"),
        methods=_ANYONE,
        bases=("GDPR 6.1 f", "RB 38:2", "RB 38:4"),
        approvers=_PRIVACY,
        masking=Masking.UNINVOLVED,
        deadline=Deadline("days", 30),
        needs_document=True,
        citation="GDPR 6.1 f, otherwise RB 38:2",
    ),
    RequesterRule(
        type="data-subject",
        name=Words("Den registrerade (den som syns i bild)", "Data subject (whoever is in it)"),
        evidence=Words("identitet, tid och plats", "identity, time and place"),
        methods=_ANYONE,
        bases=("GDPR 15",),
        approvers=_PRIVACY,
        masking=Masking.ALL_OTHERS,
        deadline=_ONE_MONTH,
        hold_purpose="access-request",
        citation="GDPR 12, 15",
    ),
    RequesterRule(
        type="employee",
        name=Words("Anställd eller facklig organisation", "Employee or union"),
        evidence=Words(
            "som den registrerade; facket: lag eller avtal",
            "as the data subject; a union: statute or agreement",
        ),
        methods=_ANYONE,
        bases=("GDPR 15", "GDPR 6.1 c", "GDPR 6.1 f"),
        approvers=_PRIVACY,
        masking=Masking.ALL_OTHERS,
        deadline=_ONE_MONTH,
        hears_hr=True,
        hold_purpose="access-request",
        citation="GDPR 12, 15",
    ),
    RequesterRule(
        type="media",
        name=Words("Medier, andra butiker, allmänhet", "Media, other shops, the public"),
        evidence=Words("ingen räcker", "none is enough"),
        methods=frozenset(),
        bases=(),
        approvers=frozenset(),
        masking=Masking.NONE,
        deadline=Deadline("days", 0),
        hands_over=False,
        auto_refused=True,
        hold_purpose=None,
        citation="KBL 22",
    ),
    RequesterRule(
        type="foreign-police",
        name=Words("Utländsk polis", "Foreign police"),
        evidence=Words("genom svensk åklagare", "through a Swedish prosecutor"),
        methods=_WRITTEN,
        bases=("EIO 2017:1000",),
        approvers=_PRIVACY,
        masking=Masking.NONE,
        deadline=Deadline("working-days", 1),
        needs_document=True,
        citation="EIO 2017:1000",
    ),
    RequesterRule(
        type="emergency",
        name=Words("Nödläge", "Emergency"),
        evidence=Words("112 eller motringning", "the emergency number or call-back"),
        methods=frozenset({CALL_BACK, IN_PERSON}),
        bases=("GDPR 6.1 d",),
        approvers=_SECOND,
        masking=Masking.NONE,
        deadline=Deadline("minutes", 30),
        immediate=Immediate("vital", None, marked=True),
        citation="GDPR 6.1 d",
    ),
)
REQUESTERS: Final[dict[str, RequesterRule]] = {row.type: row for row in _ROWS}

_MAY_ASK_TO_ERASE: Final = frozenset({"data-subject", "employee"})


def is_erasure(type_: str, ground: str) -> bool:
    """Whether a request is for footage to be erased and not for footage (S15)."""
    return type_ in _MAY_ASK_TO_ERASE and ground == ERASURE


def rule_of(type_: str, ground: str) -> RequesterRule:
    """The row of a request. One for erasure has the row's evidence, approver and deadline.

    It hands nothing over, and keeps nothing longer: what it asks for is that it goes.
    """
    row = REQUESTERS[type_]
    if not is_erasure(type_, ground):
        return row
    return replace(
        row,
        bases=(ERASURE,),
        masking=Masking.NONE,
        hands_over=False,
        hold_purpose=None,
        citation="GDPR 12, 17",
    )


EXCEPTIONS: Final[dict[str, Words]] = {
    "GDPR 17.3 a": Words(
        "rätten till yttrande- och informationsfrihet",
        "the right of freedom of expression and information",
    ),
    "GDPR 17.3 b": Words(
        "en rättslig förpliktelse att bevara", "a legal obligation that requires it to be kept"
    ),
    "GDPR 17.3 c": Words("folkhälsa", "public health"),
    "GDPR 17.3 d": Words("arkiv, forskning eller statistik", "archiving, research or statistics"),
    "GDPR 17.3 e": Words(
        "rättsliga anspråk: att fastställa, göra gällande eller försvara dem",
        "legal claims: to establish, exercise or defend them",
    ),
    "GDPR 17.1": Words(
        "ingen av de grunder som ger rätt till radering finns",
        "none of the grounds that give a right to erasure applies",
    ),
    "GDPR 12.2": Words(
        "den som begär kan inte identifieras i bilderna",
        "whoever asks cannot be identified in the footage",
    ),
}
"""Why footage is kept although its erasure was asked for: one of these stands in every such no."""

PROHIBITED: Final[dict[str, Words]] = {
    "marketing": Words(
        "marknadsföring: delas aldrig i försäljnings- eller marknadsföringssyfte (policyn, kat. E)",
        "marketing: never shared for sales or marketing (published policy, category E)",
    ),
    "sale": Words(
        "försäljning: bilder säljs aldrig (policyn, kat. E)",
        "sale: footage is never sold (published policy, category E)",
    ),
    "media": Words(
        "medier: obehörigen är all spridning förbjuden (KBL 22 §)",
        "media: secrecy binds whoever handles footage (KBL 22)",
    ),
    "other-shops": Words(
        "andra butiker: uppgifter om lagöverträdelser får inte spridas (GDPR art. 10, KBL 22 §)",
        "other shops: data on offences may not be passed on (GDPR 10, KBL 22)",
    ),
    "public": Words(
        "allmänheten: ingen grund finns (KBL 22 §)", "the public: there is no ground (KBL 22)"
    ),
    "google": Words(
        "Google: kategori E omfattas inte av delningen (policyn)",
        "Google: category E is not among what may be shared (published policy)",
    ),
}
"""Uses that no ground admits and nobody can approve (S6, S19)."""

RESCUERS: Final[dict[str, Words]] = {
    "sos-alarm": Words("SOS Alarm (112)", "the emergency number (112)"),
    "rescue": Words("räddningstjänsten", "fire and rescue service"),
    "police": Words("Polismyndigheten", "the police"),
    "health": Words("sjukvård eller ambulans", "hospital or ambulance"),
    "coast-guard": Words("Kustbevakningen eller sjöräddningen", "coast guard or sea rescue"),
}
"""Who is handed footage before a decision because life or health is at stake (D)."""
_POLICE_ONLY: Final = frozenset({"police"})
ASKS_IN_DANGER: Final[dict[str, frozenset[str]]] = {
    "emergency": frozenset(RESCUERS),
    "police-not-crime": _POLICE_ONLY,
}
"""Of each requester who is handed footage in an emergency, which of these can be the one."""
_RESCUER_WORDS: Final = (
    ("police", re.compile(r"^polismyndighet|^polis(en)?\b")),
    ("sos-alarm", re.compile(r"\bsos[ -]?alarm|\b112\b")),
    ("rescue", re.compile(r"räddningstj|brandk[åa]r|\bbrandf|fjällrädd")),
    ("coast-guard", re.compile(r"kustbevak|sjörädd")),
    ("health", re.compile(r"sjukhus|sjukvård|ambulans|akutmottag|vårdcentral|\bregion ")),
)


def rescuer_of(authority: str) -> str:
    """Which of the `RESCUERS` an authority's name says it is; empty where it says none."""
    name = authority.casefold()
    return next((code for code, words in _RESCUER_WORDS if words.search(name)), "")


_K_NUMBER: Final = re.compile(r"[0-9]{4}-K[0-9]{1,7}-[0-9]{2}")


def is_k_number(number: str) -> bool:
    """Whether a case number has the form of the Swedish police, for example 5000-K123456-26.

    Anything else (a prosecutor's AM number, a court's case number) is accepted as free text: a
    number of another form is a reason to ask, never to reject.
    """
    return _K_NUMBER.fullmatch(number) is not None


def find_ground(code: str) -> str | None:
    """The catalogue's spelling of a statute code, or None where it is not in the catalogue.

    Case, spaces and paragraph signs do not matter.
    """
    wanted = _squeezed(code)
    return next((known for known in GROUNDS if _squeezed(known) == wanted), None)


def is_working_day(day: date, holidays: AbstractSet[date]) -> bool:
    """Whether offices are open: Monday to Friday and no public holiday."""
    return day.isoweekday() <= 5 and day not in holidays  # noqa: PLR2004 - Friday


def deadline_at(
    deadline: Deadline,
    received: datetime,
    zone: ZoneInfo,
    holidays: AbstractSet[date],
    *,
    stated: date | None = None,
) -> datetime | None:
    """When an answer is due, in the zone of the place.

    Days run to their end: two working days after a Friday end with Tuesday. A month ends on the
    day of the same number, or on the last of a shorter month (regulation 1182/71, article 3).

    Args:
        deadline: The row's deadline.
        received: The time of receipt, aware.
        zone: The zone in which days begin.
        holidays: The public holidays of the years concerned.
        stated: The day that the order or the authority names; only a stated deadline heeds it.

    Returns:
        An aware time in ``zone``, or None where the order states the date and none was given.
    """
    day = received.astimezone(zone).date()
    match deadline.unit:
        case "minutes":
            return received + timedelta(minutes=deadline.amount)
        case "hours":
            return received + timedelta(hours=deadline.amount)
        case "days":
            return _end_of(day + timedelta(days=deadline.amount), zone)
        case "months":
            return _end_of(_months_later(day, deadline.amount), zone)
        case "working-days":
            left = deadline.amount
            while left:
                day += timedelta(days=1)
                left -= is_working_day(day, holidays)
            return _end_of(day, zone)
        case _:
            return None if stated is None else _end_of(stated, zone)


def prolonged(deadline: datetime, zone: ZoneInfo) -> datetime:
    """A deadline two months later: the end of the day of the same number (GDPR 12.3)."""
    last = (deadline.astimezone(zone) - timedelta(microseconds=1)).date()
    return _end_of(_months_later(last, PROLONGED_BY), zone)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, 27, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    return date(year, month + 1, min(day.day, 28))


def _squeezed(code: str) -> str:
    return re.sub(r"[\s§]+", "", code.casefold())
