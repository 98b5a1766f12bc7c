"""Reviews: who is called to look again at what is kept, how loudly, and what they decided.

Owns the calls for a hold's review and their entries: a reminder before it, a warning when it is
due, and a second one. Then table A decides: an incident ends at its end, orders and access requests
run to their date, and claims and trespass bans are escalated to the privacy officer and never end
by silence. It refuses to let anybody but the privacy officer review what is escalated to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.holds import Holds, HoldView
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import MissedReview, Policy
from cctv_vault.retention.rules import Call, next_review, review_call
from cctv_vault.schema import Hold, Incident, Request
from cctv_vault.views import iso


@dataclass(frozen=True)
class ReviewView:
    """A review that is called for.

    ``call`` is soon, due or missed; ``if_missed`` what table A does then: ends, escalates or
    nothing. ``incident`` and ``request`` are what the hold belongs to, where it does.
    """

    hold_id: str
    purpose: str
    review_at: datetime
    until: datetime | None
    call: str
    if_missed: str
    incident: str | None
    request: str | None


@dataclass(frozen=True)
class _Called:
    hold: Hold
    call: Call
    if_missed: MissedReview
    incident: Incident | None
    request: str | None


class Reviews:
    """The reviews of one vault."""

    def __init__(
        self, *, database: Database, ledger: Ledger, holds: Holds, policies: Policies
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._holds = holds
        self._policies = policies

    def list(self, actor: Actor) -> tuple[ReviewView, ...]:
        """The reviews that are called for, as far as the person may know of them; by their day."""
        if actor.is_person and not actor.may(Right.INCIDENT_MANAGE):
            with entered_if_refused(self._ledger, Event.REVIEW_MADE, actor):
                actor.require(Right.REGISTER_READ)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            called = self._called(session, now, self._policies.current(session, now))
        return tuple(
            ReviewView(
                hold_id=each.hold.id,
                purpose=each.hold.purpose,
                review_at=each.hold.review_at,
                until=each.hold.until,
                call=each.call.name.lower(),
                if_missed=each.if_missed.value,
                incident=None if each.incident is None else each.incident.id,
                request=each.request,
            )
            for each in called
            if each.hold.review_at is not None and _may_know(actor, each.hold, each.incident)
        )

    def remind(self, actor: Actor) -> int:
        """Enter each call that was not yet made; returns how many.

        To be run with every sweep. Repeating it enters nothing twice. While the guard on time
        stands nobody is called: a clock that jumped would use up the calls, and what they are for
        would end in silence once it was right again.
        """
        with self._ledger.act(Event.REVIEW_REMINDED, actor) as act:
            if self._ledger.time_alarm(act.session) is not None:
                return 0
            policy = self._policies.current(act.session, act.now)
            made = 0
            for each in self._called(act.session, act.now, policy, lock=True):
                if each.hold.reminded >= each.call:
                    continue
                each.hold.reminded = int(each.call)
                act.session.add(each.hold)
                _enter(act, each)
                made += 1
            return made

    def made(self, actor: Actor, hold_id: str, reason: str) -> HoldView:
        """Say that a hold was looked at again and stays as it is, and why.

        It keeps nothing longer: that is an extension. What has no end, or is reviewed again and
        again, gets its next day.

        Raises:
            NotFoundError: There is no such hold, or it is not for this person to know of.
            AccessDeniedError: It is for the privacy officer to review.
            TransitionNotAllowedError: It has ended, or has no review.
            InvalidInputError: No reason is given.
        """
        with self._ledger.act(Event.REVIEW_MADE, actor, subject=hold_id) as act:
            actor.require(Right.INCIDENT_MANAGE)
            hold = act.session.get(Hold, hold_id, with_for_update=True, populate_existing=True)
            incident = None if hold is None else _incident_of(act.session, hold_id)
            if hold is None or not _may_know(actor, hold, incident):
                raise NotFoundError("hold", hold_id)
            if hold.released_at is not None or (hold.until is not None and hold.until <= act.now):
                raise TransitionNotAllowedError(f"the hold {hold_id} has ended")
            purpose = self._policies.current(act.session, act.now).purpose(hold.purpose)
            if hold.review_at is None:
                raise TransitionNotAllowedError(f"no review of {hold_id} is left before it ends")
            if purpose.missed_review is MissedReview.ESCALATES and not is_privacy_officer(actor):
                raise AccessDeniedError(
                    f"holds for {purpose.code} are reviewed by the privacy officer alone (table A)"
                )
            if not reason.strip():
                raise InvalidInputError("a review needs a reason: why it is still kept")
            hold.review_at, hold.reminded = next_review(purpose, act.now, hold.until), 0
            act.session.add(hold)
            act.session.flush()
            act.record(
                Event.REVIEW_MADE,
                hold_id,
                facts={
                    "purpose": hold.purpose,
                    "next": None if hold.review_at is None else iso(hold.review_at),
                },
                details={"reason": reason},
                also=() if incident is None else (incident.id,),
            )
            return self._holds.view(act.session, hold_id, act.now)

    def _called(
        self, session: Session, now: datetime, policy: Policy, *, lock: bool = False
    ) -> Sequence[_Called]:
        query = (
            select(Hold)
            .where(
                col(Hold.review_at).is_not(None),
                col(Hold.released_at).is_(None),
                or_(col(Hold.until).is_(None), col(Hold.until) > now),
            )
            .order_by(col(Hold.review_at), col(Hold.id))
        )
        found = []
        for hold in session.execute(query.with_for_update() if lock else query).scalars().all():
            call = review_call(now, placed=hold.placed_at, review=hold.review_at, until=hold.until)
            if call is Call.NONE:
                continue
            purpose = policy.purposes.get(hold.purpose)
            request = session.execute(
                select(col(Request.id)).where(col(Request.hold_id) == hold.id)
            ).scalar()
            found.append(
                _Called(
                    hold,
                    call,
                    MissedReview.NOTHING if purpose is None else purpose.missed_review,
                    _incident_of(session, hold.id),
                    request,
                )
            )
        return found


def _incident_of(session: Session, hold_id: str) -> Incident | None:
    return session.execute(
        select(Incident).where(col(Incident.hold_id) == hold_id)
    ).scalar_one_or_none()


def _may_know(actor: Actor, hold: Hold, incident: Incident | None) -> bool:
    if hold.gagged and not actor.cleared:
        return False
    return incident is None or incident.category not in RESTRICTED or is_privacy_officer(actor)


def _enter(act: Act, called: _Called) -> None:
    """The entry of the loudest call reached; what was slept through is not called afterwards."""
    event = {Call.SOON: Event.REVIEW_REMINDED, Call.DUE: Event.REVIEW_WARNED}.get(called.call)
    if event is None:
        escalates = called.if_missed is MissedReview.ESCALATES
        event = Event.REVIEW_ESCALATED if escalates else Event.REVIEW_WARNED
    hold = called.hold
    act.record(
        event,
        hold.id,
        facts={
            "purpose": hold.purpose,
            "review_at": None if hold.review_at is None else iso(hold.review_at),
            "until": None if hold.until is None else iso(hold.until),
            "call": called.call.name.lower(),
            "if_missed": called.if_missed.value,
        },
        also=() if called.incident is None else (called.incident.id,),
    )
