"""The health of cameras: looked at every minute, entered where it changes, and told to the house.

Owns what is gathered for the rules and what becomes of their findings: an entry with each fault
that is found and each that is over, and a message, where messages leave. Nothing is judged while
the vault itself takes nothing in. It refuses to know of holds: a camera is judged by what it sent,
and by pictures that everybody may know of.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import ClockGuardError, InvalidInputError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.timeindex import asked, found, overlapping
from cctv_vault.health.habit import ENOUGH_DAYS, WINDOW, Delivery, Habit, Holiday, learn
from cctv_vault.health.rules import (
    FLAT,
    WATCHED_LEAST,
    Anchor,
    Earlier,
    Facts,
    Fault,
    Finding,
    Look,
    Said,
    drift,
    judge,
)
from cctv_vault.health.views import Views
from cctv_vault.ingest.readiness import Readiness
from cctv_vault.ledger import Act, Ledger
from cctv_vault.mail.messages import Notice
from cctv_vault.mail.outbox import Outbox
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.policies import Policies, opening_days
from cctv_vault.schema import (
    Camera,
    CameraHealth,
    ClockMeasurement,
    PictureNote,
    Quarantined,
    Recording,
    Site,
)
from cctv_vault.views import iso

PAUSE: Final = timedelta(minutes=15)
"""Who has not looked for longer begins anew: what was silent meanwhile may have been the vault."""
LEARN_EVERY: Final = timedelta(hours=6)
LATE_IS_USUAL: Final = timedelta(days=7)
TELL_AGAIN: Final = timedelta(hours=6)
"""A fault that comes and goes is entered each time and told once in so long."""
_NEWEST: Final = 20
_LOOKS: Final = 50
_ANCHOR_FILES: Final = 20
_ANCHOR_AGE: Final = timedelta(days=1)
_NOTES: Final = timedelta(days=14)
_HALF_HOUR_S: Final = 1800.0
_ROUNDED_S: Final = 90.0
_TOLD: Final[Mapping[Fault, Notice]] = {each: Notice(f"camera-{each.value}") for each in Fault}


@dataclass(frozen=True)
class FaultView:
    """A fault of a camera: since when it lasts, and the whole figures that show it."""

    fault: str
    since: datetime
    found_at: datetime
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class HealthView:
    """How a camera is.

    ``state`` is ``well``, ``faulty``, ``learning`` (too little is known of it yet), ``new`` (it
    never sent anything), ``unwatched`` (nobody has looked lately) or ``production`` (course
    material, of which nothing is expected). ``learned_days`` is how many days its habits were
    learned from, 0 while learning.
    """

    camera: str
    name: str
    state: str
    faults: tuple[FaultView, ...]
    learned_days: int
    last_arrival_at: datetime | None
    looked_at: datetime | None


class Health:
    """Looks after cameras."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        policies: Policies,
        readiness: Readiness,
        outbox: Outbox,
        views: Views,
        is_stopped: Callable[[], bool],
        simulated: bool,
    ) -> None:
        """All belong to the vault; ``is_stopped`` says whether nothing can be taken in."""
        self._database = database
        self._ledger = ledger
        self._policies = policies
        self._readiness = readiness
        self._outbox = outbox
        self._views = views
        self._is_stopped = is_stopped
        self._simulated = simulated

    # --- looking ------------------------------------------------------------------------------

    def look(self, actor: Actor) -> int:
        """Look at every camera and enter what changed; how many faults were found or are over.

        Looking again changes nothing. Nothing is judged while the time is in doubt.
        """
        now = self._ledger.clock.now()
        self._views.forget(now)
        with self._database.read() as session:
            try:
                self._ledger.require_time(session)
            except ClockGuardError:
                return 0
            codes = session.execute(
                select(col(Camera.code))
                .where(col(Camera.origin) == "surveillance")
                .order_by(col(Camera.code))
            ).scalars()
            cameras = list(codes)
        return sum(self._look_at(actor, code, now) for code in cameras)

    def _look_at(self, actor: Actor, code: str, now: datetime) -> int:
        with self._database.read() as session:
            camera = find_camera(session, code)
            row = session.get(CameraHealth, code)
            seen = _Seen(
                camera=camera,
                row=row,
                watched=self._watched(session, code, row, now),
                holiday=self._holidays(session, camera, now),
                now=now,
            )
            learned = self._learned(session, seen)
            facts = self._facts(session, seen, learned)
        findings = judge(facts)
        with self._ledger.act(
            Event.CAMERA_FAULT_FOUND, actor, cameras=(code,), subject=code
        ) as act:
            kept = act.session.get(CameraHealth, code, with_for_update=True)
            if _state_of(kept) != _state_of(row):
                return 0  # somebody else looked meanwhile, or accepted what it sees
            if kept is None:
                kept = CameraHealth(camera_code=code, watched_since=now, looked_at=now)
            kept.watched_since, kept.looked_at = seen.watched or now, now
            if learned is not None:
                kept.learned_at = now
                kept.habit = None if learned.habit is None else learned.habit.to_json()
                kept.anchor = learned.anchor_json(seen.camera)
                act.session.execute(
                    delete(PictureNote).where(
                        col(PictureNote.camera_code) == code, col(PictureNote.at) < now - WINDOW
                    )
                )
            changed = self._enter(act, kept, findings)
            act.session.add(kept)
        return changed

    def _watched(
        self, session: Session, code: str, row: CameraHealth | None, now: datetime
    ) -> datetime | None:
        """Since when files of a camera could come in; None while they cannot."""
        if self._is_stopped() or self._readiness.missing(session, code):
            return None
        if self._simulated:
            return now - WATCHED_LEAST  # its time passes while nobody can look
        if row is None or not row.looked_at <= now <= row.looked_at + PAUSE:
            return now
        return row.watched_since

    def _learned(self, session: Session, seen: "_Seen") -> "_Learned | None":
        """What the camera usually does, where it is time to learn it anew."""
        camera, row, now = seen.camera, seen.row, seen.now
        if row is not None and row.learned_at is not None:
            if row.learned_at <= now < row.learned_at + LEARN_EVERY:
                return None
            if any(_is_no_habit(each, now) for each in row.faults):
                return None
        deliveries = _deliveries(session, camera.code, now)
        habit = learn(deliveries, now=now, zone=ZoneInfo(camera.zone), holiday=seen.holiday)
        if habit is None and row is not None and row.habit is not None:
            habit = Habit.from_json(row.habit)
        anchor = None if row is None else _anchor_of(row, camera)
        if anchor is None:
            anchor = _anchored(deliveries, camera.clock_measured_at)
        return _Learned(habit, anchor)

    def _facts(self, session: Session, seen: "_Seen", learned: "_Learned | None") -> Facts:
        camera, row, now = seen.camera, seen.row, seen.now
        code = camera.code
        if learned is not None:
            habit, anchor = learned.habit, learned.anchor
        else:
            stored = None if row is None else row.habit
            habit = None if stored is None else Habit.from_json(stored)
            anchor = None if row is None else _anchor_of(row, camera)
        newest = [
            each
            for each in overlapping(session, (code,), newest_first=True, limit=_NEWEST)
            if each.derived is None
        ]
        unread = session.execute(
            select(func.count())
            .select_from(Quarantined)
            .where(
                col(Quarantined.camera_code) == code,
                col(Quarantined.arrived_at) > (camera.last_arrival_at or now),
            )
        ).scalar_one()
        measured = session.execute(
            select(ClockMeasurement)
            .where(col(ClockMeasurement.camera_code) == code)
            .order_by(col(ClockMeasurement.measured_at).desc(), col(ClockMeasurement.id).desc())
            .limit(2)
        ).scalars()
        since = None if row is None else row.view_since
        return Facts(
            now=now,
            zone=ZoneInfo(camera.zone),
            holiday=seen.holiday,
            habit=habit,
            last_arrival=camera.last_arrival_at,
            watched_since=seen.watched,
            unread=unread,
            newest=[_delivery(each) for each in newest],
            said=[Said(_apart(each)) for each in newest],
            looks=_looks(session, code, since),
            earlier=lambda: self._earlier(code, now),
            anchor=anchor,
            drift_s=drift([(x.measured_at, x.offset_s, x.uncertainty_s) for x in measured], now),
            clock_measured_at=camera.clock_measured_at,
            standing={} if row is None else _standing(row),
        )

    def _earlier(self, code: str, now: datetime) -> list[Earlier]:
        with self._database.read() as session:
            rows = session.execute(
                select(col(PictureNote.at), col(PictureNote.spread), col(PictureNote.still)).where(
                    col(PictureNote.camera_code) == code, col(PictureNote.at) > now - _NOTES
                )
            ).all()
        return [Earlier(at, spread < FLAT, still) for at, spread, still in rows]

    def _holidays(self, session: Session, camera: Camera, now: datetime) -> Holiday:
        """On which days the camera's shop is closed although the weekday is not."""
        site = session.get_one(Site, camera.site_code)
        opening = opening_days(self._policies.current(session, now), site, now - WINDOW)

        def holiday(day: date) -> bool:
            usually = opening.weekdays is None or day.weekday() in opening.weekdays
            return usually and not opening.is_open(day)

        return holiday

    # --- telling ------------------------------------------------------------------------------

    def _enter(self, act: Act, row: CameraHealth, findings: Sequence[Finding]) -> int:
        """Enter what is found and what is over, and have it told; how many these are."""
        before = {str(each["fault"]): each for each in row.faults}
        kept: list[dict[str, Any]] = []
        changes = 0
        for finding in findings:
            name = finding.fault.value
            known = before.pop(name, None)
            kept.append(
                {
                    "fault": name,
                    "since": iso(finding.since),
                    "found_at": iso(act.now) if known is None else known["found_at"],
                    "figures": dict(finding.figures),
                }
            )
            if known is None:
                changes += 1
                facts: dict[str, Json] = {"fault": name, "since": iso(finding.since)}
                facts["figures"] = dict(finding.figures)
                act.record(Event.CAMERA_FAULT_FOUND, row.camera_code, facts=facts)
                self._tell_found(act, row, finding.fault)
        for known in before.values():
            changes += 1
            self._enter_ended(act, row, known, is_well=not kept)
        row.faults = kept
        return changes

    def _enter_ended(
        self, act: Act, row: CameraHealth, fault: Mapping[str, Any], *, is_well: bool
    ) -> None:
        act.record(
            Event.CAMERA_FAULT_ENDED,
            row.camera_code,
            facts={"fault": fault["fault"], "since": fault["since"]},
        )
        told = row.told.get(str(fault["fault"]))
        if is_well and told is not None and told >= fault["found_at"]:
            self._tell(act, row.camera_code, Notice.CAMERA_WELL)

    def _tell_found(self, act: Act, row: CameraHealth, fault: Fault) -> None:
        last = row.told.get(fault.value)
        if last is None or act.now - datetime.fromisoformat(last) >= TELL_AGAIN:
            row.told = {**row.told, fault.value: iso(act.now)}
            self._tell(act, row.camera_code, _TOLD[fault])

    def _tell(self, act: Act, code: str, notice: Notice) -> None:
        self._outbox.tell_house(act, notice, code, key=iso(act.now), path=f"/cameras#camera-{code}")

    # --- for people ---------------------------------------------------------------------------

    def list(self, actor: Actor) -> tuple[HealthView, ...]:
        """How every camera is, by code, as it was when last looked at.

        Raises:
            AccessDeniedError: The person has no part in the shop.
        """
        if actor.is_person and not actor.roles:
            with entered_if_refused(self._ledger, Event.CAMERA_FAULT_FOUND, actor):
                actor.require(Right.FOOTAGE_LIST)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            rows = session.execute(
                select(Camera, CameraHealth)
                .outerjoin(CameraHealth, col(CameraHealth.camera_code) == col(Camera.code))
                .order_by(col(Camera.code))
            ).all()
            return tuple(_view(camera, row, now) for camera, row in rows)

    def accept_view(self, actor: Actor, code: str, reason: str) -> HealthView:
        """Say that what a camera sees now is right: it was turned, or the room was changed.

        Raises:
            NotFoundError: There is no such camera.
            AccessDeniedError: The person neither sets up nor manages.
            InvalidInputError: No reason is given.
        """
        event = Event.CAMERA_VIEW_ACCEPTED
        with self._ledger.act(event, actor, cameras=(code,), subject=code) as act:
            if actor.is_person and not actor.may(Right.SETUP):
                actor.require(Right.INCIDENT_MANAGE)
            camera = find_camera(act.session, code)
            if not reason.strip():
                raise InvalidInputError("say why the camera sees something else")
            row = act.session.get(CameraHealth, code, with_for_update=True)
            if row is None:
                row = CameraHealth(camera_code=code, watched_since=act.now, looked_at=act.now)
            moved = [each for each in row.faults if each["fault"] == Fault.MOVED.value]
            row.faults = [each for each in row.faults if each not in moved]
            row.view_since = act.now
            act.record(event, code, details={"reason": reason})
            for each in moved:
                self._enter_ended(act, row, each, is_well=not row.faults)
            act.session.add(row)
            act.session.flush()
            return _view(camera, row, act.now)


@dataclass(frozen=True)
class _Learned:
    """What was learned of a camera."""

    habit: Habit | None
    anchor: Anchor | None

    def anchor_json(self, camera: Camera) -> dict[str, Any] | None:
        """The anchor as it is kept, with the measurement it belongs to."""
        if self.anchor is None:
            return None
        return {**asdict(self.anchor), "measured_at": _measured(camera)}


@dataclass(frozen=True)
class _Seen:
    """A camera as it is looked at."""

    camera: Camera
    row: CameraHealth | None
    watched: datetime | None
    holiday: Holiday
    now: datetime


def _state_of(row: CameraHealth | None) -> tuple[datetime, datetime | None] | None:
    """What tells whether somebody changed a row since it was read."""
    return None if row is None else (row.looked_at, row.view_since)


def _is_no_habit(fault: Mapping[str, Any], now: datetime) -> bool:
    """Whether a fault keeps a camera's habits from being learned: it would become one.

    Coming late becomes one after a week, for whoever has it so on purpose.
    """
    if fault["fault"] == Fault.LATE.value:
        return now - datetime.fromisoformat(fault["found_at"]) < LATE_IS_USUAL
    return fault["fault"] in {Fault.SILENT.value, Fault.UNREADABLE.value}


def _deliveries(session: Session, code: str, now: datetime) -> list[Delivery]:
    """What arrived in the window that habits are learned from, in order."""
    since = now - WINDOW
    question, values = asked(session, (code,), start=since)
    if not question.parts:
        return []
    part = found(question, ("arrived_at", "ended_at", "time_source", "derived"))
    rows = session.execute(select(part).where(part.c.arrived_at >= since), values)
    return sorted(
        Delivery(row.arrived_at, row.ended_at, row.time_source != "arrival")
        for row in rows
        if row.derived is None
    )


def _delivery(row: Recording) -> Delivery:
    return Delivery(row.arrived_at, row.ended_at, row.time_source != "arrival")


def _apart(row: Recording) -> float | None:
    """How far a recording's name and container contradict each other.

    Whole half hours are a zone that somebody mixed up: told on the recording, and no clock's fault.
    """
    for each in row.disagreements:
        seconds = float(each["seconds"])
        off = abs(seconds - _HALF_HOUR_S * round(seconds / _HALF_HOUR_S))
        if {each["first"], each["second"]} == {"name", "container"} and off > _ROUNDED_S:
            return seconds
    return None


def _looks(session: Session, code: str, since: datetime | None) -> list[Look]:
    """The newest pictures; those from before a view was accepted are like nothing any more."""
    rows = session.execute(
        select(PictureNote)
        .where(col(PictureNote.camera_code) == code)
        .order_by(col(PictureNote.at).desc(), col(PictureNote.id).desc())
        .limit(_LOOKS)
    ).scalars()
    return [
        Look(
            each.at,
            each.light,
            each.spread,
            each.still,
            each.mark,
            None if since is not None and each.at < since else each.likeness,
        )
        for each in rows
    ]


def _anchor_of(row: CameraHealth, camera: Camera) -> Anchor | None:
    """How long files took when the clock was last measured, where that is known."""
    if row.anchor is None or row.anchor["measured_at"] != _measured(camera):
        return None
    return Anchor(row.anchor["lag_s"], row.anchor["scatter_s"])


def _measured(camera: Camera) -> str | None:
    return None if camera.clock_measured_at is None else iso(camera.clock_measured_at)


def _anchored(deliveries: Iterable[Delivery], measured_at: datetime | None) -> Anchor | None:
    """How long the first files took from a measurement on, or from the first that is known."""
    dated = [
        each
        for each in deliveries
        if each.dated and (measured_at is None or each.arrived_at >= measured_at)
    ]
    if not dated or dated[-1].arrived_at - dated[0].arrived_at < _ANCHOR_AGE:
        return None
    begun = dated[0].arrived_at
    lags = sorted(
        (each.arrived_at - each.ended_at).total_seconds()
        for each in dated
        if each.arrived_at < begun + ENOUGH_DAYS * _ANCHOR_AGE
    )
    if len(lags) < _ANCHOR_FILES:
        return None
    middle = lags[len(lags) // 2]
    return Anchor(middle, lags[len(lags) * 9 // 10] - middle)


def _standing(row: CameraHealth) -> dict[Fault, Finding]:
    return {
        Fault(each["fault"]): Finding(
            Fault(each["fault"]), datetime.fromisoformat(each["since"]), each["figures"]
        )
        for each in row.faults
    }


def _view(camera: Camera, row: CameraHealth | None, now: datetime) -> HealthView:
    faults = tuple(
        FaultView(
            each["fault"],
            datetime.fromisoformat(each["since"]),
            datetime.fromisoformat(each["found_at"]),
            each["figures"],
        )
        for each in (() if row is None else row.faults)
    )
    if camera.origin != "surveillance":
        state = "production"
    elif row is None or now - row.looked_at > PAUSE:
        state = "unwatched"
    elif faults:
        state = "faulty"
    elif camera.last_arrival_at is None:
        state = "new"
    else:
        state = "learning" if row.habit is None else "well"
    return HealthView(
        camera=camera.code,
        name=camera.name,
        state=state,
        faults=faults,
        learned_days=0 if row is None or row.habit is None else int(row.habit["days"]),
        last_arrival_at=camera.last_arrival_at,
        looked_at=None if row is None else row.looked_at,
    )
