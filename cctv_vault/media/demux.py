"""Inside the sandbox: opening footage, and telling when its pictures were shown.

Owns the places where containers disagree: which stream is the picture, streams without time stamps
(raw H.264), clocks that start anywhere (TS, DAV).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.limits import MAX_VIDEO_PIXELS
from cctv_vault.media.remote import RemoteFile
from cctv_vault.media.sniff import Sniffed, sniff

# What surveillance cameras and recorders write. Other decoders are never given a byte.
CODECS: Final = frozenset(
    {
        "h264", "hevc", "mjpeg", "mpeg4", "mpeg2video", "mpeg1video", "h263", "vp8", "vp9", "av1",
        "libdav1d", "msmpeg4", "msmpeg4v2",
    }
)  # fmt: skip
_DEMUXERS: Final = {"jpeg": "jpeg_pipe", "png": "png_pipe"}
_BARE: Final = frozenset({"h264", "hevc", "mpjpeg", "m4v", "mpegvideo"})
_FALLBACK_RATE: Final = Fraction(25)
# Key frames lie up to minutes apart ("smart codecs"); beyond that it is read from the start.
_SEARCH_BACK_S: Final = (0.0, 2.0, 10.0, 60.0, 300.0)
_RATES: Final = (Fraction(1, 3600), Fraction(240))


@dataclass(frozen=True)
class Footage:
    """An opened file and its picture stream."""

    container: InputContainer
    stream: VideoStream
    sniffed: Sniffed
    rate: Fraction  # pictures a second as announced; used where packets carry no time
    rate_known: bool

    @property
    def declared_s(self) -> float | None:
        """How long the container says it is, in seconds."""
        stream, container = self.stream, self.container
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return container.duration / av.time_base if container.duration else None

    @property
    def browser_playable(self) -> bool:
        """Whether browsers play these pictures as they are: H.264, eight bits, 4:2:0."""
        context = self.stream.codec_context
        return context.name == "h264" and context.pix_fmt in {"yuv420p", "yuvj420p"}

    @property
    def searchable(self) -> bool:
        """Whether it carries times at all; bare elementary streams are counted from the start."""
        return self.sniffed.demuxer not in _BARE

    def packets(self) -> Iterator["TimedPacket"]:
        """The picture packets from where the container stands, with their times."""
        return timed(self)

    def seek(self, second: float) -> bool:
        """Goes to the key frame before ``second`` on the stream's clock; whether it could."""
        base = self.stream.time_base
        if base is None or not self.searchable:
            return False
        try:
            self.container.seek(int(second / base), stream=self.stream, backward=True)
        except (av.error.FFmpegError, OverflowError, ValueError):
            return False
        return True


@dataclass(frozen=True)
class TimedPacket:
    """A packet, and when its picture is shown, in seconds on the stream's own clock."""

    packet: "Packet[VideoStream]"  # generic only in its annotations
    time: float
    timed: bool  # whether the container said so; otherwise counted from the rate


def open_footage(file: RemoteFile) -> Footage:
    """Opens a file with the demuxer its bytes call for.

    Raises:
        MediaRefusedError: it is no footage, or its pictures cannot be decoded here.
    """
    sniffed = sniff(file)
    file.seek(0)
    try:
        container = av.open(
            file,
            mode="r",
            format=_DEMUXERS.get(sniffed.demuxer, sniffed.demuxer),
            container_options={"protocol_whitelist": "", "max_streams": "64"},
            metadata_errors="replace",
            buffer_size=256 * 1024,
        )
    except (av.error.FFmpegError, OSError) as error:
        raise MediaRefusedError("undecodable", "its container is damaged beyond reading") from error
    stream = next((s for s in container.streams.video if not _is_cover(s)), None)
    if stream is None:
        raise MediaRefusedError("no-video", "there is no picture in it, only sound or data")
    _check_codec(stream)
    rate = stream.guessed_rate or stream.average_rate
    known = rate is not None and _RATES[0] <= rate <= _RATES[1]
    stream.codec_context.thread_count = 2
    return Footage(
        container, stream, sniffed, rate if rate is not None and known else _FALLBACK_RATE, known
    )


def timed(footage: Footage) -> Iterator[TimedPacket]:
    """Yields packets with their times; ends quietly where the file breaks off."""
    step = float(1 / footage.rate)
    last = -step
    packets = footage.container.demux(footage.stream)
    # Its packets count in the stream's units; asking each of them for a fraction takes longer than
    # copying its picture does.
    base = footage.stream.time_base
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        if not packet.size:
            continue
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and base:
            last = stamp * base.numerator / base.denominator
        else:
            last += step
        yield TimedPacket(packet, last, stamp is not None)


@dataclass(frozen=True)
class TimedFrame:
    """A decoded picture, and when it is shown, in seconds on the stream's own clock."""

    frame: VideoFrame
    time: float


def frames(footage: Footage) -> Iterator[TimedFrame]:
    """Decodes from where the container stands; damaged packets give no picture and no error."""
    decoder = footage.stream.codec_context
    step = float(1 / footage.rate)
    last: float | None = None
    for packet in chain(footage.packets(), (None,)):
        if last is None and packet is not None:
            last = packet.time - step
        try:
            decoded = decoder.decode(packet.packet if packet else None)
        except (av.error.FFmpegError, EOFError):
            continue
        for frame in decoded:
            base = frame.time_base or footage.stream.time_base
            if frame.pts is not None and base and footage.searchable:
                last = float(frame.pts * base)
            else:
                last = (last or 0.0) + step
            if frame.width * frame.height > MAX_VIDEO_PIXELS:
                raise picture_is_too_large(frame.width, frame.height)
            yield TimedFrame(frame, last)


def open_at(file: RemoteFile, offset_s: float) -> tuple[Footage, float]:
    """Opens footage standing at a key frame at or before ``offset_s`` after its first picture.

    Returns it with the time of the first picture on the stream's clock. Where the container cannot
    be searched, or goes astray, it stands at the beginning.
    """
    footage = open_footage(file)
    first = next(footage.packets(), None)
    if first is None:
        raise MediaRefusedError("no-frames", "it announces video and holds no frame")
    goal = first.time + offset_s
    if offset_s > 0 and first.timed:
        for further_back in _SEARCH_BACK_S:
            moment = goal - further_back
            if moment <= first.time or not footage.seek(moment):
                break
            if _keyframe_before(footage, goal) and footage.seek(moment):
                return footage, first.time
    return open_footage(file), first.time


def _keyframe_before(footage: Footage, goal: float) -> bool:
    """Whether a key frame at or before ``goal`` is met from here; TS and PS land anywhere."""
    for packet in footage.packets():
        if packet.time > goal:
            return False
        if packet.packet.is_keyframe:
            return True
    return False


def picture_is_too_large(width: int, height: int) -> MediaRefusedError:
    """The refusal of a video picture beyond the limit."""
    return MediaRefusedError(
        "too-large-picture",
        f"the video claims {width} × {height} pixels; no camera's has more than "
        f"{MAX_VIDEO_PIXELS // 1_000_000} million",
    )


def _is_cover(stream: VideoStream) -> bool:
    return "attached_pic" in str(stream.disposition)


def _check_codec(stream: VideoStream) -> None:
    # PyAV has no codec context where libavcodec has no decoder, whatever its annotations say.
    context = getattr(stream, "codec_context", None)
    name = context.name if context is not None else None
    if context is None or name not in CODECS:
        raise MediaRefusedError(
            "unknown-codec",
            "its pictures are in a coding that is not supported"
            + (f" ({name})" if isinstance(name, str) and name.isalnum() else ""),
        )
    if context.width * context.height > MAX_VIDEO_PIXELS:
        raise picture_is_too_large(context.width, context.height)
    context.options = {"max_pixels": str(MAX_VIDEO_PIXELS)}
