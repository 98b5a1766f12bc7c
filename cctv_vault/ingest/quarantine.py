"""Quarantine: files that could not be read as footage, sealed with their reason for seven days.

Owns the rows of quarantined files and what may be told of them. Refuses to open one as footage:
what lies here has no recording, no time and no grant, only the key of its own purpose and its end.
"""

import builtins
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import Quarantined
from cctv_vault.views import iso
from storage.secret import SecretKey
from storage.stream import SealedStream

PURPOSE: Final = "quarantine"
KIND: Final = "quarantined"
"""The kind its key is wrapped as, beside recordings and packages."""
KEPT_FOR: Final = timedelta(days=7)  # table A, "Quarantined file"


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
        now = self._ledger.clock.now()
        with self._database.read() as session:
            row = session.get(Quarantined, object_id)
            if row is None or row.state != "kept" or row.until <= now:
                raise NotFoundError("quarantined file", object_id)
            return _view(row)

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person and not (actor.may(Right.FOOTAGE_LIST) or actor.may(Right.SETUP)):
            with entered_if_refused(self._ledger, Event.FILE_QUARANTINED, actor):
                actor.require(Right.FOOTAGE_LIST)


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
