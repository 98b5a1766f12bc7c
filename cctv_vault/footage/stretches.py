"""Stretches of footage: a camera's recordings joined where they follow each other.

Owns the reading of a whole window of one camera, of which hundreds of recordings a day become a few
stretches: nothing is taken from the index but what joining them needs, and nothing is made of it
but the stretches.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, select, type_coerce
from sqlmodel import Session

from cctv_vault.footage.gaps import JOINED, Edge, Stretch
from cctv_vault.footage.timeindex import Moment, Question, asked, found, from_text, order_of
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.schema import Grant, Hold, Recording, table


def stretches(
    session: Session, camera: str, start: datetime, end: datetime, now: datetime, *, sight: Sight
) -> Sequence[Stretch]:
    """A camera's footage that overlaps [start, end), in the order of its start.

    Args:
        session: A snapshot of the index.
        camera: Its code.
        start: Of the window.
        end: Of the window, exclusive.
        now: The time at which grants are live.
        sight: For whom: what only a hold keeps that they may not know of has expired.
    """
    question, values = asked(session, (camera,), start=start, end=end)
    if not question.parts:
        return ()
    rows = session.execute(_with_grants(question), values | {"now": now}).all()
    open_runs: dict[tuple[str, bool, bool, bool], _Run] = {}
    done: list[Stretch] = []
    for (key, kind, started_at, ended_at, derived), of_it in groupby(rows, _recording):
        ends: list[Any] = []
        held = False
        for *_, grant, until, hold_id, gagged, about_staff in of_it:
            seen = (sight.gagged or not gagged) and (sight.staff or not about_staff)
            if grant is not None and seen:
                ends.append(until)
                held = held or hold_id is not None
        run = open_runs.get(of := (kind, bool(ends), held, derived))
        if run is not None and started_at - run.ends_at > JOINED:
            done.append(run.closed())
            run = None
        if run is None:
            run = open_runs[of] = _Run(of, key, started_at, ended_at)
        run.add(key, ended_at, None if None in ends else max(ends, default=None))
    done.extend(run.closed() for run in open_runs.values())
    return sorted(done, key=lambda each: each.starts_at)


class _Run:
    """A stretch that may go on."""

    def __init__(
        self, of: tuple[str, bool, bool, bool], first: str, starts_at: datetime, ends_at: datetime
    ) -> None:
        self.ends_at = ends_at
        self._kind, self._here, self._held, self._derived = of
        self._first = self._last = first
        self._starts_at = starts_at
        self._count = 0
        self._expires: Any = None

    def add(self, key: str, ends_at: datetime, expires: Any) -> None:  # noqa: ANN401 - as stored
        """Another recording; ``expires`` is None where it is open-ended, or expired."""
        self._last = key
        self._count += 1
        self.ends_at = max(self.ends_at, ends_at)
        # As the engine stores times: SQLite as text, which is in their order too.
        if expires is not None and (self._expires is None or expires < self._expires):
            self._expires = expires

    def closed(self) -> Stretch:
        """It goes on no longer."""
        expires = self._expires
        return Stretch(
            self._kind,
            self._here,
            self._held,
            starts_at=self._starts_at,
            ends_at=self.ends_at,
            count=self._count,
            first=self._first,
            last=self._last,
            expires_at=from_text(expires) if isinstance(expires, str) else expires,
            derived=self._derived,
        )


def edges(session: Session, found: Sequence[Stretch]) -> dict[str, Edge]:
    """The recordings at the ends of stretches, by id."""
    ids = {each.first for each in found} | {each.last for each in found}
    rows = session.execute(_edges(), {"ids": list(ids)})
    return {key: Edge(*rest) for key, *rest in rows}


@cache
def _edges() -> Select[Any]:
    of = table(Recording).c
    return select(of.id, of.started_at, of.ended_at, of.arrived_at, of.clock_offset_s).where(
        of.id.in_(bindparam("ids", expanding=True))
    )


_recording = itemgetter(0, 1, 2, 3, 4)


@cache
def _with_grants(question: Question) -> Select[Any]:
    """A row for each recording and live grant; one without any for what has expired."""
    rows = found(question, ("id", "kind", "state", "started_at", "ended_at", "derived"))
    grant, hold = table(Grant).c, table(Hold).c
    now: Any = bindparam("now", type_=grant.until.type)
    return (
        select(
            rows.c.id,
            rows.c.kind,
            type_coerce(rows.c.started_at, Moment()),
            type_coerce(rows.c.ended_at, Moment()),
            rows.c.derived.is_not(None),
            grant.id,
            type_coerce(grant.until, Text()),
            grant.hold_id,
            hold.gagged,
            grant.about_staff,
        )
        .outerjoin(
            table(Grant),
            and_(grant.recording_id == rows.c.id, rows.c.state == "kept", live_clause(now)),
        )
        .outerjoin(table(Hold), hold.id == grant.hold_id)
        .order_by(*order_of(question, rows.c))
    )
