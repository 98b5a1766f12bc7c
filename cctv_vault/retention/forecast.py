"""The forecast: what leaves when and for which purpose, when the disk is full, what may be done.

Owns the arithmetic (pure: facts and a time in, a forecast out) and the gathering of its facts. It
proposes only what is lawful: a shorter period, a review, another disk, less coming in. That footage
which a purpose keeps could go earlier is no choice it knows. What a secret hold keeps leaves, to
anyone who may not know of it, when everything else would.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import grant_seen_by
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.retention.policies import Policies, opening_days
from cctv_vault.retention.rules import Opening, kept_under
from cctv_vault.schema import Camera, Grant, Hold, Recording, Site, table
from storage.backend import BlobStore

HORIZON: Final = timedelta(days=31)
"""How far ahead it looks."""

ALARM: Final = timedelta(days=7)
"""A disk that will be full sooner than this raises an alarm: time to order and fit another."""

_MEASURED: Final = timedelta(days=7)
_CLOSED: Final = 2
"""So many closed days in a row are a closed period."""
_SHORT: Final = timedelta(hours=24)


class Proposal(StrEnum):
    """What may lawfully be done when a disk fills; the numbers beside it are the most it frees."""

    SHORTEN = "shorten"
    REVIEW = "review"
    ADD_DISK = "add-disk"
    RECORD_LESS = "record-less"


@dataclass(frozen=True)
class Stock:
    """Recordings of one purpose that leave at one moment: ``until`` None while open-ended."""

    purpose: str
    until: datetime | None
    recordings: int
    bytes: int


@dataclass(frozen=True)
class Arriving:
    """What is expected to arrive at a site on a day, and when it leaves again."""

    day: date
    site: str
    purpose: str
    recordings: int
    bytes: int
    until: datetime


@dataclass(frozen=True)
class Leaving:
    """What leaves on a day from one purpose."""

    day: date
    purpose: str
    recordings: int
    bytes: int


@dataclass(frozen=True)
class Day:
    """A day ahead: what leaves of what is there now, what comes and goes in all, what is left.

    ``stock`` is what the archive holds at its end, ``free`` what the disk then has above its
    reserve (negative where intake would have stopped; None for a store without an end).
    """

    day: date
    leaving: tuple[Leaving, ...]
    arrives: int
    leaves: int
    stock: int
    free: int | None


@dataclass(frozen=True)
class ClosedPeriod:
    """Days on which nobody is there, and what expires before anyone is back.

    With what is expected to come in until then, so the numbers are rounded guesses.
    """

    site: str
    first: date
    back: date
    recordings: int
    bytes: int


@dataclass(frozen=True)
class Suggestion:
    """Something that may lawfully be done, and the most it would free at once, in bytes."""

    what: Proposal
    frees: int | None


@dataclass(frozen=True)
class Forecast:
    """What the coming days bring.

    ``rate`` is bytes arriving a day, over the last days; ``free`` bytes the disk has above its
    reserve, None for a store without an end; ``full_at`` when intake would have to stop, None where
    that is not within the horizon. ``alarm`` says whether that is soon.
    """

    made_at: datetime
    days: tuple[Day, ...]
    open_ended: tuple[Stock, ...]
    recordings: int
    bytes: int
    rate: int
    free: int | None
    full_at: datetime | None
    alarm: bool
    closed: tuple[ClosedPeriod, ...]
    suggestions: tuple[Suggestion, ...]


# --- pure -------------------------------------------------------------------------------------


def foresee(
    stock: Sequence[Stock],
    arriving: Sequence[Arriving],
    *,
    free: int | None,
    now: datetime,
    zone: str,
) -> tuple[tuple[Day, ...], datetime | None]:
    """The days ahead, and when the disk is full.

    Within a day bytes arrive evenly; what leaves has left at its end, so that a day errs towards
    a fuller disk.

    Args:
        stock: What is there now.
        arriving: What is expected, per day and purpose.
        free: Bytes above the reserve, None for a store without an end.
        now: UTC.
        zone: On whose clocks days begin.
    """
    here, held = ZoneInfo(zone), sum(each.bytes for each in stock)
    going: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    leaves: dict[date, int] = defaultdict(int)
    comes: dict[date, int] = defaultdict(int)
    for each in stock:
        if each.until is not None:
            on = max(each.until, now).astimezone(here).date()
            going[on, each.purpose][0] += each.recordings
            going[on, each.purpose][1] += each.bytes
            leaves[on] += each.bytes
    for new in arriving:
        comes[new.day] += new.bytes
        leaves[new.until.astimezone(here).date()] += new.bytes
    days: list[Day] = []
    full_at, today = None, now.astimezone(here).date()
    for ahead in range(HORIZON.days + 1):
        day = today + timedelta(days=ahead)
        begins = max(now, datetime.combine(day, time(), here))
        ends = datetime.combine(day + timedelta(days=1), time(), here)
        if full_at is None and free is not None and 0 <= free < comes[day]:
            full_at = begins + (ends - begins) * (free / comes[day])
        if full_at is None and free is not None and free < 0:
            full_at = begins
        change = comes[day] - leaves[day]
        held += change
        free = None if free is None else free - change
        days.append(
            Day(
                day,
                tuple(
                    Leaving(day, purpose, *going[on, purpose])
                    for on, purpose in sorted(going)
                    if on == day
                ),
                comes[day],
                leaves[day],
                held,
                free,
            )
        )
    return tuple(days), None if full_at is None else full_at.astimezone(UTC)


def closed_period(
    site: str,
    opening: Opening,
    stock: Sequence[Stock],
    arriving: Sequence[Arriving],
    now: datetime,
) -> ClosedPeriod | None:
    """The next days in a row on which a site is closed, and what expires before they are over.

    Args:
        site: Its code.
        opening: Its opening days.
        stock: What of it is there now.
        arriving: What of it is expected.
        now: UTC.
    """
    first = now.astimezone(opening.zone).date()
    for _ in range(HORIZON.days):
        back = first if opening.is_open(first) else opening.first_open_after(first)
        if back is None:
            return None
        if (back - first).days >= _CLOSED:
            begins = datetime.combine(first, time(), opening.zone)
            ends = datetime.combine(back, time(), opening.zone)
            known: list[Stock | Arriving] = [*stock, *arriving]
            gone = [x for x in known if x.until is not None and begins <= x.until < ends]
            return ClosedPeriod(
                site, first, back, sum(x.recordings for x in gone), sum(x.bytes for x in gone)
            )
        first = back + timedelta(days=1)
    return None


# --- gathering --------------------------------------------------------------------------------


class Forecaster:
    """Looks ahead in one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        policies: Policies,
        store: BlobStore,
        zone: str,
        reserve_bytes: int,
    ) -> None:
        """``reserve_bytes`` are what intake leaves free on the disk."""
        self._database = database
        self._ledger = ledger
        self._policies = policies
        self._store = store
        self._zone = zone
        self._reserve = reserve_bytes

    def look(self, actor: Actor) -> Forecast:
        """The coming days, as the person may know of them."""
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.SWEEP_STARTED, actor):
                actor.require(Right.REGISTER_READ)
        now = self._ledger.clock.now()
        free = self._store.free_bytes()
        free = None if free is None else free - self._reserve
        with self._database.read() as session:
            kept = _kept(session, now, actor.sight)
            arriving, rate = self._arriving(session, now)
            closed = self._closed(session, kept, arriving, now)
            short = _beyond(session, now, actor.sight)
        stock = _grouped(kept)
        days, full_at = foresee(stock, arriving, free=free, now=now, zone=self._zone)
        open_ended = tuple(each for each in stock if each.until is None)
        return Forecast(
            made_at=now,
            days=days,
            open_ended=open_ended,
            recordings=sum(each.recordings for each in stock),
            bytes=sum(each.bytes for each in stock),
            rate=rate,
            free=free,
            full_at=full_at,
            alarm=full_at is not None and full_at - now < ALARM,
            closed=closed,
            suggestions=()
            if full_at is None
            else (
                Suggestion(Proposal.SHORTEN, short),
                Suggestion(Proposal.REVIEW, sum(each.bytes for each in kept if each.held)),
                Suggestion(Proposal.RECORD_LESS, None),
                Suggestion(Proposal.ADD_DISK, None),
            ),
        )

    def _arriving(self, session: Session, now: datetime) -> tuple[list[Arriving], int]:
        """What is expected to come, camera by camera as in the last days, and bytes a day."""
        rows = session.execute(
            select(
                col(Recording.camera_code),
                func.count(),
                func.sum(col(Recording.ciphertext_size)),
                func.min(col(Recording.arrived_at)),
            )
            .where(col(Recording.arrived_at) > now - _MEASURED, col(Recording.arrived_at) <= now)
            .group_by(col(Recording.camera_code))
            .order_by(col(Recording.camera_code))
        ).all()
        if not rows:
            return [], 0
        since = max(min(_MEASURED, now - min(row[3] for row in rows)), timedelta(days=1))
        share, here = timedelta(days=1) / since, ZoneInfo(self._zone)
        found: list[Arriving] = []
        today = now.astimezone(here).date()
        for code, count, size, _first in rows:
            camera = session.get_one(Camera, code)
            bases = self._policies.bases(session, code, camera.origin, now)
            for ahead in range(HORIZON.days + 1):
                day = today + timedelta(days=ahead)
                captured = datetime.combine(day, time(12), here).astimezone(UTC)
                basis, term = kept_under(
                    bases,
                    captured=captured,
                    arrived=captured,
                    time_source="name",
                )
                part = share if ahead else share * _rest_of_day(now, here)
                found.append(
                    Arriving(
                        day,
                        camera.site_code,
                        basis.purpose.code,
                        round(count * part),
                        round(int(size) * part),
                        term.until,
                    )
                )
        return found, round(int(sum(row[2] for row in rows)) * share)

    def _closed(
        self,
        session: Session,
        kept: Sequence["_Kept"],
        arriving: Sequence[Arriving],
        now: datetime,
    ) -> tuple[ClosedPeriod, ...]:
        """For each site the next closed period."""
        policy = self._policies.current(session, now)
        found = []
        for site in session.execute(select(Site).order_by(col(Site.code))).scalars():
            of_site = [
                Stock(each.purpose, each.until, each.recordings, each.bytes)
                for each in kept
                if each.site == site.code
            ]
            coming = [each for each in arriving if each.site == site.code]
            opening = opening_days(policy, site, now)
            found.append(closed_period(site.code, opening, of_site, coming, now))
        return tuple(each for each in found if each is not None)


@dataclass(frozen=True)
class _Kept:
    """Recordings of a site that leave together: under their last purpose, at its end."""

    site: str
    purpose: str
    until: datetime | None
    held: bool
    recordings: int
    bytes: int


def _kept(session: Session, now: datetime, sight: Sight) -> list[_Kept]:
    """What is kept, each recording under the purpose that keeps it longest."""
    query = (
        select(
            col(Grant.recording_id),
            col(Grant.purpose),
            col(Grant.until),
            col(Grant.hold_id),
            col(Recording.ciphertext_size),
            col(Camera.site_code),
        )
        .join(Recording, col(Recording.id) == col(Grant.recording_id))
        .join(Camera, col(Camera.code) == col(Recording.camera_code))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(live_clause(now), grant_seen_by(sight))
    )
    last: dict[str, Any] = {}
    for row in session.execute(query):
        known = last.get(row.recording_id)
        if known is None or _outlasts(row, known):
            last[row.recording_id] = row
    groups: dict[tuple[str, str, datetime | None, bool], list[int]] = defaultdict(lambda: [0, 0])
    for row in last.values():
        sums = groups[row.site_code, row.purpose, row.until, row.hold_id is not None]
        sums[0] += 1
        sums[1] += row.ciphertext_size
    return [_Kept(*key, *sums) for key, sums in groups.items()]


def _outlasts(one: Any, other: Any) -> bool:  # noqa: ANN401 - rows
    if one.until is None or other.until is None:
        return one.until is None and other.until is not None
    return bool(one.until > other.until)


def _grouped(kept: Sequence[_Kept]) -> tuple[Stock, ...]:
    groups: dict[tuple[str, datetime | None], list[int]] = defaultdict(lambda: [0, 0])
    for each in kept:
        groups[each.purpose, each.until][0] += each.recordings
        groups[each.purpose, each.until][1] += each.bytes
    return tuple(Stock(*key, *sums) for key, sums in groups.items())


def _beyond(session: Session, now: datetime, sight: Sight) -> int:
    """Bytes older than a day that no hold keeps: what the guideline's shortest period frees."""
    held = (
        select(col(Grant.recording_id))
        .join(Hold, col(Hold.id) == col(Grant.hold_id))
        .where(live_clause(now), grant_seen_by(sight))
    )
    kept = select(col(Grant.recording_id)).where(live_clause(now), col(Grant.hold_id).is_(None))
    return int(
        session.execute(
            select(func.coalesce(func.sum(col(Recording.ciphertext_size)), 0)).where(
                col(Recording.id).in_(kept),
                col(Recording.id).not_in(held),
                col(Recording.ended_at) < now - _SHORT,
            )
        ).scalar_one()
    )


def _rest_of_day(now: datetime, here: ZoneInfo) -> float:
    local = now.astimezone(here)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), here)
    return (midnight - local) / timedelta(days=1)
