"""The index in time: which recordings of a camera overlap a window, whatever the archive's size.

Owns the span classes. A recording of class *n* lasts at most 2**n seconds, so one that overlaps
[start, end) began after start − 2**n: for each class a camera has, that is one short range of the
index on (camera, span class, start). Statements are made once for each form of a question, because
making one takes longer than answering it. Refuses to know who may see what.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, col

from cctv_vault.schema import Camera, Recording, table

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


class Moment(TypeEngine[datetime]):
    """A time read from the index without the detours of a column's own type.

    A day of a camera has hundreds of them; SQLite's are text in UTC, which ISO 8601 reads.
    """

    def result_processor(
        self,
        dialect: Dialect,
        coltype: object,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> Callable[[str | None], datetime | None] | None:
        """Reads text where the engine has no type for times."""
        return from_text if dialect.name == "sqlite" else None


def from_text(text: str | None) -> datetime | None:
    """A time as SQLite stores it."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


@dataclass(frozen=True)
class Mark:
    """A place in the order of time; ``id`` divides recordings that start together."""

    at: datetime
    id: str


def classes(session: Session, cameras: Iterable[str]) -> list[tuple[str, int]]:
    """The span classes that cameras have recordings of, by one index seek each."""
    found = session.execute(_classes(), {"cameras": list(dict.fromkeys(cameras))})
    return [(row.code, row.n) for row in found]


@dataclass(frozen=True)
class Question:
    """The form of a question, without its values: what of it one statement answers.

    ``parts`` is how many classes of cameras it goes through; the rest says which bounds it has.
    """

    parts: int
    start: bool = False
    end: bool = False
    kind: bool = False
    after: bool = False
    newest_first: bool = False
    limit: bool = False


def asked(
    session: Session,
    cameras: Iterable[str],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    kind: str | None = None,
    after: Mark | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> tuple[Question, dict[str, Any]]:
    """The question of which recordings overlap [start, end), and the values of its parameters.

    A still overlaps the window its instant lies in. ``after`` is the last one already seen.
    """
    values: dict[str, Any] = {}
    parts = classes(session, cameras)
    for number, (camera, span) in enumerate(parts):
        values |= {f"camera_{number}": camera, f"span_{number}": span}
        if start is not None:
            values[f"from_{number}"] = _before(start, span)
    given = {"start": start, "end": end, "kind": kind, "limit": limit}
    values |= {name: value for name, value in given.items() if value is not None}
    if after is not None:
        values |= {"after_at": after.at, "after_id": after.id}
    question = Question(
        parts=len(parts),
        start=start is not None,
        end=end is not None,
        kind=kind is not None,
        after=after is not None,
        newest_first=newest_first,
        limit=limit is not None,
    )
    return question, values


@cache
def found(question: Question, columns: tuple[str, ...]) -> Subquery:
    """These columns of the recordings that answer a question of at least one part, in no order."""
    taken = [table(Recording).c[name] for name in columns]
    parts: list[Select[Any]] = []
    for number in range(question.parts):
        part = select(*taken).where(*_conditions(question, number))
        if question.limit:
            # A compound select orders and limits its parts only as subqueries, on both engines.
            part = part.order_by(*order_of(question, table(Recording).c)).limit(_bound("limit", 0))
            part = select(part.subquery())
        parts.append(part)
    if len(parts) == 1:
        return parts[0].subquery("found")
    every = union_all(*parts).subquery("found")
    if not question.limit:
        return every
    chosen = select(every).order_by(*order_of(question, every.c)).limit(_bound("limit", 0))
    return chosen.subquery("chosen")


def order_of(question: Question, columns: Any) -> tuple[Any, Any]:  # noqa: ANN401 - SQLAlchemy's
    """The order of time a question is answered in, over ``started_at`` and ``id``."""
    begun, key = columns.started_at, columns.id
    return (begun.desc(), key.desc()) if question.newest_first else (begun.asc(), key.asc())


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

    Expired recordings are among them: who may see what is decided elsewhere.
    """
    question, values = asked(
        session,
        cameras,
        start=start,
        end=end,
        kind=kind,
        after=after,
        newest_first=newest_first,
        limit=limit,
    )
    if not question.parts:
        return ()
    return list(session.execute(_whole(question), values).scalars())


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


@cache
def _classes() -> Select[Any]:
    recording, camera = table(Recording).c, table(Camera).c
    of = select(func.min(recording.span_class)).where(recording.camera_code == camera.code)
    least = of.scalar_subquery()
    known = (
        select(camera.code, least.label("n"))
        .where(camera.code.in_(bindparam("cameras", expanding=True)))
        .cte("classes", recursive=True)
    )
    longer = (
        select(func.min(recording.span_class))
        .where(recording.camera_code == known.c.code, recording.span_class > known.c.n)
        .scalar_subquery()
    )
    known = known.union_all(select(known.c.code, longer).where(known.c.n.is_not(None)))
    return select(known.c.code, known.c.n).where(known.c.n.is_not(None))


@cache
def _whole(question: Question) -> Select[Any]:
    keys = found(question, ("id", "started_at"))
    return (
        select(Recording)
        .join(keys, keys.c.id == col(Recording.id))
        .order_by(*order_of(question, keys.c))
    )


def _conditions(question: Question, number: int) -> Iterator[ColumnElement[bool]]:
    """What of a question one class of one camera has to meet."""
    of = table(Recording).c
    begun, key = of.started_at, of.id
    yield of.camera_code == _bound(f"camera_{number}", of.camera_code)
    yield of.span_class == _bound(f"span_{number}", of.span_class)
    if question.end:
        yield begun < _bound("end", begun)
    if question.start:
        yield begun > _bound(f"from_{number}", begun)
        yield or_(of.ended_at > _bound("start", begun), begun >= _bound("start", begun))
    if question.kind:
        yield of.kind == _bound("kind", of.kind)
    if question.after:
        at, last = _bound("after_at", begun), _bound("after_id", key)
        if question.newest_first:
            yield begun <= at
            yield or_(begun < at, and_(begun == at, key < last))
        else:
            yield begun >= at
            yield or_(begun > at, and_(begun == at, key > last))


def _bound(name: str, like: Any) -> BindParameter[Any]:  # noqa: ANN401 - a column, or a value
    return bindparam(name, type_=getattr(like, "type", None) or Integer())


def _before(start: datetime, span: int) -> datetime:
    try:
        return start - timedelta(seconds=2**span)
    except OverflowError:
        return _EARLIEST
