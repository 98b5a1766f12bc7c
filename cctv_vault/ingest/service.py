"""Taking a file in, from where it lies to a sealed and indexed recording, and its source removed.

Owns the order that keeps the invariants:

1. the file is settled, opened once, probed in a sandbox, and its time decided;
2. it is sealed under a fresh key; the ciphertext is durable and read back before (3);
3. one transaction under the camera's lock: the row, its grants, its custody entry, and the intent
   to remove the source;
4. the source is removed if it is still the same file, durably; then the outcome is entered.

Small stills of one camera take these steps together: one job looks at them, they become durable
side by side, and one transaction indexes them. What is in any way unusual among them goes alone.

Each step is a module of its own here: `places`, `settling`, `moments`, `sealing`, `indexing`,
`removals`, `joining`; `single` and `batches` take files through them.

Killed before 3, the file lies at its source and its ciphertext is removed at the next start; killed
after, the next start finishes 4. It refuses to guess a camera, to remove what is not sealed, and to
take in the vault's own files: its keys would be sealed under themselves and then removed.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cctv_vault.clock import monotonic
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import IntakeStoppedError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ingest.arriving import Place
from cctv_vault.ingest.batches import Batches, runs
from cctv_vault.ingest.indexing import Indexing
from cctv_vault.ingest.intake import Intake
from cctv_vault.ingest.joining import Joining
from cctv_vault.ingest.moments import Moments
from cctv_vault.ingest.outcomes import Outcome, Preview
from cctv_vault.ingest.places import Places, files_of
from cctv_vault.ingest.posters import Posters
from cctv_vault.ingest.previews import Previews
from cctv_vault.ingest.quarantine import Quarantine
from cctv_vault.ingest.readiness import Readiness
from cctv_vault.ingest.readmission import Readmission
from cctv_vault.ingest.removals import Removals
from cctv_vault.ingest.sealing import Sealing
from cctv_vault.ingest.settling import Settling
from cctv_vault.ingest.single import Singles
from cctv_vault.ingest.steps import Steps
from cctv_vault.ledger import Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.grants import Grants
from storage.backend import BlobStore

_NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})
_PATIENCE_S: Final = 2.0
_LOG: Final = logging.getLogger(__name__)


class Ingest:
    """Takes files in; safe to use from many threads and processes at once."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        store: BlobStore,
        grants: Grants,
        quarantine: Quarantine,
        posters: Posters,
        sandbox: MediaSandbox,
        readiness: Readiness,
        vault_id: str,
        journal_folder: Path,
        own_folders: Iterable[Path],
        settle_s: float,
        reserve_bytes: int,
    ) -> None:
        """``journal_folder`` lies in the home; the rest are the vault's parts and settings.

        ``own_folders`` are the home and the key folder, from which nothing is taken.
        """
        self._ledger = ledger
        moments = Moments(ledger=ledger, grants=grants)
        settling = Settling(settle_s)
        self._removals = Removals(database=database, ledger=ledger)
        self._sealing = Sealing(
            database=database, store=store, vault_id=vault_id, journal_folder=journal_folder
        )
        self._steps = Steps(
            database=database,
            ledger=ledger,
            store=store,
            vault_id=vault_id,
            sandbox=sandbox,
            grants=grants,
            quarantine=quarantine,
            posters=posters,
            readiness=readiness,
            intake=Intake(ledger=ledger, store=store, reserve_bytes=reserve_bytes),
            places=Places(database=database, own_folders=own_folders),
            settling=settling,
            moments=moments,
            sealing=self._sealing,
            removals=self._removals,
            indexing=Indexing(
                grants=grants, quarantine=quarantine, moments=moments, removals=self._removals
            ),
            joining=Joining(
                database=database,
                ledger=ledger,
                store=store,
                grants=grants,
                removals=self._removals,
                settling=settling,
                vault_id=vault_id,
            ),
        )
        self._singles = Singles(self._steps)
        self._batches = Batches(self._steps)
        self._previews = Previews(self._steps)
        self._readmission = Readmission(self._steps)

    def close(self) -> None:
        """Give up the sealing journal; call when no offer is under way."""
        self.enter_gathered()
        self._sealing.close()

    @property
    def is_stopped(self) -> bool:
        """Whether intake is stopped: the last attempt met a medium that takes nothing."""
        return self._steps.intake.is_stopped

    def offer(
        self,
        actor: Actor,
        path: Path,
        *,
        camera: str | None = None,
        keep_source: bool = False,
        original_root: Path | None = None,
    ) -> Outcome:
        """Take in one file, or say why not; whatever the file is, this returns.

        Without ``camera`` it is the one in whose drop folder the file lies. ``original_root`` is
        where the camera's own folder tree begins, for names that mean something only with it: the
        recording is then named by its path below that.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        place = Place(camera, original_root, keep_source=keep_source)
        return self._singles.offered(actor, path, place)

    def offer_all(
        self,
        actor: Actor,
        paths: Iterable[Path],
        *,
        camera: str | None = None,
        keep_source: bool = False,
        original_root: Path | None = None,
        labels: Mapping[str, str] = _NO_LABELS,
        leave_late: bool = False,
    ) -> Iterator[Outcome]:
        """Take in files and trees of files, in order, telling of each as it is done.

        Small stills that follow each other share what can be shared, as in `offer_together`. Files
        that settle within seconds are waited for, and tried once more at the end.

        A tree that lies in no drop folder is an archive. Without ``camera`` its names tell whose
        each file is: by ``labels`` (``LABEL`` or ``LABEL/CHANNEL`` to a code), else where the label
        is a camera's code or name. With ``leave_late`` what its purposes have ended for is told of
        and left alone there, rather than kept for the day of a late arrival.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        unsettled: list[tuple[Path, Place, float]] = []

        for path in paths:
            place = self._place(path, camera, original_root, labels, leave_late=leave_late)
            place = replace(place, keep_source=keep_source)
            for run in runs(files_of(path)):
                for file, outcome in self._together(actor, run, place):
                    wait_s = outcome.retry_in_s
                    if wait_s is None or wait_s > self._steps.settling.settle_s + _PATIENCE_S:
                        yield outcome
                    else:
                        unsettled.append((file, place, monotonic() + wait_s))
        for file, place, ready_at in unsettled:
            time.sleep(max(0.0, ready_at - monotonic()))
            yield self._singles.offered(actor, file, place)

    def _place(
        self,
        path: Path,
        camera: str | None,
        original_root: Path | None,
        labels: Mapping[str, str],
        *,
        leave_late: bool,
    ) -> Place:
        archive = self._steps.places.archive(path)
        late = leave_late and archive is not None
        return Place(camera, original_root, labels, archive, leave_late=late)

    def _together(
        self, actor: Actor, paths: Sequence[Path], place: Place
    ) -> Iterator[tuple[Path, Outcome]]:
        """Files and what became of each: together where that can be, else one by one."""
        done = self._batches.take_in(actor, paths, place)
        for path in paths:
            yield path, done.get(path) or self._singles.offered(actor, path, place)

    def offer_together(self, actor: Actor, paths: Sequence[Path]) -> list[Outcome]:
        """Take in files from drop folders as `offer` does each, sharing what can be shared.

        Small stills of one camera are looked at in one job, become durable together and are indexed
        in one act. Whatever is anything else, or is in any way unusual, goes its own way.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        return [outcome for _, outcome in self._together(actor, paths, Place())]

    def preview_all(
        self,
        actor: Actor,
        paths: Iterable[Path],
        *,
        camera: str | None = None,
        original_root: Path | None = None,
        labels: Mapping[str, str] = _NO_LABELS,
        leave_late: bool = False,
    ) -> Iterator[Preview]:
        """Tell what `offer_all` would come to; nothing is changed or entered.

        What only a gagged hold would keep is told of as if there were none.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        for path in paths:
            place = self._place(path, camera, original_root, labels, leave_late=leave_late)
            for file in files_of(path):
                yield self._previews.preview(file, place)

    def retry(self, actor: Actor, object_id: str) -> Outcome:
        """Look at a quarantined file again; what can be read now becomes a recording.

        It arrived when it arrived: what its purposes have ended for meanwhile is ``late``.

        Raises:
            AccessDeniedError: The person may not take files in.
            NotFoundError: There is none of this id, or its seven days are over.
            DamagedError: Its ciphertext is missing or was changed.
            IntakeStoppedError: Nothing can be taken in now.
        """
        self._authorise(actor)
        return self._readmission.retry(actor, object_id)

    def resume(self) -> None:
        """Finish what a crash left: ciphertext without a row, sources sealed but not removed.

        Call at start; what living processes are doing is not disturbed.
        """
        try:
            self._sealing.resume()
            self._removals.resume()
        except (IntakeStoppedError, OSError) as error:
            # Footage can be seen though nothing can be written; a later start tries again.
            _LOG.error("what a crash left cannot be finished yet: %s", type(error).__name__)

    def gather(self, *, on: bool) -> None:
        """Leave the outcomes of removals to `enter_gathered`, so that many share one commit.

        What is not entered when the process dies is entered at the next start: the intents stand.
        """
        self._removals.gather(on=on)

    def enter_gathered(self, *, at_least: int = 1) -> None:
        """Enter the outcomes of removals that wait, where there are ``at_least`` so many."""
        self._removals.enter_gathered(at_least=at_least)

    def _authorise(self, actor: Actor) -> None:
        if actor.is_person and not (actor.may(Right.SETUP) or actor.may(Right.INCIDENT_MANAGE)):
            with entered_if_refused(self._ledger, Event.RECORDING_SEALED, actor):
                actor.require(Right.SETUP)
