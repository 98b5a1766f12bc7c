"""The sweep: what no purpose keeps any more is made unreadable by destroying its keys.

Owns the order of destruction, each step durable before the next and each repeatable, so that a
sweep cut short anywhere is finished by the next start:

1. ``keys-deleted``: in one act under the locks of the cameras, due purpose keys are deleted, those
   under which something ended early are replaced, wrapped keys are blanked, recordings without a
   grant are marked expired.
2. ``rewrapped``: surviving purpose keys are wrapped under the root of a new epoch and each is
   opened under it through a fresh connection.
3. ``root-destroyed``: the old root is destroyed, between an entry of intent and one of outcome;
   from here no copy of the database opens what went.
4. ``blobs-removed``: the ciphertext is removed, between intent and outcome.
5. ``done``: the certificate is issued.

It refuses to destroy anything while the guard on time stands, and never touches what a live grant
keeps, whatever the pressure on the disk.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, func, insert, or_, select, update
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import DamagedError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.streams import blob_name
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, system_actor
from cctv_vault.retention.certificates import Certificates
from cctv_vault.retention.grants import Grants, live_clause
from cctv_vault.retention.guard import Attestation, Guard
from cctv_vault.retention.keyring import KeyHandle, Keyring
from cctv_vault.retention.rules import KeyFacts, SweepPlan, plan_sweep
from cctv_vault.schema import (
    Camera,
    DerivedStream,
    Grant,
    Hold,
    Incident,
    Intent,
    Package,
    PurposeKey,
    Quarantined,
    Recording,
    SealedText,
    SweepRun,
    table,
)
from cctv_vault.timeguard import Verdict
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import KeyTamperedError, KeyUnavailableError, StorageError
from storage.merkle import leaf_hash, root_of
from storage.roots import RootFolder
from storage.stream import delete_stream, stream_names

Progress = Callable[[str, int, int], None]
"""Called after each durable step with its name, how much is done and of how much."""

_BATCH: Final = 500
_LOCK_FILE: Final = "sweep.lock"
_SEALED_THINGS: Final = ((Package, "package"), (Quarantined, "quarantined"))
"""What lies under purpose keys beside recordings, with the kind its key is wrapped as."""


@dataclass(frozen=True)
class DueItem:
    """A recording that goes, with the purpose that kept it longest."""

    recording: str
    camera: str
    started_at: datetime
    purpose: str
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did, or with ``dry_run`` would do.

    ``id`` is None where nothing was due; ``blobs_removed`` counts the recordings, packages and
    files whose ciphertext went. ``alarm`` says why nothing was destroyed, or what is still to be
    finished; None when all is well. All of it is as the person who sweeps may know of it.
    """

    id: str | None
    due: tuple[DueItem, ...]
    recordings: int
    keys_destroyed: int
    blobs_removed: int
    from_epoch: int
    to_epoch: int
    certificate_id: str | None
    alarm: str | None


@dataclass(frozen=True)
class _Gathered:
    keys: dict[str, Any]
    plan: SweepPlan
    lapsed: tuple[str, ...]
    gagged: tuple[str, ...] = ()
    """The gagged holds it is about: all of its holds, or none."""


class Sweeper:
    """Sweeps one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        grants: Grants,
        roots: RootFolder,
        store: BlobStore,
        certificates: Certificates,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants
        self._roots = roots
        self._store = store
        self._certificates = certificates
        self._guard = Guard(database=database, ledger=ledger)

    def run(
        self, actor: Actor, *, dry_run: bool = False, progress: Progress | None = None
    ) -> SweepReport:
        """Destroy what is due; with ``dry_run`` only tell it, with reasons.

        Raises:
            DamagedError: A surviving key does not open under the new root; the old one stays.
        """
        if dry_run:
            return self._forecast(actor)
        with self._alone():
            alarm = self._finish_open(actor, progress)
            verdict = self._guard.settle()
            if verdict.alarm is not None:
                return self._nothing(verdict.alarm)
            told = self._sweep(actor, verdict.safe_until, progress, secret=False)
            # By itself, so that every entry of it can be hidden with the holds it is about.
            secret = self._sweep(actor, verdict.safe_until, progress, secret=True)
            if told.id is not None or secret.id is not None:
                self._database.scrub_free_pages()
            told = _together(told, secret) if actor.cleared else told
            return replace(told, alarm=told.alarm or alarm)

    def _sweep(
        self, actor: Actor, until: datetime, progress: Progress | None, *, secret: bool
    ) -> SweepReport:
        """One sweep from its beginning to its end, or as far as the store lets it."""
        report = self._begin(actor, until, secret=secret)
        if report.id is None:
            return report
        _tell(progress, "keys-deleted", 1, 1)
        try:
            removed = self._continue(actor, report.id, progress)
        except StorageError as error:
            alarm = f"the sweep {report.id} is not finished: {error}"
            return replace(report, alarm=alarm, blobs_removed=0)
        # To whoever is not cleared what a gagged hold still keeps has gone like the rest.
        removed = removed if actor.cleared else report.blobs_removed
        return replace(report, blobs_removed=removed, certificate_id=report.id)

    def resume(self, progress: Progress | None = None) -> str | None:
        """At start-up: finish what was cut short. Returns what still could not be, in words."""
        if not self._open_runs():
            return None
        with self._alone(wait=False) as alone:
            if not alone:
                return None  # whoever sweeps now finishes it
            alarm = self._finish_open(system_actor(), progress)
            self._database.scrub_free_pages()
            return alarm

    def clock_verdict(self) -> Verdict:
        """What the guard on time says now."""
        return self._guard.verdict()

    def attest_clock(self, actor: Actor) -> Attestation:
        """A person's word that the machine's time is right; see `Guard.attest`."""
        return self._guard.attest(actor)

    # --- deciding -----------------------------------------------------------------------------

    def _forecast(self, actor: Actor) -> SweepReport:
        self._may_read(actor)
        verdict = self._guard.verdict()
        with self._database.read() as session:
            gathered = _gather(session, verdict.safe_until, secret=None if actor.cleared else False)
            due = _due(session, gathered.plan, verdict.safe_until, cleared=actor.cleared)
        epoch = max(self._roots.epochs())
        return SweepReport(
            id=None,
            due=due,
            recordings=len(due),
            keys_destroyed=len(gathered.plan.destroy) + len(gathered.plan.replace),
            blobs_removed=0,
            from_epoch=epoch,
            to_epoch=epoch,
            certificate_id=None,
            alarm=verdict.alarm,
        )

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.SWEEP_STARTED, actor):
                actor.require(Right.REGISTER_READ)

    def _nothing(self, alarm: str | None) -> SweepReport:
        epoch = max(self._roots.epochs())
        return SweepReport(None, (), 0, 0, 0, epoch, epoch, None, alarm)

    # --- step 1 -------------------------------------------------------------------------------

    def _begin(self, actor: Actor, until: datetime, *, secret: bool) -> SweepReport:
        """Delete and replace purpose keys, with their entries, in one act.

        ``secret`` ends the keys of gagged holds and nothing else, otherwise all but those.
        """
        with self._database.read() as session:
            cameras = session.execute(select(col(Camera.code))).scalars().all()
        with self._ledger.act(Event.SWEEP_STARTED, actor, cameras=cameras) as act:
            session = act.session
            gathered = _gather(session, until, secret=secret, lock=True)
            plan = gathered.plan
            if not (plan.destroy or plan.replace or gathered.lapsed):
                return self._nothing(None)
            due = _due(session, plan, until, cleared=actor.cleared)
            # What a gagged hold still keeps counts as gone in what the log says to everybody.
            counted = _due(session, plan, until, cleared=secret)
            run = SweepRun(
                id=ids.reference("G"),
                started_at=act.now,
                from_epoch=(epoch := max(self._roots.epochs())),
                to_epoch=epoch + 1,
                step="keys-deleted",
                recordings=len(counted),
                keys_destroyed=len(plan.destroy) + len(plan.replace),
            )
            act.record(
                Event.SWEEP_STARTED,
                run.id,
                facts={
                    "keys": len(plan.destroy),
                    "replaced": len(plan.replace),
                    "holds_lapsed": len(gathered.lapsed),
                    "until": iso(until),
                    "from_epoch": run.from_epoch,
                    "to_epoch": run.to_epoch,
                },
                also=gathered.gagged,
            )
            self._lapse(act, gathered.lapsed)
            ended = _end_sealed_things(session, plan, until)
            touched: dict[str, None] = {}
            for key_id in plan.replace:
                touched |= dict.fromkeys(self._replace(act, run.id, gathered.keys[key_id]))
            for key_id in plan.destroy:
                touched |= dict.fromkeys(_destroy(act, run.id, gathered.keys[key_id]))
            _expire(session, list(touched), run.id, act.now)
            session.add(run)
            session.execute(
                insert(table(Intent)).values(
                    id=f"{run.id}/blobs",
                    kind="blob-removal",
                    subject=run.id,
                    payload=ended,
                    created_at=act.now,
                )
            )
        return SweepReport(
            id=run.id,
            due=due,
            recordings=len(due),
            keys_destroyed=run.keys_destroyed,
            blobs_removed=len(due) + sum(map(len, ended.values())),
            from_epoch=run.from_epoch,
            to_epoch=run.to_epoch,
            certificate_id=None,
            alarm=None,
        )

    def _lapse(self, act: Act, hold_ids: Sequence[str]) -> None:
        """End the holds whose end has passed, and the incidents they kept."""
        session = act.session
        for hold_id in hold_ids:
            hold = session.get_one(Hold, hold_id)
            hold.released_at, hold.released_by = hold.until, act.actor.id
            session.add(hold)
            self._grants.end_hold(session, hold_id, hold.until or act.now)
            act.record(
                Event.HOLD_LAPSED,
                hold_id,
                facts={"purpose": hold.purpose, "gagged": hold.gagged},
            )
            incident = session.execute(
                select(Incident).where(
                    col(Incident.hold_id) == hold_id, col(Incident.closed_at).is_(None)
                )
            ).scalar_one_or_none()
            if incident is not None:
                incident.closed_at, incident.closed_by = hold.until, act.actor.id
                session.add(incident)
                act.record(
                    Event.INCIDENT_CLOSED, incident.id, facts={"lapsed": True}, also=(hold_id,)
                )
        session.flush()

    def _replace(self, act: Act, run_id: str, row: Any) -> list[str]:  # noqa: ANN401
        """Move what lives under a purpose key to a fresh one and delete it; what had ended.

        An old copy of what ended was wrapped under a key nobody can open after this sweep.
        """
        session = act.session
        try:
            old = KeyHandle(row.id, self._keyring.unwrap(session, row.id))
        except (KeyTamperedError, KeyUnavailableError) as error:
            raise _does_not_open(row, error) from error
        new = self._keyring.replace(session, row.id, act.now)
        kept = session.execute(
            select(table(Grant)).where(col(Grant.purpose_key_id) == row.id, live_clause(act.now))
        ).all()
        moved = [
            {"row": each.id, "wrapped": self._move(old, new, each.wrapped_key, each.recording_id)}
            for each in kept
        ]
        if moved:
            session.execute(
                update(table(Grant))
                .where(table(Grant).c.id == bindparam("row"))
                .values(wrapped_key=bindparam("wrapped"), purpose_key_id=new.id),
                moved,
            )
        for model, kind in _SEALED_THINGS:
            things = session.execute(
                select(table(model)).where(
                    table(model).c.purpose_key_id == row.id,
                    table(model).c.wrapped_key.is_not(None),
                )
            ).all()
            for each in things:
                wrapped = self._move(old, new, each.wrapped_key, each.id, kind=kind)
                session.execute(
                    update(table(model))
                    .where(table(model).c.id == each.id)
                    .values(wrapped_key=wrapped, purpose_key_id=new.id)
                )
        ended = _recordings_under(session, row.id)
        _blank(session, row.id, act.now)
        session.execute(delete(table(PurposeKey)).where(col(PurposeKey.id) == row.id))
        act.record(
            Event.KEY_REPLACED,
            row.id,
            facts={
                "sweep": run_id,
                "purpose": row.purpose,
                "by": new.id,
                "kept": len(kept),
                **_commitment(ended),
            },
            also=(run_id, new.id, *_hold_of(row), *ended),
        )
        return ended

    def _move(
        self,
        old: KeyHandle,
        new: KeyHandle,
        wrapped: bytes,
        object_id: str,
        *,
        kind: str = "recording",
    ) -> bytes:
        try:
            key = self._keyring.open_under(old, wrapped, object_id, kind=kind)
        except KeyTamperedError as error:
            raise DamagedError(
                f"the key of {object_id} does not open; nothing is destroyed before it is restored "
                f"from a backup: {error}"
            ) from error
        return self._keyring.wrap(new, key, object_id, kind=kind)

    # --- steps 2 to 5 -------------------------------------------------------------------------

    def _open_runs(self) -> list[str]:
        """Sweeps that were begun and not finished, the oldest first."""
        with self._database.read() as session:
            runs = session.execute(
                select(col(SweepRun.id))
                .where(col(SweepRun.step) != "done")
                .order_by(col(SweepRun.started_at), col(SweepRun.to_epoch))
            ).scalars()
            return [str(each) for each in runs]

    def _finish_open(self, actor: Actor, progress: Progress | None) -> str | None:
        alarm = None
        for run_id in self._open_runs():
            try:
                self._continue(actor, run_id, progress)
            except StorageError as error:
                alarm = f"the sweep {run_id} is not finished: {error}"
        return alarm

    def _continue(self, actor: Actor, run_id: str, progress: Progress | None) -> int:
        """Take a sweep from wherever it stands to its end; returns the blobs removed."""
        removed = 0
        while (run := self._run_row(run_id)).step != "done":
            if run.step == "keys-deleted":
                self._rewrap(run, progress)
            elif run.step == "rewrapped":
                self._destroy_root(actor, run)
            elif run.step == "root-destroyed":
                removed = self._remove_blobs(actor, run, progress)
            else:
                self._certificates.issue(actor, run.id)
            _tell(progress, self._run_row(run_id).step, 1, 1)
        self._certificates.complete(run_id)
        return removed

    def _run_row(self, run_id: str) -> Any:  # noqa: ANN401
        with self._database.read() as session:
            return session.execute(select(table(SweepRun)).where(col(SweepRun.id) == run_id)).one()

    def _rewrap(self, run: Any, progress: Progress | None) -> None:  # noqa: ANN401
        """Wrap every surviving purpose key under the new root and open each under it."""
        if run.to_epoch not in self._roots.epochs():
            self._roots.create_epoch(run.to_epoch)
            _tell(progress, "root-made", 1, 1)
        # Whoever makes a purpose key from here on finds the new epoch.
        with self._database.write() as session:
            self._keyring.bar_old_epochs(session)
        keys, done = table(PurposeKey), 0
        while True:
            with self._database.write() as session:
                rows = _still_under(session, run.to_epoch)
                if rows is None:
                    break
                if rows:
                    session.execute(
                        update(keys)
                        .where(keys.c.id == bindparam("row"))
                        .values(root_epoch=run.to_epoch, wrapped=bindparam("again")),
                        [{"row": x.id, "again": self._again(x, run.to_epoch)} for x in rows],
                    )
            done += len(rows)
            _tell(progress, "rewrapping", done, done)
        self._verify(run.to_epoch)
        with self._database.write() as session:
            session.execute(
                update(SweepRun).where(col(SweepRun.id) == run.id).values(step="rewrapped")
            )

    def _again(self, row: Any, epoch: int) -> bytes:  # noqa: ANN401
        try:
            return self._keyring.rewrap(row, epoch)
        except (KeyTamperedError, KeyUnavailableError) as error:
            raise _does_not_open(row, error) from error

    def _verify(self, epoch: int) -> None:
        """Open every purpose key under the new root, as somebody new to the database would."""
        keys, last = table(PurposeKey), ""
        while True:
            with self._database.read() as session:
                rows = session.execute(
                    select(keys).where(keys.c.id > last).order_by(keys.c.id).limit(_BATCH)
                ).all()
            for row in rows:
                if row.root_epoch != epoch or not self._opens(row):
                    raise DamagedError(
                        f"the purpose key {row.id} does not open under the root of epoch {epoch}; "
                        "the old root stays"
                    )
            if len(rows) < _BATCH:
                return
            last = rows[-1].id

    def _opens(self, row: Any) -> bool:  # noqa: ANN401
        try:
            return self._keyring.opens(row)
        except KeyTamperedError:
            return False

    def _destroy_root(self, actor: Actor, run: Any) -> None:  # noqa: ANN401
        intent = f"{run.id}/root"
        with self._database.read() as session:
            announced = session.get(Intent, intent) is not None
        facts = {"sweep": run.id, "from_epoch": run.from_epoch, "to_epoch": run.to_epoch}
        if not announced:
            with self._ledger.act(Event.ROOT_DESTRUCTION_INTENDED, actor, subject=run.id) as act:
                act.session.add(
                    Intent(id=intent, kind="root-destruction", subject=run.id, created_at=act.now)
                )
                act.record(Event.ROOT_DESTRUCTION_INTENDED, run.id, facts=facts)
        gone = [each for each in self._roots.epochs() if each < run.to_epoch]
        for epoch in gone:
            self._roots.destroy(epoch)
        self._keyring.forget(run.to_epoch)
        with self._ledger.act(Event.ROOT_DESTROYED, actor, subject=run.id) as act:
            act.record(Event.ROOT_DESTROYED, run.id, facts=facts)
            removal = _removal(act.session, run.id)
            act.record(Event.BLOBS_REMOVAL_INTENDED, run.id, facts=_facts_of(removal, run.id))
            act.session.execute(delete(table(Intent)).where(col(Intent.id) == intent))
            act.session.execute(
                update(SweepRun).where(col(SweepRun.id) == run.id).values(step="root-destroyed")
            )

    def _remove_blobs(self, actor: Actor, run: Any, progress: Progress | None) -> int:  # noqa: ANN401
        """Remove the ciphertext of what expired in this sweep, and enter it."""
        with self._database.read() as session:
            removal = _removal(session, run.id)
        everything = [each for group in removal.values() for each in group]
        for done, object_id in enumerate(everything, start=1):
            for name in list(stream_names(self._store, blob_name(object_id, ""))):
                delete_stream(self._store, name)
            if done % _BATCH == 0 or done == len(everything):
                _tell(progress, "removing-blobs", done, len(everything))
        with self._ledger.act(Event.BLOBS_REMOVED, actor, subject=run.id) as act:
            session = act.session
            for some in _batches(removal["recordings"]):
                session.execute(
                    update(Recording)
                    .where(col(Recording.id).in_(some))
                    .values(blob_removed_at=act.now)
                    .execution_options(synchronize_session=False)
                )
                session.execute(
                    delete(table(DerivedStream)).where(col(DerivedStream.recording_id).in_(some))
                )
            session.execute(
                update(Quarantined)
                .where(col(Quarantined.id).in_(removal["quarantined"]))
                .values(state="destroyed", original_name="", reason="")
                .execution_options(synchronize_session=False)
            )
            act.record(Event.BLOBS_REMOVED, run.id, facts=_facts_of(removal, run.id))
            if removal["quarantined"]:
                act.record(
                    Event.QUARANTINE_DESTROYED,
                    run.id,
                    facts={"sweep": run.id, **_commitment(removal["quarantined"], "files")},
                    also=removal["quarantined"],
                )
            session.execute(delete(table(Intent)).where(col(Intent.id) == f"{run.id}/blobs"))
            session.execute(
                update(SweepRun).where(col(SweepRun.id) == run.id).values(step="blobs-removed")
            )
        return len(everything)

    @contextmanager
    def _alone(self, *, wait: bool = True) -> Iterator[bool]:
        """One sweep at a time, across processes: the keeper of the roots is one machine.

        Yields whether this is the one; always so when it waits.
        """
        path = self._roots.folder / _LOCK_FILE
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)


# --- gathering --------------------------------------------------------------------------------


def _gather(
    session: Session, until: datetime, *, secret: bool | None, lock: bool = False
) -> _Gathered:
    """The purpose keys a sweep may have to do with, and what it does to them.

    ``secret`` chooses those of gagged holds, or those of none; None takes both.
    """
    gagged = frozenset(
        str(each)
        for each in session.execute(select(col(Hold.id)).where(col(Hold.gagged))).scalars()
    )
    ended = (
        select(col(Hold.id))
        .where(col(Hold.released_at).is_(None), col(Hold.until) <= until)
        .order_by(col(Hold.id))
    )
    if secret is not None:
        ended = ended.where(col(Hold.gagged).is_(secret))
    # Locked: a hold that is being extended in another act right now has not lapsed.
    lapsed = tuple(
        str(each) for each in session.execute(ended.with_for_update() if lock else ended).scalars()
    )
    slots = [f"hold/{each}" for each in lapsed]
    _retire_shortened(session, until, lock=lock)
    query = (
        select(table(PurposeKey))
        .where(
            or_(
                col(PurposeKey.expires_at) <= until,
                col(PurposeKey.retiring).is_(True),
                col(PurposeKey.slot).in_(slots),
            )
        )
        .order_by(col(PurposeKey.id))
    )
    if secret is not None:
        theirs = col(PurposeKey.slot).in_([f"hold/{each}" for each in gagged])
        query = query.where(theirs if secret else ~theirs)
    rows = session.execute(query.with_for_update() if lock else query).all()
    live = _live_under(session, [each.id for each in rows], until)
    plan = plan_sweep(
        (
            KeyFacts(
                each.id,
                each.purpose,
                each.expires_at,
                each.retiring or each.slot in slots,
                live.get(each.id, 0),
            )
            for each in rows
        ),
        until,
    )
    about = {each.slot.removeprefix("hold/") for each in rows} | set(lapsed)
    return _Gathered({each.id: each for each in rows}, plan, lapsed, tuple(sorted(about & gagged)))


def _retire_shortened(session: Session, until: datetime, *, lock: bool) -> None:
    """Retire the keys of packages whose end came before their key's: a receipt moves it up."""
    if not lock:
        return
    early = (
        select(col(Package.purpose_key_id))
        .where(col(Package.until) <= until, col(Package.purpose_key_id).is_not(None))
        .distinct()
    )
    session.execute(
        update(PurposeKey)
        .where(
            col(PurposeKey.id).in_(early),
            col(PurposeKey.expires_at) > until + timedelta(minutes=15),
        )
        .values(retiring=True)
        .execution_options(synchronize_session=False)
    )


def _live_under(session: Session, key_ids: Sequence[str], now: datetime) -> dict[str, int]:
    """For each purpose key how much lives under it."""
    found: dict[str, int] = {}
    for some in _batches(key_ids):
        queries = [
            select(col(Grant.purpose_key_id), func.count())
            .where(col(Grant.purpose_key_id).in_(some), live_clause(now))
            .group_by(col(Grant.purpose_key_id)),
            select(col(SealedText.purpose_key_id), func.count())
            .where(col(SealedText.purpose_key_id).in_(some), col(SealedText.blob) != b"")
            .group_by(col(SealedText.purpose_key_id)),
        ]
        for model, _kind in _SEALED_THINGS:
            things = table(model).c
            queries.append(
                select(things.purpose_key_id, func.count())
                .where(
                    things.purpose_key_id.in_(some),
                    things.wrapped_key.is_not(None),
                    things.until > now,
                )
                .group_by(things.purpose_key_id)
            )
        for query in queries:
            for key_id, count in session.execute(query):
                found[str(key_id)] = found.get(str(key_id), 0) + int(count)
    return found


def _due(session: Session, plan: SweepPlan, now: datetime, *, cleared: bool) -> tuple[DueItem, ...]:
    """The recordings that lose their last grant, as somebody with that clearance may know it."""
    going, replaced = set(plan.destroy), set(plan.replace)
    touched: set[str] = set()
    for some in _batches([*plan.destroy, *plan.replace]):
        touched |= set(
            session.execute(
                select(col(Grant.recording_id)).where(col(Grant.purpose_key_id).in_(some))
            ).scalars()
        )
    found: list[DueItem] = []
    for some in _batches(sorted(touched)):
        kept: dict[str, list[Any]] = {}
        for row in session.execute(
            select(
                table(Grant),
                col(Hold.gagged).label("gagged"),
                col(Recording.camera_code).label("camera"),
                col(Recording.started_at).label("started_at"),
            )
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.recording_id).in_(some), col(Grant.purpose_key_id).is_not(None))
            .order_by(col(Grant.id))
        ):
            if cleared or not row.gagged:
                kept.setdefault(row.recording_id, []).append(row)
        for recording_id, rows in kept.items():
            if any(
                each.purpose_key_id not in going
                and not (each.purpose_key_id in replaced and _ended(each, now))
                for each in rows
            ):
                continue
            last = max(rows, key=lambda each: each.ended_at or each.until or now)
            found.append(
                DueItem(
                    recording_id,
                    last.camera,
                    last.started_at,
                    last.purpose,
                    last.ended_at or last.until,
                    last.reason,
                )
            )
    return tuple(sorted(found, key=lambda each: (each.camera, each.started_at, each.recording)))


def _ended(row: Any, now: datetime) -> bool:  # noqa: ANN401
    return row.ended_at is not None or (row.until is not None and row.until <= now)


def _removal(session: Session, run_id: str) -> dict[str, list[str]]:
    """What of a sweep still has ciphertext: by kind, the ids."""
    intent = session.get(Intent, f"{run_id}/blobs")
    payload = {} if intent is None else intent.payload
    recordings = session.execute(
        select(col(Recording.id))
        .where(
            col(Recording.state) == "expired",
            col(Recording.blob_removed_at).is_(None),
            col(Recording.certificate_id) == run_id,
        )
        .order_by(col(Recording.id))
    ).scalars()
    return {
        "recordings": [str(each) for each in recordings],
        "packages": list(payload.get("packages", [])),
        "quarantined": list(payload.get("quarantined", [])),
    }


def _still_under(session: Session, epoch: int) -> Sequence[Any] | None:
    """Some purpose keys of earlier epochs, locked; None when there are none left.

    Acts hold several of these rows at once, in the order their purposes come. Whoever waits for
    one here must hold none, so a batch leaves out what others hold, and those are waited for
    singly. An empty batch means that the row waited for changed meanwhile: look again.
    """
    keys = table(PurposeKey)
    earlier = select(keys).where(keys.c.root_epoch < epoch).order_by(keys.c.id)
    free = session.execute(earlier.limit(_BATCH).with_for_update(skip_locked=True)).all()
    if free:
        return free
    if session.execute(earlier.limit(1)).first() is None:
        return None
    return session.execute(earlier.limit(1).with_for_update()).all()


# --- applying ---------------------------------------------------------------------------------


def _end_sealed_things(session: Session, plan: SweepPlan, until: datetime) -> dict[str, list[str]]:
    """Mark the packages and quarantined files whose key goes; their ids by kind."""
    ended: dict[str, list[str]] = {}
    for model, name in ((Package, "packages"), (Quarantined, "quarantined")):
        rows = table(model)
        over = and_(
            rows.c.wrapped_key.is_not(None),
            or_(
                rows.c.purpose_key_id.in_(plan.destroy),
                and_(rows.c.purpose_key_id.in_(plan.replace), rows.c.until <= until),
            ),
        )
        found = session.execute(select(rows.c.id).where(over).order_by(rows.c.id)).scalars()
        ended[name] = [str(each) for each in found]
        session.execute(
            update(rows).where(over).values(state="expired", wrapped_key=None, purpose_key_id=None)
        )
    return ended


def _destroy(act: Act, run_id: str, row: Any) -> list[str]:  # noqa: ANN401
    """Delete one purpose key and all that was wrapped under it; the recordings it kept."""
    session = act.session
    recordings = _recordings_under(session, row.id)
    _blank(session, row.id, act.now)
    texts = session.execute(
        update(table(SealedText)).where(col(SealedText.purpose_key_id) == row.id).values(blob=b"")
    ).rowcount  # type: ignore[attr-defined]
    session.execute(delete(table(PurposeKey)).where(col(PurposeKey.id) == row.id))
    act.record(
        Event.KEY_DESTROYED,
        row.id,
        facts={
            "sweep": run_id,
            "purpose": row.purpose,
            "expires_at": None if row.expires_at is None else iso(row.expires_at),
            "texts": int(texts),
            **_commitment(recordings),
        },
        also=(run_id, *_hold_of(row), *recordings),
    )
    return recordings


def _recordings_under(session: Session, key_id: str) -> list[str]:
    return [
        str(each)
        for each in session.execute(
            select(col(Grant.recording_id))
            .where(col(Grant.purpose_key_id) == key_id)
            .distinct()
            .order_by(col(Grant.recording_id))
        ).scalars()
    ]


def _blank(session: Session, key_id: str, now: datetime) -> None:
    session.execute(
        update(table(Grant))
        .where(col(Grant.purpose_key_id) == key_id)
        .values(
            wrapped_key=None,
            purpose_key_id=None,
            ended_at=func.coalesce(col(Grant.ended_at), col(Grant.until), now),
        )
    )


def _expire(session: Session, touched: Sequence[str], run_id: str, now: datetime) -> list[str]:
    """Mark the recordings that no wrapped key is left of; their names go, their hashes stay."""
    rows, grants = table(Recording), table(Grant)
    gone: list[str] = []
    for some in _batches(touched):
        gone += session.execute(
            update(rows)
            .where(
                rows.c.id.in_(some),
                rows.c.state == "kept",
                ~exists().where(
                    grants.c.recording_id == rows.c.id, grants.c.purpose_key_id.is_not(None)
                ),
            )
            .values(state="expired", expired_at=now, original_name="", certificate_id=run_id)
            .returning(rows.c.id)
        ).scalars()
    return gone


def _together(told: SweepReport, secret: SweepReport) -> SweepReport:
    """What both sweeps of one run did, for somebody who may know of both."""
    if secret.id is None:
        return told
    return SweepReport(
        id=told.id or secret.id,
        due=tuple(
            sorted(
                {*told.due, *secret.due},
                key=lambda each: (each.camera, each.started_at, each.recording),
            )
        ),
        recordings=told.recordings + secret.recordings,
        keys_destroyed=told.keys_destroyed + secret.keys_destroyed,
        blobs_removed=told.blobs_removed + secret.blobs_removed,
        from_epoch=min(told.from_epoch, secret.from_epoch),
        to_epoch=max(told.to_epoch, secret.to_epoch),
        certificate_id=told.certificate_id or secret.certificate_id,
        alarm=told.alarm or secret.alarm,
    )


def _does_not_open(row: Any, error: StorageError) -> DamagedError:  # noqa: ANN401
    return DamagedError(
        f"the purpose key {row.id} ({row.purpose}) does not open, so nothing more is destroyed "
        f"before it is restored from a backup: {error}"
    )


def _hold_of(row: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The hold a purpose key serves, so that its end is found, or hidden, with the hold."""
    kind, _, hold_id = row.slot.partition("/")
    return (hold_id,) if kind == "hold" else ()


def _commitment(object_ids: Iterable[str], name: str = "recordings") -> dict[str, Any]:
    """How many, and the RFC 6962 root over their sorted ids."""
    ordered = sorted(object_ids)
    return {name: len(ordered), "root": root_of([leaf_hash(x.encode()) for x in ordered]).hex()}


def _facts_of(removal: dict[str, list[str]], run_id: str) -> dict[str, Any]:
    """What an entry says of removed ciphertext.

    Not how many recordings: beside how many had expired that would tell of a gagged hold.
    """
    everything = [each for group in removal.values() for each in group]
    return {
        "sweep": run_id,
        "packages": len(removal["packages"]),
        "quarantined": len(removal["quarantined"]),
        "root": _commitment(everything)["root"],
    }


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def _tell(progress: Progress | None, step: str, done: int, total: int) -> None:
    if progress is not None:
        progress(step, done, total)
