"""The sweep: what no purpose keeps any more is made unreadable by destroying its keys.

Owns the order of destruction, each step durable before the next and each repeatable, so that a
sweep cut short anywhere is finished by the next start:

1. Holds whose end has passed lapse; what lives on under a key that something ended early under is
   moved to a fresh one.
2. ``begun``: the due purpose keys are deleted under the locks of the cameras, those that fell due
   first before the others.
3. ``rewrapped``: surviving purpose keys are wrapped under the root of a new epoch and each is
   opened under it through a fresh connection.
4. ``root-destroyed``: the old root is destroyed, between an entry of intent and one of outcome;
   from here no copy of the database opens what went, however many recordings that are.
5. ``certified``: the certificate is issued.
6. ``cleared``, ``blobs-removed``: rows and ciphertext follow (`clearing`).
7. ``done``: the recordings that went are entered, and stand in the certificate's file.

Every transaction is small, so that intake and people write in between. It refuses to destroy
anything while the guard on time stands, and never touches what a live grant keeps, whatever the
pressure on the disk.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import bindparam, delete, func, select, update
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import DamagedError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import hidden_subjects
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import EVERYTHING, Actor, Right, system_actor
from cctv_vault.retention.certificates import Certificates
from cctv_vault.retention.clearing import Clearing, Gone
from cctv_vault.retention.due import (
    SEALED_THINGS,
    DueItem,
    DueKeys,
    Narrowed,
    batches,
    copies_under,
    due_items,
    due_keys,
    in_order,
    lapsed_holds,
    live_under,
)
from cctv_vault.retention.grants import Grants, live_clause
from cctv_vault.retention.guard import Attestation, Guard
from cctv_vault.retention.keyring import KeyHandle, Keyring
from cctv_vault.schema import (
    Camera,
    CaseFile,
    Grant,
    Hold,
    Incident,
    Intent,
    Package,
    PurposeKey,
    Recording,
    SweepRun,
    table,
)
from cctv_vault.timeguard import Verdict
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import KeyTamperedError, KeyUnavailableError, StorageError
from storage.roots import RootFolder

Progress = Callable[[str, int, int], None]
"""Called after each durable step with its name, how much is done and of how much."""

_MOVED: Final = 200
_DELETED: Final = 50
_LAPSED: Final = 20
_REWRAPPED: Final = 1000
"""Rows a transaction; benchmarks/sweep.py measures how long each holds the lock."""

_VERIFIED: Final = 5000
_LOCK_FILE: Final = "sweep.lock"
_KEY: Final = table(PurposeKey).c
_WRAPPED: Final = (_KEY.id, _KEY.root_epoch, _KEY.wrapped)


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did, or with ``dry_run`` would do.

    ``id`` is None where nothing was due; ``due`` names the first of the ``recordings`` (of a dry
    run all), ``blobs_removed`` counts the recordings, packages and files whose ciphertext went.
    ``narrowed`` are the recordings of which a dry run would keep windows alone; of a sweep they
    stand in ``due``. ``alarm`` says why nothing was destroyed, or what is still to be finished;
    None when all is well. All of it is as the person who sweeps may know of it.
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
    narrowed: tuple[Narrowed, ...] = ()


class Narrows(Protocol):
    """Keeps only windows of recordings, where the policy says so (`footage.derived`)."""

    def run(self, until: datetime) -> str | None:
        """Do it; returns what could not be narrowed, in words."""

    def foresee(self, actor: Actor, until: datetime) -> tuple[Narrowed, ...]:
        """What `run` would narrow, as a person may know of it."""


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep has come: its step, and the recordings cleared and with ciphertext gone."""

    id: str
    started_at: datetime
    step: str
    keys: int
    recordings: int
    blobs: int


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
        narrowing: Narrows | None = None,
    ) -> None:
        """All belong to the vault; without ``narrowing`` every recording is kept whole."""
        self._narrowing = narrowing
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants
        self._roots = roots
        self._certificates = certificates
        self._guard = Guard(database=database, ledger=ledger)
        self._clearing = Clearing(database=database, ledger=ledger, store=store)

    def run(
        self, actor: Actor, *, dry_run: bool = False, progress: Progress | None = None
    ) -> SweepReport:
        """Destroy what is due; with ``dry_run`` only tell it, with reasons.

        Anybody may sweep; which recordings went is told to who reads the registers.

        Raises:
            AccessDeniedError: A person looks ahead who may not read the registers.
            DamagedError: A surviving key does not open under the new root; the old one stays.
        """
        if dry_run:
            return self._forecast(actor)
        with self._alone():
            alarm = self._finish_open(actor, progress)
            verdict = self._guard.settle()
            if verdict.alarm is not None:
                return self._nothing(verdict.alarm)
            whole = None if self._narrowing is None else self._narrowing.run(verdict.safe_until)
            self._retire_shortened(verdict.safe_until)
            told = self._sweep(actor, verdict.safe_until, progress, secret=False)
            # By itself, so that every entry of it can be hidden with the holds it is about.
            secret = self._sweep(actor, verdict.safe_until, progress, secret=True)
            if told.id is not None or secret.id is not None:
                self._database.scrub_free_pages()
            told = _together(told, secret) if actor.sight == EVERYTHING else told
            if actor.is_person and not actor.may(Right.REGISTER_READ):
                told = replace(told, due=())
            return replace(told, alarm=told.alarm or alarm or whole)

    def _sweep(
        self, actor: Actor, until: datetime, progress: Progress | None, *, secret: bool
    ) -> SweepReport:
        """One sweep from its beginning to its end, or as far as the store lets it."""
        run_id = self._begin(actor, until, progress, secret=secret)
        if run_id is None:
            return self._nothing(None)
        gone, alarm = Gone(actor.sight), None
        try:
            self._continue(actor, run_id, progress, gone)
        except StorageError as error:
            alarm = f"the sweep {run_id} is not finished: {error}"
        run = self._run_row(run_id)
        # To whoever may not know of it what a secret hold still keeps has gone like the rest.
        removed = gone.blobs if actor.sight == EVERYTHING else gone.recordings + gone.things
        return SweepReport(
            id=run_id,
            due=in_order(gone.named),
            recordings=gone.recordings,
            keys_destroyed=run.keys_destroyed,
            blobs_removed=0 if alarm else removed,
            from_epoch=run.from_epoch,
            to_epoch=run.to_epoch,
            certificate_id=None if alarm else run_id,
            alarm=alarm,
        )

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

    def under_way(self, actor: Actor) -> tuple[SweepStatus, ...]:
        """The sweeps that are not finished, the oldest first, as the person may know of them."""
        self._may_read(actor)
        open_runs = self._open_runs()
        hidden = hidden_subjects(self._database, actor) if open_runs else frozenset()
        found = []
        for run_id in open_runs:
            run = self._run_row(run_id)
            if run_id in hidden or run.step == "done":
                continue
            with self._database.read() as session:
                removed = session.execute(
                    select(func.count())
                    .select_from(Recording)
                    .where(
                        col(Recording.state) == "expired",
                        col(Recording.blob_removed_at) >= run.started_at,
                        col(Recording.certificate_id) == run_id,
                    )
                ).scalar_one()
            # How much ciphertext is gone would tell, beside the rest, of what a secret hold keeps.
            blobs = int(removed) if actor.sight == EVERYTHING else 0
            found.append(
                SweepStatus(
                    run.id, run.started_at, run.step, run.keys_destroyed, run.recordings, blobs
                )
            )
        return tuple(found)

    # --- deciding -----------------------------------------------------------------------------

    def _forecast(self, actor: Actor) -> SweepReport:
        self._may_read(actor)
        verdict = self._guard.verdict()
        until = verdict.safe_until
        secret = None if actor.sight == EVERYTHING else False
        with self._database.read() as session:
            lapsed = lapsed_holds(session, until, secret=secret)
            plan = due_keys(session, until, lapsed, secret=secret).plan
            due = due_items(session, plan, until, actor.sight)
        epoch = max(self._roots.epochs())
        return SweepReport(
            id=None,
            due=due,
            recordings=len(due),
            keys_destroyed=len(plan.destroy) + len(plan.replace),
            blobs_removed=0,
            from_epoch=epoch,
            to_epoch=epoch,
            certificate_id=None,
            alarm=verdict.alarm,
            narrowed=() if self._narrowing is None else self._narrowing.foresee(actor, until),
        )

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.SWEEP_STARTED, actor):
                actor.require(Right.REGISTER_READ)

    def _nothing(self, alarm: str | None) -> SweepReport:
        epoch = max(self._roots.epochs())
        return SweepReport(None, (), 0, 0, 0, epoch, epoch, None, alarm)

    def _retire_shortened(self, until: datetime) -> None:
        """Retire the keys of what ended before its key: a receipt or a closing moved it up."""
        keys = table(PurposeKey).c
        found: set[str] = set()
        for things in (table(Package).c, table(CaseFile).c):
            early = (
                select(keys.id)
                .join(things.id.table, things.purpose_key_id == keys.id)
                .where(
                    things.until <= until,
                    keys.expires_at > until + timedelta(minutes=15),
                    keys.retiring.is_(False),
                )
            )
            with self._database.read() as session:
                found |= {str(each) for each in session.execute(early.distinct()).scalars()}
        for some in batches(sorted(found)):
            with self._database.write() as session:
                session.execute(
                    update(table(PurposeKey)).where(keys.id.in_(some)).values(retiring=True)
                )

    # --- steps 1 and 2 ------------------------------------------------------------------------

    def _begin(
        self, actor: Actor, until: datetime, progress: Progress | None, *, secret: bool
    ) -> str | None:
        """Delete the due purpose keys, with their entries; the sweep's id, None for none due.

        ``secret`` ends the keys of secret holds and nothing else, otherwise all but those. What is
        decided in a read stays so until it is done: nothing new comes under a key that is past its
        quarter-hour or retiring, and nothing that has ended begins again.
        """
        with self._database.read() as session:
            lapsed = lapsed_holds(session, until, secret=secret)
            cameras = session.execute(select(col(Camera.code))).scalars().all()
        for some in batches(lapsed, _LAPSED):
            self._lapse(actor, some, until, cameras)
        with self._database.read() as session:
            due = due_keys(session, until, secret=secret)
        if not due.keys:
            return None
        moved = 0
        for key_id in due.plan.replace:
            for count in self._move_out(key_id, until, cameras):
                moved += count
                _tell(progress, "moving", moved, moved)
        run_id = ids.reference("G")
        self._enter_beginning(actor, run_id, until, due)
        self._delete_keys(actor, run_id, due, until, cameras)
        _tell(progress, "keys-deleted", len(due.keys), len(due.keys))
        return run_id

    def _enter_beginning(self, actor: Actor, run_id: str, until: datetime, due: DueKeys) -> None:
        epoch = max(self._roots.epochs())
        with self._ledger.act(Event.SWEEP_STARTED, actor) as act:
            act.session.add(
                SweepRun(
                    id=run_id,
                    started_at=act.now,
                    from_epoch=epoch,
                    to_epoch=epoch + 1,
                    step="begun",
                )
            )
            act.session.add(
                Intent(
                    id=f"{run_id}/blobs", kind="blob-removal", subject=run_id, created_at=act.now
                )
            )
            act.record(
                Event.SWEEP_STARTED,
                run_id,
                facts={
                    "keys": len(due.plan.destroy),
                    "replaced": len(due.plan.replace),
                    "until": iso(until),
                    "from_epoch": epoch,
                    "to_epoch": epoch + 1,
                },
                also=due.secret,
            )

    def _lapse(
        self, actor: Actor, hold_ids: Sequence[str], until: datetime, cameras: Sequence[str]
    ) -> None:
        """End the holds whose end has passed, and the incidents they kept.

        What they granted ended with them by itself: a hold's grants bear its end.
        """
        with self._ledger.act(Event.HOLD_LAPSED, actor, cameras=cameras) as act:
            session = act.session
            for hold_id in hold_ids:
                # Locked: a hold that is being extended in another act right now has not lapsed.
                hold = session.get_one(Hold, hold_id, with_for_update=True)
                if hold.released_at is not None or hold.until is None or hold.until > until:
                    continue
                hold.released_at, hold.released_by = hold.until, act.actor.id
                session.add(hold)
                self._keyring.retire_hold(session, hold_id)
                act.record(
                    Event.HOLD_LAPSED,
                    hold_id,
                    facts={"purpose": hold.purpose, "gagged": hold.gagged},
                )
                self._close_incident(act, hold)

    def _close_incident(self, act: Act, hold: Hold) -> None:
        incident = act.session.execute(
            select(Incident).where(
                col(Incident.hold_id) == hold.id, col(Incident.closed_at).is_(None)
            )
        ).scalar_one_or_none()
        if incident is not None:
            incident.closed_at, incident.closed_by = hold.until, act.actor.id
            act.session.add(incident)
            act.record(Event.INCIDENT_CLOSED, incident.id, facts={"lapsed": True}, also=(hold.id,))

    def _move_out(self, key_id: str, until: datetime, cameras: Sequence[str]) -> Iterator[int]:
        """Move what lives under a retiring purpose key to a fresh one of the same slot.

        An old copy of what had ended was wrapped under a key nobody can open after this sweep.
        """
        grants, last = table(Grant), 0
        while True:
            with self._database.read() as session:
                under = session.execute(
                    select(grants.c.id)
                    .where(grants.c.purpose_key_id == key_id, grants.c.id > last)
                    .order_by(grants.c.id)
                    .limit(_MOVED)
                ).scalars()
                some = list(under)
            if not some:
                break
            last = some[-1]
            with self._database.write(cameras) as session:
                rows = session.execute(
                    select(grants)
                    .where(
                        grants.c.id.in_(some),
                        grants.c.purpose_key_id == key_id,
                        live_clause(until),
                    )
                    .with_for_update()
                ).all()
                self._move(session, Grant, key_id, rows)
            yield len(rows)
        for model, kind in SEALED_THINGS:
            things = table(model)
            live = (
                things.c.purpose_key_id == key_id,
                things.c.wrapped_key.is_not(None),
                things.c.until > until,
            )
            while True:
                with self._database.write(cameras) as session:
                    rows = session.execute(
                        select(things).where(*live).limit(_MOVED).with_for_update()
                    ).all()
                    self._move(session, model, key_id, rows, kind=kind)
                if not rows:
                    break
                yield len(rows)

    def _move(
        self,
        session: Session,
        model: Any,  # noqa: ANN401 - a table's model
        key_id: str,
        rows: Sequence[Any],
        *,
        kind: str = "recording",
    ) -> None:
        if not rows:
            return
        try:
            old = KeyHandle(key_id, self._keyring.unwrap(session, key_id))
        except (KeyTamperedError, KeyUnavailableError) as error:
            raise _does_not_open(error) from error
        new, moved = self._keyring.replace(session, key_id, self._ledger.clock.now()), []
        for each in rows:
            object_id = each.recording_id if model is Grant else each.id
            try:
                key = self._keyring.open_under(old, each.wrapped_key, object_id, kind=kind)
            except KeyTamperedError as error:
                raise DamagedError(
                    f"the key of {object_id} does not open; nothing is destroyed before it is "
                    f"restored from a backup: {error}"
                ) from error
            wrapped = self._keyring.wrap(new, key, object_id, kind=kind)
            moved.append({"row": each.id, "wrapped": wrapped})
        columns = table(model).c
        session.execute(
            update(table(model))
            .where(columns.id == bindparam("row"))
            .values(wrapped_key=bindparam("wrapped"), purpose_key_id=new.id),
            moved,
        )

    def _delete_keys(
        self, actor: Actor, run_id: str, due: DueKeys, until: datetime, cameras: Sequence[str]
    ) -> None:
        """Delete the purpose keys of a sweep, those that fell due first before the others."""
        with self._database.read() as session:
            keeping = live_under(session, due.plan.replace, until)
            copies = copies_under(session, due.keys)
        going = [each for each in due.keys if each not in keeping]
        replaced, keys = frozenset(due.plan.replace), table(PurposeKey)
        for some in batches(going, _DELETED):
            with self._ledger.act(
                Event.KEY_DESTROYED, actor, cameras=cameras, subject=run_id
            ) as act:
                session = act.session
                rows = {
                    each.id: each
                    for each in session.execute(
                        select(keys).where(keys.c.id.in_(some)).with_for_update()
                    )
                }
                fresh = _fresh_keys(session, [rows[x].slot for x in some if x in replaced])
                session.execute(delete(keys).where(keys.c.id.in_(some)))
                for key_id in some:
                    _enter_key(
                        act,
                        run_id,
                        rows[key_id],
                        copies.get(key_id, 0),
                        fresh.get(rows[key_id].slot) if key_id in replaced else None,
                    )
                session.execute(
                    update(table(SweepRun))
                    .where(col(SweepRun.id) == run_id)
                    .values(keys_destroyed=table(SweepRun).c.keys_destroyed + len(some))
                )

    # --- steps 3 to 7 -------------------------------------------------------------------------

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
                self._continue(actor, run_id, progress, Gone(actor.sight))
            except StorageError as error:
                alarm = f"the sweep {run_id} is not finished: {error}"
        return alarm

    def _continue(self, actor: Actor, run_id: str, progress: Progress | None, gone: Gone) -> None:
        """Take a sweep from wherever it stands to its end.

        One that was cut short before all its keys were deleted ends with those that were: the
        next sweep finds the others.
        """

        def tell(step: str, done: int, total: int) -> None:
            _tell(progress, step, done, total)

        while (run := self._run_row(run_id)).step != "done":
            if run.step == "begun":
                self._rewrap(run, progress)
            elif run.step == "rewrapped":
                self._destroy_root(actor, run)
            elif run.step == "root-destroyed":
                self._certificates.issue(actor, run_id)
            elif run.step == "certified":
                self._clearing.rows(actor, run_id, gone, tell)
            elif run.step == "cleared":
                self._clearing.blobs(actor, run_id, gone, tell)
            else:
                self._certificates.finish(actor, run_id)
            _tell(progress, self._run_row(run_id).step, 1, 1)
        self._certificates.complete(run_id)

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
                        self._again(rows, run.to_epoch),
                    )
            done += len(rows)
            _tell(progress, "rewrapping", done, done)
        self._verify(run.to_epoch)
        with self._database.write() as session:
            session.execute(
                update(SweepRun).where(col(SweepRun.id) == run.id).values(step="rewrapped")
            )

    def _again(self, rows: Sequence[Any], epoch: int) -> list[dict[str, Any]]:
        try:
            wrapped = self._keyring.rewrap(rows, epoch)
        except (KeyTamperedError, KeyUnavailableError) as error:
            raise _does_not_open(error) from error
        return [{"row": key_id, "again": again} for key_id, again in wrapped.items()]

    def _verify(self, epoch: int) -> None:
        """Open every purpose key under the new root, as somebody new to the database would."""
        last = ""
        while True:
            with self._database.read() as session:
                rows = session.execute(
                    select(*_WRAPPED).where(_KEY.id > last).order_by(_KEY.id).limit(_VERIFIED)
                ).all()
            closed = self._keyring.first_unopened(rows, epoch)
            if closed is not None:
                raise DamagedError(
                    f"the purpose key {closed} does not open under the root of epoch {epoch}; "
                    "the old root stays"
                )
            if len(rows) < _VERIFIED:
                return
            last = rows[-1].id

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
            act.session.execute(delete(table(Intent)).where(col(Intent.id) == intent))
            act.session.execute(
                update(SweepRun).where(col(SweepRun.id) == run.id).values(step="root-destroyed")
            )

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


def _still_under(session: Session, epoch: int) -> Sequence[Any] | None:
    """Some purpose keys of earlier epochs, locked; None when there are none left.

    Acts hold several of these rows at once, in the order their purposes come. Whoever waits for
    one here must hold none, so a batch leaves out what others hold, and those are waited for
    singly. An empty batch means that the row waited for changed meanwhile: look again.
    """
    earlier = select(*_WRAPPED).where(_KEY.root_epoch < epoch)
    free = session.execute(earlier.limit(_REWRAPPED).with_for_update(skip_locked=True)).all()
    if free:
        return free
    if session.execute(earlier.limit(1)).first() is None:
        return None
    return session.execute(earlier.limit(1).with_for_update()).all()


def _fresh_keys(session: Session, slots: Sequence[str]) -> dict[str, str]:
    """The keys that took the place of retiring ones, by slot."""
    keys = table(PurposeKey).c
    return {
        str(each.slot): str(each.id)
        for each in session.execute(
            select(keys.slot, keys.id).where(keys.slot.in_(slots), keys.retiring.is_(False))
        )
    }


def _enter_key(act: Act, run_id: str, row: Any, copies: int, by: str | None) -> None:  # noqa: ANN401
    """One entry per key, with how many recording keys were wrapped under it when it went.

    It also names the sweep and the hold the key served, so that it is found, or hidden, with them.
    """
    kind, _, hold_id = row.slot.partition("/")
    about = (run_id, *((hold_id,) if kind == "hold" else ()))
    facts = {"sweep": run_id, "purpose": row.purpose, "copies": copies}
    if by is None:
        ends = None if row.expires_at is None else iso(row.expires_at)
        act.record(Event.KEY_DESTROYED, row.id, facts=facts | {"expires_at": ends}, also=about)
    else:
        act.record(Event.KEY_REPLACED, row.id, facts=facts | {"by": by}, also=(*about, by))


def _together(told: SweepReport, secret: SweepReport) -> SweepReport:
    """What both sweeps of one run did, for somebody who may know of both."""
    if secret.id is None:
        return told
    return SweepReport(
        id=told.id or secret.id,
        due=in_order([*{*told.due, *secret.due}]),
        recordings=told.recordings + secret.recordings,
        keys_destroyed=told.keys_destroyed + secret.keys_destroyed,
        blobs_removed=told.blobs_removed + secret.blobs_removed,
        from_epoch=min(told.from_epoch, secret.from_epoch),
        to_epoch=max(told.to_epoch, secret.to_epoch),
        certificate_id=told.certificate_id or secret.certificate_id,
        alarm=told.alarm or secret.alarm,
    )


def _does_not_open(error: StorageError) -> DamagedError:
    return DamagedError(
        "nothing more is destroyed before a key that does not open is restored from a backup: "
        f"{error}"
    )


def _tell(progress: Progress | None, step: str, done: int, total: int) -> None:
    if progress is not None:
        progress(step, done, total)
