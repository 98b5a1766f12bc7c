"""What is made of a recording after it is sealed: the queue, and the sealing beside the original.

Owns the order that keeps derived streams as mortal as the recording: they are sealed under its own
key, under its camera's lock, and only while it is kept. What cannot be made is left out; footage
stays as it is either way.
"""

import io
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sqlmodel import col, select

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.look import RoomLook
from cctv_vault.footage.streams import ORIGINAL, VIEW, blob_name, stream_context
from cctv_vault.health.views import Views
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import EVERYTHING
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import DerivedStream, Recording
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.stream import SealedReader, delete_stream, open_sealed, seal

_LOG: Final = logging.getLogger(__name__)
_CATCH_UP: Final = 10_000


@dataclass(frozen=True)
class Made:
    """What was made of a recording: small streams by name, and what its pictures say."""

    streams: Mapping[str, bytes] = field(repr=False)
    look: RoomLook | None = None


class Maker(ABC):
    """Makes streams of newly sealed recordings, one after another, in whatever thread asks."""

    stream: ClassVar[str]
    """The stream that shows that a recording has been seen to."""
    kinds: ClassVar[tuple[str, ...]]
    """The kinds of recordings it is made of."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        store: BlobStore,
        grants: Grants,
        sandbox: MediaSandbox,
        views: Views,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._clock = clock
        self._store = store
        self._grants = grants
        self._sandbox = sandbox
        self.views = views
        self._vault_id = vault_id
        self._queue: deque[str] = deque()

    @abstractmethod
    def made_of(self, recording: Recording, footage: SealedReader) -> Made:
        """What is made of a recording, small enough to be held in memory.

        Raises:
            MediaRefusedError: Nothing in it can be decoded.
        """

    def add(self, recording_id: str) -> None:
        """Note that a recording has not been seen to."""
        self._queue.append(recording_id)

    def catch_up(self) -> None:
        """Note the newest recordings that an earlier process left."""
        with self._database.read() as session:
            missing = session.exec(
                select(Recording.id)
                .join(
                    DerivedStream,
                    (col(DerivedStream.recording_id) == col(Recording.id))
                    & (col(DerivedStream.stream) == self.stream),
                    isouter=True,
                )
                .where(
                    col(Recording.state) == "kept",
                    col(Recording.kind).in_(self.kinds),
                    col(DerivedStream.stream).is_(None),
                )
                .order_by(col(Recording.sealed_at).desc())
                .limit(_CATCH_UP)
            ).all()
        self._queue.extend(missing)

    def make_next(self) -> bool | None:
        """See to the next that waits: whether something was made of it; None where none waits."""
        try:
            recording_id = self._queue.popleft()
        except IndexError:
            return None
        try:
            return self.make(recording_id)
        except (VaultError, StorageError) as error:
            _LOG.info("no %s could be made: %s", self.stream, type(error).__name__)
            return False

    def make(self, recording_id: str) -> bool:
        """See to one recording now; whether it was done, rather than before or not to be done.

        Raises:
            ExpiredError: No purpose keeps the recording.
            MediaRefusedError: Nothing in it can be decoded.
            StorageError: It cannot be read, or what was made not be sealed.
        """
        now = self._clock.now()
        with self._database.read() as session:
            recording = session.get(Recording, recording_id)
            if recording is None or recording.kind not in self.kinds:
                return False
            key = self._grants.key_for(session, recording_id, now, EVERYTHING)
        with open_sealed(
            self._store,
            blob_name(recording_id, ORIGINAL),
            key,
            stream_context(self._vault_id, recording_id, ORIGINAL),
            segment_root=recording.segment_root,
        ) as footage:
            made_of = self.made_of(recording, footage)
        noted = None
        if made_of.look is not None:
            noted = self.views.consider(recording, made_of.look, now)
        streams = dict(made_of.streams)
        if noted is not None and noted.outline is not None:
            streams[VIEW] = noted.outline
        # A sweep may have ended the recording meanwhile: then nothing of it is kept. All are
        # small, so they are sealed under the lock, which two makers also need.
        with self._database.write((recording.camera_code,)) as session:
            newest = session.get(Recording, recording_id)
            made = session.get(DerivedStream, (recording_id, self.stream))
            if newest is None or newest.state != "kept" or made is not None:
                return False
            if noted is not None:
                self.views.enter(session, newest, noted)
            for stream, data in streams.items():
                name = blob_name(recording_id, stream)
                delete_stream(self._store, name)  # of a maker that died before its commit
                sealed = seal(
                    io.BytesIO(data),
                    self._store,
                    name,
                    key,
                    stream_context(self._vault_id, recording_id, stream),
                )
                session.add(
                    DerivedStream(
                        recording_id=recording_id,
                        stream=stream,
                        segment_root=sealed.segment_root,
                        size=sealed.size,
                        created_at=now,
                    )
                )
        return True
