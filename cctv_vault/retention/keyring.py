"""Purpose keys: one per purpose and quarter-hour of expiry, per hold, per retention month.

Owns how keys hang together: root of an epoch → purpose key → recording key or sealed text. It
never holds a recording key longer than a call, and never writes a key in the clear. What it hands
out shows nothing of itself.

Roots change under it: a sweep, here or in another process, re-wraps every purpose key under a new
epoch and destroys the old root. A row says which epoch it is wrapped under; where that root is
gone the row was read from an older snapshot, and is read again.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, select, text, update
from sqlmodel import Session, col

from cctv_vault.errors import ExpiredError
from cctv_vault.ids import long_id
from cctv_vault.retention.rules import REGISTER_YEARS, month_after, quarter_hour
from cctv_vault.schema import PurposeKey, SealedText, table
from storage.errors import KeyUnavailableError, StorageError
from storage.roots import RootFolder
from storage.secret import SecretKey
from storage.wrapping import Wrapping, open_bytes, seal_bytes, unwrap, wrap

REGISTER: Final = "register"
_ROTATION_LOCK: Final = 0x6363_7477
_SLOT_LOCK: Final = 0x6363_7478


@dataclass(frozen=True)
class KeyHandle:
    """An open purpose key: its row's id, and the key."""

    id: str
    key: SecretKey = field(repr=False)


class Keyring:
    """The purpose keys of one vault."""

    def __init__(
        self,
        vault_id: str,
        roots: RootFolder,
        fresh: Callable[[], AbstractContextManager[Session]] | None = None,
    ) -> None:
        """``fresh`` opens a new snapshot, for a caller whose own is older than a rotation."""
        self._vault_id = vault_id
        self._folder = roots
        self._fresh = fresh
        self._roots: dict[int, SecretKey] = {}
        self._mutex = threading.Lock()

    # --- purpose keys -------------------------------------------------------------------------

    def timed(self, session: Session, purpose: str, until: datetime, now: datetime) -> KeyHandle:
        """The key of a purpose and the quarter-hour in which ``until`` lies, made where missing.

        Raises:
            ExpiredError: That quarter-hour is past: it takes no new grants.
        """
        expires = quarter_hour(until)
        if until <= now or expires <= now:
            raise ExpiredError(f"a purpose that ended at {until.isoformat()} takes nothing new")
        slot = f"{purpose}/{expires.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        return self._slot(session, slot, purpose, expires, now)

    def for_hold(self, session: Session, hold_id: str, purpose: str, now: datetime) -> KeyHandle:
        """The key of one hold, open-ended: it ends with the hold, never by itself."""
        return self._slot(session, f"hold/{hold_id}", purpose, None, now)

    def unwrap(self, session: Session, key_id: str) -> SecretKey:
        """The purpose key itself.

        Raises:
            ExpiredError: It was destroyed.
        """
        row = _row(session, key_id)
        if row is None:
            raise ExpiredError(f"the purpose key {key_id} was destroyed")
        try:
            return self._open_row(row)
        except KeyUnavailableError:
            return self._open_fresh(session, key_id)

    def retire(self, session: Session, key_id: str) -> None:
        """Let a key take nothing new: the next sweep destroys it, or replaces it for the rest.

        Keys of the register are never retired: the log's details end with their month.
        """
        session.execute(
            update(PurposeKey)
            .where(col(PurposeKey.id) == key_id, col(PurposeKey.purpose) != REGISTER)
            .values(retiring=True)
        )

    def retire_hold(self, session: Session, hold_id: str) -> None:
        """As `retire`, for whatever key a hold has, even one without grants."""
        session.execute(
            update(PurposeKey)
            .where(col(PurposeKey.slot) == f"hold/{hold_id}")
            .values(retiring=True)
        )

    def repurpose_hold(self, session: Session, hold_id: str, purpose: str) -> None:
        """Name another purpose on a hold's key."""
        session.execute(
            update(PurposeKey)
            .where(col(PurposeKey.slot) == f"hold/{hold_id}")
            .values(purpose=purpose)
        )

    def replace(self, session: Session, key_id: str, now: datetime) -> KeyHandle:
        """A fresh key for the slot of a retiring one; the caller moves what lives on to it."""
        row = _row(session, key_id)
        if row is None:
            raise ExpiredError(f"the purpose key {key_id} was destroyed")
        return self._slot(session, row.slot, row.purpose, row.expires_at, now)

    # --- what lies under them -----------------------------------------------------------------

    def wrap(
        self, handle: KeyHandle, key: SecretKey, object_id: str, *, kind: str = "recording"
    ) -> bytes:
        """The key of a recording (package, quarantined file), wrapped under a purpose key."""
        return wrap(
            key,
            handle.key,
            vault_id=self._vault_id,
            kind=kind,
            wrapping_id=handle.id,
            wrapped_id=object_id,
        )

    def open(
        self,
        session: Session,
        key_id: str,
        wrapped: bytes,
        object_id: str,
        *,
        kind: str = "recording",
    ) -> SecretKey:
        """The inverse of `wrap`.

        Raises:
            ExpiredError: The purpose key was destroyed.
            KeyTamperedError: The row was changed.
        """
        handle = KeyHandle(key_id, self.unwrap(session, key_id))
        return self.open_under(handle, wrapped, object_id, kind=kind)

    def open_under(
        self, handle: KeyHandle, wrapped: bytes, object_id: str, *, kind: str = "recording"
    ) -> SecretKey:
        """As `open`, under a purpose key that is open already.

        Raises:
            KeyTamperedError: The row was changed.
        """
        return unwrap(
            wrapped,
            handle.key,
            vault_id=self._vault_id,
            kind=kind,
            wrapping_id=handle.id,
            wrapped_id=object_id,
        )

    def seal_text(self, session: Session, data: bytes, binding: str, now: datetime) -> int:
        """Seal free text under the register key of its month: five years, rounded up (table A)."""
        return self.seal_texts(session, [(data, binding)], now)[0]

    def seal_texts(
        self, session: Session, texts: Sequence[tuple[bytes, str]], now: datetime
    ) -> list[int]:
        """As `seal_text`, many at once; each is its data and what it is bound to."""
        if not texts:
            return []
        handle = self.timed(session, REGISTER, month_after(now, years=REGISTER_YEARS), now)
        rows = [
            {
                "purpose_key_id": handle.id,
                "binding": binding,
                "blob": seal_bytes(
                    data,
                    handle.key,
                    vault_id=self._vault_id,
                    kind="text",
                    wrapping_id=handle.id,
                    object_id=binding,
                ),
            }
            for data, binding in texts
        ]
        ids = insert(table(SealedText)).returning(col(SealedText.id), sort_by_parameter_order=True)
        return [int(each) for each in session.execute(ids, rows).scalars()]

    def open_text(self, session: Session, text_id: int) -> bytes | None:
        """The text, or None once its key is gone.

        Raises:
            BlobTamperedError: The row was changed.
        """
        row = session.execute(
            select(table(SealedText)).where(col(SealedText.id) == text_id)
        ).one_or_none()
        if row is None or not row.blob:
            return None
        try:
            key = self.unwrap(session, row.purpose_key_id)
        except ExpiredError:
            return None
        return open_bytes(
            row.blob,
            key,
            vault_id=self._vault_id,
            kind="text",
            wrapping_id=row.purpose_key_id,
            object_id=row.binding,
        )

    # --- roots --------------------------------------------------------------------------------

    def rewrap(self, rows: Sequence[Any], epoch: int) -> dict[str, bytes]:
        """Rows of purpose keys (id, root_epoch, wrapped), wrapped under the root of another epoch.

        Raises:
            KeyTamperedError: One does not open under the root it names.
            KeyUnavailableError: The root one names is not there.
        """
        fresh, roots = self._under(epoch), _Wrappings(self._under)
        return {
            each.id: fresh.wrap(roots[each.root_epoch].unwrap(each.wrapped, each.id), each.id)
            for each in rows
        }

    def opens(self, row: Any) -> bool:  # noqa: ANN401
        """Whether a purpose key's row opens under the root it names."""
        try:
            self._open_row(row)
        except KeyUnavailableError:
            return False
        return True

    def first_unopened(self, rows: Sequence[Any], epoch: int) -> str | None:
        """The first of some rows, as `rewrap` takes them, that does not open under an epoch."""
        root = self._under(epoch)
        for each in rows:
            try:
                if each.root_epoch != epoch:
                    return str(each.id)
                root.unwrap(each.wrapped, each.id)
            except StorageError:
                return str(each.id)
        return None

    def bar_old_epochs(self, session: Session) -> None:
        """Wait for all who still make keys under an earlier epoch; later ones see the new one.

        Call in a transaction of its own, after the new root is durable. SQLite's one writer
        needs no such wait.
        """
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _ROTATION_LOCK})

    def forget(self, below: int) -> None:
        """Drop the roots of earlier epochs from memory."""
        with self._mutex:
            for epoch in [each for each in self._roots if each < below]:
                del self._roots[epoch]

    def _slot(
        self, session: Session, slot: str, purpose: str, expires: datetime | None, now: datetime
    ) -> KeyHandle:
        """The live key of a slot. Its row is locked against the sweep until the caller commits."""
        row = _live(session, slot)
        if row is None:
            if session.get_bind().dialect.name == "postgresql":
                # Two who make the same slot, and a rotation that must not miss either.
                session.execute(
                    text("SELECT pg_advisory_xact_lock(:space, hashtext(:slot))"),
                    {"space": _SLOT_LOCK, "slot": slot},
                )
                session.execute(
                    text("SELECT pg_advisory_xact_lock_shared(:k)"), {"k": _ROTATION_LOCK}
                )
                row = _live(session, slot)
            if row is None:
                return self._make(session, slot, purpose, expires, now)
        return KeyHandle(row.id, self._open_row(row))

    def _make(
        self, session: Session, slot: str, purpose: str, expires: datetime | None, now: datetime
    ) -> KeyHandle:
        handle = KeyHandle(long_id(), SecretKey.generate())
        epoch = max(self._folder.epochs())
        session.execute(
            insert(table(PurposeKey)).values(
                id=handle.id,
                slot=slot,
                purpose=purpose,
                expires_at=expires,
                root_epoch=epoch,
                wrapped=self._wrap_purpose(handle.key, handle.id, epoch),
                created_at=now,
                retiring=False,
            )
        )
        return handle

    def _under(self, epoch: int) -> Wrapping:
        return Wrapping(
            self._root(epoch),
            vault_id=self._vault_id,
            kind="purpose",
            wrapping_id=f"root-{epoch}",
        )

    def _wrap_purpose(self, key: SecretKey, key_id: str, epoch: int) -> bytes:
        return wrap(
            key,
            self._root(epoch),
            vault_id=self._vault_id,
            kind="purpose",
            wrapping_id=f"root-{epoch}",
            wrapped_id=key_id,
        )

    def _open_row(self, row: Any) -> SecretKey:  # noqa: ANN401
        return unwrap(
            row.wrapped,
            self._root(row.root_epoch),
            vault_id=self._vault_id,
            kind="purpose",
            wrapping_id=f"root-{row.root_epoch}",
            wrapped_id=row.id,
        )

    def _open_fresh(self, session: Session, key_id: str) -> SecretKey:
        """Read the row again, outside the caller's snapshot, after a rotation overtook it."""
        if self._fresh is None:
            session.expire_all()
            row = _row(session, key_id)
        else:
            with self._fresh() as newer:
                row = _row(newer, key_id)
        if row is None:
            raise ExpiredError(f"the purpose key {key_id} was destroyed")
        return self._open_row(row)

    def _root(self, epoch: int) -> SecretKey:
        with self._mutex:
            held = self._roots.get(epoch)
            if held is None:
                held = self._roots[epoch] = self._folder.load(epoch)
                # Whoever rotated elsewhere destroyed what came before the epochs still there.
                for gone in set(self._roots) - set(self._folder.epochs()):
                    del self._roots[gone]
            return held


class _Wrappings(dict[int, Wrapping]):
    """Wrappings under roots by epoch, each made when it is first asked for."""

    def __init__(self, make: Callable[[int], Wrapping]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, epoch: int) -> Wrapping:
        self[epoch] = self._make(epoch)
        return self[epoch]


def _row(session: Session, key_id: str) -> Any:  # noqa: ANN401
    return session.execute(
        select(table(PurposeKey)).where(col(PurposeKey.id) == key_id)
    ).one_or_none()


def _live(session: Session, slot: str) -> Any:  # noqa: ANN401
    return session.execute(
        select(table(PurposeKey))
        .where(col(PurposeKey.slot) == slot, col(PurposeKey.retiring).is_(False))
        .order_by(col(PurposeKey.created_at))
        .limit(1)
        .with_for_update(read=True)
    ).one_or_none()
