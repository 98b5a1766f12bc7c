"""What becomes of an incident after its flag: longer, reshaped, reported, confirmed, closed.

Closing ends the keeping and never lengthens it (table A). What a colleague is suspected of is kept
longer than a day only once a second person confirms that the suspicion is concrete (S4).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.gags import RESTRICTED
from cctv_vault.incidents.desk import PURPOSE, Desk
from cctv_vault.incidents.freetext import LONGEST_NOTE, LONGEST_NUMBER, checked_text
from cctv_vault.incidents.views import IncidentView, Reshaping
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right, Role
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.rules import extension_faults
from cctv_vault.schema import Incident
from cctv_vault.views import iso

_CONFIRMS: Final = frozenset({Role.PRIVACY_OFFICER, Role.APPROVER})


class _UndoneError(Exception):
    """Takes back, with its transaction, a change that was only tried."""

    def __init__(self, effect: Reshaping) -> None:
        self.effect = effect
        super().__init__()


class Changing(Desk):
    """Acts on an incident that change how long, or of what, footage is kept."""

    def extend(self, actor: Actor, incident_id: str, until: datetime, reason: str) -> IncidentView:
        """Keep longer, by at most 30 days beyond the present end, as the policy lets (table A).

        Raises:
            InvalidInputError: It would not be longer, or too much longer, or has no reason.
        """
        with self._managed(actor, Event.INCIDENT_EXTENDED, incident_id) as (act, incident):
            self._require_confirmed(act.session, incident)
            reason = checked_text(reason, "reason", LONGEST_NOTE)
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
        with self._managed(actor, Event.INCIDENT_EXTENDED, incident_id) as (act, incident):
            self._require_confirmed(act.session, incident)
            self._enter_number(act, incident, number)
            return self._view(act.session, incident, act.now)

    def reshape(
        self,
        actor: Actor,
        incident_id: str,
        *,
        cameras: Iterable[str],
        starts_at: datetime,
        ends_at: datetime,
        reason: str,
        dry_run: bool = False,
    ) -> Reshaping:
        """Widen or narrow an incident to other times or cameras; ``dry_run`` only tells the effect.

        What the new window no longer covers is let go at once, and comes back for nothing.

        Raises:
            TransitionNotAllowedError: It has ended.
            InvalidInputError: The window cannot be, or there is no reason.
        """
        wanted = tuple(sorted(set(cameras)))
        try:
            with self._managed(actor, Event.INCIDENT_CHANGED, incident_id, wanted) as (
                act,
                incident,
            ):
                reason = "" if dry_run else checked_text(reason, "reason", LONGEST_NOTE)
                effect = self._reshaped(act, incident, wanted, (starts_at, ends_at), reason)
                if dry_run:
                    raise _UndoneError(replace(effect, dry_run=True))  # noqa: TRY301
        except _UndoneError as undone:
            return undone.effect
        return effect

    def confirm(self, actor: Actor, incident_id: str, reason: str) -> None:
        """Confirm as a second person that what a colleague is suspected of is concrete (S4).

        It is then kept as any incident, 30 days from its flag. Whoever confirms need not be allowed
        to see it: the privacy officer tells them the reference and what it rests on.

        Raises:
            AccessDeniedError: The same person again, or one who may not confirm.
            TransitionNotAllowedError: It has ended, is confirmed, or needs no confirmation.
        """
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_CONFIRMED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require_person()
            if not actor.roles & _CONFIRMS:
                raise AccessDeniedError(
                    f"a suspicion is confirmed by {' or '.join(sorted(_CONFIRMS))}"
                )
            self._ledger.require_time(act.session)
            incident = act.session.get(Incident, incident_id)
            if incident is None or incident.category not in RESTRICTED:
                raise NotFoundError("incident that needs a second person", incident_id)
            if incident.opened_by == actor.id:
                raise AccessDeniedError("a second person confirms it, not who flagged it")
            own = Role.PRIVACY_OFFICER in actor.roles
            if not own and actor.lent_by == {incident.opened_by}:
                raise AccessDeniedError("whoever flagged it lends nobody the right to confirm it")
            if self._is_confirmed(act.session, incident):
                raise TransitionNotAllowedError(f"{incident_id} is confirmed already")
            reason = checked_text(reason, "reason", LONGEST_NOTE)
            purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
            if purpose.period is not None:
                until = purpose.period.after(incident.opened_at)
                self._lengthen(act, incident, until, "confirmed by a second person")
            act.record(
                Event.INCIDENT_CONFIRMED,
                incident_id,
                details={"reason": reason},
                also=(incident.hold_id,),
            )

    def close(self, actor: Actor, incident_id: str, reason: str) -> IncidentView:
        """End an incident: what nothing else keeps is refused at once and goes with the sweep."""
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_CLOSED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            incident = self._open(act.session, incident_id, actor)
            reason = checked_text(reason, "reason", LONGEST_NOTE)
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

    @contextmanager
    def _managed(
        self, actor: Actor, event: Event, incident_id: str, more_cameras: Sequence[str] = ()
    ) -> Iterator[tuple[Act, Incident]]:
        """An act on an open incident that moves how long it keeps what, with its cameras' locks."""
        cameras = sorted({*more_cameras, *self._cameras(incident_id)})
        with self._ledger.act(event, actor, cameras=cameras, subject=incident_id) as act:
            actor.require(Right.INCIDENT_MANAGE)
            self._ledger.require_time(act.session)
            yield act, self._open(act.session, incident_id, actor)

    def _reshaped(
        self,
        act: Act,
        incident: Incident,
        cameras: tuple[str, ...],
        span: tuple[datetime, datetime],
        reason: str,
    ) -> Reshaping:
        session, hold_id = act.session, incident.hold_id
        before = self._holds.kept(session, hold_id, act.now)
        view = self._holds.change(
            act, hold_id, windows=tuple((each, *span) for each in cameras), reason=reason
        )
        after = self._holds.kept(session, hold_id, act.now)
        dropped = self._holds.without(
            session,
            {each: size for each, size in before.items() if each not in after},
            act.now,
            hold_id=hold_id,
            sight=act.actor.sight,
        )
        incident.starts_at, incident.ends_at = span
        session.add(incident)
        session.flush()
        added = len(after.keys() - before.keys())
        act.record(
            Event.INCIDENT_CHANGED,
            incident.id,
            facts={
                "cameras": list(cameras),
                "from": iso(span[0]),
                "to": iso(span[1]),
                "added": added,
                "dropped": dropped.recordings,
            },
            details={"reason": reason},
            also=(hold_id, *cameras),
        )
        return Reshaping(cameras, *span, added, view.gone, dropped, dry_run=False)

    def _enter_number(self, act: Act, incident: Incident, number: str) -> None:
        number = checked_text(number, "report number", LONGEST_NUMBER)
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
