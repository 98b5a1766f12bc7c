"""Small stills of one camera taken in together: looked at in one job, indexed in one act.

What is in any way unusual among them is left to be taken in alone.
"""

import hashlib
import io
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.errors import IntakeStoppedError, VaultError
from cctv_vault.ingest.arriving import Arriving, Entered, Offer, Place, Sealed, Small
from cctv_vault.ingest.intake import stopped_by
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.places import real_path, require_finished
from cctv_vault.ingest.probe import Probe, probe_stills
from cctv_vault.ingest.removals import changed_since, with_removal
from cctv_vault.ingest.single import may_grow_s, where_in_code
from cctv_vault.ingest.sources import (
    Identity,
    Removal,
    Source,
    escape_name,
    open_source,
    remove_sources,
)
from cctv_vault.ingest.steps import Steps
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Recording
from storage.errors import StorageError
from storage.framing import FIRST_PLAIN
from storage.stream import seal_together

SMALL_BYTES: Final = FIRST_PLAIN
"""Up to this size a file fits into one segment and may be taken in together with others."""
TOGETHER: Final = 64
"""How many small files share a commit."""
TOGETHER_BYTES: Final = 16 << 20
_SOON_S: Final = 0.5
"""How long the others wait for one to be read; twice as long where some before it were read."""
_MOST_SLOW: Final = 4
_LOG: Final = logging.getLogger(__name__)


class Batches:
    """Takes in many small files at once."""

    def __init__(self, steps: Steps) -> None:
        """``steps`` are the vault's."""
        self._steps = steps

    def take_in(self, actor: Actor, paths: Sequence[Path], place: Place) -> dict[Path, Outcome]:
        """What became of those that could be taken in together; the others are as they were."""
        done: dict[Path, Outcome] = {}
        if len(paths) > 1:
            with ExitStack() as stack:
                for group in self._ready(actor, paths, place, stack):
                    done |= self._taken_in(actor, group)
        return done

    def _ready(
        self, actor: Actor, paths: Sequence[Path], place: Place, stack: ExitStack
    ) -> list[list[Small]]:
        """Those that are complete and small, opened and read, by camera; ``stack`` closes them."""
        known = self._steps.places.known()
        groups: dict[str, list[Small]] = {}
        waiting: set[str] = set()
        opened: list[tuple[Path, Offer, ExitStack]] = []
        for path in paths:
            # Whatever is wrong with one is said when it is offered by itself.
            with suppress(Exception):
                real = real_path(path)
                self._steps.places.refuse_own(real)
                require_finished(real)
                code, reading_path, name = self._steps.places.identify(real, place, known)
                if code in waiting:
                    continue
                if code not in groups:
                    waiting.add(code)
                    self._steps.readiness.require(code)
                    waiting.remove(code)
                    groups[code] = []
                closing = stack.enter_context(ExitStack())
                source = closing.enter_context(open_source(real))
                if not 0 < source.size <= SMALL_BYTES or self._steps.settling.require(source):
                    continue
                offer = Offer(
                    actor=actor,
                    source=source,
                    camera=code,
                    reading_path=reading_path,
                    original_name=escape_name(name),
                    source_state="kept" if place.keep_source else "present",
                    written_at=self._steps.moments.written(source),
                    surely_closed=source.check_not_written(),
                    leave_late=place.leave_late,
                )
                opened.append((path, offer, closing))
        read = _read_soon([(offer.source, closing) for _, offer, closing in opened])
        for (path, offer, _), data in zip(opened, read, strict=True):
            if data is not None and len(data) == offer.source.size:
                groups[offer.camera].append(Small(path, offer, data))
        return [group for group in groups.values() if len(group) > 1]

    def _taken_in(self, actor: Actor, group: Sequence[Small]) -> dict[Path, Outcome]:
        """What became of those files of one camera that could be taken in together."""
        try:
            self._steps.intake.check_room(sum(len(each.data) for each in group))
            return self._seal_and_index(actor, self._looked_at(group))
        except (IntakeStoppedError, StorageError) as error:
            stopped = error if isinstance(error, IntakeStoppedError) else stopped_by(error)
            self._steps.intake.stopped(actor, stopped)
            return {each.path: Outcome(each.path, "failed", reason=str(stopped)) for each in group}
        except VaultError:
            return {}
        except Exception as error:  # noqa: BLE001 - each by itself, the one at fault says so
            _LOG.error("taking files in together failed: %s at %s", *where_in_code(error))
            return {}

    def _looked_at(self, group: Sequence[Small]) -> list[tuple[Small, Probe]]:
        """The readable stills among small files of one camera that the vault does not know."""
        probes = probe_stills(self._steps.sandbox, [io.BytesIO(each.data) for each in group])
        digests = [hashlib.sha256(each.data).digest() for each in group]
        ready = [
            (each, probed, digest)
            for each, probed, digest in zip(group, probes, digests, strict=True)
            if probed is not None and (each.offer.surely_closed or not may_grow_s(probed))
        ]
        code, now = group[0].offer.camera, self._steps.ledger.clock.now()
        with self._steps.database.read() as session:
            known = set(
                session.exec(
                    select(Recording.sha256).where(
                        col(Recording.camera_code) == code, col(Recording.sha256).in_(digests)
                    )
                )
            )
            # What came after a film it may belong to is asked about by itself.
            names = [each.offer.original_name for each in group]
            late = self._steps.joining.late(session, code, names, now)
            return [
                (each, probed)
                for each, probed, digest in ready
                if digest not in known
                and each.offer.original_name not in late
                and not (
                    each.offer.leave_late
                    and self._steps.moments.is_past(session, each.offer, probed, now)
                )
            ]

    def _seal_and_index(
        self, actor: Actor, looked_at: Sequence[tuple[Small, Probe]]
    ) -> dict[Path, Outcome]:
        if not looked_at:
            return {}
        streams = [self._steps.sealing.small_stream(small.data) for small, _ in looked_at]
        ids = [each.context.object_id for each in streams]
        used: set[str] = set()
        try:
            sealed = seal_together(self._steps.store, streams)
            arriving = [
                (small, Arriving(small.offer, probed, Sealed(object_id, stream.key, result)))
                for (small, probed), object_id, stream, result in zip(
                    looked_at, ids, streams, sealed, strict=True
                )
                if small.is_unchanged()
            ]
            if not arriving:
                return {}
            event, camera = Event.RECORDING_SEALED, looked_at[0][0].offer.camera
            with self._steps.ledger.act(event, actor, cameras=(camera,), subject=ids[0]) as act:
                entered = self._steps.indexing.enter(act, [each for _, each in arriving], act.now)
                self._steps.intake.works(act)
            used = {
                each.new.id for (_, each), its in zip(arriving, entered, strict=True) if its.used
            }
        finally:
            for object_id in ids:
                if object_id in used:
                    self._steps.sealing.settled(object_id)
                else:
                    self._steps.sealing.remove_unless_indexed(object_id)
        return self._concluded(
            [(small, its) for (small, _), its in zip(arriving, entered, strict=True)]
        )

    def _concluded(self, entered: Sequence[tuple[Small, Entered]]) -> dict[Path, Outcome]:
        """As `_conclude`, for many; the folders of their sources are synced once each."""
        removals: dict[str, Removal] = {}
        wanted: list[tuple[str, Path, Identity]] = []
        for small, its in entered:
            if its.used and its.recording is not None:
                self._steps.posters.add(its.recording)
            if its.removal_id is not None:
                changed = changed_since(small.offer.source)
                if changed is not None:
                    removals[its.removal_id] = changed
                else:
                    source = small.offer.source
                    wanted.append((its.removal_id, source.path, source.identity))
        ended = remove_sources([(path, identity) for _, path, identity in wanted])
        removals |= {each[0]: removal for each, removal in zip(wanted, ended, strict=True)}
        actor = entered[0][0].offer.actor
        self._steps.removals.ended([(actor, each, removal) for each, removal in removals.items()])
        return {
            small.path: Outcome(
                small.path,
                its.outcome,
                its.recording,
                with_removal(its.reason, removals.get(its.removal_id or "")),
            )
            for small, its in entered
        }


def _read_soon(files: Sequence[tuple[Source, ExitStack]]) -> list[bytes | None]:
    """All of each small file; None where one is slow: it stays claimed until it has been read.

    Each comes with what closes it, which passes to whoever reads it where nobody waits for that.
    After too many slow ones the rest is not read either.
    """
    read: list[bytes | None] = [None] * len(files)
    begin = 0
    for _ in range(_MOST_SLOW):
        if begin < len(files):
            begin = _read_on(files, read, begin)
    return read


def _read_on(
    files: Sequence[tuple[Source, ExitStack]], read: list[bytes | None], begin: int
) -> int:
    """Read files from one on, in a thread of their own; the number after the first slow one."""
    at, left, lock, done = begin, list[ExitStack](), threading.Lock(), threading.Event()

    def reader() -> None:
        nonlocal at
        for source, _ in files[begin:]:
            data = None
            with suppress(VaultError, ValueError):
                data = source.read(source.size + 1)
            with lock:
                if left:
                    left[0].close()
                    return
                read[at] = data
                at += 1
        done.set()

    threading.Thread(target=reader, name="watcher-reader", daemon=True).start()
    seen = begin
    while not done.wait(_SOON_S):
        with lock:
            if at == seen and at < len(files):
                left.append(files[at][1].pop_all())
                return at + 1
            seen = at
    return len(files)


def small_size(path: Path) -> int:
    """Bytes of a file that may be taken in together with others; 0 for any other."""
    try:
        size = path.lstat().st_size
    except (OSError, ValueError):
        return 0
    return size if size <= SMALL_BYTES else 0


def runs(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Files in their order, those that may be taken in together as one run."""
    run: list[Path] = []
    held = 0
    for path in paths:
        size = small_size(path)
        if run and (not size or len(run) == TOGETHER or held + size > TOGETHER_BYTES):
            yield run
            run, held = [], 0
        if size:
            run.append(path)
            held += size
        else:
            yield [path]
    if run:
        yield run
