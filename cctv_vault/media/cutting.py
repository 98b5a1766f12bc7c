"""Inside the sandbox: one playable stream out of recordings that follow one another.

Packets are copied wherever a browser can play them, by name where the files' own indexes tell where
they lie; otherwise the pictures are decoded and encoded again as H.264. The output is fragmented
MP4, written forward only. Times are seconds on one clock
of the caller's choosing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
import av.logging
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from cctv_vault.media.demux import Footage, TimedFrame, TimedPacket, frames, open_at, open_footage
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.fragments import Fragments
from cctv_vault.media.layout import laid_out
from cctv_vault.media.remote import Output, RemoteFile

_CLOCK: Final = 90_000
_TICK: Final = Fraction(1, _CLOCK)
# The muxer's own clock may be coarser than ours, but ticks at least ten times a millisecond; two
# pictures of one of its ticks it refuses, and where recordings meet two may be of one moment.
_APART: Final = _CLOCK // 1000
_BETWEEN_GAP_S: Final = 1.0  # between two recordings
_WITHIN_GAP_S: Final = 5.0  # inside one, where pictures may be sparse
# From the type of a movie or media header (version 0) to its units a second and its length in
# them: ISO/IEC 14496-12, 8.2.2 and 8.4.2.
_BOX_CLOCK: Final = 16
_BOX_LENGTH: Final = 20
_HEADER_LIMIT: Final = 1024 * 1024
_MOVFLAGS: Final = "frag_keyframe+empty_moov+default_base_moof+skip_trailer"
_AAC_RATES: Final = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


@dataclass(frozen=True)
class _Source:
    """One recording: where it begins, and until when it is used, on the caller's clock."""

    number: int
    file: RemoteFile
    starts: float
    until: float


@dataclass
class _Told:
    """What was delivered, gathered while it is written."""

    first: float | None = None
    last: float = 0.0
    step: float = 0.0
    on_keyframe: bool = True
    pictures: int = 0
    used: list[int] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)

    def see(self, source: _Source, time: float, step: float) -> None:
        new = not self.used or self.used[-1] != source.number
        if self.first is None:
            self.first = self.last = time
        elif time - self.last > self.step + (_BETWEEN_GAP_S if new else _WITHIN_GAP_S + step):
            self.gaps.append((self.last + self.step, time))
        if new:
            self.used.append(source.number)
        self.last, self.step = max(self.last, time), step
        self.pictures += 1


def cut(arguments: dict[str, Any], files: list[RemoteFile], out: Output) -> dict[str, Any]:
    """The operation ``cut``: ``starts``, ``from``, ``to``, ``keep_audio``, ``encode`` always."""
    t0 = float(arguments["from"])
    told = _Told()
    with av.logging.Capture():  # the damage is known from probing
        plan = _Plan(files, arguments)
        if plan.copies and plan.laid_out and not arguments["keep_audio"]:
            _name(plan, t0, told, out)
        else:
            _carry(plan, t0, told, out, keep_audio=arguments["keep_audio"])
    return {
        "delivered_from": told.first,
        "delivered_to": told.last + told.step,
        "used": told.used,
        "unreadable": plan.unreadable,
        "gaps": told.gaps,
        "starts_on_keyframe": told.on_keyframe,
        "transcoded": not plan.copies,
        "pictures": told.pictures,
    }


def begins(arguments: dict[str, Any], files: list[RemoteFile], _out: Output) -> dict[str, Any]:
    """The operation ``begins``: when the first picture of such a cut is shown."""
    t0 = float(arguments["from"])
    with av.logging.Capture():
        plan = _Plan(files, arguments)
        for source in plan.sources:
            footage, origin = open_at(source.file, t0 - source.starts)
            shift = source.starts - origin
            if plan.copies:
                times = (each.time + shift for each in _from_keyframe(footage, t0 - shift))
            else:
                shown = (each.time + shift for each in frames(footage))
                times = (each for each in shown if each >= t0)
            first = next(times, source.until)
            footage.container.close()
            source.file.forget()
            if first < source.until:
                return {"first": first, "transcoded": not plan.copies}
    raise MediaRefusedError("no-frames", "no picture lies within that window")


def _carry(plan: "_Plan", t0: float, told: _Told, out: Output, *, keep_audio: bool) -> None:
    """Every picture is read, and written again."""
    sink = _Sink(out)
    target = _opened(sink)
    sound = _Sound(target, plan, t0) if keep_audio else None
    clip = _Clip(target, plan, t0, told, sink, sound)
    if plan.copies:
        _copy(clip)
    else:
        _encode(clip)
    if told.first is None:
        raise _nothing_there()
    if sound is not None:
        sound.pump(told.last + told.step)
        sound.finish()
    target.close()


def _name(plan: "_Plan", t0: float, told: _Told, out: Output) -> None:
    """Only the headers are written; of the pictures it is told where they lie."""
    fragments: Fragments | None = None
    base = 0.0
    for source in plan.sources:
        footage = open_footage(source.file)
        layout = laid_out(footage, source.file)
        if layout is None:
            raise _nothing_there()
        shift = source.starts - layout.first_s
        step = float(1 / footage.rate)
        for sample in layout.window(t0 - shift, source.until - shift):
            time = layout.time(sample) + shift
            if fragments is None:
                base = time
                fragments = Fragments(out, _header(footage, plan.ends - time))
            told.see(source, time, step)
            fragments.add(source.file, sample, time - base, step)
        footage.container.close()
        source.file.forget()
    if fragments is None:
        raise _nothing_there()
    fragments.finish()


def _nothing_there() -> MediaRefusedError:
    return MediaRefusedError("no-frames", "no picture lies within that window")


def _opened(sink: "_Sink") -> OutputContainer:
    # libavformat takes PyAV's word for options; nothing of the footage is among them.
    return av.open(
        sink, "w", format="mp4", container_options={"movflags": _MOVFLAGS}, buffer_size=1 << 18
    )


def _header(footage: Footage, duration_s: float) -> bytes:
    """What a film of such pictures begins with, as libavformat writes it."""
    whole = _Whole()
    sink = _Sink(whole)
    sink.duration_s = duration_s
    with _opened(sink) as target:
        target.add_stream_from_template(footage.stream, opaque=True)
        target.start_encoding()
    return b"".join(whole.parts)


class _Whole:
    """What is written, kept together."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)


class _Plan:
    """Which sources are used and whether their packets can be copied into one stream."""

    def __init__(self, files: list[RemoteFile], arguments: dict[str, Any]) -> None:
        starts = [float(start) for start in arguments["starts"]]
        t0, t1 = float(arguments["from"]), float(arguments["to"])
        self.sources: list[_Source] = []
        self.unreadable: list[int] = []
        self.ends = t0
        self.copies = not arguments["encode"]
        self.laid_out = True
        first: tuple[object, ...] | None = None
        order = sorted(range(len(files)), key=starts.__getitem__)
        for place, number in enumerate(order):
            begins = starts[number]
            until = min([t1, *(starts[later] for later in order[place + 1 : place + 2])])
            if begins >= t1 or until <= t0:
                continue
            file = files[number]
            looked_at = _look(file)
            if looked_at is None:
                self.unreadable.append(number)
                continue
            footage, packet = looked_at
            context = footage.stream.codec_context
            likeness = (context.width, context.height, context.extradata)
            first = first or likeness
            self.copies = (
                self.copies
                and footage.browser_playable
                and bool(context.extradata)
                and likeness == first
                # Without time stamps the order of showing is known only to a decoder.
                and (packet.timed or not context.has_b_frames)
            )
            self.laid_out = self.laid_out and laid_out(footage, file) is not None
            self.sources.append(_Source(number, file, begins, until))
            self.ends = max(self.ends, min(until, begins + (footage.declared_s or 0.0)))
            footage.container.close()
            file.forget()
        if not self.sources:
            raise MediaRefusedError("no-frames", "no readable footage lies within that window")


def _look(file: RemoteFile) -> tuple[Footage, TimedPacket] | None:
    """Opened footage and its first packet, or None where there is nothing to see."""
    try:
        footage = open_footage(file)
    except MediaRefusedError:
        return None
    packet = next(footage.packets(), None)
    return None if packet is None else (footage, packet)


class _Sink:
    """Forwards the output, and writes into its header how long it is going to be.

    libavformat leaves the lengths in the header of a fragmented file at nothing, so a player that
    has only begun to load shows a clip that grows; Chromium takes a track's length from there.
    """

    def __init__(self, out: "Output | _Whole") -> None:
        self._out = out
        self._held: bytearray | None = bytearray()
        self.duration_s = 0.0

    def write(self, data: bytes) -> int:
        if self._held is None:
            return self._out.write(data)
        self._held += data
        movie = self._held.find(b"moov") - 4
        if movie >= 0:
            end = movie + int(struct.unpack_from(">I", self._held, movie)[0])
            whole = len(self._held) >= end
            if whole:
                self._fill_in(self._held, end)
        else:
            whole = len(self._held) > _HEADER_LIMIT
        if whole:
            self._out.write(bytes(self._held))
            self._held = None
        return len(data)

    def _fill_in(self, header: bytearray, end: int) -> None:
        """Sets the length of the movie and of each track, each in its own unit."""
        for box in (b"mvhd", b"mdhd"):
            at = header.find(box, 0, end)
            while at >= 0:
                (clock,) = struct.unpack_from(">I", header, at + _BOX_CLOCK)
                length = min(round(max(0.0, self.duration_s) * clock), 0xFFFF_FFFE)
                struct.pack_into(">I", header, at + _BOX_LENGTH, length)
                at = header.find(box, at + 4, end)


@dataclass
class _Clip:
    """What is being written, and the moment of its first picture, which its times count from."""

    target: OutputContainer
    plan: _Plan
    t0: float
    told: _Told
    sink: _Sink
    sound: "_Sound | None"
    base: float = 0.0

    def begin(self, time: float) -> None:
        """The first picture is known, and with it how long the clip will be."""
        self.base = time
        self.sink.duration_s = self.plan.ends - time
        if self.sound is not None:
            self.sound.base = time

    def hear(self, until: float) -> None:
        """Lets the sound catch up with the pictures."""
        if self.sound is not None:
            self.sound.pump(until)


def _copy(clip: _Clip) -> None:
    stream: VideoStream | None = None
    last_dts = -(1 << 62)
    for source in clip.plan.sources:
        footage, origin = open_at(source.file, clip.t0 - source.starts)
        shift = source.starts - origin
        step, base = float(1 / footage.rate), footage.stream.time_base
        for packet in _from_keyframe(footage, clip.t0 - shift):
            raw, time = packet.packet, packet.time + shift
            decoding = time
            if raw.dts is not None and base and packet.timed:
                decoding = raw.dts * base.numerator / base.denominator + shift
            if decoding >= source.until:
                break
            if stream is None:
                stream = clip.target.add_stream_from_template(footage.stream, opaque=True)
                clip.begin(time)
            clip.told.see(source, time, step)
            pts = round((time - clip.base) * _CLOCK)
            dts = round((decoding - clip.base) * _CLOCK)
            dts = max(dts, last_dts + _APART)
            last_dts = dts
            raw.time_base = _TICK
            raw.pts, raw.dts, raw.stream = max(pts, dts), dts, stream
            raw.duration = round(step * _CLOCK)
            clip.target.mux(raw)
            clip.hear(time)
        footage.container.close()
        source.file.forget()


def _from_keyframe(footage: Footage, moment: float) -> Iterator[TimedPacket]:
    """Packets from the last key frame at or before ``moment``, or else from the first one."""
    waiting: list[TimedPacket] = []
    begun = False
    for packet in footage.packets():
        if begun:
            yield packet
            continue
        if packet.time > moment and waiting:
            begun = True
            yield from waiting
            yield packet
            waiting = []
        elif packet.packet.is_keyframe:
            waiting = [packet]
        elif waiting:
            waiting.append(packet)
    # It ended before the moment came: its last picture may still have been showing.
    if waiting and waiting[-1].time + 1 / footage.rate > moment:
        yield from waiting


def _encode(clip: _Clip) -> None:
    stream: VideoStream | None = None
    last_pts = -1
    for source in clip.plan.sources:
        footage, origin = open_at(source.file, clip.t0 - source.starts)
        shift = source.starts - origin
        step = float(1 / footage.rate)
        for shown in frames(footage):
            time = shown.time + shift
            if time >= source.until:
                break
            if time < clip.t0:
                continue
            if stream is None:
                stream = _encoder(clip.target, footage, shown)
                clip.begin(time)
            clip.told.see(source, time, step)
            context = stream.codec_context
            picture = shown.frame.reformat(context.width, context.height, "yuv420p")
            last_pts = max(last_pts + 1, round((time - clip.base) * _CLOCK))
            picture.pts, picture.time_base = last_pts, _TICK
            picture.pict_type = PictureType.NONE
            clip.target.mux(stream.encode(picture))
            clip.hear(time)
        footage.container.close()
        source.file.forget()
    if stream is not None:
        clip.target.mux(stream.encode(None))


def _encoder(target: OutputContainer, footage: Footage, shown: TimedFrame) -> VideoStream:
    rate = footage.rate.limit_denominator(1001)
    stream = target.add_stream("libx264", rate=rate)
    stream.width = max(2, shown.frame.width // 2 * 2)
    stream.height = max(2, shown.frame.height // 2 * 2)
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = _TICK
    stream.codec_context.gop_size = max(1, round(2 * rate))
    stream.codec_context.max_b_frames = 0
    if footage.stream.sample_aspect_ratio:
        stream.codec_context.sample_aspect_ratio = footage.stream.sample_aspect_ratio
    # libx264's quality factor 20 is beyond what an eye tells from the source at camera bit rates.
    stream.options = {"preset": "veryfast", "crf": "20"}
    return stream


class _Sound:
    """The sound beside the pictures, always encoded anew as AAC, which every browser plays."""

    def __init__(self, target: OutputContainer, plan: _Plan, t0: float) -> None:
        self.base = 0.0
        self._target = target
        self._plan, self._t0 = plan, t0
        self._stream: AudioStream | None = None
        self._last_pts = -1
        self._frames = self._decode()
        self._next: tuple[float, Any] | None = None
        for source in plan.sources:
            container = open_footage(source.file.twin()).container
            if container.streams.audio:
                rate = container.streams.audio[0].rate or 0
                rate = rate if rate in _AAC_RATES else 48_000
                self._stream = target.add_stream("aac", rate=rate, layout="mono")
                self._next = next(self._frames, None)
                break

    def pump(self, until: float) -> None:
        """Writes the sound up to ``until``."""
        while self._stream is not None and self._next is not None and self._next[0] < until:
            time, frame = self._next
            if time >= self.base:
                clock = frame.sample_rate
                pts = max(self._last_pts + 1, round((time - self.base) * clock))
                self._last_pts = pts + frame.samples - 1
                frame.pts, frame.time_base = pts, Fraction(1, clock)
                self._target.mux(self._stream.encode(frame))
            self._next = next(self._frames, None)

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        if self._stream is not None:
            self._target.mux(self._stream.encode(None))

    def _decode(self) -> Iterator[tuple[float, Any]]:
        for source in self._plan.sources:
            footage, origin = open_at(source.file.twin(), self._t0 - source.starts)
            shift = source.starts - origin
            for frame in _heard(footage):
                if frame.time is None:
                    continue
                time = float(frame.time) + shift
                if time >= source.until:
                    break
                yield time, frame


def _heard(footage: Footage) -> Iterator[Any]:
    """Decoded sound; damaged packets are left out."""
    if not footage.container.streams.audio:
        return
    packets = footage.container.demux(footage.container.streams.audio[0])
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        try:
            yield from packet.decode()
        except (av.error.FFmpegError, EOFError):
            continue
