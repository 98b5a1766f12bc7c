"""Opening footage: for a person with a reason, for the product's own work, and out into a file.

Owns the only ways from a recording to its plain bytes. Every look of a person is entered with its
reason, once an hour for one recording and reason; every copy that leaves is announced before and
entered after. What has expired is refused, and so is what only a secret hold keeps, in the same
words. Plain bytes stay in memory, except in the file a person ordered.
"""

import builtins
import contextlib
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from sqlmodel import Session, col, select

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    ConfigError,
    DamagedError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    VaultError,
)
from cctv_vault.footage.catalogue import Catalogue, is_visible
from cctv_vault.footage.clips import (
    ClipSource,
    cut,
    first_picture,
    playable_codec,
    remux_for_browser,
    stream,
)
from cctv_vault.footage.copies import PUBLICATION, Copies, Intended
from cctv_vault.footage.departures import Departures
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.motion import MotionTrack
from cctv_vault.footage.outfile import OutFile, check_target
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import (
    MOTION,
    ORIGINAL,
    RENDITION,
    STRIP,
    THUMBNAIL,
    beside_stream,
    blob_name,
    stream_context,
)
from cctv_vault.footage.timeindex import pages
from cctv_vault.ingest.posters import Posters
from cctv_vault.ledger import Act, Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, Right, Sight, system_actor
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import DerivedStream, Recording
from cctv_vault.views import iso, printable
from storage.backend import BlobStore
from storage.errors import (
    BlobExistsError,
    KeyUnavailableError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from storage.secret import SecretKey
from storage.stream import SealedReader, SealWriter, delete_stream, open_sealed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "LONGEST_WINDOW",
    "ClipReceipt",
    "ExportReceipt",
    "FootageAccess",
    "FootageReader",
    "Playback",
    "WindowPlayback",
    "blob_name",
    "stream_context",
]

LONGEST_WINDOW: Final = timedelta(hours=6)
"""What is played as one film at most; a longer look is several of them."""
_LONGEST_CURVE: Final = timedelta(hours=25)  # an autumn day
_MOST_IN_WINDOW: Final = 500
_ASKED_EVERY: Final = 8 * 1024 * 1024
_VIEW_COUNTS_FOR: Final = timedelta(hours=1)
_VIEWS_REMEMBERED: Final = 10_000
_CHUNK: Final = 1 << 20
_MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "png": "image/png", "mov": "video/mp4"}


@dataclass(frozen=True)
class ExportReceipt:
    """An original that left: ``end_at`` is when the copy must have been destroyed."""

    recording: str
    original_name: str
    bytes: int
    sha256: builtins.bytes
    copy_id: str
    end_at: datetime


@dataclass(frozen=True)
class ClipReceipt:
    """A clip that left: what was asked, what is in it, and what is not."""

    camera: str
    requested_from: datetime
    requested_to: datetime
    delivered_from: datetime
    delivered_to: datetime
    recordings: tuple[str, ...]
    gaps: tuple[Gap, ...]
    codec: str
    transcoded: bool
    bytes: int
    sha256: builtins.bytes
    copy_id: str
    end_at: datetime


@dataclass(frozen=True)
class Permit:
    """That an item may be published: where, until when, and what the log says of it."""

    channel: str
    until: datetime
    facts: Mapping[str, Json]


@dataclass(frozen=True)
class PublishingCopy:
    """An original on its way out to be published; ``end_at`` is when it must be destroyed.

    ``chunks`` are its bytes; the copy is registered as made with the last of them. Whoever takes
    it closes them.
    """

    copy_id: str
    recording: str
    name: str
    bytes: int
    sha256: builtins.bytes
    end_at: datetime
    chunks: Generator[builtins.bytes]


class FootageReader(io.RawIOBase):
    """A recording's plain bytes, seekable; damage is named with the recording it befell."""

    def __init__(self, recording_id: str, sealed: SealedReader) -> None:
        """``sealed`` is closed with this."""
        self.recording_id = recording_id
        self._sealed = sealed

    @property
    def size(self) -> int:
        """Plain bytes."""
        return self._sealed.size

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, short only at the end.

        Raises:
            DamagedError: Stored bytes are missing or changed.
        """
        with _damage_named(self.recording_id):
            return self._sealed.readinto(buffer)

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes, fewer only at the end; errors as `readinto`."""
        with _damage_named(self.recording_id):
            return self._sealed.read(size)

    def piece(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as many as lie together; errors as `readinto`."""
        with _damage_named(self.recording_id):
            return self._sealed.piece(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; returns the position from the start."""
        return self._sealed.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._sealed.tell()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Forget what was decrypted."""
        self._sealed.close()
        super().close()


@dataclass(frozen=True)
class Playback:
    """A recording as a browser shows it; close the reader."""

    reader: FootageReader
    media_type: str
    recording: str


@dataclass(frozen=True)
class WindowPlayback:
    """A window of a camera as one film: the moment of its first picture, and its bytes.

    ``chunks`` is fragmented MP4, made as it is asked for and in memory only; closing it ends the
    work. ``gaps`` are where the window holds no footage. ``fps`` is how many pictures a second the
    fastest of its recordings has, 0 where that is not known.
    """

    camera: str
    starts_at: datetime
    fps: float
    recordings: tuple[str, ...]
    gaps: tuple[Gap, ...]
    chunks: Generator[bytes]


class FootageAccess:
    """Opens footage."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        store: BlobStore,
        grants: Grants,
        keyring: Keyring,
        catalogue: Catalogue,
        posters: Posters,
        sandbox: MediaSandbox,
        departures: Departures,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self.copies = Copies(
            database=database, ledger=ledger, keyring=keyring, departures=departures
        )
        self._departures = departures
        self._database = database
        self._ledger = ledger
        self._store = store
        self._grants = grants
        self._catalogue = catalogue
        self._posters = posters
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._views: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._views_lock = threading.Lock()
        self._rendering = threading.Lock()

    def resume(self) -> None:
        """Settle what was leaving when its process died; call at start."""
        # Footage can be seen though nothing can be written; a later start tries again.
        with contextlib.suppress(IntakeStoppedError):
            self.copies.resume(system_actor())

    # --- looking ------------------------------------------------------------------------------

    def open(self, actor: Actor, recording_id: str, reason: str) -> FootageReader:
        """The original, for a person to look at.

        Cheap to repeat, as a player does for each range: an hour's looks at one recording for one
        reason are one entry, but rights and grants are asked every time.

        Raises:
            AccessDeniedError: The person may not view footage.
            InvalidInputError: There is no reason.
            NotFoundError: There is no such recording.
            ExpiredError: No purpose keeps it that this person may know of.
            OnHoldError: Its processing is restricted (Art. 18).
            DamagedError: Stored bytes are missing or changed.
        """
        recording, key = self._view(actor, recording_id, reason)
        return self._reader(recording, key, ORIGINAL, recording.segment_root)

    def play(self, actor: Actor, recording_id: str, reason: str) -> Playback:
        """The recording as a browser shows it, for a person to look at.

        That is the original where browsers play it and sound is lawful or absent; otherwise a
        rendition, made at the first look and sealed under the recording's own key.

        Raises:
            As `open`; and MediaRefusedError: No browser can be given this footage.
        """
        recording, key = self._view(actor, recording_id, reason)
        media_type = _MEDIA_TYPES.get(recording.container, "")
        with self._database.read() as session:
            camera = find_camera(session, recording.camera_code)
        lawful = camera.sound == "yes" or not recording.has_audio
        if media_type and (
            recording.kind == "still" or (playable_codec(recording.codec) and lawful)
        ):
            return Playback(self.open(actor, recording_id, reason), media_type, recording_id)
        root = self._rendition(recording, key, keep_audio=camera.sound == "yes")
        return Playback(self._reader(recording, key, RENDITION, root), "video/mp4", recording_id)

    def play_window(
        self, actor: Actor, *, camera: str, start: datetime, end: datetime, reason: str
    ) -> WindowPlayback:
        """[start, end) of a camera across its recordings, for a person to look at.

        The pictures are copied as the camera coded them where a browser plays them, and coded anew
        where not; sound is left out unless it is lawful (S2). Each recording is entered as looked
        at. As the film is sent, what keeps its recordings is asked anew.

        Raises:
            AccessDeniedError: The person may not view footage.
            InvalidInputError: There is no reason, or the window is reversed or too long to play.
            NotFoundError: There is no such camera, or the window holds no footage.
            MediaRefusedError: None of it can be shown.
            DamagedError: Stored bytes are missing or changed.
        """
        footage, keep_audio = self._looked_at(actor, camera, start, end, reason)
        with self._opened(footage) as sources:
            starts_at = first_picture(self._sandbox, sources, start, end)
        return WindowPlayback(
            camera=camera,
            starts_at=starts_at,
            fps=max(recording.fps for recording, _ in footage),
            recordings=tuple(recording.id for recording, _ in footage),
            gaps=self._catalogue.gaps_for(actor, (camera,), start, end),
            chunks=self._made(actor, footage, start, end, keep_audio=keep_audio),
        )

    def thumbnail(self, actor: Actor, recording_id: str) -> bytes:
        """The recording's poster as JPEG; made now where there is none yet.

        Looks at posters are entered once an hour for a person and camera.

        Raises:
            AccessDeniedError: The person may not view footage.
            NotFoundError: There is no such recording, or nothing in it can be shown.
            ExpiredError: No purpose keeps it that this person may know of.
        """
        recording, key = self._view(actor, recording_id, "", stream=THUMBNAIL)
        root = self._derived(recording_id, THUMBNAIL)
        if root is None:
            self._posters.make(recording_id)
            root = self._derived(recording_id, THUMBNAIL)
        if root is None:
            raise NotFoundError("poster of recording", recording_id)
        with self._reader(recording, key, THUMBNAIL, root) as reader:
            return reader.read()

    def strip(self, actor: Actor, recording_id: str) -> bytes:
        """The recording's strip of small pictures as JPEG, where it has been made.

        Raises:
            AccessDeniedError: The person may not view footage.
            NotFoundError: There is no such recording, or no strip of it yet.
            ExpiredError, DamagedError: As `open`.
        """
        recording, key = self._view(actor, recording_id, "", stream=THUMBNAIL)
        root = self._derived(recording_id, STRIP)
        if root is None:
            raise NotFoundError("strip of recording", recording_id)
        with self._reader(recording, key, STRIP, root) as reader:
            return reader.read()

    def motion(
        self, actor: Actor, *, camera: str, start: datetime, end: datetime
    ) -> tuple[MotionTrack, ...]:
        """How much moved in each recording of a window, as far as it has been measured.

        It shows when somebody was there, and so how somebody works: looks at it are entered like
        those at posters, once an hour for a person and camera (S18).

        Raises:
            AccessDeniedError: The person may not view footage.
            InvalidInputError: The window is reversed, or longer than a day.
            NotFoundError: There is no such camera.
            DamagedError: Stored bytes are missing or changed.
        """
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            self._may_view(actor, "", poster=True)
            if not timedelta(0) < end - start <= _LONGEST_CURVE:
                raise InvalidInputError("motion is told of up to a day at once")
            with self._database.read() as session:
                find_camera(session, camera)
                footage = self._window(session, camera, start, end, actor.sight)
                roots = _roots(session, [recording.id for recording, _ in footage], MOTION)
        self._enter_motion(actor, camera, list(roots))
        tracks = []
        for recording, key in footage:
            if (root := roots.get(recording.id)) is not None:
                with self._reader(recording, key, MOTION, root) as reader:
                    tracks.append(MotionTrack(recording.id, recording.started_at, reader.read()))
        return tuple(tracks)

    def _enter_motion(self, actor: Actor, camera: str, recording_ids: Sequence[str]) -> None:
        """Enter a look at a camera's motion; what only secret holds keep is entered by itself."""
        look = (actor.id, MOTION, camera, "")
        with self._database.read() as session:
            now = self._ledger.provable_now(session)
            live = self._grants.live(session, recording_ids, now)
        secret = {
            each
            for each in recording_ids
            if not any(grant.seen_by(Sight()) for grant in live.get(each, ()))
        }
        looks = [
            (one, also)
            for one, also in (
                (look, set(recording_ids) - secret),
                ((*look, "secret"), secret),
            )
            if also and not self._seen(one)
        ]
        if not looks:
            return
        with self._ledger.act(Event.FOOTAGE_VIEWED, actor, subject=camera) as act:
            for _, shown in looks:
                act.record(
                    Event.FOOTAGE_VIEWED,
                    camera,
                    facts={"camera": camera, "stream": MOTION},
                    also=self._secret(act, sorted(shown)) if shown <= secret else (),
                )
        for one, _ in looks:
            self._remember(one, act.now)

    def open_internal(self, recording_id: str, *, cleared: bool = False) -> FootageReader:
        """The original, for the product's own work, whose acts are entered elsewhere.

        Raises:
            As `open`, except for rights and reason.
        """
        with self._database.read() as session:
            recording, key = self._key(session, recording_id, Sight(gagged=cleared, staff=True))
        return self._reader(recording, key, ORIGINAL, recording.segment_root)

    # --- leaving ------------------------------------------------------------------------------

    def export(
        self,
        actor: Actor,
        recording_id: str,
        out: Path | BinaryIO,
        *,
        reason: str,
        purpose: str,
        beside: str | None = None,
    ) -> ExportReceipt:
        """Write the original out, bit for bit, for use in the house (S5: outside, only a release).

        A file is there under its name only if its SHA-256 is that of the sealed original. With
        ``beside`` it is the file of that ending which lay beside the original and is kept with it.

        Raises:
            AccessDeniedError: The person may not export footage.
            InvalidInputError: Purpose, reason or target cannot be used.
            NotFoundError, ExpiredError, DamagedError: As `open`.
        """
        event = Event.FOOTAGE_EXPORT_INTENDED
        with self._ledger.act(event, actor, subject=recording_id) as act:
            actor.require(Right.FOOTAGE_EXPORT)
            _check(out)
            recording, key = self._key(act.session, recording_id, actor.sight)
            stream, root = ORIGINAL, recording.segment_root
            if beside is not None:
                stream = beside_stream(beside)
                kept = _roots(act.session, [recording_id], stream)
                if recording_id not in kept:
                    raise NotFoundError("file beside the recording", beside)
                root = kept[recording_id]
            intended = self.copies.intend(
                act,
                recordings=(recording_id,),
                purpose=purpose,
                reason=reason,
                out=out,
                also=(recording.camera_code, *self._secret(act, [recording_id])),
            )
        with self._leaving(actor, intended, out) as file:
            with self._reader(recording, key, stream, root) as reader:
                while chunk := reader.read(_CHUNK):
                    file.write(chunk)
            if stream == ORIGINAL:
                _check_whole(recording, file.sha256)
            file.finish()
        end_at = self.copies.made(actor, intended, file.sha256, {"size": file.size})
        return ExportReceipt(
            recording=recording_id,
            original_name=(
                recording.original_name
                if beside is None
                else str(PurePosixPath(recording.original_name).with_suffix("")) + beside
            ),
            bytes=file.size,
            sha256=file.sha256,
            copy_id=intended.copy_id,
            end_at=end_at,
        )

    def publishing_copy(
        self, actor: Actor, recording_id: str, reason: str, permit: Callable[[Act], Permit]
    ) -> PublishingCopy:
        """The original, bit for bit, sent out to be published; registered like every copy.

        Args:
            actor: Who takes it out.
            recording_id: The recording.
            reason: Why.
            permit: Whether it may be, asked in the act that announces it under the lock of the
                camera; raises where it may not.

        Raises:
            What ``permit`` does, and as `export`.
        """
        event = Event.FOOTAGE_EXPORT_INTENDED
        with self._database.read() as session:
            known = session.get(Recording, recording_id)
            cameras = [] if known is None else [known.camera_code]
        with self._ledger.act(event, actor, cameras=cameras, subject=recording_id) as act:
            actor.require(Right.FOOTAGE_EXPORT)
            permitted = permit(act)
            recording, key = self._key(act.session, recording_id, actor.sight)
            intended = self.copies.intend(
                act,
                recordings=(recording_id,),
                purpose=f"{PUBLICATION}{permitted.channel}",
                reason=reason,
                out=None,
                also=(recording.camera_code,),
                until=permitted.until,
                facts=permitted.facts,
            )
        return PublishingCopy(
            copy_id=intended.copy_id,
            recording=recording_id,
            name=printable(recording.original_name),
            bytes=recording.size,
            sha256=recording.sha256,
            end_at=permitted.until,
            chunks=self._sent(actor, intended, recording, key),
        )

    def _sent(
        self, actor: Actor, intended: Intended, recording: Recording, key: SecretKey
    ) -> Generator[bytes]:
        """The bytes of a copy that is sent, and how it went; close it where not all are taken."""
        sent, digest = 0, hashlib.sha256()
        try:
            with self._reader(recording, key, ORIGINAL, recording.segment_root) as reader:
                while chunk := reader.read(_CHUNK):
                    digest.update(chunk)
                    sent += len(chunk)
                    yield chunk
            _check_whole(recording, digest.digest())
        except BaseException:
            self.copies.failed(actor, intended, sent)
            raise
        self.copies.made(actor, intended, recording.sha256, {"size": sent})

    def clip(
        self,
        actor: Actor,
        *,
        camera: str,
        start: datetime,
        end: datetime,
        out: Path | BinaryIO,
        reason: str,
        purpose: str,
    ) -> ClipReceipt:
        """Write a playable clip of [start, end) out, with sound only where that is lawful (S2).

        Raises:
            As `export`; InvalidInputError also for a reversed window; NotFoundError where the
                window holds no footage; MediaRefusedError where none of it can be shown.
        """
        event = Event.FOOTAGE_EXPORT_INTENDED
        with self._ledger.act(event, actor, subject=None) as act:
            actor.require(Right.FOOTAGE_EXPORT)
            _check(out)
            if start >= end:
                raise InvalidInputError("a clip must end after it begins")
            keep_audio = find_camera(act.session, camera).sound == "yes"
            footage = self._window(act.session, camera, start, end, actor.sight)
            if not footage:
                raise NotFoundError(
                    "footage", f"{camera} from {iso(start)} to {iso(end)}", "the window is empty"
                )
            taken = [recording.id for recording, _ in footage]
            intended = self.copies.intend(
                act,
                recordings=taken,
                purpose=purpose,
                reason=reason,
                out=out,
                also=(camera, *self._secret(act, taken)),
            )
        with self._leaving(actor, intended, out) as file, self._opened(footage) as sources:
            clip = cut(self._sandbox, sources, start, end, file, keep_audio=keep_audio)
            file.finish()
        facts: dict[str, Json] = {
            "camera": camera,
            "from": iso(clip.delivered_from),
            "to": iso(clip.delivered_to),
            "size": file.size,
            "transcoded": clip.transcoded,
        }
        end_at = self.copies.made(actor, intended, file.sha256, facts)
        return ClipReceipt(
            camera=camera,
            requested_from=start,
            requested_to=end,
            delivered_from=clip.delivered_from,
            delivered_to=clip.delivered_to,
            recordings=clip.recordings,
            gaps=self._gaps(actor, camera, start, end, clip.gaps),
            codec=clip.codec,
            transcoded=clip.transcoded,
            bytes=file.size,
            sha256=file.sha256,
            copy_id=intended.copy_id,
            end_at=end_at,
        )

    # --- inside -------------------------------------------------------------------------------

    def _view(
        self, actor: Actor, recording_id: str, reason: str, *, stream: str = ORIGINAL
    ) -> tuple[Recording, SecretKey]:
        """Ask rights and grants, and enter the look unless this hour's has been (S18).

        Posters are looked at by the camera, everything else by the recording.
        """
        poster = stream == THUMBNAIL
        try:
            self._may_view(actor, reason, poster=poster)
            with self._database.read() as session:
                recording, key = self._key(session, recording_id, actor.sight)
            subject = recording.camera_code if poster else recording_id
            if self._seen((actor.id, stream, subject, reason)):
                return recording, key
        except VaultError:
            pass  # it is refused again below, and that is entered
        event = Event.FOOTAGE_VIEWED
        with self._ledger.act(event, actor, subject=recording_id) as act:
            self._may_view(actor, reason, poster=poster)
            recording, key = self._key(act.session, recording_id, actor.sight)
            subject = recording.camera_code if poster else recording_id
            secret = self._secret(act, [recording_id])
            act.record(
                event,
                subject,
                facts={"camera": recording.camera_code, "stream": stream},
                details={} if poster else {"reason": reason},
                also=secret if poster else (recording.camera_code, *secret),
            )
        self._remember((actor.id, stream, subject, reason), act.now)
        return recording, key

    def _looked_at(
        self, actor: Actor, camera: str, start: datetime, end: datetime, reason: str
    ) -> tuple[list[tuple[Recording, SecretKey]], bool]:
        """The videos of a window with their keys, entered as looked at; and if sound is lawful."""
        event = Event.FOOTAGE_VIEWED
        with self._ledger.act(event, actor, subject=None) as act:
            self._may_view(actor, reason, poster=False)
            if not timedelta(0) < end - start <= LONGEST_WINDOW:
                raise InvalidInputError(
                    f"a window to play lasts up to {LONGEST_WINDOW // timedelta(hours=1)} hours"
                )
            keep_audio = find_camera(act.session, camera).sound == "yes"
            footage = self._window(act.session, camera, start, end, actor.sight)
            if not footage:
                raise NotFoundError(
                    "footage", f"{camera} from {iso(start)} to {iso(end)}", "the window is empty"
                )
            if len(footage) > _MOST_IN_WINDOW:
                raise InvalidInputError(
                    f"there are {len(footage)} recordings in that window; at most "
                    f"{_MOST_IN_WINDOW} are played at once: choose a shorter one"
                )
            looks = [(actor.id, ORIGINAL, recording.id, reason) for recording, _ in footage]
            for look in looks:
                if not self._seen(look):
                    act.record(
                        event,
                        look[2],
                        facts={"camera": camera, "stream": ORIGINAL},
                        details={"reason": reason},
                        also=(camera, *self._secret(act, [look[2]])),
                    )
        for look in looks:
            self._remember(look, act.now)
        return footage, keep_audio

    def _made(
        self,
        actor: Actor,
        footage: Sequence[tuple[Recording, SecretKey]],
        start: datetime,
        end: datetime,
        *,
        keep_audio: bool,
    ) -> Generator[bytes]:
        """The film of a window; every few megabytes it is asked whether all of it is still kept."""
        unasked = 0
        with self._opened(footage) as sources:
            film = stream(self._sandbox, sources, start, end, keep_audio=keep_audio)
            for chunk in film:
                yield chunk
                unasked += len(chunk)
                if unasked >= _ASKED_EVERY:
                    unasked = 0
                    with self._database.read() as session:
                        for recording, _ in footage:
                            self._key(session, recording.id, actor.sight)

    @contextmanager
    def _opened(self, footage: Sequence[tuple[Recording, SecretKey]]) -> Iterator[list[ClipSource]]:
        """The originals of recordings, opened to be cut, and closed afterwards."""
        with ExitStack() as opened:
            yield [
                ClipSource(
                    recording.id,
                    opened.enter_context(
                        self._reader(recording, key, ORIGINAL, recording.segment_root)
                    ),
                    recording.started_at,
                    damaged="damaged" in recording.faults,
                )
                for recording, key in footage
            ]

    def _secret(self, act: Act, recording_ids: Sequence[str]) -> tuple[str, ...]:
        """The secret holds to name beside a look or a copy, so that it is hidden with them."""
        now = self._ledger.provable_now(act.session)
        return self._grants.only_secret(act.session, recording_ids, now)

    @staticmethod
    def _may_view(actor: Actor, reason: str, *, poster: bool) -> None:
        actor.require(Right.FOOTAGE_VIEW)
        if not poster and not reason.strip():
            raise InvalidInputError("say why the footage is viewed")

    def _seen(self, look: tuple[str, ...]) -> bool:
        now = self._ledger.clock.now()
        with self._views_lock:
            at = self._views.get(look)
        return at is not None and timedelta(0) <= now - at < _VIEW_COUNTS_FOR

    def _remember(self, look: tuple[str, ...], now: datetime) -> None:
        with self._views_lock:
            self._views[look] = now
            self._views.move_to_end(look)
            if len(self._views) > _VIEWS_REMEMBERED:
                self._views.popitem(last=False)

    def _key(
        self, session: Session, recording_id: str, sight: Sight
    ) -> tuple[Recording, SecretKey]:
        recording = session.get(Recording, recording_id)
        if recording is None:
            raise NotFoundError("recording", recording_id)
        now = self._ledger.provable_now(session)
        with _damage_named(recording_id):
            key = self._grants.key_for(session, recording_id, now, sight)
        self._grants.require_usable(session, [recording_id], now)
        return recording, key

    def _window(
        self, session: Session, camera: str, start: datetime, end: datetime, sight: Sight
    ) -> list[tuple[Recording, SecretKey]]:
        """The videos of a window that are there for somebody, with their keys, in order."""
        now = self._ledger.provable_now(session)
        found: list[tuple[Recording, SecretKey]] = []
        for rows in pages(session, [camera], start=start, end=end):
            self._grants.require_usable(session, [row.id for row in rows], now)
            live = self._grants.live(session, [row.id for row in rows], now)
            found.extend(
                (row, self._grants.key_for(session, row.id, now, sight))
                for row in rows
                if row.kind == "video" and is_visible(live.get(row.id, ()), sight)
            )
        return found

    def _gaps(
        self,
        actor: Actor,
        camera: str,
        start: datetime,
        end: datetime,
        holes: Sequence[tuple[datetime, datetime]],
    ) -> tuple[Gap, ...]:
        """The stretches a clip shows nothing of, with what the index knows of their cause."""
        known = self._catalogue.gaps_for(actor, (camera,), start, end)
        return tuple(
            Gap(
                camera,
                starts_at,
                ends_at,
                next(
                    (
                        gap.cause
                        for gap in known
                        if gap.starts_at < ends_at and gap.ends_at > starts_at
                    ),
                    "no-pictures",
                ),
            )
            for starts_at, ends_at in holes
        )

    def _reader(
        self, recording: Recording, key: SecretKey, stream: str, root: bytes
    ) -> FootageReader:
        with _damage_named(recording.id):
            sealed = open_sealed(
                self._store,
                blob_name(recording.id, stream),
                key,
                stream_context(self._vault_id, recording.id, stream),
                segment_root=root,
            )
        return FootageReader(recording.id, sealed)

    def _derived(self, recording_id: str, stream: str) -> bytes | None:
        with self._database.read() as session:
            return session.exec(
                select(DerivedStream.segment_root).where(
                    col(DerivedStream.recording_id) == recording_id,
                    col(DerivedStream.stream) == stream,
                )
            ).first()

    def _rendition(self, recording: Recording, key: SecretKey, *, keep_audio: bool) -> bytes:
        """The root of the recording's rendition, made where there is none; one at a time."""
        with self._rendering:
            root = self._derived(recording.id, RENDITION)
            if root is not None:
                return root
            name = blob_name(recording.id, RENDITION)
            context = stream_context(self._vault_id, recording.id, RENDITION)
            now = self._ledger.clock.now()
            with _damage_named(recording.id):
                with self._database.write((recording.camera_code,)):
                    if self._derived(recording.id, RENDITION) is None:
                        delete_stream(self._store, name)  # of a maker that died before its row
                with (
                    SealWriter(self._store, name, key, context) as writer,
                    self._reader(recording, key, ORIGINAL, recording.segment_root) as original,
                ):
                    remux_for_browser(
                        self._sandbox,
                        original,
                        writer,
                        keep_audio=keep_audio,
                        damaged="damaged" in recording.faults,
                    )
                    sealed = writer.finish()
                with self._database.write((recording.camera_code,)) as session:
                    newest = session.get(Recording, recording.id)
                    kept = newest is not None and newest.state == "kept"
                    if kept:
                        session.add(
                            DerivedStream(
                                recording_id=recording.id,
                                stream=RENDITION,
                                segment_root=sealed.segment_root,
                                size=sealed.size,
                                created_at=now,
                            )
                        )
                if not kept:  # a sweep ended it meanwhile
                    delete_stream(self._store, name)
            return sealed.segment_root

    @contextmanager
    def _leaving(self, actor: Actor, intended: Intended, out: Path | BinaryIO) -> Iterator[OutFile]:
        """The file bytes leave into; where they do not all leave, that is entered."""
        file: OutFile | None = None
        try:
            with self._departures.file(intended.departure, out) as file:
                yield file
        except BaseException:
            self.copies.failed(actor, intended, file.size if file is not None else 0)
            raise


def _roots(session: Session, recording_ids: Sequence[str], stream: str) -> dict[str, bytes]:
    """The commitments of one derived stream of these recordings, of those that have it."""
    rows = session.exec(
        select(DerivedStream.recording_id, DerivedStream.segment_root).where(
            col(DerivedStream.recording_id).in_(recording_ids), col(DerivedStream.stream) == stream
        )
    )
    return {str(key): bytes(root) for key, root in rows}


def _check_whole(recording: Recording, sha256: builtins.bytes) -> None:
    if sha256 != recording.sha256:
        raise DamagedError(
            f"the recording {recording.id} is damaged: its bytes are not those that were sealed"
        )


def _check(out: Path | BinaryIO) -> None:
    if isinstance(out, Path):
        check_target(out)


@contextmanager
def _damage_named(recording_id: str) -> Iterator[None]:
    """Translate storage's errors at the border.

    Raises:
        DamagedError: Stored bytes are missing or changed.
        ConfigError: The store does not answer.
    """
    try:
        yield
    except (StorageFullError, StorageUnavailableError, KeyUnavailableError) as error:
        raise ConfigError(
            f"the recording {recording_id} cannot be read now: {error}; mend or remount the store"
        ) from error
    except BlobExistsError as error:
        raise ConfigError(
            f"another process is preparing the recording {recording_id}; try again shortly"
        ) from error
    except StorageError as error:
        raise DamagedError(f"the recording {recording_id} is damaged: {error}") from error
