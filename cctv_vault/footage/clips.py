"""A playable stream of exactly a window in time, out of the recordings that cover it.

Owns what is said about a clip: what was asked, what was delivered, from which recordings, where
nothing was recorded. The pictures are copied as the camera coded them wherever a browser can play
them and coded anew where not; either way the plaintext passes through memory only. Whoever asks has
established that the window may be seen, and that sound is lawful before asking for it.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cctv_vault.errors import InvalidInputError
from cctv_vault.media.errors import MediaCrashError
from cctv_vault.media.limits import CLIP, PICTURE
from cctv_vault.media.sandbox import ByteSink, ByteSource, MediaSandbox

# By libavcodec's name. ``Probe.browser_playable`` is finer: ten-bit or 4:2:2 H.264 is not played.
_PLAYABLE: Final = frozenset({"h264"})
_EDGE_GAP: Final = timedelta(seconds=1)
_TOGETHER: Final = 1024 * 1024
_WHOLE_S: Final = 366 * 86_400.0


@dataclass(frozen=True)
class ClipSource:
    """One recording: its id, its readable bytes, and when its first picture was taken (aware).

    ``damaged`` is what probing said: such pictures are coded anew, because a browser stops at the
    first one that it cannot decode.
    """

    recording: str
    file: ByteSource
    started_at: datetime
    damaged: bool = False


@dataclass(frozen=True)
class Clip:
    """What a clip shows; all times aware.

    ``delivered_from`` lies before ``requested_from`` where copied pictures begin with the key frame
    they need (``starts_on_keyframe``), after it where nothing was recorded. ``recordings`` are
    those whose pictures are in it, in order; ``unreadable`` those in the window that gave none.
    ``gaps`` are the stretches of the requested window without pictures. ``transcoded`` says that
    the pictures were coded anew, ``codec`` what they are coded in.
    """

    requested_from: datetime
    requested_to: datetime
    delivered_from: datetime
    delivered_to: datetime
    codec: str
    recordings: tuple[str, ...]
    unreadable: tuple[str, ...]
    starts_on_keyframe: bool
    gaps: tuple[tuple[datetime, datetime], ...]
    transcoded: bool
    pictures: int


@dataclass(frozen=True)
class Rendition:
    """A whole recording as a browser plays it: its length in seconds, and whether coded anew."""

    duration_s: float
    codec: str
    transcoded: bool


def playable_codec(codec: str) -> bool:
    """Whether browsers play video in this coding as it is, so that a clip is a copy."""
    return codec in _PLAYABLE


def cut(
    sandbox: MediaSandbox,
    sources: Sequence[ClipSource],
    t0: datetime,
    t1: datetime,
    out: ByteSink,
    *,
    keep_audio: bool,
) -> Clip:
    """Writes the pictures of [t0, t1) to ``out`` as fragmented MP4 (H.264, sound as AAC).

    Where sources overlap, the later one is shown from its start.

    Raises:
        InvalidInputError: the window or a start is naive or reversed, or there is no source.
        MediaRefusedError: no readable picture lies in the window, or a limit was met. What was
            written to ``out`` until then is worthless.
    """
    with closing(ahead(stream(sandbox, sources, t0, t1, keep_audio=keep_audio))) as made:
        while True:
            try:
                chunk = next(made)
            except StopIteration as end:
                clip: Clip = end.value
                return clip
            out.write(chunk)


def stream(
    sandbox: MediaSandbox,
    sources: Sequence[ClipSource],
    t0: datetime,
    t1: datetime,
    *,
    keep_audio: bool,
) -> Generator[bytes, None, Clip]:
    """Like ``cut``, yielding the file as it is made; the generator's value is the ``Clip``.

    Nothing runs before the first chunk is asked for; closing the generator ends the work.
    """
    arguments = _arguments(sources, t0, t1, keep_audio=keep_audio)
    answer = yield from sandbox.stream("cut", arguments, [s.file for s in sources], CLIP)
    try:
        return _described(answer, sources, t0, t1)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise MediaCrashError("it answered nonsense") from error


def ahead(made: Generator[bytes, None, Clip]) -> Generator[bytes, None, Clip]:
    """The same clip; what comes next is read, checked and decrypted while a piece is written.

    The sources are another thread's alone until this ends or is closed.
    """
    with closing(made), ThreadPoolExecutor(1) as reading:
        following = reading.submit(_some, made)
        while True:
            chunks, clip = following.result()
            if clip is None:
                following = reading.submit(_some, made)
            yield from chunks
            if clip is not None:
                return clip


def _some(made: Generator[bytes, None, Clip]) -> tuple[list[bytes], Clip | None]:
    """The next chunks of a clip, a megabyte or more, and what it is once it is whole."""
    chunks: list[bytes] = []
    size = 0
    while size < _TOGETHER:
        try:
            chunks.append(next(made))
        except StopIteration as end:
            return chunks, end.value
        size += len(chunks[-1])
    return chunks, None


def first_picture(
    sandbox: MediaSandbox, sources: Sequence[ClipSource], t0: datetime, t1: datetime
) -> datetime:
    """When the first picture of a clip of [t0, t1) is shown, without making the clip.

    Raises:
        As `stream`, when it is asked for its first chunk.
    """
    arguments = _arguments(sources, t0, t1, keep_audio=False)
    answer = sandbox.run("begins", arguments, [source.file for source in sources], PICTURE)
    try:
        return t0 + timedelta(seconds=float(str(answer["first"])))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MediaCrashError("it answered nonsense") from error


def remux_for_browser(
    sandbox: MediaSandbox,
    file: ByteSource,
    out: ByteSink,
    *,
    keep_audio: bool,
    damaged: bool = False,
) -> Rendition:
    """Writes a whole recording to ``out`` as a browser plays it (fragmented MP4, H.264).

    Raises:
        MediaRefusedError: no readable picture is in it, or a limit was met.
    """
    arguments = {
        "starts": [0.0],
        "from": 0.0,
        "to": _WHOLE_S,
        "keep_audio": keep_audio,
        "encode": damaged,
    }
    answer = sandbox.run("cut", arguments, [file], CLIP, out)
    try:
        length = timedelta(seconds=answer["delivered_to"] - answer["delivered_from"])
        return Rendition(
            duration_s=length.total_seconds(),
            codec="h264",
            transcoded=answer["transcoded"] is True,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MediaCrashError("it answered nonsense") from error


def _arguments(
    sources: Sequence[ClipSource], t0: datetime, t1: datetime, *, keep_audio: bool
) -> dict[str, Any]:
    if not sources:
        raise InvalidInputError("no recording lies in this window")
    if any(moment.tzinfo is None for moment in (t0, t1, *(s.started_at for s in sources))):
        raise InvalidInputError("a clip's window and its recordings need times with an offset")
    if t0 >= t1:
        raise InvalidInputError("a clip must end after it begins")
    return {
        "starts": [(source.started_at - t0).total_seconds() for source in sources],
        "from": 0.0,
        "to": (t1 - t0).total_seconds(),
        "keep_audio": keep_audio,
        "encode": any(source.damaged for source in sources),
    }


def _described(
    answer: dict[str, Any], sources: Sequence[ClipSource], t0: datetime, t1: datetime
) -> Clip:
    def moment(seconds: object) -> datetime:
        return t0 + timedelta(seconds=float(str(seconds)))

    def names(numbers: list[int]) -> tuple[str, ...]:
        if any(not 0 <= number < len(sources) for number in numbers):
            raise ValueError("a source that was not given")
        return tuple(dict.fromkeys(sources[number].recording for number in numbers))

    delivered_from, delivered_to = moment(answer["delivered_from"]), moment(answer["delivered_to"])
    gaps = [(moment(start), moment(end)) for start, end in answer["gaps"]]
    if delivered_from - t0 > _EDGE_GAP:
        gaps.insert(0, (t0, delivered_from))
    if t1 - delivered_to > _EDGE_GAP:
        gaps.append((delivered_to, t1))
    return Clip(
        requested_from=t0,
        requested_to=t1,
        delivered_from=delivered_from,
        delivered_to=delivered_to,
        codec="h264",
        recordings=names(answer["used"]),
        unreadable=names(answer["unreadable"]),
        starts_on_keyframe=answer["starts_on_keyframe"] is True,
        gaps=tuple(gaps),
        transcoded=answer["transcoded"] is True,
        pictures=int(answer["pictures"]),
    )
