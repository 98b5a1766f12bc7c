"""What names would tell of a camera's recordings, shown before anything depends on it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import decide_time


@dataclass(frozen=True)
class NameEvidence:
    """What one name says: by which convention, whose it is, and when, with the doubts about it.

    ``started_at`` is UTC, corrected by the camera's measured offset; None where the name tells no
    time that could be true. ``convention`` is empty where none reads the name. ``notes`` are
    sentences.
    """

    name: str
    convention: str
    camera: str | None
    channel: str | None
    event: str | None
    started_at: datetime | None
    ended_at: datetime | None
    notes: tuple[str, ...]


def read_names(
    names: Iterable[str],
    *,
    convention: str,
    zone: str,
    offset_s: float,
    uncertainty_s: float | None,
    now: datetime,
) -> Iterator[NameEvidence]:
    """Reads sample names as files arriving now would be read.

    Raises:
        InvalidInputError: ``convention`` is a pattern that cannot be used.
    """
    for name in names:
        reading = read_name(name, convention)
        if reading is None:
            yield NameEvidence(name, "", None, None, None, None, None, ())
            continue
        moment = decide_time(
            reading=reading,
            container=None,
            duration_s=None,
            arrived_at=now,
            zone=ZoneInfo(zone),
            clock_offset_s=offset_s,
            clock_uncertainty_s=uncertainty_s,
        )
        by_name = moment.source == "name"
        yield NameEvidence(
            name=name,
            convention=reading.convention,
            camera=reading.camera_label,
            channel=reading.channel,
            event=reading.event,
            started_at=moment.started_at if by_name else None,
            ended_at=moment.ended_at if by_name and reading.ended else None,
            notes=moment.notes,
        )
