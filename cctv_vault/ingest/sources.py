"""Source files: names kept verbatim, files opened safely, and removed at last.

Owns everything that touches a drop folder. Refuses whatever is no regular file, follows no link,
and removes a file only while it is provably the one that was taken in.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import re
import signal
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from cctv_vault.errors import VaultError
from storage.directory import sync_folder
from storage.syncing import one_for_all

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_UNFINISHED: Final = re.compile(
    r"(?i)(^\.)|(~$)|\.(part|partial|tmp|temp|filepart|crdownload|swp|!ut|upload|uploading|lock)$"
)
_ESCAPE: Final = re.compile(r"(\\*)([\udc80-\udcff])|(\\+)(?=udc[89a-f][0-9a-f])")
_UNESCAPE: Final = re.compile(r"(\\+)udc([89a-f][0-9a-f])")
_BLOCK: Final = 512  # the unit of st_blocks, whatever the filesystem's own
_BUSY_S: Final = 1.0
_SYNCS: Final = 16
_CHANGED: Final = "it changed after it was taken in; it will be offered again"
_Folders: TypeAlias = Sequence[tuple[Path, Sequence[tuple[str, "Identity"]]]]
_VANISHED: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})


class SourceGoneError(VaultError):
    """The file is not there (any more)."""

    code = "source-gone"


class SourceRefusedError(VaultError):
    """It is not a file that may be taken in: a link, a device, a pipe, or not readable."""

    code = "source-refused"


class SourceBusyError(VaultError):
    """Somebody is writing it, or another process is taking it in: it has to wait."""

    code = "source-busy"

    def __init__(self, message: str, retry_in_s: float | None = None) -> None:
        """``retry_in_s`` is when it may have settled, or None where only its owner knows."""
        self.retry_in_s = retry_in_s
        super().__init__(message)


class SourceReadError(VaultError):
    """The medium the file lies on fails."""

    code = "source-read"


def escape_name(name: str) -> str:
    r"""A file name as text any database and JSON can hold, reversibly.

    Bytes that are no UTF-8 (lone surrogates in Python) become ``\udcxx``, six characters. So that
    this is unambiguous, backslashes right before one of those, or before text that looks like one,
    are doubled; all other backslashes and characters stay as they are.
    """

    def replace(found: re.Match[str]) -> str:
        if found[2] is None:
            return found[3] * 2
        return found[1] * 2 + f"\\u{ord(found[2]):04x}"

    return _ESCAPE.sub(replace, name)


def unescape_name(text: str) -> str:
    r"""The file name that ``escape_name`` was given."""

    def replace(found: re.Match[str]) -> str:
        literal, odd = divmod(len(found[1]), 2)
        tail = chr(0xDC00 + int(found[2], 16)) if odd else f"udc{found[2]}"
        return "\\" * literal + tail

    return _UNESCAPE.sub(replace, text)


def is_unfinished_name(name: str) -> bool:
    """Whether a name is one that uploaders and editors give to a file still under way."""
    return _UNFINISHED.search(name) is not None


@dataclass(frozen=True)
class Identity:
    """What tells a file from any other, and from itself after a change."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """From a stat of it."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """From what ``to_json`` gave."""
        return cls(*(int(value[name]) for name in ("device", "inode", "size", "mtime_ns")))

    def to_json(self) -> dict[str, int]:
        """As kept with the intent to remove it."""
        return vars(self).copy()


class Source(io.RawIOBase):
    """A source file, open for reading, with the identity it had when it was opened.

    ``is_hollow`` says that most of it takes no room: it was given a size and never written.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Use ``open_source``."""
        self.path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.identity = Identity.of(status)
        self.changed_at_s = max(status.st_mtime_ns, status.st_ctime_ns) / 1e9
        self._ctime_ns = status.st_ctime_ns
        self.is_hollow = status.st_blocks * _BLOCK < status.st_size // 2

    @property
    def size(self) -> int:
        """Bytes, when it was opened."""
        return self.identity.size

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read on.

        Raises:
            SourceReadError: The medium fails.
        """
        try:
            return os.readv(self._descriptor, [buffer])
        except OSError as error:
            raise SourceReadError(
                f"the file cannot be read: {os.strerror(error.errno or 0)}; it stays where it is"
            ) from None

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; returns the position from the start."""
        return os.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        """The position."""
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def check_unchanged(self) -> None:
        """Raise where the file was written to since it was opened.

        Raises:
            SourceBusyError: It was.
        """
        status = os.fstat(self._descriptor)
        # A link made or removed moves ctime alone, but so does writing through a memory map.
        if Identity.of(status) != self.identity or status.st_ctime_ns != self._ctime_ns:
            raise SourceBusyError("it changed while it was read")

    def check_not_written(self) -> bool:
        """Raise where somebody has the file open for writing; whether the system could tell.

        A read lease is granted only where nobody does (local filesystems, own files); where leases
        are not to be had, the time since the last change has to do.

        Raises:
            SourceBusyError: Somebody has.
        """
        try:
            # Whoever opens the file while the lease is held makes the kernel signal this process,
            # by default with SIGIO, which would end it; SIGURG is ignored.
            fcntl.fcntl(self._descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EBUSY}:
                raise SourceBusyError("somebody has it open for writing") from None
            return False
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return True

    def close(self) -> None:
        """Close it, and give up the lock against other ingesters."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a regular file once, without following a link, alone among ingesters.

    ``path`` is absolute and without links. Whoever may write in a drop folder could put a link to
    another folder in the place of one of its own, so where the opened file really lies is asked.

    Raises:
        SourceBusyError: Another process is taking it in.
        SourceGoneError: There is no such file.
        SourceRefusedError: It is no regular file, or may not be read.
        SourceReadError: The medium fails.
    """
    try:
        # Without O_NONBLOCK a pipe would keep us waiting for its writer.
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )
    except OSError as error:
        raise _not_opened(error) from None
    except ValueError:
        raise SourceGoneError("no file can have this name") from None
    try:
        _claim(descriptor, path)
        source = Source(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    with source:
        yield source


def _claim(descriptor: int, path: Path) -> None:
    """Take the file for this process, where it is one that may be taken at all."""
    if not _lies_at(descriptor, path):
        raise SourceBusyError("it moved while it was opened", _BUSY_S)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise SourceRefusedError("it is no regular file")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceBusyError("another process is taking it in", _BUSY_S) from None
    except OSError as error:
        # Some network filesystems have no locks; there, the index decides who was first.
        if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL}:
            raise SourceReadError(
                f"the file cannot be locked: {os.strerror(error.errno or 0)}"
            ) from None


def _lies_at(descriptor: int, path: Path) -> bool:
    """Whether an open file or folder is the one at this path, no link on the way having lied."""
    return Path(f"/proc/self/fd/{descriptor}").readlink() == path


def _not_opened(error: OSError) -> VaultError:
    if error.errno in _VANISHED:
        return SourceGoneError("there is no such file")
    if error.errno == errno.ELOOP:
        return SourceRefusedError("it is a symbolic link, and links are not followed")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return SourceRefusedError("it may not be read; give the vault's user the right to")
    if error.errno in {errno.ENXIO, errno.ENODEV}:
        return SourceRefusedError("it is no regular file")
    return SourceReadError(f"it cannot be opened: {os.strerror(error.errno or 0)}")


@dataclass(frozen=True)
class Removal:
    """How the removal of a source ended: ``removed``, ``gone`` already, or ``kept`` and why."""

    outcome: str
    reason: str = ""


def remove_source(path: Path, identity: Identity) -> Removal:
    """Remove a source file, durably, if it is still the one that was taken in.

    No system call removes a file only if it is a certain one, so it is set aside first, under a
    name where nobody puts another, and what was set aside is what is looked at and removed: a file
    that took its place in the last moment gets its name back. Safe to repeat after a crash: a file
    that is gone is removed already, another one in its place stays and is offered like any other.
    """
    return remove_sources([(path, identity)])[0]


def remove_sources(files: Sequence[tuple[Path, Identity]]) -> list[Removal]:
    """As `remove_source`, many at once: what happened in a folder is made durable once.

    Where they lie in many folders of one filesystem that can, by one sync of all of it.
    """
    by_folder: dict[Path, list[tuple[str, Identity]]] = {}
    for path, identity in files:
        by_folder.setdefault(path.parent, []).append((path.name, identity))
    folders = [*by_folder.items()]
    together = len(folders) > 1 and len({identity.device for _, identity in files}) == 1
    ended = (_removed_as_one(folders) if together else None) or _removed_each(folders)
    removals = {place: iter(each) for (place, _), each in zip(folders, ended, strict=True)}
    return [next(removals[path.parent]) for path, _ in files]


def _removed_each(folders: _Folders) -> list[list[Removal]]:
    """How removals ended, each folder synced by itself."""
    if len(folders) == 1:
        return [_removed_in(*each) for each in folders]
    # A disk takes many syncs at once in little more than one's time.
    with ThreadPoolExecutor(_SYNCS) as pool:
        return list(pool.map(lambda each: _removed_in(*each), folders))


def _removed_as_one(folders: _Folders) -> list[list[Removal]] | None:
    """As `_removed_each`, by one sync of their filesystem; None where that cannot be."""
    with contextlib.ExitStack() as stack:
        try:
            sync_whole = stack.enter_context(one_for_all(folders[0][0]))
        except OSError:
            return None
        if sync_whole is None:
            return None
        ended = [_removed_in(*each, synced=False) for each in folders]
        try:
            sync_whole()
        except OSError:
            # It may have been about anything that lies there: each folder tells of itself.
            return [_synced(place, each) for (place, _), each in zip(folders, ended, strict=True)]
        return ended


def _synced(place: Path, removals: list[Removal]) -> list[Removal]:
    """Removals from a folder, once it is synced."""
    try:
        sync_folder(place)
    except OSError as error:
        return [_not_removed(error)] * len(removals)
    return removals


def _removed_in(
    place: Path, files: Sequence[tuple[str, Identity]], *, synced: bool = True
) -> list[Removal]:
    """How the removal of each of a folder's files ended; durable on return if ``synced``."""
    try:
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return [_not_removed(error)] * len(files)
    try:
        if not _lies_at(folder, place):
            moved = Removal("kept", "another folder has taken the place of its own")
            return [moved] * len(files)
        removals = [_removed_from(folder, name, identity) for name, identity in files]
        if synced:
            os.fsync(folder)
    except OSError as error:
        return [_not_removed(error)] * len(files)
    else:
        return removals
    finally:
        os.close(folder)


def _not_removed(error: OSError) -> Removal:
    if error.errno in _VANISHED:
        return Removal("gone")
    return Removal("kept", f"it cannot be removed: {os.strerror(error.errno or 0)}")


def _removed_from(folder: int, name: str, identity: Identity) -> Removal:
    """Remove one file of a folder; durable once the folder is synced."""
    try:
        aside = f".cctv-vault-{identity.inode:x}-{identity.mtime_ns:x}.tmp"
        if _status(folder, aside) is None:
            status = _status(folder, name)
            if status is None:
                return Removal("gone")
            if Identity.of(status) != identity:
                return Removal("kept", _CHANGED)
            os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
        status = _status(folder, aside)
        if status is not None and Identity.of(status) != identity:
            return _put_back(folder, aside, name)
        try:
            os.unlink(aside, dir_fd=folder)
        except OSError:
            if _status(folder, aside) is not None and _status(folder, name) is None:
                os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
            raise
    except OSError as error:
        return _not_removed(error)
    return Removal("removed")


def _put_back(folder: int, aside: str, name: str) -> Removal:
    """Give the file that was set aside by mistake its name again."""
    try:
        os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return Removal(
            "kept", f"it changed after it was taken in; what replaced it lies as {aside}"
        )
    except OSError:  # a filesystem without hard links
        if _status(folder, name) is not None:
            return Removal("kept", f"it changed; what replaced it lies as {aside}")
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(aside, dir_fd=folder)
    return Removal("kept", _CHANGED)


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def fingerprint(path: Path) -> str:
    """What stands for a file of this name as long as it does not change; tells nothing of either.

    Also of what cannot be opened: a link, a pipe, a file that may not be read.
    """
    try:
        status = path.lstat()
        known = f"{status.st_dev}/{status.st_ino}/{status.st_size}/{status.st_ctime_ns}"
    except OSError:
        known = ""
    return hashlib.sha256(f"{known}/".encode() + os.fsencode(path)).hexdigest()[:32]


def walk(path: Path) -> Iterator[Path]:
    """The files of a tree in order, or the one file; links to folders are not followed.

    What cannot be listed is passed over: a folder that vanished or may not be read.
    """
    if not path.is_dir() or path.is_symlink():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            yield Path(folder, name)
