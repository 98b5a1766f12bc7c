"""Drop folders that are not there or lie on a share: made, polled or told of, never in the way."""

import ctypes
import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cctv_vault.check import check_vault
from cctv_vault.ingest.mounts import NOT_THERE, filesystem_of, is_network, made, warnings
from cctv_vault.ingest.watcher import Watcher
from cctv_vault.schema import Camera
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, film, picture, put


def test_a_folder_is_made_for_whoever_may_deliver_to_the_one_it_lies_in(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    for mode, expected in ((0o770, 0o770), (0o700, 0o700), (0o755, 0o750), (0o777, 0o770)):
        drop.chmod(mode)
        assert made(drop / "entrance")
        assert (drop / "entrance").stat().st_mode & 0o777 == expected
        assert not made(drop / "entrance")
        (drop / "entrance").rmdir()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert NOT_THERE in warnings(tmp_path / "gone")
    assert NOT_THERE not in warnings(tmp_path)


def test_folders_in_memory_that_a_restart_emptied_are_made_again_and_watched(
    quick_vault: Vault, drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As with the tmpfs of docker-compose.yml: /srv/drop is there and empty."""
    for folder in drop.parent.iterdir():
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
    watcher = quick_vault.watcher()
    with caplog.at_level(logging.WARNING):
        scanned(watcher)
    assert sorted(each.name for each in drop.parent.iterdir()) == ["entre", "kassa"]
    assert "the drop folder of camera kassa was not there and has been made" in caplog.text
    assert len(caplog.records) == 2
    put(drop, "kassa_20260302_074500.jpg", picture(1))
    assert quick_vault.ingest.offer(SYSTEM, drop / "kassa_20260302_074500.jpg").outcome == "sealed"


def test_a_folder_that_cannot_be_made_is_said_once_and_holds_nobody_up(
    quick_vault: Vault, drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop.rmdir()
    drop.write_bytes(b"in its place")  # also root cannot make a folder of that name
    watcher = quick_vault.watcher()
    with caplog.at_level(logging.WARNING):
        scanned(watcher)
        scanned(watcher)
    said = [each.getMessage() for each in caplog.records if "kassa" in each.getMessage()]
    assert len(said) == 1
    assert f"not there and cannot be made: {os.strerror(17)}" in said[0]
    found = [each for each in check_vault(quick_vault).findings if each.where == "camera kassa"]
    assert [each.sentence for each in found] == [NOT_THERE]
    assert not [each for each in check_vault(quick_vault).findings if each.level == "broken"]

    drop.unlink()
    caplog.clear()
    scanned(watcher)
    assert drop.is_dir()
    assert "has been made" in caplog.text


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("nfs4", True), ("cifs", True), ("fuse", True), ("fuse.sshfs", True), ("9p", True),
        ("ext4", False), ("tmpfs", False), ("fuseblk", False), ("overlay", False), ("", False),
    ],
)  # fmt: skip
def test_what_lies_with_another_machine_is_told_by_its_type(kind: str, *, expected: bool) -> None:
    assert is_network(kind) is expected


@pytest.fixture
def share(tmp_path: Path, program: Callable[[str, str], Path]) -> Iterator[tuple[Path, Path]]:
    """A drop folder whose files come from elsewhere, so that its kernel has no notices of them.

    The first is where the share's server has its files, the second where the vault sees them.
    """
    server, seen = tmp_path / "server", tmp_path / "drop" / "share"
    for each in (server, seen):
        each.mkdir(parents=True)
    mounted = subprocess.run(
        [program("bindfs", "bindfs"), "--no-allow-other", server, seen],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting is forbidden here")
    yield server, seen
    subprocess.run(["umount", "--lazy", seen], check=True)


def test_a_share_without_notices_is_polled_and_what_settles_there_is_seen_twice(
    quick_vault: Vault, share: tuple[Path, Path], tmp_path: Path
) -> None:
    server, seen = share
    assert is_network(filesystem_of(seen))
    quick_vault.register.add_camera(SYSTEM, "lager", drop=seen)
    quick_vault.ingest._steps.settling.settle_s = 0.3
    watcher = quick_vault.watcher()
    watcher.start()
    try:
        until(lambda: watcher.status().seconds_since_scan is not None)
        assert set(watcher._watches) == {tmp_path / "drop" / each for each in ("kassa", "entre")}
        data = {n: film(n, 1.0) for n in range(3)}
        day = server / "2026-03-02"
        put(day, "07-30-00.mp4", data[0])
        with put(day, "07-31-00.mp4", b"").open("ab") as growing:
            for start in range(0, len(data[1]), 700):
                growing.write(data[1][start : start + 700])
                growing.flush()
                time.sleep(0.05)
        put(day, ".upload", data[2]).rename(day / "07-32-00.mp4")
        until(lambda: len(list(quick_vault.catalogue.list(SYSTEM))) == 3)
        until(lambda: not [each for each in server.rglob("*") if each.is_file()])
    finally:
        watcher.stop()
    assert {each.bytes for each in quick_vault.catalogue.list(SYSTEM)} == {
        len(each) for each in data.values()
    }
    assert quick_vault.quarantine.list(SYSTEM) == ()


@pytest.fixture
def dead_share(tmp_path: Path) -> Iterator[Path]:
    """A share whose server never answers: whoever asks anything of it waits."""
    folder = tmp_path / "drop" / "dead"
    folder.mkdir(parents=True)
    try:
        channel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        pytest.skip("there is no /dev/fuse here")
    options = f"fd={channel},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"dead", os.fsencode(folder), b"fuse.dead", 0, options):
        os.close(channel)
        pytest.skip("mounting is forbidden here")
    yield folder
    os.close(channel)  # whoever waits is told that the connection has ended
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_share_that_does_not_answer_holds_up_no_other_folder_and_is_told_of(
    quick_vault: Vault,
    drop: Path,
    dead_share: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("cctv_vault.ingest.watcher._UNANSWERED_S", 0.3)
    with quick_vault.database.write() as session:
        camera = session.get_one(Camera, "entre")
        camera.drop_folder = str(dead_share)
        session.add(camera)
    watcher = quick_vault.watcher()
    watcher.start()
    for number in range(3):
        put(drop, f"x_20260302_07000{number}.jpg", picture(number))
        until(lambda: len(list(quick_vault.catalogue.list(SYSTEM))) == number + 1)  # noqa: B023
    until(lambda: "the drop folder of camera entre has not been listed" in caplog.text)
    watcher.stop()


def until(true: Callable[[], bool]) -> None:
    """Wait for what must come; a test that waits for ever is ended by pytest."""
    while not true():
        time.sleep(0.02)


def scanned(watcher: Watcher) -> None:
    """One scan of all folders, as the watcher does every few seconds."""
    watcher._scan()
    watcher._end_observer()
