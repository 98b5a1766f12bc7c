"""Media that fill up, vanish or fail: intake stops loudly, loses nothing and resumes by itself."""

import contextlib
import errno
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import SYSTEM, film, open_shop, picture, put


def intake_events(vault: Vault) -> list[str]:
    return [
        entry.event
        for entry in vault.log.entries(limit=1000)
        if entry.event in {Event.INTAKE_STOPPED, Event.INTAKE_RESUMED}
    ]


def test_the_reserve_is_never_filled_and_intake_says_so_once_and_resumes(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = [put(drop, f"x_20260302_07000{n}.mp4", film(n, 1.0)) for n in range(3)]
    monkeypatch.setattr(type(vault.store), "free_bytes", lambda _: 100)

    outcomes = list(vault.ingest.offer_all(SYSTEM, [drop]))

    assert {each.outcome for each in outcomes} == {"failed"}
    assert "free space or add a disk; nothing is lost" in outcomes[0].reason
    assert vault.ingest.is_stopped
    assert caplog.text.count("intake is stopped") == 1
    assert all(path.exists() for path in files)
    assert list(stream_names(vault.store)) == []
    monkeypatch.undo()
    assert {each.outcome for each in vault.ingest.offer_all(SYSTEM, [drop])} == {"sealed"}
    assert intake_events(vault) == [Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]
    assert not vault.ingest.is_stopped


def test_a_stop_that_another_process_entered_is_resumed_by_this_one(
    quick_vault: Vault, drop: Path
) -> None:
    with quick_vault.ledger.act(Event.INTAKE_STOPPED, SYSTEM) as act:
        act.record(Event.INTAKE_STOPPED)

    quick_vault.ingest.offer(SYSTEM, put(drop, "x_20260302_070000.mp4", film(1, 1.0)))

    assert intake_events(quick_vault) == [Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]


def test_a_blob_folder_that_is_not_mounted_stops_intake(quick_vault: Vault, drop: Path) -> None:
    path = put(drop, "x_20260302_070000.mp4", film(1, 1.0))
    blobs = quick_vault.settings.home / "blobs"
    away = blobs.rename(blobs.with_name("away"))
    blobs.mkdir()

    outcome = quick_vault.ingest.offer(SYSTEM, path)

    assert outcome.outcome == "failed"
    assert "intake is stopped" in outcome.reason
    assert path.exists()
    assert list(blobs.iterdir()) == []
    blobs.rmdir()
    away.rename(blobs)
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 3 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is forbidden here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_disk_that_is_really_full_loses_nothing_and_the_backlog_is_worked_off(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = open_shop(small_disk)
    drop = small_disk / "drop" / "kassa"
    files = {put(drop, f"x_20260302_07000{n}.jpg", picture(n)): picture(n) for n in range(4)}
    # Without the check beforehand it is the writing itself that meets the end of the disk.
    monkeypatch.setattr(vault.ingest._steps.intake, "check_room", lambda _: None)
    filler = small_disk / "filler"
    _fill(filler)

    outcomes = [vault.ingest.offer(SYSTEM, path) for path in files]

    assert {each.outcome for each in outcomes} == {"failed"}
    assert vault.ingest.is_stopped
    assert {path: path.read_bytes() for path in files} == files
    filler.unlink()
    assert [vault.ingest.offer(SYSTEM, path).outcome for path in files] == ["sealed"] * 4
    assert intake_events(vault) == [Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]
    assert not vault.log.verify().findings
    kept = {name.split("/")[1] for name in stream_names(vault.store)}
    assert kept == {each.id for each in vault.catalogue.list(SYSTEM)}
    vault.close()


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while True:
            full.write(bytes(512))


def test_a_source_that_shrinks_while_it_is_read_waits(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "x_20260302_070000.mp4", film(1, 3.0))
    on_arrival = quick_vault.ingest._singles._already_known

    def shrink(*args: object) -> object:
        os.truncate(path, 100)
        return on_arrival(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_vault.ingest._singles, "_already_known", shrink)

    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    assert list(stream_names(quick_vault.store)) == []


def test_a_source_that_vanishes_while_it_is_read_is_sealed_all_the_same(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "x_20260302_070000.mp4", film(1, 1.0))
    on_arrival = quick_vault.grants.on_arrival

    def vanish(*args: object) -> object:
        path.unlink()
        return on_arrival(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_vault.grants, "on_arrival", vanish)

    outcome = quick_vault.ingest.offer(SYSTEM, path)

    assert outcome.outcome == "sealed"
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "failed"


def is_at(descriptor: int, path: Path) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").readlink() == path


def test_a_source_whose_medium_fails_stays_and_stops_nobody_else(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = put(drop, "a_20260302_070000.mp4", film(1, 3.0))
    good = put(drop, "b_20260302_070100.mp4", film(2, 1.0))
    read = os.readv

    def fails(descriptor: int, buffers: list[memoryview]) -> int:
        if is_at(descriptor, bad) and os.lseek(descriptor, 0, os.SEEK_CUR) > 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", fails)
    outcomes = {each.path: each for each in vault.ingest.offer_all(SYSTEM, [drop])}

    assert (outcomes[bad].outcome, outcomes[good].outcome) == ("failed", "sealed")
    assert "cannot be read: Input/output error; it stays where it is" in outcomes[bad].reason
    assert not vault.ingest.is_stopped
    (refused,) = vault.log.entries(event=Event.FILE_REFUSED)
    assert refused.facts["reason"] == "source-read"
    assert len({name.split("/")[1] for name in stream_names(vault.store)}) == 1
    monkeypatch.undo()
    assert vault.ingest.offer(SYSTEM, bad).outcome == "sealed"


def test_a_source_that_reads_slowly_holds_nobody_up(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    padding = (2 << 20).to_bytes(4, "big") + b"free" + bytes((2 << 20) - 8)
    slow = put(drop, "a_20260302_070000.mp4", film(1, 3.0) + padding)
    go_on, read = threading.Event(), os.readv

    def hangs(descriptor: int, buffers: list[memoryview]) -> int:
        if is_at(descriptor, slow):
            go_on.wait()
        return read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", hangs)
    watcher = quick_vault.watcher()
    watcher.start()
    try:
        for number in range(6):
            put(drop, f"b_20260302_07010{number}.mp4", film(number + 2, 1.0))
        while len(list(quick_vault.catalogue.list(SYSTEM))) < 6:
            time.sleep(0.02)
        assert slow.exists()
        go_on.set()
        while slow.exists():
            time.sleep(0.02)
    finally:
        go_on.set()
        watcher.stop()
    assert len(list(quick_vault.catalogue.list(SYSTEM))) == 7


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[set[Path], threading.Event]]:
    """Files whose reading waits for the event."""
    slow: set[Path] = set()
    go_on, read = threading.Event(), os.readv

    def hangs(descriptor: int, buffers: list[memoryview]) -> int:
        if any(is_at(descriptor, each) for each in slow):
            go_on.wait()
        return read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", hangs)
    yield slow, go_on
    go_on.set()


def test_a_small_file_that_reads_slowly_holds_up_none_of_those_it_came_with(
    quick_vault: Vault, drop: Path, hanging: tuple[set[Path], threading.Event]
) -> None:
    slow, go_on = hanging
    files = [put(drop, f"x_20260302_07{n:02d}00.jpg", picture(n)) for n in range(12)]
    slow.update(files[2:4])

    outcomes = quick_vault.ingest.offer_together(SYSTEM, files)

    found = {each.path: each for each in outcomes}
    assert {found[path].outcome for path in files if path not in slow} == {"sealed"}
    assert {found[path].outcome for path in slow} == {"waiting"}
    assert all(path.exists() for path in slow)
    go_on.set()
    while {each.outcome for each in quick_vault.ingest.offer_all(SYSTEM, slow)} == {"waiting"}:
        time.sleep(0.02)
    assert not any(path.exists() for path in files)
    assert len(list(quick_vault.catalogue.list(SYSTEM))) == 12


def test_several_slow_files_of_one_camera_hold_up_neither_its_others_nor_other_cameras(
    quick_vault: Vault, drop: Path, tmp_path: Path, hanging: tuple[set[Path], threading.Event]
) -> None:
    padding = (2 << 20).to_bytes(4, "big") + b"free" + bytes((2 << 20) - 8)
    slow, go_on = hanging
    slow.update(put(drop, f"a_20260302_07000{n}.mp4", film(n, 1.0) + padding) for n in range(2))
    other = tmp_path / "drop" / "entre"
    watcher = quick_vault.watcher()
    watcher.start()
    try:
        while watcher.status().waiting < 2:
            time.sleep(0.02)
        time.sleep(0.2)  # both workers are at them
        for number in range(2):
            put(drop, f"b_20260302_07010{number}.mp4", film(number + 2, 1.0))
            put(other, f"b_20260302_07010{number}.mp4", film(number + 2, 1.0))
        while len(list(quick_vault.catalogue.list(SYSTEM))) < 4:
            time.sleep(0.02)
        # Many of one camera keep no more workers than are left to the others.
        slow.update(
            put(drop, f"c_20260302_07020{n}.mp4", film(n + 9, 1.0) + padding) for n in range(9)
        )
        while watcher.status().waiting < 11:
            time.sleep(0.02)
        put(other, "d_20260302_070300.mp4", film(30, 1.0))
        while len(list(quick_vault.catalogue.list(SYSTEM))) < 5:
            time.sleep(0.02)
        assert all(path.exists() for path in slow)
        go_on.set()
        while any(path.exists() for path in slow):
            time.sleep(0.02)
    finally:
        go_on.set()
        watcher.stop()
    assert len(list(quick_vault.catalogue.list(SYSTEM))) == 16


def test_a_source_that_may_not_be_read_any_more_waits_for_the_right_to(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "a_20260302_070000.mp4", film(1, 1.0))
    opened = os.open

    def forbidden(what: Path, *args: int, **more: int) -> int:
        if what == path:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(what, *args, **more)

    monkeypatch.setattr(os, "open", forbidden)
    outcome = quick_vault.ingest.offer(SYSTEM, path)

    assert (outcome.outcome, path.exists()) == ("failed", True)
    assert "give the vault's user the right to" in outcome.reason
    monkeypatch.undo()
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"


@pytest.mark.parametrize("call", ["fdatasync", "preadv"])
def test_a_medium_of_the_vaults_own_that_fails_stops_intake_and_loses_nothing(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    files = [put(drop, f"x_20260302_07000{n}.jpg", picture(n)) for n in range(3)]

    def fails(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, fails)
    outcomes = vault.ingest.offer_together(SYSTEM, files)
    alone = vault.ingest.offer(SYSTEM, files[0])

    assert {each.outcome for each in (*outcomes, alone)} == {"failed"}
    assert "mend or remount the place footage is kept in" in alone.reason
    assert vault.ingest.is_stopped
    monkeypatch.undo()
    assert {each.outcome for each in vault.ingest.offer_together(SYSTEM, files)} == {"sealed"}
    assert intake_events(vault) == [Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]
    kept = {name.split("/")[1] for name in stream_names(vault.store)}
    assert kept == {each.id for each in vault.catalogue.list(SYSTEM)}


def test_a_disk_that_becomes_read_only_stops_intake_until_it_is_mended(
    small_disk: Path, tmp_path: Path
) -> None:
    vault = open_shop(tmp_path)
    blobs = vault.settings.home / "blobs"
    shutil.copytree(blobs, small_disk, dirs_exist_ok=True)
    path = put(tmp_path / "drop" / "kassa", "x_20260302_070000.jpg", picture(1))
    content = path.read_bytes()
    subprocess.run(["mount", "--bind", small_disk, blobs], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", blobs], check=True)
        outcome = vault.ingest.offer(SYSTEM, path)
        assert outcome.outcome == "failed"
        assert "Read-only file system" in outcome.reason
        assert vault.ingest.is_stopped
        assert path.read_bytes() == content
        subprocess.run(["mount", "-o", "remount,rw,bind", blobs], check=True)
        assert vault.ingest.offer(SYSTEM, path).outcome == "sealed"
    finally:
        subprocess.run(["umount", "--lazy", blobs], check=True)
    assert intake_events(vault) == [Event.INTAKE_STOPPED, Event.INTAKE_RESUMED]
    vault.close()
