"""The register of personal-data breaches: entered, added to, reported, told of, closed (S16).

Owns who writes in it (the privacy officer) and that nothing in it is ever written over: each act
adds a note, and the newest word on each matter counts while the older ones stay. What people wrote
is sealed like every other text and ends with the register. A breach in a gagged matter is absent to
anyone not cleared. A breach is never an incident (*händelse*), and an incident never a breach.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.breaches.rules import BreachFacts, Call, calls, is_late, missing, report_by
from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.incidents.freetext import LONGEST_NOTE, checked_text
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import Breach, BreachNote
from cctv_vault.views import iso

SAID: Final = ("what", "categories", "consequences", "measures")
"""What an entry says in words: of the data and whose, what follows, and what is done about it."""
_MOST_PERSONS: Final = 100_000_000
_NAMES: Final = {"what": "description of what happened"}
_LACKING: Final[Mapping[str, tuple[str, str]]] = {
    "report": ("when IMY was told, or why not", "när IMY fick anmälan, eller varför inte"),
    "supplement": ("that the report was supplemented", "att anmälan är kompletterad"),
    "persons": (
        "when the persons concerned were told, or why not",
        "när de registrerade underrättades, eller varför inte",
    ),
    "measures": ("which measures were taken", "vilka åtgärder som har vidtagits"),
}
"""What must stand in the register before a breach is closed, English and Swedish."""


@dataclass(frozen=True, repr=False)
class NoteView:
    """One entry: what was added, by whom and when; ``words`` by name."""

    kind: str
    at: datetime
    by: str
    words: Mapping[str, str]

    def __repr__(self) -> str:
        """Without what a person wrote."""
        return f"NoteView(kind={self.kind!r}, at={self.at!r})"


@dataclass(frozen=True)
class BreachView:
    """A breach as it stands, with every entry; ``persons`` is None where the number is unknown."""

    id: str
    discovered_at: datetime
    report_by: datetime
    registered_at: datetime
    registered_by: str
    gagged: bool
    persons: int | None
    reported_at: datetime | None
    late: bool
    supplemented_at: datetime | None
    told_at: datetime | None
    closed_at: datetime | None
    calls: tuple[Call, ...]
    said: Mapping[str, str] = field(repr=False)
    notes: tuple[NoteView, ...] = field(repr=False)


class Breaches:
    """The register of breaches of one vault."""

    def __init__(self, *, database: Database, ledger: Ledger, keyring: Keyring) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring

    # --- writing ------------------------------------------------------------------------------

    def enter(
        self,
        actor: Actor,
        discovered_at: datetime,
        said: Mapping[str, str],
        *,
        persons: int | None = None,
        gagged: bool = False,
    ) -> BreachView:
        """Enter a breach.

        Args:
            actor: The privacy officer.
            discovered_at: When the controller came to know of it, UTC: the 72 hours run from then.
            said: ``what``, ``categories`` (of data and of persons) and ``consequences``; and
                ``measures`` where some were taken already.
            persons: About how many are concerned; None where that is not known yet.
            gagged: Whether it is of a matter under a duty of silence.

        Raises:
            AccessDeniedError: The person is not the privacy officer, or not cleared for it.
            InvalidInputError: A text is missing, or it was discovered in the future.
        """
        event = Event.BREACH_ENTERED
        with self._ledger.act(event, actor) as act:
            actor.require(Right.BREACH_WRITE)
            if gagged and not actor.cleared:
                raise AccessDeniedError(
                    "a breach in a matter under a duty of silence is entered by somebody cleared"
                )
            if discovered_at > act.now:
                raise InvalidInputError("nothing is discovered in the future")
            words = _words(said, needs=SAID[:-1])
            row = Breach(
                id=ids.reference("P"),
                discovered_at=discovered_at,
                registered_at=act.now,
                registered_by=actor.id,
                gagged=gagged,
                persons=_number(persons),
            )
            act.session.add(row)
            act.session.flush()
            facts: dict[str, Json] = {"discovered_at": iso(discovered_at), "persons": row.persons}
            return self._note(act, row, event, "entered", words, facts=facts)

    def amend(
        self,
        actor: Actor,
        breach_id: str,
        said: Mapping[str, str],
        *,
        persons: int | None = None,
    ) -> BreachView:
        """Add what became known: the newest words on a matter count, the older ones stay.

        Raises:
            InvalidInputError: Nothing is added.
        """
        with self._writing(actor, Event.BREACH_AMENDED, breach_id) as (act, row):
            words = _words(said)
            if not words and persons is None:
                raise InvalidInputError("say what became known")
            facts: dict[str, Json] = {"fields": sorted(words)}
            if persons is not None:
                row.persons = _number(persons)
                facts["persons"] = row.persons
            return self._note(act, row, Event.BREACH_AMENDED, "amended", words, facts=facts)

    def report(
        self,
        actor: Actor,
        breach_id: str,
        reported_at: datetime,
        *,
        whole: bool,
        number: str = "",
        delay: str = "",
    ) -> BreachView:
        """Enter that IMY was told; after 72 hours only with why it came late (GDPR 33.1).

        Args:
            actor: The privacy officer.
            breach_id: The breach.
            reported_at: When, UTC.
            whole: Whether the report held everything; else the rest follows within four weeks.
            number: IMY's number of the matter.
            delay: Why it came late.

        Raises:
            GateNotMetError: It came late and nothing says why.
            InvalidInputError: It lies in the future, or before the breach was discovered.
            TransitionNotAllowedError: It was reported before.
        """
        event = Event.BREACH_REPORTED
        with self._writing(actor, event, breach_id) as (act, row):
            if row.reported_at is not None:
                raise TransitionNotAllowedError("the breach was reported before; supplement it")
            _within(row.discovered_at, reported_at, act.now)
            late = is_late(row.discovered_at, reported_at)
            if late and not delay.strip():
                raise GateNotMetError("a report after 72 hours says why it came late (GDPR 33.1)")
            row.reported_at, row.whole, row.unreported = reported_at, whole, False
            words = _only({"number": number, "delay": delay})
            facts: dict[str, Json] = {"at": iso(reported_at), "late": late, "whole": whole}
            return self._note(act, row, event, "reported", words, facts=facts)

    def leave_unreported(self, actor: Actor, breach_id: str, reason: str) -> BreachView:
        """Enter why IMY is not told: no risk to anybody is likely (GDPR 33.1).

        Raises:
            TransitionNotAllowedError: It was reported.
        """
        event = Event.BREACH_REPORTED
        with self._writing(actor, event, breach_id) as (act, row):
            if row.reported_at is not None:
                raise TransitionNotAllowedError("the breach was reported")
            words = {"reason": _text(reason, "reason")}
            row.unreported = True
            return self._note(act, row, event, "unreported", words, facts={"reported": False})

    def supplement(self, actor: Actor, breach_id: str, sent_at: datetime, text: str) -> BreachView:
        """Enter that the rest of a report was sent to IMY.

        Raises:
            TransitionNotAllowedError: There is no report that lacks anything.
        """
        event = Event.BREACH_SUPPLEMENTED
        with self._writing(actor, event, breach_id) as (act, row):
            if row.reported_at is None or row.whole:
                raise TransitionNotAllowedError("no report is there that lacks anything")
            _within(row.reported_at, sent_at, act.now)
            words = {"text": _text(text, "supplement")}
            row.whole, row.supplemented_at = True, sent_at
            return self._note(act, row, event, "supplemented", words, facts={"at": iso(sent_at)})

    def tell(
        self, actor: Actor, breach_id: str, text: str, *, told_at: datetime | None = None
    ) -> BreachView:
        """Enter when and how the persons concerned were told, or why they are not (GDPR 34).

        Args:
            actor: The privacy officer.
            breach_id: The breach.
            text: How they were told; with no ``told_at``, why they are not.
            told_at: When, UTC.
        """
        event = Event.BREACH_PERSONS_TOLD
        with self._writing(actor, event, breach_id) as (act, row):
            kind = "untold"
            facts: dict[str, Json] = {"told": told_at is not None}
            if told_at is not None:
                _within(row.discovered_at, told_at, act.now)
                kind, facts["at"] = "told", iso(told_at)
            row.told, row.told_at = True, told_at
            return self._note(act, row, event, kind, {"text": _text(text, "text")}, facts=facts)

    def close(self, actor: Actor, breach_id: str, reason: str) -> BreachView:
        """Close a breach of which everything stands in the register.

        Raises:
            GateNotMetError: Something does not; each is named.
        """
        event = Event.BREACH_CLOSED
        with self._writing(actor, event, breach_id) as (act, row):
            lacks = missing(
                _facts(row, measures=bool(self._said(act.session, row).get("measures")))
            )
            if lacks:
                raise GateNotMetError(
                    "the breach is not closed before it stands in the register",
                    tuple(_LACKING[each][0] for each in lacks),
                    in_swedish=tuple(_LACKING[each][1] for each in lacks),
                )
            row.closed_at = act.now
            return self._note(
                act, row, event, "closed", {"reason": _text(reason, "reason")}, facts={}
            )

    # --- reading ------------------------------------------------------------------------------

    def list(self, actor: Actor) -> tuple[BreachView, ...]:
        """The breaches the person may know of, the newest first.

        Raises:
            AccessDeniedError: The person may not read registers.
        """
        with entered_if_refused(self._ledger, Event.BREACH_ENTERED, actor):
            actor.require(Right.REGISTER_READ)
        query = select(Breach).order_by(col(Breach.discovered_at).desc(), col(Breach.id))
        if not actor.cleared:
            query = query.where(col(Breach.gagged).is_(False))
        now = self._ledger.clock.now()
        with self._database.read() as session:
            return tuple(self._view(session, row, now) for row in session.execute(query).scalars())

    def show(self, actor: Actor, breach_id: str) -> BreachView:
        """One breach with every entry.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
            AccessDeniedError: The person may not read registers.
        """
        now = self._ledger.clock.now()
        with (
            entered_if_refused(self._ledger, Event.BREACH_ENTERED, actor, subject=breach_id),
            self._database.read() as session,
        ):
            actor.require(Right.REGISTER_READ)
            return self._view(session, _known(session, breach_id, actor), now)

    # --- inside -------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, actor: Actor, event: Event, breach_id: str) -> Iterator[tuple[Act, Breach]]:
        """An act on an open breach.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
            AccessDeniedError: The person is not the privacy officer.
            TransitionNotAllowedError: It is closed.
        """
        with self._ledger.act(event, actor, subject=breach_id) as act:
            row = _known(act.session, breach_id, actor, lock=True)
            actor.require(Right.BREACH_WRITE)
            if row.closed_at is not None:
                raise TransitionNotAllowedError(
                    "the breach is closed; enter what became known since as one of its own"
                )
            yield act, row

    def _note(
        self,
        act: Act,
        row: Breach,
        event: Event,
        kind: str,
        words: Mapping[str, str],
        *,
        facts: Mapping[str, Json],
    ) -> BreachView:
        binding = f"breach/{row.id}/{kind}"
        act.session.add(row)
        act.session.add(
            BreachNote(
                breach_id=row.id,
                at=act.now,
                by=act.actor.id,
                kind=kind,
                text=self._keyring.seal_text(
                    act.session, canonical_json(dict(words)), binding, act.now
                ),
            )
        )
        act.session.flush()
        act.record(event, row.id, facts=facts, details=dict(words))
        return self._view(act.session, row, act.now)

    def _notes(self, session: Session, row: Breach) -> tuple[NoteView, ...]:
        rows = session.execute(
            select(BreachNote)
            .where(col(BreachNote.breach_id) == row.id)
            .order_by(col(BreachNote.id))
        ).scalars()
        return tuple(NoteView(x.kind, x.at, x.by, self._open(session, x.text)) for x in rows)

    def _said(self, session: Session, row: Breach) -> dict[str, str]:
        """The newest word on each matter."""
        said: dict[str, str] = {}
        for each in self._notes(session, row):
            if each.kind in {"entered", "amended"}:
                said |= each.words
        return said

    def _open(self, session: Session, text_id: int) -> dict[str, str]:
        data = self._keyring.open_text(session, text_id)
        value: Any = None if data is None else parse_canonical(data)
        said = {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
        order = (*(each for each in SAID if each in said), *(each for each in said))
        return {each: said[each] for each in dict.fromkeys(order)}

    def _view(self, session: Session, row: Breach, now: datetime) -> BreachView:
        said = self._said(session, row)
        facts = _facts(row, measures=bool(said.get("measures")))
        return BreachView(
            id=row.id,
            discovered_at=row.discovered_at,
            report_by=report_by(row.discovered_at),
            registered_at=row.registered_at,
            registered_by=row.registered_by,
            gagged=row.gagged,
            persons=row.persons,
            reported_at=row.reported_at,
            late=row.reported_at is not None and is_late(row.discovered_at, row.reported_at),
            supplemented_at=row.supplemented_at,
            told_at=row.told_at,
            closed_at=row.closed_at,
            calls=calls(facts, now),
            said=said,
            notes=self._notes(session, row),
        )


def _facts(row: Breach, *, measures: bool) -> BreachFacts:
    return BreachFacts(
        discovered_at=row.discovered_at,
        reported_at=row.reported_at,
        unreported=row.unreported,
        whole=row.whole,
        told=row.told,
        measures=measures,
        closed=row.closed_at is not None,
    )


def _known(session: Session, breach_id: str, actor: Actor, *, lock: bool = False) -> Breach:
    row = session.get(Breach, breach_id[:40], with_for_update=lock, populate_existing=lock)
    if row is None or (row.gagged and not actor.cleared):
        raise NotFoundError("breach", breach_id[:40])
    return row


def _text(text: str, what: str) -> str:
    return checked_text(text, what, LONGEST_NOTE)


def _only(words: Mapping[str, str]) -> dict[str, str]:
    return {name: _text(text, name) for name, text in words.items() if text.strip()}


def _words(said: Mapping[str, str], *, needs: tuple[str, ...] = ()) -> dict[str, str]:
    """What is said by name; what is needed is there."""
    if unknown := sorted(set(said) - set(SAID)):
        raise InvalidInputError(f"nothing here is called {', '.join(unknown)}")
    for each in needs:
        _text(said.get(each, ""), _NAMES.get(each, each))
    return _only(said)


def _number(persons: int | None) -> int | None:
    if persons is not None and not 0 <= persons <= _MOST_PERSONS:
        raise InvalidInputError("the number of persons is a whole number, or unknown")
    return persons


def _within(first: datetime, moment: datetime, now: datetime) -> None:
    if not first <= moment <= now:
        raise InvalidInputError(
            f"the time lies after {iso(first)}, when what comes before it was, and not ahead"
        )
