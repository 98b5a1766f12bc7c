"""Registers of what was disclosed, copied and processed, as files for the controller and for IMY.

Owns the register of disclosures with its refusals, of copies and of personal-data breaches, the
record of processing (GDPR 30) and the year's statistics: as CSV for a machine and as signed PDF/A
for a reader. Nobody who only asked is named in them, and what is gagged is told to no one not
cleared for it.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.breaches.service import BreachView
from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.database import Database
from cctv_vault.disclosure.cases import APPROVED, ASKED, open_json, windows_of
from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.windows import camera_time
from cctv_vault.disclosure.workflow import (
    BEFORE_DECISION,
    DISAPPROVED,
    ERASED,
    PARTLY_ERASED,
    REVIEWED,
    STATE_WORDS,
    State,
)
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.copies import PUBLICATION, CopyView
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.signs import SignView, signs_of
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import Purpose
from cctv_vault.schema import Camera, Package, Request, Site
from cctv_vault.typesetting import typeset

REGISTERS: Final = ("disclosures", "copies", "art30", "statistics", "breaches")
FORMATS: Final = ("csv", "pdf")
_DEFAULT: Final = timedelta(days=365)
_TEMPLATE: Final = Path(__file__).with_name("register.typ")
_FORMULA: Final = re.compile(r"""(^|;)([\s"']*)(?=[=+\-@\uff0b\uff0d\uff1d\uff20])""")
"""Where a cell begins for some spreadsheet: those of Swedish make a new one at each semicolon."""


@dataclass(frozen=True)
class Column:
    """A column: its stable name in CSV, its Swedish heading in PDF, its share of the width."""

    name: str
    sv: str
    width: float = 1.0


@dataclass(frozen=True)
class Register:
    """A register ready to be written."""

    title: str
    lead: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    size: float = 7.5


@dataclass(frozen=True)
class Period:
    """A register with the time it is of, the end exclusive."""

    register: Register
    start: datetime
    end: datetime


class Registers:
    """Reads and writes registers."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        log: CustodyLog,
        keyring: Keyring,
        policies: Policies,
        documents: DocumentSigner,
        copies: Callable[[Actor], Sequence[CopyView]],
        breaches: Callable[[Actor], Sequence[BreachView]],
        controller: str,
        zone: str,
    ) -> None:
        """All belong to the vault; ``copies`` and ``breaches`` are as a person may see them."""
        self._database = database
        self._ledger = ledger
        self._log = log
        self._keyring = keyring
        self._policies = policies
        self._documents = documents
        self._copies = copies
        self._breaches = breaches
        self._controller = controller
        self._zone = zone

    def read(
        self,
        actor: Actor,
        register: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Period:
        """A register of a period, to be looked at; the last 365 days where none is named.

        Raises:
            InvalidInputError: There is no such register, or the period is reversed.
            AccessDeniedError: The person may not read registers.
        """
        with entered_if_refused(self._ledger, Event.REGISTER_EXPORTED, actor):
            actor.require(Right.REGISTER_READ)
            now = self._ledger.clock.now()
            if register not in REGISTERS:
                raise InvalidInputError(f"the register must be one of {', '.join(REGISTERS)}")
            since, until = _period(now, start, end)
            with self._database.read() as session:
                return Period(self._made(session, actor, register, since, until), since, until)

    def export(
        self,
        actor: Actor,
        register: str,
        form: str,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> bytes:
        """A register of a period as a file; the last 365 days where none is named.

        Raises:
            InvalidInputError: There is no such register or format, or the period is reversed.
            AccessDeniedError: The person may not read registers.
        """
        event = Event.REGISTER_EXPORTED
        with self._ledger.act(event, actor) as act:
            actor.require(Right.REGISTER_READ)
            if register not in REGISTERS or form not in FORMATS:
                raise InvalidInputError(
                    f"the register must be one of {', '.join(REGISTERS)}, "
                    f"its format one of {', '.join(FORMATS)}"
                )
            since, until = _period(act.now, start, end)
            made = self._made(act.session, actor, register, since, until)
            now = act.now
        whole = _csv(made) if form == "csv" else self._pdf(made, since, until, now)
        self._ledger.record(
            event,
            actor,
            facts={
                "register": register,
                "format": form,
                "rows": len(made.rows),
                "sha256": hashlib.sha256(whole).hexdigest(),
            },
        )
        return whole

    # --- what stands in them ------------------------------------------------------------------

    def _made(
        self, session: Session, actor: Actor, register: str, since: datetime, until: datetime
    ) -> Register:
        match register:
            case "copies":
                found = [each for each in self._copies(actor) if since <= each.made_at < until]
                return _copies(found, self._day)
            case "breaches":
                of = [each for each in self._breaches(actor) if since <= each.discovered_at < until]
                return _breaches(of, self._day)
            case "art30":
                return self._art30(session)
            case "statistics":
                return self._statistics(_requests(session, actor, since, until))
            case _:
                return self._disclosures(session, _requests(session, actor, since, until))

    def _disclosures(self, session: Session, rows: Sequence[Request]) -> Register:
        return Register(
            title="Förteckning över utlämnanden",
            lead="Varje begäran om kamerabilder, också de som avslogs, återkallades eller förföll.",
            columns=(
                Column("reference", "Beteckning", 1.2),
                Column("received_at", "Mottagen", 1.3),
                Column("requester", "Begärande part", 1.8),
                Column("authority", "Myndighet eller företag", 1.5),
                Column("ground", "Rättslig grund", 1.1),
                Column("asked_camera_minutes", "Begärda kamera­minuter", 1.0),
                Column("released_camera_minutes", "Beviljade kamera­minuter", 1.0),
                Column("state", "Läge", 1.1),
                Column("decision", "Beslut", 1.3),
                Column("decided_at", "Beslutad", 1.3),
                Column("decided_by", "Beslutad av konto", 1.2),
                Column("released_at", "Utlämnad", 1.3),
                Column("channel", "Sätt", 0.8),
                Column("sha256", "Paketets SHA-256", 2.2),
                Column("remarks", "Anmärkning", 1.4),
            ),
            rows=tuple(self._disclosure(session, row) for row in rows),
            size=6.2,
        )

    def _disclosure(self, session: Session, row: Request) -> tuple[str, ...]:
        requester = open_json(session, self._keyring, row.body_text).get("requester") or {}
        package = session.execute(
            select(Package)
            .where(col(Package.request_id) == row.id, col(Package.state) != "waiting")
            .order_by(col(Package.created_at).desc())
            .limit(1)
        ).scalar()
        released = row.released_at is not None
        return (
            row.id,
            self._day(row.received_at),
            REQUESTERS[row.requester_type].name.sv,
            str(requester.get("authority") or ""),
            row.ground_code,
            _minutes(session, row.id, ASKED),
            _minutes(session, row.id, APPROVED) if released or row.decision else "",
            STATE_WORDS[State(row.state)].sv,
            _decision(row),
            self._day(row.decided_at),
            row.decided_by or "",
            self._day(row.released_at),
            _CHANNELS.get(row.channel or "", row.channel or ""),
            package.sha256.hex() if package is not None and released else "",
            _remarks(row, self._ledger.clock.now()),
        )

    def _statistics(self, rows: Sequence[Request]) -> Register:
        zone = ZoneInfo(self._zone)
        counted: dict[tuple[int, str], dict[str, int]] = {}
        for row in rows:
            year = row.received_at.astimezone(zone).year
            of = counted.setdefault((year, row.requester_type), dict.fromkeys(_COUNTED, 0))
            for name, counts in _COUNTED.items():
                of[name] += counts(row)
        return Register(
            title="Årsstatistik över begäran om kamerabilder",
            lead="Antal per år då begäran togs emot och per slag av begärande part.",
            columns=(
                Column("year", "År", 0.5),
                Column("requester", "Begärande part", 2.6),
                *(Column(name, heading) for name, heading in _HEADINGS.items()),
            ),
            rows=tuple(
                (str(year), REQUESTERS[type_].name.sv, *(str(of[name]) for name in _COUNTED))
                for (year, type_), of in sorted(counted.items())
            ),
        )

    def _art30(self, session: Session) -> Register:
        policy = self._policies.in_force()
        cameras = session.execute(select(Camera).order_by(col(Camera.code))).scalars().all()
        sites = {row.code: row.name for row in session.execute(select(Site)).scalars()}
        places = "; ".join(
            f"{sites[each.site_code]}: {each.name}" + (f" ({each.view})" if each.view else "")
            for each in cameras
        )
        signs = "; ".join(
            f"{each.name}: {_sign(each, self._day)}"
            for each in signs_of(session, self._ledger.clock.now())
        )
        recipients = "; ".join(
            row.name.sv for row in REQUESTERS.values() if row.hands_over and not row.auto_refused
        )
        sound = any(each.sound == "yes" for each in cameras)
        data = "Bild" + (" och ljud" if sound else "") + " av identifierbara personer"
        return Register(
            title="Förteckning över behandling (artikel 30)",
            lead=f"Personuppgiftsansvarig: {self._controller}. Policy version {policy.version}. "
            "Överföring till tredjeland: den personuppgiftsansvarige anger det, efter var "
            "lagringen finns. Säkerhetsåtgärder (artikel 32): varje "
            "inspelning krypteras med en egen nyckel, behörighet styrs av roller, varje åtkomst "
            f"förs in i en logg som inte kan ändras utan att det syns. Kameror: {places or '–'}. "
            f"Skyltar om kamerabevakning: {signs or '–'}.",
            columns=(
                Column("purpose", "Ändamål", 2.2),
                Column("statute", "Rättslig grund", 1.2),
                Column("subjects", "Kategorier av registrerade", 1.6),
                Column("data", "Kategorier av uppgifter", 1.6),
                Column("recipients", "Kategorier av mottagare", 3.0),
                Column("kept", "Tid för gallring", 1.6),
                Column("review", "Omprövning", 1.0),
                Column("source", "Källa", 1.8),
            ),
            rows=tuple(
                (
                    each.sv,
                    each.statute,
                    _subjects(each),
                    data if each.code != "register" else "Namn, kontaktuppgifter, skäl",
                    recipients if each.code not in _STAYS else "Lämnas inte ut",
                    _kept(each),
                    _length(each.review.text) if each.review else "–",
                    each.source,
                )
                for each in policy.purposes.values()
            ),
            size=6.8,
        )

    # --- how they are written -----------------------------------------------------------------

    def _day(self, moment: datetime | None) -> str:
        if moment is None:
            return ""
        return f"{moment.astimezone(ZoneInfo(self._zone)):%Y-%m-%d %H:%M}"

    def _pdf(self, made: Register, since: datetime, until: datetime, now: datetime) -> bytes:
        data = {
            "title": made.title,
            "lead": made.lead,
            "controller": self._controller,
            "period": f"{self._day(since)[:10]} – {self._day(until)[:10]}",
            "made": f"Upprättad {self._day(now)}",
            "simulated": self._log.origin.endswith(SIMULATED_SUFFIX),
            "size": made.size,
            "columns": [each.sv for each in made.columns],
            "widths": [each.width for each in made.columns],
            "rows": [[_breakable(cell) for cell in row] for row in made.rows],
        }
        return self._documents.sign(typeset(_TEMPLATE, data, at=now), at=now)


_STAYS: Final = frozenset({"register", "quarantine", "save-now", "late-arrival", "restriction"})
"""Purposes for which nothing is handed to anyone."""


def _period(
    now: datetime, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
    until = end or now + timedelta(seconds=1)
    since = start or until - _DEFAULT
    if since >= until:
        raise InvalidInputError("the period ends before it starts")
    return since, until


def _requests(
    session: Session, actor: Actor, since: datetime, until: datetime
) -> Sequence[Request]:
    query = select(Request).where(
        col(Request.received_at) >= since.astimezone(UTC),
        col(Request.received_at) < until.astimezone(UTC),
    )
    if not actor.cleared:
        query = query.where(col(Request.gagged).is_(False))
    return (
        session.execute(query.order_by(col(Request.received_at), col(Request.id))).scalars().all()
    )


def _minutes(session: Session, request_id: str, part: str) -> str:
    seconds = camera_time(windows_of(session, request_id, part)).total_seconds()
    return f"{seconds / 60:.1f}".removesuffix(".0") if seconds else ""


_DECISIONS: Final[Mapping[str, str]] = {
    State.APPROVED: "beviljad",
    State.PARTLY_APPROVED: "delvis beviljad",
    State.REFUSED: "avslagen",
    ERASED: "raderat",
    PARTLY_ERASED: "delvis raderat",
    "before-decision": "utlämnad före beslut",
    REVIEWED: "utlämnad före beslut; godkänd i efterhand",
    DISAPPROVED: "utlämnad före beslut; underkänd i efterhand",
}


_CHANNELS: Final[Mapping[str, str]] = {
    "link": "länk och kod",
    "usb": "usb-minne",
    "in-person": "personligen",
}
_COPIED_FOR: Final[Mapping[str, str]] = {
    "police-report": "polisanmälan",
    "claim": "försäkring eller krav",
    "internal-review": "egen utredning",
    "technical-fault": "tekniskt fel",
}
_SHOWN_IN: Final[Mapping[str, str]] = {
    "website": "webbplatsen",
    "social-media": "sociala medier",
    "newsletter": "nyhetsbrev",
    "print": "tryck",
    "in-shop": "butiken",
}


def _copied_for(purpose: str) -> str:
    """What a copy was made for; where it is published, of course material."""
    channel = purpose.removeprefix(PUBLICATION)
    if channel != purpose:
        return f"publicering: {_SHOWN_IN.get(channel, channel)}"
    return _COPIED_FOR.get(purpose, purpose)


def _decision(row: Request) -> str:
    if row.decision == State.REFUSED and row.decided_by is None:
        return "avslagen utan prövning: ingen rättslig grund"
    return _DECISIONS.get(row.decision or "", "")


def _remarks(row: Request, now: datetime) -> str:
    late = row.deadline_at is not None and row.deadline_at < now
    said = {
        "granskning försenad": late and row.state == State.UNDER_REVIEW,
        "diarienummer saknas": row.number_due_at is not None,
        "svarstid förlängd": row.prolonged_at is not None,
        f"avgift {row.fee_kronor} kronor": row.fee_kronor is not None,
        "bara bevarande": not REQUESTERS[row.requester_type].hands_over
        and not REQUESTERS[row.requester_type].auto_refused,
    }
    return "; ".join(text for text, there in said.items() if there)


_COUNTED: Final[Mapping[str, Callable[[Request], int]]] = {
    "received": lambda _row: 1,
    "approved": lambda row: row.decision == State.APPROVED,
    "partly_approved": lambda row: row.decision == State.PARTLY_APPROVED,
    "refused": lambda row: row.decision == State.REFUSED,
    "erased": lambda row: row.decision in {ERASED, PARTLY_ERASED},
    "withdrawn": lambda row: row.state == State.WITHDRAWN,
    "lapsed": lambda row: row.state == State.EXPIRED,
    "released": lambda row: row.released_at is not None,
    "before_decision": lambda row: row.decision in BEFORE_DECISION,
    "disapproved": lambda row: row.decision == DISAPPROVED,
    "late": lambda row: (
        row.deadline_at is not None
        and row.decided_at is not None
        and row.decision not in BEFORE_DECISION
        and row.decided_at > row.deadline_at
    ),
}
_HEADINGS: Final[Mapping[str, str]] = {
    "received": "Mottagna",
    "approved": "Beviljade",
    "partly_approved": "Delvis beviljade",
    "refused": "Avslagna",
    "erased": "Raderade",
    "withdrawn": "Återkallade",
    "lapsed": "Förfallna",
    "released": "Utlämnade",
    "before_decision": "Före beslut",
    "disapproved": "Underkända",
    "late": "Beslutade för sent",
}


def _copies(found: Sequence[CopyView], day: Callable[[datetime | None], str]) -> Register:
    return Register(
        title="Förteckning över kopior",
        lead="Bildmaterial som tagits ut för bruk i verksamheten, och när det ska vara förstört.",
        columns=(
            Column("reference", "Beteckning"),
            Column("made_at", "Gjord", 1.2),
            Column("made_by", "Av konto", 1.2),
            Column("purpose", "Ändamål", 1.2),
            Column("recordings", "Inspelningar", 0.8),
            Column("sha256", "SHA-256", 3.0),
            Column("end_at", "Förstörs senast", 1.2),
            Column("destroyed_at", "Förstörd enligt uppgift", 1.2),
            Column("overdue", "Försenad", 0.8),
        ),
        rows=tuple(
            (
                each.id,
                day(each.made_at),
                each.made_by,
                _copied_for(each.purpose),
                str(len(each.recordings)),
                each.sha256.hex(),
                day(each.end_at),
                day(each.destroyed_confirmed_at),
                "ja" if each.overdue else "",
            )
            for each in found
        ),
    )


def _breaches(found: Sequence[BreachView], day: Callable[[datetime | None], str]) -> Register:
    return Register(
        title="Förteckning över personuppgiftsincidenter",
        lead="Varje personuppgiftsincident, också de som inte har anmälts (artikel 33.5).",
        columns=(
            Column("reference", "Beteckning", 1.1),
            Column("discovered_at", "Upptäckt", 1.2),
            Column("what", "Vad som hände", 2.4),
            Column("categories", "Uppgifter och registrerade", 1.6),
            Column("persons", "Antal", 0.7),
            Column("consequences", "Följder", 1.8),
            Column("measures", "Åtgärder", 1.8),
            Column("imy", "Anmäld till IMY, eller varför inte", 1.8),
            Column("supplement", "Kompletterad", 1.2),
            Column("told", "Registrerade underrättade, eller varför inte", 1.8),
            Column("state", "Läge", 1.0),
        ),
        rows=tuple(
            (
                each.id,
                day(each.discovered_at),
                *(each.said.get(name, "") for name in ("what", "categories")),
                "okänt" if each.persons is None else str(each.persons),
                *(each.said.get(name, "") for name in ("consequences", "measures")),
                _reported(each, day),
                day(each.supplemented_at),
                "; ".join(
                    filter(None, (day(each.told_at), _newest(each, ("told", "untold"), "text")))
                ),
                f"avslutad {day(each.closed_at)}" if each.closed_at else "öppen",
            )
            for each in reversed(found)
        ),
        size=6.2,
    )


def _reported(breach: BreachView, day: Callable[[datetime | None], str]) -> str:
    if breach.reported_at is None:
        return _newest(breach, ("unreported",), "reason")
    late = f"efter 72 timmar: {_newest(breach, ('reported',), 'delay')}" if breach.late else ""
    number = _newest(breach, ("reported",), "number")
    return "; ".join(filter(None, (day(breach.reported_at), number, late)))


def _newest(breach: BreachView, kinds: tuple[str, ...], name: str) -> str:
    """The newest word of an entry of these kinds."""
    return next(
        (each.words.get(name, "") for each in reversed(breach.notes) if each.kind in kinds), ""
    )


def _sign(sign: SignView, day: Callable[[datetime | None], str]) -> str:
    """A place's sign as it was last seen."""
    if not sign.there:
        return "ingen uppgift" if sign.checked_at is None else "saknas"
    says = {"ansvarig": sign.controller, "ändamål": sign.purpose, "hänvisning": sign.pointer}
    lacks = [name for name, there in says.items() if not there]
    return f"{sign.place}, kontrollerad {day(sign.checked_at)[:10]}" + (
        f", saknar {' och '.join(lacks)}" if lacks else ""
    )


def _subjects(purpose: Purpose) -> str:
    if purpose.base_for == "production":
        return "Kursdeltagare och kursledare"
    if purpose.code == "register":
        return "Anställda, begärande parter"
    return "Kunder, besökare och anställda i butiken"


def _kept(purpose: Purpose) -> str:
    if purpose.period is None:
        return "tills ändamålet upphör; omprövas"
    ceiling = "" if purpose.ceiling is None else f", högst {_length(purpose.ceiling.text)}"
    return _length(purpose.period.text) + ceiling


def _length(text: str) -> str:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return (
        f"{number} " + {"h": "timmar", "d": "dygn", "mo": "månader", "y": "år"}[text[len(number) :]]
    )


def _csv(made: Register) -> bytes:
    """As RFC 4180 in UTF-8; what a spreadsheet would take for a formula stands behind a quote."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([each.name for each in made.columns])
    for row in made.rows:
        writer.writerow([_FORMULA.sub(r"\1\2'", " ".join(cell.split())) for cell in row])
    return out.getvalue().encode()


def _breakable(cell: str) -> str:
    """A hash in pieces that a narrow column can break."""
    if len(cell) == hashlib.sha256().digest_size * 2 and cell.isalnum():
        return " ".join(cell[start : start + 8] for start in range(0, len(cell), 8))
    return cell
