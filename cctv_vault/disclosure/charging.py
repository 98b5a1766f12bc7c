"""What a request for access costs: counted per calendar year, and charged by one person's reason.

Owns the act that enters a fee, or lifts it. Refuses one for the first request of a year, and from
anybody but the privacy officer, who has to write why (S13). Nothing is kept in order to count: the
bodies of the year's requests are opened where they lie sealed, and end with the register.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import load, open_json
from cctv_vault.disclosure.desk import Desk, not_met, refuse
from cctv_vault.disclosure.fees import (
    MOST_KRONOR,
    Asker,
    Earlier,
    FeeFacts,
    earlier_of,
    fee_faults,
    is_access,
)
from cctv_vault.disclosure.intake import read_note
from cctv_vault.disclosure.legal import Words
from cctv_vault.disclosure.results import Moved, YearOfAccess
from cctv_vault.disclosure.workflow import UNANSWERED_STATES, State
from cctv_vault.errors import InvalidInputError
from cctv_vault.people.actors import Actor, Right, Role
from cctv_vault.schema import CustodyEntry, Request

_UNANSWERED_FOR_GOOD: Final = frozenset({State.WITHDRAWN, State.EXPIRED, State.CLOSED})
_NOT_THEIRS: Final = Words(
    "avgift beslutas av dataskyddsansvarig", "a fee is decided by the privacy officer"
)


class Charging(Desk):
    """Counts the year's requests of a person, and enters what one costs."""

    def charge(
        self, actor: Actor, request_id: str, kronor: int, because: str, reason: str
    ) -> Moved:
        """Enter what access costs, as the privacy officer, or lift that again with 0.

        Args:
            actor: The privacy officer.
            request_id: Its reference.
            kronor: The fee, in whole kronor: no more than what the answer costs (GDPR 12.5).
            because: ``unfounded`` or ``repetitive``; not looked at where the fee is lifted.
            reason: Why, in words: the burden of showing it is the controller's.

        Raises:
            AccessDeniedError: The person is not the privacy officer.
            InvalidInputError: The fee is no amount, or there is no reason.
            GateNotMetError: Access is free here; each reason is named.
        """
        event = Event.REQUEST_CHARGED
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor, lock=True)
            actor.require(Right.REQUEST_DECIDE)
            refuse(None if Role.PRIVACY_OFFICER in actor.roles else _NOT_THEIRS)
            if not 0 <= kronor <= MOST_KRONOR:
                raise InvalidInputError(f"the fee is 0 to {MOST_KRONOR} kronor")
            note = read_note(reason, "the reason")
            faults = fee_faults(
                FeeFacts(
                    access=is_access(row.requester_type, row.ground_code),
                    unanswered=State(row.state) in UNANSWERED_STATES,
                    earlier=len(self._earlier(act.session, row)),
                    charged=row.fee_kronor is not None,
                    kronor=kronor,
                    because=because,
                )
            )
            if faults:
                raise not_met("no fee can be entered", *faults)
            facts: dict[str, Json] = {"kronor": kronor, **({"because": because} if kronor else {})}
            row.fee_kronor = kronor or None
            row.fee_text = self._seal(act, row.id, "fee", {**facts, "reason": note})
            act.session.add(row)
            act.record(event, row.id, facts=facts, details={"reason": note})
            return Moved(row.id, row.state)

    def _year_of(self, session: Session, row: Request) -> YearOfAccess | None:
        """How a request for access stands in its calendar year; None for any other request."""
        if not is_access(row.requester_type, row.ground_code):
            return None
        fee = open_json(session, self._keyring, row.fee_text) if row.fee_kronor else {}
        return YearOfAccess(
            year=self._new_year(row.received_at).year,
            earlier=self._earlier(session, row),
            kronor=row.fee_kronor,
            because=fee.get("because"),
            reason=fee.get("reason"),
        )

    def _earlier(self, session: Session, row: Request) -> tuple[Earlier, ...]:
        """The year's other requests for access that came before and seem to be of the same person.

        One counts where its requester was verified, so that nobody uses up another's by a forged
        request, and where it was not answered by a no.
        """
        received = and_(
            col(CustodyEntry.event) == Event.REQUEST_RECEIVED.value,
            col(CustodyEntry.subject) == col(Request.id),
        )
        mine = session.execute(
            select(col(CustodyEntry.leaf_index))
            .join(Request, received)
            .where(col(Request.id) == row.id)
        ).scalar_one()
        others = session.execute(
            select(Request)
            .join(CustodyEntry, received)
            .where(
                col(CustodyEntry.leaf_index) < mine,
                col(Request.received_at) >= self._new_year(row.received_at),
                col(Request.verified_at).is_not(None),
                col(Request.gagged).is_(False),
            )
            .order_by(col(CustodyEntry.leaf_index))
        ).scalars()
        return earlier_of(
            self._asker(session, row),
            (
                (each.id, self._asker(session, each))
                for each in others
                if is_access(each.requester_type, each.ground_code) and _counts(each)
            ),
        )

    def _asker(self, session: Session, row: Request) -> Asker:
        return Asker.of(open_json(session, self._keyring, row.body_text).get("requester") or {})

    def _new_year(self, moment: datetime) -> datetime:
        """The beginning of a moment's calendar year where the vault's days begin."""
        zone = ZoneInfo(self._zone)
        return datetime(moment.astimezone(zone).year, 1, 1, tzinfo=zone)


def _counts(row: Request) -> bool:
    """Whether a request used up the free one of its year: it was answered with a yes, or may be."""
    if row.decision is None:
        return State(row.state) not in _UNANSWERED_FOR_GOOD
    return row.decision != State.REFUSED
