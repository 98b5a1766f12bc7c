"""The limits on reading one file, and the reasons for which a file is refused.

Every number is chosen so that no camera on sale meets it and no hostile file gets far beyond it.
"""

from dataclasses import dataclass
from typing import Final

# 8K UHD (7680 x 4320, 33.2 MP) is the largest video a camera records; a decoder holds up to 17 such
# pictures, 0.9 GB, within MEMORY_BYTES.
MAX_VIDEO_PIXELS: Final = 40_000_000
# Panoramic and phone stills reach 100 MP; decoded with four bytes a pixel that is 400 MB.
MAX_STILL_PIXELS: Final = 100_000_000
# A still is handed to its decoder whole.
MAX_STILL_BYTES: Final = 128 * 1024 * 1024
# Address space of one job.
MEMORY_BYTES: Final = 2 * 1024 * 1024 * 1024

# Up to this size every packet is looked at; of a longer file the beginning and the end.
FULL_SCAN_BYTES: Final = 64 * 1024 * 1024
# How much is decoded to prove that it can be: 108 frames of 640 x 360, 12 of full HD, 3 of 4K.
DECODE_PIXELS: Final = 25_000_000
DECODE_FRAMES: Final = (3, 200)  # at least, at most

# What a reason code means; the sentence beside it says what was found.
REFUSALS: Final = {
    "empty": "the file has no content",
    "not-media": "this is neither video nor a picture",
    "playlist": "this is a playlist, which points to footage elsewhere",
    "unfinished": "the file's index (moov) is missing: it was never finished or not sent whole",
    "no-video": "there is no picture in it",
    "no-frames": "it announces video and holds no frame",
    "unknown-codec": "the pictures are in a coding that is not supported",
    "too-large-picture": "the picture claims more pixels than any camera has",
    "animated-gif": "GIF is no camera's format",
    "undecodable": "no frame of it can be decoded",
    "limits": "reading it took more than any camera's file needs",
}


@dataclass(frozen=True)
class Budget:
    """What one job may use up.

    ``cpu_s`` seconds of processor, ``wall_s`` seconds altogether, ``output_bytes`` it may send.
    """

    cpu_s: int
    wall_s: int
    output_bytes: int


PROBE: Final = Budget(cpu_s=30, wall_s=120, output_bytes=0)
PICTURE: Final = Budget(cpu_s=30, wall_s=120, output_bytes=512 * 1024 * 1024)
# A day's recording has 86 400 key frames at most that are looked at.
MOTION: Final = Budget(cpu_s=1800, wall_s=3 * 3600, output_bytes=16 * 1024 * 1024)
# A clip may be watched while it is made, at the speed of the viewer's line.
CLIP: Final = Budget(cpu_s=3600, wall_s=4 * 3600, output_bytes=1 << 40)
