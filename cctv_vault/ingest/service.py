"""Taking a file in, from where it lies to a sealed and indexed recording, and its source removed.

Owns the order that keeps the invariants:

1. the file is settled, opened once, probed in a sandbox, and its time decided;
2. it is sealed under a fresh key; the ciphertext is durable and read back before (3);
3. one transaction under the camera's lock: the row, its grants, its custody entry, and the intent
   to remove the source;
4. the source is removed if it is still the same file, durably; then the outcome is entered.

Small stills of one camera take these steps together: one job looks at them, they become durable
side by side, and one transaction indexes them. What is in any way unusual among them goes alone.

Killed before 3, the file lies at its source and its ciphertext is removed at the next start; killed
after, the next start finishes 4. It refuses to guess a camera, to remove what is not sealed, and to
take in the vault's own files: its keys would be sealed under themselves and then removed.
"""

import hashlib
import io
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Literal, cast
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, or_, select, update

from cctv_vault.clock import SystemClock, monotonic
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    DamagedError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    VaultError,
)
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera, known_cameras
from cctv_vault.footage.streams import ORIGINAL, QUARANTINE, blob_name
from cctv_vault.footage.timeindex import span_class
from cctv_vault.gags import seen_by
from cctv_vault.ids import long_id
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import RecordingTime, decide_time, drifted
from cctv_vault.ingest.intake import Intake, stopped_by
from cctv_vault.ingest.journal import SealingJournal
from cctv_vault.ingest.neighbours import neighbours_of
from cctv_vault.ingest.posters import Posters
from cctv_vault.ingest.probe import FAULTS, Probe, ProbeRefusal, probe, probe_stills
from cctv_vault.ingest.quarantine import HeldFile, Quarantine
from cctv_vault.ingest.readiness import Readiness
from cctv_vault.ingest.sidecars import Sidecar, belongs, beside, exactly, is_early, is_sidecar
from cctv_vault.ingest.sources import (
    Identity,
    Removal,
    Settling,
    Source,
    SourceBusyError,
    SourceReadError,
    SourceRefusedError,
    escape_name,
    fingerprint,
    is_unfinished_name,
    open_source,
    remove_source,
    remove_sources,
    unescape_name,
    walk,
)
from cctv_vault.ledger import Act, Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, Right, Sight, system_actor
from cctv_vault.retention.grants import LATE, Grants, GrantView
from cctv_vault.schema import (
    Camera,
    CustodyEntry,
    Hold,
    HoldWindow,
    Intent,
    Quarantined,
    Recording,
    table,
)
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import (
    SourceChangedError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from storage.framing import FIRST_PLAIN
from storage.secret import SecretKey
from storage.stream import (
    SealedReader,
    SealedStream,
    SmallStream,
    StreamContext,
    delete_stream,
    open_sealed,
    seal,
    seal_together,
    stream_names,
)

SMALL_BYTES: Final = FIRST_PLAIN
"""Up to this size a file fits into one segment and may be taken in together with others."""
REMOVAL: Final = "source-removal"
SIDECAR_REMOVAL: Final = "sidecar-removal"
_REFUSED_AGAIN: Final = timedelta(days=1)
"""How long refusing the same unchanged file again is only counted."""
OutcomeName = Literal["sealed", "late", "duplicate", "expired", "quarantined", "waiting", "failed"]

_LOG: Final = logging.getLogger(__name__)
_NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})
_TOO_LATE: Final = "its purposes had ended before it arrived"
_SOUND: Final = "it carries sound, which its camera's register says is not lawful"
_LEFT_ALONE: Final = "; it was left alone: name a purpose to take it in"
_HASH_CHUNK: Final = 1 << 20
_UNFINISHED_S: Final = 600.0
_INCOMPLETE_S: Final = 3600.0
_PATIENCE_S: Final = 2.0


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    ``recording`` is the recording's id where there is one; ``reason`` says in a sentence whatever
    there is to say. ``retry_in_s`` is set on files that wait and may have settled then.
    """

    path: Path
    outcome: OutcomeName
    recording: str | None = None
    reason: str = ""
    retry_in_s: float | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Preview:
    """What offering a file would come to: whose it is, from when, and the outcome.

    Times and source are None where the file is no footage or cannot be looked at.
    """

    path: Path
    outcome: OutcomeName
    camera: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    time_source: str | None = None
    uncertainty_s: float | None = None
    recording: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Place:
    """What was said of where files come from.

    ``archive`` is the tree they lie in, where it is no camera's drop folder; ``labels`` are camera
    codes by what names call a camera, alone or with ``/`` and a channel.
    """

    camera: str | None
    original_root: Path | None
    labels: Mapping[str, str]
    archive: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file on its way in; ``source_state`` is what its recording says of where it came from.

    ``written_at`` is when it was last written, None where that tells nothing.
    """

    actor: Actor
    camera: str
    reading_path: str
    original_name: str
    source_state: Literal["present", "kept", "removed"]
    written_at: datetime | None = None
    sidecar: Sidecar | None = None


@dataclass(frozen=True, kw_only=True)
class _Offer(_File):
    """A file that lies at a source, which is removed unless it is ``kept``."""

    source: Source
    surely_closed: bool
    """Whether the system says that nobody is writing the file, rather than its looks."""
    leave_late: bool
    """Whether it stays where it is, unread, once its purposes have ended: so in archives."""


@dataclass(frozen=True)
class _Small:
    """A small file at its source, read whole; ``path`` is as it was offered."""

    path: Path
    offer: _Offer
    data: bytes = field(repr=False)

    def is_unchanged(self) -> bool:
        """Whether it is still as it was read."""
        try:
            self.offer.source.check_unchanged()
        except SourceBusyError:
            return False
        return True


@dataclass(frozen=True)
class _Sealed:
    """Ciphertext that has no row yet."""

    id: str
    key: SecretKey = field(repr=False)
    stream: SealedStream


@dataclass(frozen=True)
class _Entered:
    """What the act of indexing decided, to be carried out after its commit."""

    outcome: OutcomeName
    recording: str | None
    reason: str
    removal_id: str | None
    used: bool
    """Whether the ciphertext just sealed has a row now."""
    sidecar_removal_id: str | None = None


@dataclass(frozen=True)
class _Arriving:
    """Sealed footage about to be indexed."""

    file: _File
    probed: Probe
    new: _Sealed


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
        self._database = database
        self._ledger = ledger
        self._store = store
        self._grants = grants
        self._quarantine = quarantine
        self._posters = posters
        self._sandbox = sandbox
        self._readiness = readiness
        self._vault_id = vault_id
        self._journal = SealingJournal(journal_folder)
        self._own = tuple(Path(os.path.realpath(each)) for each in own_folders)
        self._settling = Settling(settle_s)
        self._gathers = False
        self._gathering = threading.Lock()
        self._ended: list[tuple[Actor, str, Removal]] = []
        self._intake = Intake(ledger=ledger, store=store, reserve_bytes=reserve_bytes)

    def close(self) -> None:
        """Give up the sealing journal; call when no offer is under way."""
        self.enter_gathered()
        self._journal.close()

    @property
    def is_stopped(self) -> bool:
        """Whether intake is stopped: the last attempt met a medium that takes nothing."""
        return self._intake.is_stopped

    # --- offering -----------------------------------------------------------------------------

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
        place = _Place(camera, original_root, {})
        return self._offered(actor, path, place, keep_source=keep_source, leave_late=False)

    def _offered(
        self, actor: Actor, path: Path, place: _Place, *, keep_source: bool, leave_late: bool
    ) -> Outcome:
        try:
            outcome = self._offer(
                actor, path, place, keep_source=keep_source, leave_late=leave_late
            )
            return replace(outcome, path=path)
        except SourceBusyError as busy:
            return Outcome(path, "waiting", reason=str(busy), retry_in_s=busy.retry_in_s)
        except IntakeStoppedError as stopped:
            self._intake.stopped(actor, stopped)
            return Outcome(path, "failed", reason=str(stopped))
        except VaultError as error:
            return Outcome(path, "failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - one bad file never takes the others down
            # Neither the name nor the text: both may hold what no log line may.
            _LOG.error("taking a file in failed: %s at %s", *_where(error))
            return Outcome(
                path,
                "failed",
                reason=f"an unexpected error ({type(error).__name__}); the file stays where it is",
            )

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

        Files that settle within seconds are waited for, and tried once more at the end.

        A tree that lies in no drop folder is an archive. Without ``camera`` its names tell whose
        each file is: by ``labels`` (``LABEL`` or ``LABEL/CHANNEL`` to a code), else where the label
        is a camera's code or name. With ``leave_late`` what its purposes have ended for is told of
        and left alone there, rather than kept for the day of a late arrival.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        unsettled: list[tuple[Path, _Place, float]] = []

        def offer(path: Path, place: _Place) -> Outcome:
            leave = leave_late and place.archive is not None
            return self._offered(actor, path, place, keep_source=keep_source, leave_late=leave)

        for path in paths:
            place = _Place(camera, original_root, labels, self._archive(path))
            for file in _files(path):
                outcome = offer(file, place)
                wait_s = outcome.retry_in_s
                if wait_s is None or wait_s > self._settling.settle_s + _PATIENCE_S:
                    yield outcome
                else:
                    unsettled.append((file, place, monotonic() + wait_s))
        for file, place, ready_at in unsettled:
            time.sleep(max(0.0, ready_at - monotonic()))
            yield offer(file, place)

    def offer_together(self, actor: Actor, paths: Sequence[Path]) -> list[Outcome]:
        """Take in files from drop folders as `offer` does each, sharing what can be shared.

        Small stills of one camera are looked at in one job, become durable together and are indexed
        in one act. Whatever is anything else, or is in any way unusual, goes its own way.

        Raises:
            AccessDeniedError: The person may not take files in.
        """
        self._authorise(actor)
        done: dict[Path, Outcome] = {}
        with ExitStack() as stack:
            for group in self._ready_together(actor, paths, stack):
                done |= self._taken_in_together(actor, group)
        place = _Place(None, None, _NO_LABELS)
        return [
            done.get(path) or self._offered(actor, path, place, keep_source=False, leave_late=False)
            for path in paths
        ]

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
            place = _Place(camera, original_root, labels, self._archive(path))
            leave = leave_late and place.archive is not None
            for file in _files(path):
                try:
                    yield self._preview(file, place, leave_late=leave)
                except SourceBusyError as busy:
                    yield Preview(file, "waiting", reason=str(busy))
                except VaultError as error:
                    yield Preview(file, "failed", reason=str(error))

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
        with entered_if_refused(self._ledger, Event.QUARANTINE_RETRIED, actor, object_id):
            held = self._quarantine.open(object_id)
        try:
            with open_sealed(
                self._store,
                blob_name(object_id, QUARANTINE),
                held.key,
                StreamContext(self._vault_id, object_id, QUARANTINE),
                segment_root=held.segment_root,
            ) as content:
                probed = probe(self._sandbox, content)
                if isinstance(probed, ProbeRefusal):
                    self._quarantine.still_refused(actor, held, probed)
                    reason = f"{probed.reason_code}: {probed.sentence}"
                    return Outcome(Path(held.name), "quarantined", reason=reason)
                self._intake.check_room(content.size)
                entered = self._sealed(
                    content, ORIGINAL, lambda new: self._readmit(actor, held, probed, new)
                )
        except (StorageFullError, StorageUnavailableError) as error:
            raise stopped_by(error) from error
        except StorageError as error:
            raise DamagedError(f"the quarantined file {object_id} is damaged: {error}") from error
        if entered.used and entered.recording is not None:
            self._posters.add(entered.recording)
        return Outcome(Path(held.name), entered.outcome, entered.recording, entered.reason)

    def _readmit(self, actor: Actor, held: HeldFile, probed: Probe, new: _Sealed) -> _Entered:
        """Index what was in quarantine as a recording, and end its stay there, in one act."""
        event = Event.QUARANTINE_RETRIED
        with self._ledger.act(event, actor, cameras=(held.camera,), subject=held.id) as act:
            gone = self._quarantine.end(act, held.id)
            file = _File(
                actor=actor,
                camera=held.camera,
                reading_path=unescape_name(held.name),
                original_name=held.name,
                source_state="removed" if gone else "kept",
            )
            (entered,) = self._enter(act, [_Arriving(file, probed, new)], held.arrived_at)
            act.record(
                event,
                held.id,
                facts={"readable": True, "recording": entered.recording},
                also=() if entered.recording is None else (entered.recording,),
            )
            self._intake.works(act)
        return entered

    def resume(self) -> None:
        """Finish what a crash left: ciphertext without a row, sources sealed but not removed.

        Call at start; what living processes are doing is not disturbed.
        """
        try:
            for ids in self._journal.abandoned():
                for object_id in ids:
                    self._remove_unless_indexed(object_id)
            with self._database.read() as session:
                intents = session.exec(
                    select(Intent)
                    .where(col(Intent.kind).in_([REMOVAL, SIDECAR_REMOVAL]))
                    .order_by(col(Intent.created_at))
                ).all()
            for intent in intents:
                path = Path(unescape_name(str(intent.payload["path"])))
                removal = remove_source(path, Identity.from_json(intent.payload))
                self._enter_removals(system_actor(), [(intent.id, removal)])
        except (IntakeStoppedError, OSError) as error:
            # Footage can be seen though nothing can be written; a later start tries again.
            _LOG.error("what a crash left cannot be finished yet: %s", type(error).__name__)

    # --- one file -----------------------------------------------------------------------------

    def _authorise(self, actor: Actor) -> None:
        if actor.is_person and not (actor.may(Right.SETUP) or actor.may(Right.INCIDENT_MANAGE)):
            with entered_if_refused(self._ledger, Event.RECORDING_SEALED, actor):
                actor.require(Right.SETUP)

    def _offer(
        self,
        actor: Actor,
        path: Path,
        place: _Place,
        *,
        keep_source: bool,
        leave_late: bool,
    ) -> Outcome:
        path = _real(path)
        with entered_if_refused(self._ledger, Event.FILE_REFUSED, actor):
            self._refuse_own(path)
        _require_finished(path)
        with entered_if_refused(self._ledger, Event.FILE_REFUSED, actor):
            code, reading_path, name = self._identify(path, place)
        self._readiness.require(code, actor)
        try:
            with open_source(path) as source:
                sidecar = self._settled(source)
                offer = _Offer(
                    actor=actor,
                    source=source,
                    camera=code,
                    reading_path=reading_path,
                    original_name=escape_name(name),
                    source_state="kept" if keep_source else "present",
                    written_at=self._written(source),
                    sidecar=sidecar,
                    surely_closed=source.check_not_written(),
                    leave_late=leave_late,
                )
                self._check_room(source)
                return self._take_in(offer)
        except (SourceRefusedError, SourceReadError) as error:
            self._ledger.record_tallied(
                Event.FILE_REFUSED,
                actor,
                code,
                key=f"file/{fingerprint(path)}/{error.code}",
                within=_REFUSED_AGAIN,
                facts={"reason": error.code},
                details={"name": escape_name(name), "reason": str(error)},
            )
            raise
        except SourceChangedError:
            raise SourceBusyError("it changed while it was read") from None
        except StorageError as error:
            raise stopped_by(error) from error

    def _settled(self, source: Source) -> Sidecar | None:
        """Raise unless a file is complete, as far as waiting tells; returns its sidecar.

        Raises:
            SourceBusyError: It is not.
        """
        sidecar = beside(source.path)
        if sidecar is not None and sidecar.block is not None and not sidecar.block.complete:
            # A camera that lost power never completes its last block.
            self._settling.check(source, _INCOMPLETE_S)
        else:
            self._settling.check(source, _UNFINISHED_S if is_early(source.path) else 0.0)
        return sidecar

    def _check_room(self, source: Source) -> None:
        """Raise where the file does not fit; one that is large in name only stops nothing else.

        Raises:
            IntakeStoppedError: There is no room for it.
            SourceRefusedError: There is none because most of it are holes.
        """
        try:
            self._intake.check_room(source.size)
        except IntakeStoppedError:
            if source.is_hollow:
                raise SourceRefusedError(
                    "it says that it is larger than the room there is, and most of it are holes"
                ) from None
            raise

    def _archive(self, path: Path) -> Path | None:
        """A tree by its real name, where no camera's files arrive in it."""
        real = Path(os.path.realpath(path))
        with self._database.read() as session:
            folders = session.exec(select(Camera.drop_folder)).all()
        arrives = any(real.is_relative_to(each) for each in folders)
        return None if arrives or not real.is_dir() else real

    def _preview(self, path: Path, place: _Place, *, leave_late: bool) -> Preview:
        real = _real(path)
        self._refuse_own(real)
        _require_finished(real)
        code, reading_path, name = self._identify(real, place)
        self._readiness.require(code)
        with open_source(real) as source:
            sidecar = self._settled(source)
            probed = probe(self._sandbox, source)
            if isinstance(probed, ProbeRefusal):
                reason = f"{probed.reason_code}: {probed.sentence}"
                return Preview(path, "quarantined", code, reason=reason)
            digest, written_at = _sha256(source), self._written(source)
        file = _File(
            actor=system_actor(),
            camera=code,
            reading_path=reading_path,
            original_name=escape_name(name),
            source_state="present",
            written_at=written_at,
            sidecar=sidecar,
        )
        now = self._ledger.clock.now()
        with self._database.read() as session:
            moment = self._decide(session, find_camera(session, code), file, probed, now)
            told = Preview(
                path,
                "sealed",
                code,
                started_at=moment.started_at,
                ended_at=moment.ended_at,
                time_source=moment.source,
                uncertainty_s=moment.uncertainty_s,
                reason="; ".join(FAULTS[fault] for fault in probed.faults),
            )
            known = session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == code, col(Recording.sha256) == digest
                )
            ).first()
            if known is not None:
                grants = self._grants.live(session, [known.id], now).get(known.id, ())
                kept = known.state == "kept" and any(each.seen_by(Sight()) for each in grants)
                return replace(
                    told,
                    outcome="duplicate" if kept else "expired",
                    recording=known.id,
                    reason="it is sealed already" if kept else "its recording has expired",
                )
            if self._is_late(session, code, moment, now):
                return replace(told, outcome="late", reason=_TOO_LATE + _LEFT_ALONE * leave_late)
        return told

    def _is_late(self, session: Session, camera: str, moment: RecordingTime, now: datetime) -> bool:
        """Whether no purpose that everybody may know of would keep a file that arrives now."""
        _, term = self._grants.base_term(
            session,
            find_camera(session, camera),
            captured=moment.ended_at,
            arrived=now,
            time_source=moment.source,
        )
        return term.until <= now and not _is_wanted(session, camera, moment, now, secret=False)

    def _refuse_own(self, path: Path) -> None:
        if any(path.is_relative_to(each) for each in self._own):
            raise InvalidInputError(
                "it is one of the vault's own files and is left alone; take in what lies "
                "outside its home and its key folder"
            )

    def _identify(self, path: Path, place: _Place) -> tuple[str, str, str]:
        """The camera, the path its name is read from, and the name the recording keeps."""
        with self._database.read() as session:
            cameras = session.exec(select(Camera)).all()
            known = known_cameras(session)
        code, hint = place.camera, known
        if code is None:
            found = [each for each in cameras if path.is_relative_to(each.drop_folder)]
            hint = f"it lies in no camera's drop folder; say which with --camera ({known})"
            if not found and place.archive is not None:
                found, hint = _named(str(path), place.labels, cameras, known)
        else:
            found = [each for each in cameras if each.code == code]
        if len(found) != 1:
            raise NotFoundError("camera", code or "for this file", hint)
        camera = found[0]
        if place.original_root is not None:
            root = os.path.realpath(place.original_root)
            if not path.is_relative_to(root):
                raise InvalidInputError("the file does not lie below the original root")
            relative = str(path.relative_to(root))
            return camera.code, relative, relative
        if path.is_relative_to(camera.drop_folder):
            return camera.code, str(path.relative_to(camera.drop_folder)), path.name
        if place.archive is not None:
            # Read whole, in case the tree is a part of one; kept as it lies in the tree.
            return camera.code, str(path), str(path.relative_to(place.archive))
        return camera.code, str(path), path.name

    def _take_in(self, offer: _Offer) -> Outcome:
        probed = probe(self._sandbox, offer.source)
        if not offer.surely_closed and _looks_unfinished(probed):
            # A slow upload pauses for longer than any settling time that suits the others.
            self._settling.check(offer.source, _UNFINISHED_S)
        if isinstance(probed, ProbeRefusal):
            return self._seal_and_index(offer, probed)
        known = self._already_known(offer, probed)
        if known is None:
            if offer.leave_late and self._is_left_alone(offer, probed):
                return Outcome(offer.source.path, "late", reason=_TOO_LATE + _LEFT_ALONE)
            return self._seal_and_index(offer, probed)
        event = Event.RECORDING_OFFERED_AGAIN
        with self._ledger.act(event, offer.actor, cameras=(offer.camera,), subject=known) as act:
            row = act.session.get(Recording, known)
            if row is None:  # rows of recordings are never removed
                raise NotFoundError("recording", known)
            entered = self._offered_again(act, offer, row)
        return self._conclude(offer, entered)

    def _is_left_alone(self, offer: _Offer, probed: Probe) -> bool:
        now = self._ledger.clock.now()
        with self._database.read() as session:
            camera = find_camera(session, offer.camera)
            moment = self._decide(session, camera, offer, probed, now)
            return self._is_late(session, offer.camera, moment, now)

    def _already_known(self, offer: _Offer, probed: Probe) -> str | None:
        """The recording of the same file, where its time and size give it away without sealing.

        Only an early answer: whatever this misses, the SHA-256 decides under the lock.
        """
        with self._database.read() as session:
            camera = find_camera(session, offer.camera)
            moment = self._decide(session, camera, offer, probed, self._ledger.clock.now())
            likely = session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == offer.camera,
                    col(Recording.span_class) == span_class(moment.ended_at - moment.started_at),
                    col(Recording.started_at) == moment.started_at,
                    col(Recording.size) == offer.source.size,
                )
            ).all()
        if not likely:
            return None
        digest = _sha256(offer.source)
        return next((each.id for each in likely if each.sha256 == digest), None)

    def _decide(
        self,
        session: Session,
        camera: Camera,
        file: _File,
        probed: Probe,
        arrived_at: datetime,
    ) -> RecordingTime:
        reading = read_name(file.reading_path, camera.convention)
        if file.sidecar is not None and file.sidecar.block is not None:
            reading = exactly(reading, file.sidecar.block)
        doubt = drifted(camera.clock_uncertainty_s, camera.clock_measured_at, arrived_at)
        return decide_time(
            reading=reading,
            container=probed.creation_time,
            duration_s=probed.duration_s,
            arrived_at=arrived_at,
            zone=ZoneInfo(camera.zone),
            clock_offset_s=camera.clock_offset_s,
            clock_uncertainty_s=doubt,
            written_at=file.written_at,
            neighbours=neighbours_of(session, camera, reading, doubt),
        )

    def _written(self, source: Source) -> datetime | None:
        """When a file was last written; in a simulated vault's time that tells nothing."""
        simulated = not isinstance(self._ledger.clock, SystemClock)
        return None if simulated else datetime.fromtimestamp(source.changed_at_s, UTC)

    def _seal_and_index(self, offer: _Offer, probed: Probe | ProbeRefusal) -> Outcome:
        def index(new: _Sealed) -> _Entered:
            offer.source.check_unchanged()
            event = Event.RECORDING_SEALED if isinstance(probed, Probe) else Event.FILE_QUARANTINED
            with self._ledger.act(
                event, offer.actor, cameras=(offer.camera,), subject=new.id
            ) as act:
                if isinstance(probed, Probe):
                    (entered,) = self._enter(act, [_Arriving(offer, probed, new)], act.now)
                else:
                    entered = self._enter_quarantined(act, offer, probed, new)
                self._intake.works(act)
            return entered

        stream = ORIGINAL if isinstance(probed, Probe) else QUARANTINE
        return self._conclude(offer, self._sealed(offer.source, stream, index))

    def _sealed(
        self,
        content: Source | SealedReader,
        stream: str,
        index: Callable[[_Sealed], _Entered],
    ) -> _Entered:
        """Seal a file and have it indexed; what gets no row leaves no ciphertext either."""
        object_id = self._journal.new_id()
        key = SecretKey.generate()
        try:
            content.seek(0)
            sealed = seal(
                cast("BinaryIO", content),
                self._store,
                blob_name(object_id, stream),
                key,
                StreamContext(self._vault_id, object_id, stream),
                expected_size=content.size,
            )
            entered = index(_Sealed(object_id, key, sealed))
        except BaseException:
            self._remove_unless_indexed(object_id)
            raise
        if entered.used:
            self._journal.settled(object_id)
        else:
            self._remove_unless_indexed(object_id)
        return entered

    # --- many small files at once -------------------------------------------------------------

    def _ready_together(
        self, actor: Actor, paths: Sequence[Path], stack: ExitStack
    ) -> list[list[_Small]]:
        """Those that are complete and small, opened and read, by camera; ``stack`` closes them."""
        with self._database.read() as session:
            cameras = session.exec(select(Camera)).all()
        groups: dict[str, list[_Small]] = {}
        waiting: set[str] = set()
        for path in paths:
            # Whatever is wrong with one is said when it is offered by itself.
            with suppress(Exception):
                real = _real(path)
                self._refuse_own(real)
                _require_finished(real)
                found = [each for each in cameras if real.is_relative_to(each.drop_folder)]
                if len(found) != 1 or found[0].code in waiting:
                    continue
                code = found[0].code
                if code not in groups:
                    waiting.add(code)
                    self._readiness.require(code)
                    waiting.remove(code)
                    groups[code] = []
                source = stack.enter_context(open_source(real))
                if not 0 < source.size <= SMALL_BYTES or self._settled(source) is not None:
                    continue
                offer = _Offer(
                    actor=actor,
                    source=source,
                    camera=code,
                    reading_path=str(real.relative_to(found[0].drop_folder)),
                    original_name=escape_name(real.name),
                    source_state="present",
                    written_at=self._written(source),
                    surely_closed=source.check_not_written(),
                    leave_late=False,
                )
                data = source.read(source.size + 1)
                if data is not None and len(data) == source.size:
                    groups[code].append(_Small(path, offer, data))
        return [group for group in groups.values() if len(group) > 1]

    def _taken_in_together(self, actor: Actor, group: Sequence[_Small]) -> dict[Path, Outcome]:
        """What became of those files of one camera that could be taken in together."""
        try:
            self._intake.check_room(sum(len(each.data) for each in group))
            return self._seal_and_index_together(actor, self._looked_at_together(group))
        except (IntakeStoppedError, StorageError) as error:
            stopped = error if isinstance(error, IntakeStoppedError) else stopped_by(error)
            self._intake.stopped(actor, stopped)
            return {each.path: Outcome(each.path, "failed", reason=str(stopped)) for each in group}
        except VaultError:
            return {}
        except Exception as error:  # noqa: BLE001 - each by itself, the one at fault says so
            _LOG.error("taking files in together failed: %s at %s", *_where(error))
            return {}

    def _looked_at_together(self, group: Sequence[_Small]) -> list[tuple[_Small, Probe]]:
        """The readable stills among small files of one camera that the vault does not know."""
        probes = probe_stills(self._sandbox, [io.BytesIO(each.data) for each in group])
        digests = [hashlib.sha256(each.data).digest() for each in group]
        with self._database.read() as session:
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
            and (each.offer.surely_closed or not _looks_unfinished(probed))
        ]

    def _seal_and_index_together(
        self, actor: Actor, looked_at: Sequence[tuple[_Small, Probe]]
    ) -> dict[Path, Outcome]:
        if not looked_at:
            return {}
        streams = [self._small_stream(small.data) for small, _ in looked_at]
        ids = [each.context.object_id for each in streams]
        used: set[str] = set()
        try:
            sealed = seal_together(self._store, streams)
            arriving = [
                (small, _Arriving(small.offer, probed, _Sealed(object_id, stream.key, result)))
                for (small, probed), object_id, stream, result in zip(
                    looked_at, ids, streams, sealed, strict=True
                )
                if small.is_unchanged()
            ]
            if not arriving:
                return {}
            event, camera = Event.RECORDING_SEALED, looked_at[0][0].offer.camera
            with self._ledger.act(event, actor, cameras=(camera,), subject=ids[0]) as act:
                entered = self._enter(act, [each for _, each in arriving], act.now)
                self._intake.works(act)
            used = {
                each.new.id for (_, each), its in zip(arriving, entered, strict=True) if its.used
            }
        finally:
            for object_id in ids:
                if object_id in used:
                    self._journal.settled(object_id)
                else:
                    self._remove_unless_indexed(object_id)
        return self._concluded_together(
            [(small, its) for (small, _), its in zip(arriving, entered, strict=True)]
        )

    def _small_stream(self, data: bytes) -> SmallStream:
        object_id = self._journal.new_id()
        context = StreamContext(self._vault_id, object_id, ORIGINAL)
        return SmallStream(blob_name(object_id, ORIGINAL), SecretKey.generate(), context, data)

    def _concluded_together(
        self, entered: Sequence[tuple[_Small, _Entered]]
    ) -> dict[Path, Outcome]:
        """As `_conclude`, for many; the folders of their sources are synced once each."""
        removals: dict[str, Removal] = {}
        wanted: list[tuple[str, Path, Identity]] = []
        for small, its in entered:
            if its.used and its.recording is not None:
                self._posters.add(its.recording)
            if its.removal_id is not None:
                changed = self._changed_since(small.offer.source)
                if changed is not None:
                    removals[its.removal_id] = changed
                else:
                    source = small.offer.source
                    wanted.append((its.removal_id, source.path, source.identity))
        ended = remove_sources([(path, identity) for _, path, identity in wanted])
        removals |= {each[0]: removal for each, removal in zip(wanted, ended, strict=True)}
        actor = entered[0][0].offer.actor
        self._gather([(actor, each, removal) for each, removal in removals.items()])
        return {
            small.path: Outcome(
                small.path,
                its.outcome,
                its.recording,
                _with_removal(its.reason, removals.get(its.removal_id or "")),
            )
            for small, its in entered
        }

    # --- inside the act -----------------------------------------------------------------------

    def _enter(
        self, act: Act, arriving: Sequence[_Arriving], arrived_at: datetime
    ) -> list[_Entered]:
        """Index sealed recordings of one camera, or find that they are known."""
        session, code = act.session, arriving[0].file.camera
        known = {
            row.sha256: row
            for row in session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == code,
                    col(Recording.sha256).in_([each.new.stream.sha256 for each in arriving]),
                )
            )
        }
        camera = find_camera(session, code)
        fresh: dict[str, tuple[Recording, RecordingTime]] = {}
        keys: list[tuple[Recording, SecretKey]] = []
        for each in arriving:
            if each.new.stream.sha256 not in known:
                moment = self._decide(session, camera, each.file, each.probed, arrived_at)
                row = _row(camera, each, moment, arrived_at=arrived_at, now=act.now)
                known[row.sha256], fresh[row.id] = row, (row, moment)
                keys.append((row, each.new.key))
        if fresh:
            camera.last_arrival_at = max(camera.last_arrival_at or arrived_at, arrived_at)
            session.add(camera)
        grants = dict(zip(fresh, self._grants.on_arrival(act, keys) if keys else (), strict=True))
        return [
            self._entered(act, camera, each, fresh[each.new.id], grants[each.new.id])
            if each.new.id in fresh
            else self._offered_again(act, each.file, known[each.new.stream.sha256])
            for each in arriving
        ]

    def _entered(
        self,
        act: Act,
        camera: Camera,
        arriving: _Arriving,
        fresh: tuple[Recording, RecordingTime],
        grants: Sequence[GrantView],
    ) -> _Entered:
        """Enter that a recording is sealed, and the intent to remove its source."""
        offer, probed, new = arriving.file, arriving.probed, arriving.new
        (recording, moment), sealed = fresh, new.stream
        # Told to everybody, so what not everybody may know of does not count.
        told = [grant for grant in grants if grant.seen_by(Sight())]
        late = bool(told) and all(grant.purpose == LATE for grant in told)
        act.record(
            Event.RECORDING_SEALED,
            new.id,
            facts={
                "camera": camera.code,
                "kind": recording.kind,
                "origin": recording.origin,
                "sha256": sealed.sha256.hex(),
                "size": sealed.size,
                "segment_root": sealed.segment_root.hex(),
                "started_at": iso(recording.started_at),
                "ended_at": iso(recording.ended_at),
                "time_source": recording.time_source,
                "uncertainty_ms": round(recording.uncertainty_s * 1000),
                "clock_offset_ms": round(recording.clock_offset_s * 1000),
                "late": late,
                "source_kept": offer.source_state == "kept",
            },
            details={
                "name": offer.original_name,
                "disagreements": [each.sentence for each in moment.disagreements],
                "notes": list(moment.notes),
                **({} if offer.sidecar is None else {"sidecar": offer.sidecar.text}),
            },
            also=(camera.code,),
        )
        unlawful = probed.has_audio and camera.sound == "no"
        if unlawful:
            _tell_of_sound(act, camera.code, new.id)
        removal = self._intend_removal(act, offer, new.id)
        beside_it = None
        if removal is not None and offer.sidecar is not None:
            # What it says stands in the log from this act on.
            where = (offer.sidecar.path, offer.sidecar.identity)
            beside_it = self._intend(act, SIDECAR_REMOVAL, new.id, *where)
        return _Entered(
            outcome="late" if late else "sealed",
            recording=new.id,
            reason="; ".join(
                (
                    *((_TOO_LATE,) if late else ()),
                    *((_SOUND,) if unlawful else ()),
                    *(FAULTS[fault] for fault in probed.faults),
                )
            ),
            removal_id=removal,
            used=True,
            sidecar_removal_id=beside_it,
        )

    def _enter_quarantined(
        self,
        act: Act,
        offer: _Offer,
        refusal: ProbeRefusal,
        new: _Sealed,
    ) -> _Entered:
        reason = f"{refusal.reason_code}: {refusal.sentence}"
        known = self._quarantine.known(act.session, offer.camera, new.stream.sha256)
        if known is None:
            self._quarantine.enter(
                act,
                new.id,
                camera=offer.camera,
                key=new.key,
                sealed=new.stream,
                # With the folders below the drop folder: they may be all that tells its time.
                original_name=escape_name(offer.reading_path),
                reason_code=refusal.reason_code,
                reason=refusal.sentence,
            )
            removal = self._intend_removal(act, offer, new.id)
            return _Entered("quarantined", None, reason, removal, used=True)
        ended = known.state != "kept" or known.until <= act.now
        self._record_again(act, offer, known.id, ended=ended)
        removal = self._intend_removal(act, offer, known.id)
        return _Entered(
            "expired" if ended else "quarantined",
            None,
            f"{reason}; it was quarantined before" + (", and its seven days are over" * ended),
            removal,
            used=False,
        )

    def _offered_again(self, act: Act, offer: _File, known: Recording) -> _Entered:
        """The same file again changes nothing; its source is removed like any other."""
        grants = self._grants.live(act.session, [known.id], act.now).get(known.id, ())
        # What only a secret hold keeps is, to everyone else, a recording that has expired.
        here = known.state == "kept" and any(each.live for each in grants)
        kept = here and any(each.seen_by(Sight()) for each in grants)
        self._record_again(act, offer, known.id, ended=not kept)
        if kept:
            removal = self._intend_removal(act, offer, known.id)
            return _Entered("duplicate", known.id, "it is sealed already", removal, used=False)
        # Where the vault has it under such a hold, that one must not show in what stays behind.
        if _is_wanted(act.session, known.camera_code, known, act.now, secret=not here):
            # The vault's own copy is gone for good; what a hold wants is not destroyed here too.
            return _Entered(
                "expired",
                known.id,
                "its recording has expired and is not kept again; as its time is wanted, the "
                "source stays",
                None,
                used=False,
            )
        removal = self._intend_removal(act, offer, known.id)
        return _Entered(
            "expired",
            known.id,
            "its recording has expired and is not kept again"
            + ("" if removal is None else "; the source is removed"),
            removal,
            used=False,
        )

    def _record_again(self, act: Act, offer: _File, subject: str, *, ended: bool) -> None:
        kept = offer.source_state == "kept"
        act.record(
            Event.RECORDING_OFFERED_AGAIN,
            subject,
            facts={"camera": offer.camera, "expired": ended, "source_kept": kept},
            details={"name": offer.original_name},
            also=(offer.camera,),
        )

    def _intend_removal(self, act: Act, offer: _File, subject: str) -> str | None:
        if not isinstance(offer, _Offer) or offer.source_state == "kept":
            return None
        return self._intend(act, REMOVAL, subject, offer.source.path, offer.source.identity)

    def _intend(self, act: Act, kind: str, subject: str, where: Path, identity: Identity) -> str:
        path = escape_name(str(where))
        intent = Intent(
            id=long_id(),
            kind=kind,
            subject=subject,
            payload={"path": path, **identity.to_json()},
            created_at=act.now,
        )
        act.session.add(intent)
        act.record(Event.SOURCE_REMOVAL_INTENDED, subject, details={"path": path})
        return intent.id

    # --- after the act ------------------------------------------------------------------------

    def _conclude(self, offer: _Offer, entered: _Entered) -> Outcome:
        """Remove the source as intended, and tell what became of the file."""
        reason = entered.reason
        if entered.used and entered.recording is not None:
            self._posters.add(entered.recording)
        if entered.removal_id is not None:
            removal = self._remove(offer.source)
            ended = [(entered.removal_id, removal)]
            if entered.sidecar_removal_id is not None and offer.sidecar is not None:
                with_it = (
                    Removal("kept", "what it tells of was kept")
                    if removal.outcome == "kept"
                    else remove_source(offer.sidecar.path, offer.sidecar.identity)
                )
                ended.append((entered.sidecar_removal_id, with_it))
            self._gather([(offer.actor, *each) for each in ended])
            reason = _with_removal(reason, removal)
        return Outcome(offer.source.path, entered.outcome, entered.recording, reason)

    def _remove(self, source: Source) -> Removal:
        return self._changed_since(source) or remove_source(source.path, source.identity)

    @staticmethod
    def _changed_since(source: Source) -> Removal | None:
        """Why a source is kept, where it was touched after it was taken in."""
        try:
            source.check_unchanged()
            source.check_not_written()
        except SourceBusyError:
            return Removal("kept", "it changed after it was taken in; it will be offered again")
        return None

    def _gather(self, ended: Sequence[tuple[Actor, str, Removal]]) -> None:
        with self._gathering:
            self._ended += ended
        if not self._gathers:
            self.enter_gathered()

    def gather(self, *, on: bool) -> None:
        """Leave the outcomes of removals to `enter_gathered`, so that many share one commit.

        What is not entered when the process dies is entered at the next start: the intents stand.
        """
        self._gathers = on

    def enter_gathered(self, *, at_least: int = 1) -> None:
        """Enter the outcomes of removals that wait, where there are ``at_least`` so many."""
        with self._gathering:
            if len(self._ended) < at_least:
                return
            ended, self._ended = self._ended, []
        try:
            for actor, group in groupby(ended, key=lambda each: each[0]):
                self._enter_removals(actor, [each[1:] for each in group])
        except VaultError as error:
            # The footage is safe and the intents stand: the next start enters the outcomes.
            _LOG.error("the outcome of a removal cannot be entered: %s", error.code)

    def _enter_removals(self, actor: Actor, ended: Sequence[tuple[str, Removal]]) -> None:
        """Enter how removals ended, once: whoever finds an intent gone was overtaken."""
        removals = dict(ended)
        with self._ledger.act(Event.SOURCE_REMOVED, actor) as act:
            mine = col(Intent.id).in_(removals)
            # In one order, since another process may be entering some of them, too.
            query = (
                select(col(Intent.id), col(Intent.kind), col(Intent.subject))
                .where(mine)
                .order_by(col(Intent.id))
                .with_for_update()
            )
            there = {each: (kind, subject) for each, kind, subject in act.session.exec(query)}
            act.session.execute(delete(table(Intent)).where(mine))
            states: dict[str, list[str]] = {"removed": [], "kept": []}
            for intent_id, removal in removals.items():
                if intent_id not in there:
                    continue
                kind, subject = there[intent_id]
                kept = removal.outcome == "kept"
                # Of a sidecar, the recording of what it told of says nothing.
                if kind == REMOVAL:
                    states["kept" if kept else "removed"].append(subject)
                if kept:
                    act.record(Event.SOURCE_KEPT, subject, details={"reason": removal.reason})
                else:
                    found = removal.outcome == "removed"
                    act.record(Event.SOURCE_REMOVED, subject, facts={"was_there": found})
            for state, subjects in states.items():
                at = act.now if state == "removed" else None
                act.session.execute(
                    update(table(Recording))
                    .where(
                        col(Recording.id).in_(subjects), col(Recording.source_state) == "present"
                    )
                    .values(source_state=state, source_removed_at=at)
                )

    def _remove_unless_indexed(self, object_id: str) -> None:
        """Remove ciphertext that no row stands for; where nobody can tell, a later start does."""
        try:
            names = list(stream_names(self._store, blob_name(object_id, "")))
            if not names:
                self._journal.settled(object_id)
                return
            with self._database.read() as session:
                cameras = session.exec(select(Camera.code)).all()
            # The locks wait for a commit that may still be under way though its client died.
            with self._database.write(cameras) as session:
                indexed = (
                    session.get(Recording, object_id) is not None
                    or session.get(Quarantined, object_id) is not None
                )
                if not indexed:
                    for name in names:
                        delete_stream(self._store, name)
            self._journal.settled(object_id)
        except (VaultError, StorageError) as error:
            _LOG.error("an unfinished sealing cannot be removed yet: %s", type(error).__name__)


def _row(
    camera: Camera,
    arriving: _Arriving,
    moment: RecordingTime,
    *,
    arrived_at: datetime,
    now: datetime,
) -> Recording:
    """The row of a recording that is sealed."""
    offer, probed, sealed = arriving.file, arriving.probed, arriving.new.stream
    return Recording(
        id=arriving.new.id,
        camera_code=camera.code,
        kind=probed.kind,
        origin=camera.origin,
        started_at=moment.started_at,
        ended_at=moment.ended_at,
        span_class=span_class(moment.ended_at - moment.started_at),
        uncertainty_s=moment.uncertainty_s,
        time_source=moment.source,
        original_started=moment.original_started,
        clock_offset_s=moment.clock_offset_s,
        disagreements=[asdict(each) for each in moment.disagreements],
        original_name=offer.original_name,
        arrived_at=arrived_at,
        sealed_at=now,
        size=sealed.size,
        sha256=sealed.sha256,
        ciphertext_size=sealed.ciphertext_size,
        segment_root=sealed.segment_root,
        container=probed.container,
        codec=probed.codec,
        width=probed.width,
        height=probed.height,
        fps=probed.fps or 0.0,
        duration_s=probed.duration_s or 0.0,
        has_audio=probed.has_audio,
        faults=list(probed.faults),
        source_state=offer.source_state,
    )


def _with_removal(reason: str, removal: Removal | None) -> str:
    """What there is to say of a file, with why its source was kept."""
    if removal is None or removal.outcome != "kept":
        return reason
    kept = f"the source was kept: {removal.reason}"
    return f"{reason}; {kept}" if reason else kept


def _looks_unfinished(probed: Probe | ProbeRefusal) -> bool:
    if isinstance(probed, ProbeRefusal):
        return probed.reason_code in {"empty", "unfinished"}
    return "cut-short" in probed.faults


def _tell_of_sound(act: Act, camera: str, recording: str) -> None:
    """Enter, once for each camera, that it records sound which the register says it must not."""
    told = select(CustodyEntry.leaf_index).where(
        col(CustodyEntry.event) == Event.CAMERA_SOUND_FOUND, col(CustodyEntry.subject) == camera
    )
    if act.session.exec(told.limit(1)).first() is None:
        act.record(Event.CAMERA_SOUND_FOUND, camera, also=(recording,))


def _is_wanted(
    session: Session,
    camera: str,
    recording: Recording | RecordingTime,
    now: datetime,
    *,
    secret: bool,
) -> bool:
    """Whether a hold in force covers the time of a recording; ``secret`` ones too, where asked."""
    query = (
        select(HoldWindow)
        .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
        .where(
            col(HoldWindow.camera_code) == camera,
            col(Hold.released_at).is_(None),
            or_(col(Hold.until).is_(None), col(Hold.until) > now),
        )
    )
    if not secret:
        query = query.where(seen_by(Sight()))
    for window in session.exec(query):
        slack = timedelta(seconds=window.widened_s + recording.uncertainty_s)
        if (
            window.starts_at - slack < recording.ended_at
            and recording.started_at < window.ends_at + slack
        ):
            return True
    return False


def _files(path: Path) -> Iterator[Path]:
    """The files of a tree, or the one file, without what only tells of others."""
    for file in walk(path):
        # A sidecar that is gone went with the footage that came before it.
        if file == path or not (belongs(file) or (is_sidecar(file) and not file.exists())):
            yield file


def _require_finished(path: Path) -> None:
    if is_unfinished_name(path.name):
        raise SourceBusyError("its name says that it is not finished")
    if belongs(path):
        raise SourceBusyError("it tells of the footage beside it, and is taken in with that")


def _named(
    path: str, labels: Mapping[str, str], cameras: Sequence[Camera], known: str
) -> tuple[list[Camera], str]:
    """The cameras that the name of an archive's file may mean, and what to say otherwise."""
    reading = read_name(path)
    label = reading and reading.camera_label
    if reading is None or not label:
        return [], f"its name does not say which; say so with --camera ({known})"
    said = labels.get(f"{label}/{reading.channel}") or labels.get(label)
    if said is None:
        found = [each for each in cameras if label.casefold() == each.code]
        found = found or [each for each in cameras if label.casefold() == each.name.casefold()]
    else:
        found = [each for each in cameras if each.code == said]
    with_channel = f"{label}/{reading.channel}" if reading.channel else label
    hint = f"its name says {with_channel!r} ({reading.convention}); say which that is with --map"
    return found, f"{hint} ({known})"


def _real(path: Path) -> Path:
    """A path by the real name of its folder, so that it is the drop folder it seems to be.

    The file keeps its own name, so that a link is seen as one.
    """
    return Path(os.path.realpath(path.parent), path.name)


def _sha256(source: Source) -> bytes:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_HASH_CHUNK))
    source.seek(0)
    while count := source.readinto(buffer):
        digest.update(buffer[:count])
    return digest.digest()


def _where(error: Exception) -> tuple[str, str]:
    """The kind of an error and the place in the code, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return type(error).__name__, place
