"""Motion and strips: how much moves in each second of a recording, and small pictures along it.

Owns the streams ``motion`` (a byte for each second: 0 nothing changed, 255 everything) and
``strip`` (a JPEG of tiles from left to right), sealed under the recording's own key, so that they
end with it. They are made when nothing else waits, and never delay intake; footage of which none
can be made stays as it is.
"""

import io
import logging
from collections import deque
from typing import Final

from sqlmodel import col, select

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.motion import Measured, measure
from cctv_vault.footage.streams import MOTION, ORIGINAL, STRIP, blob_name, stream_context
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import DerivedStream, Recording
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.stream import delete_stream, open_sealed, seal

_LOG: Final = logging.getLogger(__name__)
_CATCH_UP: Final = 10_000


class MotionIndex:
    """Measures newly sealed films, one after another, in whatever thread calls ``work``."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        store: BlobStore,
        grants: Grants,
        sandbox: MediaSandbox,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._clock = clock
        self._store = store
        self._grants = grants
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._queue: deque[str] = deque()

    def add(self, recording_id: str) -> None:
        """Note that a recording has not been measured yet."""
        self._queue.append(recording_id)

    def catch_up(self) -> None:
        """Note the newest films that an earlier process left unmeasured."""
        with self._database.read() as session:
            missing = session.exec(
                select(Recording.id)
                .join(
                    DerivedStream,
                    (col(DerivedStream.recording_id) == col(Recording.id))
                    & (col(DerivedStream.stream) == MOTION),
                    isouter=True,
                )
                .where(
                    col(Recording.state) == "kept",
                    col(Recording.kind) == "video",
                    col(DerivedStream.stream).is_(None),
                )
                .order_by(col(Recording.sealed_at).desc())
                .limit(_CATCH_UP)
            ).all()
        self._queue.extend(missing)

    def work(self) -> bool:
        """Measure the next film that waits; whether there was one."""
        try:
            recording_id = self._queue.popleft()
        except IndexError:
            return False
        try:
            self.make(recording_id)
        except (VaultError, StorageError) as error:
            _LOG.info("no motion could be measured: %s", type(error).__name__)
        return True

    def make(self, recording_id: str) -> bool:
        """Measure one film now; whether that was done, rather than before or not to be done.

        Raises:
            ExpiredError: No purpose keeps the recording.
            MediaRefusedError: Nothing in it can be decoded.
            StorageError: It cannot be read, or what was made not be sealed.
        """
        now = self._clock.now()
        with self._database.read() as session:
            recording = session.get(Recording, recording_id)
            if recording is None or recording.kind != "video":
                return False
            key = self._grants.key_for(session, recording_id, now, cleared=True)
        with open_sealed(
            self._store,
            blob_name(recording_id, ORIGINAL),
            key,
            stream_context(self._vault_id, recording_id, ORIGINAL),
            segment_root=recording.segment_root,
        ) as footage:
            length = (recording.ended_at - recording.started_at).total_seconds()
            found: Measured = measure(self._sandbox, footage, duration_s=length)
        # A sweep may have ended the recording meanwhile: then nothing of it is kept. Both are
        # small, so they are sealed under the lock, which two makers also need.
        with self._database.write((recording.camera_code,)) as session:
            newest = session.get(Recording, recording_id)
            made = session.get(DerivedStream, (recording_id, MOTION))
            if newest is None or newest.state != "kept" or made is not None:
                return False
            for stream, data in ((STRIP, found.strip), (MOTION, found.scores)):
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
