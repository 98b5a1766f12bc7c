"""What lies beside footage and belongs to it: it is kept with it, under its key, and ends with it.

A file of the same name but for its ending: what a camera tells of a film (``.xml``, ``.json``,
``.txt``, Dahua's ``.idx``) and its thumbnail (``.jpg`` and the like). Axis cameras write an XML
file to each block of a recording: from when to when in UTC, and whether it is complete. Owns the
reading of such files. They are a stranger's: no parser ever sees one, a few words of an Axis block
are looked for in at most 64 KiB. Refuses to take one for footage, and to take a still that stands
alone for a thumbnail.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Final

from cctv_vault.errors import VaultError
from cctv_vault.footage.streams import beside_stream
from cctv_vault.ingest.conventions import NameReading
from cctv_vault.ingest.sources import Identity, Source, open_source

_MOST: Final = 8 << 20
_MOST_TOLD: Final = 64 * 1024
_BLOCK_NAME: Final = re.compile(r"\d{8}_\d{6}_[0-9A-F]{4}", re.IGNORECASE)
_FOLDER_NAME: Final = re.compile(r"\d{8}_\d{6}_[0-9A-F]{4}_[0-9A-F]{12}", re.IGNORECASE)
_FILMS: Final = (".mp4", ".mkv", ".avi", ".dav", ".ts", ".mov", ".m4v", ".h264", ".h265", ".ps")
_PICTURES: Final = (".jpg", ".jpeg", ".png")
_TELLING: Final = (".xml", ".json", ".txt", ".idx", ".thumb")
_TIME: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z"
_START: Final = re.compile(rf"<StartTime>\s*{_TIME}\s*</StartTime>")
_STOP: Final = re.compile(rf"<StopTime>\s*{_TIME}\s*</StopTime>")
_RECORDING: Final = re.compile(r"<Recording\s")
_COMPLETE: Final = re.compile(r"<Status>\s*Complete\s*</Status>")


@dataclass(frozen=True)
class Block:
    """What an Axis camera says of one block; times are UTC, by its own clock."""

    started: datetime
    ended: datetime | None
    complete: bool


@dataclass(frozen=True)
class Sidecar:
    """A file beside footage, whole; ``stream`` is what it is kept as, beside the original.

    ``block`` is what it says where it is an Axis camera's.
    """

    path: Path
    identity: Identity
    changed_at_s: float
    stream: str
    data: bytes = field(repr=False)
    block: Block | None = None


def beside(footage: Path) -> tuple[Sidecar, ...]:
    """What belongs to a file of footage, as far as it can be read."""
    return tuple(
        sidecar
        for path, suffix in _candidates(footage)
        if (sidecar := _read(path, suffix)) is not None
    )


def _candidates(footage: Path) -> Iterator[tuple[Path, str]]:
    """Where something may lie that belongs to footage, with what follows the footage's stem."""
    folder, name = os.path.split(footage)
    stem, own = os.path.splitext(name)  # noqa: PTH122
    is_film = own.lower() in _FILMS
    for suffix in (*_TELLING, *_PICTURES) if is_film else _TELLING:
        # motionEye puts its ending after the film's.
        for ending in (suffix, own + suffix) if is_film else (suffix,):
            for cased in dict.fromkeys((ending, ending.upper())):
                path = os.path.join(folder, stem + cased)  # noqa: PTH118 - asked for every file
                if os.path.isfile(path):  # noqa: PTH113
                    yield Path(path), cased


def _read(path: Path, suffix: str) -> Sidecar | None:
    try:
        with open_source(path) as source:
            if source.size > _MOST:
                return None
            data = _whole(source)
    except VaultError:  # a link, unreadable, or just being looked at: the footage goes without
        return None
    block = None
    if suffix.lower() == ".xml" and len(data) <= _MOST_TOLD:
        block = read_block(data.decode("utf-8", "replace"))
    return Sidecar(path, source.identity, source.changed_at_s, beside_stream(suffix), data, block)


def _whole(source: Source) -> bytes:
    data = bytearray()
    while len(data) < _MOST and (piece := source.read(_MOST - len(data))):
        data += piece
    return bytes(data)


def read_block(text: str) -> Block | None:
    """What an Axis camera's sidecar says; None where it is none or says no time that exists."""
    start, stop = _START.search(text), _STOP.search(text)
    if "<RecordingBlock" not in text or start is None:
        return None
    try:
        ended = _utc(stop[1]) if stop else None
        return Block(_utc(start[1]), ended, _COMPLETE.search(text) is not None)
    except ValueError:
        return None


def may_belong(path: Path) -> bool:
    """Whether a file is of a kind that may belong to footage."""
    return path.suffix.lower() in (*_TELLING, *_PICTURES)


def may_join(source: Source) -> bool:
    """Whether a file is one that may belong to a film taken in before it."""
    return may_belong(source.path) and 0 < source.size <= _MOST


def belongs(path: Path) -> bool:
    """Whether a file belongs to footage beside it, or to an Axis recording, and is none itself."""
    if not may_belong(path):
        return False
    suffix = path.suffix.lower()
    if is_note(path):
        return _has_films(path.parent)
    stem = os.path.splitext(path)[0]  # noqa: PTH122 - asked for every still that arrives
    if stem.lower().endswith(_FILMS):
        return _is_small(path) and os.path.isfile(stem)  # noqa: PTH113
    if suffix in _PICTURES:
        return any(map(os.path.isfile, _films_of(stem))) and _is_small(path)
    pictures = (stem + each for ending in _PICTURES for each in (ending, ending.upper()))
    return any(map(os.path.isfile, (*_films_of(stem), *pictures))) and _is_small(path)


def _films_of(stem: str) -> Iterator[str]:
    return (stem + each for ending in _FILMS for each in (ending, ending.upper()))


def film_names(name: str) -> tuple[str, ...]:
    """What the film may be called that a file of this name belongs to; none for a film's name."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    if suffix.lower() not in (*_TELLING, *_PICTURES):
        return ()
    return (stem,) if stem.lower().endswith(_FILMS) else tuple(_films_of(stem))


def suffix_of(path: Path, film: str) -> str:
    """What follows a film's stem in the name of a file that belongs to it."""
    return path.name.removeprefix(PurePath(film).stem)


def is_note(path: Path) -> bool:
    """Whether a file is what an Axis camera tells of a whole recording, above its blocks."""
    of_axis = _FOLDER_NAME.fullmatch(path.parent.name) is not None
    return of_axis and path.name.lower() == "recording.xml"


def is_block_name(name: str) -> bool:
    """Whether a film's name is that of an Axis block."""
    return _BLOCK_NAME.fullmatch(PurePath(name).stem) is not None


def read_recording(text: str) -> Block | None:
    """What an Axis camera's note says of a recording; None where it says no time that exists."""
    start, stop = _START.search(text), _STOP.search(text)
    if _RECORDING.search(text) is None or start is None:
        return None
    try:
        return Block(_utc(start[1]), _utc(stop[1]) if stop else None, complete=stop is not None)
    except ValueError:
        return None


def _has_films(folder: Path) -> bool:
    """Whether footage lies below a folder; what cannot be listed has none that could be taken."""
    return any(name.lower().endswith(_FILMS) for _, _, names in os.walk(folder) for name in names)


def _is_small(path: Path) -> bool:
    try:
        return path.lstat().st_size <= _MOST
    except (OSError, ValueError):
        return False


def is_early(path: Path) -> bool:
    """Whether a file only tells of footage, which may come after it."""
    return path.suffix.lower() in _TELLING


def exactly(reading: NameReading | None, block: Block) -> NameReading:
    """A name's reading with the exact time its sidecar tells; the name's own is kept beside it."""
    exact = reading or NameReading("axis", None, None, None, None, None, "utc")
    shown = exact.started if exact.clock == "local" else None
    return replace(exact, started=block.started, ended=block.ended, clock="utc", shown=shown)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
