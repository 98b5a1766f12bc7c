"""What is on its way in, as the steps of intake hand it on: a file, its ciphertext, its entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from cctv_vault.ingest.outcomes import OutcomeName
from cctv_vault.ingest.probe import Probe
from cctv_vault.ingest.sidecars import Sidecar
from cctv_vault.ingest.sources import Source, SourceBusyError
from cctv_vault.people.actors import Actor
from storage.secret import SecretKey
from storage.stream import SealedStream


@dataclass(frozen=True)
class Place:
    """What was said of where files come from, and what is to become of them.

    ``archive`` is the tree they lie in, where it is no camera's drop folder; ``labels`` are camera
    codes by what names call a camera, alone or with ``/`` and a channel. With ``keep_source`` they
    stay where they are; with ``leave_late`` those do, unread, whose purposes have ended.
    """

    camera: str | None = None
    original_root: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    archive: Path | None = None
    keep_source: bool = False
    leave_late: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """One file on its way in; ``source_state`` is what its recording says of where it came from.

    ``written_at`` is when it was last written, None where that tells nothing.
    """

    actor: Actor
    camera: str
    reading_path: str
    original_name: str
    source_state: Literal["present", "kept", "removed"]
    written_at: datetime | None = None
    sidecars: tuple[Sidecar, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Offer(File):
    """A file that lies at a source, which is removed unless it is ``kept``."""

    source: Source
    surely_closed: bool
    """Whether the system says that nobody is writing the file, rather than its looks."""
    leave_late: bool
    """Whether it stays where it is, unread, once its purposes have ended: so in archives."""


@dataclass(frozen=True)
class Small:
    """A small file at its source, read whole; ``path`` is as it was offered."""

    path: Path
    offer: Offer
    data: bytes = field(repr=False)

    def is_unchanged(self) -> bool:
        """Whether it is still as it was read."""
        try:
            self.offer.source.check_unchanged()
        except SourceBusyError:
            return False
        return True


@dataclass(frozen=True)
class Sealed:
    """Ciphertext that has no row yet."""

    id: str
    key: SecretKey = field(repr=False)
    stream: SealedStream
    beside: tuple[tuple[str, SealedStream], ...] = ()
    """What lay beside it, by the names of the streams."""


@dataclass(frozen=True)
class Entered:
    """What the act of indexing decided, to be carried out after its commit."""

    outcome: OutcomeName
    recording: str | None
    reason: str
    removal_id: str | None
    used: bool
    """Whether the ciphertext just sealed has a row now."""
    beside: tuple[tuple[Sidecar, str], ...] = ()
    """What is removed with its source, each with the id of its removal."""


@dataclass(frozen=True)
class Arriving:
    """Sealed footage about to be indexed."""

    file: File
    probed: Probe
    new: Sealed
