"""Incidents (händelser): a window over cameras, flagged by a person and kept under a hold.

Owns the rows of ``incident`` and ``incident_note``. Titles, notes and report numbers are sealed.
It refuses windows that cannot mean anything, and people named where a role would do is a matter
of the house, not of this code. Closing ends the keeping and never lengthens it (table A).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.catalogue import Catalogue, Gap
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.holds import HoldOrder, Holds, HoldView
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.rules import extension_faults
from cctv_vault.schema import Incident, IncidentNote
from cctv_vault.views import iso

PURPOSE: Final = "incident"
_LONGEST_TITLE: Final = 200
_LONGEST_NOTE: Final = 20_000
_LONGEST_NUMBER: Final = 100


class Category(StrEnum):
    """What kind of incident it is."""

    THEFT = "theft"
    ROBBERY = "robbery"
    THREAT = "threat"
    DAMAGE = "damage"
    ACCIDENT = "accident"
    SAFETY = "safety"
    TRESPASS_BAN = "trespass-ban"
    EMPLOYEE_CRIME = "employee-crime"
    OTHER = "other"


@dataclass(frozen=True)
class NoteView:
    """A note; ``by`` is an account's pseudonym."""

    at: datetime
    by: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class IncidentView:
    """An incident as people and pages see it.

    ``state`` is open, closed, or lapsed where its time ran out. Texts are empty once their keys
    are gone. ``recordings`` and ``bytes`` count what it keeps now. ``gaps`` are the stretches of
    its window without footage, as known now, so that nobody takes a flag for footage; they are
    looked up when it is flagged and shown, and in lists while it is open.
    """

    id: str
    title: str = field(repr=False)
    category: str
    cameras: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    opened_by: str
    until: datetime | None
    review_at: datetime | None
    report_number: str | None = field(repr=False)
    closed_at: datetime | None
    closed_by: str | None
    state: str
    recordings: int
    bytes: int
    gone: int
    notes: tuple[NoteView, ...]
    hold_id: str
    gaps: tuple[Gap, ...] = ()
    call: str = ""
    """How loudly its review is called for: soon, due, missed; empty while it is not."""


class Incidents:
    """The incidents of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        holds: Holds,
        policies: Policies,
        catalogue: Catalogue,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._holds = holds
        self._policies = policies
        self._catalogue = catalogue

    def flag(
        self,
        actor: Actor,
        *,
        cameras: Iterable[str],
        starts_at: datetime,
        ends_at: datetime,
        title: str,
        category: str,
        report_number: str | None = None,
    ) -> IncidentView:
        """Keep a window over cameras as an incident: 30 days, 90 with a police report number.

        Only what was flagged moves to this purpose, the rest keeps its own (S4).

        Raises:
            InvalidInputError: The window, category or title cannot be.
            NotFoundError: There is no such camera.
            AccessDeniedError: The person may not flag, or not this category.
        """
        wanted = tuple(dict.fromkeys(cameras))
        with self._ledger.act(Event.INCIDENT_FLAGGED, actor, cameras=wanted) as act:
            actor.require(Right.INCIDENT_FLAG)
            self._ledger.require_time(act.session)
            kind = _category(category)
            _may_know(actor, kind)
            title = _text(title, "title", _LONGEST_TITLE)
            incident_id = ids.reference("H")
            hold = self._holds.place(
                act,
                HoldOrder(
                    purpose=PURPOSE,
                    windows=tuple((each, starts_at, ends_at) for each in wanted),
                    # Not the title: who may see a hold need not see what happened.
                    reason=f"incident {incident_id}",
                ),
            )
            incident = Incident(
                id=incident_id,
                hold_id=hold.id,
                category=kind.value,
                title_text=self._sealed(act, incident_id, "title", title),
                starts_at=starts_at,
                ends_at=ends_at,
                opened_at=act.now,
                opened_by=actor.id,
            )
            act.session.add(incident)
            act.session.flush()
            act.record(
                Event.INCIDENT_FLAGGED,
                incident_id,
                facts={
                    "category": kind.value,
                    "cameras": list(wanted),
                    "from": iso(starts_at),
                    "to": iso(ends_at),
                    "hold": hold.id,
                    "recordings": hold.recordings,
                    "gone": hold.gone,
                },
                details={"title": title},
                also=(hold.id, *wanted),
            )
            if report_number is not None:
                self._enter_number(act, incident, report_number)
            view = self._view(act.session, incident, act.now, gone=hold.gone)
        return self._with_gaps(actor, view)

    def note(self, actor: Actor, incident_id: str, text: str) -> IncidentView:
        """Add a note; a wrong one is corrected by a new one (S14)."""
        with self._ledger.act(Event.INCIDENT_NOTED, actor, subject=incident_id) as act:
            actor.require(Right.INCIDENT_FLAG)
            incident = self._known(act.session, incident_id, actor)
            text = _text(text, "note", _LONGEST_NOTE)
            act.session.add(
                IncidentNote(
                    incident_id=incident_id,
                    at=act.now,
                    by=actor.id,
                    text=self._sealed(act, incident_id, "note", text),
                )
            )
            act.session.flush()
            act.record(Event.INCIDENT_NOTED, incident_id, details={"text": text})
            return self._view(act.session, incident, act.now)

    def extend(self, actor: Actor, incident_id: str, until: datetime, reason: str) -> IncidentView:
        """Keep longer, by at most 30 days beyond the present end, as the policy lets (table A).

        Raises:
            InvalidInputError: It would not be longer, or too much longer, or has no reason.
        """
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_EXTENDED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            self._ledger.require_time(act.session)
            incident = self._open(act.session, incident_id, actor)
            reason = _text(reason, "reason", _LONGEST_NOTE)
            purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
            present = self._holds.view(act.session, incident.hold_id, act.now).until or act.now
            if until <= present:
                raise InvalidInputError(
                    f"{incident_id} is kept until {iso(present)} already; close it to end sooner"
                )
            faults = extension_faults(
                purpose,
                roles=actor.roles,
                earlier=extensions_of(act.session, incident_id),
                placed=incident.opened_at,
                present=present,
                until=until,
            )
            if faults:
                raise InvalidInputError("; ".join(faults))
            self._lengthen(act, incident, until, reason)
            act.record(
                Event.INCIDENT_EXTENDED,
                incident_id,
                facts={"from": iso(present), "until": iso(until)},
                details={"reason": reason},
                also=(incident.hold_id,),
            )
            return self._view(act.session, incident, act.now)

    def set_report_number(self, actor: Actor, incident_id: str, number: str) -> IncidentView:
        """Enter the police report's number: 90 days from today (table A)."""
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_EXTENDED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            self._ledger.require_time(act.session)
            incident = self._open(act.session, incident_id, actor)
            self._enter_number(act, incident, number)
            return self._view(act.session, incident, act.now)

    def close(self, actor: Actor, incident_id: str, reason: str) -> IncidentView:
        """End an incident: what nothing else keeps is refused at once and goes with the sweep."""
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_CLOSED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            incident = self._open(act.session, incident_id, actor)
            reason = _text(reason, "reason", _LONGEST_NOTE)
            self._holds.release(act, incident.hold_id, reason)
            incident.closed_at, incident.closed_by = act.now, actor.id
            act.session.add(incident)
            act.session.flush()
            act.record(
                Event.INCIDENT_CLOSED,
                incident_id,
                facts={"lapsed": False},
                details={"reason": reason},
                also=(incident.hold_id,),
            )
            return self._view(act.session, incident, act.now)

    def list(self, actor: Actor, *, open_only: bool = False) -> tuple[IncidentView, ...]:
        """The incidents the person may know of, the newest first."""
        self._may_list(actor)
        now = self._ledger.clock.now()
        query = select(Incident).order_by(col(Incident.opened_at).desc(), col(Incident.id))
        if open_only:
            query = query.where(col(Incident.closed_at).is_(None))
        if not is_privacy_officer(actor):
            query = query.where(col(Incident.category).not_in(RESTRICTED))
        with self._database.read() as session:
            views = tuple(
                self._view(session, each, now) for each in session.execute(query).scalars()
            )
        return tuple(
            self._with_gaps(actor, each) if each.state == "open" else each
            for each in views
            if not open_only or each.state == "open"
        )

    def show(self, actor: Actor, incident_id: str) -> IncidentView:
        """One incident with its notes.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_list(actor)
        with (
            entered_if_refused(self._ledger, Event.INCIDENT_FLAGGED, actor, subject=incident_id),
            self._database.read() as session,
        ):
            incident = self._known(session, incident_id, actor)
            view = self._view(session, incident, self._ledger.clock.now())
        return self._with_gaps(actor, view)

    # --- inside -------------------------------------------------------------------------------

    def _with_gaps(self, actor: Actor, view: IncidentView) -> IncidentView:
        gaps = self._catalogue.gaps_for(actor, view.cameras, view.starts_at, view.ends_at)
        return replace(view, gaps=gaps)

    def _may_list(self, actor: Actor) -> None:
        """Who flags, or reads the registers, reads the incidents."""
        if actor.is_person and not actor.may(Right.INCIDENT_FLAG):
            with entered_if_refused(self._ledger, Event.INCIDENT_FLAGGED, actor):
                actor.require(Right.REGISTER_READ)

    def _enter_number(self, act: Act, incident: Incident, number: str) -> None:
        number = _text(number, "report number", _LONGEST_NUMBER)
        incident.report_number_text = self._sealed(act, incident.id, "report-number", number)
        incident.report_number_at = act.now
        purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
        hold = self._holds.view(act.session, incident.hold_id, act.now)
        until = hold.until or act.now
        if purpose.after_report is not None:
            until = max(until, purpose.after_report.after(act.now))
        act.session.add(incident)
        act.session.flush()
        if hold.until is not None and until > hold.until:
            self._lengthen(act, incident, until, "police report number entered")
        act.record(
            Event.INCIDENT_EXTENDED,
            incident.id,
            facts={
                "from": None if hold.until is None else iso(hold.until),
                "until": iso(until),
                "report_number": True,
            },
            details={"number": number},
            also=(incident.hold_id,),
        )

    def _lengthen(self, act: Act, incident: Incident, until: datetime, reason: str) -> None:
        """Move the end, and the review with it, as far before the end as the policy has it."""
        purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
        review = until
        if purpose.period is not None and purpose.review is not None:
            review = max(act.now, until - (purpose.period.elapsed - purpose.review.elapsed))
        self._holds.change(act, incident.hold_id, until=until, review_at=review, reason=reason)

    def _known(self, session: Session, incident_id: str, actor: Actor) -> Incident:
        incident = session.get(Incident, incident_id)
        if incident is None or (incident.category in RESTRICTED and not is_privacy_officer(actor)):
            raise NotFoundError("incident", incident_id)
        return incident

    def _open(self, session: Session, incident_id: str, actor: Actor) -> Incident:
        incident = self._known(session, incident_id, actor)
        if incident.closed_at is not None:
            raise TransitionNotAllowedError(
                f"{incident_id} was closed {iso(incident.closed_at)}; flag the window again if "
                "anything of it is still kept"
            )
        return incident

    def _cameras(self, incident_id: str) -> Sequence[str]:
        """The cameras whose locks an act on an incident takes."""
        now = self._ledger.clock.now()
        with self._database.read() as session:
            incident = session.get(Incident, incident_id)
            if incident is None:
                return ()
            hold = self._holds.view(session, incident.hold_id, now)
            return sorted({each.camera for each in hold.windows})

    def _sealed(self, act: Act, incident_id: str, what: str, text: str) -> int:
        binding = f"incident/{incident_id}/{what}"
        return self._keyring.seal_text(act.session, text.encode(), binding, act.now)

    def _opened(self, session: Session, text_id: int | None) -> str:
        data = None if text_id is None else self._keyring.open_text(session, text_id)
        return (data or b"").decode()

    def _view(
        self, session: Session, incident: Incident, now: datetime, *, gone: int = 0
    ) -> IncidentView:
        hold = self._holds.view(session, incident.hold_id, now)
        notes = session.execute(
            select(IncidentNote)
            .where(col(IncidentNote.incident_id) == incident.id)
            .order_by(col(IncidentNote.id))
        ).scalars()
        number = incident.report_number_text
        return IncidentView(
            id=incident.id,
            title=self._opened(session, incident.title_text),
            category=incident.category,
            cameras=tuple(sorted({each.camera for each in hold.windows})),
            starts_at=incident.starts_at,
            ends_at=incident.ends_at,
            opened_at=incident.opened_at,
            opened_by=incident.opened_by,
            until=hold.until,
            review_at=hold.review_at,
            report_number=None if number is None else self._opened(session, number),
            closed_at=incident.closed_at,
            closed_by=incident.closed_by,
            state=_state(incident, hold),
            recordings=hold.recordings,
            bytes=hold.bytes,
            gone=gone,
            notes=tuple(
                NoteView(each.at, each.by, self._opened(session, each.text)) for each in notes
            ),
            hold_id=incident.hold_id,
            call=hold.call,
        )


def _state(incident: Incident, hold: HoldView) -> str:
    if incident.closed_at is None:
        return "open" if hold.live else "lapsed"
    return "lapsed" if incident.closed_at == hold.until else "closed"


def _category(name: str) -> Category:
    try:
        return Category(name)
    except ValueError:
        raise InvalidInputError(
            f"there is no category {name!r}; choose one of {', '.join(Category)}"
        ) from None


def _text(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise InvalidInputError(f"the {what} is empty")
    if len(text) > longest:
        raise InvalidInputError(f"the {what} is longer than {longest} characters")
    return text


def _may_know(actor: Actor, category: Category) -> None:
    """Raise where somebody flags what a colleague is suspected of (S4: no monitoring of staff)."""
    if category in RESTRICTED and not is_privacy_officer(actor):
        raise AccessDeniedError(
            f"{category.value} needs concrete suspicion and is flagged by the privacy officer"
        )
