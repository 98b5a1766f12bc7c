"""The catalogue: which recordings there are, why each is still here, and where there is none.

Owns what a person may know of. A recording without a live grant is absent; one that only a secret
hold keeps is, to anyone who may not know of it, one that has expired, in every list, count and gap.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.corrections import corrections_of
from cctv_vault.footage.coverage import Coverage, DayCoverage, Lane, Snapshot, covered
from cctv_vault.footage.detail import RecordingDetail
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.listing import LISTED, RecordingView, fields, merged, with_grants
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import BESIDE
from cctv_vault.footage.timeindex import Mark, asked
from cctv_vault.gags import hidden_subjects
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.grants import Grants, GrantView
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import DerivedStream, Recording

KINDS: Final = ("video", "still")
_ONE_DAY: Final = timedelta(days=1)
_PAGE: Final = 500
_FEW: Final = 16
_ENTRIES: Final = 1000


@dataclass(frozen=True)
class Neighbours:
    """The recordings just before and after another of the same camera."""

    before: str | None
    after: str | None


class Catalogue:
    """Tells of recordings."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        grants: Grants,
        log: CustodyLog,
        keyring: Keyring,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._grants = grants
        self._log = log
        self._keyring = keyring

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
                beside = _beside(session, recording_id)
                corrected = corrections_of(session, self._keyring, [recording])
        entries = self._log.entries(
            subject=recording_id,
            limit=_ENTRIES,
            newest_first=True,
            hidden=hidden_subjects(self._database, actor),
        )
        live = tuple(grant for grant in known if grant.live)
        return RecordingDetail(
            **fields(recording, [each.until for each in live], held=_any_hold(live)),
            site=camera.site_code,
            zone=camera.zone,
            origin=recording.origin,
            original_started=recording.original_started,
            clock_offset_s=recording.clock_offset_s,
            clock_uncertainty_s=camera.clock_uncertainty_s,
            clock_measured_at=camera.clock_measured_at,
            disagreements=tuple(recording.disagreements),
            derived=recording.derived,
            # What only a hold keeps that this person may not know of has expired for them.
            beside=beside if live else {},
            corrections=corrected.get(recording_id, ()) if live else (),
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
            read = Snapshot(session, self._ledger.clock.now(), actor.sight)
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
                Coverage(code, *covered(read.stretches(code, start, end), start, end))
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

    @contextmanager
    def _reading(self, actor: Actor) -> Iterator[Snapshot]:
        """A snapshot for somebody who may list footage; being refused is entered."""
        with entered_if_refused(self._ledger, Event.FOOTAGE_VIEWED, actor):
            if actor.is_person:
                actor.require(Right.FOOTAGE_LIST)
            now = self._ledger.clock.now()
            with self._database.read() as session:
                yield Snapshot(session, now, actor.sight)

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
                rows = session.execute(with_grants(question, LISTED), values | {"now": now}).all()
            count, last = 0, after
            for row, ends, held in merged(rows, actor.sight):
                count, last = count + 1, Mark(row.started_at, row.id)
                if ends:
                    yield RecordingView(**fields(row, ends, held=held))
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
                    read = Snapshot(session, now, actor.sight)
                    found = read.stretches(code, begins, ends)
                    gaps = sum(1 for _ in read.gaps(code, found, begins, ends))
                yield DayCoverage(code, day, *covered(found, begins, min(ends, now)), gaps)
                day += _ONE_DAY


def is_visible(grants: Sequence[GrantView], sight: Sight) -> bool:
    """Whether a recording with these live grants is there at all for somebody."""
    return any(grant.live and grant.seen_by(sight) for grant in grants)


def _beside(session: Session, recording_id: str) -> dict[str, int]:
    """The files kept with a recording: bytes, by the ending of the name."""
    rows = session.exec(
        select(DerivedStream.stream, DerivedStream.size).where(
            col(DerivedStream.recording_id) == recording_id,
            col(DerivedStream.stream).startswith(BESIDE),
        )
    )
    return {stream.removeprefix(BESIDE): size for stream, size in rows}


def _require_list(actor: Actor) -> None:
    if actor.is_person:
        actor.require(Right.FOOTAGE_LIST)


def _any_hold(grants: Iterable[GrantView]) -> bool:
    return any(grant.hold_id is not None for grant in grants)


def _check_window(start: datetime | None, end: datetime | None) -> None:
    if start is not None and end is not None and start >= end:
        raise InvalidInputError("the window must end after it starts")
