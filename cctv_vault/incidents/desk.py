"""What every act on an incident shares: its row if the person may know of it, its locks, its view.

What a colleague is suspected of is the privacy officer's alone: to others there is no such
incident.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError, TransitionNotAllowedError
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.incidents.views import Category, IncidentView, NoteView
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.holds import Holds, HoldView
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.schema import CustodyEntry, Incident, IncidentNote
from cctv_vault.views import iso

PURPOSE: Final = "incident"


class Desk:
    """The parts of the vault that incidents use, and what their acts have in common."""

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

    def _may_list(self, actor: Actor) -> None:
        """Who flags, or reads the registers, reads the incidents."""
        if actor.is_person and not actor.may(Right.INCIDENT_FLAG):
            with entered_if_refused(self._ledger, Event.INCIDENT_FLAGGED, actor):
                actor.require(Right.REGISTER_READ)

    def _category(self, session: Session, name: str, now: datetime) -> str:
        own = [each.code for each in self._policies.current(session, now).categories]
        if name not in (*Category, *own):
            raise InvalidInputError(
                f"there is no category {name!r}; choose one of {', '.join((*Category, *own))}"
            )
        return name

    def _is_confirmed(self, session: Session, incident: Incident) -> bool:
        if incident.category not in RESTRICTED:
            return True
        found = session.execute(
            select(col(CustodyEntry.leaf_index)).where(
                col(CustodyEntry.subject) == incident.id,
                col(CustodyEntry.event) == Event.INCIDENT_CONFIRMED.value,
            )
        )
        return found.first() is not None

    def _require_confirmed(self, session: Session, incident: Incident) -> None:
        if not self._is_confirmed(session, incident):
            raise TransitionNotAllowedError(
                f"a second person must confirm {incident.id} first; until then it is kept a day"
            )

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

    def _lengthen(self, act: Act, incident: Incident, until: datetime, reason: str) -> None:
        """Move the end, and the review with it, as far before the end as the policy has it."""
        purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
        review = until
        if purpose.period is not None and purpose.review is not None:
            review = max(act.now, until - (purpose.period.elapsed - purpose.review.elapsed))
        self._holds.change(act, incident.hold_id, until=until, review_at=review, reason=reason)

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
            confirmed=self._is_confirmed(session, incident),
        )

    def _with_gaps(self, actor: Actor, view: IncidentView) -> IncidentView:
        gaps = self._catalogue.gaps_for(actor, view.cameras, view.starts_at, view.ends_at)
        return replace(view, gaps=gaps)


def _state(incident: Incident, hold: HoldView) -> str:
    if incident.closed_at is None:
        return "open" if hold.live else "lapsed"
    return "lapsed" if incident.closed_at == hold.until else "closed"
