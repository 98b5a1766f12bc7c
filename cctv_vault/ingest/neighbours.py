"""What else a camera recorded around an hour that occurred twice, so that the two are told apart.

Only recordings of the same stream count (a recorder may write two of one camera at once), and only
those whose own time is settled.
"""

from datetime import UTC, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.ingest.conventions import NameReading, read_name
from cctv_vault.ingest.identify import FOLD_S, UNMEASURED_S, Neighbour, is_twofold
from cctv_vault.ingest.sources import unescape_name
from cctv_vault.schema import Camera, Recording

_AROUND: Final = timedelta(hours=3)
_STREAMS: Final = frozenset({"main", "sub"})


def neighbours_of(
    session: Session, camera: Camera, reading: NameReading | None, doubt_s: float | None
) -> tuple[Neighbour, ...]:
    """The settled recordings of the stream around a twofold time; none for any other time.

    ``doubt_s`` is the uncertainty of the camera's clock now, None where it never was measured.
    """
    zone = ZoneInfo(camera.zone)
    if reading is None or reading.started is None or not is_twofold(reading, zone):
        return ()
    shown = reading.started.replace(tzinfo=zone).astimezone(UTC)
    about = shown - timedelta(seconds=camera.clock_offset_s)
    settled = (UNMEASURED_S if doubt_s is None else doubt_s) + FOLD_S
    rows = session.exec(
        select(Recording).where(
            col(Recording.camera_code) == camera.code,
            col(Recording.started_at) > about - _AROUND,
            col(Recording.started_at) < about + _AROUND,
            col(Recording.time_source) == "name",
            col(Recording.uncertainty_s) < settled,
            col(Recording.original_name) != "",
        )
    )
    stream = _stream(reading)
    return tuple(
        Neighbour(row.started_at, row.ended_at)
        for row in rows
        if _stream(read_name(unescape_name(row.original_name), camera.convention)) == stream
    )


def _stream(reading: NameReading | None) -> tuple[str | None, ...]:
    if reading is None:
        return ()
    event = (reading.event or "").casefold()
    return (reading.camera_label, reading.channel, event if event in _STREAMS else None)
