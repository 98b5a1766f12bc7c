"""What lies beside footage and belongs to it: an XML file of the same name that tells of it.

Axis cameras write one to each block of a recording: from when to when in UTC, and whether it is
complete. Owns the reading of such files. They are a stranger's: no parser of XML ever sees one, a
few words are looked for in at most 64 KiB. Refuses to take one for footage.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cctv_vault.errors import VaultError
from cctv_vault.ingest.conventions import NameReading
from cctv_vault.ingest.sources import Identity, open_source

_MOST: Final = 64 * 1024
_BLOCK_NAME: Final = re.compile(r"\d{8}_\d{6}_[0-9A-F]{4}", re.IGNORECASE)
_FOLDER_NAME: Final = re.compile(r"\d{8}_\d{6}_[0-9A-F]{4}_[0-9A-F]{12}", re.IGNORECASE)
_FOOTAGE: Final = (".mkv", ".mp4", ".avi", ".ts", ".mov", ".dav", ".jpg")
_TIME: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z"
_START: Final = re.compile(rf"<StartTime>\s*{_TIME}\s*</StartTime>")
_STOP: Final = re.compile(rf"<StopTime>\s*{_TIME}\s*</StopTime>")
_COMPLETE: Final = re.compile(r"<Status>\s*Complete\s*</Status>")


@dataclass(frozen=True)
class Block:
    """What an Axis camera says of one block; times are UTC, by its own clock."""

    started: datetime
    ended: datetime | None
    complete: bool


@dataclass(frozen=True)
class Sidecar:
    """A file beside footage, with its text as it stands; ``block`` where it is an Axis camera's."""

    path: Path
    identity: Identity
    text: str
    block: Block | None


def beside(footage: Path) -> Sidecar | None:
    """The sidecar of a file of footage, where there is one that can be read."""
    path = footage.with_suffix(".xml")
    if path == footage or not path.is_file():
        return None
    try:
        with open_source(path) as source:
            if source.size > _MOST:
                return None
            text = source.read(_MOST).decode("utf-8", "replace")
            return Sidecar(path, source.identity, text, read_block(text))
    except VaultError:  # a link, unreadable, or just being looked at: the footage goes without
        return None


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


def is_sidecar(path: Path) -> bool:
    """Whether a file is of the kind that may tell of footage."""
    return path.suffix.lower() == ".xml"


def belongs(path: Path) -> bool:
    """Whether a file tells of footage beside it, or of an Axis recording, and is none itself."""
    if not is_sidecar(path):
        return False
    if path.name.lower() == "recording.xml" and _FOLDER_NAME.fullmatch(path.parent.name):
        return True
    return any(path.with_suffix(each).exists() for each in _FOOTAGE)


def is_early(path: Path) -> bool:
    """Whether a file is the sidecar of an Axis block, whose footage may come after it."""
    return is_sidecar(path) and _BLOCK_NAME.fullmatch(path.stem) is not None


def exactly(reading: NameReading | None, block: Block) -> NameReading:
    """A name's reading with the exact time its sidecar tells; the name's own is kept beside it."""
    exact = reading or NameReading("axis", None, None, None, None, None, "utc")
    shown = exact.started if exact.clock == "local" else None
    return replace(exact, started=block.started, ended=block.ended, clock="utc", shown=shown)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
