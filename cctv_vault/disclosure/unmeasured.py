"""Footage sealed before its camera's clock was ever measured: where the true time asked for lies.

Such a recording is told by the camera's own time, and keeps it. Owns the assumption that its clock
ran as it was measured first, and refuses to go by it where recordings of both kinds lie together,
since a window would then take in what nobody asked for (docs/decisions/0014).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json
from cctv_vault.disclosure.windows import Told, Window
from cctv_vault.footage.timeindex import pages
from cctv_vault.retention.rules import ARRIVAL
from cctv_vault.schema import ClockMeasurement
from cctv_vault.views import iso


def told_elsewhere(session: Session, windows: Iterable[Window]) -> tuple[Told, ...]:
    """Where recordings tell windows of true time: only those that some do not tell there.

    Expired recordings count, too: it is no matter of who may know what is kept.
    """
    found = []
    for window in windows:
        first = first_measurement(session, window.camera)
        if first is None:
            continue
        moved = window.moved(timedelta(seconds=first.offset_s))
        here, there = (_kinds(session, each, first) for each in (window, moved))
        if len(here) > 1 or there not in {frozenset(), _UNMEASURED}:
            continue
        if there and here == _MEASURED:
            found.append(Told(window, window))
        if there or here == _UNMEASURED:
            found.append(Told(window, moved))
    return tuple(found)


def in_true_time(body: Mapping[str, Any]) -> bool:
    """Whether the times of a request are those of a true clock, and none was read off a picture."""
    return all(each.get("clock") != "picture" for each in body.get("footage") or ())


def first_measurement(session: Session, camera_code: str) -> ClockMeasurement | None:
    """A camera's first, if it found the clock to be wrong."""
    first = session.execute(
        select(ClockMeasurement)
        .where(col(ClockMeasurement.camera_code) == camera_code)
        .order_by(col(ClockMeasurement.recorded_at), col(ClockMeasurement.id))
        .limit(1)
    ).scalar()
    return None if first is None or abs(first.offset_s) <= first.uncertainty_s else first


def is_unmeasured(
    time_source: str, clock_offset_s: float, arrived_at: datetime, measured: datetime
) -> bool:
    """Whether a recording's time is the camera's own, of a clock that nobody had measured yet."""
    return time_source != ARRIVAL and not clock_offset_s and arrived_at <= measured


_UNMEASURED = frozenset({True})
_MEASURED = frozenset({False})


def _kinds(session: Session, window: Window, first: ClockMeasurement) -> frozenset[bool]:
    """Of what kinds the recordings of a window are: unmeasured, or not, or both."""
    found: set[bool] = set()
    for page in pages(session, (window.camera,), start=window.starts_at, end=window.ends_at):
        found |= {
            is_unmeasured(row.time_source, row.clock_offset_s, row.arrived_at, first.recorded_at)
            for row in page
        }
        if len(found) > 1:
            break
    return frozenset(found)


def told_texts(session: Session, told: Sequence[Told]) -> dict[str, Json]:
    """Windows as an assessment keeps them, and who measured; empty where it goes by none."""
    measured = (first_measurement(session, each) for each in {one.asked.camera for one in told})
    kept: dict[str, Json] = {
        "told": [
            [window.camera, iso(window.starts_at), iso(window.ends_at)]
            for each in told
            for window in (each.asked, each.told)
        ],
        "measured_by": sorted({each.recorded_by for each in measured if each is not None}),
    }
    return kept if told else {}


def told_in(assessment: Mapping[str, Any]) -> tuple[Told, ...]:
    """What `told_texts` kept."""
    windows = [
        Window(camera, datetime.fromisoformat(starts), datetime.fromisoformat(ends))
        for camera, starts, ends in assessment.get("told") or ()
    ]
    return tuple(Told(*pair) for pair in zip(windows[::2], windows[1::2], strict=True))
