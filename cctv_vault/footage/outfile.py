"""Files that leave the vault on a person's order: whole under their name, or not there at all.

Owns the way bytes become a file outside: written where they have no name, readable by their owner
only, made durable, then named, so that of a process that is killed nothing stays behind. Where the
filesystem has no unnamed files (a stick with FAT, a network share) they bear a name that was
announced, by which the next start finds and removes them. Refuses to replace a file that is there.

What goes into a file is hashed while it is written, and on its way to the medium while more comes.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from cctv_vault.errors import AlreadyExistsError, IntakeStoppedError, InvalidInputError

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_UNNAMED: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})


_TOGETHER: Final = 1 << 20
_ON_ITS_WAY: Final = 16 << 20
"""After each so many bytes the system begins to bring them to the medium."""


def _nothing() -> None:
    """What is done before a file gets its name where nobody asks for anything."""


class OutFile:
    """Where exported bytes go: a new file or a stream the caller owns; counted, hashed if asked.

    ``size`` is what it was given: of what cannot be written some may have left all the same.
    """

    def __init__(
        self,
        target: Path | BinaryIO,
        part: Path | None = None,
        before_name: Callable[[], None] = _nothing,
        *,
        hashed: bool = True,
    ) -> None:
        """Begin.

        Args:
            target: The file's name, or a stream.
            part: What a file is called until it is whole, where it cannot be without a name;
                beside the target, as `part_of` says.
            before_name: Called once the file is whole and durable, before it has its name.
            hashed: Whether its hash will be asked for; that of a package is known before.

        Raises:
            AlreadyExistsError: There is a file of that name.
            InvalidInputError: No file can be made there.
        """
        self._digest = hashlib.sha256() if hashed else None
        self._gathered: list[bytes] = []
        self._gathered_bytes = self._waiting = 0
        self._hasher: ThreadPoolExecutor | None = None
        self._hashing: Future[None] | None = None
        self.size = 0
        self.path: Path | None = None
        self._part: Path | None = None
        self._named = False
        self._before_name = before_name
        if not isinstance(target, Path):
            self._file = target
            return
        check_target(target)
        self.path = target
        try:
            descriptor = _unnamed(target.parent)
            if descriptor is None:
                self._part = part or part_of(target, str(os.getpid()))
                descriptor = os.open(
                    self._part,
                    os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                    0o600,
                )
        except OSError as error:
            raise InvalidInputError(
                f"{target} cannot be written: {os.strerror(error.errno or 0)}"
            ) from None
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    @property
    def sha256(self) -> bytes:
        """Of what was written.

        Raises:
            ValueError: It was not hashed.
        """
        if self._digest is None:
            raise ValueError("what was written was not hashed")
        self._flush()
        self._end_hashing()
        return self._digest.digest()

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes.

        Raises:
            IntakeStoppedError: There is no room where they go, or the medium fails.
        """
        self.size += len(data)
        if self.path is None:
            if self._digest is not None:
                self._digest.update(data)
            self._put(data)
            return len(data)
        self._gathered.append(bytes(data))
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= _TOGETHER:
            self._flush()
        return len(data)

    def _flush(self) -> None:
        """Write what was gathered, and have it hashed meanwhile; no more than that is held."""
        if not self._gathered:
            return
        parts, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if self._digest is not None:
            self._end_hashing()
            self._hasher = self._hasher or ThreadPoolExecutor(1)
            self._hashing = self._hasher.submit(_hash, self._digest, parts)
        for part in parts:
            self._put(part)
            self._waiting += len(part)
        if self._waiting >= _ON_ITS_WAY:
            self._waiting = 0
            # Else all of it waits for the sync at the end. Where this does not help, that does it.
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _put(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        try:
            while view:
                # An unbuffered file may take only some; a caller's stream may say nothing.
                view = view[self._file.write(view) or len(view) :]
        except OSError as error:
            raise _unwritable(error) from None

    def _end_hashing(self) -> None:
        if self._hashing is not None:
            self._hashing.result()
            self._hashing = None

    def finish(self) -> None:
        """Give the file its name; durable on return.

        Raises:
            AlreadyExistsError: The name was taken meanwhile.
            IntakeStoppedError: The medium fails.
        """
        if self.path is None:
            return
        self._flush()
        try:
            os.fsync(self._file.fileno())
            self._before_name()
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._name(self.path, folder)
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError:
            raise AlreadyExistsError(f"{self.path} is there already") from None
        except OSError as error:
            raise _unwritable(error) from None
        self._named = True

    def _name(self, path: Path, folder: int) -> None:
        if self._part is None:
            # With a folder's descriptor os.link follows the link to the file without a name.
            os.link(_own_link(self._file.fileno()), path.name, src_dir_fd=folder, dst_dir_fd=folder)
            return
        try:
            os.link(self._part, path)  # unlike a rename, replaces nothing
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            check_target(path)
            self._part.rename(path)
        else:
            self._part.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; unless it was finished, nothing is left of a file."""
        if self._hasher is not None:
            self._hasher.shutdown(wait=True)
        if self.path is not None:
            self._file.close()
        if self._part is not None and not self._named:
            with contextlib.suppress(OSError):
                self._part.unlink()


def part_of(target: Path, number: str) -> Path:
    """The name a file has while it is written, where it needs one; ``number`` is nobody else's."""
    return target.with_name(f".cctv-vault-{number}.part")


def check_target(target: Path) -> None:
    """Raise unless a new file can have this name.

    Raises:
        AlreadyExistsError: There is something of that name.
        InvalidInputError: Its folder is not there.
    """
    if target.exists() or target.is_symlink():
        raise AlreadyExistsError(f"{target} is there already; choose another name")
    if not target.parent.is_dir():
        raise InvalidInputError(f"there is no folder {target.parent}")


def _unnamed(folder: Path) -> int | None:
    """A new file in a folder, without a name; None where the filesystem or ``/proc`` lacks it."""
    try:
        descriptor = os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return None
        raise
    if Path(_own_link(descriptor)).exists():
        return descriptor
    os.close(descriptor)
    return None


def _own_link(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _hash(digest: "hashlib._Hash", parts: list[bytes]) -> None:
    for part in parts:
        digest.update(part)


def _unwritable(error: OSError) -> IntakeStoppedError:
    reason = os.strerror(error.errno or 0)
    return IntakeStoppedError(
        f"the copy cannot be written: {reason}; free space or choose another place; nothing is lost"
    )
