"""The state of intake: room to take anything in, and the entries that say it stopped and resumed.

Owns the translation of what a medium reports into "intake is stopped, this is what to do". A full
disk deletes nothing: sources stay where they are, and intake resumes by itself.
"""

import logging
import threading
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.errors import IntakeStoppedError, VaultError
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor
from cctv_vault.schema import CustodyEntry
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import StorageError, StorageFullError

_LOG: Final = logging.getLogger(__name__)


class Intake:
    """Whether files can be taken in now; shared by all that take them in."""

    def __init__(self, *, ledger: Ledger, store: BlobStore, reserve_bytes: int) -> None:
        """``reserve_bytes`` of free space are never filled with footage."""
        self._ledger = ledger
        self._store = store
        self._reserve_bytes = reserve_bytes
        self._lock = threading.Lock()
        self._stopped: bool | None = None  # None: the log knows
        self._entered = False
        self._since: datetime | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the last attempt met a medium that takes nothing."""
        return self._stopped is True

    def check_room(self, size: int) -> None:
        """Raise unless ``size`` bytes fit and leave the reserve free.

        Raises:
            IntakeStoppedError: They do not, or nobody can tell.
        """
        try:
            free = self._store.free_bytes()
        except StorageError as error:
            raise stopped_by(error) from error
        if free is not None and free - size < self._reserve_bytes:
            raise IntakeStoppedError(
                f"intake is stopped: {free} bytes are free where footage is kept, and {size} more "
                f"must leave {self._reserve_bytes}; free space or add a disk; nothing is lost, the "
                "files stay where they are and are taken in once there is room"
            )

    def stopped(self, actor: Actor, error: IntakeStoppedError) -> None:
        """Say loudly, and enter once, that intake stopped."""
        with self._lock:
            if self._entered and self._stopped:
                return
            self._since = self._since or self._ledger.clock.now()
            self._stopped, self._entered = True, False
            _LOG.error("%s", error)
            try:
                with self._ledger.act(Event.INTAKE_STOPPED, actor) as act:
                    if _last(act) is not Event.INTAKE_STOPPED:
                        act.record(Event.INTAKE_STOPPED, details={"message": str(error)})
                self._entered = True
            except VaultError as unwritable:
                # The index lies on the same full disk: the entry follows as soon as it can.
                _LOG.error("that intake stopped cannot be entered yet: %s", unwritable.code)

    def works(self, act: Act) -> None:
        """Enter, in the act of a sealing, that intake resumed, where it had stopped."""
        if self._stopped is False:
            return
        stopped = _last(act) is Event.INTAKE_STOPPED
        if self._stopped and not stopped and self._since is not None:
            # When it stopped there was no room for the entry either.
            act.record(Event.INTAKE_STOPPED, facts={"since": iso(self._since)})
            stopped = True
        if stopped:
            act.record(Event.INTAKE_RESUMED)
        self._stopped, self._since = False, None


def stopped_by(error: StorageError) -> IntakeStoppedError:
    """What a failure of the store means for intake."""
    if isinstance(error, StorageFullError):
        return IntakeStoppedError(
            f"intake is stopped: {error}; free space or add a disk; nothing is lost, the files "
            "stay where they are and are taken in once there is room"
        )
    return IntakeStoppedError(
        f"intake is stopped: {error}; mend or remount the place footage is kept in; the files stay "
        "where they are and are taken in once it works"
    )


def _last(act: Act) -> Event | None:
    """The newest entry on the state of intake."""
    name = act.session.exec(
        select(CustodyEntry.event)
        .where(col(CustodyEntry.event).in_([Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]))
        .order_by(col(CustodyEntry.leaf_index).desc())
        .limit(1)
    ).first()
    return None if name is None else Event(name)
