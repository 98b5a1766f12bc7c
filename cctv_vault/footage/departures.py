"""Bytes that are leaving: announced before the first, settled after the last, whoever dies between.

Owns the intents of copies that go out, and the sign by which the next start tells a process that
is still writing from one that is dead: a file of its own that it holds locked while it lives. What
a dead process had under way is settled at once: the file it left half is removed, and whether
anything can have left is told.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlmodel import col, select

from cctv_vault.database import Database
from cctv_vault.errors import IntakeStoppedError
from cctv_vault.footage.outfile import OutFile, part_of
from cctv_vault.ids import long_id
from cctv_vault.ingest.sources import escape_name, unescape_name
from cctv_vault.ledger import Act, Ledger
from cctv_vault.schema import Intent
from storage.directory import sync_folder

_SUFFIX: Final = ".leaving"
_ELSEWHERE: Final = timedelta(hours=6)
"""After how long a process counts as dead whose sign is not here: it ran on another machine."""


@dataclass(frozen=True)
class Departure:
    """Something about to leave: ``part`` is its name while it is half, None for a stream."""

    id: str
    part: Path | None


@dataclass(frozen=True)
class Abandoned:
    """What a dead process had under way, and whether a whole file, or any byte, may have left."""

    id: str
    subject: str
    payload: Mapping[str, Any]
    may_have_left: bool


class Departures:
    """Announces what leaves, and finds what died on its way."""

    def __init__(self, *, database: Database, ledger: Ledger, folder: Path) -> None:
        """``folder`` belongs to the signs of one home on one machine."""
        self._database = database
        self._ledger = ledger
        self._folder = folder
        self._lock = threading.Lock()
        self._sign: tuple[str, int] | None = None

    def announce(
        self,
        act: Act,
        *,
        id: str,  # noqa: A002 - the row's own word
        kind: str,
        subject: str,
        out: Path | BinaryIO | None,
        payload: Mapping[str, Any],
    ) -> Departure:
        """Write down, in the caller's act, that bytes will leave; the caller enters it."""
        part = part_of(out, long_id()) if isinstance(out, Path) else None
        act.session.add(
            Intent(
                id=id,
                kind=kind,
                subject=subject,
                payload={
                    **payload,
                    "process": self._living(),
                    "part": None if part is None else escape_name(str(part)),
                    "named": False,
                },
                created_at=act.now,
            )
        )
        return Departure(id, part)

    def file(self, departure: Departure, out: Path | BinaryIO, *, hashed: bool = True) -> OutFile:
        """Where the bytes go; ``hashed`` and errors as of `OutFile`."""
        return OutFile(
            out, departure.part, lambda: self._about_to_be_named(departure.id), hashed=hashed
        )

    @staticmethod
    def settle(act: Act, intent_id: str) -> Intent | None:
        """Take the intent away, in the act that enters its outcome; None if somebody has."""
        intent = act.session.get(Intent, intent_id, with_for_update=True)
        if intent is not None:
            act.session.delete(intent)
        return intent

    def abandoned(self, kind: str) -> Iterator[Abandoned]:
        """What dead processes had under way of one kind; nothing is left of a half file."""
        with self._database.read() as session:
            intents = session.exec(
                select(Intent).where(col(Intent.kind) == kind).order_by(col(Intent.created_at))
            ).all()
        long_ago = self._ledger.clock.now() - _ELSEWHERE
        for each in intents:
            alive = self._is_alive(str(each.payload.get("process")))
            if alive or (alive is None and each.created_at >= long_ago):
                continue
            removed = _removed(each.payload.get("part"))
            left = not removed or bool(each.payload.get("named"))
            yield Abandoned(each.id, each.subject, each.payload, left)

    def tidy(self) -> None:
        """Remove the signs of dead processes that have nothing left to settle."""
        with self._database.read() as session:
            needed = {str(each.get("process")) for each in session.exec(select(Intent.payload))}
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path.stem not in needed and self._is_alive(path.stem) is False:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """This process writes no more; what it did not settle, the next start will."""
        with self._lock:
            if self._sign is not None:
                os.close(self._sign[1])
                self._sign = None

    # --- inside -------------------------------------------------------------------------------

    def _about_to_be_named(self, intent_id: str) -> None:
        """From here on the file may be found whole, and be carried away, whoever dies."""
        with self._database.write() as session:
            intent = session.get(Intent, intent_id, with_for_update=True)
            if intent is not None:
                intent.payload = {**intent.payload, "named": True}
                session.add(intent)

    def _living(self) -> str:
        """The name of this process's sign, which it holds locked from here on."""
        with self._lock:
            if self._sign is None:
                try:
                    self._sign = self._new_sign()
                except OSError as error:
                    raise IntakeStoppedError(
                        f"the vault's home cannot be written: {os.strerror(error.errno or 0)}; "
                        "free space in it; nothing has left and nothing is lost"
                    ) from None
            return self._sign[0]

    def _new_sign(self) -> tuple[str, int]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = long_id()
        fresh = self._folder / f"{name}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Locked before it bears the name under which others look for what is not locked.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            fresh.rename(self._path(name))
            sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            raise
        return name, descriptor

    def _is_alive(self, name: str) -> bool | None:
        """Whether a process still holds its sign; None where there is no such sign here."""
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"


def _removed(part: str | None) -> bool:
    """Whether it is certain that nothing of a half file is left; never so of a stream."""
    if part is None:
        return False
    path = Path(unescape_name(part))
    try:
        path.unlink()
    except FileNotFoundError:
        return path.parent.is_dir()  # else it lies on a medium that somebody has taken away
    except OSError:
        return False
    return True
