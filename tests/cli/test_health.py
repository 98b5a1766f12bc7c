"""The health of cameras on the command line: told, entered, and an exit status for scripts."""

from collections.abc import Callable
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from tests.cli.conftest import Run
from tests.shop import SYSTEM, picture, put


@pytest.fixture
def hourly(shop: Run, tmp_path: Path) -> Callable[..., None]:
    """Delivers a still every hour of days, by the services: a command each would take its time."""

    def deliver(*days: int, hours: range = range(8, 20)) -> None:
        vault = Vault.open(Settings(home=tmp_path / "home", settle_s=0))
        for day, hour in product(days, hours):
            at = datetime.fromisoformat(f"2026-03-{day:02}T{hour:02}:00:09+01:00")
            vault.set_clock(SYSTEM, at)
            still = put(tmp_path / "drop", f"x_{at:%Y%m%d_%H}0000.jpg", picture(day * 24 + hour))
            assert vault.ingest.offer(SYSTEM, still).outcome == "sealed"
        vault.close()

    return deliver


def health(shop: Run, *words: str) -> tuple[int, Any]:
    ran = shop("--json", "camera", "health", *words)
    return ran.status, ran.lines


def test_a_camera_is_learned_missed_and_back_and_scripts_see_it_by_the_exit_status(
    shop: Run, hourly: Callable[..., None]
) -> None:
    assert health(shop)[1][0]["state"] == "new"
    hourly(2, hours=range(9, 10))
    assert health(shop)[1][0]["state"] == "learning"
    hourly(2, hours=range(10, 24, 1))
    for day in (3, 4, 5):
        hourly(day, hours=range(24))
    hourly(6, hours=range(2))
    status, [well] = health(shop, "kassa")
    assert (status, well["state"], well["learned_days"]) == (0, "well", 3)

    assert shop("clock", "set", "2026-03-06T06:00:00+01:00").status == 0
    status, [silent] = health(shop, "kassa")
    assert (status, silent["state"]) == (1, "faulty")
    assert [each["fault"] for each in silent["faults"]] == ["silent"]
    said = shop("camera", "health")
    assert "kassa: FAULTY" in said.out
    assert "sends nothing" in said.out
    assert "to be seen to: kassa" in said.err
    found = shop("--json", "log", "show", "--subject", "kassa", "--limit", "1").lines[0]
    assert (found["event"], found["facts"]["fault"]) == ("camera.fault-found", "silent")

    hourly(6, hours=range(7, 8))
    assert health(shop, "kassa")[0] == 0


def test_whoever_asks_for_a_camera_there_is_not_is_told_which_there_are(shop: Run) -> None:
    ran = shop("camera", "health", "lager")
    assert ran.status == 1
    assert "kassa" in ran.err


def test_a_view_is_accepted_with_a_reason_by_who_manages(shop: Run) -> None:
    assert shop("camera", "accept-view", "kassa", "--reason", "nya hyllor", user="sam").status == 1
    ran = shop("--json", "camera", "accept-view", "kassa", "--reason", "nya hyllor", user="anna")
    assert ran.status == 0
    assert ran.json["camera"] == "kassa"
    [entry] = shop("--json", "log", "show", "--subject", "kassa", "--limit", "1").lines
    assert entry["event"] == "camera.view-accepted"
