"""Much made durable at once: one sync of a whole filesystem in place of one for each file in it.

Owns when that is right: on filesystems that are known to bring all that was written to the disk
and to wait for it (syncfs(2)), as long as little is waiting there that others wrote. Refuses
elsewhere, and leaves each file to be synced by itself.
"""

import contextlib
import ctypes
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from storage.filesystems import filesystem_of

_WHOLE: Final = {"ext4", "xfs", "btrfs"}
"""Theirs ends with a commit of the journal, or of the tree, and a flush of the disk."""
_MUCH: Final = 256 << 20
"""Above so many bytes that wait for any disk of the machine, nobody else's are waited for."""
_WAITING: Final = re.compile(rb"\n(?:Dirty|Writeback): +(\d+) kB")


@contextlib.contextmanager
def one_for_all(folder: Path) -> Iterator[Callable[[], None] | None]:
    """Yield what makes durable all that is written on a folder's filesystem from here on.

    None where each file and folder has to be synced by itself. What is yielded raises `OSError`
    where anything written there meanwhile, by anybody, could not be brought to the disk.

    Args:
        folder: A folder that is there; what is written lies on its own filesystem, no other.
    """
    if _waiting_bytes() > _MUCH or filesystem_of(folder).kind not in _WHOLE:
        yield None
        return
    # Before anything is written: what failed is told to whoever had a file open before it did.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield lambda: sync_filesystem(handle)
    finally:
        os.close(handle)


def sync_filesystem(handle: int) -> None:
    """Bring all of the filesystem that an open file lies on to the disk.

    Raises:
        OSError: Something could not be written since the file was opened.
    """
    if ctypes.CDLL(None, use_errno=True).syncfs(handle):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _waiting_bytes() -> int:
    """What the machine has written and no disk has yet; more than much where nobody can tell."""
    try:
        found = _WAITING.findall(Path("/proc/meminfo").read_bytes())
    except OSError:
        found = []
    return 1024 * sum(map(int, found)) if found else _MUCH + 1
