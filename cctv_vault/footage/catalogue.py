"""The catalogue: which recordings there are, why each is still here, and where there is none.

Owns what a person may know of. A recording without a live grant is absent; one that only a gagged
hold keeps is, to anyone not cleared, a recording that has expired, in every list, count and gap.
"""

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog, LoggedEntry
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.timeindex import Mark, overlapping, pages
from cctv_vault.gags import hidden_subjects
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import decide_time
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.grants import Grants, GrantView
from cctv_vault.schema import Camera, CustodyEntry, Quarantined, Recording

JOINED: Final = timedelta(seconds=1.5)
"""Recordings no further apart than this are one stretch of footage."""
KINDS: Final = ("video", "still")

_PAGE: Final = 500
_ENTRIES: Final = 1000
_NEAR: Final = timedelta(minutes=1)
_SENT_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class RecordingView:
    r"""A recording as a list shows it.

    ``expires_at`` is the latest end among its live grants, None while one is open-ended; ``held``
    whether a hold is among them. ``uncertainty_s`` is how far ``started_at`` may be wrong either
    way. ``original_name`` is verbatim, bytes that are no UTF-8 written as ``\udcxx``.
    """

    id: str
    camera: str
    kind: str
    started_at: datetime
    ended_at: datetime
    time_source: str
    uncertainty_s: float
    original_name: str
    bytes: int
    sha256: builtins.bytes
    container: str
    codec: str
    expires_at: datetime | None
    held: bool
    width: int
    height: int
    fps: float
    duration_s: float
    has_audio: bool
    faults: tuple[str, ...]
    state: str


@dataclass(frozen=True, kw_only=True)
class RecordingDetail(RecordingView):
    """Everything about a recording.

    ``grants`` are those that keep it, ``ended_grants`` those that did; ``zone`` is its camera's.
    ``clock_offset_s`` (shown minus true) was taken off the time as read, ``original_started``.
    """

    site: str
    zone: str
    origin: str
    original_started: str
    clock_offset_s: float
    clock_uncertainty_s: float | None
    clock_measured_at: datetime | None
    disagreements: tuple[dict[str, Any], ...]
    arrived_at: datetime
    sealed_at: datetime
    source_state: str
    segment_root: builtins.bytes
    grants: tuple[GrantView, ...]
    ended_grants: tuple[GrantView, ...]
    entries: tuple[LoggedEntry, ...]


@dataclass(frozen=True)
class Gap:
    """A stretch without footage, and why.

    ``cause`` is ``silent`` (the camera sent nothing), ``quarantined`` (what it sent could not be
    read), ``intake-stopped`` (nothing could be taken in then) or ``expired`` (it was there).
    """

    camera: str
    starts_at: datetime
    ends_at: datetime
    cause: str


@dataclass(frozen=True)
class Coverage:
    """How much of a window a camera's footage covers; a still covers no time."""

    camera: str
    recordings: int
    covered_s: float
    window_s: float


@dataclass(frozen=True)
class _Stretch:
    starts_at: datetime
    ends_at: datetime


class Catalogue:
    """Tells of recordings."""

    def __init__(
        self, *, database: Database, ledger: Ledger, grants: Grants, log: CustodyLog
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._grants = grants
        self._log = log

    def list(
        self,
        actor: Actor,
        *,
        cameras: Sequence[str] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        kind: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[RecordingView]:
        """Recordings that overlap [start, end), in order of time, read as they are asked for.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed, or the kind is neither video nor still.
            NotFoundError: There is no such camera.
        """
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            codes = self._checked(actor, cameras, start, end)
            if kind is not None and kind not in KINDS:
                raise InvalidInputError(f"kind is video or still, not {kind!r}")
        return self._listed(
            codes, start, end, kind, limit, cleared=actor.cleared, newest_first=newest_first
        )

    def show(self, actor: Actor, recording_id: str) -> RecordingDetail:
        """Everything about one recording, also after it expired.

        Raises:
            AccessDeniedError: The person may not list footage.
            NotFoundError: There is no such recording.
        """
        event = Event.FOOTAGE_VIEWED
        with entered_if_refused(self._ledger, event, actor, subject=recording_id):
            _require_list(actor)
            now = self._ledger.clock.now()
            with self._database.read() as session:
                recording = session.get(Recording, recording_id)
                if recording is None:
                    raise NotFoundError("recording", recording_id)
                camera = find_camera(session, recording.camera_code)
                known = tuple(
                    grant
                    for grant in self._grants.history(session, recording_id, now)
                    if actor.cleared or not grant.gagged
                )
        entries = self._log.entries(
            subject=recording_id,
            limit=_ENTRIES,
            newest_first=True,
            hidden=hidden_subjects(self._database, actor),
        )
        live = tuple(grant for grant in known if grant.live)
        return RecordingDetail(
            **_fields(recording, live),
            site=camera.site_code,
            zone=camera.zone,
            origin=recording.origin,
            original_started=recording.original_started,
            clock_offset_s=recording.clock_offset_s,
            clock_uncertainty_s=camera.clock_uncertainty_s,
            clock_measured_at=camera.clock_measured_at,
            disagreements=tuple(recording.disagreements),
            arrived_at=recording.arrived_at,
            sealed_at=recording.sealed_at,
            source_state=recording.source_state,
            segment_root=recording.segment_root,
            grants=live,
            ended_grants=tuple(grant for grant in known if not grant.live),
            entries=tuple(reversed(entries)),
        )

    def gaps(
        self,
        actor: Actor,
        *,
        cameras: Sequence[str] = (),
        start: datetime,
        end: datetime,
    ) -> tuple[Gap, ...]:
        """Where in [start, end) there is no footage, and why; nothing after now is a gap.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed.
            NotFoundError: There is no such camera.
        """
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            codes = self._checked(actor, cameras, start, end)
        return self.gaps_for(actor, codes, start, end)

    def gaps_for(
        self, actor: Actor, codes: Sequence[str], start: datetime, end: datetime
    ) -> tuple[Gap, ...]:
        """The gaps as this person may know them, for an act that has asked its own rights."""
        now = self._ledger.clock.now()
        end = min(end, now)
        found: builtins.list[Gap] = []
        if start >= end:
            return ()
        with self._database.read() as session:
            stops = _intake_stops(session, end, now)
            for code in codes:
                kept, expired, _ = self._stretches(session, code, _Stretch(start, end), actor, now)
                empty = _between(kept, start, end)
                if empty:
                    unread = _unreadable(session, find_camera(session, code), start)
                    for hole in empty:
                        found.extend(_explained(code, hole, expired, unread, stops))
        return tuple(found)

    def coverage(
        self, actor: Actor, *, cameras: Sequence[str] = (), start: datetime, end: datetime
    ) -> tuple[Coverage, ...]:
        """How much of [start, end) each camera's footage covers.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed.
            NotFoundError: There is no such camera.
        """
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            codes = self._checked(actor, cameras, start, end)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            found = []
            for code in codes:
                kept, _, count = self._stretches(session, code, _Stretch(start, end), actor, now)
                covered = sum((_length(each, start, end) for each in kept), timedelta(0))
                found.append(
                    Coverage(code, count, covered.total_seconds(), (end - start).total_seconds())
                )
        return tuple(found)

    @staticmethod
    def describe(detail: RecordingDetail) -> Iterator[str]:
        """A recording in sentences: what it is, how sure its time is, and why it is still here."""
        zone = ZoneInfo(detail.zone)

        def local(moment: datetime) -> str:
            return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")

        yield f"{detail.id}: {detail.kind} from camera {detail.camera}, site {detail.site}"
        yield f"from {local(detail.started_at)} to {local(detail.ended_at)}"
        yield (
            f"time from the {detail.time_source}, ± {detail.uncertainty_s:g} s, clock offset taken "
            f"off: {detail.clock_offset_s:+g} s; as read: {detail.original_started or 'nothing'}"
        )
        for each in detail.disagreements:
            yield f"contradiction: {each.get('sentence', '')}"
        yield (
            f"file: {detail.original_name or 'name erased'}, {detail.bytes} bytes, SHA-256 "
            f"{detail.sha256.hex()}"
        )
        yield (
            f"{detail.container}, {detail.codec}, {detail.width}x{detail.height}, "
            f"{detail.duration_s:g} s, {'with' if detail.has_audio else 'without'} sound"
        )
        for fault in detail.faults:
            yield f"fault: {fault}"
        if not detail.grants:
            yield "expired: no purpose keeps it any more"
        for grant in detail.grants:
            until = "open-ended" if grant.until is None else f"until {local(grant.until)}"
            yield f"kept for {grant.purpose} ({grant.statute}), {until}: {grant.reason}"
        for entry in detail.entries:
            yield f"log {entry.index}: {local(entry.at)} {entry.event} by {entry.actor}"

    # --- inside -------------------------------------------------------------------------------

    def _checked(
        self,
        actor: Actor,
        cameras: Sequence[str],
        start: datetime | None,
        end: datetime | None,
    ) -> builtins.list[str]:
        """The codes asked for, or all."""
        _require_list(actor)
        if start is not None and end is not None and start >= end:
            raise InvalidInputError("the window must end after it starts")
        with self._database.read() as session:
            if not cameras:
                return list_codes(session)
            return [find_camera(session, code).code for code in dict.fromkeys(cameras)]

    def _listed(
        self,
        codes: Sequence[str],
        start: datetime | None,
        end: datetime | None,
        kind: str | None,
        limit: int | None,
        *,
        cleared: bool,
        newest_first: bool,
    ) -> Iterator[RecordingView]:
        after: Mark | None = None
        left = limit
        while left is None or left > 0:
            now = self._ledger.clock.now()
            with self._database.read() as session:
                rows = overlapping(
                    session,
                    codes,
                    start=start,
                    end=end,
                    kind=kind,
                    after=after,
                    newest_first=newest_first,
                    limit=_PAGE,
                )
                known = self._known(session, rows, now, cleared=cleared)
            for row in rows:
                if grants := known.get(row.id):
                    yield RecordingView(**_fields(row, grants))
                    left = None if left is None else left - 1
                    if left == 0:
                        return
            if len(rows) < _PAGE:
                return
            after = Mark(rows[-1].started_at, rows[-1].id)

    def _known(
        self, session: Session, rows: Sequence[Recording], now: datetime, *, cleared: bool
    ) -> dict[str, tuple[GrantView, ...]]:
        """The live grants the viewer may know of, for those recordings that have any."""
        kept = [row.id for row in rows if row.state == "kept"]
        return {
            recording_id: known
            for recording_id, grants in self._grants.live(session, kept, now).items()
            if (known := tuple(each for each in grants if cleared or not each.gagged))
        }

    def _stretches(
        self,
        session: Session,
        code: str,
        window: _Stretch,
        actor: Actor,
        now: datetime,
    ) -> tuple[builtins.list[_Stretch], builtins.list[_Stretch], int]:
        """What is covered by footage to be seen, by footage that is no more, and how many."""
        kept: list[_Stretch] = []
        expired: list[_Stretch] = []
        count = 0
        for rows in pages(session, [code], start=window.starts_at, end=window.ends_at):
            known = self._known(session, rows, now, cleared=actor.cleared)
            count += len(known)
            for row in rows:
                if row.kind == "video":
                    _join(kept if row.id in known else expired, row.started_at, row.ended_at)
        return kept, expired, count


def list_codes(session: Session) -> list[str]:
    """The codes of all cameras, in order."""
    return list(session.exec(select(Camera.code).order_by(col(Camera.code))))


def is_visible(grants: Sequence[GrantView], *, cleared: bool) -> bool:
    """Whether a recording with these live grants is there at all for somebody."""
    return any(grant.live and (cleared or not grant.gagged) for grant in grants)


def _require_list(actor: Actor) -> None:
    if actor.is_person:
        actor.require(Right.FOOTAGE_LIST)


def _fields(row: Recording, grants: Sequence[GrantView]) -> dict[str, Any]:
    """The fields of a view; without a grant those of a recording that has expired."""
    ends = [grant.until for grant in grants]
    closed = [until for until in ends if until is not None]
    return {
        "id": row.id,
        "camera": row.camera_code,
        "kind": row.kind,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "time_source": row.time_source,
        "uncertainty_s": row.uncertainty_s,
        "original_name": row.original_name if grants else "",
        "bytes": row.size,
        "sha256": row.sha256,
        "container": row.container,
        "codec": row.codec,
        "expires_at": max(closed) if closed and len(closed) == len(ends) else None,
        "held": any(grant.hold_id is not None for grant in grants),
        "width": row.width,
        "height": row.height,
        "fps": row.fps,
        "duration_s": row.duration_s,
        "has_audio": row.has_audio,
        "faults": tuple(row.faults),
        "state": "kept" if grants else "expired",
    }


def _join(stretches: list[_Stretch], starts_at: datetime, ends_at: datetime) -> None:
    """Add a recording to stretches that are in order of their start."""
    if stretches and starts_at - stretches[-1].ends_at <= JOINED:
        last = stretches.pop()
        stretches.append(_Stretch(last.starts_at, max(last.ends_at, ends_at)))
    else:
        stretches.append(_Stretch(starts_at, ends_at))


def _between(stretches: Sequence[_Stretch], start: datetime, end: datetime) -> list[_Stretch]:
    """The holes that stretches leave in [start, end); slivers that count as joined are none."""
    holes = []
    at = start
    for each in stretches:
        if each.starts_at - at > JOINED:
            holes.append(_Stretch(at, each.starts_at))
        at = max(at, each.ends_at)
    if end - at > JOINED:
        holes.append(_Stretch(at, end))
    return holes


def _length(stretch: _Stretch, start: datetime, end: datetime) -> timedelta:
    return max(timedelta(0), min(stretch.ends_at, end) - max(stretch.starts_at, start))


def _explained(
    camera: str,
    hole: _Stretch,
    expired: Sequence[_Stretch],
    unread: Sequence[tuple[datetime, timedelta]],
    stops: Sequence[_Stretch],
) -> Iterator[Gap]:
    """A hole, divided into what has expired and what never came."""
    gone = [
        _Stretch(max(each.starts_at, hole.starts_at), min(each.ends_at, hole.ends_at))
        for each in expired
        if each.starts_at < hole.ends_at and each.ends_at > hole.starts_at
    ]
    never = _between(gone, hole.starts_at, hole.ends_at)
    for part in sorted((*gone, *never), key=lambda each: each.starts_at):
        if part in gone:
            cause = "expired"
        elif any(
            part.starts_at - _NEAR <= moment <= part.ends_at + slack for moment, slack in unread
        ):
            cause = "quarantined"
        elif any(stop.starts_at < part.ends_at and stop.ends_at > part.starts_at for stop in stops):
            cause = "intake-stopped"
        else:
            cause = "silent"
        yield Gap(camera, part.starts_at, part.ends_at, cause)


def _unreadable(
    session: Session, camera: Camera, start: datetime
) -> list[tuple[datetime, timedelta]]:
    """When a camera's quarantined files were made, as far as can be told, and how much later."""
    rows = session.exec(
        select(Quarantined).where(
            col(Quarantined.camera_code) == camera.code, col(Quarantined.arrived_at) >= start
        )
    )
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
        found.append((made.started_at, _NEAR if made.source == "name" else _SENT_WITHIN))
    return found


def _intake_stops(session: Session, end: datetime, now: datetime) -> list[_Stretch]:
    """When intake was stopped, as the log tells."""
    entries = session.exec(
        select(CustodyEntry)
        .where(
            col(CustodyEntry.event).in_([Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]),
            col(CustodyEntry.at) < end,
        )
        .order_by(col(CustodyEntry.leaf_index))
    )
    stops: list[_Stretch] = []
    since: datetime | None = None
    for entry in entries:
        if entry.event == Event.INTAKE_STOPPED:
            # With a full disk the entry itself may be late, and then names the time.
            told = Entry.from_bytes(entry.body).facts.get("since")
            since = since or (datetime.fromisoformat(told) if isinstance(told, str) else entry.at)
        elif since is not None:
            stops.append(_Stretch(since, entry.at))
            since = None
    if since is not None:
        stops.append(_Stretch(since, now))
    return stops
