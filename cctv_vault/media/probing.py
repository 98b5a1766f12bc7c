"""Inside the sandbox: what a file holds, how long it is, and whether it can really be decoded.

A header is a claim. What is reported is what was found by reading: of a small file every packet, of
a large one the beginning and the end, and a few frames decoded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import av
import av.logging
from av.video.frame import VideoFrame

from cctv_vault.media.demux import Footage, TimedPacket, open_footage, picture_is_too_large
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.limits import (
    DECODE_FRAMES,
    DECODE_PIXELS,
    FULL_SCAN_BYTES,
    MAX_VIDEO_PIXELS,
)
from cctv_vault.media.picture import read_still
from cctv_vault.media.remote import Output, RemoteFile
from cctv_vault.media.sniff import sniff

_HEAD_PACKETS: Final = 400
_TAIL_S: Final = 2.0
_SLOWEST: Final = 0.02  # pictures a second: slower than one in 50 s is a broken time base
_DAV_EPOCH: Final = 946_684_800  # DAV time stamps are dates; none lies before 2000


@dataclass
class _Scan:
    """What was met while reading packets."""

    packets: int = 0
    keyframes: int = 0
    corrupt: int = 0
    first_is_key: bool = False
    timed: bool = True
    starts: float = 0.0
    ends: float = 0.0
    last_step: float = 0.0
    head: list[TimedPacket] = field(default_factory=list)

    def see(self, packet: TimedPacket) -> None:
        if self.packets == 0:
            self.first_is_key = bool(packet.packet.is_keyframe)
            self.starts = self.ends = packet.time
        self.packets += 1
        self.keyframes += bool(packet.packet.is_keyframe)
        self.corrupt += bool(packet.packet.is_corrupt)
        self.timed &= packet.timed
        self.starts = min(self.starts, packet.time)
        if packet.time > self.ends:
            self.last_step = packet.time - self.ends
            self.ends = packet.time


def probe(_: dict[str, Any], files: list[RemoteFile], __: Output) -> dict[str, Any]:
    """The operation ``probe``: one source; answers the fields of ``ingest.probe.Probe``."""
    (file,) = files
    sniffed = sniff(file)
    if sniffed.still:
        return read_still(file, sniffed)
    with av.logging.Capture() as log:
        footage = open_footage(file)
        whole = file.size <= FULL_SCAN_BYTES
        scan = _Scan()
        decoded, width, height = _decode_while_scanning(footage, scan, whole=whole)
        declared = footage.declared_s
        if not whole and not _tail(footage, scan, declared):
            # The end is not where the header says: only reading it all tells what is there.
            footage = open_footage(file)
            scan = _Scan()
            for packet in footage.packets():
                scan.see(packet)
        complaints = len(log)
    if scan.packets == 0:
        raise MediaRefusedError(
            "no-frames", "it announces video, and what should hold the frames is missing"
        )
    if decoded == 0:
        raise MediaRefusedError("undecodable", "none of its frames can be decoded")
    return _report(footage, scan, (decoded, width, height), declared, complaints)


def stills(_: dict[str, Any], files: list[RemoteFile], __: Output) -> dict[str, Any]:
    """The operation ``stills``: many sources; for each that is a readable still what `probe` says.

    Null for all others: whatever is wrong with one, or is no picture, is looked at by itself.
    """
    return {"stills": [_still_or_none(file) for file in files]}


def _still_or_none(file: RemoteFile) -> dict[str, Any] | None:
    try:
        sniffed = sniff(file)
        return read_still(file, sniffed) if sniffed.still else None
    except MediaRefusedError:
        return None
    finally:
        file.forget()


def _report(
    footage: Footage,
    scan: _Scan,
    decoded: tuple[int, int, int],
    declared: float | None,
    complaints: int,
) -> dict[str, Any]:
    context = footage.stream.codec_context
    faults = list(footage.sniffed.faults)
    span = scan.ends - scan.starts
    fps = (scan.packets - 1) / span if span > 0 and scan.packets > 1 else None
    if footage.rate_known and (fps is None or len(scan.head) < scan.packets):
        fps = float(footage.rate)
    duration: float | None = span + (
        float(1 / footage.rate) if footage.rate_known else scan.last_step
    )
    if fps is not None and fps < _SLOWEST:
        faults.append("timing-implausible")
        duration, fps = None, None
    elif not scan.timed and not footage.rate_known:
        faults.append("timing-unknown")
        duration = None
    elif declared is not None and duration is not None and _differ(declared, duration):
        faults.append("duration-untrue")
    if (complaints or scan.corrupt) and "damaged" not in faults:
        faults.append("damaged")
    if not scan.first_is_key:
        faults.append("no-initial-keyframe")
    frames, width, height = decoded
    return {
        "kind": "video",
        "container": footage.sniffed.demuxer,
        "codec": context.name,
        "width": width,
        "height": height,
        "fps": fps,
        "duration_s": duration,
        "has_audio": bool(footage.container.streams.audio),
        "creation_time": _creation_time(footage, scan),
        "frames_seen": frames,
        "keyframes_sane": scan.first_is_key and scan.keyframes > 0,
        "browser_playable": footage.browser_playable,
        "open_ended": footage.sniffed.open_ended,
        "faults": faults,
    }


def _decode_while_scanning(footage: Footage, scan: _Scan, *, whole: bool) -> tuple[int, int, int]:
    """Reads packets and decodes the first ones; frames decoded, and the picture's size."""
    decoder = footage.stream.codec_context
    seen, width, height = 0, 0, 0
    enough = DECODE_FRAMES[0]
    for packet in footage.packets():
        scan.see(packet)
        if len(scan.head) < _HEAD_PACKETS:
            scan.head.append(packet)
        elif not whole:
            break
        if seen < enough:
            for frame in _decode(decoder.decode, packet):
                if frame.width * frame.height > MAX_VIDEO_PIXELS:
                    raise picture_is_too_large(frame.width, frame.height)
                if seen == 0:
                    width, height = frame.width, frame.height
                    enough = min(
                        DECODE_FRAMES[1],
                        max(DECODE_FRAMES[0], DECODE_PIXELS // max(1, width * height)),
                    )
                seen += 1
    if seen < enough:
        for frame in _decode(decoder.decode, None):
            seen += 1
            width, height = width or frame.width, height or frame.height
    return seen, width, height


def _decode(decode: Any, packet: TimedPacket | None) -> Iterator[VideoFrame]:  # noqa: ANN401
    """Decodes one packet, or with None what the decoder still holds; a bad packet gives nothing."""
    try:
        yield from decode(packet.packet if packet else None)
    except (av.error.FFmpegError, EOFError):
        return


def _tail(footage: Footage, scan: _Scan, declared: float | None) -> bool:
    """Looks at the last seconds; whether footage reaches to where the header says it ends."""
    if declared is None or not footage.seek(scan.starts + max(0.0, declared - _TAIL_S)):
        return False
    met = 0
    for packet in footage.packets():
        scan.ends = max(scan.ends, packet.time)
        scan.corrupt += bool(packet.packet.is_corrupt)
        met += 1
    found = scan.ends - scan.starts
    return met > 0 and not _differ(declared, found)


def _differ(declared: float, found: float) -> bool:
    return abs(declared - found) > max(2.0, 0.05 * found)


def _creation_time(footage: Footage, scan: _Scan) -> str | None:
    """As ISO 8601: with an offset where the container means UTC, without where it means local."""
    if footage.sniffed.demuxer == "dhav" and scan.starts > _DAV_EPOCH:
        shown = datetime.fromtimestamp(scan.starts, UTC)  # the recorder's own calendar
        return shown.replace(tzinfo=None).isoformat()
    for metadata in (footage.container.metadata, footage.stream.metadata):
        for name in ("creation_time", "date", "IDIT"):
            if text := metadata.get(name):
                return text[:64]
    return None
