"""Who is told of a request's moves, and of what is due: in the act itself, or by time.

Owns which notice goes to the house and which to whoever asked. A gagged request is told to nobody.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.cases import open_json
from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.workflow import FINISHED, Action, State
from cctv_vault.ledger import Act, Ledger
from cctv_vault.mail.messages import Notice, address_of
from cctv_vault.mail.outbox import Outbox
from cctv_vault.people.actors import Actor
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import DownloadLink, Package, Request

SOON: Final = timedelta(days=1)
NUMBER_SOON: Final = timedelta(days=2)
UNCOLLECTED: Final = timedelta(days=3)
_OF_REQUESTER: Final[Mapping[State, Notice]] = {
    State.CLARIFYING: Notice.CLARIFY,
    State.APPROVED: Notice.DECIDED,
    State.PARTLY_APPROVED: Notice.DECIDED,
    State.REFUSED: Notice.DECIDED,
}
_OF_HOUSE: Final[Mapping[State, Notice]] = {
    State.ASSESSED: Notice.DECIDE,
    State.UNDER_REVIEW: Notice.REVIEW,
}


class Notices:
    """Tells of requests."""

    def __init__(self, *, ledger: Ledger, keyring: Keyring, outbox: Outbox) -> None:
        """All belong to the vault."""
        self._ledger = ledger
        self._keyring = keyring
        self._outbox = outbox

    def received(self, act: Act, row: Request) -> None:
        """A request has come in; an order to preserve is told as what it is."""
        if row.gagged:
            return
        if not REQUESTERS[row.requester_type].hands_over and row.hold_id is not None:
            self._outbox.tell_house(act, Notice.KEPT, row.id)
        elif row.via == "portal":
            self._outbox.tell_house(act, Notice.RECEIVED, row.id)

    def called(self, act: Act, row: Request) -> None:
        """Somebody stands here and waits for an answer."""
        if not row.gagged:
            self._outbox.tell_house(act, Notice.CALLED, row.id)

    def moved(self, act: Act, row: Request, action: Action) -> None:
        """A request has moved."""
        if row.gagged or action is Action.AUTO_REFUSE:
            return
        state = State(row.state)
        again = act.now.isoformat()
        if state in _OF_HOUSE:
            self._outbox.tell_house(act, _OF_HOUSE[state], row.id, key=again)
        if state in _OF_REQUESTER or action is Action.ERASE:
            to = self._address(act.session, row)
            notice = _OF_REQUESTER.get(state, Notice.DECIDED)
            self._outbox.tell(act, notice, row.id, to, "/status", key=again)

    def released(self, act: Act, row: Request, token: str) -> None:
        """The link goes by mail; the code that opens it never does."""
        if not row.gagged:
            to = self._address(act.session, row)
            path = f"/hamta/{token}"
            self._outbox.tell(act, Notice.RELEASED, row.id, to, path, key=act.now.isoformat())

    def remind(self, actor: Actor) -> None:
        """Tell the house of what is due soon, and again of what is overdue; each once."""
        if not self._outbox.carries:
            return
        with self._ledger.act(Event.MESSAGE_INTENDED, actor) as act:
            rows = act.session.execute(
                select(Request).where(
                    col(Request.gagged).is_(False),
                    or_(
                        col(Request.state).not_in([each.value for each in FINISHED]),
                        col(Request.number_due_at).is_not(None),
                    ),
                )
            ).scalars()
            for row in rows.all():
                for notice in _due(act.session, row, act.now):
                    stamp = row.deadline_at.isoformat() if row.deadline_at else ""
                    self._outbox.tell_house(act, notice, row.id, key=stamp)

    def _address(self, session: Session, row: Request) -> str | None:
        requester: Mapping[str, Any] = (
            open_json(session, self._keyring, row.body_text).get("requester") or {}
        )
        address = requester.get("email")
        return address_of(address) if isinstance(address, str) else None


def _due(session: Session, row: Request, now: datetime) -> list[Notice]:
    found = []
    state = State(row.state)
    waits = row.deadline_at if state not in FINISHED and state is not State.RELEASED else None
    if waits is not None and state is State.UNDER_REVIEW:
        found += [Notice.REVIEW_OVERDUE] if waits <= now else []
    elif waits is not None:
        found += [Notice.OVERDUE] if waits <= now else []
        found += [Notice.DUE_SOON] if now < waits <= now + SOON else []
    number = row.number_due_at
    if number is not None:
        found += [Notice.NUMBER_OVERDUE] if number <= now else []
        found += [Notice.NUMBER_SOON] if now < number <= now + NUMBER_SOON else []
    if state is State.RELEASED and row.channel == "link" and row.released_at is not None:
        lain = row.released_at + UNCOLLECTED <= now
        found += [Notice.NOT_COLLECTED] if lain and not _collected(session, row.id) else []
    return found


def _collected(session: Session, request_id: str) -> bool:
    return (
        session.execute(
            select(col(DownloadLink.token_hash))
            .join(Package, col(Package.id) == col(DownloadLink.package_id))
            .where(
                col(Package.request_id) == request_id, col(DownloadLink.collected_at).is_not(None)
            )
            .limit(1)
        ).first()
        is not None
    )
