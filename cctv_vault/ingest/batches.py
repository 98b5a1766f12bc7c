"""Small stills of one camera taken in together: looked at in one job, indexed in one act.

What is in any way unusual among them is left to be taken in alone.
"""

import hashlib
import io
import logging
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.errors import IntakeStoppedError, VaultError
from cctv_vault.ingest.arriving import Arriving, Entered, Offer, Sealed, Small
from cctv_vault.ingest.intake import stopped_by
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.places import real_path, require_finished
from cctv_vault.ingest.probe import Probe, probe_stills
from cctv_vault.ingest.removals import changed_since, with_removal
from cctv_vault.ingest.single import looks_unfinished, where_in_code
from cctv_vault.ingest.sources import Identity, Removal, escape_name, open_source, remove_sources
from cctv_vault.ingest.steps import Steps
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Camera, Recording
from storage.errors import StorageError
from storage.framing import FIRST_PLAIN
from storage.stream import seal_together

SMALL_BYTES: Final = FIRST_PLAIN
"""Up to this size a file fits into one segment and may be taken in together with others."""
_LOG: Final = logging.getLogger(__name__)


class Batches:
    """Takes in many small files at once."""

    def __init__(self, steps: Steps) -> None:
        """``steps`` are the vault's."""
        self._steps = steps

    def take_in(self, actor: Actor, paths: Sequence[Path]) -> dict[Path, Outcome]:
        """What became of those that could be taken in together."""
        done: dict[Path, Outcome] = {}
        with ExitStack() as stack:
            for group in self._ready(actor, paths, stack):
                done |= self._taken_in(actor, group)
        return done

    def _ready(self, actor: Actor, paths: Sequence[Path], stack: ExitStack) -> list[list[Small]]:
        """Those that are complete and small, opened and read, by camera; ``stack`` closes them."""
        with self._steps.database.read() as session:
            cameras = session.exec(select(Camera)).all()
        groups: dict[str, list[Small]] = {}
        waiting: set[str] = set()
        for path in paths:
            # Whatever is wrong with one is said when it is offered by itself.
            with suppress(Exception):
                real = real_path(path)
                self._steps.places.refuse_own(real)
                require_finished(real)
                found = [each for each in cameras if real.is_relative_to(each.drop_folder)]
                if len(found) != 1 or found[0].code in waiting:
                    continue
                code = found[0].code
                if code not in groups:
                    waiting.add(code)
                    self._steps.readiness.require(code)
                    waiting.remove(code)
                    groups[code] = []
                source = stack.enter_context(open_source(real))
                if not 0 < source.size <= SMALL_BYTES or self._steps.settling.require(source):
                    continue
                offer = Offer(
                    actor=actor,
                    source=source,
                    camera=code,
                    reading_path=str(real.relative_to(found[0].drop_folder)),
                    original_name=escape_name(real.name),
                    source_state="present",
                    written_at=self._steps.moments.written(source),
                    surely_closed=source.check_not_written(),
                    leave_late=False,
                )
                data = source.read(source.size + 1)
                if data is not None and len(data) == source.size:
                    groups[code].append(Small(path, offer, data))
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
        with self._steps.database.read() as session:
            known = set(
                session.exec(
                    select(Recording.sha256).where(
                        col(Recording.camera_code) == group[0].offer.camera,
                        col(Recording.sha256).in_(digests),
                    )
                )
            )
        return [
            (each, probed)
            for each, probed, digest in zip(group, probes, digests, strict=True)
            if probed is not None
            and digest not in known
            and (each.offer.surely_closed or not looks_unfinished(probed))
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
