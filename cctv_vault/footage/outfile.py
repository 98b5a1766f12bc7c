"""Files that leave the vault on a person's order: whole under their name, or not there at all.

Owns the way bytes become a file outside: written beside it under ``.part``, readable by its owner
only, checked, made durable, then given its name. Refuses to replace a file that is there.
"""

import contextlib
import errno
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from cctv_vault.errors import AlreadyExistsError, IntakeStoppedError, InvalidInputError

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class OutFile:
    """Where exported bytes go: a new file, or a stream the caller owns; counted and hashed."""

    def __init__(self, target: Path | BinaryIO) -> None:
        """Begin.

        Raises:
            AlreadyExistsError: There is a file of that name, or one half written.
            InvalidInputError: No file can be made there.
        """
        self._digest = hashlib.sha256()
        self.size = 0
        self._path: Path | None = None
        self.part: Path | None = None
        if not isinstance(target, Path):
            self._file = target
            return
        check_target(target)
        self._path, self.part = target, part_of(target)
        try:
            descriptor = os.open(
                self.part,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
        except FileExistsError:
            raise AlreadyExistsError(
                f"{self.part} is there already: another export is writing it, or one broke off; "
                "remove it, or choose another name"
            ) from None
        except OSError as error:
            raise InvalidInputError(
                f"{target} cannot be written: {os.strerror(error.errno or 0)}"
            ) from None
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    @property
    def sha256(self) -> bytes:
        """Of what was written."""
        return self._digest.digest()

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes.

        Raises:
            IntakeStoppedError: There is no room where they go, or the medium fails.
        """
        view = memoryview(data)
        taken = len(view)
        self._digest.update(view)
        self.size += taken
        try:
            while view:
                # An unbuffered file may take only some; a caller's stream may say nothing.
                view = view[self._file.write(view) or len(view) :]
        except OSError as error:
            raise _unwritable(error) from None
        return taken

    def finish(self) -> None:
        """Give the file its name; durable on return.

        Raises:
            AlreadyExistsError: The name was taken meanwhile.
            IntakeStoppedError: The medium fails.
        """
        if self._path is None or self.part is None:
            return
        try:
            os.fsync(self._file.fileno())
            try:
                os.link(self.part, self._path)  # unlike a rename, replaces nothing
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                check_target(self._path)
                self.part.rename(self._path)
            else:
                self.part.unlink()
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError:
            raise AlreadyExistsError(f"{self._path} is there already") from None
        except OSError as error:
            raise _unwritable(error) from None
        self.part = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; unless it was finished, nothing is left of a file."""
        if self._path is not None:
            self._file.close()
        if self.part is not None:
            with contextlib.suppress(OSError):
                self.part.unlink()


def part_of(target: Path) -> Path:
    """The name a file has while it is being written."""
    return target.with_name(target.name + ".part")


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


def _unwritable(error: OSError) -> IntakeStoppedError:
    reason = os.strerror(error.errno or 0)
    return IntakeStoppedError(
        f"the copy cannot be written: {reason}; free space or choose another place; nothing is lost"
    )
