"""The guard on time at work: what the clock may destroy, alarms, and attestation.

The decision itself is `cctv_vault.timeguard`, pure. Here it is asked of the vault's head, an alarm
is entered once, and the two ways out are taken: synchronised outside time, or two persons.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlmodel import Session, col

from cctv_vault.clock import Tick
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import AccessDeniedError, InvalidInputError
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, system_actor
from cctv_vault.schema import CustodyEntry, CustodyHead, table
from cctv_vault.timeguard import Verdict, verdict
from cctv_vault.views import iso

ATTESTED_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Attestation:
    """What one person's word about the time came to."""

    at: datetime
    complete: bool
    sentence: str


class Guard:
    """The guard on time of one vault."""

    def __init__(self, *, database: Database, ledger: Ledger) -> None:
        """Both belong to the vault."""
        self._database = database
        self._ledger = ledger

    def verdict(self) -> Verdict:
        """What a sweep may believe now; changes nothing."""
        with self._database.read() as session:
            return _judge(session, self._ledger.clock.tick())

    def settle(self) -> Verdict:
        """As `verdict`, before a sweep: takes outside time where there is some, or alarms once."""
        found = self.verdict()
        if found.alarm is None:
            return found
        tick = self._ledger.clock.tick()
        if tick.synchronised:
            with self._ledger.act(Event.CLOCK_ATTESTED, system_actor()) as act:
                self._move(act, tick, by="synchronised")
            return self.verdict()
        with self._database.read() as session:
            standing = _newest(session, Event.CLOCK_ALARM) > _newest(session, Event.CLOCK_ATTESTED)
        if not standing:
            facts = {"clock": iso(tick.now), "guard": iso(found.safe_until)}
            self._ledger.record(Event.CLOCK_ALARM, system_actor(), facts=facts)
        return found

    def attest(self, actor: Actor) -> Attestation:
        """Say as a person that the machine's time is right; the second within an hour settles it.

        Raises:
            AccessDeniedError: The person may not attest, or has done so already.
            InvalidInputError: No alarm stands.
        """
        with self._ledger.act(Event.CLOCK_ATTESTED, actor) as act:
            actor.require(Right.CLOCK_ATTEST)
            tick = self._ledger.clock.tick()
            if _judge(act.session, tick).alarm is None:
                raise InvalidInputError("the guard finds nothing wrong with the time")
            first = self._first_attestation(act.session, tick)
            if first == actor.id:
                raise AccessDeniedError("a second person must attest the time, not the same again")
            if first is None:
                act.record(
                    Event.CLOCK_ATTESTED,
                    facts={"by": "person", "clock": iso(tick.now), "complete": False},
                )
                return Attestation(
                    tick.now, complete=False, sentence="Entered; a second person must attest it."
                )
            self._move(act, tick, by="two persons")
            return Attestation(tick.now, complete=True, sentence="The time is attested by two.")

    def _move(self, act: Act, tick: Tick, *, by: str) -> None:
        before = act.session.execute(select(table(CustodyHead)).with_for_update()).one()
        act.session.execute(
            update(CustodyHead)
            .where(col(CustodyHead.id) == 1)
            .values(guard_at=tick.now, boot_id=tick.boot_id, boottime_s=tick.boottime_s)
        )
        act.record(
            Event.CLOCK_ATTESTED,
            facts={
                "by": by,
                "from": iso(before.guard_at),
                "clock": iso(tick.now),
                "complete": True,
            },
        )

    def _first_attestation(self, session: Session, tick: Tick) -> str | None:
        """Who attested this same alarm within the hour, if anybody did."""
        index = _newest(session, Event.CLOCK_ATTESTED)
        if index < 0:
            return None
        row = session.execute(
            select(table(CustodyEntry)).where(col(CustodyEntry.leaf_index) == index)
        ).one()
        recent = abs(tick.now - row.at) <= ATTESTED_WITHIN
        pending = Entry.from_bytes(row.body).facts.get("complete") is False
        return str(row.actor) if recent and pending else None


def _judge(session: Session, tick: Tick) -> Verdict:
    head = session.execute(select(table(CustodyHead))).one()
    return verdict(head.guard_at, head.boot_id, head.boottime_s, tick)


def _newest(session: Session, event: Event) -> int:
    """The index of the newest entry of a kind, or -1."""
    found = session.execute(
        select(col(CustodyEntry.leaf_index))
        .where(col(CustodyEntry.event) == event.value)
        .order_by(col(CustodyEntry.leaf_index).desc())
        .limit(1)
    ).scalar()
    return -1 if found is None else int(found)
