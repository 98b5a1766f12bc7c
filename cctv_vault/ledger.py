"""Acts: no act without its custody entry, no entry without its act.

Owns the transaction an act shares with its entries, and the record of refusals: an act that is
refused is rolled back, the refusal is written in a transaction of its own, and only then does the
error leave. Repeated refusals from one source are counted into one entry.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select
from sqlmodel import Session, SQLModel

from cctv_vault.clock import Clock
from cctv_vault.custody.canonical import Json
from cctv_vault.custody.details import SALT_BYTES
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog, Draft
from cctv_vault.database import Database
from cctv_vault.errors import ClockGuardError, VaultError
from cctv_vault.ids import is_id
from cctv_vault.people.actors import Actor
from cctv_vault.schema import CustodyHead, RefusalTally, table
from cctv_vault.timeguard import ALLOWANCE, advance, verdict

REFUSALS_COUNTED_FOR: Final = timedelta(minutes=10)
_LONGEST_ASKED: Final = 200


@dataclass
class Act:
    """One act under way: its transaction, its time, its actor, and the entries it will leave."""

    session: Session
    now: datetime
    actor: Actor
    drafts: list[Draft] = field(default_factory=list)
    rows: dict[type[SQLModel], list[dict[str, Any]]] = field(default_factory=dict, repr=False)

    def add_row(self, model: type[SQLModel], row: dict[str, Any]) -> None:
        """Have a row inserted at the end of the act, with all others of its table in one statement.

        For what comes by the hundred; nothing of the act reads it again.
        """
        self.rows.setdefault(model, []).append(row)

    def record(
        self,
        event: Event,
        subject: str | None = None,
        *,
        facts: Mapping[str, Json] | None = None,
        details: Mapping[str, Json] | None = None,
        also: Iterable[str] = (),
    ) -> None:
        """Enter what is done, to be committed with it.

        ``facts`` stand in the log forever and carry no personal data; ``details`` (names,
        reasons, free text) are sealed and only committed to; ``also`` names further subjects
        the entry is found under.
        """
        whole = dict(details or {})
        if self.actor.os_user:
            whole["os_user"] = self.actor.os_user
        self.drafts.append(
            Draft(
                event=event,
                subject=subject,
                actor_id=self.actor.id,
                means=self.actor.means,
                facts=dict(facts or {}),
                details=whole,
                salt=secrets.token_bytes(SALT_BYTES),
                also=tuple(also),
            )
        )


class Ledger:
    """Opens acts."""

    def __init__(self, *, database: Database, log: CustodyLog, clock: Clock) -> None:
        """All three belong to the vault and outlive this."""
        self.clock = clock
        self._database = database
        self._log = log

    @contextmanager
    def act(
        self,
        event: Event,
        actor: Actor,
        *,
        cameras: Iterable[str] = (),
        subject: str | None = None,
    ) -> Iterator[Act]:
        """Do an act and enter it, or refuse it and enter that.

        ``event`` and ``subject`` name what is attempted, for the record of a refusal;
        ``cameras`` are the codes whose locks the act takes first.
        """
        tick = self.clock.tick()
        try:
            with self._database.write(cameras) as session:
                act = Act(session, tick.now, actor)
                yield act
                session.flush()
                for model, rows in act.rows.items():
                    session.execute(insert(table(model)), rows)
                if act.drafts:
                    self._log.append(session, act.drafts, tick)
        except VaultError as error:
            self._refuse(event, actor, subject, error)
            raise

    def record(
        self,
        event: Event,
        actor: Actor,
        subject: str | None = None,
        *,
        facts: Mapping[str, Json] | None = None,
        details: Mapping[str, Json] | None = None,
        also: Iterable[str] = (),
    ) -> None:
        """Enter one act that changes nothing else in the database (a view, an outcome)."""
        with self.act(event, actor, subject=subject) as act:
            act.record(event, subject, facts=facts, details=details, also=also)

    def record_tallied(
        self,
        event: Event,
        actor: Actor,
        subject: str | None,
        *,
        key: str,
        within: timedelta,
        facts: Mapping[str, Json],
        details: Mapping[str, Json],
    ) -> None:
        """Enter what keeps happening in the same way once, and count it until ``within`` is over.

        ``key`` says what the same way is, and carries no personal data.
        """
        with self.act(event, actor, subject=subject) as act:
            repeated = _tally(act.session, key, act.now, within)
            if repeated is not None:
                told = {**facts, "repeated_before": repeated}
                act.record(event, subject, facts=told, details=details)

    def provable_now(self, session: Session) -> datetime:
        """Now, or the time that has provably passed where the clock was set back from it.

        What has ended stays ended, whatever a clock says that somebody set (`timeguard`).
        """
        tick = self.clock.tick()
        head = session.execute(select(table(CustodyHead))).one()
        passed = advance(head.guard_at, head.boot_id, head.boottime_s, tick)
        return passed if passed - tick.now > ALLOWANCE else tick.now

    def require_time(self, session: Session) -> None:
        """Raise while the guard on time stands: what is decided now would end too early, or never.

        Raises:
            ClockGuardError: The clock stands where it cannot be; nothing is destroyed meanwhile.
        """
        alarm = self.time_alarm(session)
        if alarm is not None:
            raise ClockGuardError(alarm)

    def time_alarm(self, session: Session) -> str | None:
        """Why the time cannot be believed, where the guard on it stands; None where it can."""
        head = session.execute(select(table(CustodyHead))).one()
        return verdict(head.guard_at, head.boot_id, head.boottime_s, self.clock.tick()).alarm

    def _refuse(self, event: Event, actor: Actor, subject: str | None, error: VaultError) -> None:
        tick = self.clock.tick()
        with self._database.write() as session:
            key = f"{actor.id}/{event}/{error.code}"
            repeated = _tally(session, key, tick.now, REFUSALS_COUNTED_FOR)
            if repeated is None:
                return
            act = Act(session, tick.now, actor)
            details = {"message": _storable(str(error))}
            if subject is not None and not is_id(subject):
                # What was asked for is whatever somebody typed: a name would stand here forever.
                details["subject"], subject = _storable(subject[:_LONGEST_ASKED]), None
            act.record(
                Event.REFUSED,
                subject,
                facts={"act": event.value, "code": error.code, "repeated_before": repeated},
                details=details,
            )
            session.flush()
            self._log.append(session, act.drafts, tick)


def _tally(session: Session, key: str, now: datetime, within: timedelta) -> int | None:
    """How often this came without an entry since the last one; None where it needs none now."""
    tally = session.get(RefusalTally, key, with_for_update=True)
    if tally is not None and now - tally.entered_at < within:
        tally.uncounted += 1
        session.add(tally)
        return None
    repeated = tally.uncounted if tally else 0
    session.merge(RefusalTally(key=key, entered_at=now, uncounted=0))
    return repeated


def _storable(text: str) -> str:
    """Text without the lone surrogates that stand for bytes which are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
