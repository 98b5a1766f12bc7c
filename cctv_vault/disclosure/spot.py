"""Release to whoever stands here: on the spot, under compulsion, and where a life is in danger.

Owns the paths that the law has before a decision, each reviewed by somebody else. The police get
at most an hour, on DSL 2:5; those who may approve are called first, and whoever is on duty hands
over alone only when none of them has answered in the time the policy gives them. Where life or
health is at stake nobody waits: whoever saves it gets what the policy's figure holds, once it is
said what the danger is. Refuses everybody else, and whoever is not here or was not called back.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, cast

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.archive import Archive, Member, read_archive, read_member
from cctv_vault.disclosure.cases import (
    APPROVED,
    ASKED,
    danger_of,
    footage_in,
    frames_of,
    load,
    open_json,
    set_windows,
    sight_of,
    windows_of,
)
from cctv_vault.disclosure.codes import new_status_code
from cctv_vault.disclosure.desk import Step, holidays_around, not_met, window_facts
from cctv_vault.disclosure.frames import choose_evenly
from cctv_vault.disclosure.handing import (
    COPY_LASTS_AFTER_RECEIPT,
    Handing,
    package_facts,
    still,
)
from cctv_vault.disclosure.intake import Filing, cameras_meant, read_note, read_request
from cctv_vault.disclosure.legal import (
    ASKS_IN_DANGER,
    IN_PERSON,
    METHODS,
    ON_THE_SPOT_LIMIT,
    REQUESTERS,
    SIGNED_ORDER,
    Deadline,
    Words,
    deadline_at,
)
from cctv_vault.disclosure.letterwords import Kind
from cctv_vault.disclosure.packaging import Made, copy_out, storage_errors
from cctv_vault.disclosure.results import Called, Moved, OnTheSpot
from cctv_vault.disclosure.unmeasured import told_elsewhere
from cctv_vault.disclosure.windows import Moment, Window, camera_time, wall_time
from cctv_vault.disclosure.workflow import (
    BEFORE_DECISION,
    DISAPPROVED,
    HANDS_OVER_NOW,
    NO_BINDS_FOR,
    RIGHT_FOR,
    VISIT,
    Action,
    Matter,
    State,
    approvers,
    is_bound,
    move,
)
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.departures import Departure
from cctv_vault.footage.outfile import check_target
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right, Role
from cctv_vault.people.delegations import lent_now
from cctv_vault.retention.policy import OnTheSpotRule
from cctv_vault.schema import Account, Camera, CustodyEntry, Package, Request, table
from cctv_vault.views import iso

CALLED_COUNTS_FOR: Final = VISIT
"""How long a call holds."""
_POLICE: Final = Action.HAND_OVER_ON_THE_SPOT
_VITAL: Final = Action.HAND_OVER_VITAL
_A_NO: Final = tuple(
    each.value for each in (Event.REQUEST_REFUSED, Event.REQUEST_REVOKED, Event.REQUEST_REVIEWED)
)
"""A refusal, an approval that was taken back, and a review that disapproved."""
_STAND_HERE: Final = tuple(row.type for row in REQUESTERS.values() if row.immediate is not None)
_APPROVED: Final = frozenset({State.APPROVED, State.PARTLY_APPROVED})
_OWES_A_NUMBER: Final = frozenset({State.RELEASED, State.UNDER_REVIEW, State.ACKNOWLEDGED})
_UNPACKED: Final = ("data/clips/", "data/frames/", "data/report.pdf")
"""Not what explains the package: it names files that lie in the zip alone."""
NOTHING: Final = "nothing is handed over on the spot"
_NOBODY_CALLED: Final = Words(
    "på den här vägen kallas ingen först", "nobody is called first on this path"
)
_NOBODY_HERE: Final = Words(
    "den som begär måste stå här och ha visat sin tjänstelegitimation",
    "the officer must stand here and the service card be seen",
)
_NOT_CALLED_BACK: Final = Words(
    "ange hur den som ber är kontrollerad: legitimation visad här, eller motringning via växeln "
    "eller 112",
    "say how whoever asks was verified: an officer's card seen here, or a call back through the "
    "switchboard or 112",
)
_NO_OFFENCE: Final = Words("ange vilket brott det gäller", "name the offence")


class Spot(Handing):
    """The paths before a decision."""

    def call(self, actor: Actor, body: object, *, officer_seen: str) -> Called:
        """Register what an officer who stands here asks for, and call those who may approve it.

        The footage is frozen, the card seen is recorded as the verification, and from here a second
        person can approve or refuse. The same request called again is the same case.

        Raises:
            GateNotMetError: The law has no such path here; each unmet point is named.
            AccessDeniedError: The person is not marked for it.
        """
        code_hash = self._codes.hash(new_status_code())
        places = self._places()
        cameras = cameras_meant(body, places)
        with self._ledger.act(Event.REQUEST_APPROVERS_CALLED, actor, cameras=cameras) as act:
            actor.require(Right.REQUEST_REGISTER)
            filing = read_request(body, places, act.now, public=False)
            if path_of(filing.type) is not _POLICE:
                raise not_met(NOTHING, _NOBODY_CALLED)
            actor.require(RIGHT_FOR[_POLICE])
            seen = officer(filing, officer_seen)
            row = self._called_before(act, filing)
            new, nothing = row is None, None
            if row is None:
                row, nothing = self._begun(act, filing, code_hash, IN_PERSON, seen)
            if new and nothing is None:
                self._may_prepare(Step(act, row), _POLICE)
                facts = {"method": IN_PERSON}
                self._move(act, row, Action.VERIFY, facts=facts, details={"detail": seen})
                texts = {
                    "facts": f"{filing.offence}. {filing.description}".strip(),
                    "necessity": "En polis på plats har angett kameror och tid som behövs.",
                }
                row.assessment_text = self._seal(act, row.id, "assessment", texts)
                self._move(
                    act,
                    row,
                    Action.ASSESS,
                    facts={
                        "windows": window_facts(filing.windows),
                        "camera_seconds": int(camera_time(filing.windows).total_seconds()),
                    },
                    details=texts,
                )
                row.asked_at = act.now
                act.session.add(row)
                self._choose_pictures(act, row, filing.windows)
                self._notices.called(act, row)
                act.record(
                    Event.REQUEST_APPROVERS_CALLED,
                    row.id,
                    facts={"called": len(self._callable(act, row, actor))},
                    details={"detail": seen},
                )
            if nothing is None:
                return self._called(act, row, actor)
        with self._ledger.act(Event.REQUEST_APPROVERS_CALLED, actor):
            raise nothing

    def waiting(self, actor: Actor, request_id: str) -> Called:
        """Whether somebody has answered, and from when the person on duty may hand over alone."""
        with self._ledger.act(Event.REQUEST_READ, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            actor.require(RIGHT_FOR[_POLICE])
            own_case(row, actor)
            return self._called(act, row, actor)

    def hand_over(self, actor: Actor, request_id: str, out_dir: Path | None) -> OnTheSpot:
        """Hand over to the officer what was called for: approved by now, or alone after the time.

        Args:
            actor: Who is on duty.
            request_id: The case that `call` opened.
            out_dir: A folder, on the medium that is handed over; None where it is fetched with
                `open_folder` and copied there.

        Raises:
            GateNotMetError: Nobody has answered yet and the time is not over.
            AccessDeniedError: Somebody else saw the card.
            TransitionNotAllowedError: It was refused, or is no such case.
        """
        event = Event.REQUEST_RELEASE_INTENDED
        cameras = self._cameras_of(request_id)
        with self._ledger.act(event, actor, cameras=cameras, subject=request_id) as act:
            row = load(act.session, request_id, actor, lock=True)
            actor.require(RIGHT_FOR[_POLICE])
            if row.asked_at is None:  # approved or not: nobody stood here with a card
                raise TransitionNotAllowedError(
                    "nobody was called for this request: it goes out as it was decided, from "
                    "'request prepare' to 'request release'"
                )
            own_case(row, actor)
            if act.now - row.asked_at > CALLED_COUNTS_FOR:  # approved since or not
                raise TransitionNotAllowedError(
                    "the visit for which they were called is over; call again when an officer "
                    "stands here, or let who handles requests hand over what was decided"
                )
            folder = None if out_dir is None else checked_folder(out_dir)
            case = self._facts(Step(act, row))
            if State(row.state) in _APPROVED:
                windows = self._may_prepare(Step(act, row), Action.PREPARE)
                action = Action.RELEASE
            else:
                action = _POLICE
                move(State(row.state), action)
                self._alone(act, row, actor)
                windows = self._may_prepare(Step(act, row), action)
                row.decision, row.decided_by = "before-decision", actor.id
                row.decided_at = act.now
                act.session.add(row)
            act.record(
                event,
                row.id,
                facts={"path": HANDS_OVER_NOW[_POLICE], "windows": window_facts(case.wanted)},
            )
            decision = open_json(act.session, self._keyring, row.decision_text)
            now = act.now
        sound = action is Action.RELEASE and decision.get("sound") is True
        return self._leave(actor, row, action, windows, folder, now=now, sound=sound)

    def on_the_spot(
        self,
        actor: Actor,
        body: object,
        *,
        officer_seen: str,
        out_dir: Path | None,
        method: str = IN_PERSON,
    ) -> OnTheSpot:
        """Hand over to somebody who stands here, before a decision; reviewed by somebody else.

        The police get at most an hour on DSL 2:5, once those who may approve were called and have
        answered or had their time: until then the first call registers, freezes and is refused, and
        the same call again hands over. Seizure and search get what is decided; in an emergency
        whoever is marked for it releases what saves life or health, at most the policy's figure.

        Args:
            actor: Who is on duty.
            body: The request, as `file` reads it.
            officer_seen: What was checked: the card and whose it was, where and when.
            out_dir: A folder, on the medium that is handed over; None as in `hand_over`.
            method: How the requester was verified; an emergency may call (``call-back``).

        Raises:
            GateNotMetError: The law has no such path here; each unmet point is named.
            AccessDeniedError: The person is not marked for it.
        """
        type_ = _type_of(body)
        if path_of(type_) is _POLICE:
            if method != IN_PERSON and type_ in _STAND_HERE:
                with self._ledger.act(Event.REQUEST_RELEASE_INTENDED, actor):
                    raise not_met(NOTHING, _no_method(method))
            if out_dir is not None:
                checked_folder(out_dir)
            called = self.call(actor, body, officer_seen=officer_seen)
            return self.hand_over(actor, called.id, out_dir)
        code_hash = self._codes.hash(new_status_code())
        places = self._places()
        cameras = cameras_meant(body, places)
        with self._ledger.act(Event.REQUEST_RELEASE_INTENDED, actor, cameras=cameras) as act:
            actor.require(Right.REQUEST_REGISTER)
            filing = read_request(body, places, act.now, public=False)
            action = path_of(filing.type)
            actor.require(RIGHT_FOR[action])
            seen = officer(filing, officer_seen)
            if method not in REQUESTERS[filing.type].methods - {SIGNED_ORDER}:
                raise not_met(NOTHING, _no_method(method))
            folder = None if out_dir is None else checked_folder(out_dir)
            row, nothing = self._begun(act, filing, code_hash, method, seen)
            if nothing is None:
                self._may_prepare(Step(act, row), action)
                row.decision, row.decided_by, row.decided_at = "before-decision", actor.id, act.now
                act.session.add(row)
                act.record(
                    Event.REQUEST_RELEASE_INTENDED,
                    row.id,
                    facts={"path": HANDS_OVER_NOW[action], "windows": window_facts(filing.windows)},
                    details={"detail": seen},
                )
                if action is _VITAL:
                    self._choose_pictures(act, row, filing.windows)
            now = act.now
        if nothing is not None:
            with self._ledger.act(Event.REQUEST_RELEASE_INTENDED, actor):
                raise nothing
        return self._leave(actor, row, action, filing.windows, folder, now=now, sound=False)

    def enter_number(self, actor: Actor, request_id: str, number: str) -> Moved:
        """Enter the case number that was to follow a release on the spot.

        Raises:
            TransitionNotAllowedError: None is owed: it has one, or nothing was handed over.
        """
        event = Event.REQUEST_NUMBER_ENTERED
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor, lock=True)
            actor.require(Right.REQUEST_REGISTER)
            if State(row.state) not in _OWES_A_NUMBER or row.number_due_at is None:
                raise TransitionNotAllowedError(
                    "no case number is owed: it is there, or nothing was handed over on the spot"
                )
            note = read_note(number, "the case number")
            body = open_json(act.session, self._keyring, row.body_text)
            body["matter"] = {**(body.get("matter") or {}), "number": note}
            row.body_text = self._seal(act, row.id, "body", body)
            late, row.number_due_at = act.now > row.number_due_at, None
            act.session.add(row)
            act.record(event, row.id, facts={"late": late}, details={"text": note})
            return Moved(row.id, row.state)

    # --- who is called ------------------------------------------------------------------------

    def _called_before(self, act: Act, filing: Filing) -> Request | None:
        """The case that this person opened for the same request a short while ago."""
        return self._same_wish(
            act,
            filing,
            col(Request.asked_at) > act.now - CALLED_COUNTS_FOR,
            col(Request.released_at).is_(None),
        )

    def _same_wish(self, act: Act, filing: Filing, *which: ColumnElement[bool]) -> Request | None:
        rows: Iterable[Request] = act.session.execute(
            select(Request)
            .where(col(Request.registered_by) == act.actor.id, *which)
            .with_for_update()
        ).scalars()
        asked = filing.to_body()
        for row in rows:
            kept = open_json(act.session, self._keyring, row.body_text)
            if {name: kept.get(name) for name in asked} == asked:
                return row
        return None

    def _callable(self, act: Act, row: Request, actor: Actor) -> Sequence[str]:
        """The accounts of those who may approve this request, but for who registers it."""
        allowed = approvers(self._facts(Step(act, row)))
        roles = {role.value for role in allowed}
        lent = lent_now(act.session, act.now) if Role.APPROVER in allowed else {}
        return [
            account.id
            for account in act.session.execute(
                select(Account).where(col(Account.disabled_at).is_(None))
            ).scalars()
            if (roles & set(account.roles) or lent.get(account.id, frozenset()) - {actor.id})
            and account.id != actor.id
        ]

    def _called(self, act: Act, row: Request, actor: Actor) -> Called:
        if row.asked_at is None:
            raise TransitionNotAllowedError("nobody was called for this request")
        names = self._people.names(self._callable(act, row, actor))
        return Called(
            id=row.id,
            state=row.state,
            asked_at=row.asked_at,
            alone_from=row.asked_at + self._wait(act.session, act.now, bool(names)),
            approvers=tuple(sorted(names.values())),
            bound=self._bound_by(act, row),
        )

    def _wait(self, session: Session, now: datetime, anybody: bool) -> timedelta:  # noqa: FBT001
        """How long those called have; where there is nobody to call, no time at all."""
        minutes = self._figures(session, now).alone_after_minutes
        return timedelta(minutes=minutes) if anybody else timedelta()

    def _figures(self, session: Session, now: datetime) -> OnTheSpotRule:
        return self._policies.current(session, now).on_the_spot

    def _alone(self, act: Act, row: Request, actor: Actor) -> None:
        """Refuse to hand over alone while those who were called still have time to answer.

        Raises:
            GateNotMetError: They have.
        """
        called = self._called(act, row, actor)
        self._not_refused_before(act, row)
        self._within_the_visit(act, row, ON_THE_SPOT_LIMIT)
        if act.now >= called.alone_from:
            return
        zone = self._zone_of(act.session, self._facts(Step(act, row)).wanted)
        asked, alone = (
            f"{at.astimezone(zone):%H:%M}" for at in (called.asked_at, called.alone_from)
        )
        raise not_met(
            f"nothing is handed over yet; {row.id} is registered and its footage frozen",
            Words(
                f"{len(called.approvers)} som får bevilja kallades kl. {asked}; lämna ut när någon "
                f"har beviljat, eller ensam från kl. {alone}",
                f"{len(called.approvers)} who may approve were called at {asked}; do this again "
                f"when one has approved, or alone from {alone}",
            ),
        )

    def _in_danger(self, act: Act, row: Request, filing: Filing) -> None:
        """Refuse what an emergency does not carry, and note what is said of it for the review.

        Raises:
            GateNotMetError: It is more than the policy's figure, together with what was handed over
                in emergencies lately.
            TransitionNotAllowedError: A no binds this request.
        """
        self._not_refused_before(act, row)
        figures = self._figures(act.session, act.now)
        self._within_the_visit(act, row, timedelta(minutes=figures.emergency_minutes))
        danger = danger_of(filing.to_body())
        told = (danger.get("at_stake"), danger.get("told"))
        texts = {
            "facts": " ".join(each for each in told if each),
            "necessity": "Den som räddar liv eller hälsa har angett kameror och tid som behövs.",
        }
        if texts["facts"]:
            row.assessment_text = self._seal(act, row.id, "assessment", texts)
            act.session.add(row)

    def _choose_pictures(self, act: Act, row: Request, windows: Sequence[Window]) -> None:
        """A few pictures of each window, for who has no time to look for any."""
        sight = sight_of(act.actor, row)
        found = footage_in(act.session, self._grants, windows, act.now, sight)
        choose_evenly(act, row, windows, found.kept)

    def _not_refused_before(self, act: Act, row: Request) -> None:
        """A no is not passed by asking once more, for a little else or by other hands.

        Raises:
            TransitionNotAllowedError: One binds this request (`workflow.is_bound`).
        """
        if other := self._bound_by(act, row):
            raise TransitionNotAllowedError(
                f"{other} asked for some of this footage, or in the same matter, and was refused; "
                "only somebody who may approve lets it out now"
            )

    def _bound_by(self, act: Act, row: Request) -> str:
        """The earlier request whose refusal binds this one; empty where none does.

        Read from the log: a no stays one where the case was reopened afterwards. In an emergency
        only what a review said of an earlier one binds, and of this very time: that police were
        refused a theft is no reason to let anybody die.
        """
        session = act.session
        emergency = row.requester_type == "emergency"
        heard = (
            col(Request.requester_type).in_(tuple(ASKS_IN_DANGER))
            & (col(CustodyEntry.event) == Event.REQUEST_REVIEWED.value)
            if emergency
            else col(Request.requester_type).in_(_STAND_HERE)
        )
        noes = session.execute(
            select(col(CustodyEntry.at), table(Request))
            .join(Request, col(Request.id) == col(CustodyEntry.subject))
            .where(
                col(CustodyEntry.event).in_(_A_NO),
                col(CustodyEntry.at) > act.now - NO_BINDS_FOR,
                (col(CustodyEntry.event) != Event.REQUEST_REVIEWED.value)
                | (col(Request.decision) == DISAPPROVED),
                col(Request.id) != row.id,
                heard,
                col(Request.gagged).is_(False) | act.actor.cleared,
            )
            .order_by(col(CustodyEntry.leaf_index).desc())
        )
        wanted = self._matter(session, row.id, row.body_text)
        for said in noes.all():
            refused = self._matter(session, said.id, said.body_text)
            in_visit = not emergency and said.at > act.now - VISIT
            if is_bound(wanted, refused, same_visit=in_visit):
                return str(said.id)
        return ""

    def _matter(self, session: Session, request_id: str, body_text: int) -> Matter:
        asked = windows_of(session, request_id, ASKED)
        windows = (*asked, *(each.told for each in told_elsewhere(session, asked)))
        cameras = {each.camera for each in windows}
        sites = select(col(Camera.site_code)).where(col(Camera.code).in_(cameras))
        body = open_json(session, self._keyring, body_text)
        requester = body.get("requester") or {}
        return Matter(
            sites=frozenset(session.execute(sites).scalars()),
            windows=windows,
            number=(body.get("matter") or {}).get("number") or "",
            authority=requester.get("authority") or requester.get("name") or "",
        )

    def _within_the_visit(self, act: Act, row: Request, most: timedelta) -> None:
        """What is handed over alone is measured over the whole visit, not case by case.

        Neither by one person to whoever comes, nor by several to the same authority at the place.
        What saved a life is measured by itself, and takes nothing from the police.

        Raises:
            GateNotMetError: Alone, or together with what was handed over alone lately, it is more
                than ``most``.
        """
        session = act.session
        kind = path_of(row.requester_type)
        before = session.execute(
            select(table(Request)).where(
                col(Request.id) != row.id,
                col(Request.requester_type).in_(
                    [each for each in _STAND_HERE if path_of(each) is kind]
                ),
                col(Request.decision).in_(BEFORE_DECISION),
                col(Request.released_at) > act.now - CALLED_COUNTS_FOR,
            )
        )
        wanted = self._matter(session, row.id, row.body_text)
        cases = [row.id]
        for each in before.all():
            other = self._matter(session, each.id, each.body_text)
            if each.registered_by == row.registered_by or wanted.of_one_visit(other):
                cases.append(str(each.id))
        whole = [each for case in cases for each in windows_of(act.session, case, APPROVED)]
        minutes = int(most.total_seconds()) // 60
        if wall_time(windows_of(act.session, row.id, APPROVED)) > most:
            raise not_met(
                NOTHING,
                Words(
                    f"högst {minutes} minuter lämnas ut utan beslut; ange bara den tid som behövs, "
                    "eller låt någon som får bevilja besluta",
                    f"at most {minutes} minutes are released without a decision; name only the "
                    "time that is needed, or let somebody who may approve decide",
                ),
            )
        if wall_time(whole) > most:
            raise not_met(
                NOTHING,
                Words(
                    f"tillsammans med det som nyss har lämnats ut utan beslut blir det mer än "
                    f"{minutes} minuter; någon som får bevilja måste besluta",
                    "together with what was handed over lately without a decision it is more than "
                    f"{minutes} minutes; somebody who may approve has to decide",
                ),
            )

    # --- inside -------------------------------------------------------------------------------

    def _begun(
        self, act: Act, filing: Filing, code_hash: str, method: str, seen: str
    ) -> tuple[Request, GateNotMetError | None]:
        """The case of a wish, registered and frozen, and the refusal where nothing is left of it.

        The same wish from the same hands is the same case while nothing is left of it.
        """
        action = path_of(filing.type)
        before = self._in_vain_before(act, filing)
        if before is not None:
            nothing = self._nothing_left(act, before, action, seen)
            if nothing is not None:
                return before, nothing
        row = self._receive(act, filing, code_hash, "staff")
        self._begin(act, row, public=False)
        self._stand(act, row, filing.windows, method)
        if action is _VITAL:
            self._in_danger(act, row, filing)
        return row, self._nothing_left(act, row, action, seen)

    def _in_vain_before(self, act: Act, filing: Filing) -> Request | None:
        """The case that this person registered for the same wish, of which nothing was left."""
        return self._same_wish(
            act,
            filing,
            col(Request.received_at) > act.now - CALLED_COUNTS_FOR,
            col(Request.asked_at).is_(None),
            col(Request.state) == State.VERIFIED.value,
        )

    def _nothing_left(
        self, act: Act, row: Request, action: Action, seen: str
    ) -> GateNotMetError | None:
        """The refusal of who sees nothing left of what is asked for, where that alone is wanting.

        Expired or hidden from them: they are told the same, and the same is registered; of a time
        that was never recorded nothing is. The wish stands with what it keeps, for the privacy
        officer to hand over, or for a second person to refuse with the certificate.
        """
        wanted = windows_of(act.session, row.id, APPROVED)
        sight = sight_of(act.actor, row)
        found = footage_in(act.session, self._grants, wanted, act.now, sight)
        if found.kept or not found.gone:
            return None
        try:
            self._may_prepare(Step(act, row), action)
        except GateNotMetError as error:
            if len(error.unmet) > 1:
                raise  # it would not have gone this way either, had there been footage
            if State(row.state) is not State.VERIFIED:
                facts = {"method": row.verification_method}
                self._move(act, row, Action.VERIFY, facts=facts, details={"detail": seen})
            return error
        return None

    def _stand(self, act: Act, row: Request, windows: Sequence[Window], method: str) -> None:
        """What is needed is what was asked; who asks stands here, or is on the telephone."""
        set_windows(act.session, row.id, APPROVED, windows)
        row.verification_method, row.verified_at = method, act.now
        act.session.add(row)
        act.session.flush()

    def _leave(
        self,
        actor: Actor,
        row: Request,
        action: Action,
        windows: Sequence[Window],
        folder: Path | None,
        *,
        now: datetime,
        sound: bool,
    ) -> OnTheSpot:
        if folder is not None:
            check_target(folder / f"{row.id}.zip")
        with self._database.read() as session:
            frames = frames_of(session, row.id)
        made = self._packaging.make(
            row,
            windows,
            now,
            sound_allowed=sound,
            progress=lambda _count: None,
            sight=sight_of(actor, row),
        )
        package, departure, spot = self._begin_hand_over(
            actor, row.id, action, made, folder, of=(tuple(windows), frames)
        )
        if folder is None or departure is None:
            return spot
        return replace(spot, files=self._written_out(actor, row.id, package, folder, departure))

    def _begin_hand_over(
        self,
        actor: Actor,
        request_id: str,
        action: Action,
        made: Made,
        folder: Path | None,
        *,
        of: tuple[tuple[Window, ...], tuple[Moment, ...]],
    ) -> tuple[Package, Departure | None, OnTheSpot]:
        """Keep the package and record the release, before the first byte leaves.

        What may have left counts as handed over: whoever breaks off the writing, or gives a medium
        too small for all of it, has footage that a second person hears of.
        """
        try:
            with self._ledger.act(
                Event.REQUEST_RELEASED,
                actor,
                cameras=self._cameras_of(request_id),
                subject=request_id,
            ) as act:
                row = load(act.session, request_id, actor, lock=True)
                decided = action is Action.RELEASE
                # It was made while nothing was locked: the case must still be what it was.
                wanted = self._may_prepare(Step(act, row), Action.PREPARE if decided else action)
                still(of, (wanted, frames_of(act.session, request_id)))
                if not decided:
                    move(State(row.state), action)
                # Whoever stands here has it in hand with this: the copy lasts as after a receipt.
                package = self._packaging.keep(
                    act.session, row, made, act.now, lasts=COPY_LASTS_AFTER_RECEIPT
                )
                package.state = "released"
                act.session.add(package)
                departure = None
                if folder is not None:
                    out = folder / f"{request_id}.zip"
                    departure = self._announce(act, request_id, made, out, package_facts(made))
                if decided:
                    facts = package_facts(made)
                    self._move(act, row, Action.PREPARE, facts=facts, also=(package.id,))
                review_by = self._owe(act, row, reviewed=not decided)
                row.channel, row.released_at = "in-person", act.now
                self._freezing.moved(act, row, Action.APPROVE if decided else action)
                self._move(
                    act,
                    row,
                    action,
                    facts={
                        "channel": "in-person" if decided else HANDS_OVER_NOW[action],
                        **package_facts(made),
                        "copy_ends": iso(package.until),
                        "review_by": None if review_by is None else iso(review_by),
                        "number_by": None if row.number_due_at is None else iso(row.number_due_at),
                    },
                    also=(package.id,),
                )
        except BaseException:
            self._packaging.discard(made.package_id)
            raise
        spot = OnTheSpot(
            id=request_id,
            state=row.state,
            files=(),
            sha256=package.sha256,
            review_by=review_by,
            number_by=row.number_due_at,
        )
        return package, departure, spot

    def _owe(self, act: Act, row: Request, *, reviewed: bool) -> datetime | None:
        """Set what is owed after a release: the review, and the police's number where it lacks."""
        case = self._facts(Step(act, row))
        zone = self._zone_of(act.session, case.wanted)
        figures, holidays = self._figures(act.session, act.now), holidays_around(act.now)
        if row.requester_type == "police" and not case.has_number:
            within = Deadline("days", figures.number_within_days)
            row.number_due_at = deadline_at(within, act.now, zone, holidays)
        if not reviewed:
            return None
        within = Deadline("working-days", figures.review_within_working_days)
        row.deadline_at = deadline_at(within, act.now, zone, holidays)
        return row.deadline_at

    def _written_out(
        self,
        actor: Actor,
        request_id: str,
        package: Package,
        folder: Path,
        departure: Departure,
    ) -> tuple[str, ...]:
        """The files in the officer's folder; entered whether they all came about or not."""
        with self._failing(actor, departure):
            files = self._write_folder(request_id, package, folder, departure)
            name = receipt_name(request_id)
            receipt = self._letters.write(actor, request_id, Kind.HANDOVER)
            with self._departures.file(departure, folder / name, hashed=False) as file:
                file.write(receipt)
                file.finish()
        self._settle(actor, departure.id, Event.FOOTAGE_EXPORTED, {})
        return (*files, name)

    def _write_folder(
        self, request_id: str, package: Package, folder: Path, departure: Departure
    ) -> tuple[str, ...]:
        """The package beside what can be played and read at once, in the officer's folder."""
        with self._departures.file(departure, folder / f"{request_id}.zip", hashed=False) as file:
            copy_out(self._reader(package), file.write)
            file.finish()
        names = [f"{request_id}.zip"]
        with closing(self._reader(package)) as reader, storage_errors("package"):
            source = cast("BinaryIO", reader)
            for name, member in unpacked(request_id, read_archive(source)):
                with self._departures.file(departure, folder / name, hashed=False) as file:
                    for piece in read_member(source, member):
                        file.write(piece)
                    file.finish()
                names.append(name)
        return tuple(names)


def receipt_name(request_id: str) -> str:
    """What the receipt is called that whoever receives the footage signs."""
    return f"{request_id}-kvitto.pdf"


def unpacked(request_id: str, archive: Archive) -> Iterator[tuple[str, Member]]:
    """What of a package lies open beside it, to be played and read at once, with its name."""
    for member in archive.members:
        path = member.name.partition("/")[2]
        if path.startswith(_UNPACKED):
            yield f"{request_id}-{path.rpartition('/')[2]}", member


def checked_folder(folder: Path) -> Path:
    """The folder of a medium, made where it is missing.

    Raises:
        InvalidInputError: It cannot be made or is no folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{folder} is no folder that can be written: {error.strerror}"
        ) from None
    return folder


def officer(filing: Filing, seen: str) -> str:
    """What was seen of the officer, or in an emergency how whoever asks was called back.

    Raises:
        GateNotMetError: Nobody stands here or was called back, or no offence is named.
    """
    if not seen.strip():
        nobody = _NOT_CALLED_BACK if path_of(filing.type) is _VITAL else _NOBODY_HERE
        raise not_met(NOTHING, nobody)
    if filing.type == "police" and filing.offence is None:
        raise not_met(NOTHING, _NO_OFFENCE)
    return read_note(seen, "what was seen")


def own_case(row: Request, actor: Actor) -> None:
    """Refuse whoever did not see the card: they cannot say whom they hand over to.

    Raises:
        AccessDeniedError: Somebody else registered it.
    """
    if row.registered_by != actor.id:
        raise AccessDeniedError("whoever saw the card hands over; ask them, or call anew yourself")


def _no_method(method: str) -> Words:
    sv = METHODS[method].sv if method in METHODS else method
    return Words(
        f"{sv} räcker inte för den här begärande parten", f"{method} does not verify this requester"
    )


def _type_of(body: object) -> str:
    """The type of requester a body claims, before it is read strictly."""
    requester = body.get("requester") if isinstance(body, dict) else None
    type_ = requester.get("type") if isinstance(requester, dict) else None
    return type_ if isinstance(type_, str) else ""


def path_of(type_: str) -> Action:
    """The path before a decision; where a requester has none, the one that refuses them."""
    rule = REQUESTERS.get(type_)
    path = None if rule is None else rule.immediate
    return next(
        (action for action, kind in HANDS_OVER_NOW.items() if path and kind == path.kind), _POLICE
    )
