"""An approver lends the right to decide to somebody else, for dates.

Owns who may decide in whose place, from when and until when. What is lent is the role of an
approver and nothing else: not the marks, not another role, and not on to a third person. It holds
between its dates and while the lender has the role, and it reaches no case that the lender had a
part in (`workflow.may_decide`). Refuses whoever never decides: the data protection officer
(GDPR 38.6), auditors and administrators.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Role
from cctv_vault.schema import Account, Delegation
from cctv_vault.views import iso

LONGEST: Final = timedelta(days=92)
"""How long it is lent at most: for longer somebody is made an approver (D)."""
_AHEAD: Final = timedelta(days=366)
_NEVER: Final = frozenset({Role.DPO.value, Role.AUDITOR.value, Role.ADMINISTRATOR.value})


@dataclass(frozen=True)
class DelegationView:
    """A right to decide that is or was lent; ``ends_at`` is exclusive."""

    id: str
    giver_id: str
    taker_id: str
    starts_at: datetime
    ends_at: datetime
    given_at: datetime
    ended_at: datetime | None
    live: bool
    giver: str = field(repr=False)
    taker: str = field(repr=False)


class Delegations:
    """What approvers have lent."""

    def __init__(self, *, database: Database, ledger: Ledger) -> None:
        """Both belong to the vault."""
        self._database = database
        self._ledger = ledger

    def give(
        self, actor: Actor, taker: str, starts_at: datetime, ends_at: datetime
    ) -> DelegationView:
        """Lend one's own right to decide, from ``starts_at`` until ``ends_at`` (exclusive).

        Args:
            actor: An approver.
            taker: The account of who is to decide in their place.
            starts_at: Aware; the past counts as now.
            ends_at: Aware.

        Raises:
            AccessDeniedError: The person is no approver themselves.
            NotFoundError: There is no such account.
            InvalidInputError: The dates cannot be, or the other person never decides.
        """
        with self._ledger.act(Event.ACCOUNT_DELEGATED, actor) as act:
            _own_right(act.session, actor)
            row = act.session.get(Account, taker[:40])
            if row is None or row.disabled_at is not None:
                raise NotFoundError("account", taker[:40])
            if not _may_take(row, actor.id):
                raise InvalidInputError(
                    "the right to decide is lent to somebody else who may: never to the data "
                    "protection officer, an auditor or an administrator, nor to an approver"
                )
            starts_at = max(starts_at, act.now)
            if not starts_at < ends_at <= starts_at + LONGEST or starts_at > act.now + _AHEAD:
                raise InvalidInputError(
                    f"the dates must follow each other, begin within a year, and be at most "
                    f"{LONGEST.days} days apart"
                )
            lent = Delegation(
                id=ids.reference("D"),
                giver_id=actor.id,
                taker_id=row.id,
                starts_at=starts_at,
                ends_at=ends_at,
                given_at=act.now,
            )
            act.session.add(lent)
            act.session.flush()
            act.record(
                Event.ACCOUNT_DELEGATED,
                lent.id,
                facts={"to": row.id, "from": iso(starts_at), "until": iso(ends_at)},
                also=(actor.id, row.id),
            )
            return _view(act.session, lent, act.now)

    def end(self, actor: Actor, delegation_id: str) -> DelegationView:
        """Take back what one lent, at once.

        Raises:
            NotFoundError: There is none of this person's.
            TransitionNotAllowedError: It has ended.
        """
        event = Event.ACCOUNT_DELEGATION_ENDED
        with self._ledger.act(event, actor) as act:
            actor.require_person()
            lent = act.session.get(Delegation, delegation_id[:40], with_for_update=True)
            if lent is None or lent.giver_id != actor.id:
                raise NotFoundError("delegation", delegation_id[:40])
            if lent.ended_at is not None or lent.ends_at <= act.now:
                raise TransitionNotAllowedError("the delegation has ended already")
            lent.ended_at = act.now
            act.session.add(lent)
            act.record(event, lent.id, also=(lent.giver_id, lent.taker_id))
            return _view(act.session, lent, act.now)

    def of(self, actor: Actor) -> tuple[DelegationView, ...]:
        """What this person lent or was lent, the newest first."""
        actor.require_person()
        now = self._ledger.clock.now()
        with self._database.read() as session:
            rows = session.exec(
                select(Delegation)
                .where(
                    (col(Delegation.giver_id) == actor.id) | (col(Delegation.taker_id) == actor.id)
                )
                .order_by(col(Delegation.given_at).desc(), col(Delegation.id))
            )
            return tuple(_view(session, row, now) for row in rows)

    def takers(self, actor: Actor) -> tuple[tuple[str, str], ...]:
        """Whom this person could lend it to: account and name; nobody where they cannot lend."""
        with self._database.read() as session:
            try:
                _own_right(session, actor)
            except AccessDeniedError:
                return ()
            rows = session.exec(
                select(Account).where(col(Account.disabled_at).is_(None)).order_by(Account.name)
            )
            return tuple((row.id, row.name) for row in rows if _may_take(row, actor.id))


def givers_of(session: Session, taker_id: str, now: datetime) -> frozenset[str]:
    """The accounts whose right to decide this one has now."""
    return lent_now(session, now, taker_id).get(taker_id, frozenset())


def as_lent(session: Session, actor: Actor, now: datetime) -> Actor:
    """The actor with what is lent to them at this moment, and not when they signed in."""
    if not actor.lent_by:
        return actor
    givers = givers_of(session, actor.id, now)
    roles = actor.roles if givers else actor.roles - {Role.APPROVER}
    return replace(actor, roles=roles, lent_by=givers)


def lent_now(
    session: Session, now: datetime, taker_id: str | None = None
) -> dict[str, frozenset[str]]:
    """Who has whose right to decide now; of one account where it is named."""
    query = (
        select(Delegation, Account)
        .join(Account, col(Account.id) == col(Delegation.giver_id))
        .where(
            col(Delegation.starts_at) <= now,
            col(Delegation.ends_at) > now,
            col(Delegation.ended_at).is_(None),
        )
    )
    if taker_id is not None:
        query = query.where(col(Delegation.taker_id) == taker_id)
    found: dict[str, frozenset[str]] = {}
    for lent, giver in session.exec(query):
        if _lends(giver):
            found[lent.taker_id] = found.get(lent.taker_id, frozenset()) | {lent.giver_id}
    return found


def _own_right(session: Session, actor: Actor) -> None:
    """Refuse whoever is no approver themselves: what was lent is not lent on.

    Raises:
        AccessDeniedError: They are not.
    """
    actor.require_person()
    row = session.get(Account, actor.id)
    if row is None or not _lends(row):
        raise AccessDeniedError("only an approver lends the right to decide, and only their own")


def _lends(row: Account) -> bool:
    return row.disabled_at is None and Role.APPROVER.value in row.roles


def _may_take(row: Account, giver_id: str) -> bool:
    roles: Sequence[str] = row.roles
    return row.id != giver_id and Role.APPROVER.value not in roles and not _NEVER & set(roles)


def _view(session: Session, row: Delegation, now: datetime) -> DelegationView:
    accounts = {
        each.id: each
        for each in session.exec(
            select(Account).where(col(Account.id).in_((row.giver_id, row.taker_id)))
        )
    }
    giver, taker = accounts[row.giver_id], accounts[row.taker_id]
    between = row.ended_at is None and row.starts_at <= now < row.ends_at
    return DelegationView(
        id=row.id,
        giver_id=row.giver_id,
        taker_id=row.taker_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        given_at=row.given_at,
        ended_at=row.ended_at,
        live=between and _lends(giver) and taker.disabled_at is None,
        giver=giver.name,
        taker=taker.name,
    )
