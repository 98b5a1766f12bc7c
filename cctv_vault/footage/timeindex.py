"""The index in time: which recordings of a camera overlap a window, whatever the archive's size.

Owns the span classes. A recording of class *n* lasts at most 2**n seconds, so one that overlaps
[start, end) began after start − 2**n: for each class a camera has, that is one short range of the
index on (camera, span class, start). Refuses to know who may see what.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlmodel import Session, col

from cctv_vault.schema import Recording

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


def span_class(span: timedelta) -> int:
    """The smallest n for which ``span`` is at most 2**n seconds.

    Raises:
        ValueError: The span is negative.
    """
    if span < timedelta(0):
        raise ValueError("a recording does not end before it starts")
    seconds = -(-(span // _MICROSECOND) // _SECOND)
    return max(0, seconds - 1).bit_length()


@dataclass(frozen=True)
class Mark:
    """A place in the order of time; ``id`` divides recordings that start together."""

    at: datetime
    id: str


def classes(session: Session, camera: str) -> list[int]:
    """The span classes a camera has recordings of, by one index seek each."""
    of_camera = col(Recording.camera_code) == camera
    found = select(func.min(Recording.span_class).label("n")).where(of_camera).cte(recursive=True)
    longer = (
        select(func.min(Recording.span_class))
        .where(of_camera, col(Recording.span_class) > found.c.n)
        .scalar_subquery()
    )
    found = found.union_all(select(longer).where(found.c.n.is_not(None)))
    return list(session.scalars(select(found.c.n).where(found.c.n.is_not(None))))


def overlapping(
    session: Session,
    cameras: Iterable[str],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    kind: str | None = None,
    after: Mark | None = None,
    newest_first: bool = False,
    limit: int,
) -> Sequence[Recording]:
    """At most ``limit`` recordings that overlap [start, end), in the order of their start.

    A still overlaps the window its instant lies in. ``after`` is the last one already seen.
    Expired recordings are among them: who may see what is decided elsewhere.
    """
    begun, key = col(Recording.started_at), col(Recording.id)
    order = (begun.desc(), key.desc()) if newest_first else (begun.asc(), key.asc())
    parts: list[Select[tuple[str, datetime]]] = []
    for camera in cameras:
        for span in classes(session, camera):
            part = (
                select(key, begun)
                .where(col(Recording.camera_code) == camera, col(Recording.span_class) == span)
                .where(*_in_window(span, start, end), *_past(after, newest_first=newest_first))
            )
            if kind is not None:
                part = part.where(col(Recording.kind) == kind)
            part = part.order_by(*order).limit(limit)
            # A compound select orders and limits its parts only as subqueries, on both engines.
            parts.append(select(part.subquery()))
    if not parts:
        return ()
    every = union_all(*parts).subquery()
    ids = session.execute(
        select(every.c.id)
        .order_by(
            *(
                (every.c.started_at.desc(), every.c.id.desc())
                if newest_first
                else (every.c.started_at, every.c.id)
            )
        )
        .limit(limit)
    ).scalars()
    return session.scalars(
        select(Recording).where(col(Recording.id).in_(list(ids))).order_by(*order)
    ).all()


def pages(
    session: Session,
    cameras: Sequence[str],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    page: int = 1000,
) -> Iterator[Sequence[Recording]]:
    """All recordings that overlap [start, end), in order, ``page`` at a time."""
    after: Mark | None = None
    while True:
        found = overlapping(session, cameras, start=start, end=end, after=after, limit=page)
        if found:
            yield found
        if len(found) < page:
            return
        after = Mark(found[-1].started_at, found[-1].id)


def _in_window(
    span: int, start: datetime | None, end: datetime | None
) -> Iterator[ColumnElement[bool]]:
    begun = col(Recording.started_at)
    if end is not None:
        yield begun < end
    if start is not None:
        yield begun > _before(start, span)
        yield or_(col(Recording.ended_at) > start, begun >= start)


def _before(start: datetime, span: int) -> datetime:
    try:
        return start - timedelta(seconds=2**span)
    except OverflowError:
        return _EARLIEST


def _past(after: Mark | None, *, newest_first: bool) -> Iterator[ColumnElement[bool]]:
    if after is None:
        return
    begun, key = col(Recording.started_at), col(Recording.id)
    if newest_first:
        yield begun <= after.at
        yield or_(begun < after.at, and_(begun == after.at, key < after.id))
    else:
        yield begun >= after.at
        yield or_(begun > after.at, and_(begun == after.at, key > after.id))
