"""What a sweep has before it: which purpose keys are due, and which recordings go with them.

Owns the questions a sweep asks of the index, all of them reads; it changes nothing. What a secret
hold keeps has gone like the rest to anyone who may not know of it, and the keys of secret holds
are asked for apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from cctv_vault.gags import grant_seen_by
from cctv_vault.gags import secret as is_secret
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.retention.rules import KeyFacts, SweepPlan, plan_sweep
from cctv_vault.schema import (
    CaseFile,
    Grant,
    Hold,
    Package,
    PurposeKey,
    Quarantined,
    Recording,
    SealedText,
    table,
)

SEALED_THINGS: Final = (
    *((Package, "package"), (Quarantined, "quarantined"), (CaseFile, "case-file")),
)
"""What lies under purpose keys beside recordings, with the kind its key is wrapped as."""

_BATCH: Final = 500
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class DueItem:
    """A recording that goes, with the purpose that kept it longest."""

    recording: str
    camera: str
    started_at: datetime
    purpose: str
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class Narrowed:
    """A recording of which only windows stay (``keep = "window"``); the rest goes with its key.

    ``windows`` are (from, to), UTC, as asked for: what is cut begins at the key frame before.
    ``holds`` keep them.
    """

    recording: str
    camera: str
    started_at: datetime
    ended_at: datetime
    windows: tuple[tuple[datetime, datetime], ...]
    holds: tuple[str, ...]


@dataclass(frozen=True)
class DueKeys:
    """The purpose keys a sweep has to do with, in the order in which they are destroyed.

    ``secret`` are the secret holds it is about: all of its holds, or none.
    """

    keys: tuple[str, ...]
    plan: SweepPlan
    secret: tuple[str, ...] = ()


def lapsed_holds(session: Session, until: datetime, *, secret: bool | None) -> tuple[str, ...]:
    """The holds whose end has passed; those of secret holds, of the others, or (None) of both."""
    ended = select(col(Hold.id)).where(col(Hold.released_at).is_(None), col(Hold.until) <= until)
    if secret is not None:
        ended = ended.where(is_secret() if secret else ~is_secret())
    return tuple(str(each) for each in session.execute(ended.order_by(col(Hold.until))).scalars())


def due_keys(
    session: Session, until: datetime, lapsed: Sequence[str] = (), *, secret: bool | None
) -> DueKeys:
    """The purpose keys past their quarter-hour, the retiring ones, and those of lapsed holds.

    What fell due first stands first, so that a vault that was down catches up in order; keys
    without a quarter-hour of their own come last.
    """
    hidden = frozenset(
        str(each) for each in session.execute(select(col(Hold.id)).where(is_secret())).scalars()
    )
    slots = frozenset(f"hold/{each}" for each in lapsed)
    keys = table(PurposeKey).c
    query = select(keys.id, keys.slot, keys.purpose, keys.expires_at, keys.retiring).where(
        or_(keys.expires_at <= until, keys.retiring.is_(True), keys.slot.in_(slots))
    )
    if secret is not None:
        theirs = keys.slot.in_([f"hold/{each}" for each in hidden])
        query = query.where(theirs if secret else ~theirs)
    rows = sorted(session.execute(query), key=lambda each: (each.expires_at or _NEVER, each.id))
    ending = [x.id for x in rows if x.expires_at is None or x.expires_at > until]
    live = live_under(session, ending, until)
    plan = plan_sweep(
        (
            KeyFacts(
                each.id,
                each.purpose,
                each.expires_at,
                each.retiring or each.slot in slots,
                live.get(each.id, 0),
            )
            for each in rows
        ),
        until,
    )
    about = {each.slot.removeprefix("hold/") for each in rows} | set(lapsed)
    return DueKeys(tuple(x.id for x in rows), plan, tuple(sorted(about & hidden)))


def live_under(session: Session, key_ids: Sequence[str], now: datetime) -> dict[str, int]:
    """For each purpose key how much lives under it."""
    found: dict[str, int] = {}
    for some in batches(key_ids):
        queries = [
            select(col(Grant.purpose_key_id), func.count())
            .where(col(Grant.purpose_key_id).in_(some), live_clause(now))
            .group_by(col(Grant.purpose_key_id)),
            select(col(SealedText.purpose_key_id), func.count())
            .where(col(SealedText.purpose_key_id).in_(some), col(SealedText.blob) != b"")
            .group_by(col(SealedText.purpose_key_id)),
        ]
        for model, _kind in SEALED_THINGS:
            things = table(model).c
            queries.append(
                select(things.purpose_key_id, func.count())
                .where(
                    things.purpose_key_id.in_(some),
                    things.wrapped_key.is_not(None),
                    things.until > now,
                )
                .group_by(things.purpose_key_id)
            )
        for query in queries:
            for key_id, count in session.execute(query):
                found[str(key_id)] = found.get(str(key_id), 0) + int(count)
    return found


def copies_under(session: Session, key_ids: Sequence[str]) -> dict[str, int]:
    """For each purpose key how many recording keys are wrapped under it, live or not."""
    found: dict[str, int] = {}
    for some in batches(key_ids):
        counted = (
            select(col(Grant.purpose_key_id), func.count())
            .where(col(Grant.purpose_key_id).in_(some))
            .group_by(col(Grant.purpose_key_id))
        )
        found |= {str(key_id): int(count) for key_id, count in session.execute(counted)}
    return found


def due_items(
    session: Session, plan: SweepPlan, now: datetime, sight: Sight
) -> tuple[DueItem, ...]:
    """The recordings that lose their last grant, as somebody may know of it."""
    going, replaced = set(plan.destroy), set(plan.replace)
    touched: set[str] = set()
    for some in batches([*plan.destroy, *plan.replace]):
        touched |= set(
            session.execute(
                select(col(Grant.recording_id)).where(col(Grant.purpose_key_id).in_(some))
            ).scalars()
        )
    found: list[DueItem] = []
    for some in batches(sorted(touched)):
        kept: dict[str, list[Any]] = {}
        for row in _grants_of(session, some, sight):
            if row.purpose_key_id is not None:
                kept.setdefault(row.recording_id, []).append(row)
        found += [
            _item(rows, now)
            for rows in kept.values()
            if all(
                each.purpose_key_id in going
                or (each.purpose_key_id in replaced and _ended(each, now))
                for each in rows
            )
        ]
    return in_order(found)


def gone_items(
    session: Session, recording_ids: Sequence[str], now: datetime, sight: Sight
) -> list[DueItem]:
    """Of recordings that just lost a wrapped key, those that have none left, as `due_items`."""
    kept: dict[str, list[Any]] = {}
    for row in _grants_of(session, recording_ids, sight):
        kept.setdefault(row.recording_id, []).append(row)
    return [
        _item(rows, now)
        for rows in kept.values()
        if all(each.purpose_key_id is None for each in rows)
    ]


def in_order(items: Sequence[DueItem]) -> tuple[DueItem, ...]:
    """By camera and time."""
    return tuple(sorted(items, key=lambda each: (each.camera, each.started_at, each.recording)))


def batches(values: Sequence[str], size: int = _BATCH) -> Iterator[Sequence[str]]:
    """Some at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _grants_of(session: Session, recording_ids: Sequence[str], sight: Sight) -> Iterator[Any]:
    """Every grant of recordings, with what is told of them, but for what must not be known."""
    yield from session.execute(
        select(
            table(Grant),
            col(Recording.camera_code).label("camera"),
            col(Recording.started_at).label("started_at"),
        )
        .join(Recording, col(Recording.id) == col(Grant.recording_id))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(col(Grant.recording_id).in_(recording_ids), grant_seen_by(sight))
        .order_by(col(Grant.id))
    )


def _item(rows: Sequence[Any], now: datetime) -> DueItem:
    last = max(rows, key=lambda each: each.ended_at or each.until or now)
    return DueItem(
        last.recording_id,
        last.camera,
        last.started_at,
        last.purpose,
        last.ended_at or last.until,
        last.reason,
    )


def _ended(row: Any, now: datetime) -> bool:  # noqa: ANN401
    return row.ended_at is not None or (row.until is not None and row.until <= now)
