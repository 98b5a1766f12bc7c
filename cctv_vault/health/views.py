"""What recordings' pictures say of their camera: noted in figures, and how the room looked kept.

Owns how often a picture is looked at, and the stream ``view``: the outline of the empty room, kept
of a recording every few hours, sealed under that recording's own key. How a camera's room looked is
known only from recordings that everybody may know of and that a purpose still keeps: nothing of it
outlives them (decision 0010). It refuses to look at course photographs, which have no place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, func, select
from sqlmodel import Session, col

from cctv_vault.database import Database
from cctv_vault.errors import ExpiredError
from cctv_vault.footage.look import RoomLook
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import VIEW, blob_name, stream_context
from cctv_vault.health.rules import (
    FLAT,
    LIKE_AGAIN,
    VIEWS_ENOUGH,
    Fault,
    View,
    likeness,
    steady,
)
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import CameraHealth, DerivedStream, PictureNote, Recording
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.stream import open_sealed

LOOK_EVERY: Final = timedelta(minutes=5)
"""Three pictures within a quarter of an hour are enough to see that a lens is covered."""
VIEW_EVERY: Final = timedelta(hours=2)
"""Three days of a room that is kept for three days are then some forty views."""
_VIEWS: Final = 40
_FRESH: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Noted:
    """What is to be noted of a recording; ``outline`` is kept where there is one."""

    look: RoomLook
    likeness: float | None
    outline: bytes | None = field(repr=False)


@dataclass(frozen=True)
class _Known:
    """How a camera's room looked between two times; ``at`` is when that was read together."""

    at: datetime
    newest: datetime | None
    bounds: tuple[datetime | None, datetime | None]
    views: tuple[View, ...]
    is_steady: bool


class Views:
    """Notes what pictures say, and knows how rooms looked."""

    def __init__(
        self, *, database: Database, store: BlobStore, grants: Grants, vault_id: str
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._store = store
        self._grants = grants
        self._vault_id = vault_id
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def consider(self, recording: Recording, look: RoomLook, now: datetime) -> Noted | None:
        """What is to be noted of a recording; None where nothing is."""
        if recording.origin != "surveillance" or recording.derived is not None:
            return None
        code, at = recording.camera_code, recording.started_at
        with self._database.read() as session:
            last = session.execute(
                select(func.max(col(PictureNote.at))).where(col(PictureNote.camera_code) == code)
            ).scalar()
            if last is not None and at < last + LOOK_EVERY:
                return None
            try:
                # What only a secret hold keeps is absent here, too.
                self._grants.key_for(session, recording.id, now, Sight())
            except ExpiredError:
                return None
            row = session.get(CameraHealth, code)
            zone = ZoneInfo(find_camera(session, code).zone)
            known = self._of(session, code, row, now)
        like = likeness(look.outline, at, known.views, zone) if known.is_steady else None
        return Noted(look, like, look.outline if _is_kept(look, like, known, row, at) else None)

    def enter(self, session: Session, recording: Recording, noted: Noted) -> None:
        """Note it, in the act that keeps what was made of the recording."""
        look = noted.look
        session.add(
            PictureNote(
                camera_code=recording.camera_code,
                recording_id=recording.id,
                at=recording.started_at,
                light=look.light,
                spread=look.spread,
                still=look.still,
                mark=look.mark,
                likeness=noted.likeness,
                viewed=noted.outline is not None,
            )
        )

    def forget(self, now: datetime) -> None:
        """Forget how rooms looked that was put together too long ago."""
        with self._lock:
            self._known = {
                code: each for code, each in self._known.items() if now < each.at + _FRESH
            }

    def _of(self, session: Session, code: str, row: CameraHealth | None, now: datetime) -> _Known:
        """How a camera's room looked; of a camera that moved, before it did."""
        bounds = since, before = (None if row is None else row.view_since, _moved_since(row))
        newest = session.execute(_viewed(code).limit(1)).scalar()
        with self._lock:
            known = self._known.get(code)
        fresh = known is not None and known.at <= now < known.at + _FRESH
        if known is not None and fresh and (known.newest, known.bounds) == (newest, bounds):
            return known
        query = _viewed(code).limit(_VIEWS)
        if since is not None:
            query = query.where(col(PictureNote.at) >= since)
        if before is not None:
            query = query.where(col(PictureNote.at) < before)
        views = self._opened(session, session.execute(query).all(), now)
        found = _Known(now, newest, bounds, views, steady(views))
        with self._lock:
            self._known[code] = found
        return found

    def _opened(
        self, session: Session, rows: Sequence[Row[datetime, str, bytes]], now: datetime
    ) -> tuple[View, ...]:
        """The views that are still kept, and not only by what is secret; the newest first."""
        found = []
        for at, recording_id, segment_root in rows:
            try:
                key = self._grants.key_for(session, recording_id, now, Sight())
                with open_sealed(
                    self._store,
                    blob_name(recording_id, VIEW),
                    key,
                    stream_context(self._vault_id, recording_id, VIEW),
                    segment_root=segment_root,
                ) as sealed:
                    found.append(View(at, sealed.read()))
            except (ExpiredError, StorageError):
                continue  # gone, or damaged, which `check` tells of
        return tuple(found)


def _is_kept(
    look: RoomLook,
    like: float | None,
    known: _Known,
    row: CameraHealth | None,
    at: datetime,
) -> bool:
    """Whether a picture is kept as a view of its room: not of what may be another."""
    if look.spread < FLAT:
        return False
    if like is None and _moved_since(row) is not None:
        return False
    if like is not None and like < LIKE_AGAIN:
        return False
    apart = LOOK_EVERY if len(known.views) < VIEWS_ENOUGH else VIEW_EVERY
    return known.newest is None or at >= known.newest + apart


def _moved_since(row: CameraHealth | None) -> datetime | None:
    for each in () if row is None else row.faults:
        if each["fault"] == Fault.MOVED.value:
            return datetime.fromisoformat(each["since"])
    return None


def _viewed(code: str) -> Select[datetime, str, bytes]:
    """When a camera's views were taken, of which recordings, and their roots; newest first."""
    return (
        select(col(PictureNote.at), col(PictureNote.recording_id), col(DerivedStream.segment_root))
        .join(
            DerivedStream,
            (col(DerivedStream.recording_id) == col(PictureNote.recording_id))
            & (col(DerivedStream.stream) == VIEW),
        )
        .where(col(PictureNote.camera_code) == code, col(PictureNote.viewed))
        .order_by(col(PictureNote.at).desc())
    )
