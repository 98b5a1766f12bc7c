"""How much moves in a recording, second by second, and a strip of small pictures along it.

Owns what is asked of the sandbox and what is believed of its answer, and the curve that a window of
several recordings gives.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cctv_vault.footage.look import RoomLook, read_look
from cctv_vault.media.errors import MediaCrashError
from cctv_vault.media.limits import MOTION
from cctv_vault.media.sandbox import ByteSource, MediaSandbox

TILES: Final = 40
"""Pictures of a strip at most, evenly apart; a film of fewer seconds has one for each."""


@dataclass(frozen=True)
class Measured:
    """A byte for each second of a film (0: nothing changed, 255: everything), and its strip.

    ``look`` is what its pictures say of the camera.
    """

    scores: bytes
    strip: bytes
    look: RoomLook | None


@dataclass(frozen=True)
class MotionTrack:
    """The motion of one recording, a byte for each second from its start."""

    recording: str
    started_at: datetime
    scores: bytes


class _Gathered:
    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        self.parts.append(data)


def measure(sandbox: MediaSandbox, file: ByteSource, *, duration_s: float) -> Measured:
    """The motion and the strip of a film, from its key frames alone.

    Raises:
        MediaRefusedError: None of them can be decoded, or it took more than a camera's film needs.
    """
    gathered = _Gathered()
    arguments = {"duration_s": duration_s, "tiles": TILES}
    answer = sandbox.run("motion", arguments, [file], MOTION, gathered)
    try:
        scores = bytes.fromhex(answer["scores"])
    except (KeyError, TypeError, ValueError) as error:
        raise MediaCrashError("it answered nonsense") from error
    if not 0 < len(scores) <= max(1, math.ceil(duration_s)):
        raise MediaCrashError("it answered nonsense")
    return Measured(scores, b"".join(gathered.parts), read_look(answer))


def curve(
    tracks: Iterable[MotionTrack], start: datetime, end: datetime, points: int
) -> tuple[int | None, ...]:
    """The most that moved in each of ``points`` equal parts of [start, end); None: not measured."""
    step = (end - start).total_seconds() / points
    found: list[int | None] = [None] * points
    for track in tracks:
        offset = (track.started_at - start).total_seconds()
        for second, score in enumerate(track.scores):
            place = int((offset + second) // step)
            if 0 <= place < points:
                found[place] = max(score, found[place] or 0)
    return tuple(found)
