"""Which files are taken in first when many wait: those a hold is waiting for, the newest first.

After a stop hours of footage lie in the drop folders, and the recorder overwrites its own copy
meanwhile. What a hold covers is what somebody asked for. Owns that order and nothing else: it is
guessed from names alone, and a wrong guess costs a place in the queue.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import col, or_, select

from cctv_vault.clock import Clock
from cctv_vault.database import Database
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import UNMEASURED_S
from cctv_vault.schema import Camera, Hold, HoldWindow

Rank = tuple[int, float]
"""Less is sooner."""
_LAST: Rank = (1, 0.0)


@dataclass(frozen=True)
class _Wanted:
    """A camera's folder, how its names are read, and what holds want of it."""

    folder: Path
    convention: str
    zone: ZoneInfo
    offset: timedelta
    windows: tuple[tuple[datetime, datetime], ...]


class Urgency:
    """Ranks files by the holds in force when it was last refreshed."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        """Both belong to the vault."""
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted: tuple[_Wanted, ...] = ()

    def refresh(self) -> None:
        """Read the holds in force; gagged ones too, since an order of work tells nobody of them."""
        now = self._clock.now()
        windows: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        with self._database.read() as session:
            cameras = session.exec(select(Camera)).all()
            doubts = {
                each.code: UNMEASURED_S
                if each.clock_uncertainty_s is None
                else each.clock_uncertainty_s
                for each in cameras
            }
            rows = session.exec(
                select(HoldWindow)
                .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
                .where(
                    col(Hold.released_at).is_(None),
                    or_(col(Hold.until).is_(None), col(Hold.until) > now),
                )
            )
            for row in rows:
                slack = timedelta(seconds=row.widened_s + doubts.get(row.camera_code, 0.0))
                windows[row.camera_code].append((row.starts_at - slack, row.ends_at + slack))
        found = tuple(
            _Wanted(
                Path(each.drop_folder),
                each.convention,
                ZoneInfo(each.zone),
                timedelta(seconds=each.clock_offset_s),
                tuple(windows[each.code]),
            )
            for each in cameras
            if each.code in windows
        )
        with self._lock:
            self._wanted = found

    def rank(self, path: Path) -> Rank:
        """The place of a file in the queue."""
        with self._lock:
            wanted = self._wanted
        for camera in wanted:
            if path.is_relative_to(camera.folder):
                started = _started(str(path.relative_to(camera.folder)), camera)
                if started is not None and any(a <= started < b for a, b in camera.windows):
                    return (0, -started.timestamp())
        return _LAST


def _started(name: str, camera: _Wanted) -> datetime | None:
    reading = read_name(name, camera.convention)
    if reading is None or reading.started is None:
        return None
    try:
        shown = reading.started
        aware = shown if shown.tzinfo is not None else shown.replace(tzinfo=camera.zone)
        return aware.astimezone(UTC) - camera.offset
    except OverflowError:
        return None
