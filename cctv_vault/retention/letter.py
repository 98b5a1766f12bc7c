"""The letter: how sections 4 to 7 of the published privacy policy would have to read. Pure.

Owns the Swedish wording that follows from a version of the retention policy and from what the
register says of sound: the prose lies in ``letter.sv.txt``, every period in it is computed here. It
writes only of images and films (category E of the published text) and says so of the rest; where
the published text and the law disagree it tells the privacy officer instead of choosing in silence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from cctv_vault.retention.policy import Period, Policy, Purpose

_TITLE: Final = "FÖRSLAG TILL NY LYDELSE AV INTEGRITETSPOLICYNS AVSNITT 4–7"
_UNITS: Final = {
    "h": ("timme", "timmar"),
    "d": ("dygn", "dygn"),
    "mo": ("månad", "månader"),
    "y": ("år", "år"),
}


@dataclass(frozen=True)
class Sound:
    """What the register says of sound: cameras that take it up, and those nobody answered for."""

    taken: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section as proposed: what of the published text it replaces, and the new words."""

    heading: str
    replaces: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Letter:
    """The whole proposal; ``note`` is for the privacy officer and not to be published."""

    sections: tuple[Section, ...]
    note: Section

    @property
    def text(self) -> str:
        """All of it as text, ready to be opened in a word processor."""
        lines = [_TITLE]
        for each in (*self.sections, self.note):
            lines += [f"{each.heading}\n[{each.replaces}]", *each.paragraphs]
        return "\n\n".join(lines) + "\n"


def write_letter(
    policy: Policy,
    *,
    controller: str,
    effective_at: datetime,
    zone: str,
    sound: Sound,
) -> Letter:
    """Write the proposal from a version of the policy.

    Args:
        policy: The version, as published.
        controller: The controller, as printed.
        effective_at: When that version took or takes effect, UTC.
        zone: The IANA zone its day is told in.
        sound: What the register says of sound.
    """
    values = {
        "controller": controller,
        "version": str(policy.version),
        "day": effective_at.astimezone(ZoneInfo(zone)).date().isoformat(),
        "sound": _sound(sound),
        "longest": _longest(policy),
        "periods": "\n".join(f"– {each}" for each in _periods(policy)),
    }
    sections = [_section(each, values) for each in _prose().split("\n# ")]
    note = sections.pop()
    more = tuple(_more(policy, sound))
    return Letter(tuple(sections), Section(note.heading, note.replaces, (*note.paragraphs, *more)))


def in_words(period: Period) -> str:
    """``72h`` as ``72 timmar``, ``1y`` as ``1 år``."""
    number, one, many = _counted(period)
    return f"{number} {one if number == 1 else many}"


def _prose() -> str:
    return files(__package__).joinpath("letter.sv.txt").read_text(encoding="utf-8").strip()


def _section(prose: str, values: dict[str, str]) -> Section:
    top, *paragraphs = prose.removeprefix("# ").strip().split("\n\n")
    heading, replaces = top.split("\n")
    return Section(
        heading, replaces.strip("[]"), tuple(each.format_map(values) for each in paragraphs)
    )


def _sound(sound: Sound) -> str:
    if not sound.taken:
        return "Kamerorna tar inte upp ljud."
    return f"Ljud tas upp av {_listed(sound.taken)}. Övriga kameror tar inte upp ljud."


def _longest(policy: Policy) -> str:
    marketing = policy.purposes.get("course-marketing")
    if marketing is None or marketing.period is None:
        return ""
    return f" och längst i {in_words(marketing.period)} från det att du lämnade det"


# --- the periods of section 5 -----------------------------------------------------------------


def _periods(policy: Policy) -> Iterable[str]:
    """A sentence for each purpose footage can be kept for, in the order people meet them."""
    for purpose in policy.purposes.values():
        if purpose.base_for == "surveillance":
            yield _base(purpose)
    for code, name in _HOLDS.items():
        held = policy.purposes.get(code)
        if held is not None:
            yield f"{name} {_held(held)}."
    for purpose in policy.purposes.values():
        if purpose.hold and purpose.code not in _HOLDS:
            yield f"{purpose.sv}: materialet lagras {_held(purpose)}."
    for code, words in _OTHERS.items():
        other = policy.purposes.get(code)
        if other is not None and other.period is not None:
            yield words.format(in_words(other.period))


_HOLDS: Final = {
    "save-now": "Material som personalen sparar i brådska lagras",
    "incident": "Material om en händelse, till exempel en stöld eller en olycka, lagras",
    "request-unconfirmed": "Material som någon begär ut lagras",
    "request": "Har vi bekräftat begäran lagras materialet",
    "access-request": "Begär du ut material om dig själv lagras det",
    "restriction": "Har du begärt att behandlingen begränsas lagras materialet, utan att användas,",
    "more-coming": "Har polisen sagt att en begäran är på väg lagras materialet",
    "preservation-order": "Har en åklagare eller undersökningsledare beslutat att uppgifter ska "
    "bevaras (27 kap. 16 § rättegångsbalken) lagras de",
    "claim": "Material som behövs för ett rättsligt anspråk eller ett försäkringsärende lagras",
    "trespass-ban": "Material som rör ett tillträdesförbud lagras",
}
_OTHERS: Final = {
    "late-arrival": "Inspelningar som når oss först när deras tid har gått ut lagras i {}.",
    "quarantine": "Filer från kamerorna som inte går att läsa lagras i {}.",
    "release-copy": "Kopian av det vi har lämnat ut lagras hos oss i {} efter kvittensen.",
    "course-marketing": "Fotografier och filmer från kurser lagras tills samtycket tas tillbaka, "
    "längst i {}.",
    "register": "Anteckningar om vem som har sett, begärt eller fått material, utan själva "
    "bilderna, lagras i {} efter att ärendet avslutades.",
}
_UNTIL: Final = {
    "request": "medan den prövas och tills tiden för att invända mot beslutet har gått ut",
    "access-request": "medan begäran prövas och en tid efter svaret, så att du hinner invända",
    "restriction": "tills begränsningen hävs",
    "claim": "tills ärendet är avslutat",
}


def _base(purpose: Purpose) -> str:
    start = "Inspelningar från kameraövervakningen"
    if purpose.cameras:
        start = f"Inspelningar från {_listed(purpose.cameras)}"
    words = f"{start} lagras i {_of(purpose)}"
    if purpose.first_opening is not None:
        words += (
            f". Är butiken stängd under den tiden lagras de till klockan "
            f"{purpose.first_opening:%H.%M} den första öppna dagen efter inspelningen"
        )
        if purpose.ceiling is not None:
            words += f", dock längst i {in_words(purpose.ceiling)}"
    elif purpose.ceiling is not None:
        words += f", dock längst i {in_words(purpose.ceiling)}"
    return words + "."


def _held(purpose: Purpose) -> str:
    words = _UNTIL.get(purpose.code) if purpose.period is None else None
    if words is None and purpose.period is None:
        words = "tills ett beslut avslutar det"
    if words is None:
        start = {"decision": " från beslutet"}.get(purpose.starts.value, "")
        most = "högst " if purpose.starts.value == "decision" else ""
        words = f"i {most}{_of(purpose)}{start}"
        if purpose.code == "trespass-ban":
            words = f"så länge förbudet gäller, högst {_of(purpose)} från beslutet"
    if purpose.after_report is not None:
        words += f", eller {in_words(purpose.after_report)} från det att en polisanmälan gjordes"
    if purpose.extension is not None:
        times = {None: "", 1: " en gång"}.get(purpose.extensions, f" {purpose.extensions} gånger")
        words += f"; tiden kan förlängas{times} med högst {in_words(purpose.extension)}"
        words += "" if purpose.extensions == 1 else " åt gången"
        words += " om det finns särskilda skäl" if purpose.code == "preservation-order" else ""
    if purpose.code == "save-now":
        words += " och tas sedan bort om ingen har angett varför det behövs"
    if purpose.review_every and purpose.review is not None:
        words += f"; behovet prövas på nytt minst var {_ordinal(purpose.review)}"
    return words


def _of(purpose: Purpose) -> str:
    if purpose.period is None:
        raise ValueError(f"the purpose {purpose.code} has no period")
    return in_words(purpose.period)


def _ordinal(period: Period) -> str:
    """How often something comes round: ``90:e dygn``."""
    number, one, _ = _counted(period)
    first = number % 10 in {1, 2} and number % 100 not in {11, 12}
    return f"{number}:{'a' if first else 'e'} {one}"


def _counted(period: Period) -> tuple[int, str, str]:
    number = period.text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(number), *_UNITS[period.text[len(number) :]]


# --- what only some policies and registers need said ------------------------------------------


def _more(policy: Policy, sound: Sound) -> Iterable[str]:
    longer = [f"{each.sv} ({each.reason})" for each in policy.purposes.values() if each.reason]
    if longer:
        yield (
            "Tider i er policy som är längre än riktlinjen, med det skäl som står där: "
            f"{'; '.join(longer)}."
        )
    if sound.unanswered:
        yield (
            f"För {_listed(sound.unanswered)} har ingen svarat på om ljud får tas upp. Svara i "
            "kameraregistret innan texten publiceras."
        )
    if sound.taken:
        yield (
            "Att ta upp ljud kräver starka skäl. Kontrollera att intresseavvägningen för "
            f"{_listed(sound.taken)} håller."
        )


def _listed(names: Sequence[str]) -> str:
    """``a, b och c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} och {names[-1]}"
