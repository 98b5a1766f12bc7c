"""Holds (bevarandespärr): rules over cameras and time that keep what matches, now and later.

Owns the rows of ``hold`` and ``hold_window``. A hold grants every matching recording that exists
when it is placed; `Grants.on_arrival` grants each one that comes later. It refuses to revive what
has expired, windows that cannot mean anything, and ends beyond what the policy allows. To anyone
not cleared a gagged hold is not there, nor is, to all but the privacy officer, one of an incident
about the controller's own staff.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.grants import RESTRICTION
from cctv_vault.retention.hold_cover import asked_windows
from cctv_vault.retention.hold_reading import HoldReading
from cctv_vault.retention.hold_views import Ending, HoldOrder, HoldView
from cctv_vault.retention.policy import Purpose
from cctv_vault.retention.rules import (
    Window,
    ban_faults,
    extension_faults,
    haste_faults,
    hold_term,
    review_at,
    stored_only_faults,
    window_faults,
)
from cctv_vault.schema import Camera, Grant, Hold, Incident, Request, table
from cctv_vault.views import iso

__all__ = ["OWNED", "Ending", "HoldOrder", "HoldView", "Holds"]

MAX_DOCUMENT_BYTES: Final = 20 * 1024 * 1024
OWNED: Final = frozenset({"incident", "request", "request-unconfirmed"})
"""Purposes whose holds come and go with an incident or request."""
_STAFF_MAY: Final = frozenset({"save-now"})
_ORDER: Final = "preservation-order"
_BAN: Final = "trespass-ban"


class Holds(HoldReading):
    """The holds of one vault."""

    # --- inside somebody's act ----------------------------------------------------------------

    def place(self, act: Act, order: HoldOrder) -> HoldView:
        """Place a hold inside an act that holds the locks of its cameras.

        Raises:
            InvalidInputError: The purpose, a window or the end cannot be.
            NotFoundError: There is no such camera.
            AlreadyExistsError: The id is taken.
        """
        session, now = act.session, act.now
        policy = self._policies.current(session, now)
        purpose = policy.purpose(order.purpose)
        if not purpose.hold:
            raise InvalidInputError(f"{purpose.code} keeps by itself and cannot be a hold")
        if not order.reason.strip():
            raise InvalidInputError("a hold needs a reason")
        if order.document is not None:
            _check_document(order.document)
        windows = asked_windows(order.windows)
        decided = now if order.decided_at is None else order.decided_at
        until, faults = hold_term(purpose, decided, order.until)
        if decided > now:
            faults.append("an order cannot have been decided in the future")
        if until is not None and until <= now:
            faults.append(f"the order ended {iso(until)} already")
        if purpose.code == _BAN:
            faults += ban_faults(_sites(session, windows), over_15=order.over_15)
        if purpose.code == RESTRICTION and order.gagged:
            faults.append("a restriction blocks use for everybody, so it cannot be a secret")
        _refuse(window_faults(windows, now) + faults)
        hold_id = order.hold_id or ids.reference("S")
        if session.get(Hold, hold_id) is not None:
            raise AlreadyExistsError(f"there is a hold {hold_id} already")
        hold = Hold(
            id=hold_id,
            purpose=purpose.code,
            statute=purpose.statute,
            reason_text=self._sealed(act, hold_id, "reason", order.reason.encode()),
            document_text=self._sealed(act, hold_id, "document", order.document),
            placed_at=now,
            placed_by=act.actor.id,
            until=until,
            review_at=order.review_at or review_at(purpose, now, until),
            gagged=order.gagged,
            about_staff=order.about_staff,
        )
        session.add(hold)
        session.flush()
        granted, gone = self._told(act, hold, self._cover(act, hold, windows))
        act.record(
            Event.HOLD_PLACED,
            hold_id,
            facts=_facts(hold, windows)
            | {"recordings": len(granted), "gone": len(gone)}
            | ({} if order.decided_at is None else {"decided_at": iso(order.decided_at)}),
            details={"reason": order.reason},
            also=(*sorted({each.camera for each in windows}), *granted),
        )
        return self._view(session, hold, now, gone=len(gone))

    def change(
        self,
        act: Act,
        hold_id: str,
        *,
        purpose: str | None = None,
        windows: tuple[tuple[str, datetime, datetime], ...] | None = None,
        until: datetime | None = None,
        open_ended: bool = False,
        review_at: datetime | None = None,
        reason: str = "",
    ) -> HoldView:
        """Change what is given and leave the rest; inside an act with the cameras' locks.

        New windows replace the old ones: what they add is granted, what they no longer cover ends
        at once. ``open_ended`` takes the end away.

        Raises:
            NotFoundError: There is no such hold.
            TransitionNotAllowedError: It has ended.
            InvalidInputError: A window, purpose or end cannot be.
        """
        session, now = act.session, act.now
        hold = self._locked(session, hold_id, now)
        if purpose is not None:
            changed = self._policies.current(session, now).purpose(purpose)
            self._repurpose(session, hold, changed)
        if until is not None and until <= now:
            raise InvalidInputError(f"a hold ends by release, not at {iso(until)} in the past")
        if until is not None or open_ended:
            hold.until = None if open_ended else until
        if review_at is not None:
            hold.review_at, hold.reminded = review_at, 0
        if hold.until is None and hold.review_at is None:
            raise InvalidInputError("a hold without an end needs a day of review (S10)")
        session.add(hold)
        session.flush()
        session.execute(
            table(Grant)
            .update()
            .where(col(Grant.hold_id) == hold_id, col(Grant.ended_at).is_(None))
            .values(until=hold.until, purpose=hold.purpose, statute=hold.statute)
        )
        granted: Sequence[str] = ()
        gone: Sequence[str] = ()
        ended = 0
        current = self._windows_of(session, hold_id)
        if windows is not None:
            current = asked_windows(windows)
            _refuse(window_faults(current, now))
            granted, gone, ended = self._move(act, hold, current)
            granted, gone = self._told(act, hold, (granted, gone))
        act.record(
            Event.HOLD_CHANGED,
            hold_id,
            facts=_facts(hold, current)
            | {"recordings": len(granted), "gone": len(gone), "ended": ended},
            details={"reason": reason} if reason else None,
            also=(*sorted({each.camera for each in current}), *granted),
        )
        return self._view(session, hold, now, gone=len(gone))

    def release(self, act: Act, hold_id: str, reason: str) -> HoldView:
        """End a hold: access ends with the commit, its key goes with the next sweep.

        Releasing never revives a purpose that has ended.

        Raises:
            NotFoundError: There is no such hold.
            TransitionNotAllowedError: It has ended.
            InvalidInputError: No reason is given.
        """
        if not reason.strip():
            raise InvalidInputError("releasing a hold needs a reason")
        hold = self._locked(act.session, hold_id, act.now)
        kept = self._kept(act.session, [hold_id], act.now, Sight()).get(hold_id, (0, 0))[0]
        hold.released_at, hold.released_by = act.now, act.actor.id
        act.session.add(hold)
        act.session.flush()
        self._grants.end_hold(act.session, hold_id, act.now)
        act.record(
            Event.HOLD_RELEASED,
            hold_id,
            facts={"purpose": hold.purpose, "recordings": kept, "gagged": hold.gagged},
            details={"reason": reason},
        )
        return self._view(act.session, hold, act.now)

    # --- acts of their own --------------------------------------------------------------------

    def place_as(self, actor: Actor, order: HoldOrder) -> HoldView:
        """Place a hold as a person.

        Incidents and requests place their own. Whoever may flag may also save now (table A).
        """
        cameras = [each[0] for each in order.windows]
        with self._ledger.act(Event.HOLD_PLACED, actor, cameras=cameras) as act:
            actor.require(Right.INCIDENT_FLAG if order.purpose in _STAFF_MAY else Right.HOLD_PLACE)
            self._ledger.require_time(act.session)
            if order.purpose in OWNED:
                raise InvalidInputError(
                    f"a hold for {order.purpose} comes with its incident or request: file that"
                )
            if order.gagged and not actor.cleared:
                raise InvalidInputError("only somebody cleared for gagged matters can place one")
            if order.purpose in _STAFF_MAY:
                _refuse(haste_faults(asked_windows(order.windows), act.now))
            if order.purpose == _ORDER:
                _refuse(
                    stored_only_faults(asked_windows(order.windows), order.decided_at or act.now)
                )
            return self.place(act, order)

    def extend_as(
        self,
        actor: Actor,
        hold_id: str,
        until: datetime,
        reason: str,
        document: bytes | None = None,
    ) -> HoldView:
        """Keep longer, once or as often and as far as the policy lets (RB 27:16: 90 days more).

        Raises:
            NotFoundError: There is no such hold, or it is not for this person to know of.
            TransitionNotAllowedError: It has ended, or is an incident's, which extends itself.
            InvalidInputError: It would not be longer, or the policy does not let it.
        """
        cameras = self._cameras_of(hold_id)
        with self._ledger.act(Event.HOLD_EXTENDED, actor, cameras=cameras, subject=hold_id) as act:
            session = act.session
            actor.require(Right.HOLD_PLACE)
            self._ledger.require_time(session)
            self._visible(session, hold_id, actor)
            hold = self._locked(session, hold_id, act.now)
            owner = self._owner(session, hold_id)
            if owner is not None and session.get(Incident, owner) is not None:
                raise TransitionNotAllowedError(f"the hold {hold_id} is extended with {owner}")
            if not reason.strip():
                raise InvalidInputError("an extension needs a reason")
            purpose = self._policies.current(session, act.now).purpose(hold.purpose)
            if hold.until is None or until <= hold.until:
                raise InvalidInputError(f"{hold_id} is kept so long already; release it to end it")
            _refuse(
                extension_faults(
                    purpose,
                    roles=actor.roles,
                    earlier=extensions_of(session, hold_id),
                    placed=hold.placed_at,
                    present=hold.until,
                    until=until,
                )
            )
            before = hold.until
            facts: dict[str, Any] = {"purpose": hold.purpose, "from": iso(before)}
            if document is not None:
                _check_document(document)
                self._sealed(act, hold_id, "extension", document)
                facts["document_sha256"] = sha256(document).hexdigest()
            view = self.change(
                act,
                hold_id,
                until=until,
                review_at=review_at(purpose, act.now, until),
                reason=reason,
            )
            act.record(
                Event.HOLD_EXTENDED,
                hold_id,
                facts=facts | {"until": iso(until)},
                details={"reason": reason},
            )
            return view

    def release_as(self, actor: Actor, hold_id: str, reason: str) -> HoldView:
        """Release a hold as a person; one of an incident or request ends with that instead."""
        cameras = self._cameras_of(hold_id)
        with self._ledger.act(Event.HOLD_RELEASED, actor, cameras=cameras, subject=hold_id) as act:
            actor.require(Right.HOLD_RELEASE)
            self._visible(act.session, hold_id, actor)
            owner = self._owner(act.session, hold_id)
            if owner is not None:
                raise TransitionNotAllowedError(
                    f"the hold {hold_id} belongs to {owner} and ends when that is closed"
                )
            return self.release(act, hold_id, reason)

    # --- inside -------------------------------------------------------------------------------

    def _repurpose(self, session: Session, hold: Hold, purpose: Purpose) -> None:
        if not purpose.hold:
            raise InvalidInputError(f"{purpose.code} keeps by itself and cannot be a hold")
        hold.purpose, hold.statute = purpose.code, purpose.statute
        self._keyring.repurpose_hold(session, hold.id, purpose.code)

    def _locked(self, session: Session, hold_id: str, now: datetime) -> Hold:
        """A live hold, locked against arrivals that would be granted to it."""
        hold = session.get(Hold, hold_id, with_for_update=True, populate_existing=True)
        if hold is None:
            raise NotFoundError("hold", hold_id)
        if hold.released_at is not None or (hold.until is not None and hold.until <= now):
            raise TransitionNotAllowedError(f"the hold {hold_id} has ended")
        return hold

    def _owner(self, session: Session, hold_id: str) -> str | None:
        for model in (Incident, Request):
            owner = session.execute(
                select(col(model.id)).where(col(model.hold_id) == hold_id)
            ).scalar()
            if owner is not None:
                return str(owner)
        return None

    def _cameras_of(self, hold_id: str) -> Sequence[str]:
        with self._database.read() as session:
            return sorted({each.camera for each in self._windows_of(session, hold_id)})

    def _sealed(self, act: Act, hold_id: str, what: str, data: bytes | None) -> int | None:
        if data is None:
            return None
        return self._keyring.seal_text(act.session, data, f"hold/{hold_id}/{what}", act.now)


def _sites(session: Session, windows: Iterable[Window]) -> Sequence[str]:
    codes = {each.camera for each in windows}
    return (
        session.execute(select(col(Camera.site_code)).where(col(Camera.code).in_(codes)).distinct())
        .scalars()
        .all()
    )


def _check_document(document: bytes) -> None:
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InvalidInputError(f"the document is larger than {MAX_DOCUMENT_BYTES} bytes")


def _refuse(faults: list[str]) -> None:
    if faults:
        raise InvalidInputError("; ".join(faults))


def _facts(hold: Hold, windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "purpose": hold.purpose,
        "statute": hold.statute,
        "windows": [
            {"camera": each.camera, "from": iso(each.starts_at), "to": iso(each.ends_at)}
            for each in windows
        ],
        "until": None if hold.until is None else iso(hold.until),
        "review_at": None if hold.review_at is None else iso(hold.review_at),
        "gagged": hold.gagged,
    }
