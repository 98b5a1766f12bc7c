"""Receiving a request: filing, confirming, clarifying, telling its status, letting it lapse.

Owns what happens at receipt, when nothing is known yet but what a stranger wrote: the footage is
frozen in the same act, and what has no legal ground at all is refused at once.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import (
    ASKED,
    footage_in,
    open_json,
    set_windows,
    windows_of,
)
from cctv_vault.disclosure.codes import new_status_code
from cctv_vault.disclosure.desk import Desk, cameras_in, holidays_around, window_facts
from cctv_vault.disclosure.freezing import Freeze, budget_of, bytes_kept
from cctv_vault.disclosure.intake import (
    Filing,
    cameras_meant,
    read_day,
    read_decided,
    read_ground,
    read_note,
    read_request,
    read_windows,
)
from cctv_vault.disclosure.legal import GAG_CODE, REQUESTERS, deadline_at, rule_of
from cctv_vault.disclosure.results import Filed, Moved, StatusView
from cctv_vault.disclosure.unmeasured import in_true_time, told_elsewhere
from cctv_vault.disclosure.windows import looked_in
from cctv_vault.disclosure.workflow import (
    STATE_WORDS,
    UNANSWERED,
    UNCONFIRMED,
    Action,
    State,
)
from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.ledger import Act
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Right, Sight
from cctv_vault.schema import CustodyEntry, Request
from cctv_vault.views import iso

_LONGEST_SENDER: Final = 60
WAYS: Final = ("staff", "api", "portal")
_DOUBTFUL: Final = (
    "a time lies in a night when the clocks changed, and occurs twice or not at all; all that may "
    "be meant is kept: ask which is meant"
)


class Receiving(Desk):
    """From receipt to confirmation."""

    def file(self, actor: Actor, body: object, *, via: str = "staff", sender: str = "") -> Filed:
        """Receive a request, and freeze the footage it asks for in the same act.

        Staff confirm by registering; a request from the portal freezes provisionally.

        Args:
            actor: Who registers it, or the portal.
            body: The decoded JSON of cli.md.
            via: How it came: staff or api; the portal's own are always ``portal``.
            sender: The network a stranger's request came from: all from one share one place's
                budget for freezes nobody confirmed. Kept sealed with the request.

        Raises:
            AccessDeniedError: The person may not register requests.
            InvalidInputError: The request cannot mean anything; the message says where.
            NaiveTimeError: A time has no offset.
            NotFoundError: There is no such camera or site.
        """
        code = new_status_code()
        code_hash = self._codes.hash(code)
        places = self._places()
        if via not in WAYS:
            raise InvalidInputError(f"via must be one of: {', '.join(WAYS)}")
        public = actor.id == PORTAL_ACTOR.id
        # A stranger's freeze may make others of the place yield, whatever cameras those name.
        cameras = tuple(places.cameras) if public else cameras_meant(body, places)
        with self._ledger.act(Event.REQUEST_RECEIVED, actor, cameras=cameras) as act:
            if not public:
                actor.require(Right.REQUEST_REGISTER)
            filing = read_request(body, places, act.now, public=public)
            way, network = ("portal", sender[:_LONGEST_SENDER]) if public else (via, None)
            row = self._receive(act, filing, code_hash, way, network)
            freeze = self._begin(act, row, public=public)
            self._notices.received(act, row)
            return self._filed(act, row, freeze, code)

    def confirm(self, actor: Actor, request_id: str) -> Moved:
        """Staff confirm a request from the portal: its freeze is no longer provisional."""
        with self._step(actor, request_id, Action.CONFIRM, Event.REQUEST_CONFIRMED) as step:
            freeze = self._confirm(step.act, step.row)
            return Moved(step.row.id, step.row.state, freeze.recordings, freeze.remarks)

    def clarify(self, actor: Actor, request_id: str, text: str) -> Moved:
        """Ask the requester for what is missing; the freeze stays."""
        with self._step(actor, request_id, Action.CLARIFY, Event.REQUEST_CLARIFYING) as step:
            note = read_note(text, "the clarification")
            self._move(step.act, step.row, Action.CLARIFY, details={"text": note})
            return Moved(step.row.id, step.row.state)

    def answer(
        self,
        actor: Actor,
        request_id: str,
        text: str,
        *,
        ground: str | None = None,
        number: str | None = None,
        document: str | None = None,
        decision_maker: str | None = None,
        due: str | None = None,
        decided_at: str | None = None,
        footage: object = None,
    ) -> Moved:
        """Record the requester's answer, and what it changes in the request.

        ``due`` is the day that an order or an authority states for the answer, ``decided_at`` when
        an order was decided.

        Raises:
            InvalidInputError: A changed field cannot mean anything.
        """
        places = self._places()
        cameras = () if footage is None else cameras_meant({"footage": footage}, places)
        with self._step(
            actor, request_id, Action.ANSWER, Event.REQUEST_CLARIFIED, cameras=cameras
        ) as step:
            act, row = step.act, step.row
            note = read_note(text, "the answer")
            body = open_json(act.session, self._keyring, row.body_text)
            changed: dict[str, Any] = {}
            if ground is not None:
                row.ground_code = read_ground(ground)
                if row.ground_code == GAG_CODE and not row.gagged:
                    # Its number, its hold and its entries are known to all by now.
                    raise InvalidInputError(
                        "this statute is not entered by an answer: have it filed as a request of "
                        "its own"
                    )
                changed["code"] = row.ground_code
            if document is not None:
                # Whoever works here has it before them: a stranger's word would not do.
                changed |= {"document": read_note(document, "the document"), "seen": True}
            if decision_maker is not None:
                changed["decision_maker"] = read_note(decision_maker, "the decision-maker")
            if due is not None:
                self._due(act, row, changed, due)
            decided = read_decided(decided_at, act.now)
            if decided is not None:
                changed["decided_at"] = iso(decided)
            if changed:
                body["ground"] = {**body.get("ground", {}), **changed}
            if number is not None:
                body["matter"] = {
                    **body.get("matter", {}),
                    "number": read_note(number, "the number"),
                }
            if footage is not None:
                windows = read_windows(footage, places, act.now)
                set_windows(act.session, row.id, ASKED, windows)
                clock = {} if in_true_time({"footage": footage}) else {"clock": "picture"}
                body["footage"] = [{**each, **clock} for each in window_facts(windows)]
            row.body_text = self._seal(act, row.id, "body", body)
            freeze = self._freezing.confirmed(act, row, self._order_decided(act, row))
            self._move(
                act,
                row,
                Action.ANSWER,
                facts={
                    "ground": row.ground_code or None,
                    "windows": window_facts(windows_of(act.session, row.id, ASKED)),
                },
                details={"text": note},
            )
            return Moved(row.id, row.state, freeze.recordings, freeze.remarks)

    def status(self, reference: str, code: str) -> StatusView:
        """Where a request stands, for whoever has its reference and code.

        Raises:
            NotFoundError: Not this reference with this code; which of the two is not told.
        """
        with self._database.read() as session:
            row = session.get(Request, reference[:40])
        if not self._codes.matches(code, None if row is None else row.code_hash) or row is None:
            with self._ledger.act(Event.REQUEST_READ, PORTAL_ACTOR):
                raise NotFoundError("request with that code", reference[:40])
        words = STATE_WORDS[State(row.state)]
        return StatusView(
            id=row.id,
            state=row.state,
            words=words.sv if row.language == "sv" else words.en,
            received_at=row.received_at,
            deadline_at=row.deadline_at,
        )

    def lapse_due(self, actor: Actor) -> tuple[str, ...]:
        """Let requests lapse that nobody confirmed in 7 days or answered in 30; their ids.

        Also lets what strangers froze yield where footage that came since fills the budget.
        """
        self._keep_budgets(actor)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            due = [
                row.id
                for row in session.execute(
                    select(Request).where(
                        col(Request.state).in_([State.RECEIVED.value, State.CLARIFYING.value])
                    )
                ).scalars()
                if _waiting_since(session, row) + _patience(row) <= now
            ]
        for request_id in due:
            with self._ledger.act(
                Event.REQUEST_EXPIRED,
                actor,
                cameras=self._cameras_of(request_id),
                subject=request_id,
            ) as act:
                row = act.session.get(Request, request_id, with_for_update=True)
                if row is None or _waiting_since(act.session, row) + _patience(row) > act.now:
                    continue
                self._freezing.moved(act, row, Action.LAPSE)
                self._move(act, row, Action.LAPSE)
        return tuple(due)

    # --- inside -------------------------------------------------------------------------------

    def _due(self, act: Act, row: Request, changed: dict[str, Any], due: str) -> None:
        """Let the day that an order or an authority states be the deadline, where one is stated.

        Raises:
            InvalidInputError: It is no day, or the deadline is not the requester's to state.
        """
        day = read_day(due, "the day stated")
        rule = REQUESTERS[row.requester_type]
        if rule.deadline.unit != "stated":
            raise InvalidInputError(
                "only an order or an authority states the day of the answer; this deadline is "
                "counted from receipt"
            )
        if day is not None:
            zone = self._zone_of(act.session, windows_of(act.session, row.id, ASKED))
            row.deadline_at = deadline_at(rule.deadline, row.received_at, zone, set(), stated=day)
            changed["due"] = day.isoformat()

    def _receive(
        self,
        act: Act,
        filing: Filing,
        code_hash: str,
        via: str,
        sender: str | None = None,
    ) -> Request:
        """The row of a new request, with its entry; ``sender`` is sealed with it, not entered."""
        gagged = filing.ground == GAG_CODE
        if gagged and act.actor.is_person and not act.actor.cleared:
            raise AccessDeniedError(
                "an order under a duty of silence is registered by somebody cleared for it"
            )
        request_id = ids.reference("B")
        zone = self._zone_of(act.session, filing.windows)
        due = deadline_at(
            REQUESTERS[filing.type].deadline,
            act.now,
            zone,
            holidays_around(act.now),
            stated=filing.due,
        )
        row = Request(
            id=request_id,
            state=State.RECEIVED.value,
            requester_type=filing.type,
            ground_code=filing.ground,
            via=via,
            language=filing.language,
            delivery=filing.delivery,
            site_code=filing.site,
            body_text=self._seal(act, request_id, "body", {**filing.to_body(), "sender": sender}),
            received_at=act.now,
            deadline_at=due,
            gagged=gagged,
            code_hash=code_hash,
            registered_by=act.actor.id,
        )
        act.session.add(row)
        act.session.flush()
        set_windows(act.session, request_id, ASKED, filing.windows)
        act.record(
            Event.REQUEST_RECEIVED,
            request_id,
            facts={
                "type": filing.type,
                "ground": filing.ground or None,
                "via": via,
                "windows": window_facts(filing.windows),
                "places_named": filing.places_named,
                "off_picture": filing.off_picture,
                "doubtful": filing.doubtful,
                "deadline": None if due is None else iso(due),
                "gagged": gagged,
            },
            details={"request": filing.to_body()},
            also=cameras_in(filing.windows),
        )
        return row

    def _begin(self, act: Act, row: Request, *, public: bool) -> Freeze:
        """What follows at once: refusal where there is no ground at all, otherwise the freeze."""
        rule = REQUESTERS[row.requester_type]
        if rule.auto_refused:
            reason = f"{rule.name.en}: there is no ground on which footage may be handed over"
            row.decision, row.decided_at = State.REFUSED.value, act.now
            row.decision_text = self._seal(act, row.id, "decision", {"reason": reason})
            self._move(
                act,
                row,
                Action.AUTO_REFUSE,
                facts={"automatic": True, "citation": rule.citation},
            )
            return Freeze(remarks=(f"refused: {reason} ({rule.citation})",))
        if public:
            return self._freezing.provisional(act, row, self._sender_of)
        return self._confirm(act, row)

    def _keep_budgets(self, actor: Actor) -> None:
        """Hold every place to what strangers may make it keep, whatever arrived meanwhile."""
        now = self._ledger.clock.now()
        places = self._places()
        for site in places.sites:
            with self._database.read() as session:
                if bytes_kept(session, site, now) <= budget_of(session, site):
                    continue
            # A freeze that yields here may reach to other places.
            with self._ledger.act(Event.HOLD_CHANGED, actor, cameras=tuple(places.cameras)) as act:
                self._freezing.share(act, site, self._sender_of)

    def _sender_of(self, session: Session, row: Request) -> str:
        return str(open_json(session, self._keyring, row.body_text).get("sender") or "")

    def _filed(self, act: Act, row: Request, freeze: Freeze, code: str) -> Filed:
        windows = windows_of(act.session, row.id, ASKED)
        # Whoever asks is told that footage is kept which nobody here may see for them.
        sight = Sight(staff=True) if row.via == "portal" else act.actor.sight
        body = open_json(act.session, self._keyring, row.body_text)
        told = told_elsewhere(act.session, windows) if in_true_time(body) else ()
        there = looked_in(windows, told)
        found = footage_in(act.session, self._grants, there, act.now, sight)
        remarks = freeze.remarks
        if found.gone and rule_of(row.requester_type, row.ground_code).hold_purpose is not None:
            gone = (
                f"{found.gone} {'recording' if found.gone == 1 else 'recordings'} of that time had "
                "expired before the request came; what has expired is destroyed and cannot be "
                "handed over"
            )
            remarks = (*remarks, gone)
        items = body.get("footage") or ()
        if any(each.get("doubtful") for each in items):
            remarks = (*remarks, _DOUBTFUL)
        return Filed(
            id=row.id,
            code=code,
            state=row.state,
            # Counted as this person may know of it: a gagged hold may keep more.
            frozen=len({each.id for each in found.kept} & self._freezing.kept(act, row)),
            gone=found.gone,
            certificates=found.certificates,
            remarks=remarks,
        )


def _patience(row: Request) -> timedelta:
    return UNCONFIRMED if row.state == State.RECEIVED else UNANSWERED


def _waiting_since(session: Session, row: Request) -> datetime:
    """When the request came to where it waits."""
    if row.state == State.RECEIVED:
        return row.received_at
    asked = session.execute(
        select(col(CustodyEntry.at))
        .where(
            col(CustodyEntry.subject) == row.id,
            col(CustodyEntry.event) == Event.REQUEST_CLARIFYING.value,
        )
        .order_by(col(CustodyEntry.leaf_index).desc())
        .limit(1)
    ).scalar()
    return row.received_at if asked is None else asked
