"""Blobs in a folder: full, broken and unmounted disks, and writers that live or died."""

import errno
import fcntl
import io
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage import directory, syncing
from storage.backend import BlobStore
from storage.directory import DirectoryStore
from storage.errors import (
    BlobExistsError,
    BlobMissingError,
    StorageFullError,
    StorageUnavailableError,
    UnknownFormatError,
)
from storage.filesystems import filesystem_of
from storage.secret import SecretKey
from storage.stream import SealWriter, StreamContext, open_sealed, seal

MARKER = ".cctv-vault-blobs"
Put = Callable[[BlobStore, str, bytes], None]


@pytest.fixture
def store(folder_store: DirectoryStore) -> DirectoryStore:
    return folder_store


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name != "lost+found")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 3 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder],
            check=False,
            capture_output=True,
        ).returncode
    )
    if not mounted:
        pytest.skip("mounting a small disk needs root; the limit on file sizes is tested instead")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_to_be_full_and_nothing_is_left(
    small_disk: Path, key: SecretKey, context: StreamContext, tmp_path: Path
) -> None:
    store = DirectoryStore(small_disk)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(5 << 20))
    free = store.free_bytes()

    with pytest.raises(StorageFullError), source.open("rb") as file:
        seal(file, store, "ab/x/original", key, context)

    assert files(small_disk) == [MARKER]
    assert store.free_bytes() == free
    with SealWriter(store, "ab/x/original", key, context) as writer:
        writer.write(b"small enough")
        writer.finish()
    assert open_sealed(store, "ab/x/original", key, context).read() == b"small enough"


@pytest.mark.parametrize("size", [100_000, 20 << 20])
def test_a_limit_on_file_sizes_is_a_full_disk(
    store: DirectoryStore, key: SecretKey, context: StreamContext, tmp_path: Path, size: int
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        with pytest.raises(StorageFullError):
            seal(io.BytesIO(bytes(size)), store, "ab/x/original", key, context)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    assert files(tmp_path / "blobs") == [MARKER]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EIO, StorageUnavailableError),
        (errno.EROFS, StorageUnavailableError),
    ],
)
@pytest.mark.parametrize("call", ["fdatasync", "fsync", "write", "open"])
def test_any_call_of_the_system_that_fails_is_typed_and_leaves_nothing(
    *,
    store: DirectoryStore,
    key: SecretKey,
    context: StreamContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    kind: type[Exception],
) -> None:
    real = getattr(os, call)
    for broken in range(1, 40):
        calls = 0

        def fails_once(*args: object, broken: int = broken, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls == broken:
                raise OSError(code, os.strerror(code))
            return real(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fails_once)
            try:
                with SealWriter(store, "ab/x/original", key, context) as writer:
                    writer.write(bytes(9 << 20))
                    writer.finish()
            except kind:
                assert files(tmp_path / "blobs") == [MARKER]
                continue
        assert calls < broken, "a failing call went unnoticed"
        assert broken > 1
        return
    pytest.fail("the sealing never succeeded")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced and renamed from now on, in order."""
    done: list[str] = []
    real_rename = Path.rename

    def rename(self: Path, to: Path) -> Path:
        done.append("rename")
        return real_rename(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    for name in ("fdatasync", "fsync"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name), done))
    return done


def noting(name: str, real: Callable[[int], None], done: list[str]) -> Callable[[int], None]:
    def call(handle: int) -> None:
        done.append(f"{name} {Path(f'/proc/self/fd/{handle}').readlink().name}")
        real(handle)

    return call


def test_a_blob_is_synced_before_its_name_and_its_name_before_commit_returns(
    store: DirectoryStore, done: list[str]
) -> None:
    writer = store.create("ab/x/original")
    writer.write(b"1")
    writer.commit()

    assert done == ["fdatasync .original.partial", "rename", "fsync x", "fsync ab", "fsync blobs"]
    done.clear()
    store.delete("ab/x/original")
    assert done == ["fsync x"]


STEPS = ([("ab/x/1", b"1"), ("ab/x/2", b"2")], [("ab/y/1", b"3"), ("ab/x/3", b"4")])


@pytest.fixture
def each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filesystem of which nobody knows that one sync is enough for all of it."""
    monkeypatch.setattr(syncing, "_WHOLE", set())


@pytest.fixture
def one_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A filesystem of which one sync is enough, whatever others write on this machine."""
    kind = filesystem_of(tmp_path).kind
    monkeypatch.setattr(syncing, "_WHOLE", {kind})
    monkeypatch.setattr(syncing, "_MUCH", 1 << 60)


@pytest.mark.usefixtures("each_by_itself")
def test_blobs_put_together_are_synced_before_any_name_and_their_folders_once_a_step(
    store: DirectoryStore, done: list[str]
) -> None:
    store.put_together(*STEPS)

    assert sorted(done[:4]) == [
        "fdatasync .1.partial",
        "fdatasync .1.partial",
        "fdatasync .2.partial",
        "fdatasync .3.partial",
    ]
    assert done[4:6] == ["rename"] * 2
    assert sorted(done[6:9]) == ["fsync ab", "fsync blobs", "fsync x"]
    assert done[9:11] == ["rename"] * 2
    # What lies above them was made durable with the first step, and has not changed.
    assert sorted(done[11:]) == ["fsync x", "fsync y"]


@pytest.mark.usefixtures("one_for_all")
def test_where_one_sync_is_enough_blobs_put_together_take_one_before_and_one_after_each_step(
    store: DirectoryStore, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "sync_filesystem", noting("syncfs", syncing.sync_filesystem, done))

    store.put_together(*STEPS)

    whole, named = "syncfs blobs", ["rename"] * 2
    assert done == [whole, *named, whole, *named, whole]


def test_a_sync_of_the_whole_filesystem_that_fails_says_so(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        handle = file.fileno()
        syncing.sync_filesystem(handle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        syncing.sync_filesystem(handle)


@pytest.mark.parametrize("much", ["other", "unreadable"])
def test_nobody_waits_for_much_that_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, much: str
) -> None:
    kind = filesystem_of(tmp_path).kind
    monkeypatch.setattr(syncing, "_WHOLE", {kind})
    if much == "other":
        monkeypatch.setattr(syncing, "_MUCH", -1)
    else:
        monkeypatch.setattr(syncing, "_WAITING", re.compile(b"not there"))

    with syncing.one_for_all(tmp_path) as sync_whole:
        assert sync_whole is None


@pytest.mark.parametrize(
    ("call", "way"),
    [
        ("fdatasync", "each_by_itself"),
        ("fsync", "each_by_itself"),
        ("sync_filesystem", "one_for_all"),
        ("write", "one_for_all"),
        ("open", "one_for_all"),
        ("open", "each_by_itself"),
    ],
)
def test_of_blobs_put_together_a_failing_call_leaves_none(
    *,
    store: DirectoryStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    call: str,
    way: str,
) -> None:
    request.getfixturevalue(way)
    owner = syncing if hasattr(syncing, call) else os
    real, lock = getattr(owner, call), threading.Lock()
    for broken in range(1, 40):
        calls = 0

        def fails_once(*args: object, broken: int = broken, **more: object) -> object:
            nonlocal calls
            with lock:
                calls += 1
                mine = calls
            if mine == broken:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(owner, call, fails_once)
            try:
                store.put_together(*STEPS)
            except StorageFullError:
                assert files(tmp_path / "blobs") == [MARKER]
                continue
        assert calls < broken, "a failing call went unnoticed"
        assert broken > 1
        return
    pytest.fail("they were never put")


def test_a_writer_that_comes_as_another_finishes_does_not_touch_what_that_one_wrote(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.create("ab/x/original")
    first.write(b"first")
    real = fcntl.flock

    def late(handle: int, how: int) -> None:
        # Between the second writer's opening of the partial file and its lock on it.
        monkeypatch.setattr(fcntl, "flock", real)
        first.commit()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(BlobExistsError) as caught:
        store.create("ab/x/original")

    assert not caught.value.being_written
    assert store.read("ab/x/original", 0, 9) == b"first"
    assert store.sweep_partial() == 0


def test_a_folder_that_lost_its_marker_is_an_unmounted_disk_and_not_an_empty_one(
    store: DirectoryStore, put: Put, tmp_path: Path
) -> None:
    put(store, "ab/x", b"1")
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    (tmp_path / "blobs").mkdir()

    for act in (
        lambda: store.read("ab/x", 0, 1),
        lambda: store.size("ab/x"),
        lambda: store.exists("ab/x"),
        lambda: store.create("ab/y"),
        lambda: store.delete("ab/x"),
        lambda: list(store.names()),
        store.free_bytes,
        store.sweep_partial,
    ):
        with pytest.raises(StorageUnavailableError, match="mounted"):
            act()
    with pytest.raises(StorageUnavailableError, match="mounted"):
        DirectoryStore(tmp_path / "blobs", must_exist=True)
    assert files(tmp_path / "blobs") == []


def test_a_store_is_made_once_and_only_in_an_empty_folder(tmp_path: Path, put: Put) -> None:
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    put(DirectoryStore(tmp_path / "disk"), "x", b"1")
    assert DirectoryStore(tmp_path / "disk", must_exist=True).read("x", 0, 1) == b"1"

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(StorageUnavailableError, match="something else"):
        DirectoryStore(tmp_path / "other")
    (tmp_path / "disk" / MARKER).write_text("cctv-vault blobs 2\n")
    with pytest.raises(UnknownFormatError):
        DirectoryStore(tmp_path / "disk")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailableError):
        DirectoryStore(tmp_path / "file" / "blobs")


def test_nobody_else_may_look_at_the_files(tmp_path: Path, put: Put) -> None:
    old = os.umask(0)
    try:
        put(DirectoryStore(tmp_path / "blobs"), "ab/x", b"1")
    finally:
        os.umask(old)

    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs/ab").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs/ab/x").stat().st_mode & 0o777 == 0o600


def test_a_link_in_place_of_a_blob_is_not_followed(
    store: DirectoryStore, put: Put, tmp_path: Path
) -> None:
    put(store, "ab/x", b"1")
    (tmp_path / "secret").write_text("outside")
    (tmp_path / "blobs/ab/y").symlink_to(tmp_path / "secret")

    with pytest.raises(StorageUnavailableError):
        store.read("ab/y", 0, 9)


def test_removing_the_last_blob_removes_its_folders_and_no_other(
    store: DirectoryStore, put: Put, tmp_path: Path
) -> None:
    for name in ("ab/x/one", "ab/y/one"):
        put(store, name, b"1")

    store.delete("ab/x/one")
    assert files(tmp_path / "blobs") == [MARKER, "ab", "one", "y"]
    store.delete("ab/y/one")
    assert files(tmp_path / "blobs") == [MARKER]


def test_what_a_dead_writer_left_is_swept_and_a_live_writer_is_not_disturbed(
    store: DirectoryStore, tmp_path: Path
) -> None:
    living = store.create("ab/living/original")
    living.write(b"1")
    script = (
        "import os; from pathlib import Path; from storage.directory import DirectoryStore\n"
        f"writer = DirectoryStore(Path({str(tmp_path / 'blobs')!r})).create('ab/dead/original')\n"
        "writer.write(bytes(5 << 20)); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert (tmp_path / "blobs/ab/dead/.original.partial").exists()
    assert list(store.names()) == []

    assert store.sweep_partial() == 1

    assert not (tmp_path / "blobs/ab/dead").exists()
    with pytest.raises(BlobExistsError) as caught:
        store.create("ab/living/original")
    assert caught.value.being_written
    living.commit()
    assert list(store.names()) == ["ab/living/original"]
    assert store.sweep_partial() == 0


def test_many_threads_at_one_name_make_one_whole_blob(store: DirectoryStore) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def race(mark: bytes) -> None:
        start.wait()
        for _ in range(20):
            try:
                writer = store.create("ab/x/original")
            except BlobExistsError:
                continue
            writer.write(mark * 1000)
            writer.commit()
            outcomes.append(mark.decode())

    threads = [threading.Thread(target=race, args=(bytes([65 + i]),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 1
    assert store.read("ab/x/original", 0, 9999) == outcomes[0].encode() * 1000
    assert list(store.names()) == ["ab/x/original"]
    assert store.sweep_partial() == 0


def test_making_and_removing_neighbours_at_once_loses_nothing(store: DirectoryStore) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(30):
                writer = store.create(f"ab/x/{number}")
                writer.write(b"1")
                writer.commit()
                assert store.read(f"ab/x/{number}", 0, 1) == b"1", turn
                store.delete(f"ab/x/{number}")
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert list(store.names()) == []


def test_without_direct_input_and_output_all_works_through_the_cache(
    store: DirectoryStore,
    key: SecretKey,
    context: StreamContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directory, "_set_direct", lambda _handle, *, on: not on)
    data = os.urandom(9 << 20)
    (tmp_path / "source").write_bytes(data)

    with (tmp_path / "source").open("rb") as file:
        root = seal(file, store, "ab/x", key, context).segment_root

    with open_sealed(store, "ab/x", key, context, segment_root=root) as reader:
        assert reader.read() == data


def test_a_filesystem_that_takes_the_flag_and_refuses_the_work_is_used_through_the_cache(
    store: DirectoryStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    for name in ("write", "preadv"):
        monkeypatch.setattr(os, name, refusing(name, getattr(os, name), refused))
    data = os.urandom((9 << 20) + 5)

    put(store, "x", data)

    assert b"".join(store.read_back("x", 1 << 20)) == data
    assert refused == ["write", "preadv"]


def refusing(name: str, real: Callable[..., int], refused: list[str]) -> Callable[..., int]:
    def call(handle: int, *args: object) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_DIRECT:
            refused.append(name)
            raise OSError(errno.EINVAL, "not here")
        return real(handle, *args)

    return call


def test_read_back_asks_for_whole_blocks(store: DirectoryStore, put: Put) -> None:
    put(store, "x", b"1")
    with pytest.raises(ValueError, match="multiples"):
        list(store.read_back("x", 1000))
    reader = store.read_back("x", 4096)
    assert next(reader) == b"1"
    store.delete("x")
    with pytest.raises(BlobMissingError):
        list(store.read_back("x", 4096))
