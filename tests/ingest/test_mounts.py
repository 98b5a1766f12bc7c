"""Drop folders that are not there: made where that can be, else said, and never in the way."""

import logging
import os
from pathlib import Path

import pytest

from cctv_vault.check import check_vault
from cctv_vault.ingest.mounts import NOT_THERE, made, warnings
from cctv_vault.ingest.watcher import Watcher
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, picture, put


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


def scanned(watcher: Watcher) -> None:
    """One scan of all folders, as the watcher does every few seconds."""
    watcher._scan()
    watcher._end_observer()
