"""What is told of incidents: one, the list, and a paragraph for a police report."""

from dataclasses import replace

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.incidents.desk import Desk
from cctv_vault.incidents.paragraph import Case, Filmed, paragraph
from cctv_vault.incidents.views import IncidentView
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.policy import CATEGORIES, IncidentCategory
from cctv_vault.schema import Camera, Incident, Request, RequestWindow


class Reading(Desk):
    """Incidents as the person who asks may know of them."""

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
            if actor.may(Right.REQUEST_READ):
                view = replace(view, requests=_requests(session, view, cleared=actor.cleared))
        return self._with_gaps(actor, view)

    def report_paragraph(
        self, actor: Actor, incident_id: str, *, controller: str, zone: str
    ) -> str:
        """A paragraph about an incident to paste into a police report, in Swedish."""
        view = self.show(actor, incident_id)
        with self._database.read() as session:
            cameras = [session.get_one(Camera, each) for each in view.cameras]
        kinds = {each.code: each.sv for each in self.categories()}
        return paragraph(
            Case(
                reference=view.id,
                kind=kinds.get(view.category, view.category),
                starts_at=view.starts_at,
                ends_at=view.ends_at,
                until=view.until if view.state == "open" else None,
                report_number=view.report_number,
                recordings=view.recordings,
            ),
            [
                Filmed(
                    each.name,
                    each.place,
                    each.clock_uncertainty_s,
                    tuple(
                        (gap.starts_at, gap.ends_at) for gap in view.gaps if gap.camera == each.code
                    ),
                )
                for each in cameras
            ],
            controller=controller,
            zone=zone,
        )

    def categories(self) -> tuple[IncidentCategory, ...]:
        """The categories there are: every vault's, then those of the policy in force."""
        return (*CATEGORIES, *self._policies.in_force().categories)


def _requests(session: Session, view: IncidentView, *, cleared: bool) -> tuple[str, ...]:
    """The requests whose windows meet the incident's on a camera of it."""
    query = (
        select(col(Request.id))
        .join(RequestWindow, col(RequestWindow.request_id) == col(Request.id))
        .where(
            col(RequestWindow.camera_code).in_(view.cameras),
            col(RequestWindow.starts_at) < view.ends_at,
            col(RequestWindow.ends_at) > view.starts_at,
        )
        .order_by(col(Request.received_at), col(Request.id))
    )
    if not cleared:
        query = query.where(col(Request.gagged).is_(False))
    return tuple(dict.fromkeys(session.execute(query).scalars()))
