"""Copies that leave: originals and clips for use in the house, and originals to be published.

Every copy is announced before it leaves and entered after, with how it went; it is there under its
name only if it is whole.
"""

import builtins
import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.errors import DamagedError, InvalidInputError, NotFoundError
from cctv_vault.footage.clips import cut
from cctv_vault.footage.copies import PUBLICATION, Intended
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.opening import Opening, roots_of
from cctv_vault.footage.outfile import OutFile, check_target
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import ORIGINAL, beside_stream
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Recording
from cctv_vault.views import iso, printable
from storage.secret import SecretKey

_CHUNK: Final = 1 << 20


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


class Leaving(Opening):
    """Writes footage out."""

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
                kept = roots_of(act.session, [recording_id], stream)
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


def _check_whole(recording: Recording, sha256: builtins.bytes) -> None:
    if sha256 != recording.sha256:
        raise DamagedError(
            f"the recording {recording.id} is damaged: its bytes are not those that were sealed"
        )


def _check(out: Path | BinaryIO) -> None:
    if isinstance(out, Path):
        check_target(out)
