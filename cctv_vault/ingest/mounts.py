"""On what kind of filesystem a folder lies: whether notices arrive there, and what stays behind.

Owns the making of drop folders that are not there, and what is to be said of where they lie.
Refuses to guess: where the table of mounts cannot be read the answer is an empty name.
"""

import stat
from pathlib import Path
from typing import Final

from storage.filesystems import NETWORK, filesystem_at

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
PLAIN_TEXT: Final = (
    "the drop folder does not lie in memory (tmpfs): what arrives there is plaintext on a disk "
    "until it has been sealed, and traces of it may remain; mount a tmpfs there, or a volume whose "
    "key is made anew at each start"
)
NOT_THERE: Final = (
    "the drop folder is not there, so nothing can arrive in it; the vault could not make it: mount "
    "what it lies on, or let the vault's user make it"
)


def made(folder: Path) -> bool:
    """Make a drop folder where it is not there; whether it had to be made.

    A folder in memory is gone after each start of the machine. Whoever may deliver to the folder it
    lies in may deliver to it.

    Raises:
        OSError: It cannot be made, or something else has its name.
    """
    if folder.is_dir():
        return False
    folder.mkdir(mode=0o700, parents=True)
    mode = stat.S_IMODE(folder.parent.stat().st_mode)
    folder.chmod(0o700 | mode & 0o070)
    return True


def filesystem_of(folder: Path) -> str:
    """The type of the filesystem a folder lies on, such as ``ext4``; empty where unknown."""
    return filesystem_at(folder).kind


def is_network(kind: str) -> bool:
    """Whether files made by others on such a filesystem give no notice here."""
    return kind in NETWORK or kind.startswith("fuse.")


def warnings(folder: Path) -> tuple[str, ...]:
    """What must be said of a drop folder, in sentences; nothing where it lies in memory."""
    kind = filesystem_of(folder)
    # A network share that does not answer would hold up whoever asks.
    if not is_network(kind) and not folder.is_dir():
        return (NOT_THERE,)
    return () if kind in _IN_MEMORY else (PLAIN_TEXT,)
