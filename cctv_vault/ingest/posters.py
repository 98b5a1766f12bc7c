"""Posters: one small picture of each recording, made after it is sealed, never delaying intake.

Owns the stream ``thumbnail``, sealed under the recording's own key, so that it ends with it. What
shows no picture has no poster; footage stays as it is either way.
"""

import io
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from sqlmodel import col, select

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.stills import poster
from cctv_vault.footage.streams import ORIGINAL, THUMBNAIL, blob_name
from cctv_vault.ingest.motion import MotionIndex
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import DerivedStream, Recording
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.stream import StreamContext, delete_stream, open_sealed, seal

_LOG: Final = logging.getLogger(__name__)
_CATCH_UP: Final = 10_000


class Posters:
    """Makes posters of newly sealed recordings, in whatever thread calls ``work``."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        store: BlobStore,
        grants: Grants,
        sandbox: MediaSandbox,
        motion: MotionIndex,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._clock = clock
        self._store = store
        self._grants = grants
        self._sandbox = sandbox
        self._motion = motion
        self._vault_id = vault_id
        self._queue: deque[str] = deque()
        self._added = threading.Event()

    def add(self, recording_id: str) -> None:
        """Note that a recording has no poster yet."""
        self._queue.append(recording_id)
        self._motion.add(recording_id)
        self._added.set()

    def catch_up(self) -> None:
        """Note the newest recordings that an earlier process left without one."""
        with self._database.read() as session:
            missing = session.exec(
                select(Recording.id)
                .join(
                    DerivedStream,
                    (col(DerivedStream.recording_id) == col(Recording.id))
                    & (col(DerivedStream.stream) == THUMBNAIL),
                    isouter=True,
                )
                .where(col(Recording.state) == "kept", col(DerivedStream.stream).is_(None))
                .order_by(col(Recording.sealed_at).desc())
                .limit(_CATCH_UP)
            ).all()
        self._queue.extend(missing)
        self._motion.catch_up()

    def work(self, stop: Callable[[], bool] | None = None) -> int:
        """Make the posters that are waiting, then measure motion; returns how many were made.

        A poster that comes to wait meanwhile goes first. Stops early when told.
        """
        made = 0
        while stop is None or not stop():
            try:
                recording_id = self._queue.popleft()
            except IndexError:
                if self._motion.work():
                    continue
                break
            try:
                made += self.make(recording_id)
            except (VaultError, StorageError) as error:
                _LOG.info("no poster could be made: %s", type(error).__name__)
        return made

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to do."""
        self._added.wait(seconds)
        self._added.clear()

    def make(self, recording_id: str) -> bool:
        """Make one poster now; whether it was made, rather than there already or not to be had.

        Raises:
            ExpiredError: No purpose keeps the recording.
            MediaRefusedError: Nothing in it can be shown.
            StorageError: It cannot be read, or the poster not be sealed.
        """
        now = self._clock.now()
        with self._database.read() as session:
            recording = session.get(Recording, recording_id)
            if recording is None:
                return False
            key = self._grants.key_for(session, recording_id, now, cleared=True)
        with open_sealed(
            self._store,
            blob_name(recording_id, ORIGINAL),
            key,
            StreamContext(self._vault_id, recording_id, ORIGINAL),
            segment_root=recording.segment_root,
        ) as footage:
            picture = poster(self._sandbox, footage, offset_s=recording.duration_s / 2)
        # A sweep may have ended the recording meanwhile: then no picture of it is kept. It is
        # small, so it is sealed under the lock, which two makers of one poster also need.
        with self._database.write((recording.camera_code,)) as session:
            newest = session.get(Recording, recording_id)
            made = session.exec(
                select(DerivedStream.size).where(
                    col(DerivedStream.recording_id) == recording_id,
                    col(DerivedStream.stream) == THUMBNAIL,
                )
            ).first()
            if newest is None or newest.state != "kept" or made is not None:
                return False
            name = blob_name(recording_id, THUMBNAIL)
            delete_stream(self._store, name)  # of a maker that died before its commit
            sealed = seal(
                io.BytesIO(picture.data),
                self._store,
                name,
                key,
                StreamContext(self._vault_id, recording_id, THUMBNAIL),
            )
            session.add(
                DerivedStream(
                    recording_id=recording_id,
                    stream=THUMBNAIL,
                    segment_root=sealed.segment_root,
                    size=sealed.size,
                    created_at=now,
                )
            )
        return True
