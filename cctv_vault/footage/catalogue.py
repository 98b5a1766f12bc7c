"""The catalogue: which recordings there are, why each is still here, and where there is none.

Owns what a person may know of. A recording without a live grant is absent; one that only a secret
hold keeps is, to anyone who may not know of it, one that has expired, in every list, count and gap.
"""

import builtins
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, func, or_, select, type_coerce
from sqlmodel import Session, col

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog, LoggedEntry
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
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
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.stretches import edges, stretches
from cctv_vault.footage.timeindex import Mark, Moment, Question, asked, found, order_of
from cctv_vault.gags import hidden_subjects, seen_by
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import decide_time
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.grants import Grants, GrantView, live_clause
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

__all__ = [
    "KINDS",
    "Catalogue",
    "Coverage",
    "DayCoverage",
    "Gap",
    "Lane",
    "Neighbours",
    "RecordingDetail",
    "RecordingView",
    "Stretch",
    "is_visible",
    "list_codes",
]

KINDS: Final = ("video", "still")

_ONE_DAY: Final = timedelta(days=1)
_PAGE: Final = 500
_FEW: Final = 16
_ENTRIES: Final = 1000
_SENT_WITHIN: Final = timedelta(minutes=10)
# What a list shows of a recording, by its columns.
_LISTED: Final = (
    "id", "camera_code", "kind", "state", "started_at", "ended_at", "time_source", "uncertainty_s",
    "original_name", "size", "sha256", "container", "codec", "width", "height", "fps", "duration_s",
    "has_audio", "faults",
)  # fmt: skip


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
    ``derived`` says what it was cut out of where only a window was kept, else None.
    """

    site: str
    zone: str
    origin: str
    original_started: str
    clock_offset_s: float
    clock_uncertainty_s: float | None
    clock_measured_at: datetime | None
    disagreements: tuple[dict[str, Any], ...]
    derived: dict[str, Any] | None
    arrived_at: datetime
    sealed_at: datetime
    source_state: str
    segment_root: builtins.bytes
    grants: tuple[GrantView, ...]
    ended_grants: tuple[GrantView, ...]
    entries: tuple[LoggedEntry, ...]


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


@dataclass(frozen=True)
class Neighbours:
    """The recordings just before and after another of the same camera."""

    before: str | None
    after: str | None


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
        with self._reading(actor) as read:
            _check_window(start, end)
            codes = read.codes(cameras)
            if kind is not None and kind not in KINDS:
                raise InvalidInputError(f"kind is video or still, not {kind!r}")
        return self._listed(
            actor,
            codes,
            start=start,
            end=end,
            kind=kind,
            limit=limit,
            newest_first=newest_first,
        )

    def leaving(self, actor: Actor, within: timedelta) -> tuple[int, int]:
        """How many recordings leave within a time from now, as this person sees them, and bytes.

        Raises:
            AccessDeniedError: The person may not list footage.
        """
        now = self._ledger.clock.now()
        with self._reading(actor) as read:
            return read.leaving(now + within)

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
                    if grant.seen_by(actor.sight)
                )
        entries = self._log.entries(
            subject=recording_id,
            limit=_ENTRIES,
            newest_first=True,
            hidden=hidden_subjects(self._database, actor),
        )
        live = tuple(grant for grant in known if grant.live)
        return RecordingDetail(
            **_fields(recording, [each.until for each in live], held=_any_hold(live)),
            site=camera.site_code,
            zone=camera.zone,
            origin=recording.origin,
            original_started=recording.original_started,
            clock_offset_s=recording.clock_offset_s,
            clock_uncertainty_s=camera.clock_uncertainty_s,
            clock_measured_at=camera.clock_measured_at,
            disagreements=tuple(recording.disagreements),
            derived=recording.derived,
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
        with self._reading(actor) as read:
            _check_window(start, end)
            return tuple(
                gap
                for code in read.codes(cameras)
                for gap in read.gaps(code, read.stretches(code, start, end), start, end)
            )

    def gaps_for(
        self, actor: Actor, codes: Sequence[str], start: datetime, end: datetime
    ) -> tuple[Gap, ...]:
        """The gaps as this person may know them, for an act that has asked its own rights."""
        with self._database.read() as session:
            read = _Reading(session, self._ledger.clock.now(), actor.sight)
            return tuple(
                gap
                for code in codes
                for gap in read.gaps(code, read.stretches(code, start, end), start, end)
            )

    def lane(self, actor: Actor, *, camera: str, start: datetime, end: datetime) -> Lane:
        """What of a camera there is in [start, end) and what not, read once for both.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed.
            NotFoundError: There is no such camera.
        """
        with self._reading(actor) as read:
            _check_window(start, end)
            (code,) = read.codes((camera,))
            found = read.stretches(code, start, end)
            return Lane(
                code,
                tuple(each for each in found if each.here),
                tuple(read.gaps(code, found, start, end)),
            )

    def coverage(
        self, actor: Actor, *, cameras: Sequence[str] = (), start: datetime, end: datetime
    ) -> tuple[Coverage, ...]:
        """How much of [start, end) each camera's footage covers.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed.
            NotFoundError: There is no such camera.
        """
        with self._reading(actor) as read:
            _check_window(start, end)
            return tuple(
                Coverage(code, *_covered(read.stretches(code, start, end), start, end))
                for code in read.codes(cameras)
            )

    def days(
        self, actor: Actor, *, cameras: Sequence[str] = (), start: datetime, end: datetime
    ) -> Iterator[DayCoverage]:
        """How much of each day that [start, end) touches each camera's footage covers.

        Days are those of the camera's own zone, whole ones; nothing after now is counted. Read a
        day at a time, as they are asked for.

        Raises:
            AccessDeniedError: The person may not list footage.
            InvalidInputError: The window is reversed.
            NotFoundError: There is no such camera.
        """
        with self._reading(actor) as read:
            _check_window(start, end)
            zones = {code: read.zone(code) for code in read.codes(cameras)}
        return self._days(actor, zones, start, end)

    def neighbours(self, actor: Actor, recording_id: str) -> Neighbours:
        """The recordings of the same camera just before and after one, as this person sees them.

        Raises:
            AccessDeniedError: The person may not list footage.
            NotFoundError: There is no such recording.
        """
        event = Event.FOOTAGE_VIEWED
        with entered_if_refused(self._ledger, event, actor, subject=recording_id):
            _require_list(actor)
            with self._database.read() as session:
                row = session.get(Recording, recording_id)
                if row is None:
                    raise NotFoundError("recording", recording_id)
        at = Mark(row.started_at, row.id)
        before, after = (
            next(
                self._listed(actor, [row.camera_code], limit=1, after=at, newest_first=turn),
                None,
            )
            for turn in (True, False)
        )
        return Neighbours(before.id if before else None, after.id if after else None)

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
        if detail.derived is not None:
            yield (
                f"derived: the window of {detail.derived['original']} (SHA-256 "
                f"{detail.derived['original_sha256']}), whose rest was not kept; cut by "
                f"{detail.derived['tool']}"
            )
        if not detail.grants:
            yield "expired: no purpose keeps it any more"
        for grant in detail.grants:
            until = "open-ended" if grant.until is None else f"until {local(grant.until)}"
            yield f"kept for {grant.purpose} ({grant.statute}), {until}: {grant.reason}"
        for entry in detail.entries:
            yield f"log {entry.index}: {local(entry.at)} {entry.event} by {entry.actor}"

    # --- inside -------------------------------------------------------------------------------

    @contextmanager
    def _reading(self, actor: Actor) -> Iterator["_Reading"]:
        """A snapshot for somebody who may list footage; being refused is entered."""
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            if actor.is_person:
                actor.require(Right.FOOTAGE_LIST)
            now = self._ledger.clock.now()
            with self._database.read() as session:
                yield _Reading(session, now, actor.sight)

    def _listed(
        self,
        actor: Actor,
        codes: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        kind: str | None = None,
        limit: int | None = None,
        after: Mark | None = None,
        newest_first: bool = False,
    ) -> Iterator[RecordingView]:
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left + _FEW)
            now = self._ledger.clock.now()
            with self._database.read() as session:
                question, values = asked(
                    session,
                    codes,
                    start=start,
                    end=end,
                    kind=kind,
                    after=after,
                    newest_first=newest_first,
                    limit=page,
                )
                if not question.parts:
                    return
                rows = session.execute(_with_grants(question, _LISTED), values | {"now": now}).all()
            count, last = 0, after
            for row, ends, held in _merged(rows, actor.sight):
                count, last = count + 1, Mark(row.started_at, row.id)
                if ends:
                    yield RecordingView(**_fields(row, ends, held=held))
                    left = None if left is None else left - 1
                    if left == 0:
                        return
            if count < page:
                return
            after = last

    def _days(
        self, actor: Actor, zones: dict[str, ZoneInfo], start: datetime, end: datetime
    ) -> Iterator[DayCoverage]:
        for code, zone in zones.items():
            day = start.astimezone(zone).date()
            while (begins := datetime.combine(day, time(), zone).astimezone(UTC)) < end:
                now = self._ledger.clock.now()
                ends = datetime.combine(day + _ONE_DAY, time(), zone).astimezone(UTC)
                if begins >= now:
                    break
                with self._database.read() as session:
                    read = _Reading(session, now, actor.sight)
                    found = read.stretches(code, begins, ends)
                    gaps = sum(1 for _ in read.gaps(code, found, begins, ends))
                yield DayCoverage(code, day, *_covered(found, begins, min(ends, now)), gaps)
                day += _ONE_DAY


class _Reading:
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
            return list_codes(self._session)
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
            .where(live, seen_by(self._sight))
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


def list_codes(session: Session) -> list[str]:
    """The codes of all cameras, in order."""
    return list(session.scalars(select(col(Camera.code)).order_by(col(Camera.code))))


def is_visible(grants: Sequence[GrantView], sight: Sight) -> bool:
    """Whether a recording with these live grants is there at all for somebody."""
    return any(grant.live and grant.seen_by(sight) for grant in grants)


def _require_list(actor: Actor) -> None:
    if actor.is_person:
        actor.require(Right.FOOTAGE_LIST)


@cache
def _with_grants(question: Question, columns: tuple[str, ...]) -> Select[Any]:
    """A question's recordings with their live grants, a row for each grant, or for none."""
    rows, grant, hold = found(question, columns), table(Grant).c, table(Hold).c
    now: Any = bindparam("now", type_=grant.until.type)
    return (
        select(
            *(_plain(each) for each in rows.c),
            grant.id.label("grant"),
            _plain(grant.until),
            grant.hold_id,
            hold.gagged,
            hold.about_staff,
        )
        .outerjoin(table(Grant), and_(grant.recording_id == rows.c.id, live_clause(now)))
        .outerjoin(table(Hold), hold.id == grant.hold_id)
        .order_by(*order_of(question, rows.c), grant.id)
    )


def _plain(column: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's
    if column.type.python_type is datetime:
        return type_coerce(column, Moment()).label(column.name)
    return column


_Ends = list[datetime | None]


def _merged(rows: Iterable[Any], sight: Sight) -> Iterator[tuple[Any, _Ends, bool]]:
    """Each recording once, with the ends of the grants a viewer may know of, and if one is a hold.

    Without any it is, to that viewer, a recording that has expired.
    """
    last: Any = None
    last_id = ""
    ends: _Ends = []
    held = False
    for row in rows:
        if row[0] != last_id:
            if last is not None:
                yield last, ends, held
            last, last_id, ends, held = row, row[0], [], False
        *_, grant, until, hold_id, gagged, about_staff = row
        seen = (sight.gagged or not gagged) and (sight.staff or not about_staff)
        if grant is not None and row.state == "kept" and seen:
            ends.append(until)
            held = held or hold_id is not None
    if last is not None:
        yield last, ends, held


def _latest(ends: _Ends) -> datetime | None:
    """The latest of these ends; None where one is open, or there is none."""
    if len(ends) == 1:
        return ends[0]
    closed = [until for until in ends if until is not None]
    return max(closed) if closed and len(closed) == len(ends) else None


def _any_hold(grants: Iterable[GrantView]) -> bool:
    return any(grant.hold_id is not None for grant in grants)


def _fields(row: Any, ends: _Ends, *, held: bool) -> dict[str, Any]:  # noqa: ANN401 - row or model
    """The fields of a view; without a grant those of a recording that has expired."""
    return {
        "id": row.id,
        "camera": row.camera_code,
        "kind": row.kind,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "time_source": row.time_source,
        "uncertainty_s": row.uncertainty_s,
        "original_name": row.original_name if ends else "",
        "bytes": row.size,
        "sha256": row.sha256,
        "container": row.container,
        "codec": row.codec,
        "expires_at": _latest(ends),
        "held": held,
        "width": row.width,
        "height": row.height,
        "fps": row.fps,
        "duration_s": row.duration_s,
        "has_audio": row.has_audio,
        "faults": tuple(row.faults),
        "state": "kept" if ends else "expired",
    }


def _covered(found: Sequence[Stretch], start: datetime, end: datetime) -> tuple[int, float, float]:
    """How many recordings are here, how much of [start, end) they cover, and its seconds."""
    here = [each for each in found if each.here]
    whole = joined(each for each in here if each.kind == "video")
    covered = sum((length(each, start, end) for each in whole), timedelta(0))
    return sum(each.count for each in here), covered.total_seconds(), (end - start).total_seconds()


def _check_window(start: datetime | None, end: datetime | None) -> None:
    if start is not None and end is not None and start >= end:
        raise InvalidInputError("the window must end after it starts")


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
