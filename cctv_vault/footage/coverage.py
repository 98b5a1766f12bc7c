"""How much of a window there is, and where there is none and why.

Owns what is asked of the index for one person at one time. What only a secret hold keeps is, to
anyone who may not know of it, one that has expired, in every count and gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, func, or_, select
from sqlmodel import Session, col

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.footage.gaps import (
    NEAR,
    Gap,
    Known,
    Span,
    Stretch,
    between,
    explained,
    joined,
    length,
)
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.stretches import edges, stretches
from cctv_vault.gags import grant_seen_by
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import decide_time
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.retention.rules import quarter_hour
from cctv_vault.schema import (
    Camera,
    CustodyEntry,
    Grant,
    Hold,
    PurposeKey,
    Quarantined,
    Recording,
    table,
)

_SENT_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Coverage:
    """How much of a window a camera's footage covers; a still covers no time."""

    camera: str
    recordings: int
    covered_s: float
    window_s: float


@dataclass(frozen=True)
class DayCoverage:
    """How much of one day of its camera's zone its footage covers; a day has 23 to 25 hours."""

    camera: str
    day: date
    recordings: int
    covered_s: float
    window_s: float
    gaps: int


@dataclass(frozen=True)
class Lane:
    """One camera's footage in a window: what is there, in order, and where there is none."""

    camera: str
    stretches: tuple[Stretch, ...]
    gaps: tuple[Gap, ...]


class Snapshot:
    """One snapshot of the index, read for one person at one time."""

    def __init__(self, session: Session, now: datetime, sight: Sight) -> None:
        self._session = session
        self._now = now
        self._sight = sight
        self._stops: list[Span] | None = None
        # Held here, since a session forgets what nobody holds.
        self._cameras: dict[str, Camera] = {}

    def codes(self, cameras: Sequence[str]) -> list[str]:
        """The codes asked for, or all.

        Raises:
            NotFoundError: There is no such camera.
        """
        if not cameras:
            return _all_codes(self._session)
        return [self._camera(code).code for code in dict.fromkeys(cameras)]

    def zone(self, code: str) -> ZoneInfo:
        """The zone of a camera."""
        return ZoneInfo(self._camera(code).zone)

    def _camera(self, code: str) -> Camera:
        if code not in self._cameras:
            self._cameras[code] = find_camera(self._session, code)
        return self._cameras[code]

    def leaving(self, before: datetime) -> tuple[int, int]:
        """How many recordings' last grant ends before a time, and their bytes.

        Found by the keys that end then (those of holds name no end), which are few, so that what
        expired long ago is not met.
        """
        live = live_clause(self._now)
        keys = select(col(PurposeKey.id)).where(
            or_(
                col(PurposeKey.expires_at).is_(None),
                col(PurposeKey.expires_at) <= quarter_hour(before),
            )
        )
        ending = select(col(Grant.recording_id)).where(
            col(Grant.purpose_key_id).in_(keys), live, col(Grant.until) < before
        )
        last = (
            select(col(Recording.size))
            .join(table(Grant), col(Grant.recording_id) == col(Recording.id))
            .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
            .where(col(Recording.id).in_(ending), col(Recording.state) == "kept")
            .where(live, grant_seen_by(self._sight))
            .group_by(col(Recording.id))
            .having(
                func.count() == func.count(col(Grant.until)), func.max(col(Grant.until)) < before
            )
            .subquery()
        )
        row = self._session.execute(
            select(func.count(), func.coalesce(func.sum(last.c.size), 0)).select_from(last)
        ).one()
        return int(row[0]), int(row[1])

    def stretches(self, code: str, start: datetime, end: datetime) -> Sequence[Stretch]:
        """A camera's footage that overlaps [start, end), what has expired included."""
        return stretches(self._session, code, start, end, self._now, sight=self._sight)

    def gaps(
        self, code: str, found: Sequence[Stretch], start: datetime, end: datetime
    ) -> Iterator[Gap]:
        """The holes that a camera's footage leaves in [start, end) until now, each explained."""
        end = min(end, self._now)
        films = [each for each in found if each.kind == "video"]
        empty = between(joined(each for each in films if each.here), start, end)
        if not empty:
            return
        if self._stops is None:
            self._stops = _intake_stops(self._session, end, self._now)
        known = Known(
            films=films,
            edges=edges(self._session, films),
            expired=joined(each for each in films if not each.here),
            unread=_unreadable(self._session, self._camera(code), start),
            stops=self._stops,
        )
        for hole in empty:
            yield from explained(code, hole, known)


def _all_codes(session: Session) -> list[str]:
    """The codes of all cameras, in order."""
    return list(session.scalars(select(col(Camera.code)).order_by(col(Camera.code))))


def covered(found: Sequence[Stretch], start: datetime, end: datetime) -> tuple[int, float, float]:
    """How many recordings are here, how much of [start, end) they cover, and its seconds."""
    here = [each for each in found if each.here]
    whole = joined(each for each in here if each.kind == "video")
    covered = sum((length(each, start, end) for each in whole), timedelta(0))
    return sum(each.count for each in here), covered.total_seconds(), (end - start).total_seconds()


def _unreadable(
    session: Session, camera: Camera, start: datetime
) -> list[tuple[datetime, timedelta]]:
    """When a camera's quarantined files were made, as far as can be told, and how much later."""
    rows = session.execute(_arrived_unreadable(), {"code": camera.code, "start": start})
    found = []
    for row in rows:
        made = decide_time(
            reading=read_name(row.original_name, camera.convention),
            container=None,
            duration_s=None,
            arrived_at=row.arrived_at,
            zone=ZoneInfo(camera.zone),
            clock_offset_s=camera.clock_offset_s,
            clock_uncertainty_s=camera.clock_uncertainty_s,
        )
        found.append((made.started_at, NEAR if made.source == "name" else _SENT_WITHIN))
    return found


def _intake_stops(session: Session, end: datetime, now: datetime) -> list[Span]:
    """When intake was stopped, as the log tells."""
    entries = session.execute(_stops_and_starts(), {"end": end})
    stops: list[Span] = []
    since: datetime | None = None
    for entry in entries:
        if entry.event == Event.INTAKE_STOPPED:
            # With a full disk the entry itself may be late, and then names the time.
            told = Entry.from_bytes(entry.body).facts.get("since")
            since = since or (datetime.fromisoformat(told) if isinstance(told, str) else entry.at)
        elif since is not None:
            stops.append(Span(since, entry.at))
            since = None
    if since is not None:
        stops.append(Span(since, now))
    return stops


@cache
def _arrived_unreadable() -> Select[Any]:
    of = table(Quarantined).c
    start: Any = bindparam("start", type_=of.arrived_at.type)
    return select(of.original_name, of.arrived_at).where(
        of.camera_code == bindparam("code"), of.arrived_at >= start
    )


@cache
def _stops_and_starts() -> Select[Any]:
    of = table(CustodyEntry).c
    end: Any = bindparam("end", type_=of.at.type)
    return (
        select(of.event, of.at, of.body)
        .where(of.event.in_([Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]), of.at < end)
        .order_by(of.leaf_index)
    )
