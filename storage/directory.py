"""Blobs as files in a folder, durable in the order that `FORMAT.md` numbers.

Owns the folder, its marker and its temporary files. Refuses to work where the marker is gone,
as it is when a disk is not mounted: then "no such blob" would be a lie, and writing would fill
the disk underneath.

Large blobs are written and read back past the page cache (O_DIRECT) where the filesystem can:
twice the speed, what is read back is the medium, and footage that nobody looks at does not push
out what somebody does.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

from storage.backend import checked_name
from storage.errors import (
    BlobExistsError,
    BlobMissingError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
    UnknownFormatError,
)
from storage.syncing import one_for_all

_T = TypeVar("_T")
_MARKER: Final = ".cctv-vault-blobs"
_MARKER_TEXT: Final = b"cctv-vault blobs 1\n"
_PARTIAL: Final = ".partial"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# O_DIRECT asks for offsets, lengths and addresses that are multiples of the device's block.
_BLOCK: Final = 4096
_STAGE: Final = 4 << 20
_SYNCS: Final = 32
# A folder may be removed as empty by a delete between being made and being written into.
_RACES: Final = 100


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the operating system's errors into storage's.

    Raises:
        StorageFullError: No room.
        StorageUnavailableError: Any other failure.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        kind = StorageFullError if error.errno in _FULL else StorageUnavailableError
        raise kind(f"{what}: {reason}") from error


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte: the system may take only some, for one just before the disk is full."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(handle, view) :]
        except OSError as error:
            _require_buffered_now(handle, error)


class DirectoryStore:
    """A `BlobStore` in a folder.

    Safe for threads and for several processes on one machine: a name has one writer at a time,
    who holds an advisory lock on its temporary file.
    """

    def __init__(self, root: Path, *, must_exist: bool = False) -> None:
        """Open the store, or make it where `root` is missing or empty.

        Args:
            root: The folder.
            must_exist: Refuse to make a store, as whoever knows that there was one must.

        Raises:
            StorageUnavailableError: The folder is not a store (is the disk mounted?), holds
                something else, or cannot be made.
            UnknownFormatError: The store's version is not known here.
        """
        self._root = root.absolute()
        marker = self._root / _MARKER
        with translated(f"blob folder {root}"):
            if not marker.exists():
                self._make(must_exist=must_exist)
            if marker.read_bytes() != _MARKER_TEXT:
                raise UnknownFormatError(f"{marker} is not of a version known here")

    def _make(self, *, must_exist: bool) -> None:
        if must_exist:
            raise StorageUnavailableError(f"{self._root} is no blob folder: is its disk mounted?")
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(entry.name != "lost+found" for entry in self._root.iterdir()):
            raise StorageUnavailableError(f"{self._root} holds something else: choose an empty one")
        temporary = self._root / f"{_MARKER}.new"
        temporary.write_bytes(_MARKER_TEXT)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(self._root / _MARKER)
        sync_folder(self._root)
        sync_folder(self._root.parent)

    @property
    def description(self) -> str:
        """Where the folder is."""
        return f"folder {self._root}"

    def create(self, name: str) -> "DirectoryWriter":
        """Begin a blob; see `BlobStore.create`."""
        target = self._path(name)
        with translated(f"blob {name}"):
            self._check_mounted()
            return DirectoryWriter(self._root, name, target)

    def put_together(self, *steps: Sequence[tuple[str, bytes]]) -> None:
        """Put many small blobs; see `BlobStore.put_together`.

        All are written, then synced; then those of each step are put in place, and made durable by
        their folders. Where the filesystem can, each time by one sync of all of it; else by syncs
        under way at the same time, which share its commits and the disk's flushes.
        """
        writers: list[list[DirectoryWriter]] = []
        with translated(f"{sum(map(len, steps))} blobs"):
            self._check_mounted()
            with one_for_all(self._root) as sync_whole:
                try:
                    for step in steps:
                        writers.append([])
                        for name, data in step:
                            writers[-1].append(DirectoryWriter(self._root, name, self._path(name)))
                            writers[-1][-1].write_whole(data)
                    if sync_whole is None:
                        _place_by_syncs(self._root, writers)
                    else:
                        _place_by_one(writers, sync_whole)
                except BaseException:
                    for writer in reversed([*chain.from_iterable(writers)]):
                        writer.withdraw()
                    raise
            for writer in chain.from_iterable(writers):
                writer.release()

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return a range; see `BlobStore.read`."""
        with self._opened(name) as handle:
            return _read_all(handle, offset, length)

    def read_back(self, name: str, chunk: int) -> Iterator[bytes]:
        """Yield the blob from the disk; see `BlobStore.read_back`.

        Past the page cache where the filesystem can; else its pages are dropped first, so that
        what is checked is the medium. On a filesystem in memory there is none beneath, and the
        same bytes are read again.
        """
        if chunk % _BLOCK:
            raise ValueError(f"read-back goes in multiples of {_BLOCK} bytes")
        with self._opened(name) as handle, contextlib.ExitStack() as stack:
            if not _set_direct(handle, on=True):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            size = os.fstat(handle).st_size
            if size < chunk:
                # Room for a byte more, so that what was added is met.
                stage = mmap.mmap(-1, size // _BLOCK * _BLOCK + _BLOCK)
                if count := _fill(handle, stage, 0):
                    yield stage[:count]
                return
            reader = stack.enter_context(ThreadPoolExecutor(1))
            stages = [mmap.mmap(-1, chunk), mmap.mmap(-1, chunk)]
            offset, ahead = 0, reader.submit(_fill, handle, stages[0], 0)
            while count := ahead.result():
                offset += count
                stages.reverse()
                ahead = reader.submit(_fill, handle, stages[0], offset)
                yield stages[1][:count]

    def size(self, name: str) -> int:
        """Return the size in bytes; see `BlobStore.size`."""
        with self._opened(name) as handle:
            return os.fstat(handle).st_size

    def exists(self, name: str) -> bool:
        """Say whether the blob is there; see `BlobStore.exists`."""
        try:
            with self._opened(name):
                return True
        except BlobMissingError:
            return False

    def delete(self, name: str) -> None:
        """Remove the blob and the folders it leaves empty; see `BlobStore.delete`."""
        path = self._path(name)
        with translated(f"blob {name}"):
            self._check_mounted()
            # A path that leads through a file, or to a folder, names no blob either.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                path.unlink()
            _sync_nearest(path.parent)
            _prune(path.parent, self._root)

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of blobs; see `BlobStore.names`."""
        checked_name(f"{prefix}x")
        top = self._root / prefix.rpartition("/")[0]
        with translated(f"blobs under {prefix!r}"):
            self._check_mounted()
            for folder, _, files in os.walk(top, onerror=_raise_unless_missing):
                for file in files:
                    name = Path(folder, file).relative_to(self._root).as_posix()
                    if not file.startswith(".") and name.startswith(prefix):
                        yield name

    def free_bytes(self) -> int:
        """Return the bytes that may still be written here."""
        with translated(self.description):
            self._check_mounted()
            state = os.statvfs(self._root)
            return state.f_bavail * state.f_frsize

    def sweep_partial(self) -> int:
        """Remove the temporary files of dead writers; see `BlobStore.sweep_partial`."""
        swept = 0
        with translated(self.description):
            self._check_mounted()
            for folder, _, files in os.walk(self._root, onerror=_raise_unless_missing):
                for file in files:
                    if file.startswith(".") and file.endswith(_PARTIAL):
                        swept += self._sweep(Path(folder, file))
        return swept

    def _sweep(self, temporary: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            handle = _claim(temporary, create=False)
            if handle is not None:
                temporary.unlink()
                os.close(handle)
                _prune(temporary.parent, self._root)
                return True
        return False

    def _path(self, name: str) -> Path:
        return self._root / checked_name(name)

    def _check_mounted(self) -> None:
        if not (self._root / _MARKER).exists():
            raise StorageUnavailableError(f"{self._root} is no blob folder: is its disk mounted?")

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        path = self._path(name)
        with translated(f"blob {name}"):
            try:
                handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                self._check_mounted()
                raise BlobMissingError(name) from None
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise BlobMissingError(name)
                yield handle
            finally:
                os.close(handle)


class DirectoryWriter:
    """One blob on its way into a `DirectoryStore`."""

    def __init__(self, root: Path, name: str, target: Path) -> None:
        """Claim the name.

        Raises:
            BlobExistsError: The name is taken or another writer holds it.
            OSError: The folder or file cannot be made.
        """
        self._root, self._name, self.target = root, name, target
        self._temporary = target.with_name(f".{target.name}{_PARTIAL}")
        try:
            handle = self._claimed()
        except OSError:
            with contextlib.suppress(OSError):
                _prune(target.parent, root)
            raise
        if target.exists():
            self._temporary.unlink()
            os.close(handle)
            raise BlobExistsError(name)
        # What a dead writer left under the same name is written over.
        os.ftruncate(handle, 0)
        self._handle: int | None = handle
        self._placed = False
        self._stages: list[mmap.mmap] = []
        self._staged = 0
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None

    def _claimed(self) -> int:
        lost: OSError | None = None
        for _ in range(_RACES):
            try:
                self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = _claim(self._temporary, create=True)
            except (FileNotFoundError, FileExistsError) as error:
                lost = error
                continue
            if handle is None:
                raise BlobExistsError(self._name, being_written=True)
            return handle
        raise StorageUnavailableError(f"the folder of blob {self._name} cannot be made") from lost

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; see `BlobWriter.write`."""
        self._open_handle()
        view = memoryview(data)
        with translated(f"blob {self._name}"):
            while view:
                if not self._stages:
                    self._stages = [mmap.mmap(-1, _STAGE), mmap.mmap(-1, _STAGE)]
                taken = min(len(view), _STAGE - self._staged)
                self._stages[0][self._staged : self._staged + taken] = view[:taken]
                self._staged += taken
                view = view[taken:]
                if self._staged == _STAGE:
                    self._flush()

    def _flush(self) -> None:
        """Hand a full stage to the writing thread and go on with the other."""
        handle = self._open_handle()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
            _set_direct(handle, on=True)
        self._wait()
        self._under_way = self._thread.submit(write_all, handle, memoryview(self._stages[0]))
        self._stages.reverse()
        self._staged = 0

    def _wait(self) -> None:
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            under_way.result()

    def commit(self) -> None:
        """Put the blob in place; see `BlobWriter.commit`.

        The claim is held until the end, so that nobody else can have taken the name.
        """
        handle = self._open_handle()
        with translated(f"blob {self._name}"):
            self._wait()
            _set_direct(handle, on=False)
            if self._staged:
                write_all(handle, memoryview(self._stages[0])[: self._staged])
            self.sync()
            self.place()
            try:
                for folder in _up_to(self._root, (self.target.parent,)):
                    sync_folder(folder)
            except BaseException:
                # In place but perhaps not durable is neither; it is ours, so it goes.
                self.target.unlink()
                raise
            self.release()

    def write_whole(self, data: bytes) -> None:
        """Write all there is of a small blob."""
        write_all(self._open_handle(), data)

    def begin_sync(self) -> None:
        """Have the system begin to bring what was written to the disk."""
        os.posix_fadvise(self._open_handle(), 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fdatasync(self._open_handle())

    def place(self) -> None:
        """Give the blob its name; not durable before the folders are synced."""
        self._temporary.rename(self.target)
        self._placed = True

    def withdraw(self) -> None:
        """Leave nothing of a blob that is perhaps in place and perhaps not durable."""
        if self._placed:
            with contextlib.suppress(OSError):
                self.target.unlink()
        with contextlib.suppress(StorageError):
            self.abort()

    def abort(self) -> None:
        """Forget the bytes; see `BlobWriter.abort`."""
        if self._handle is None:
            return
        with translated(f"blob {self._name}"):
            try:
                self._temporary.unlink(missing_ok=True)
                _prune(self.target.parent, self._root)
            finally:
                self.release()

    def release(self) -> None:
        """Give up the claim on the name."""
        if self._thread is not None:
            # Before the handle goes: its number may be another file's a moment later.
            self._thread.shutdown(wait=True)
        handle, self._handle = self._open_handle(), None
        os.close(handle)

    def _open_handle(self) -> int:
        if self._handle is None:
            raise ValueError("this blob is committed or aborted")
        return self._handle


def _claim(temporary: Path, *, create: bool) -> int | None:
    """Return a locked handle to the temporary file that this path names, None if it is held.

    Raises:
        FileNotFoundError: The file, or its folder, went away meanwhile.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    handle = os.open(temporary, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its writer may have renamed or removed it between our open and our lock; then the lock
        # is on a finished blob, or on nothing, and the name is free to be tried anew.
        _require_same(handle, temporary)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _read_all(handle: int, offset: int, length: int) -> bytes:
    """Return a range, short only at the end: the system may give less before it."""
    pieces = []
    while length > 0 and (piece := os.pread(handle, length, offset)):
        pieces.append(piece)
        offset, length = offset + len(piece), length - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _set_direct(handle: int, *, on: bool) -> bool:
    """Turn O_DIRECT on or off; returns False where the filesystem has none."""
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | os.O_DIRECT if on else flags & ~os.O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True


def _fill(handle: int, stage: mmap.mmap, offset: int) -> int:
    """Read into a stage and return the bytes read, fewer than it holds only at the end."""
    done = 0
    view = memoryview(stage)
    while done < len(view):
        try:
            count = os.preadv(handle, [view[done:]], offset + done)
        except OSError as error:
            _require_buffered_now(handle, error)
            continue
        if not count:
            break
        done += count
    return done


def _require_buffered_now(handle: int, error: OSError) -> None:
    """Go on through the page cache where O_DIRECT was refused; else raise the error again.

    Some filesystems take the flag and refuse the work, and what follows a part of a block, as
    after a short write or at the end of a file, is not aligned any more.
    """
    if error.errno != errno.EINVAL or not fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_DIRECT:
        raise error
    _set_direct(handle, on=False)


def _require_same(handle: int, path: Path) -> None:
    if not os.path.samestat(os.fstat(handle), path.stat()):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _up_to(root: Path, places: Iterable[Path]) -> list[Path]:
    """Folders and all above them, the root last, each once.

    All of them: another writer may have made a folder not durable yet.
    """
    folders: set[Path] = {root}
    for place in places:
        folder = place
        while folder not in folders:
            folders.add(folder)
            folder = folder.parent
    return sorted(folders, key=lambda each: len(each.parts), reverse=True)


def _place_by_one(
    steps: Sequence[Sequence[DirectoryWriter]], sync_whole: Callable[[], None]
) -> None:
    """Put what was written in place, durably, step by step, by syncs of the whole filesystem."""
    sync_whole()
    for step in steps:
        for writer in step:
            writer.place()
        sync_whole()


def _place_by_syncs(root: Path, steps: Sequence[Sequence[DirectoryWriter]]) -> None:
    """As `_place_by_one`, by syncs of each file and folder, many under way at once."""
    synced: set[Path] = set()
    writers = [*chain.from_iterable(steps)]
    for writer in writers:
        writer.begin_sync()
    with ThreadPoolExecutor(_SYNCS) as syncs:
        _side_by_side(syncs, DirectoryWriter.sync, writers)
        for step in steps:
            for writer in step:
                writer.place()
            mine = {writer.target.parent for writer in step}
            # What lies above a folder that was synced and is not empty has not changed.
            above = [each for each in _up_to(root, mine) if each in mine or each not in synced]
            _side_by_side(syncs, sync_folder, above)
            synced.update(above)


def _side_by_side(pool: ThreadPoolExecutor, work: Callable[[_T], None], data: Sequence[_T]) -> None:
    """Do something to each, as many at once as there are syncs; a share of them to a thread."""

    def take(first: int) -> None:
        for each in data[first::_SYNCS]:
            work(each)

    list(pool.map(take, range(min(_SYNCS, len(data)))))


def _sync_nearest(folder: Path) -> None:
    """Sync a folder or, where another removal took it with it, the nearest that is left."""
    while True:
        try:
            sync_folder(folder)
        except (FileNotFoundError, NotADirectoryError):
            folder = folder.parent
        else:
            return


def _prune(folder: Path, root: Path) -> None:
    """Remove a folder and those above it, below `root`, as far as they are empty."""
    while folder != root:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise
            return
        folder = folder.parent


def _raise_unless_missing(error: OSError) -> None:
    # A folder emptied while the walk goes on is no error, nor a prefix that leads through a file.
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error
