"""Posters: one small picture of each recording, made after it is sealed, never delaying intake.

Owns the stream ``thumbnail``, and the order of what is made in the background: posters first, and
motion once no poster waits. What shows no picture has no poster.
"""

import threading
from collections.abc import Callable
from typing import ClassVar

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.footage.stills import poster
from cctv_vault.footage.streams import THUMBNAIL
from cctv_vault.health.views import Views
from cctv_vault.ingest.making import Made, Maker
from cctv_vault.ingest.motion import MotionIndex
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import Recording
from storage.backend import BlobStore
from storage.stream import SealedReader


class Posters(Maker):
    """Makes posters of newly sealed recordings, and then has their motion measured."""

    stream: ClassVar[str] = THUMBNAIL
    kinds: ClassVar[tuple[str, ...]] = ("video", "still")

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        store: BlobStore,
        grants: Grants,
        sandbox: MediaSandbox,
        motion: MotionIndex,
        views: Views,
        vault_id: str,
    ) -> None:
        """All belong to the vault."""
        super().__init__(
            database=database,
            clock=clock,
            store=store,
            grants=grants,
            sandbox=sandbox,
            views=views,
            vault_id=vault_id,
        )
        self._motion = motion
        self._added = threading.Event()

    def made_of(self, recording: Recording, footage: SealedReader) -> Made:
        """The picture in the middle; as `Maker.made_of`."""
        # Of a film, what its pictures say comes with its motion.
        is_still = recording.kind == "still"
        middle = recording.duration_s / 2
        picture = poster(self._sandbox, footage, offset_s=middle, look=is_still)
        return Made({THUMBNAIL: picture.data}, picture.look)

    def add(self, recording_id: str) -> None:
        """Note that a recording has no poster yet."""
        super().add(recording_id)
        self._motion.add(recording_id)
        self._added.set()

    def catch_up(self) -> None:
        """Note the newest recordings that an earlier process left without one."""
        super().catch_up()
        self._motion.catch_up()

    def work(self, stop: Callable[[], bool] | None = None) -> int:
        """Make the posters that are waiting, then measure motion; returns how many were made.

        A poster that comes to wait meanwhile goes first. Stops early when told.
        """
        posters = 0
        while stop is None or not stop():
            made = self.make_next()
            if made is not None:
                posters += made
            elif self._motion.make_next() is None:
                break
        return posters

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to do."""
        self._added.wait(seconds)
        self._added.clear()
