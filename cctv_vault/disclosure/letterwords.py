"""The words of the letters, Swedish and English. Pure.

Owns what each kind of letter says and on what clause it rests. It writes to whoever asked and tells
them only what is theirs to know: places and times of their own request, the decision with its
grounds, and where they can turn. A code never stands in a letter, nor the name of a camera before
its footage is to be handed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from cctv_vault.disclosure.fees import BECAUSE
from cctv_vault.disclosure.legal import EXCEPTIONS, REQUESTERS, Words, is_erasure
from cctv_vault.disclosure.workflow import ground_words


class Kind(StrEnum):
    """The letters there are."""

    RECEIPT = "receipt"
    CLARIFICATION = "clarification"
    REFUSAL = "refusal"
    APPROVAL = "approval"
    PROLONGING = "prolonging"
    HANDOVER = "handover"
    ERASURE = "erasure"


@dataclass(frozen=True)
class LetterFacts:
    """What a letter is written from; times are aware, names and texts stay out of its repr.

    ``gone`` counts recordings of the time asked for that had expired before the request came.
    ``answer_by`` is the day on which an unanswered clarification lapses.
    """

    kind: Kind
    language: str
    type: str
    ground: str
    reference: str
    controller: str
    zone: str
    received_at: datetime
    now: datetime
    simulated: bool
    to: tuple[str, ...] = field(repr=False)
    theirs: str = field(default="", repr=False)
    offence: str = field(default="", repr=False)
    places: tuple[str, ...] = ()
    spans: tuple[tuple[datetime, datetime], ...] = ()
    cameras: tuple[tuple[str, datetime, datetime], ...] = ()
    deadline_at: datetime | None = None
    kept: int = 0
    gone: int = 0
    certificates: tuple[str, ...] = ()
    frozen_until: datetime | None = None
    reason: str = field(default="", repr=False)
    automatic: bool = False
    missing: tuple[Words, ...] = ()
    answer_by: datetime | None = None
    decided_by: str = field(default="", repr=False)
    partly: bool = False
    masked: bool = False
    channel: str = "link"
    released_at: datetime | None = None
    taken: str = field(default="", repr=False)
    protocol: str = ""
    danger: str = field(default="", repr=False)
    package_sha256: str = ""
    checkpoint: str = field(default="", repr=False)
    fee: "Fee | None" = None
    exception: str = ""
    erased: int = 0
    held: int = 0

    @property
    def of_erasure(self) -> bool:
        """Whether footage is to be erased and not handed over."""
        return is_erasure(self.type, self.ground)


@dataclass(frozen=True)
class Fee:
    """What access costs: nothing where ``kronor`` is 0, else why, in the law's words and ours."""

    kronor: int
    because: str = ""
    reason: str = field(default="", repr=False)


_MONTHS: Final = {
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "en": "January February March April May June July August September October November December",
}
IMY: Final = (
    "Integritetsskyddsmyndigheten (IMY), Box 8114, 104 20 Stockholm, imy@imy.se, www.imy.se"
)


def day(moment: datetime | date, language: str, zone: str) -> str:
    """A day in words: 2 mars 2026."""
    local = moment.astimezone(ZoneInfo(zone)) if isinstance(moment, datetime) else moment
    return f"{local.day} {_MONTHS[language].split()[local.month - 1]} {local.year}"


def moment(at: datetime, language: str, zone: str, *, seconds: bool = False) -> str:
    """A time in words: 2 mars 2026 kl. 08.00 (CET)."""
    local = at.astimezone(ZoneInfo(zone))
    clock = f"{local:%H.%M.%S}" if seconds else f"{local:%H.%M}"
    if language == "sv":
        return f"{day(at, language, zone)} kl. {clock} ({local:%Z})"
    return f"{day(at, language, zone)} at {clock.replace('.', ':')} ({local:%Z})"


def last_day(due: datetime, language: str, zone: str) -> str:
    """The last day or moment for something: what is due at midnight is due the day before."""
    local = due.astimezone(ZoneInfo(zone))
    if (local.hour, local.minute) == (0, 0):
        return day(due - timedelta(minutes=1), language, zone)
    return moment(due, language, zone)


def letter(facts: LetterFacts) -> dict[str, Any]:
    """The letter as the typesetter takes it."""
    sv = facts.language == "sv"
    return {
        "language": facts.language,
        "controller": facts.controller,
        "reference": facts.reference,
        "date": day(facts.now, facts.language, facts.zone),
        "theirs": facts.theirs,
        "to": list(facts.to),
        "simulated": facts.simulated,
        "title": _pick(_TITLES[facts.kind], facts.language),
        "signed": facts.decided_by,
        "words": {
            "page": "Sida" if sv else "Page",
            "reference": "Vår beteckning" if sv else "Our reference",
            "theirs": "Er beteckning" if sv else "Your reference",
            "simulated": "SIMULERAD – från ett övningsarkiv; inget verkligt ärende."
            if sv
            else "SIMULATED – from a drill; no real matter.",
        },
        "parts": _PARTS[facts.kind](facts),
    }


_TITLES: Final[Mapping[Kind, Words]] = {
    Kind.RECEIPT: Words("Mottagningsbevis", "Receipt of your request"),
    Kind.CLARIFICATION: Words("Begäran om komplettering", "Request for further particulars"),
    Kind.REFUSAL: Words("Beslut om avslag", "Decision to refuse"),
    Kind.APPROVAL: Words("Beslut om utlämnande", "Decision to disclose"),
    Kind.HANDOVER: Words("Kvitto på utlämnat bildmaterial", "Receipt for footage handed over"),
    Kind.ERASURE: Words("Beslut om radering", "Decision on erasure"),
    Kind.PROLONGING: Words("Besked om förlängd svarstid", "Notice of a longer time for our answer"),
}


def _pick(words: Words, language: str) -> str:
    return words.sv if language == "sv" else words.en


def _heading(facts: LetterFacts, sv: str, en: str) -> dict[str, Any]:
    return {"kind": "heading", "text": sv if facts.language == "sv" else en}


def _text(facts: LetterFacts, sv: str, en: str) -> dict[str, Any]:
    return {"kind": "text", "text": sv if facts.language == "sv" else en}


def _table(facts: LetterFacts, *rows: tuple[str, str, str]) -> dict[str, Any]:
    """Rows of Swedish label, English label and value; those without a value are left out."""
    at = 0 if facts.language == "sv" else 1
    return {"kind": "facts", "rows": [[row[at], row[2]] for row in rows if row[2]]}


def _spans(facts: LetterFacts, spans: Sequence[tuple[datetime, datetime]]) -> str:
    to = "till" if facts.language == "sv" else "to"
    return "; ".join(
        f"{moment(start, facts.language, facts.zone, seconds=True)} {to} "
        f"{moment(end, facts.language, facts.zone, seconds=True)}"
        for start, end in spans
    )


def _ground(facts: LetterFacts) -> str:
    if not facts.ground:
        return "ej angiven" if facts.language == "sv" else "not given"
    return f"{facts.ground} – {_pick(ground_words(facts.ground), facts.language)}"


def _asked(facts: LetterFacts) -> dict[str, Any]:
    name = _pick(REQUESTERS[facts.type].name, facts.language)
    due = facts.deadline_at
    return _table(
        facts,
        ("Begäran mottagen", "Received", moment(facts.received_at, facts.language, facts.zone)),
        ("Begärande part", "Requester", name),
        ("Angiven rättslig grund", "Legal basis given", _ground(facts)),
        ("Uppgivet brott", "Offence stated", facts.offence),
        ("Plats", "Place", ", ".join(facts.places)),
        ("Tid som begärs", "Time asked for", _spans(facts, facts.spans)),
        (
            "Svar lämnas senast",
            "Our answer is due by",
            last_day(due, facts.language, facts.zone)
            if due is not None and facts.kind is Kind.RECEIPT
            else "",
        ),
    )


def _receipt_of_erasure(facts: LetterFacts) -> list[dict[str, Any]]:
    return [
        _text(
            facts,
            "Vi har tagit emot din begäran om radering av bilder från vår kamerabevakning.",
            "We have received your request for erasure of footage of our camera surveillance.",
        ),
        _asked(facts),
        _heading(facts, "Bildmaterialet", "The footage"),
        _text(
            facts,
            "Inget bevaras längre för din begärans skull. Bilder från kamerabevakningen gallras "
            "dessutom av sig själva efter kort tid, om inget annat ändamål kräver att de bevaras.",
            "Nothing is kept longer because of your request. Besides, footage of the surveillance "
            "expires by itself after a short time, unless another purpose requires that it is "
            "kept.",
        ),
        _heading(facts, "Vad som händer nu", "What happens now"),
        _text(
            facts,
            "Detta bevis innebär inte att begäran är beviljad. Vi kontrollerar först att den "
            "kommer från den som syns i bild. Därefter prövas den, och du får ett skriftligt svar "
            "inom en månad. Det är kostnadsfritt.",
            "This receipt does not mean that the request is granted. We first verify that it comes "
            "from the person in the footage. It is then considered, and you get a written answer "
            "within one month. It is free of charge.",
        ),
        *_checkpoint(facts),
    ]


def _receipt(facts: LetterFacts) -> list[dict[str, Any]]:
    if facts.of_erasure:
        return _receipt_of_erasure(facts)
    parts = [
        _text(
            facts,
            "Vi har tagit emot er begäran om utlämnande av bilder från vår kamerabevakning.",
            "We have received your request for footage from our camera surveillance.",
        ),
        _asked(facts),
        _heading(facts, "Bildmaterialet", "The footage"),
    ]
    until = facts.frozen_until
    if REQUESTERS[facts.type].auto_refused:
        parts.append(
            _text(
                facts,
                "Inget bildmaterial bevaras för er begäran, eftersom den saknar rättslig grund.",
                "No footage is kept for your request, because it has no legal ground.",
            )
        )
    elif facts.kept:
        end = None if until is None else moment(until, facts.language, facts.zone)
        parts.append(
            _text(
                facts,
                "De inspelningar som finns från den begärda tiden bevaras "
                + (f"till och med den {end}." if end else "tills ärendet är avgjort."),
                "The recordings that there are of the time asked for are kept "
                + (f"until {end}." if end else "until the matter is decided."),
            )
        )
    else:
        parts.append(
            _text(
                facts,
                "Det finns nu inga inspelningar från den begärda tiden.",
                "There are now no recordings of the time asked for.",
            )
        )
    if facts.gone:
        proof = ", ".join(facts.certificates)
        parts.append(
            _text(
                facts,
                (
                    "En inspelning från den begärda tiden hade gallrats innan begäran kom in. Den "
                    "är förstörd och kan inte lämnas ut."
                    if facts.gone == 1
                    else f"{facts.gone} inspelningar från den begärda tiden hade gallrats innan "
                    "begäran kom in. De är förstörda och kan inte lämnas ut."
                )
                + (f" Gallringsintyg: {proof}." if proof else ""),
                (
                    "One recording of the time asked for had expired before the request came. It "
                    "is destroyed and cannot be handed over."
                    if facts.gone == 1
                    else f"{facts.gone} recordings of the time asked for had expired before the "
                    "request came. They are destroyed and cannot be handed over."
                )
                + (f" Certificate of deletion: {proof}." if proof else ""),
            )
        )
    return [
        *parts,
        _heading(facts, "Vad som händer nu", "What happens now"),
        _text(
            facts,
            "Detta bevis innebär inte att begäran är beviljad. Vi kontrollerar först vem som begär "
            "bilderna. Företräder ni en myndighet eller ett företag ringer vi upp genom den växel "
            "som ni själva offentliggör. Därefter prövas begäran, och ni får ett skriftligt svar.",
            "This receipt does not mean that the request is granted. We first verify who asks. If "
            "you represent an authority or a company, we call back through the switchboard that "
            "you publish yourselves. The request is then considered, and you get a written answer.",
        ),
        *_free(facts),
        *_checkpoint(facts),
    ]


def _free(facts: LetterFacts) -> list[dict[str, Any]]:
    """What access costs, before anybody has decided it (S13)."""
    if facts.fee is None:
        return []
    return [
        _heading(facts, "Vad det kostar", "What it costs"),
        _text(
            facts,
            "Tillgång till dina uppgifter är kostnadsfri en gång per kalenderår. För en senare "
            "begäran samma år får en rimlig avgift tas ut bara om den är uppenbart ogrundad eller "
            "orimlig, särskilt för att den är upprepad (artikel 12.5 i dataskyddsförordningen "
            "(EU) 2016/679). Skälen får du i så fall skriftligen.",
            "Access to your data is free once in a calendar year. For a later request in the same "
            "year a reasonable fee may be charged only where it is manifestly unfounded or "
            "excessive, in particular as it is repetitive (Article 12(5) of Regulation (EU) "
            "2016/679). You would then get the reasons in writing.",
        ),
    ]


def _cost(facts: LetterFacts) -> list[dict[str, Any]]:
    """What access was decided to cost (S13)."""
    fee = facts.fee
    if fee is None:
        return []
    heading = _heading(facts, "Vad det kostar", "What it costs")
    if not fee.kronor:
        return [
            heading,
            _text(facts, "Svaret är kostnadsfritt.", "This answer is free of charge."),
        ]
    because = BECAUSE.get(fee.because, Words("orimlig", "excessive"))
    quoted = [{"kind": "quote", "text": fee.reason}] if fee.reason else []
    return [
        heading,
        _text(
            facts,
            f"Avgiften är {fee.kronor} kronor, eftersom begäran är {because.sv} (artikel 12.5 i "
            "dataskyddsförordningen (EU) 2016/679). Våra skäl:",
            f"The fee is {fee.kronor} kronor (SEK), because the request is {because.en} (Article "
            "12(5) of Regulation (EU) 2016/679). Our reasons:",
        ),
        *quoted,
        {"kind": "text", "text": _pick(_FURTHER["access"], facts.language)},
    ]


def _checkpoint(facts: LetterFacts) -> list[dict[str, Any]]:
    if not facts.checkpoint:
        return []
    return [
        _heading(facts, "Loggens kontrollpunkt", "Checkpoint of our log"),
        _text(
            facts,
            "Varje åtgärd i ärendet förs in i en logg som inte kan ändras i efterhand utan att det "
            "syns. Spara detta bevis: kontrollpunkten nedan visar loggens tillstånd när det skrevs "
            "och kan jämföras med varje senare utdrag.",
            "Every act in this matter is entered in a log that cannot be changed afterwards "
            "without a trace. Keep this receipt: the checkpoint below shows the state of the log "
            "when it was written, and every later extract can be compared with it.",
        ),
        {"kind": "code", "text": facts.checkpoint.strip()},
    ]


def _clarification(facts: LetterFacts) -> list[dict[str, Any]]:
    parts = [
        _text(
            facts,
            "Vi kan ännu inte pröva er begäran om "
            + ("radering" if facts.of_erasure else "utlämnande")
            + " av kamerabilder.",
            "We cannot yet consider your request for "
            + ("erasure of footage." if facts.of_erasure else "footage."),
        ),
        _asked(facts),
        _heading(facts, "Vad vi behöver", "What we need"),
    ]
    if facts.automatic:
        parts.append(
            _text(
                facts,
                "Ett bevarandeföreläggande omfattar bara uppgifter som redan är lagrade (27 kap. "
                "16 § rättegångsbalken). Det som fanns lagrat när föreläggandet kom in bevaras. "
                "Ange hur ni vill göra med den tid som ligger därefter.",
                "A preservation order reaches only what is stored already (chapter 27, section 16 "
                "of the Code of Judicial Procedure). What was stored when it came is kept. Please "
                "say what is to be done about the time after that.",
            )
        )
    elif facts.reason:
        parts.append({"kind": "quote", "text": facts.reason})
    if facts.missing:
        parts += [
            _text(facts, "Följande saknas:", "The following is missing:"),
            {"kind": "list", "items": [_pick(each, facts.language) for each in facts.missing]},
        ]
    by = facts.answer_by
    if by is not None:
        text = day(by, facts.language, facts.zone)
        parts.append(
            _text(
                facts,
                f"Svara senast den {text} och ange vår beteckning {facts.reference}. "
                + (
                    "Om inget svar kommer in förfaller begäran."
                    if facts.of_erasure
                    else "Bildmaterialet bevaras under tiden. Om inget svar kommer in förfaller "
                    "begäran, och materialet gallras därefter."
                ),
                f"Please answer by {text} and give our reference {facts.reference}. "
                + (
                    "If no answer comes, the request lapses."
                    if facts.of_erasure
                    else "The footage is kept meanwhile. If no answer comes, the request lapses "
                    "and the footage expires."
                ),
            )
        )
    return [
        *parts,
        _text(
            facts,
            "Skicka inte fler personuppgifter än vad som behövs.",
            "Please send no more personal data than is needed.",
        ),
    ]


_CLAUSES: Final[Mapping[str, Words]] = {
    "police": Words(
        "Utlämnande på begäran av en brottsbekämpande myndighet prövas enligt 2 kap. 5 § lagen "
        "(2018:218) med kompletterande bestämmelser till EU:s dataskyddsförordning och artikel 5.1 "
        "b och c i dataskyddsförordningen (EU) 2016/679.",
        "Disclosure on request of a law-enforcement authority is considered under chapter 2, "
        "section 5 of the Act (2018:218) supplementing the General Data Protection Regulation, and "
        "under Article 5(1)(b) and (c) of Regulation (EU) 2016/679.",
    ),
    "authority": Words(
        "Utlämnandet har prövats mot det lagrum som ni har angett och mot artiklarna 5.1 och 6.1 i "
        "dataskyddsförordningen (EU) 2016/679.",
        "The disclosure was considered under the provision that you cite and under Articles 5(1) "
        "and 6(1) of Regulation (EU) 2016/679.",
    ),
    "claim": Words(
        "Utlämnandet har prövats genom en intresseavvägning enligt artikel 6.1 f i "
        "dataskyddsförordningen (EU) 2016/679 och mot tystnadsplikten i 22 § "
        "kamerabevakningslagen (2018:1200).",
        "The disclosure was considered by a balancing of interests under Article 6(1)(f) of "
        "Regulation (EU) 2016/679 and under the duty of secrecy in section 22 of the Camera "
        "Surveillance Act (2018:1200).",
    ),
    "access": Words(
        "Begäran om tillgång har prövats enligt artiklarna 12 och 15 i dataskyddsförordningen (EU) "
        "2016/679. Rätten att få en kopia får inte inverka menligt på andras rättigheter och "
        "friheter (artikel 15.4).",
        "The request for access was considered under Articles 12 and 15 of Regulation (EU) "
        "2016/679. The right to a copy must not adversely affect the rights and freedoms of others "
        "(Article 15(4)).",
    ),
    "public": Words(
        "Den som tar befattning med uppgifter från kamerabevakning får inte obehörigen röja vad "
        "han eller hon har fått veta om någon enskilds personliga förhållanden (22 § "
        "kamerabevakningslagen (2018:1200)). Det finns ingen rättslig grund för att lämna ut "
        "kamerabilder till medier, andra butiker eller allmänheten.",
        "Whoever handles camera surveillance must not disclose without authority what they have "
        "learnt of anybody's personal circumstances (section 22 of the Camera Surveillance Act "
        "(2018:1200)). There is no legal ground for handing footage to media, other shops or the "
        "public.",
    ),
    "foreign": Words(
        "En utländsk myndighet kan få bildmaterial genom svensk åklagare, efter en europeisk "
        "utredningsorder (lagen (2017:1000) om en europeisk utredningsorder) eller inom den "
        "internationella rättsliga hjälpen i brottmål.",
        "A foreign authority can obtain footage through a Swedish prosecutor, on a European "
        "investigation order (Act (2017:1000)) or by mutual legal assistance in criminal matters.",
    ),
}
_FURTHER: Final[Mapping[str, Words]] = {
    "police": Words(
        "Beslutet kan inte överklagas. Begäran kan kompletteras eller förnyas. Behövs materialet "
        "ändå kan undersökningsledaren eller åklagaren besluta om beslag (27 kap. 1 och 4 §§ "
        "rättegångsbalken) eller om bevarandeföreläggande (27 kap. 16 § rättegångsbalken).",
        "The decision cannot be appealed. The request can be supplemented or renewed. If the "
        "footage is needed all the same, the head of the investigation or the prosecutor can "
        "decide on seizure (chapter 27, sections 1 and 4 of the Code of Judicial Procedure) or on "
        "a preservation order (chapter 27, section 16).",
    ),
    "authority": Words(
        "Anser ni att vi är skyldiga att lämna ut materialet ber vi er återkomma med ett beslut "
        "eller föreläggande där lagrummet anges.",
        "If you hold that we are bound to hand the footage over, please return with a decision or "
        "an order that cites the provision.",
    ),
    "claim": Words(
        "Beslutet kan inte överklagas. Den som behöver materialet som bevisning kan begära att en "
        "domstol förelägger oss att lämna ut det (38 kap. 2–5 §§ rättegångsbalken).",
        "The decision cannot be appealed. Whoever needs the footage as evidence can ask a court to "
        "order us to produce it (chapter 38, sections 2-5 of the Code of Judicial Procedure).",
    ),
    "access": Words(
        "Du kan lämna in ett klagomål till tillsynsmyndigheten: "
        + IMY
        + " (artikel 77 i dataskyddsförordningen). Du kan också föra talan mot oss vid allmän "
        "domstol (artikel 79). Du kan när som helst vända dig till oss igen.",
        "You can lodge a complaint with the supervisory authority: "
        + IMY
        + " (Article 77 of the Regulation). You can also bring proceedings against us before a "
        "court (Article 79). You may turn to us again at any time.",
    ),
    "public": Words(
        "Beslutet kan inte överklagas. Den som själv syns i bild har rätt till tillgång enligt "
        "artikel 15 i dataskyddsförordningen och kan begära det hos oss.",
        "The decision cannot be appealed. Whoever is in the picture has the right of access under "
        "Article 15 of the Regulation and can ask us for it.",
    ),
    "foreign": Words(
        "Vänd er till Åklagarmyndigheten. Säg till oss om en begäran är på väg, så att materialet "
        "inte hinner gallras.",
        "Please turn to the Swedish Prosecution Authority (Åklagarmyndigheten). Tell us if a "
        "request is under way, so that the footage does not expire before it comes.",
    ),
}
_GROUP: Final[Mapping[str, str]] = {
    **dict.fromkeys(("police", "police-not-crime", "seizure", "emergency"), "police"),
    **dict.fromkeys(("court", "supervisor", "agency", "preservation-order"), "authority"),
    **dict.fromkeys(("insurer", "lawyer"), "claim"),
    **dict.fromkeys(("data-subject", "employee"), "access"),
    "media": "public",
    "foreign-police": "foreign",
}


_ERASURE_CLAUSE: Final = Words(
    "Begäran om radering har prövats enligt artiklarna 12 och 17 i dataskyddsförordningen (EU) "
    "2016/679.",
    "The request for erasure was considered under Articles 12 and 17 of Regulation (EU) 2016/679.",
)


def _why_kept(facts: LetterFacts) -> list[dict[str, Any]]:
    """What is kept although its erasure was asked for: the exception, and where to turn (S15)."""
    code = facts.exception.removeprefix("GDPR ")
    because = EXCEPTIONS.get(facts.exception, Words("", ""))
    return [
        {"kind": "quote", "text": facts.reason},
        _text(
            facts,
            f"{_ERASURE_CLAUSE.sv} Bilderna behålls enligt artikel {code}: {because.sv}.",
            f"{_ERASURE_CLAUSE.en} The footage is kept under Article {code}: {because.en}.",
        ),
        _heading(facts, "Om du inte godtar beslutet", "If you do not accept the decision"),
        {"kind": "text", "text": _pick(_FURTHER["access"], facts.language)},
    ]


def _refused_erasure(facts: LetterFacts) -> list[dict[str, Any]]:
    return [
        _text(
            facts,
            "Vi har prövat din begäran och beslutat att inte radera bilderna.",
            "We have considered your request and decided not to erase the footage.",
        ),
        _asked(facts),
        _heading(facts, "Skälen för beslutet", "Reasons for the decision"),
        *_why_kept(facts),
    ]


def _erasure(facts: LetterFacts) -> list[dict[str, Any]]:
    """What was erased, and of the rest why not."""
    one, some = facts.erased == 1, facts.held
    certificates = ", ".join(facts.certificates)
    parts = [
        _text(
            facts,
            "Vi har prövat din begäran och beslutat att "
            + ("radera en del av bilderna." if some else "radera bilderna."),
            "We have considered your request and decided to erase "
            + ("part of the footage." if some else "the footage."),
        ),
        _asked(facts),
        _heading(facts, "Vad som raderas", "What is erased"),
        _text(
            facts,
            "Det finns inga inspelningar kvar från den tiden som inte redan var gallrade."
            if not facts.erased
            else (
                "En inspelning raderas. Den "
                if one
                else f"{facts.erased} inspelningar raderas. De "
            )
            + "kan inte öppnas från och med beslutet, och "
            + ("nyckeln till den" if one else "nycklarna till dem")
            + " förstörs vid nästa gallring."
            + (f" Gallringsintyg: {certificates}." if certificates else ""),
            "There are no recordings of that time which had not expired already."
            if not facts.erased
            else (
                "One recording is erased. It cannot"
                if one
                else f"{facts.erased} recordings are erased. They cannot"
            )
            + " be opened from the decision on, and the next sweep destroys "
            + ("its key." if one else "their keys.")
            + (f" Certificate of deletion: {certificates}." if certificates else ""),
        ),
    ]
    if not some:
        return [
            *parts,
            {"kind": "text", "text": _pick(_ERASURE_CLAUSE, facts.language)},
        ]
    count = "En inspelning" if some == 1 else f"{some} inspelningar"
    return [
        *parts,
        _heading(facts, "Vad som behålls", "What is kept"),
        _text(
            facts,
            f"{count} behålls. Skälen:",
            f"{some} recording{'' if some == 1 else 's'} kept. The reasons:",
        ),
        *_why_kept(facts),
    ]


def _refusal(facts: LetterFacts) -> list[dict[str, Any]]:
    if facts.of_erasure:
        return _refused_erasure(facts)
    group = _GROUP[facts.type]
    parts = [
        _text(
            facts,
            "Vi har prövat er begäran och beslutat att inte lämna ut några kamerabilder.",
            "We have considered your request and decided not to hand over any footage.",
        ),
        _asked(facts),
        _heading(facts, "Skälen för beslutet", "Reasons for the decision"),
    ]
    if facts.reason and not facts.automatic:
        parts.append({"kind": "quote", "text": facts.reason})
    parts.append({"kind": "text", "text": _pick(_CLAUSES[group], facts.language)})
    parts.append(_heading(facts, "Om ni inte godtar beslutet", "If you do not accept the decision"))
    parts.append({"kind": "text", "text": _pick(_FURTHER[group], facts.language)})
    if facts.frozen_until is not None and facts.kept:
        end = day(facts.frozen_until, facts.language, facts.zone)
        parts.append(
            _text(
                facts,
                f"Materialet från den begärda tiden bevaras till och med den {end} för det fall "
                "att ni invänder. Därefter gallras det, om inget annat ändamål kräver att det "
                "bevaras.",
                f"The footage of the time asked for is kept until {end} in case you object. After "
                "that it expires, unless another purpose requires that it is kept.",
            )
        )
    return parts


_COLLECTING: Final[Mapping[str, Words]] = {
    "link": Words(
        "Bildmaterialet hämtas genom en engångslänk som skickas för sig. Länken öppnas med en kod. "
        "Koden står inte i detta brev och skickas aldrig med e-post: den lämnas vid ett samtal "
        "genom er växel, vid besök eller i ett eget brev.",
        "The footage is fetched through a one-time link that is sent separately. The link opens "
        "with a code. The code does not stand in this letter and is never sent by e-mail: it is "
        "given in a call through your switchboard, over the counter or in a letter of its own.",
    ),
    "usb": Words(
        "Bildmaterialet lämnas på ett USB-minne mot kvitto. Den som hämtar visar legitimation och "
        "anger vår beteckning.",
        "The footage is handed over on a USB stick against receipt. Whoever collects it shows an "
        "identity card and gives our reference.",
    ),
    "in-person": Words(
        "Bildmaterialet lämnas på plats mot kvitto. Den som hämtar visar legitimation och anger "
        "vår beteckning.",
        "The footage is handed over in person against receipt. Whoever collects it shows an "
        "identity card and gives our reference.",
    ),
}


def _approval(facts: LetterFacts) -> list[dict[str, Any]]:
    cameras = "; ".join(
        f"{name}, {_spans(facts, [(start, end)])}" for name, start, end in facts.cameras
    )
    sv = facts.language == "sv"
    masked = ("Andra i bild är maskerade" if sv else "Others are masked") if facts.masked else ""
    parts = [
        _text(
            facts,
            "Vi har prövat er begäran och beslutat att "
            + ("delvis bifalla den." if facts.partly else "lämna ut de begärda kamerabilderna."),
            "We have considered your request and decided to "
            + ("grant it in part." if facts.partly else "hand over the footage asked for."),
        ),
        _table(
            facts,
            (
                "Begäran mottagen",
                "Received",
                moment(facts.received_at, facts.language, facts.zone),
            ),
            ("Rättslig grund", "Legal basis", _ground(facts)),
            ("Kameror och tid", "Cameras and time", cameras),
            ("Maskning", "Masking", masked),
            ("Paketets SHA-256", "SHA-256 of the package", facts.package_sha256),
        ),
    ]
    if facts.partly:
        parts.append(
            _text(
                facts,
                "Mer än så behövs inte för det angivna ändamålet (artikel 5.1 c i "
                "dataskyddsförordningen). I övrigt avslås begäran.",
                "More is not needed for the purpose given (Article 5(1)(c) of the Regulation). For "
                "the rest the request is refused.",
            )
        )
        parts.append({"kind": "text", "text": _pick(_FURTHER[_GROUP[facts.type]], facts.language)})
    return [
        *parts,
        *_cost(facts),
        _heading(facts, "Hämtning", "Collection"),
        {"kind": "text", "text": _pick(_COLLECTING[facts.channel], facts.language)},
        _text(
            facts,
            "Paketet kan kontrolleras av vem som helst, utan vår hjälp: anvisningen ligger i det. "
            "Vårt exemplar förstörs sju dagar efter att mottagandet har kvitterats.",
            "Anyone can verify the package without our help: it says how. Our copy is destroyed "
            "seven days after receipt has been acknowledged.",
        ),
        _text(
            facts,
            "Bilderna får användas endast för det ändamål som de har begärts för.",
            "The footage may be used only for the purpose for which it was requested.",
        ),
    ]


def _prolonging(facts: LetterFacts) -> list[dict[str, Any]]:
    due = facts.deadline_at
    by = "" if due is None else last_day(due, facts.language, facts.zone)
    return [
        _text(
            facts,
            f"Vi behöver mer tid för att svara på din begäran. Svaret lämnas senast den {by}.",
            f"We need more time to answer your request. Our answer is due by {by}.",
        ),
        _asked(facts),
        _heading(facts, "Skälen", "Reasons"),
        {"kind": "quote", "text": facts.reason},
        _text(
            facts,
            "Tiden för svaret får vid behov förlängas med två månader, med beaktande av hur "
            "komplicerad begäran är (artikel 12.3 i dataskyddsförordningen (EU) 2016/679)."
            + ("" if facts.of_erasure else " Bildmaterialet bevaras tills svaret har lämnats."),
            "Where necessary the time may be extended by two months, taking into account the "
            "complexity of the request (Article 12(3) of Regulation (EU) 2016/679)."
            + ("" if facts.of_erasure else " The footage is kept until the answer is given."),
        ),
        {"kind": "text", "text": _pick(_FURTHER["access"], facts.language)},
    ]


def _handover(facts: LetterFacts) -> list[dict[str, Any]]:
    cameras = "; ".join(
        f"{name}, {_spans(facts, [(start, end)])}" for name, start, end in facts.cameras
    )
    at = facts.released_at
    released = "" if at is None else moment(at, facts.language, facts.zone)
    name = _pick(REQUESTERS[facts.type].name, facts.language)
    return [
        _text(
            facts,
            "Detta bildmaterial har lämnats ut. Den som tar emot det skriver under två exemplar "
            "och behåller ett.",
            "This footage was handed over. Whoever receives it signs two copies and keeps one.",
        ),
        _table(
            facts,
            ("Utlämnat", "Handed over", released),
            ("Mottagare", "Recipient", ", ".join((name, *facts.to))),
            ("Rättslig grund", "Legal basis", _ground(facts)),
            ("Uppgivet brott", "Offence stated", facts.offence),
            ("Kameror och tid", "Cameras and time", cameras),
            ("Vad det gällde", "What it concerned", facts.danger),
            ("Det som togs", "What was taken", facts.taken),
            ("Protokoll", "Protocol", facts.protocol),
            ("Paketets SHA-256", "SHA-256 of the package", facts.package_sha256),
        ),
        _text(
            facts,
            "Paketet kan kontrolleras av vem som helst, utan vår hjälp: anvisningen ligger i det. "
            "Bilderna får användas endast för det ändamål som de har begärts för.",
            "Anyone can verify the package without our help: it says how. The footage may be used "
            "only for the purpose for which it was requested.",
        ),
        {
            "kind": "sign",
            "lines": [
                "Ort och dag" if facts.language == "sv" else "Place and date",
                "Mottagarens underskrift" if facts.language == "sv" else "Recipient's signature",
                "Namnförtydligande" if facts.language == "sv" else "Name in block letters",
                "Utlämnat av" if facts.language == "sv" else "Handed over by",
            ],
        },
    ]


_PARTS: Final = {
    Kind.RECEIPT: _receipt,
    Kind.CLARIFICATION: _clarification,
    Kind.REFUSAL: _refusal,
    Kind.APPROVAL: _approval,
    Kind.PROLONGING: _prolonging,
    Kind.HANDOVER: _handover,
    Kind.ERASURE: _erasure,
}
