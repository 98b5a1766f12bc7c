"""How a request may move, and what must be shown before it does. Pure.

Owns the states of cli.md, the one table of moves (next state and custody event together) and the
gates: functions from frozen facts to the points that are unmet, each with its citation. Whatever
is not in the table is refused; there is no override, only the paths the law itself has
(compulsion, vital interests, on the spot), each a row of its own and reviewed by somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import Final

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.legal import (
    ASKS_IN_DANGER,
    BROAD,
    GROUNDS,
    METHODS,
    ON_THE_SPOT_LIMIT,
    ORDERED,
    RequesterRule,
    Words,
    is_erasure,
    rule_of,
)
from cctv_vault.disclosure.windows import Told, Window, camera_time, looked_in, outside, wall_time
from cctv_vault.errors import TransitionNotAllowedError
from cctv_vault.people.actors import RIGHTS, Actor, Right, Role


class State(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    CLARIFYING = "clarifying"
    VERIFIED = "verified"
    ASSESSED = "assessed"
    APPROVED = "approved"
    PARTLY_APPROVED = "partly-approved"
    REFUSED = "refused"
    PREPARED = "prepared"
    RELEASED = "released"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNDER_REVIEW = "under-review"


STATE_WORDS: Final[dict[State, Words]] = {
    State.RECEIVED: Words("mottagen", "received"),
    State.CONFIRMED: Words("bekräftad", "confirmed"),
    State.CLARIFYING: Words("kompletteras", "being clarified"),
    State.VERIFIED: Words("kontrollerad", "verified"),
    State.ASSESSED: Words("bedömd", "assessed"),
    State.APPROVED: Words("beviljad", "approved"),
    State.PARTLY_APPROVED: Words("delvis beviljad", "partly approved"),
    State.REFUSED: Words("avslagen", "refused"),
    State.PREPARED: Words("iordningställd", "prepared"),
    State.RELEASED: Words("utlämnad", "released"),
    State.ACKNOWLEDGED: Words("kvitterad", "acknowledged"),
    State.CLOSED: Words("avslutad", "closed"),
    State.WITHDRAWN: Words("återkallad", "withdrawn"),
    State.EXPIRED: Words("förfallen", "lapsed"),
    State.UNDER_REVIEW: Words("efterhandsgranskas", "under review"),
}


class Action(StrEnum):
    """What can be done with a request once it is received."""

    CONFIRM = "confirm"
    CLARIFY = "clarify"
    ANSWER = "answer"
    VERIFY = "verify"
    ASSESS = "assess"
    APPROVE = "approve"
    APPROVE_PARTLY = "approve-partly"
    ERASE = "erase"
    REFUSE = "refuse"
    AUTO_REFUSE = "auto-refuse"
    MASK = "mask"
    PREPARE = "prepare"
    RELEASE = "release"
    HAND_OVER_ON_THE_SPOT = "hand-over-on-the-spot"
    HAND_OVER_COMPELLED = "hand-over-compelled"
    HAND_OVER_VITAL = "hand-over-vital"
    REVIEW = "review"
    RECEIPT = "receipt"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    REOPEN = "reopen"
    LAPSE = "lapse"
    CLOSE = "close"


@dataclass(frozen=True)
class Move:
    """The next state and the custody event that says so: never one without the other."""

    state: State
    event: Event


def _moves() -> dict[tuple[State, Action], Move]:
    s, a, e = State, Action, Event
    moves = {
        (s.RECEIVED, a.CONFIRM): Move(s.CONFIRMED, e.REQUEST_CONFIRMED),
        (s.RECEIVED, a.AUTO_REFUSE): Move(s.REFUSED, e.REQUEST_REFUSED),
        (s.RECEIVED, a.LAPSE): Move(s.EXPIRED, e.REQUEST_EXPIRED),
        (s.CLARIFYING, a.ANSWER): Move(s.CONFIRMED, e.REQUEST_CLARIFIED),
        (s.CLARIFYING, a.LAPSE): Move(s.EXPIRED, e.REQUEST_EXPIRED),
        (s.VERIFIED, a.ASSESS): Move(s.ASSESSED, e.REQUEST_ASSESSED),
        (s.ASSESSED, a.ASSESS): Move(s.ASSESSED, e.REQUEST_ASSESSED),
        (s.ASSESSED, a.APPROVE): Move(s.APPROVED, e.REQUEST_APPROVED),
        (s.ASSESSED, a.APPROVE_PARTLY): Move(s.PARTLY_APPROVED, e.REQUEST_PARTLY_APPROVED),
        # Erasure that is carried out leaves nothing to prepare: the case ends with it.
        (s.ASSESSED, a.ERASE): Move(s.CLOSED, e.REQUEST_ERASED),
        (s.PREPARED, a.RELEASE): Move(s.RELEASED, e.REQUEST_RELEASED),
        # A lost link or code: a new one replaces it, while nothing has been collected.
        (s.RELEASED, a.RELEASE): Move(s.RELEASED, e.REQUEST_RELEASED),
        (s.RELEASED, a.RECEIPT): Move(s.ACKNOWLEDGED, e.REQUEST_ACKNOWLEDGED),
        (s.ACKNOWLEDGED, a.CLOSE): Move(s.CLOSED, e.REQUEST_CLOSED),
        (s.UNDER_REVIEW, a.REVIEW): Move(s.ACKNOWLEDGED, e.REQUEST_REVIEWED),
    }
    for before in (s.CONFIRMED, s.CLARIFYING):
        moves[before, a.VERIFY] = Move(s.VERIFIED, e.REQUEST_VERIFIED)
    for before in (s.CONFIRMED, s.CLARIFYING, s.VERIFIED, s.ASSESSED):
        moves[before, a.CLARIFY] = Move(s.CLARIFYING, e.REQUEST_CLARIFYING)
        moves[before, a.REFUSE] = Move(s.REFUSED, e.REQUEST_REFUSED)
        moves[before, a.WITHDRAW] = Move(s.WITHDRAWN, e.REQUEST_WITHDRAWN)
    moves[s.RECEIVED, a.WITHDRAW] = Move(s.WITHDRAWN, e.REQUEST_WITHDRAWN)
    for before in (s.APPROVED, s.PARTLY_APPROVED, s.PREPARED):
        moves[before, a.PREPARE] = Move(s.PREPARED, e.REQUEST_PREPARED)
        moves[before, a.WITHDRAW] = Move(s.WITHDRAWN, e.REQUEST_WITHDRAWN)
    # A masked film that comes later is not what was decided on: the second person decides on it.
    for before in (s.APPROVED, s.PARTLY_APPROVED, s.PREPARED):
        moves[before, a.MASK] = Move(s.ASSESSED, e.REQUEST_REVOKED)
    # Revoking a decision puts the case before a second person again.
    for before in (s.APPROVED, s.PARTLY_APPROVED, s.PREPARED, s.RELEASED):
        moves[before, a.REVOKE] = Move(s.ASSESSED, e.REQUEST_REVOKED)
    # The paths the law has before a decision; each ends in a review by somebody else.
    for before, each in product((s.CONFIRMED, s.VERIFIED, s.ASSESSED), HANDS_OVER_NOW):
        moves[before, each] = Move(s.UNDER_REVIEW, e.REQUEST_RELEASED)
    for before in (s.CONFIRMED, s.VERIFIED):
        # What only keeps (a preservation order) is never handed over, so it ends here.
        moves[before, a.CLOSE] = Move(s.CLOSED, e.REQUEST_CLOSED)
    for before in (s.REFUSED, s.WITHDRAWN, s.EXPIRED):
        moves[before, a.CLOSE] = Move(s.CLOSED, e.REQUEST_CLOSED)
        moves[before, a.REOPEN] = Move(s.CONFIRMED, e.REQUEST_REOPENED)
    moves[s.CLOSED, a.REOPEN] = Move(s.CONFIRMED, e.REQUEST_REOPENED)
    return moves


HANDS_OVER_NOW: Final[Mapping[Action, str]] = {
    Action.HAND_OVER_ON_THE_SPOT: "on-the-spot",
    Action.HAND_OVER_COMPELLED: "compelled",
    Action.HAND_OVER_VITAL: "vital",
}
"""Release before a decision, and the kind of ``legal.Immediate`` each needs."""

TRANSITIONS: Final[Mapping[tuple[State, Action], Move]] = _moves()

RIGHT_FOR: Final[Mapping[Action, Right]] = {
    Action.CONFIRM: Right.REQUEST_REGISTER,
    Action.APPROVE: Right.REQUEST_DECIDE,
    Action.APPROVE_PARTLY: Right.REQUEST_DECIDE,
    Action.ERASE: Right.REQUEST_DECIDE,
    Action.REFUSE: Right.REQUEST_DECIDE,
    Action.REVOKE: Right.REQUEST_DECIDE,
    Action.REVIEW: Right.REQUEST_DECIDE,
    Action.HAND_OVER_ON_THE_SPOT: Right.RELEASE_ON_THE_SPOT,
    Action.HAND_OVER_VITAL: Right.RELEASE_ON_THE_SPOT,
    Action.HAND_OVER_COMPELLED: Right.REQUEST_REGISTER,
}
"""Every other act of a person needs ``request:handle``."""

FINISHED: Final = frozenset(
    {State.REFUSED, State.CLOSED, State.WITHDRAWN, State.EXPIRED, State.ACKNOWLEDGED}
)
ERASED: Final = "erased"
PARTLY_ERASED: Final = "partly-erased"
"""Decisions to erase what was asked for: all of it, or what no hold forbids."""
REVIEWED: Final = "review-approved"
DISAPPROVED: Final = "review-disapproved"
"""What stands as the decision once a release before one was reviewed."""

BEFORE_DECISION: Final = frozenset({"before-decision", REVIEWED, DISAPPROVED})
"""Decisions of what left before a second person had a say; they stand in the register for good."""

UNANSWERED_STATES: Final = frozenset(
    {State.RECEIVED, State.CONFIRMED, State.CLARIFYING, State.VERIFIED, State.ASSESSED}
)
"""Where no decision was made yet."""


def move(state: State, action: Action) -> Move:
    """The move from a state.

    Raises:
        TransitionNotAllowedError: It is not in the table; the message says what is.
    """
    found = TRANSITIONS.get((state, action))
    if found is None:
        possible = ", ".join(sorted(possible_actions(state))) or "nothing"
        raise TransitionNotAllowedError(
            f"a request that is {state.value} cannot be moved by {action.value}; "
            f"from here it can be moved by: {possible}"
        )
    return found


def possible_actions(state: State) -> tuple[Action, ...]:
    """What the table allows from a state, in the order of the actions."""
    return tuple(action for action in Action if (state, action) in TRANSITIONS)


# --- the gate ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class RequestFacts:
    """Everything the gates look at, gathered from the request, its record and the log.

    ``handlers`` are all who ever confirmed, verified or assessed this case, entered an answer in it
    or supplied a masked film, ``deciders`` all who decided in it; ``masked`` is whether there is a
    masked film of each camera and, once decided, whether these are the films that were decided on.
    ``told`` is where recordings tell what was asked for, where an assessment went by that.
    ``footage`` is None where nobody has looked yet. ``asked_by`` is which of the `RESCUERS` asks
    and ``at_stake`` whether it is said what life or health is: they count in an emergency alone.
    """

    type: str
    ground: str
    registered_by: str
    handlers: frozenset[str] = frozenset()
    deciders: frozenset[str] = frozenset()
    has_number: bool = False
    has_document: bool = False
    has_decider: bool = False
    hr_heard: bool = False
    verification: str | None = None
    facts_stated: bool = False
    necessity_stated: bool = False
    asked: tuple[Window, ...] = ()
    told: tuple[Told, ...] = ()
    wanted: tuple[Window, ...] = ()
    decision: str | None = None
    decided_by: str | None = None
    masked: bool = False
    footage: bool | None = None
    collected: bool = False
    asked_by: str = ""
    at_stake: bool = False

    @property
    def reach(self) -> tuple[Window, ...]:
        """What was asked for, where the recordings tell it: nothing else may be needed."""
        return looked_in(self.asked, self.told)

    @property
    def rule(self) -> RequesterRule:
        """The row of table B."""
        return rule_of(self.type, self.ground)


@dataclass(frozen=True)
class Point:
    """One requirement, whether it is met, and where it comes from."""

    code: str
    met: bool
    words: Words = field(repr=False)
    citation: str = ""


def checklist(facts: RequestFacts) -> tuple[Point, ...]:
    """Every requirement of the request's row, in the order a handler works through them.

    A ground that is not in the row passes no gate, and no row has one for marketing, sale or Google
    (S6, S19).
    """
    rule = facts.rule
    if is_erasure(facts.type, facts.ground):
        return _erasure_points(facts)
    methods = " eller ".join(METHODS[each].sv for each in sorted(rule.methods))
    methods_en = " or ".join(METHODS[each].en for each in sorted(rule.methods))
    points = [
        Point("admissible", rule.hands_over, _admissible(rule), rule.citation),
        Point(
            "requester",
            facts.verification in rule.methods,
            Words(
                f"den som begär är kontrollerad genom {methods}",
                f"the requester is verified by {methods_en}",
            ),
            "table B",
        ),
        Point(
            "ground",
            facts.ground in rule.bases,
            Words(
                f"rättslig grund som kan bära utlämnandet är angiven ({', '.join(rule.bases)})",
                f"a statute that can carry the release is cited ({', '.join(rule.bases)})",
            ),
            rule.citation,
        ),
    ]
    if rule.needs_number:
        points.append(
            Point(
                "number",
                facts.has_number,
                Words("ärende- eller skadenummer finns", "a matter or claim number is there"),
                "table B",
            )
        )
    if rule.needs_document:
        points.append(
            Point(
                "document",
                facts.has_document,
                Words(
                    f"handling finns: {rule.evidence.sv}",
                    f"a document is there: {rule.evidence.en}",
                ),
                "table B",
            )
        )
    if rule.needs_decider or facts.ground in ORDERED:
        points.append(
            Point(
                "decider",
                facts.has_decider,
                Words(
                    "det är angivet vem som har beslutat om åtgärden",
                    "it is said who decided the measure",
                ),
                "RB 23:14, 27:4",
            )
        )
    if rule.hears_hr:
        points.append(
            Point(
                "hr",
                facts.hr_heard,
                Words(
                    "personalansvarig har hörts och det är antecknat vem",
                    "the personnel manager was heard, and it is noted who",
                ),
                "table B",
            )
        )
    points += [
        Point(
            "facts",
            facts.facts_stated,
            Words("omständigheterna är dokumenterade", "the facts are stated"),
            "GDPR 5.2",
        ),
        Point(
            "necessity",
            facts.necessity_stated,
            Words("nödvändigheten är motiverad", "the necessity is reasoned"),
            "GDPR 5.1 c",
        ),
        Point(
            "window",
            bool(facts.wanted) and not outside(facts.wanted, facts.reach),
            Words(
                "kameror och tid som behövs är angivna och ryms i begäran",
                "the cameras and times needed are named and lie within the request",
            ),
            "GDPR 5.1 c",
        ),
        Point(
            "decision",
            _decided_by_another(facts),
            Words(
                "beslut om bifall av en annan person än den som registrerade och handlade",
                "an approval by a person who neither registered nor handled the request",
            ),
            "GDPR 5.2, 24",
        ),
    ]
    if rule.masking.demanded:
        points.append(
            Point(
                "masking",
                facts.masked,
                Words("andra i bild är maskerade", "others in the picture are masked")
                if facts.masked
                else Words(
                    "maskning krävs och ingen maskad version har lämnats in",
                    "masking is required and no masked version was supplied",
                ),
                "GDPR 15.4, table B",
            )
        )
    if facts.footage is not None:
        points.append(
            Point(
                "footage",
                facts.footage,
                Words(
                    "det finns inspelningar kvar i den tid som behövs",
                    "there is footage left in the window that is needed",
                ),
                "",
            )
        )
    return tuple(points)


def _erasure_points(facts: RequestFacts) -> tuple[Point, ...]:
    """What is looked at where footage is to be erased and not handed over (S15)."""
    methods = sorted(facts.rule.methods)
    sv, en = (" / ".join(getattr(METHODS[each], of) for each in methods) for of in ("sv", "en"))
    return (
        Point(
            "requester",
            facts.verification in facts.rule.methods,
            Words(
                f"den som begär är kontrollerad genom {sv}", f"the requester is verified by {en}"
            ),
            "GDPR 12.6",
        ),
        Point(
            "facts",
            facts.facts_stated,
            Words("omständigheterna är dokumenterade", "the facts are stated"),
            "GDPR 5.2",
        ),
        Point(
            "necessity",
            facts.necessity_stated,
            Words(
                "det är prövat om bilderna fortfarande behövs",
                "it is weighed whether the footage is still needed",
            ),
            "GDPR 17.1, 17.3",
        ),
        Point(
            "window",
            bool(facts.wanted) and not outside(facts.wanted, facts.reach),
            Words(
                "kameror och tid är angivna och ryms i begäran",
                "the cameras and times are named and lie within the request",
            ),
            "GDPR 17.1",
        ),
        Point(
            "decision",
            facts.decision in {ERASED, PARTLY_ERASED, State.REFUSED}
            and facts.decided_by not in facts.handlers | {facts.registered_by, None},
            Words(
                "beslut av en annan person än den som registrerade och handlade",
                "a decision by a person who neither registered nor handled the request",
            ),
            "GDPR 5.2, 24",
        ),
    )


_TO_ERASE: Final = ("requester", "facts", "necessity", "window")
_TO_APPROVE: Final = (
    *("admissible", "requester", "ground", "number", "document", "decider", "hr"),
    *("facts", "necessity", "window"),
)
_TO_RELEASE: Final = (*_TO_APPROVE, "decision", "masking", "footage")
_AT_ONCE: Final = ("admissible", "ground", "decider", "window", "footage")
GATES: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.APPROVE: _TO_APPROVE,
    Action.APPROVE_PARTLY: _TO_APPROVE,
    Action.PREPARE: _TO_RELEASE,
    Action.RELEASE: _TO_RELEASE,
    Action.HAND_OVER_ON_THE_SPOT: _AT_ONCE,
    Action.HAND_OVER_COMPELLED: _AT_ONCE,
    Action.HAND_OVER_VITAL: _AT_ONCE,
}
"""Which points each act needs: ground, facts and an approver before any release (S5)."""


_OTHER_WAY: Final = Point(
    "path",
    met=False,
    words=Words(
        "radering beslutas bara där radering begärs, och då lämnas inget ut",
        "erasure is decided only where erasure is asked for, and then nothing is handed over",
    ),
    citation="GDPR 15, 17",
)


def unmet(action: Action, facts: RequestFacts) -> tuple[Point, ...]:
    """The requirements of an act that are not met; empty where the gate is open."""
    erasure = is_erasure(facts.type, facts.ground)
    if erasure != (action is Action.ERASE):
        return () if action not in GATES and action is not Action.ERASE else (_OTHER_WAY,)
    needed = _TO_ERASE if erasure else GATES.get(action, ())
    points = [point for point in checklist(facts) if point.code in needed and not point.met]
    if action in HANDS_OVER_NOW:
        points += _immediate_unmet(action, facts)
    return tuple(points)


def _immediate_unmet(action: Action, facts: RequestFacts) -> list[Point]:
    path = facts.rule.immediate
    if path is None or path.kind != HANDS_OVER_NOW[action]:
        return [
            Point(
                "path",
                met=False,
                words=Words(
                    f"{facts.rule.name.sv}: utlämnande före beslut finns inte för denna",
                    f"{facts.rule.name.en}: no release before a decision exists for this requester",
                ),
                citation="table B",
            )
        ]
    points = []
    if path.kind == "on-the-spot" and facts.ground != "DSL 2:5":
        points.append(
            Point(
                "ground",
                met=False,
                words=Words(
                    "på plats lämnas ut endast enligt DSL 2:5",
                    "on the spot only DSL 2:5 carries a release",
                ),
                citation="DSL 2:5",
            )
        )
    if path.kind == "vital":
        points += _danger_points(facts)
    if path.limit is not None and wall_time(facts.wanted) > path.limit:
        minutes = int(path.limit.total_seconds()) // 60
        points.append(
            Point(
                "limit",
                met=False,
                words=Words(
                    f"på plats lämnas högst {minutes} minuter ut",
                    f"on the spot at most {minutes} minutes are released",
                ),
                citation="GDPR 5.1 c",
            )
        )
    return points


def _danger_points(facts: RequestFacts) -> list[Point]:
    """What else is unmet where somebody is handed footage because life or health is at stake."""
    points = []
    if facts.asked_by not in ASKS_IN_DANGER[facts.type]:
        points.append(
            Point(
                "rescuer",
                met=False,
                words=Words(
                    "utan beslut lämnas ut endast till den som räddar liv eller hälsa: 112, "
                    "räddningstjänst, polis, sjukvård eller kustbevakning"
                    if facts.type == "emergency"
                    else "utan beslut lämnas ut endast till Polismyndigheten",
                    "without a decision footage goes only to those who save life or health: 112, "
                    "rescue service, police, health care or coast guard"
                    if facts.type == "emergency"
                    else "without a decision footage goes only to the police",
                ),
                citation="GDPR 6.1 d, table B",
            )
        )
    if not facts.at_stake:
        points.append(
            Point(
                "danger",
                met=False,
                words=Words(
                    "det är angivet vad som har hänt och vilket liv eller vilken hälsa som är "
                    "i fara",
                    "it is said what has happened and what life or health is in danger",
                ),
                citation="GDPR 6.1 d, 5.2",
            )
        )
    return points


_DECIDE_OF_THEIR_OWN: Final = frozenset(
    role for role in Role if Right.REQUEST_DECIDE in RIGHTS[role] and role is not Role.APPROVER
)


def may_decide(actor: Actor, facts: RequestFacts, *, approve: bool) -> Words | None:
    """Why this person may not decide, or None where they may (S5).

    The second person is neither the one who registered the request nor anyone who ever had a part
    in what it says. A refusal may come from any role that decides; an approval from the roles of
    table B, and where the request is broad or has no case number from the privacy officer.
    """
    if actor.id in facts.handlers or actor.id == facts.registered_by:
        return Words(
            "beslutet måste fattas av någon annan än den som registrerade eller handlade begäran",
            "the decision must come from somebody other than who registered or handled the request",
        )
    if not approve:
        return None if actor.roles & _DECIDE_OF_THEIR_OWN else _lent_by_a_party(actor, facts)
    roles = approvers(facts)
    if not actor.roles & roles:
        names = ", ".join(sorted(roles)) or "-"
        return Words(
            f"denna begäran kan bara beviljas av: {names}",
            f"this request can be approved only by: {names}",
        )
    return None if actor.roles & roles - {Role.APPROVER} else _lent_by_a_party(actor, facts)


def may_handle(actor: Actor, facts: RequestFacts) -> Words | None:
    """Why this person may not verify or assess: whoever decided in a case never handles it."""
    if actor.id in facts.deciders:
        return Words(
            "den som har beslutat i ärendet kan inte handlägga det",
            "whoever decided in the case cannot handle it",
        )
    return None


def may_review(actor: Actor, facts: RequestFacts) -> Words | None:
    """Why this person may not review a release that came before a decision."""
    if actor.id in _parties(facts):
        return Words(
            "granskningen måste göras av någon annan än den som lämnade ut",
            "the review must be done by somebody other than who released",
        )
    return None if actor.roles & _DECIDE_OF_THEIR_OWN else _lent_by_a_party(actor, facts)


def may_close_disapproved(actor: Actor, facts: RequestFacts) -> Words | None:
    """Why this person may not close a case whose release a review disapproved.

    Closing takes it off the first page: that somebody else has seen it (legal.md 3, on the spot).
    """
    if facts.decision == DISAPPROVED and actor.id in _parties(facts):
        return Words(
            "granskningen underkände utlämnandet; ärendet avslutas av någon annan än den som "
            "registrerade, handlade eller lämnade ut",
            "a review disapproved the release; the case is closed by somebody other than who "
            "registered, handled or released it",
        )
    return None


def _parties(facts: RequestFacts) -> frozenset[str | None]:
    return facts.handlers | {facts.registered_by, facts.decided_by}


def _lent_by_a_party(actor: Actor, facts: RequestFacts) -> Words | None:
    """Why a lent right does not reach this case: whoever had a part in it cannot lend it either.

    Else the one person would be on both sides through somebody else's hand.
    """
    if not actor.lent_by or actor.lent_by - _parties(facts):
        return None
    return Words(
        "den som har delegerat beslutsrätten har själv registrerat, handlagt eller lämnat ut här",
        "whoever lent the right to decide has registered, handled or released here themselves",
    )


def approvers(facts: RequestFacts) -> frozenset[Role]:
    """The roles that may approve this request."""
    rule = facts.rule
    windows = facts.wanted or facts.asked
    if rule.type == "police" and (not facts.has_number or camera_time(windows) > BROAD):
        return frozenset({Role.PRIVACY_OFFICER})
    return rule.approvers


def may_close(state: State, facts: RequestFacts) -> bool:
    """Whether a case that was not decided may be closed: only what never hands over."""
    only_keeps = not (facts.rule.hands_over or is_erasure(facts.type, facts.ground))
    return state not in {State.CONFIRMED, State.VERIFIED} or only_keeps


# --- a no binds -------------------------------------------------------------------------------

NO_BINDS_FOR: Final = timedelta(days=7)
"""As long as what was refused is kept for objection (table A): the same no, as long."""
VISIT: Final = timedelta(hours=12)
"""How long a visit lasts at most: whoever comes back the next day is another matter (D)."""
ADJOINS: Final = ON_THE_SPOT_LIMIT
"""What lies within the longest release of a refused window is the same event, seen beside (D)."""


@dataclass(frozen=True)
class Matter:
    """What a request is about, as far as a no to one can be passed by asking for another."""

    sites: frozenset[str]
    windows: tuple[Window, ...]
    number: str = field(repr=False)
    authority: str = field(repr=False)

    def of_one_visit(self, other: "Matter") -> bool:
        """Whether both are of one authority at one place, as what is asked in a visit is."""
        authority = _plain(self.authority)
        return bool(authority and authority == _plain(other.authority) and self.sites & other.sites)


def is_bound(wanted: Matter, refused: Matter, *, same_visit: bool) -> bool:
    """Whether a no to one request takes from another that anybody hands over alone.

    On the spot one person acts only because nobody answers (legal.md 3); once somebody has said no,
    somebody has answered. So it holds for the same case number wherever it is, and at the same
    place for a window that overlaps the refused one or adjoins it, on any camera, and throughout
    the visit for whatever the same authority wants. A second person may still approve it.
    """
    if _plain(wanted.number) and _plain(wanted.number) == _plain(refused.number):
        return True
    if not wanted.sites & refused.sites:
        return False
    if same_visit and wanted.of_one_visit(refused):
        return True
    return any(
        one.starts_at < other.ends_at + ADJOINS and other.starts_at < one.ends_at + ADJOINS
        for one, other in product(wanted.windows, refused.windows)
    )


def _plain(text: str) -> str:
    """A number or a name as it is compared: written in other letters it is the same."""
    return "".join(each for each in text.casefold() if each.isalnum())


# --- how long the freeze lasts ----------------------------------------------------------------

UNCONFIRMED: Final = timedelta(days=7)
AFTER_DECISION: Final = timedelta(days=14)
AFTER_REFUSAL: Final = timedelta(days=7)
AFTER_ANSWER: Final = timedelta(days=30)
UNCONFIRMED_CAMERA_TIME: Final = timedelta(hours=24)
UNANSWERED: Final = timedelta(days=30)
"""How long a clarification is waited for before the request lapses (D)."""


def hold_end(rule: RequesterRule, action: Action, at: datetime) -> datetime | None:
    """When the freeze ends after an act (table A), or None where the act changes nothing.

    A decision keeps 14 days; a refusal, withdrawal or lapse 7 days for objection; an answer to a
    data subject 30 days either way. A preservation order runs to its own date.
    """
    if rule.hold_purpose == "preservation-order":
        return None
    if action in {Action.APPROVE, Action.APPROVE_PARTLY, *HANDS_OVER_NOW}:
        return at + (AFTER_ANSWER if rule.hold_purpose == "access-request" else AFTER_DECISION)
    if action in {Action.REFUSE, Action.WITHDRAW, Action.LAPSE}:
        return at + (AFTER_ANSWER if rule.hold_purpose == "access-request" else AFTER_REFUSAL)
    return None


def ground_words(code: str) -> Words:
    """A statute code in words; the code itself where it is not in the catalogue."""
    return GROUNDS.get(code, Words(code or "ej angiven", code or "not given"))


def _admissible(rule: RequesterRule) -> Words:
    if rule.auto_refused:
        return Words("ingen rättslig grund finns", "there is no legal ground")
    if not rule.hands_over:
        return Words(
            "ett bevarandeföreläggande innebär att bevara, inte att lämna ut",
            "a preservation order means to keep, not to hand over",
        )
    return Words(
        "utlämnande kan ske till denna begärande part", "this requester can be handed footage"
    )


def _decided_by_another(facts: RequestFacts) -> bool:
    return (
        facts.decision in {"approved", "partly-approved"}
        and facts.decided_by is not None
        and facts.decided_by not in facts.handlers | {facts.registered_by}
    )
