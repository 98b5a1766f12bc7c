"""Footage as a person looks at it: a recording, a window, a poster, a strip, the curve of movement.

Every look is entered with its reason, once an hour for one recording and reason; posters and curves
once an hour for a camera.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, NotFoundError, VaultError
from cctv_vault.footage.clips import first_picture, playable_codec, remux_for_browser, stream
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.motion import MotionTrack
from cctv_vault.footage.opening import Opening, roots_of
from cctv_vault.footage.reader import FootageReader, damage_named
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import (
    MOTION,
    ORIGINAL,
    RENDITION,
    STRIP,
    THUMBNAIL,
    blob_name,
    stream_context,
)
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.schema import DerivedStream, Recording
from cctv_vault.views import iso
from storage.secret import SecretKey
from storage.stream import SealWriter, delete_stream

LONGEST_WINDOW: Final = timedelta(hours=6)
"""What is played as one film at most; a longer look is several of them."""
_LONGEST_CURVE: Final = timedelta(hours=25)  # an autumn day
_MOST_IN_WINDOW: Final = 500
_ASKED_EVERY: Final = 8 * 1024 * 1024
_MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "png": "image/png", "mov": "video/mp4"}


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


class Viewing(Opening):
    """Opens footage for people to look at."""

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
                roots = roots_of(session, [recording.id for recording, _ in footage], MOTION)
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
            if also and not self._entered(one)
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
            self._looks.remember(one, act.now)

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
            if self._entered((actor.id, stream, subject, reason)):
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
        self._looks.remember((actor.id, stream, subject, reason), act.now)
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
                if not self._entered(look):
                    act.record(
                        event,
                        look[2],
                        facts={"camera": camera, "stream": ORIGINAL},
                        details={"reason": reason},
                        also=(camera, *self._secret(act, [look[2]])),
                    )
        for look in looks:
            self._looks.remember(look, act.now)
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

    @staticmethod
    def _may_view(actor: Actor, reason: str, *, poster: bool) -> None:
        actor.require(Right.FOOTAGE_VIEW)
        if not poster and not reason.strip():
            raise InvalidInputError("say why the footage is viewed")

    def _entered(self, look: tuple[str, ...]) -> bool:
        return self._looks.seen(look, self._ledger.clock.now())

    def _rendition(self, recording: Recording, key: SecretKey, *, keep_audio: bool) -> bytes:
        """The root of the recording's rendition, made where there is none; one at a time."""
        with self._rendering:
            root = self._derived(recording.id, RENDITION)
            if root is not None:
                return root
            name = blob_name(recording.id, RENDITION)
            context = stream_context(self._vault_id, recording.id, RENDITION)
            now = self._ledger.clock.now()
            with damage_named(recording.id):
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
