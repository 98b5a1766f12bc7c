"""Holds (bevarandespärr): rules over cameras and time that keep what matches, now and later.

Owns the rows of ``hold`` and ``hold_window``. A hold grants every matching recording that exists
when it is placed; `Grants.on_arrival` grants each one that comes later. It refuses to revive what
has expired, windows that cannot mean anything, and ends beyond what the policy allows. To anyone
not cleared a gagged hold is not there, nor is, to all but the privacy officer, one of an incident
about the controller's own staff.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import seen_by
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.grants import RESTRICTION, Grants, live_clause
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import Purpose
from cctv_vault.retention.rules import (
    ARRIVAL,
    UNMEASURED_S,
    Span,
    Window,
    ban_faults,
    extension_faults,
    haste_faults,
    hold_term,
    is_within,
    matches,
    review_at,
    review_call,
    stored_only_faults,
    window_faults,
)
from cctv_vault.schema import (
    Camera,
    Grant,
    Hold,
    HoldWindow,
    Incident,
    Recording,
    Request,
    table,
)
from cctv_vault.views import iso

MAX_DOCUMENT_BYTES: Final = 20 * 1024 * 1024
OWNED: Final = frozenset({"incident", "request", "request-unconfirmed"})
"""Purposes whose holds come and go with an incident or request."""
_STAFF_MAY: Final = frozenset({"save-now"})
_ORDER: Final = "preservation-order"
_BAN: Final = "trespass-ban"


@dataclass(frozen=True)
class HoldOrder:
    """A hold as ordered: what to keep, why, and until when.

    ``windows`` are (camera, from, to) with ``to`` exclusive; ``until`` None means as long as the
    policy says, or open-ended with a review; ``document`` is the order itself, sealed.
    ``decided_at`` is when an order or a ban was decided, where that was before today: its time runs
    from there. ``over_15`` says that the person of a trespass ban is 15 or older. ``about_staff``
    is set by an incident about the controller's own staff.
    """

    purpose: str
    windows: tuple[tuple[str, datetime, datetime], ...]
    reason: str = field(repr=False)
    until: datetime | None = None
    review_at: datetime | None = None
    gagged: bool = False
    document: bytes | None = field(default=None, repr=False)
    hold_id: str | None = None
    decided_at: datetime | None = None
    over_15: bool = False
    about_staff: bool = False


@dataclass(frozen=True)
class Ending:
    """What ending or narrowing a hold would do, as the person who asks may know of it.

    ``recordings`` would be kept by it no longer; ``at_once`` of them nothing else keeps: they are
    refused from that moment and their keys go with the next sweep.
    """

    recordings: int
    bytes: int
    at_once: int
    at_once_bytes: int


@dataclass(frozen=True)
class HoldView:
    """A hold as people and pages see it.

    ``recordings`` and ``bytes`` count what it keeps now. ``gone`` counts recordings of its windows
    that no purpose kept any more when it was placed or changed; it is 0 on later views. What a
    suspicion against a colleague hides is gone, to all but the privacy officer.
    """

    id: str
    purpose: str
    statute: str
    windows: tuple[Window, ...]
    reason: str = field(repr=False)
    placed_at: datetime
    placed_by: str
    until: datetime | None
    review_at: datetime | None
    gagged: bool
    released_at: datetime | None
    released_by: str | None
    live: bool
    recordings: int
    bytes: int
    gone: int = 0
    call: str = ""
    """How loudly its review is called for: soon, due, missed; empty while it is not."""


class Holds:
    """The holds of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        grants: Grants,
        policies: Policies,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants
        self._policies = policies

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
        windows = _windows(order.windows)
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
            current = _windows(windows)
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

    def clock_changed(self, act: Act, camera: str) -> int:
        """After a camera's clock was measured: holds on it may gain recordings, never lose them.

        Call inside the act of measuring, which holds the camera's lock, after the camera's row is
        written. Returns how many grants were added.
        """
        session = act.session
        session.flush()
        row = session.get(Camera, camera)
        if row is None:
            raise NotFoundError("camera", camera)
        uncertainty = UNMEASURED_S if row.clock_uncertainty_s is None else row.clock_uncertainty_s
        added = 0
        for hold in session.execute(
            select(Hold)
            .join(HoldWindow, col(HoldWindow.hold_id) == col(Hold.id))
            .where(col(HoldWindow.camera_code) == camera, _holding(act.now))
            .distinct()
        ).scalars():
            for window in session.execute(
                select(HoldWindow).where(
                    col(HoldWindow.hold_id) == hold.id, col(HoldWindow.camera_code) == camera
                )
            ).scalars():
                window.widened_s = max(window.widened_s, uncertainty)
                session.add(window)
            session.flush()
            matching = self._matching(session, self._window_rows(session, hold.id, camera))
            granted, _gone = self._grants.for_hold(
                act, hold, matching, self._policies.current(session, act.now)
            )
            added += len(granted)
        return added

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
                _refuse(haste_faults(_windows(order.windows), act.now))
            if order.purpose == _ORDER:
                _refuse(stored_only_faults(_windows(order.windows), order.decided_at or act.now))
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

    def ending(self, actor: Actor, hold_id: str) -> Ending:
        """What releasing a hold would do, before it is done.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_read(actor)
        with self._database.read() as session:
            self._visible(session, hold_id, actor)
            return self.ending_of(session, hold_id, self._ledger.clock.now(), actor.sight)

    def ending_of(self, session: Session, hold_id: str, now: datetime, sight: Sight) -> Ending:
        """What ending a hold would do, for the incident or request that owns it."""
        return self.without(
            session, self.kept(session, hold_id, now), now, hold_id=hold_id, sight=sight
        )

    def kept(self, session: Session, hold_id: str, now: datetime) -> dict[str, int]:
        """What a hold keeps now: recordings, with their bytes."""
        rows = session.execute(
            select(col(Recording.id), col(Recording.size))
            .join(Grant, col(Grant.recording_id) == col(Recording.id))
            .where(col(Grant.hold_id) == hold_id, live_clause(now))
        )
        return {str(recording_id): int(size) for recording_id, size in rows}

    def without(
        self,
        session: Session,
        sizes: Mapping[str, int],
        now: datetime,
        *,
        hold_id: str,
        sight: Sight,
    ) -> Ending:
        """What becomes of recordings, given with their bytes, that a hold keeps no longer."""
        live = self._grants.live(session, list(sizes), now)
        gone = [
            size
            for recording_id, size in sizes.items()
            if all(
                each.hold_id == hold_id or not each.seen_by(sight)
                for each in live.get(recording_id, ())
            )
        ]
        return Ending(len(sizes), sum(sizes.values()), len(gone), sum(gone))

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

    def list(self, actor: Actor, *, live_only: bool = False) -> tuple[HoldView, ...]:
        """The holds the person may know of, the newest first."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        query = select(Hold).order_by(col(Hold.placed_at).desc(), col(Hold.id))
        query = query.where(seen_by(actor.sight))
        if live_only:
            query = query.where(_holding(now))
        with self._database.read() as session:
            holds = session.execute(query).scalars().all()
            kept = self._kept(session, [each.id for each in holds], now, actor.sight)
            return tuple(self._view(session, each, now, kept=kept) for each in holds)

    def show(self, actor: Actor, hold_id: str) -> HoldView:
        """One hold.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_read(actor)
        with (
            entered_if_refused(self._ledger, Event.HOLD_PLACED, actor, subject=hold_id),
            self._database.read() as session,
        ):
            now = self._ledger.clock.now()
            hold = self._visible(session, hold_id, actor)
            return self._view(
                session, hold, now, kept=self._kept(session, [hold_id], now, actor.sight)
            )

    def view(self, session: Session, hold_id: str, now: datetime) -> HoldView:
        """One hold, for the incident or request that owns it.

        Raises:
            NotFoundError: There is none.
        """
        hold = session.get(Hold, hold_id)
        if hold is None:
            raise NotFoundError("hold", hold_id)
        return self._view(session, hold, now)

    # --- inside -------------------------------------------------------------------------------

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.HOLD_PLACED, actor):
                actor.require(Right.REGISTER_READ)

    def _cover(
        self,
        act: Act,
        hold: Hold,
        windows: Sequence[Window],
        widened: Mapping[str, float] = MappingProxyType({}),
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Write a hold's windows and grant what matches them.

        ``widened`` is how wide each camera's windows were before, in seconds: that never shrinks.
        """
        session = act.session
        for each in windows:
            camera = session.get(Camera, each.camera)
            if camera is None:
                known = session.execute(select(col(Camera.code)).order_by(col(Camera.code)))
                raise NotFoundError(
                    "camera", each.camera, f"the cameras are {', '.join(known.scalars())}"
                )
            measured = camera.clock_uncertainty_s
            session.add(
                HoldWindow(
                    hold_id=hold.id,
                    camera_code=each.camera,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                    widened_s=max(
                        UNMEASURED_S if measured is None else measured,
                        widened.get(each.camera, 0.0),
                    ),
                )
            )
        session.flush()
        matching = self._matching(session, self._window_rows(session, hold.id))
        return self._grants.for_hold(act, hold, matching, self._policies.current(session, act.now))

    def _move(
        self, act: Act, hold: Hold, windows: Sequence[Window]
    ) -> tuple[Sequence[str], Sequence[str], int]:
        """Replace a hold's windows: grant what is new, end what is no longer covered."""
        session = act.session
        before = self._window_rows(session, hold.id)
        # A clock that was corrected since may have widened the old windows, and caught what its
        # newest reading would not: that stays as long as the window does.
        narrowed = {
            each.camera_code
            for each in before
            if not is_within(Window(each.camera_code, each.starts_at, each.ends_at), windows)
        }
        widest: dict[str, float] = {}
        for old in before:
            widest[old.camera_code] = max(old.widened_s, widest.get(old.camera_code, 0.0))
            session.delete(old)
        session.flush()
        granted, gone = self._cover(act, hold, windows, widest)
        covered = set(self._matching(session, self._window_rows(session, hold.id)))
        held = session.execute(
            select(col(Grant.recording_id))
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .where(
                col(Grant.hold_id) == hold.id,
                live_clause(act.now),
                col(Recording.camera_code).in_(narrowed),
            )
        ).scalars()
        dropped = sorted(set(held) - covered)
        ended = 0
        if dropped:
            ended = self._grants.end_hold(session, hold.id, act.now, dropped)
        return granted, gone, ended

    def _matching(self, session: Session, windows: Iterable[HoldWindow]) -> Sequence[str]:
        """The recordings, kept or expired, that may show something of any of the windows."""
        found: dict[str, None] = {}
        for row in windows:
            offset = session.execute(
                select(col(Camera.clock_offset_s)).where(col(Camera.code) == row.camera_code)
            ).scalar_one()
            widest = session.execute(
                select(
                    func.max(col(Recording.uncertainty_s)),
                    func.min(col(Recording.clock_offset_s)),
                    func.max(col(Recording.clock_offset_s)),
                ).where(
                    col(Recording.camera_code) == row.camera_code, col(Recording.state) == "kept"
                )
            ).one()
            uncertainty, low, high = (float(each or 0.0) for each in widest)
            drift = max(abs(offset - low), abs(offset - high)) if widest[1] is not None else 0.0
            slack = timedelta(seconds=max(row.widened_s, uncertainty) + drift)
            window = Window(row.camera_code, row.starts_at, row.ends_at)
            candidates = session.execute(
                select(
                    col(Recording.id),
                    col(Recording.started_at),
                    col(Recording.ended_at),
                    col(Recording.uncertainty_s),
                    col(Recording.clock_offset_s),
                    col(Recording.time_source),
                ).where(
                    col(Recording.camera_code) == row.camera_code,
                    col(Recording.started_at) < row.ends_at + slack,
                    col(Recording.ended_at) >= row.starts_at - slack,
                )
            )
            for each in candidates:
                span = Span(each.started_at, each.ended_at, each.uncertainty_s)
                # What arrival told does not move with the camera's clock.
                drift_s = 0.0 if each.time_source == ARRIVAL else offset - each.clock_offset_s
                if matches(window, row.widened_s, span, drift_s=drift_s):
                    found[each.id] = None
        return list(found)

    def _told(
        self, act: Act, hold: Hold, covered: tuple[Sequence[str], Sequence[str]]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """What a hold granted and what was gone, as everybody may be told of it.

        What a suspicion against a colleague hides has an entry of its own, hidden with that.
        """
        granted, gone = covered
        hidden = [each for each in self.behind(act.session, hold.id, act.now) if each in granted]
        if not hidden:
            return covered
        theirs = (
            select(col(Grant.hold_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.recording_id).in_(hidden), col(Hold.about_staff))
            .distinct()
        )
        act.record(
            Event.HOLD_CHANGED,
            hold.id,
            facts={"recordings": len(hidden), "restricted": True},
            also=(*sorted(act.session.execute(theirs).scalars()), *hidden),
        )
        return [each for each in granted if each not in hidden], [*gone, *hidden]

    def spent(self, session: Session, hold_id: str, now: datetime) -> int:
        """How much a stranger's hold leaves unkept since strangers had it kept once (`Grants`)."""
        hold = session.get_one(Hold, hold_id)
        matching = self._matching(session, self._window_rows(session, hold_id))
        return len(self._grants.spent(session, hold, matching, now))

    def behind(self, session: Session, hold_id: str, now: datetime) -> Sequence[str]:
        """What a hold keeps that a suspicion against a colleague hides; empty for one about one."""
        rows = session.execute(
            select(col(Grant.recording_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.hold_id) == hold_id, live_clause(now), _hidden_behind())
            .order_by(col(Grant.id))
        )
        return rows.scalars().all()

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

    def _visible(self, session: Session, hold_id: str, actor: Actor) -> Hold:
        hold = session.get(Hold, hold_id)
        if (
            hold is None
            or (hold.gagged and not actor.sight.gagged)
            or (hold.about_staff and not actor.sight.staff)
        ):
            raise NotFoundError("hold", hold_id)
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

    def _window_rows(
        self, session: Session, hold_id: str, camera: str | None = None
    ) -> Sequence[HoldWindow]:
        query = select(HoldWindow).where(col(HoldWindow.hold_id) == hold_id)
        if camera is not None:
            query = query.where(col(HoldWindow.camera_code) == camera)
        return session.execute(query.order_by(col(HoldWindow.id))).scalars().all()

    def _windows_of(self, session: Session, hold_id: str) -> Sequence[Window]:
        return [
            Window(each.camera_code, each.starts_at, each.ends_at)
            for each in self._window_rows(session, hold_id)
        ]

    def _kept(
        self, session: Session, hold_ids: Sequence[str], now: datetime, sight: Sight
    ) -> dict[str, tuple[int, int]]:
        """For each hold how many recordings it keeps now, and their bytes.

        Whoever may see a hold about a colleague sees all of it; of any other hold, what is hidden
        by such a one is the privacy officer's to know.
        """
        rows = session.execute(
            select(
                col(Grant.hold_id),
                func.count(col(Grant.id)),
                func.coalesce(func.sum(col(Recording.size)), 0),
            )
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(
                col(Grant.hold_id).in_(hold_ids),
                live_clause(now),
                true() if sight.staff else ~_hidden_behind(),
            )
            .group_by(col(Grant.hold_id))
        )
        return {str(hold_id): (int(count), int(size)) for hold_id, count, size in rows}

    def _sealed(self, act: Act, hold_id: str, what: str, data: bytes | None) -> int | None:
        if data is None:
            return None
        return self._keyring.seal_text(act.session, data, f"hold/{hold_id}/{what}", act.now)

    def _view(
        self,
        session: Session,
        hold: Hold,
        now: datetime,
        *,
        gone: int = 0,
        kept: dict[str, tuple[int, int]] | None = None,
    ) -> HoldView:
        if kept is None:
            kept = self._kept(session, [hold.id], now, Sight())
        recordings, size = kept.get(hold.id, (0, 0))
        reason = (
            None if hold.reason_text is None else self._keyring.open_text(session, hold.reason_text)
        )
        live = hold.released_at is None and (hold.until is None or now < hold.until)
        call = review_call(now, placed=hold.placed_at, review=hold.review_at, until=hold.until)
        return HoldView(
            id=hold.id,
            purpose=hold.purpose,
            statute=hold.statute,
            windows=tuple(self._windows_of(session, hold.id)),
            reason=(reason or b"").decode(),
            placed_at=hold.placed_at,
            placed_by=hold.placed_by,
            until=hold.until,
            review_at=hold.review_at,
            gagged=hold.gagged,
            released_at=hold.released_at,
            released_by=hold.released_by,
            live=live,
            recordings=recordings,
            bytes=size,
            gone=gone,
            call=call.name.lower() if live and call else "",
        )


def _hidden_behind() -> ColumnElement[bool]:
    """Grants of holds that are no secret, of what a suspicion against a colleague hides."""
    return and_(col(Grant.about_staff), col(Hold.about_staff).is_(False))


def _holding(now: datetime) -> Any:  # noqa: ANN401 - an SQL clause
    return col(Hold.released_at).is_(None) & or_(col(Hold.until).is_(None), col(Hold.until) > now)


def _windows(given: Iterable[tuple[str, datetime, datetime]]) -> tuple[Window, ...]:
    windows = tuple(Window(*each) for each in given)
    if any(each.starts_at.tzinfo is None or each.ends_at.tzinfo is None for each in windows):
        raise InvalidInputError("the times of a window need an offset")
    return windows


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
