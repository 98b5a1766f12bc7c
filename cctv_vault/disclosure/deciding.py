"""Deciding a request: verified and assessed by one person, decided by another.

Owns the acts between receipt and release, and those that end or reopen a case. Refuses an approval
with an unmet point, a decision by anyone who registered or handled the request, and a review by
whoever released.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.casefiles import end_files
from cctv_vault.disclosure.cases import (
    APPROVED,
    ASKED,
    MASKED,
    hashes_of,
    load,
    masked_rows,
    open_json,
    set_windows,
    windows_of,
)
from cctv_vault.disclosure.desk import Step, cameras_in, not_met, refuse, window_facts
from cctv_vault.disclosure.erasing import Erased, Erasing
from cctv_vault.disclosure.frames import drop_outside
from cctv_vault.disclosure.intake import is_measured, read_note, read_windows
from cctv_vault.disclosure.legal import (
    EXCEPTIONS,
    METHODS,
    PROLONGABLE,
    REQUESTERS,
    Words,
    is_erasure,
    prolonged,
)
from cctv_vault.disclosure.packaging import revoke_links
from cctv_vault.disclosure.results import Moved
from cctv_vault.disclosure.unmeasured import in_true_time, told_elsewhere, told_texts
from cctv_vault.disclosure.windows import Told, camera_time, narrower, outside
from cctv_vault.disclosure.workflow import (
    BEFORE_DECISION,
    DISAPPROVED,
    ERASED,
    PARTLY_ERASED,
    REVIEWED,
    RIGHT_FOR,
    UNANSWERED_STATES,
    Action,
    RequestFacts,
    State,
    may_close,
    may_close_disapproved,
    may_decide,
    may_handle,
    may_review,
)
from cctv_vault.errors import GateNotMetError, InvalidInputError, TransitionNotAllowedError
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.people.delegations import as_lent
from cctv_vault.schema import Request
from cctv_vault.views import iso

_WITHOUT: Final = Words(
    "det som behålls behöver ett undantag ur artikel 17.3, eller att någon av rättens "
    "förutsättningar saknas: " + ", ".join(EXCEPTIONS),
    "what is kept needs an exception of Article 17(3), or that the right does not apply: "
    + ", ".join(EXCEPTIONS),
)
_NOTHING_STAYS: Final = Words(
    "inget behålls, så inget undantag anges", "nothing is kept, so no exception is named"
)
_STILL_OUT: Final = (
    "the copy {} was taken out of what is erased: destroy it and confirm that (footage destroyed)"
)
_DECIDED: Final = frozenset({State.APPROVED, State.PARTLY_APPROVED, State.PREPARED})


class Deciding(Erasing):
    """From verification to decision, and the ends of a case."""

    def verify(self, actor: Actor, request_id: str, method: str, detail: str) -> Moved:
        """Record how the requester was verified: by call-back, in person or signed order (S12).

        Raises:
            InvalidInputError: There is no such method, or nothing says what was checked.
            GateNotMetError: The method does not count for this requester (table B).
            AccessDeniedError: The person decided in this case.
        """
        with self._step(actor, request_id, Action.VERIFY, Event.REQUEST_VERIFIED) as step:
            refuse(may_handle(actor, self._facts(step)))
            if method not in METHODS:
                raise InvalidInputError(f"the method must be one of: {', '.join(METHODS)}")
            rule = REQUESTERS[step.row.requester_type]
            if method not in rule.methods:
                raise GateNotMetError(
                    f"{method} does not verify this requester",
                    (f"{rule.evidence.en}: {', '.join(sorted(rule.methods)) or 'nothing does'}",),
                )
            note = read_note(detail, "what was checked")
            row = step.row
            row.verification_method, row.verified_at = method, step.act.now
            row.handled_by = actor.id
            facts = {"method": method}
            self._move(step.act, row, Action.VERIFY, facts=facts, details={"detail": note})
            return Moved(row.id, row.state)

    def assess(
        self,
        actor: Actor,
        request_id: str,
        facts: str,
        necessity: str,
        footage: object = None,
        *,
        heard: str | None = None,
    ) -> Moved:
        """State the facts and the necessity, and the cameras and times that are really needed.

        Args:
            actor: Who handles the request.
            request_id: Its reference.
            facts: What it rests on.
            necessity: Why this footage is needed.
            footage: The windows needed, as in a request's ``footage``; all that was asked where
                none are given. Where none are, or their ``clock`` is ``measured``, true times are
                looked for where recordings tell them that were sealed before the first measurement.
            heard: Who of the personnel department was heard, where an employee asks (table B).

        Raises:
            InvalidInputError: A text is missing, or a window lies outside what was asked.
            AccessDeniedError: The person decided in this case.
        """
        places = self._places()
        with self._step(actor, request_id, Action.ASSESS, Event.REQUEST_ASSESSED) as step:
            act, row = step.act, step.row
            case = self._facts(step)
            refuse(may_handle(actor, case))
            texts = {
                "facts": read_note(facts, "the facts"),
                "necessity": read_note(necessity, "the necessity"),
            }
            if heard is not None and heard.strip():
                texts["heard"] = read_note(heard, "who was heard")
            listed = footage.get("footage") if isinstance(footage, dict) else footage
            told: tuple[Told, ...] = ()
            if footage is None or is_measured(listed):
                body = open_json(act.session, self._keyring, row.body_text)
                told = told_elsewhere(act.session, case.asked if in_true_time(body) else ())
            case = replace(case, told=told)
            wanted = case.reach
            if footage is not None:
                wanted = read_windows(listed, places, act.now, case.told)
            beyond = outside(wanted, case.reach)
            if beyond:
                raise InvalidInputError(
                    f"the window of {beyond[0].camera} lies outside what was asked for; ask the "
                    "requester to extend the request"
                )
            set_windows(act.session, row.id, APPROVED, wanted)
            drop_outside(act, row, wanted)
            # What was masked for other windows may show more than is needed now.
            end_files(act.session, row.id, act.now, kind=MASKED)
            kept: Json = {**texts, **told_texts(act.session, case.told)}
            row.assessment_text = self._seal(act, row.id, "assessment", kept)
            row.handled_by = actor.id
            self._move(
                act,
                row,
                Action.ASSESS,
                facts={
                    "windows": window_facts(wanted),
                    "camera_seconds": int(camera_time(wanted).total_seconds()),
                    **({"by_measurement": True} if case.told else {}),
                },
                details=texts,
            )
            return Moved(row.id, row.state)

    def decide(
        self,
        actor: Actor,
        request_id: str,
        *,
        approve: bool,
        reason: str,
        sound: bool = False,
        exception: str | None = None,
    ) -> Moved:
        """Approve or refuse, as a second person.

        Where less is needed than was asked the request is approved in part. ``sound`` is a decision
        of its own: originals whose sound the camera's register forbids go out only with it.

        Where erasure is asked for, to approve is to erase, in this act, what no hold forbids;
        ``exception`` is the code of ``legal.EXCEPTIONS`` for which all or the rest is kept.

        Raises:
            AccessDeniedError: The person registered or handled the request, or lacks the role.
            GateNotMetError: A requirement of table B is unmet; each is named with its citation.
        """
        named = Action.APPROVE if approve else Action.REFUSE
        event = Event.REQUEST_APPROVED if approve else Event.REQUEST_REFUSED
        # What a case asks for, and so this act, does not change under its lock but by an answer,
        # which leads away from where it can be decided.
        if approve and self._asks_to_erase(request_id):
            named, event = Action.ERASE, Event.REQUEST_ERASED
        with self._step(actor, request_id, named, event) as step:
            act, row = step.act, step.row
            actor = as_lent(act.session, actor, act.now)
            actor.require(RIGHT_FOR[named])
            case = self._facts(step)
            refuse(may_decide(actor, case, approve=approve))
            note = read_note(reason, "the reason")
            if is_erasure(case.type, case.ground):
                return self._erasure_decided(step, case, note, exception, approve=approve)
            action = named
            facts: dict[str, Any] = {}
            films = hashes_of(masked_rows(act.session, row.id, act.now))
            if approve:
                self._gate(Action.APPROVE, case, "an approval")
                if narrower(case.wanted, case.reach):
                    action = Action.APPROVE_PARTLY
                facts = {
                    "type": row.requester_type,
                    "ground": row.ground_code,
                    "windows": window_facts(case.wanted),
                    "sound": sound,
                    **({"masked": films} if films else {}),
                }
            if actor.lent_by:
                facts |= {"lent_by": sorted(actor.lent_by)}
            row.decided_by, row.decided_at = actor.id, act.now
            self._freezing.moved(act, row, action)
            self._move(
                act,
                row,
                action,
                facts=facts,
                details={"reason": note},
                also=cameras_in(case.wanted) if approve else (),
            )
            row.decision = row.state
            row.decision_text = self._seal(
                act, row.id, "decision", {"reason": note, "sound": sound, "masked": films}
            )
            act.session.add(row)
            return Moved(row.id, row.state)

    def _asks_to_erase(self, request_id: str) -> bool:
        with self._database.read() as session:
            row = session.get(Request, request_id)
        return row is not None and is_erasure(row.requester_type, row.ground_code)

    def _erasure_decided(
        self, step: Step, case: RequestFacts, note: str, exception: str | None, *, approve: bool
    ) -> Moved:
        """Erase what no hold forbids, or nothing; what stays has its exception (S15).

        Raises:
            GateNotMetError: A point is unmet, or what stays has no exception.
        """
        act, row = step.act, step.row
        reach = self._reach(act.session, row, case.wanted or case.asked, act.now)
        stays = not approve or bool(reach.held)
        if approve:
            self._gate(Action.ERASE, case, "an erasure")
        if stays != (exception in EXCEPTIONS):
            raise not_met("the decision is not complete", _WITHOUT if stays else _NOTHING_STAYS)
        facts: dict[str, Any] = {} if exception is None else {"exception": exception}
        ended = Erased((), ())
        action = Action.REFUSE
        if approve:
            action, ended = Action.ERASE, self._end(act, reach.free)
            facts |= {
                "windows": window_facts(case.wanted),
                "recordings": len(ended.recordings),
                "held": reach.held_recordings,
                "copies": list(ended.copies),
            }
            row.closed_at = act.now
        row.decided_by, row.decided_at = act.actor.id, act.now
        self._move(
            act,
            row,
            action,
            facts=facts,
            details={"reason": note},
            also=(*cameras_in(case.wanted), *ended.recordings, *ended.copies) if approve else (),
        )
        row.decision = row.state if not approve else PARTLY_ERASED if stays else ERASED
        row.decision_text = self._seal(
            act,
            row.id,
            "decision",
            {
                "reason": note,
                "exception": exception,
                "recordings": len(ended.recordings),
                "held": reach.held_recordings if approve else 0,
            },
        )
        act.session.add(row)
        return Moved(
            row.id, row.state, remarks=tuple(_STILL_OUT.format(each) for each in ended.copies)
        )

    def prolong(self, actor: Actor, request_id: str, reason: str) -> Moved:
        """Answer up to two months later, once, where the matter is complex (GDPR 12.3).

        The requester is to be told of it, with the reason, within the first month.

        Raises:
            GateNotMetError: The ground admits none, it was prolonged before, or the first month
                is over.
            TransitionNotAllowedError: The request is answered.
        """
        with self._ledger.act(
            Event.REQUEST_PROLONGED,
            actor,
            cameras=self._cameras_of(request_id),
            subject=request_id,
        ) as act:
            row = load(act.session, request_id, actor, lock=True)
            actor.require(Right.REQUEST_HANDLE)
            note = read_note(reason, "the reason")
            if State(row.state) not in UNANSWERED_STATES:
                raise TransitionNotAllowedError(
                    f"the request is {row.state}: what is answered is not prolonged"
                )
            why = _not_prolonged(row, act.now)
            if why or row.deadline_at is None:
                raise GateNotMetError("the answer cannot be prolonged", (why or "no deadline",))
            zone = self._zone_of(act.session, windows_of(act.session, row.id, ASKED))
            row.deadline_at = prolonged(row.deadline_at, zone)
            row.prolonged_at = act.now
            act.session.add(row)
            act.record(
                Event.REQUEST_PROLONGED,
                row.id,
                facts={"deadline": iso(row.deadline_at)},
                details={"reason": note},
            )
            return Moved(row.id, row.state)

    def withdraw(self, actor: Actor, request_id: str, reason: str) -> Moved:
        """The requester withdraws; what was frozen stays for seven days of objection."""
        with self._step(actor, request_id, Action.WITHDRAW, Event.REQUEST_WITHDRAWN) as step:
            self._packaging.end(step.act.session, step.row.id, step.act.now)
            self._freezing.moved(step.act, step.row, Action.WITHDRAW)
            return self._reasoned(step, Action.WITHDRAW, reason)

    def revoke(self, actor: Actor, request_id: str, reason: str) -> Moved:
        """Take a decision back before anything was collected; it needs a new one.

        Where somebody has begun to collect the package, its link ends at once, and with it what is
        being sent; the decision stands, for what has left cannot be taken back.

        Raises:
            TransitionNotAllowedError: The package was collected or handed over already.
        """
        event = Event.REQUEST_REVOKED
        with self._step(actor, request_id, Action.REVOKE, event) as step:
            act, row = step.act, step.row
            if row.state != State.RELEASED or not self._facts(step).collected:
                return self._revoked(step, reason)
            if revoke_links(act.session, row.id, act.now):
                note = read_note(reason, "the reason")
                act.record(event, row.id, facts={"link_only": True}, details={"reason": note})
        with self._ledger.act(event, actor, subject=request_id):
            raise TransitionNotAllowedError(
                "the package has left the vault and cannot be taken back; no link to it works any "
                "more; ask the recipient to destroy it and record that"
            )

    def masked(self, act: Act, row: Request, file_id: str) -> None:
        """A masked film has come: where the case was decided before, that is decided anew.

        The second person decides on the film that is handed over, and not on a promise of one.
        """
        if State(row.state) in _DECIDED and REQUESTERS[row.requester_type].masking.demanded:
            self._packaging.end(act.session, row.id, act.now)
            self._move(act, row, Action.MASK, facts={"file": file_id})
            self._undecided(act, row)

    def _revoked(self, step: Step, reason: str) -> Moved:
        self._packaging.end(step.act.session, step.row.id, step.act.now)
        moved = self._reasoned(step, Action.REVOKE, reason)
        self._undecided(step.act, step.row)
        return moved

    def _undecided(self, act: Act, row: Request) -> None:
        row.decision = row.decided_by = row.decided_at = None
        # Whoever was called has answered, and the answer is no longer yes: nobody goes on alone.
        row.released_at = row.channel = row.asked_at = None
        act.session.add(row)

    def reopen(self, actor: Actor, request_id: str, reason: str) -> Moved:
        """Take up a case that had ended; what is left of its footage is frozen again.

        Raises:
            TransitionNotAllowedError: Something left before a decision in it, or it has not ended.
        """
        with self._step(actor, request_id, Action.REOPEN, Event.REQUEST_REOPENED) as step:
            act, row = step.act, step.row
            if row.decision in BEFORE_DECISION:
                raise TransitionNotAllowedError(
                    "footage left before a decision in this case, and its review stands in the "
                    "register; have the new wish filed as a request of its own"
                )
            freeze = self._freezing.confirmed(act, row, self._order_decided(act, row))
            row.decision = row.decided_by = row.decided_at = row.closed_at = None
            row.asked_at = None  # who was called then was called for another visit
            row.verification_method = row.verified_at = None
            self._reasoned(step, Action.REOPEN, reason)
            return Moved(row.id, row.state, freeze.recordings, freeze.remarks)

    def close(self, actor: Actor, request_id: str, reason: str = "") -> Moved:
        """Close a case that is done.

        Raises:
            AccessDeniedError: A review disapproved what this person had a part in.
            TransitionNotAllowedError: It is not decided, and is not one that only keeps.
        """
        with self._step(actor, request_id, Action.CLOSE, Event.REQUEST_CLOSED) as step:
            row, case = step.row, self._facts(step)
            refuse(may_close_disapproved(actor, case))
            if not may_close(State(row.state), case):
                raise TransitionNotAllowedError(
                    f"the request is {row.state}: decide it before it is closed"
                )
            row.closed_at = step.act.now
            details = {"reason": read_note(reason, "the reason")} if reason.strip() else None
            self._move(step.act, row, Action.CLOSE, details=details)
            return Moved(row.id, row.state)

    def review(self, actor: Actor, request_id: str, *, approve: bool, reason: str) -> Moved:
        """Review, as somebody else, a release that came before a decision.

        Raises:
            AccessDeniedError: The person registered, handled or released it.
        """
        with self._step(actor, request_id, Action.REVIEW, Event.REQUEST_REVIEWED) as step:
            actor = as_lent(step.act.session, actor, step.act.now)
            actor.require(RIGHT_FOR[Action.REVIEW])
            refuse(may_review(actor, self._facts(step)))
            overdue = step.row.deadline_at is not None and step.act.now > step.row.deadline_at
            note = read_note(reason, "the reason")
            step.row.decision = REVIEWED if approve else DISAPPROVED
            self._move(
                step.act,
                step.row,
                Action.REVIEW,
                facts={"approved": approve, "overdue": overdue},
                details={"reason": note},
            )
            return Moved(step.row.id, step.row.state)

    def _reasoned(self, step: Step, action: Action, reason: str) -> Moved:
        note = read_note(reason, "the reason")
        self._move(step.act, step.row, action, details={"reason": note})
        return Moved(step.row.id, step.row.state)


def _not_prolonged(row: Request, now: datetime) -> str | None:
    """Why the answer to a request cannot take longer (S11, GDPR 12.3), or None where it can."""
    if row.ground_code not in PROLONGABLE:
        return "only a request for access or erasure may take two months more (GDPR 12.3)"
    if row.prolonged_at is not None:
        return "it was prolonged before, and that is possible once (GDPR 12.3)"
    if row.deadline_at is None or now > row.deadline_at:
        return "the first month is over, within which the requester was to be told (GDPR 12.3)"
    return None
