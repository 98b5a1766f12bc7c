"""Inside the sandbox: single pictures: stills, posters and thumbnails, exact frames of video."""

import re
from fractions import Fraction
from typing import Any, Final, Literal

import av
import av.filter
import av.logging
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from cctv_vault.media.demux import TimedFrame, frames, open_at, open_footage
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.limits import MAX_STILL_BYTES
from cctv_vault.media.remote import Output, RemoteFile
from cctv_vault.media.sniff import Sniffed, sniff
from cctv_vault.media.view import Looker, small_grey

_CODECS: Final = {"jpeg": "mjpeg", "png": "png"}
_JPEG_PIXELS: Final = "yuvj420p"
_EXIF_TIME: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_EXIF_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d")
_EXIF_OFFSET_TAG: Final = "ExifIFD/0x9011"  # OffsetTimeOriginal, which libavutil has no name for
_TURNS: Final = {90: "cclock", -270: "cclock", -90: "clock", 270: "clock"}
# Time bases round; a frame this close after the asked moment is the one that was meant.
_CLOSE_ENOUGH_S: Final = 0.002
# No coding shows a picture further after the place it is stored in.
_MOST_REORDERED: Final = 64


def warm_up() -> None:
    """Makes libav look up and open what it will need, before files cannot be opened any more."""
    blank = VideoFrame(16, 16, _JPEG_PIXELS)
    encode(blank, "mjpeg")
    encode(blank.reformat(format="rgb24"), "png")
    _turned(blank, 180)
    Looker().see(small_grey(blank), 0.0)
    encoder = _codec("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.encode(VideoFrame(64, 64, "yuv420p"))
    encoder.encode(None)


def read_still(file: RemoteFile, sniffed: Sniffed) -> dict[str, Any]:
    """Decodes a still and describes it, in the fields of ``ingest.probe.Probe``."""
    with av.logging.Capture() as log:
        frame = _decode_still(file, sniffed)
        complaints = len(log)
    faults = list(sniffed.faults)
    if complaints and not faults:
        faults.append("damaged")
    return {
        "kind": "still",
        "container": sniffed.demuxer,
        "codec": _CODECS[sniffed.demuxer],
        "width": frame.width,
        "height": frame.height,
        "fps": None,
        "duration_s": None,
        "has_audio": False,
        "creation_time": _exif_time(frame),
        "frames_seen": 1,
        "keyframes_sane": True,
        "browser_playable": True,
        "open_ended": False,
        "faults": faults,
    }


def poster(arguments: dict[str, Any], files: list[RemoteFile], out: Output) -> dict[str, Any]:
    """The operation ``poster``: a JPEG no wider than ``width``, near ``offset_s``.

    With ``look`` it also answers what that picture says of the camera.
    """
    (file,) = files
    found = _frame_at(file, float(arguments["offset_s"]), exact=False)
    upright = _turned(found.frame, _rotation(found.frame))
    width = max(2, min(int(arguments["width"]), upright.width) // 2 * 2)
    height = max(2, round(upright.height * width / upright.width / 2) * 2)
    out.write(encode(upright.reformat(width, height, _JPEG_PIXELS), "mjpeg"))
    looker = Looker()
    if arguments.get("look"):
        looker.see(small_grey(found.frame), 0.0)
    return {**_described(found, width, height), "look": looker.told()}


def frame(arguments: dict[str, Any], files: list[RemoteFile], out: Output) -> dict[str, Any]:
    """The operation ``frame``: the picture shown at ``offset_s``, untouched in size, as PNG."""
    (file,) = files
    found = _frame_at(file, float(arguments["offset_s"]), exact=True)
    upright = _turned(found.frame, _rotation(found.frame))
    out.write(encode(upright.reformat(format="rgb24"), "png"))
    return {
        **_described(found, upright.width, upright.height),
        "number": _number(file, found.time),
    }


def _number(file: RemoteFile, offset_s: float) -> int:
    """Which picture of the file is shown at ``offset_s``, from 1, as the container counts them.

    Those that cannot be decoded count too, so that any program finds the same one.
    """
    if sniff(file).still:
        return 1
    shown = late = 0
    first: float | None = None
    for packet in open_footage(file).packets():
        first = packet.time if first is None else first
        if packet.time - first <= offset_s + _CLOSE_ENOUGH_S:
            shown, late = shown + 1, 0
        elif (late := late + 1) > _MOST_REORDERED:
            break
    return max(shown, 1)


def _described(found: TimedFrame, width: int, height: int) -> dict[str, Any]:
    base = found.frame.time_base
    return {
        "width": width,
        "height": height,
        "offset_s": found.time,
        "pts": found.frame.pts,
        "time_base": f"{base.numerator}/{base.denominator}"
        if base and found.frame.pts is not None
        else None,
    }


def _frame_at(file: RemoteFile, offset_s: float, *, exact: bool) -> TimedFrame:
    """The last frame shown at or before ``offset_s``; of key frames only unless ``exact``.

    Times of the answer count from the first picture of the file.
    """
    sniffed = sniff(file)
    if sniffed.still:
        return TimedFrame(_decode_still(file, sniffed), 0.0)
    footage, start = open_at(file, offset_s)
    if not exact and footage.searchable:
        footage.stream.codec_context.skip_frame = "NONKEY"
    best: TimedFrame | None = None
    for shown in frames(footage):
        if best is not None and shown.time - start > offset_s + _CLOSE_ENOUGH_S:
            break
        best = shown
    if best is None and not exact:  # damaged where its key frames should be
        return _frame_at(file, offset_s, exact=True)
    if best is None:
        raise MediaRefusedError("undecodable", "none of its frames can be decoded")
    return TimedFrame(best.frame, best.time - start)


def _decode_still(file: RemoteFile, sniffed: Sniffed) -> VideoFrame:
    if file.size > MAX_STILL_BYTES:
        raise MediaRefusedError(
            "too-large-picture",
            f"a picture of more than {MAX_STILL_BYTES >> 20} MiB is no camera's",
        )
    file.seek(0)
    decoder = _codec(_CODECS[sniffed.demuxer], "r")
    try:
        found = [*decoder.decode(Packet(file.read())), *decoder.decode(None)]
    except (av.error.FFmpegError, EOFError):
        found = []
    if not found:
        raise MediaRefusedError("undecodable", "the picture cannot be decoded")
    return found[0]


def _codec(name: str, mode: Literal["r", "w"]) -> VideoCodecContext:
    context = VideoCodecContext.create(name, mode)
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{name} is no coding of pictures")
    return context


def encode(picture: VideoFrame, codec: str) -> bytes:
    """A picture as JPEG (``mjpeg``) or PNG (``png``)."""
    encoder = _codec(codec, "w")
    encoder.width, encoder.height = picture.width, picture.height
    encoder.pix_fmt = picture.format.name
    encoder.time_base = Fraction(1, 25)
    if codec == "mjpeg":
        encoder.options = {"qmin": "3", "qmax": "5"}
    picture.pts, picture.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))


def _rotation(picture: VideoFrame) -> int:
    """Degrees counter-clockwise the container asks for, rounded to quarters."""
    try:
        return round(picture.rotation / 90) * 90
    except ValueError:  # PyAV 18 fails on side data newer than its list
        return 0


def _turned(picture: VideoFrame, degrees: int) -> VideoFrame:
    if degrees % 360 == 0:
        return picture
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=Fraction(1, 25),
    )
    steps = (
        [graph.add("hflip"), graph.add("vflip")]
        if degrees % 360 == 180  # noqa: PLR2004 - half a turn
        else [graph.add("transpose", _TURNS[degrees])]
    )
    graph.link_nodes(source, *steps, graph.add("buffersink")).configure()
    graph.push(picture)
    turned = graph.pull()
    if not isinstance(turned, VideoFrame):
        raise MediaRefusedError("undecodable", "the picture cannot be turned upright")
    turned.pts, turned.time_base = picture.pts, picture.time_base
    return turned


def _exif_time(picture: VideoFrame) -> str | None:
    """EXIF DateTimeOriginal, with its offset where there is one (Exif 2.31, 4.6.5)."""
    match = _EXIF_TIME.fullmatch(picture.metadata.get("ExifIFD/DateTimeOriginal", "").strip("\0 "))
    if match is None:
        return None
    offset = picture.metadata.get(_EXIF_OFFSET_TAG, "").strip("\0 ")
    year, month, day, time = match.groups()
    return f"{year}-{month}-{day}T{time}" + (offset if _EXIF_OFFSET.fullmatch(offset) else "")
