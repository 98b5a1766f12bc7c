"""Media that fill up, vanish or fail: intake stops loudly, loses nothing and resumes by itself."""

import contextlib
import os
import subprocess
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
