import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import func, select

from cctv_vault.custody.events import Event
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.watcher import Watcher
from cctv_vault.schema import Intent, Recording
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import SYSTEM, film, picture, put, settings_of


@pytest.fixture
def watcher(quick_vault: Vault) -> Iterator[Watcher]:
    """The shop's watcher, running."""
    made = quick_vault.watcher()
    made.start()
    yield made
    made.stop()


def until(true: Callable[[], bool]) -> None:
    """Wait for what must come; a test that waits for ever is ended by pytest."""
    while not true():
        time.sleep(0.02)


def count(vault: Vault) -> int:
    with vault.database.read() as session:
        return session.exec(select(func.count()).select_from(Recording)).one()


def test_what_arrives_in_any_way_is_taken_in(
    quick_vault: Vault, watcher: Watcher, drop: Path, tmp_path: Path
) -> None:
    outside = put(tmp_path / "outside", "moved_20260302_070000.jpg", picture(1))
    folder = tmp_path / "outside" / "day"
    put(folder / "deep", "x_20260302_070100.jpg", picture(2))

    put(drop, "written_20260302_070200.mp4", film(1, 1.0))
    put(drop, "x_20260302_070300.mp4.part", film(2, 1.0)).rename(drop / "x_20260302_070300.mp4")
    outside.rename(drop / outside.name)
    folder.rename(drop / "day")
    put(drop / "new" / "folder", "x_20260302_070400.jpg", picture(3))

    until(lambda: count(quick_vault) == 5)
    until(lambda: not [path for path in drop.rglob("*") if path.is_file()])


def test_what_lay_there_before_the_start_is_found(quick_vault: Vault, drop: Path) -> None:
    put(drop / "deep", "x_20260302_070000.jpg", picture(1))
    watcher = quick_vault.watcher()
    watcher.start()
    until(lambda: count(quick_vault) == 1)
    watcher.stop()

    assert not watcher.status().running


def test_a_camera_added_later_and_a_folder_made_anew_are_watched_too(
    quick_vault: Vault, watcher: Watcher, drop: Path, tmp_path: Path
) -> None:
    quick_vault.register.add_camera(SYSTEM, "lager", drop=tmp_path / "drop" / "lager")
    put(tmp_path / "drop" / "lager", "x_20260302_070000.jpg", picture(1))
    until(lambda: count(quick_vault) == 1)
    shutil.rmtree(drop)
    until(drop.exists)
    put(drop, "x_20260302_070100.jpg", picture(2))
    until(lambda: count(quick_vault) == 2)


def test_without_any_notice_the_scan_finds_what_arrives(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cctv_vault.ingest.watcher.is_network", lambda _: True)
    watcher = quick_vault.watcher()
    watcher.start()
    until(lambda: watcher.status().seconds_since_scan is not None)
    put(drop, "x_20260302_070000.jpg", picture(1))
    until(lambda: count(quick_vault) == 1)
    watcher.stop()


def test_a_file_still_growing_waits_and_is_then_taken_whole(
    quick_vault: Vault, watcher: Watcher, drop: Path
) -> None:
    data = film(1, 3.0)
    with (drop / "x_20260302_070000.mp4").open("wb") as growing:
        for start in range(0, len(data), 500):
            growing.write(data[start : start + 500])
            growing.flush()
            time.sleep(0.05)
    until(lambda: count(quick_vault) == 1)

    with quick_vault.database.read() as session:
        (row,) = session.exec(select(Recording)).all()
    assert row.size == len(data)
    assert quick_vault.quarantine.list(SYSTEM) == ()


def test_a_refused_file_is_refused_once_and_the_others_are_taken_in(
    quick_vault: Vault, watcher: Watcher, drop: Path
) -> None:
    (drop / "link.jpg").symlink_to("/etc/passwd")
    put(drop, "bad.mp4", b"nonsense")
    put(drop, "x_20260302_070000.jpg", picture(1))
    until(lambda: count(quick_vault) == 1 and watcher.status().left_alone == 1)
    scanned = threading.Event()
    threading.Timer(0.7, scanned.set).start()  # some three scans
    scanned.wait()

    refused = quick_vault.log.entries(event=Event.FILE_REFUSED)
    assert len(refused) == 1
    assert (drop / "link.jpg").is_symlink()


def test_an_error_nobody_foresaw_ends_neither_the_watcher_nor_names_the_file(
    quick_vault: Vault,
    drop: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    offer = quick_vault.ingest.offer

    def sometimes(actor: object, path: Path) -> Outcome:
        if "secret" in path.name:
            raise RuntimeError(f"trouble with {path}")
        return offer(actor, path)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_vault.ingest, "offer", sometimes)
    put(drop, "secret.jpg", picture(1))
    watcher = quick_vault.watcher()
    watcher.start()
    until(lambda: "RuntimeError" in caplog.text)
    put(drop, "x_20260302_070000.jpg", picture(2))
    until(lambda: count(quick_vault) == 1)
    watcher.stop()

    assert "secret" not in caplog.text
    assert (drop / "secret.jpg").exists()


def test_posters_are_made_while_it_watches(
    quick_vault: Vault, watcher: Watcher, drop: Path
) -> None:
    put(drop, "x_20260302_070000.mp4", film(1, 1.0))
    until(lambda: any("thumbnail" in name for name in quick_vault.store.names()))


@pytest.mark.long
def test_a_burst_of_5_000_over_500_new_folders_is_sealed_once_each(
    quick_vault: Vault, watcher: Watcher, drop: Path
) -> None:
    for number in range(5000):
        put(drop / f"{number % 500}" / "deep", f"{number}.jpg", picture(number))
    until(lambda: count(quick_vault) >= 5000)
    until(lambda: not [path for path in drop.rglob("*") if path.is_file()])
    until(lambda: watcher.status().waiting == 0)
    watcher.stop()

    sealed: list[str | None] = []
    after = None
    while page := quick_vault.log.entries(event=Event.RECORDING_SEALED, after=after, limit=1000):
        sealed += [each.subject for each in page]
        after = page[-1].index
    assert len(sealed) == len(set(sealed)) == 5000
    with quick_vault.database.read() as session:
        hashes = set(session.exec(select(Recording.sha256)))
        assert session.exec(select(Intent)).all() == []
    assert hashes == {hashlib.sha256(picture(number)).digest() for number in range(5000)}
    assert quick_vault.log.entries(event=Event.RECORDING_OFFERED_AGAIN) == []


def test_while_many_wait_the_outcomes_of_removals_share_a_commit_and_none_is_left_out(
    quick_vault: Vault, drop: Path
) -> None:
    for number in range(12):
        put(drop / "deep", f"x_20260302_07{number:02d}00.jpg", picture(number))
    watcher = quick_vault.watcher()
    watcher.start()
    until(lambda: not [path for path in drop.rglob("*") if path.is_file()])
    until(lambda: watcher.status().waiting == 0)
    watcher.stop()

    removed = quick_vault.log.entries(event=Event.SOURCE_REMOVED)
    assert len({each.subject for each in removed}) == len(removed) == 12
    with quick_vault.database.read() as session:
        assert {row.source_state for row in session.exec(select(Recording))} == {"removed"}
        assert session.exec(select(Intent)).all() == []
    assert not quick_vault.log.verify().findings


def test_outcomes_left_to_others_are_entered_when_asked_for_and_at_the_latest_at_the_end(
    vault: Vault, drop: Path
) -> None:
    vault.ingest.gather(on=True)
    for number in range(3):
        path = put(drop, f"x_20260302_07{number:02d}00.jpg", picture(number))
        assert vault.ingest.offer(SYSTEM, path).outcome == "sealed"
        assert not path.exists()

    def removed() -> int:
        return len(vault.log.entries(event=Event.SOURCE_REMOVED))

    vault.ingest.enter_gathered(at_least=4)
    assert removed() == 0
    vault.ingest.enter_gathered(at_least=3)
    assert removed() == 3
    vault.ingest.offer(SYSTEM, put(drop, "x_20260302_071000.jpg", picture(10)))
    vault.ingest.close()
    assert removed() == 4


def test_two_ingesters_on_one_folder_do_not_fight(vault: Vault, drop: Path, tmp_path: Path) -> None:
    url = vault.settings.database_url
    other = Vault.open(settings_of(tmp_path, url))
    for number in range(120):
        put(
            drop / f"{number % 7}",
            f"x_20260302_07{number // 60:02}{number % 60:02}.jpg",
            picture(number),
        )
    for number in range(12):
        put(drop, f"y_20260302_0600{number:02}.mp4", film(number + 1, 1.0))
    put(drop, "z_20260302_070000.jpg", b"junk")
    watchers = [vault.watcher(), other.watcher()]

    for each in watchers:
        each.start()
    until(lambda: not [path for path in drop.rglob("*") if path.is_file()])
    for each in watchers:
        each.stop()

    with vault.database.read() as session:
        rows = session.exec(select(Recording)).all()
        assert session.exec(select(Intent)).all() == []
    assert len(rows) == len({each.sha256 for each in rows}) == 132
    assert {each.source_state for each in rows} == {"removed"}
    assert len(vault.quarantine.list(SYSTEM)) == 1
    for nothing in (Event.RECORDING_OFFERED_AGAIN, Event.INTAKE_STOPPED, Event.SOURCE_KEPT):
        assert vault.log.entries(event=nothing) == []
    kept = {name.split("/")[1] for name in stream_names(vault.store)}
    there = {each.id for each in rows} | {each.id for each in vault.quarantine.list(SYSTEM)}
    assert kept == there
    assert vault.log.verify().sound
    other.close()
