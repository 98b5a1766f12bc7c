"""Inside the sandbox: how much moves in a recording, and a strip of small pictures of it.

Only key frames are decoded, and of those no more than one a second; what changed between two of
them stands for the time between. libavfilter does the difference, in the process that decodes.
"""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any, Final

import av
import av.filter
import av.logging
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from cctv_vault.media.demux import Footage, open_footage
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.layout import Layout, Sample, laid_out
from cctv_vault.media.limits import MAX_VIDEO_PIXELS
from cctv_vault.media.picture import encode
from cctv_vault.media.remote import Output, RemoteFile
from cctv_vault.media.view import SMALL_WIDTH, Looker, plane, small_grey

_LONGEST_S: Final = 86_400
# A pixel has changed where its brightness has by more than a tenth: more than noise and exposure.
_CHANGED: Final = 24
_EVERY_S: Final = 0.99


def warm_up() -> None:
    """Makes libav look up the filters it will need, before files cannot be opened any more."""
    blank = VideoFrame(SMALL_WIDTH, 90, "gray")
    difference = _Difference(blank)
    difference.share(blank)
    difference.share(blank)
    strip = _Strip(2, blank)
    strip.add(blank)
    strip.finish()


def motion(arguments: dict[str, Any], files: list[RemoteFile], out: Output) -> dict[str, Any]:
    """The operation ``motion``: ``duration_s`` as indexed, ``tiles`` of the strip at most.

    Writes the strip as JPEG; answers ``scores``, a byte for each second in hexadecimal (0: nothing
    changed, 255: everything), how many ``tiles`` the strip has, ``tile_s``, seconds of each, and
    ``look``, what the pictures say of the camera.
    """
    (file,) = files
    length = min(float(arguments["duration_s"]), _LONGEST_S)
    seconds = max(1, math.ceil(length))
    tiles = max(1, min(int(arguments["tiles"]), seconds))
    scores = bytearray(seconds)
    difference: _Difference | None = None
    strip: _Strip | None = None
    newest: VideoFrame | None = None
    looker = Looker()
    first = last = 0.0
    with av.logging.Capture():
        footage = open_footage(file)
        for frame, time in _key_frames(footage, file):
            newest = frame
            small = small_grey(frame)
            if difference is None or strip is None:
                difference, strip, first, last = (
                    _Difference(small),
                    _Strip(tiles, small),
                    time,
                    time,
                )
            looker.see(small, time)
            share = difference.share(small)
            for second in range(max(0, int(last - first)), min(seconds, int(time - first) + 1)):
                scores[second] = max(scores[second], share)
            last = time
            while (
                strip.filled < tiles and time - first >= strip.filled * seconds / tiles - _EVERY_S
            ):
                strip.add(frame)
    if strip is None or newest is None:
        raise MediaRefusedError("undecodable", "none of its key frames can be decoded")
    while strip.filled < tiles:  # it was to be seen until the end
        strip.add(newest)
    out.write(strip.finish())
    return {
        "scores": scores.hex(),
        "tiles": strip.filled,
        "tile_s": seconds / tiles,
        "look": looker.told(),
    }


def _key_frames(footage: Footage, file: RemoteFile) -> "Any":  # noqa: ANN401 - frames with their times
    """Decoded key frames and when they are shown, at most one a second."""
    context = footage.stream.codec_context
    context.skip_frame = "NONKEY"
    context.thread_count = 1
    # The edges of blocks that it smooths are finer than what is left of a picture here.
    context.options = {**context.options, "skip_loop_filter": "all"}
    last = -math.inf
    times: dict[int | None, float] = {}
    layout = laid_out(footage, file)
    found = _found(footage) if layout is None else _looked_up(layout, file)
    for time, read in found:
        if time - last < _EVERY_S:
            continue
        last = time
        packet = read()
        times[packet.pts] = time
        for frame in _decoded(context, packet):
            yield frame, times.pop(frame.pts, last)
    for frame in _decoded(context, None):
        yield frame, times.pop(frame.pts, last)


def _found(footage: Footage) -> "Iterator[tuple[float, Callable[[], Packet[Any]]]]":
    """The key frames of a film that is read through: their times, and how to have each."""
    for packet in footage.packets():
        if packet.packet.is_keyframe:
            yield packet.time, partial(_same, packet.packet)


def _same(packet: "Packet[Any]") -> "Packet[Any]":
    return packet


def _looked_up(
    layout: Layout, file: RemoteFile
) -> "Iterator[tuple[float, Callable[[], Packet[Any]]]]":
    """The same by the film's index: nothing is read but the key frames that are wanted."""
    for sample in layout.key_frames():
        yield layout.time(sample), partial(_read, sample, file)


def _read(sample: Sample, file: RemoteFile) -> "Packet[Any]":
    packet: Packet[Any] = Packet(file.piece(sample.offset, sample.size))
    packet.pts = packet.dts = sample.stamp
    packet.is_keyframe = True
    return packet


def _decoded(context: VideoCodecContext, packet: "Any") -> list[VideoFrame]:  # noqa: ANN401
    try:
        found = context.decode(packet)
    except (av.error.FFmpegError, EOFError):
        return []
    return [each for each in found if each.width * each.height <= MAX_VIDEO_PIXELS]


class _Difference:
    """What share of the pixels changed since the picture before."""

    def __init__(self, like: VideoFrame) -> None:
        self._height = like.height
        self._number = 0
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=like.width, height=like.height, format=like.format, time_base=Fraction(1, 25)
        )
        self._graph.link_nodes(
            source,
            self._graph.add("tblend", "all_mode=difference"),
            self._graph.add("lut", f"y=if(gt(val\\,{_CHANGED})\\,255\\,0)"),
            self._graph.add("buffersink"),
        ).configure()

    def share(self, picture: VideoFrame) -> int:
        """0 to 255; 0 for the first picture."""
        if picture.height != self._height:
            picture = picture.reformat(SMALL_WIDTH, self._height, "gray")
        picture.pts, picture.time_base = self._number, Fraction(1, 25)
        self._number += 1
        self._graph.push(picture)
        try:
            changed = self._graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return 0
        if not isinstance(changed, VideoFrame):
            return 0
        pixels = plane(changed)
        return math.ceil(255 * pixels.count(255) / len(pixels))


class _Strip:
    """Small pictures beside one another, from left to right."""

    def __init__(self, tiles: int, like: VideoFrame) -> None:
        self.filled = 0
        self._size = (SMALL_WIDTH, like.height)
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=SMALL_WIDTH,
            height=like.height,
            format=av.VideoFormat("yuvj420p", SMALL_WIDTH, like.height),
            time_base=Fraction(1, 25),
        )
        tile = self._graph.add("tile", f"{tiles}x1")
        self._graph.link_nodes(source, tile, self._graph.add("buffersink")).configure()

    def add(self, frame: VideoFrame) -> None:
        """The next picture."""
        picture = frame.reformat(*self._size, "yuvj420p", interpolation="AREA")
        picture.pts, picture.time_base = self.filled, Fraction(1, 25)
        self.filled += 1
        self._graph.push(picture)

    def finish(self) -> bytes:
        """All of them as one JPEG."""
        self._graph.push(None)
        whole = self._graph.pull()
        if not isinstance(whole, VideoFrame):
            raise MediaRefusedError("undecodable", "its pictures cannot be put together")
        return encode(whole, "mjpeg")
