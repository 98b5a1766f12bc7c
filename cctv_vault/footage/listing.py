"""Recordings as lists and pages show them, and the one question that reads them with their grants.

What only a secret hold keeps is, to anyone who may not know of it, told as expired.
"""

import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, select, type_coerce

from cctv_vault.footage.timeindex import Moment, Question, found, order_of
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.schema import Grant, Hold, table

# What a list shows of a recording, by its columns.
LISTED: Final = (
    "id", "camera_code", "kind", "state", "started_at", "ended_at", "time_source", "uncertainty_s",
    "original_name", "size", "sha256", "container", "codec", "width", "height", "fps", "duration_s",
    "has_audio", "faults",
)  # fmt: skip
_Ends = list[datetime | None]


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


@cache
def with_grants(question: Question, columns: tuple[str, ...]) -> Select[Any]:
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
            grant.about_staff,
        )
        .outerjoin(table(Grant), and_(grant.recording_id == rows.c.id, live_clause(now)))
        .outerjoin(table(Hold), hold.id == grant.hold_id)
        .order_by(*order_of(question, rows.c), grant.id)
    )


def _plain(column: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's
    if column.type.python_type is datetime:
        return type_coerce(column, Moment()).label(column.name)
    return column


def merged(rows: Iterable[Any], sight: Sight) -> Iterator[tuple[Any, _Ends, bool]]:
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


def fields(row: Any, ends: _Ends, *, held: bool) -> dict[str, Any]:  # noqa: ANN401 - row or model
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
