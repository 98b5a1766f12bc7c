"""The sealing journal: which object ids may have ciphertext without a row, should we die now.

Owns one small file per process, written ahead: an id stands in it, durably, before anything is
sealed under it. The process holds a lock on its file for as long as it lives, so a file nobody
holds belongs to the dead, and only their unfinished objects are ever removed. Ids are written many
at a time, so that intake pays one sync for a hundred files.
"""

import contextlib
import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cctv_vault.ids import long_id
from storage.directory import sync_folder, translated, write_all

_SUFFIX: Final = ".sealing"
_BATCH: Final = 128


class SealingJournal:
    """This process's journal, and the reading of those that dead processes left."""

    def __init__(self, folder: Path) -> None:
        """``folder`` belongs to the journals of one home on one machine."""
        self._folder = folder
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._ready: deque[str] = deque()
        self._open: set[str] = set()

    def new_id(self) -> str:
        """An id for an object about to be sealed; durably written down.

        Raises:
            StorageFullError: No room to write it down.
            StorageUnavailableError: The medium fails.
        """
        with self._lock:
            if not self._ready:
                self._write_batch()
            object_id = self._ready.popleft()
            self._open.add(object_id)
            return object_id

    def settled(self, object_id: str) -> None:
        """The object has its row, or nothing of it is left."""
        with self._lock:
            self._open.discard(object_id)

    def close(self) -> None:
        """Forget the journal, unless an object's fate is unknown: then a later start settles it."""
        with self._lock:
            if self._descriptor is None or self._path is None:
                return
            if not self._open:
                with contextlib.suppress(OSError):
                    self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = self._path = None
            self._ready.clear()

    def abandoned(self) -> Iterator[list[str]]:
        """The ids of each journal whose process is dead; one is removed once its turn is over."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    text = path.read_text(encoding="ascii")
                    # A line cut short by a crash was never handed out.
                    yield [line for line in text.split("\n")[:-1] if line]
                    path.unlink()
                except BlockingIOError:
                    continue
                finally:
                    os.close(descriptor)

    def _write_batch(self) -> None:
        with translated("the sealing journal"):
            descriptor = self._descriptor
            if descriptor is None:
                descriptor = self._begin()
            batch = [long_id() for _ in range(_BATCH)]
            before = os.fstat(descriptor).st_size
            try:
                write_all(descriptor, "".join(f"{each}\n" for each in batch).encode("ascii"))
                os.fdatasync(descriptor)
            except OSError:
                # Half a line would swallow the beginning of the next.
                os.ftruncate(descriptor, before)
                raise
        self._ready.extend(batch)

    def _begin(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{long_id()}{_SUFFIX}"
        fresh = path.with_suffix(".new")
        descriptor = os.open(
            fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            # Locked before it bears the name under which others look for what is not locked.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            fresh.rename(path)
            sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._path = descriptor, path
        return descriptor
