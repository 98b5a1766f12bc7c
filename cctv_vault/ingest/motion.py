"""Motion and strips: how much moves in each second of a recording, and small pictures along it.

Owns the streams ``motion`` (a byte for each second: 0 nothing changed, 255 everything) and
``strip`` (a JPEG of tiles from left to right). They are made when nothing else waits, and never
delay intake.
"""

from typing import ClassVar

from cctv_vault.footage.motion import measure
from cctv_vault.footage.streams import MOTION, STRIP
from cctv_vault.ingest.making import Made, Maker
from cctv_vault.schema import Recording
from storage.stream import SealedReader


class MotionIndex(Maker):
    """Measures newly sealed films."""

    stream: ClassVar[str] = MOTION
    kinds: ClassVar[tuple[str, ...]] = ("video",)

    def made_of(self, recording: Recording, footage: SealedReader) -> Made:
        """The strip and the scores of a film; as `Maker.made_of`."""
        length = (recording.ended_at - recording.started_at).total_seconds()
        found = measure(self._sandbox, footage, duration_s=length)
        return Made({STRIP: found.strip, MOTION: found.scores}, found.look)
