"""Quarantine: files that could not be read as footage, sealed with their reason for seven days.

Owns the rows of quarantined files, what may be told of them, and how their stay ends before its
time. Refuses to open one as footage: what lies here has no recording, no time and no grant, only
the key of its own purpose and its end. Refuses to destroy what a hold may be waiting for.
"""

import builtins
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.gags import seen_by
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import decide_time
from cctv_vault.ingest.probe import ProbeRefusal
from cctv_vault.ingest.sources import unescape_name
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import CustodyEntry, Hold, HoldWindow, Quarantined
from cctv_vault.views import iso
from storage.secret import SecretKey
from storage.stream import SealedStream

PURPOSE: Final = "quarantine"
KIND: Final = "quarantined"
"""The kind its key is wrapped as, beside recordings and packages."""
KEPT_FOR: Final = timedelta(days=7)  # table A, "Quarantined file"
_SENT_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True)
class QuarantinedView:
    """A quarantined file, with the reason as a code and as a sentence."""

    id: str
    camera: str
    original_name: str
    reason_code: str
    reason: str
    arrived_at: datetime
    bytes: int
    sha256: builtins.bytes
    until: datetime
    state: str


@dataclass(frozen=True)
class HeldFile:
    """A quarantined file with its key, to be looked at again; ``name`` as it is kept."""

    id: str
    camera: str
    name: str
    arrived_at: datetime
    segment_root: builtins.bytes
    key: SecretKey = field(repr=False)


class Quarantine:
    """Puts files into quarantine, and tells of those that lie there."""

    def __init__(self, *, database: Database, ledger: Ledger, keyring: Keyring) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring

    def known(self, session: Session, camera: str, sha256: bytes) -> Quarantined | None:
        """The row of the same file from the same camera, ended or not."""
        return session.exec(
            select(Quarantined).where(
                col(Quarantined.sha256) == sha256, col(Quarantined.camera_code) == camera
            )
        ).first()

    def enter(
        self,
        act: Act,
        object_id: str,
        *,
        camera: str,
        key: SecretKey,
        sealed: SealedStream,
        original_name: str,
        reason_code: str,
        reason: str,
    ) -> None:
        """Index a sealed file as quarantined, with its entry, in the caller's act."""
        until = act.now + KEPT_FOR
        handle = self._keyring.timed(act.session, PURPOSE, until, act.now)
        act.session.add(
            Quarantined(
                id=object_id,
                camera_code=camera,
                original_name=original_name,
                reason_code=reason_code,
                reason=reason,
                arrived_at=act.now,
                size=sealed.size,
                sha256=sealed.sha256,
                segment_root=sealed.segment_root,
                purpose_key_id=handle.id,
                wrapped_key=self._keyring.wrap(handle, key, object_id, kind=KIND),
                until=until,
            )
        )
        act.session.flush()
        act.record(
            Event.FILE_QUARANTINED,
            object_id,
            facts={
                "camera": camera,
                "reason": reason_code,
                "sha256": sealed.sha256.hex(),
                "size": sealed.size,
                "segment_root": sealed.segment_root.hex(),
                "until": iso(until),
            },
            details={"name": original_name, "reason": reason},
            also=(camera,),
        )

    def list(self, actor: Actor) -> tuple[QuarantinedView, ...]:
        """What lies in quarantine, newest first."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            rows = session.exec(
                select(Quarantined)
                .where(col(Quarantined.state) == "kept", col(Quarantined.until) > now)
                .order_by(col(Quarantined.arrived_at).desc(), col(Quarantined.id))
            )
            return tuple(_view(row) for row in rows)

    def show(self, actor: Actor, object_id: str) -> QuarantinedView:
        """One quarantined file.

        Raises:
            NotFoundError: There is none of this id, or its seven days are over.
        """
        self._may_read(actor)
        with self._database.read() as session:
            return _view(_kept(session, object_id, self._ledger.clock.now()))

    def open(self, object_id: str) -> HeldFile:
        """A quarantined file with its key, for the product to look at it again.

        Raises:
            NotFoundError: There is none of this id, or its seven days are over.
        """
        with self._database.read() as session:
            row = _kept(session, object_id, self._ledger.clock.now())
            if row.purpose_key_id is None or row.wrapped_key is None:
                raise NotFoundError("quarantined file", object_id)
            return HeldFile(
                id=row.id,
                camera=row.camera_code,
                name=row.original_name,
                arrived_at=row.arrived_at,
                segment_root=row.segment_root,
                key=self._keyring.open(
                    session, row.purpose_key_id, row.wrapped_key, row.id, kind=KIND
                ),
            )

    def still_refused(self, actor: Actor, held: HeldFile, refusal: ProbeRefusal) -> None:
        """Enter that a file was looked at again and cannot be read; the newest reason stands."""
        event = Event.QUARANTINE_RETRIED
        with self._ledger.act(event, actor, cameras=(held.camera,), subject=held.id) as act:
            row = _kept(act.session, held.id, act.now, lock=True)
            row.reason_code, row.reason = refusal.reason_code, refusal.sentence
            act.session.add(row)
            act.record(event, held.id, facts={"readable": False, "reason": refusal.reason_code})

    def end(self, act: Act, object_id: str) -> bool:
        """End a file's stay in the caller's act; whether its source had been removed.

        Nothing opens it from now on; the next sweep destroys its key and removes its ciphertext.

        Raises:
            NotFoundError: It is not in quarantine any more.
        """
        row = _kept(act.session, object_id, act.now, lock=True)
        row.until = act.now
        act.session.add(row)
        if row.purpose_key_id is not None:
            self._keyring.retire(act.session, row.purpose_key_id)
        removed = select(CustodyEntry.leaf_index).where(
            col(CustodyEntry.event) == Event.SOURCE_REMOVED, col(CustodyEntry.subject) == object_id
        )
        return act.session.exec(removed).first() is not None

    def destroy(self, actor: Actor, object_id: str, reason: str) -> None:
        """End a file's stay for good; its key is destroyed at the next sweep.

        Raises:
            AccessDeniedError: The person may not.
            PersonNeededError: Nobody in particular acts.
            InvalidInputError: No reason is given, or a hold may be waiting for the file.
            NotFoundError: There is none of this id, or its seven days are over.
        """
        with self._database.read() as session:
            row = session.get(Quarantined, object_id)
        cameras = () if row is None else (row.camera_code,)
        event = Event.QUARANTINE_GIVEN_UP
        with self._ledger.act(event, actor, cameras=cameras, subject=object_id) as act:
            actor.require(Right.INCIDENT_MANAGE)
            if not reason.strip():
                raise InvalidInputError("say why the file is destroyed before its seven days")
            row = _kept(act.session, object_id, act.now, lock=True)
            if _may_be_held(act.session, row, act.now):
                raise InvalidInputError(
                    "a hold on its camera covers the time it may be from; it stays for its seven "
                    "days, and may be readable once it is tried again"
                )
            self.end(act, object_id)
            act.record(
                event,
                object_id,
                facts={"camera": row.camera_code, "sha256": row.sha256.hex()},
                details={"name": row.original_name, "reason": reason},
                also=(row.camera_code,),
            )

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person and not (actor.may(Right.FOOTAGE_LIST) or actor.may(Right.SETUP)):
            with entered_if_refused(self._ledger, Event.FILE_QUARANTINED, actor):
                actor.require(Right.FOOTAGE_LIST)


def _kept(session: Session, object_id: str, now: datetime, *, lock: bool = False) -> Quarantined:
    row = session.get(Quarantined, object_id, with_for_update=lock)
    if row is None or row.state != "kept" or row.until <= now:
        raise NotFoundError("quarantined file", object_id)
    return row


def _may_be_held(session: Session, row: Quarantined, now: datetime) -> bool:
    """Whether a hold everybody may know of covers a time the file may be from."""
    camera = find_camera(session, row.camera_code)
    made = decide_time(
        reading=read_name(unescape_name(row.original_name), camera.convention),
        container=None,
        duration_s=None,
        arrived_at=row.arrived_at,
        zone=ZoneInfo(camera.zone),
        clock_offset_s=camera.clock_offset_s,
        clock_uncertainty_s=camera.clock_uncertainty_s,
        clock_measured_at=camera.clock_measured_at,
    )
    # How long it lasts nobody knows; where its name tells nothing it may have been sent late.
    earliest = made.started_at - (timedelta() if made.source == "name" else _SENT_WITHIN)
    slack = timedelta(seconds=made.uncertainty_s)
    windows = session.exec(
        select(HoldWindow)
        .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
        .where(
            col(HoldWindow.camera_code) == row.camera_code,
            col(Hold.released_at).is_(None),
            seen_by(Sight()),
            or_(col(Hold.until).is_(None), col(Hold.until) > now),
        )
    )
    return any(
        window.starts_at - timedelta(seconds=window.widened_s) - slack < row.arrived_at
        and earliest < window.ends_at + timedelta(seconds=window.widened_s) + slack
        for window in windows
    )


def _view(row: Quarantined) -> QuarantinedView:
    return QuarantinedView(
        id=row.id,
        camera=row.camera_code,
        original_name=row.original_name,
        reason_code=row.reason_code,
        reason=row.reason,
        arrived_at=row.arrived_at,
        bytes=row.size,
        sha256=row.sha256,
        until=row.until,
        state=row.state,
    )
