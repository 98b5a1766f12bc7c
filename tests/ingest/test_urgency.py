"""A backlog after a stop: what a hold waits for is taken in first, the newest of it first."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.urgency import Urgency
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from tests.shop import MANAGER, put

START = datetime.fromisoformat("2026-03-02T07:30:00+01:00")
WINDOW = ("kassa", START, START + timedelta(minutes=9))


def _names() -> list[str]:
    return [f"k_{START + timedelta(minutes=5 * step):%Y%m%d_%H%M}00.jpg" for step in range(-36, 6)]


def test_files_of_a_held_window_are_worked_off_first_and_newest_first(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_vault.register.measure_clock(MANAGER, "kassa", 0.0, 1.0, START)
    quick_vault.holds.place_as(MANAGER, HoldOrder("claim", (WINDOW,), "krav 17"))
    names = _names()
    for name in names:
        put(drop, name, b"")
    offered: list[str] = []
    begun, all_there = threading.Event(), threading.Event()

    def offer(_: object, path: Path) -> Outcome:
        begun.set()
        all_there.wait()
        offered.append(path.name)
        path.unlink()
        return Outcome(path, "sealed")

    monkeypatch.setattr(quick_vault.ingest, "offer", offer)
    monkeypatch.setattr("cctv_vault.ingest.watcher._WORKERS", 1)
    watcher = quick_vault.watcher()
    watcher.start()
    begun.wait()
    while watcher.status().waiting < len(names):
        threading.Event().wait(0.01)
    all_there.set()
    while watcher.status().waiting:
        threading.Event().wait(0.01)
    watcher.stop()

    held = ["k_20260302_073500.jpg", "k_20260302_073000.jpg"]
    wanted = [*held, *(name for name in names if name not in held)]
    wanted.remove(offered[0])  # it was taken before the others were known
    assert offered[1:] == wanted


def test_only_a_hold_in_force_that_covers_a_names_time_makes_it_urgent(
    vault: Vault, drop: Path
) -> None:
    vault.register.measure_clock(MANAGER, "kassa", 60.0, 0.0, START)
    urgency = Urgency(database=vault.database, clock=vault.clock)
    ranks = {"in": "x_20260302_073500.jpg", "before": "x_20260302_073000.jpg", "none": "x.jpg"}

    def urgent() -> list[str]:
        urgency.refresh()
        return [key for key, name in ranks.items() if urgency.rank(drop / "a" / name)[0] == 0]

    assert urgent() == []
    hold = vault.holds.place_as(MANAGER, HoldOrder("claim", (WINDOW,), "krav 17"))
    assert urgent() == ["in"]  # the camera runs a minute fast: half past is a minute before
    assert urgency.rank(drop.parent / "entre" / ranks["in"]) == (1, 0.0)
    vault.holds.release_as(MANAGER, hold.id, "klart")
    assert urgent() == []
