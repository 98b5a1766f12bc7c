"""Reading requests: the list by deadline, and everything about one of them.

Owns what a person may see of a case. Reading changes nothing but is itself entered, once an hour
for one person and request. To anyone not cleared a gagged request is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.custody.log import LoggedEntry
from cctv_vault.disclosure.cases import (
    APPROVED,
    ASKED,
    footage_in,
    frames_of,
    load,
    open_json,
    viewer,
    windows_of,
)
from cctv_vault.disclosure.charging import Charging
from cctv_vault.disclosure.desk import Step
from cctv_vault.disclosure.erasing import Erasing
from cctv_vault.disclosure.history import sentence
from cctv_vault.disclosure.legal import is_erasure
from cctv_vault.disclosure.results import (
    HistoryLine,
    PackageView,
    PointView,
    RequestDetail,
    RequestView,
)
from cctv_vault.disclosure.unmeasured import in_true_time, told_elsewhere
from cctv_vault.disclosure.windows import Window, looked_in
from cctv_vault.disclosure.workflow import (
    DISAPPROVED,
    FINISHED,
    Action,
    State,
    checklist,
    possible_actions,
)
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.listing import RecordingView
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.schema import CustodyEntry, Grant, Hold, Package, Request

READ_COUNTS_FOR: Final = timedelta(hours=1)
_MOST_LINES: Final = 2000
_MOST_SHOWN: Final = 500


class Reading(Charging, Erasing):
    """Lists requests and shows one."""

    def list(self, actor: Actor, *, open_only: bool = False) -> tuple[RequestView, ...]:
        """The requests the person may know of, the nearest deadline first.

        Raises:
            AccessDeniedError: The person may not read requests.
        """
        with entered_if_refused(self._ledger, Event.REQUEST_READ, actor):
            if actor.is_person:
                actor.require(Right.REQUEST_READ)
        now = self._ledger.clock.now()
        query = select(Request)
        if not actor.cleared:
            query = query.where(col(Request.gagged).is_(False))
        with self._database.read() as session:
            hidden = _hidden(session, now) if actor.sight.staff else frozenset()
            views = [
                RequestView(**_fields(row, now, hidden=row.id in hidden))
                for row in session.execute(query).scalars()
            ]
        if open_only:
            views = [view for view in views if State(view.state) not in FINISHED]
        return tuple(sorted(views, key=_urgency))

    def show(self, actor: Actor, request_id: str) -> RequestDetail:
        """Everything about a request: as received, what is met, its footage, its history.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
            AccessDeniedError: The person may not read requests.
        """
        with self._ledger.act(Event.REQUEST_READ, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            if actor.is_person:
                actor.require(Right.REQUEST_READ)
            fields = self._fields_of(act, row)
            if not _read_lately(act, request_id):
                act.record(Event.REQUEST_READ, request_id)
        there = fields["approved"] or looked_in(fields["asked"], fields["told"])
        entries = self._entries(request_id)
        return RequestDetail(
            **_fields(row, act.now),
            **fields,
            footage=self._footage(actor, row, there),
            gaps=self._gaps(actor, row, there),
            history=self._history(entries),
            received_by=_detail(entries, Event.REQUEST_ACKNOWLEDGED, "by"),
            review_approved=_fact(entries, Event.REQUEST_REVIEWED, "approved"),
        )

    # --- inside -------------------------------------------------------------------------------

    def _fields_of(self, act: Act, row: Request) -> dict[str, Any]:
        session = act.session
        asked = windows_of(session, row.id, ASKED)
        wanted = windows_of(session, row.id, APPROVED)
        body = open_json(session, self._keyring, row.body_text)
        assessment = open_json(session, self._keyring, row.assessment_text)
        decision = open_json(session, self._keyring, row.decision_text)
        hold = None if row.hold_id is None else session.get(Hold, row.hold_id)
        frozen = hold is not None and hold.released_at is None
        case = self._facts(Step(act, row))
        actions = possible_actions(State(row.state))
        told = case.told
        if in_true_time(body) and (not wanted or Action.ASSESS in actions):
            told = told_elsewhere(session, asked)
        there = wanted or looked_in(asked, told)
        found = footage_in(session, self._grants, there, act.now, _sight(act.actor, row))
        case = replace(case, footage=bool(found.kept))
        return {
            "body": {name: value for name, value in body.items() if name != "sender"},
            "asked": asked,
            "approved": wanted,
            "told": told,
            "checklist": tuple(PointView.of(point) for point in checklist(case)),
            "gone": found.gone,
            "certificates": found.certificates,
            "frozen_until": hold.until if hold is not None and frozen else None,
            "facts": assessment.get("facts"),
            "necessity": assessment.get("necessity"),
            "frames": frames_of(session, row.id),
            "decision_reason": decision.get("reason"),
            "verification_method": row.verification_method,
            "year": self._year_of(session, row),
            "erasure": self._reach(session, row, there, act.now)
            if is_erasure(row.requester_type, row.ground_code)
            else None,
            "exception": decision.get("exception"),
            "packages": _packages(session, row.id),
            "actions": tuple(each.value for each in actions),
        }

    def _entries(self, request_id: str) -> Sequence[LoggedEntry]:
        """The entries of the case in order: those that name it first, not those beside."""
        return [
            entry
            for entry in self._log.entries(subject=request_id, limit=_MOST_LINES)
            if entry.subject == request_id
        ]

    def _history(self, entries: Iterable[LoggedEntry]) -> tuple[HistoryLine, ...]:
        told = list(entries)
        names = self._people.names({entry.actor for entry in told})
        lines = []
        for entry in told:
            who = names.get(entry.actor, entry.actor)
            words = sentence(entry.event, who, entry.facts, entry.details)
            lines.append(HistoryLine(entry.index, entry.at, entry.event, words.sv, words.en))
        return tuple(lines)

    def _footage(
        self, actor: Actor, row: Request, windows: Sequence[Window]
    ) -> tuple[RecordingView, ...]:
        """The recordings left; a person without the right to list footage sees them here alone."""
        sight = _sight(actor, row)
        found: dict[str, RecordingView] = {}
        for window in windows:
            for view in self._catalogue.list(
                viewer(sight),
                cameras=(window.camera,),
                start=window.starts_at,
                end=window.ends_at,
                limit=_MOST_SHOWN,
            ):
                found[view.id] = view
        return tuple(found.values())[:_MOST_SHOWN]

    def _gaps(self, actor: Actor, row: Request, windows: Sequence[Window]) -> tuple[Gap, ...]:
        return tuple(
            gap
            for window in windows
            for gap in self._catalogue.gaps(
                viewer(_sight(actor, row)),
                cameras=(window.camera,),
                start=window.starts_at,
                end=window.ends_at,
            )
        )


def _sight(actor: Actor, row: Request) -> Sight:
    """What of the footage of a case is shown to somebody."""
    return Sight(gagged=row.gagged or actor.cleared, staff=actor.sight.staff)


def _hidden(session: Session, now: datetime) -> frozenset[str]:
    """The requests for footage that a suspicion against a colleague hides and that nobody packed.

    Whoever handles them sees that it expired, and answers so: the privacy officer has to know.
    """
    packed = select(col(Package.request_id)).where(col(Package.about_staff))
    found = (
        select(col(Request.id))
        .join(Grant, col(Grant.hold_id) == col(Request.hold_id))
        .where(
            live_clause(now),
            col(Grant.about_staff),
            col(Request.state) != State.CLOSED.value,
            col(Request.id).not_in(packed),
        )
        .distinct()
    )
    return frozenset(session.execute(found).scalars())


def _fields(row: Request, now: datetime, *, hidden: bool = False) -> dict[str, Any]:
    """The fields of a view."""
    overdue = (
        row.deadline_at is not None
        and row.deadline_at < now
        and State(row.state) not in FINISHED
        and row.state != State.RELEASED
    )
    return {
        "id": row.id,
        "state": row.state,
        "requester_type": row.requester_type,
        "ground_code": row.ground_code,
        "via": row.via,
        "language": row.language,
        "delivery": row.delivery,
        "site": row.site_code,
        "received_at": row.received_at,
        "deadline_at": row.deadline_at,
        "overdue": overdue,
        "gagged": row.gagged,
        "registered_by": row.registered_by,
        "handled_by": row.handled_by,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "decision": row.decision,
        "channel": row.channel,
        "hold_id": row.hold_id,
        "asked_at": row.asked_at,
        "number_due_at": row.number_due_at,
        "prolonged_at": row.prolonged_at,
        "attention": _attention(row, now, overdue=overdue, hidden=hidden),
    }


def _attention(row: Request, now: datetime, *, overdue: bool, hidden: bool) -> tuple[str, ...]:
    """What of a request must stand on the first page until somebody mends it."""
    review = row.state == State.UNDER_REVIEW
    found = {
        "deadline": overdue and not review,
        "review": overdue and review,
        "number": row.number_due_at is not None and row.number_due_at < now,
        "disapproved": row.decision == DISAPPROVED and row.closed_at is None,
        "hidden": hidden,
    }
    return tuple(name for name, there in found.items() if there)


def _urgency(view: RequestView) -> tuple[bool, bool, datetime, str]:
    """Open before finished, the nearest deadline first, those without one by receipt."""
    finished = State(view.state) in FINISHED
    return finished, view.deadline_at is None, view.deadline_at or view.received_at, view.id


def _read_lately(act: Act, request_id: str) -> bool:
    found = act.session.execute(
        select(col(CustodyEntry.leaf_index))
        .where(
            col(CustodyEntry.subject) == request_id,
            col(CustodyEntry.event) == Event.REQUEST_READ.value,
            col(CustodyEntry.actor) == act.actor.id,
            col(CustodyEntry.at) > act.now - READ_COUNTS_FOR,
        )
        .limit(1)
    ).scalar()
    return found is not None


def _packages(session: Session, request_id: str) -> tuple[PackageView, ...]:
    rows = session.execute(
        select(Package)
        .where(col(Package.request_id) == request_id)
        .order_by(col(Package.created_at).desc())
    ).scalars()
    return tuple(
        PackageView(row.id, row.state, row.size, row.sha256, row.created_at, row.until)
        for row in rows
    )


def _last(entries: Sequence[LoggedEntry], event: Event) -> LoggedEntry | None:
    return next((entry for entry in reversed(entries) if entry.event == event), None)


def _detail(entries: Sequence[LoggedEntry], event: Event, name: str) -> str | None:
    entry = _last(entries, event)
    details: Mapping[str, Any] = {} if entry is None else entry.details or {}
    value = details.get(name)
    return value if isinstance(value, str) else None


def _fact(entries: Sequence[LoggedEntry], event: Event, name: str) -> bool | None:
    entry = _last(entries, event)
    value = None if entry is None else entry.facts.get(name)
    return value if isinstance(value, bool) else None
