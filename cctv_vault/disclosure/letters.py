"""Letters to whoever asked: gathered from the case, typeset as PDF, signed and entered.

Owns which letter a case can have in its state, and what of the case it is written from. Refuses a
refusal where nothing was refused and an approval where nothing was approved: a letter never says
what the log does not. Nothing is kept of a letter but its hash: it can be written again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog, LoggedEntry
from cctv_vault.database import Database
from cctv_vault.disclosure.cases import (
    APPROVED,
    ASKED,
    danger_of,
    facts_of,
    footage_in,
    load,
    open_json,
    told_of,
    windows_of,
)
from cctv_vault.disclosure.codes import CodeHasher
from cctv_vault.disclosure.fees import is_access
from cctv_vault.disclosure.legal import ASKS_IN_DANGER, Words
from cctv_vault.disclosure.letterwords import Fee, Kind, LetterFacts, letter
from cctv_vault.disclosure.unmeasured import in_true_time, told_elsewhere
from cctv_vault.disclosure.windows import Window, looked_in
from cctv_vault.disclosure.workflow import ERASED, PARTLY_ERASED, UNANSWERED, State, checklist
from cctv_vault.errors import InvalidInputError, NotFoundError, TransitionNotAllowedError
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Right
from cctv_vault.people.service import People
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import Camera, Hold, Package, Request, Site, table
from cctv_vault.typesetting import typeset

_TEMPLATE: Final = Path(__file__).with_name("letter.typ")
_ASKED_ABOUT: Final = ("requester", "ground", "number", "document", "decider")
"""What only the requester can mend, and so is asked of them."""
_MOST: Final = 2000
_OF_WHO_REGISTERED: Final = frozenset({Kind.RECEIPT, Kind.HANDOVER})
"""What whoever stands with the requester writes, without a right to read other requests."""
_OF_PACKAGE: Final = frozenset({Kind.APPROVAL, Kind.HANDOVER})
_OF_DECISION: Final = frozenset({Kind.REFUSAL, Kind.APPROVAL, Kind.ERASURE})
_HANDED_OVER: Final = frozenset({State.RELEASED, State.UNDER_REVIEW, State.ACKNOWLEDGED})


class Letters:
    """Writes the letters of requests."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        log: CustodyLog,
        keyring: Keyring,
        grants: Grants,
        people: People,
        documents: DocumentSigner,
        controller: str,
        zone: str,
    ) -> None:
        """All belong to the vault; ``documents`` signs, ``zone`` is where its days begin."""
        self._database = database
        self._ledger = ledger
        self._log = log
        self._keyring = keyring
        self._grants = grants
        self._people = people
        self._documents = documents
        self._controller = controller
        self._zone = zone
        self._codes = CodeHasher()

    def write(self, actor: Actor, request_id: str, kind: str) -> bytes:
        """A letter of a request, as a signed PDF in the requester's language.

        Raises:
            InvalidInputError: There is no such letter.
            NotFoundError: There is no such request, or the person may not know of it.
            AccessDeniedError: The person may neither read nor register requests.
            TransitionNotAllowedError: The case is not one to write that of.
        """
        event = Event.REQUEST_LETTER_WRITTEN
        note = self._log.checkpoint(self._ledger.clock.now())
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            chosen = _kind(kind)
            own = row.registered_by == actor.id and chosen in _OF_WHO_REGISTERED
            actor.require(Right.REQUEST_REGISTER if own else Right.REQUEST_READ)
            facts = self._facts(act, row, chosen, note)
        return self._written(actor, facts)

    def receipt(self, reference: str, code: str) -> bytes:
        """The receipt of a request, for whoever has its reference and code.

        Raises:
            NotFoundError: Not this reference with this code; which of the two is not told.
        """
        with self._database.read() as session:
            row = session.get(Request, reference[:40])
        right = self._codes.matches(code, None if row is None else row.code_hash)
        note = self._log.checkpoint(self._ledger.clock.now()) if right else ""
        with self._ledger.act(Event.REQUEST_LETTER_WRITTEN, PORTAL_ACTOR) as act:
            if row is None or not right:
                raise NotFoundError("request with that code", reference[:40])
            facts = self._facts(act, row, Kind.RECEIPT, note)
        return self._written(PORTAL_ACTOR, facts)

    # --- inside -------------------------------------------------------------------------------

    def _written(self, actor: Actor, facts: LetterFacts) -> bytes:
        """Typeset and sign, outside any transaction, and then enter it."""
        pdf = self._documents.sign(typeset(_TEMPLATE, letter(facts), at=facts.now), at=facts.now)
        digest = hashlib.sha256(pdf).hexdigest()
        entered = {"kind": facts.kind.value, "sha256": digest}
        self._ledger.record(Event.REQUEST_LETTER_WRITTEN, actor, facts.reference, facts=entered)
        return pdf

    def _facts(self, act: Act, row: Request, kind: Kind, note: str) -> LetterFacts:
        if kind not in letters_of(row.state, row.decision, row.prolonged_at):
            raise TransitionNotAllowedError(
                f"the request is {row.state}: there is no {kind.value} to write of"
            )
        session = act.session
        body = open_json(session, self._keyring, row.body_text)
        requester, matter = body.get("requester") or {}, body.get("matter") or {}
        measure = body.get("measure") or {}
        asked = windows_of(session, row.id, ASKED)
        approved = windows_of(session, row.id, APPROVED) if kind in _OF_PACKAGE else ()
        case = facts_of(session, self._keyring, row, act.now)
        told = case.told
        if in_true_time(body) and not case.wanted:
            told = told_elsewhere(session, asked)
        there = looked_in(asked, told)
        found = footage_in(session, self._grants, there, act.now, told_of(row))
        decision = open_json(session, self._keyring, row.decision_text)
        entries = [
            each
            for each in self._log.entries(subject=row.id, limit=_MOST)
            if each.subject == row.id
        ]
        asking = _last(entries, Event.REQUEST_CLARIFYING)
        points = checklist(case)
        package = _package(session, row.id) if kind in _OF_PACKAGE else None
        deciding = kind in _OF_DECISION and row.decided_by
        return LetterFacts(
            kind=kind,
            language=row.language,
            type=row.requester_type,
            ground=row.ground_code,
            reference=row.id,
            controller=self._controller,
            zone=_zone(session, asked, self._zone),
            received_at=row.received_at,
            now=act.now,
            simulated=self._log.origin.endswith(SIMULATED_SUFFIX),
            to=_to(requester),
            theirs=matter.get("number") or "",
            offence=matter.get("offence") or "",
            places=_places(session, asked),
            spans=tuple(sorted({(each.starts_at, each.ends_at) for each in asked})),
            cameras=_named(session, approved),
            deadline_at=row.deadline_at,
            kept=len(found.kept),
            gone=found.gone,
            certificates=found.certificates,
            frozen_until=_frozen_until(session, row),
            reason=_reason(kind, entries, decision),
            automatic=_automatic(kind, asking, row),
            missing=_missing(kind, points),
            answer_by=None if asking is None else asking.at + UNANSWERED,
            decided_by=self._people.names([row.decided_by]).get(row.decided_by, "")
            if deciding and row.decided_by
            else "",
            partly=row.decision == "partly-approved",
            masked=any(point.code == "masking" and point.met for point in points),
            channel=row.channel or row.delivery,
            released_at=row.released_at,
            taken=measure.get("taken") or "",
            protocol=measure.get("protocol") or "",
            danger=danger_of(body).get("at_stake", "")
            if row.requester_type in ASKS_IN_DANGER
            else "",
            package_sha256="" if package is None else package.sha256.hex(),
            checkpoint=note if kind is Kind.RECEIPT else "",
            fee=self._fee(session, row),
            exception=decision.get("exception") or "",
            erased=int(decision.get("recordings") or 0),
            held=int(decision.get("held") or 0),
        )

    def _fee(self, session: Session, row: Request) -> Fee | None:
        """What access costs; None for what is no request for it."""
        if not is_access(row.requester_type, row.ground_code):
            return None
        why = open_json(session, self._keyring, row.fee_text) if row.fee_kronor else {}
        return Fee(row.fee_kronor or 0, why.get("because") or "", why.get("reason") or "")


def letters_of(state: str, decision: str | None, prolonged_at: datetime | None) -> tuple[Kind, ...]:
    """The letters that a case can have where it stands."""
    there = {
        Kind.RECEIPT: True,
        Kind.CLARIFICATION: state == State.CLARIFYING,
        Kind.REFUSAL: decision == State.REFUSED,
        Kind.APPROVAL: decision in {State.APPROVED, State.PARTLY_APPROVED},
        Kind.PROLONGING: prolonged_at is not None,
        Kind.HANDOVER: state in _HANDED_OVER,
        Kind.ERASURE: decision in {ERASED, PARTLY_ERASED},
    }
    return tuple(kind for kind, can in there.items() if can)


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise InvalidInputError(f"the letter must be one of: {', '.join(Kind)}") from None


def _to(requester: Mapping[str, Any]) -> tuple[str, ...]:
    authority = requester.get("authority")
    lines = [authority, requester.get("unit")]
    name = requester.get("name")
    if name:
        lines.append(f"Att. {name}" if authority else name)
    return tuple(str(line) for line in lines if line)


def _places(session: Session, windows: Sequence[Window]) -> tuple[str, ...]:
    rows = session.execute(
        select(col(Site.name))
        .join(Camera, col(Camera.site_code) == col(Site.code))
        .where(col(Camera.code).in_({each.camera for each in windows}))
        .distinct()
    ).scalars()
    return tuple(sorted(rows))


def _named(
    session: Session, windows: Sequence[Window]
) -> tuple[tuple[str, datetime, datetime], ...]:
    wanted = {each.camera for each in windows}
    rows = session.execute(select(table(Camera)).where(col(Camera.code).in_(wanted)))
    names = {row.code: row.name for row in rows}
    return tuple(
        (names.get(each.camera, each.camera), each.starts_at, each.ends_at) for each in windows
    )


def _zone(session: Session, windows: Sequence[Window], otherwise: str) -> str:
    camera = session.get(Camera, windows[0].camera) if windows else None
    site = None if camera is None else session.get(Site, camera.site_code)
    return otherwise if site is None else site.zone


def _frozen_until(session: Session, row: Request) -> datetime | None:
    hold = None if row.hold_id is None else session.get(Hold, row.hold_id)
    return hold.until if hold is not None and hold.released_at is None else None


def _package(session: Session, request_id: str) -> Package | None:
    found: Package | None = session.execute(
        select(Package)
        .where(col(Package.request_id) == request_id)
        .order_by(col(Package.created_at).desc())
        .limit(1)
    ).scalar()
    return found


def _last(entries: Sequence[LoggedEntry], event: Event) -> LoggedEntry | None:
    return next((each for each in reversed(entries) if each.event == event), None)


def _reason(kind: Kind, entries: Sequence[LoggedEntry], decision: Mapping[str, Any]) -> str:
    """What a person wrote as the reason of what the letter tells; empty once its key is gone."""
    where = {
        Kind.CLARIFICATION: (Event.REQUEST_CLARIFYING, "text"),
        Kind.PROLONGING: (Event.REQUEST_PROLONGED, "reason"),
    }.get(kind)
    if where is None:
        value = decision.get("reason")
    else:
        entry = _last(entries, where[0])
        value = None if entry is None else (entry.details or {}).get(where[1])
    return value if isinstance(value, str) else ""


def _automatic(kind: Kind, asking: LoggedEntry | None, row: Request) -> bool:
    """Whether nobody wrote the reason: the letter then has words of its own for it."""
    if kind is Kind.CLARIFICATION:
        return asking is not None and asking.facts.get("automatic") is True
    return row.decided_by is None


def _missing(kind: Kind, points: Sequence[Any]) -> tuple[Words, ...]:
    if kind is not Kind.CLARIFICATION:
        return ()
    return tuple(
        _ASKING[point.code] for point in points if point.code in _ASKED_ABOUT and not point.met
    )


_ASKING: Final[Mapping[str, Words]] = {
    "requester": Words(
        "ett sätt för oss att kontrollera vem ni är: växelnummer till myndigheten eller företaget, "
        "besök med legitimation, eller ett undertecknat beslut",
        "a way for us to verify who you are: the switchboard of the authority or company, a visit "
        "with an identity card, or a signed decision",
    ),
    "ground": Words(
        "det lagrum som utlämnandet ska grundas på", "the provision on which disclosure is to rest"
    ),
    "number": Words("ärende- eller skadenummer", "the number of the matter or claim"),
    "document": Words(
        "beslutet, föreläggandet, uppdraget eller fullmakten i kopia",
        "a copy of the decision, order, mandate or power of attorney",
    ),
    "decider": Words("vem som har beslutat om åtgärden", "who decided the measure"),
}
