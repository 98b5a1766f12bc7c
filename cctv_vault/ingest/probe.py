"""What an arriving file is, found out without trusting it.

Owns the border between a sandboxed job's answer and the product: the answer is checked field by
field here. It refuses nothing that shows a picture, however damaged; damage is a fault, and a
refusal says in one sentence what is wrong with the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from cctv_vault.ingest.identify import ContainerTime
from cctv_vault.media.errors import MediaCrashError, MediaRefusedError
from cctv_vault.media.limits import PROBE
from cctv_vault.media.sandbox import ByteSource, MediaSandbox

_WORD: Final = re.compile(r"[a-z0-9_-]{1,32}")
_MAX_SIDE: Final = 100_000
_MAX_SECONDS: Final = 366 * 86_400.0
_MAX_RATE: Final = 1000.0

FAULTS: Final = {
    "cut-short": "the file breaks off before its end",
    "damaged": "some of the pictures are damaged",
    "no-initial-keyframe": "the first pictures cannot be shown: the stream begins in the middle",
    "duration-untrue": "the header names another length than the footage has",
    "timing-implausible": "the time stamps cannot be true; the length is unknown",
    "timing-unknown": "the stream carries no time stamps; the length is unknown",
}


@dataclass(frozen=True)
class Probe:
    """A readable file.

    ``container`` is the demuxer's short name (``mov``, ``matroska``, ``mpegts``, ``mpeg``,
    ``dhav``, ``avi``, ``h264``, ``jpeg`` …), ``codec`` libavcodec's name. ``duration_s`` was
    measured, not read from a header; None where no time stamp can be believed, and for stills.
    ``frames_seen`` were decoded to prove that it can be; ``keyframes_sane`` is whether the stream
    begins with a key frame. ``open_ended`` is whether it may go on, by its container, without
    anything in it changing: nothing tells that its end has come. ``browser_playable`` is whether
    browsers show the pictures as they are.
    ``faults`` are keys of ``FAULTS``.
    """

    kind: Literal["video", "still"]
    container: str
    codec: str
    width: int
    height: int
    fps: float | None
    duration_s: float | None
    has_audio: bool
    creation_time: ContainerTime | None
    frames_seen: int
    keyframes_sane: bool
    browser_playable: bool
    open_ended: bool
    faults: tuple[str, ...]


@dataclass(frozen=True)
class ProbeRefusal:
    """An unreadable file: ``reason_code`` is one of ``media.limits.REFUSALS``."""

    reason_code: str
    sentence: str


def probe(sandbox: MediaSandbox, file: ByteSource) -> Probe | ProbeRefusal:
    """Looks into a file, which may be anything at all; seeks in it and leaves it anywhere.

    Raises:
        SandboxError: nothing can be probed here; the file is not to blame and must wait.

    An error of reading ``file`` itself is raised unchanged.
    """
    try:
        return _checked(sandbox.run("probe", {}, [file], PROBE))
    except MediaRefusedError as refusal:
        return ProbeRefusal(refusal.reason_code, refusal.sentence)


def probe_stills(sandbox: MediaSandbox, files: Sequence[ByteSource]) -> list[Probe | None]:
    """Look into many small files at once; None for each that has to be looked at by itself.

    They share one process, which one of them might take over: then it could say untruths of those
    after it, so the files given are one camera's. It cannot have one refused, since None is no
    verdict, and it outlives none of them.

    Raises:
        SandboxError: As `probe`.
    """
    try:
        answers = sandbox.run("stills", {}, files, PROBE).get("stills")
        if not isinstance(answers, list) or len(answers) != len(files):
            return [None] * len(files)
        return [None if each is None else _checked(each) for each in answers]
    except MediaRefusedError:
        return [None] * len(files)


def _checked(answer: dict[str, Any]) -> Probe:
    try:
        return Probe(
            kind=_kind(answer["kind"]),
            container=_word(answer["container"]),
            codec=_word(answer["codec"]),
            width=int(_number(answer["width"], _MAX_SIDE)),
            height=int(_number(answer["height"], _MAX_SIDE)),
            fps=_optional(answer["fps"], _MAX_RATE),
            duration_s=_optional(answer["duration_s"], _MAX_SECONDS),
            has_audio=answer["has_audio"] is True,
            creation_time=_time(answer["creation_time"]),
            frames_seen=int(_number(answer["frames_seen"], 1e9)),
            keyframes_sane=answer["keyframes_sane"] is True,
            browser_playable=answer["browser_playable"] is True,
            open_ended=answer["open_ended"] is True,
            faults=tuple(fault for fault in FAULTS if fault in answer["faults"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MediaCrashError("it answered nonsense") from error


def _kind(value: object) -> Literal["video", "still"]:
    match value:
        case "video":
            return "video"
        case "still":
            return "still"
        case _:
            raise ValueError("neither video nor still")


def _word(value: object) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError("not a short name")
    return value


def _number(value: object, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError("not a number within its bounds")
    return float(value)


def _optional(value: object, most: float) -> float | None:
    return None if value is None else _number(value, most)


def _time(value: object) -> ContainerTime | None:
    if not isinstance(value, str):
        return None
    try:
        return ContainerTime(datetime.fromisoformat(value))
    except ValueError:  # free text, or a calendar of zeros
        return None
