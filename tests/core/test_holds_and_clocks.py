"""A hold keeps the same whichever came first: the footage, the hold, or the word on the clock."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from tests.shop import NOW, SYSTEM, open_shop, person, picture, put

MANAGER = person(Role.MANAGER)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = open_shop(tmp_path)
    yield vault
    vault.close()


def measure(vault: Vault, offset_s: float, uncertainty_s: float) -> None:
    vault.register.measure_clock(
        SYSTEM, "kassa", offset_s=offset_s, uncertainty_s=uncertainty_s, measured_at=NOW
    )


def still(vault: Vault, folder: Path, number: int, minutes: float | None) -> str:
    """A still told by its name to be so many minutes old, or by nothing."""
    local = NOW - timedelta(minutes=minutes or 0)
    name = "bild.jpg" if minutes is None else f"{local:%Y%m%d_%H%M%S}.jpg"
    outcome = vault.ingest.offer(SYSTEM, put(folder, name, picture(number)), camera="kassa")
    assert outcome.recording is not None
    return outcome.recording


def hold(vault: Vault, start: int, end: int) -> str:
    """A claim on ``kassa`` from so many minutes ago to so many minutes ago."""
    windows = (("kassa", NOW - start * MINUTE, NOW - end * MINUTE),)
    order = HoldOrder(purpose="claim", windows=windows, reason="krav")
    return vault.holds.place_as(MANAGER, order).id


def change(vault: Vault, hold_id: str, start: int, end: int) -> int:
    windows = (("kassa", NOW - start * MINUTE, NOW - end * MINUTE),)
    with vault.ledger.act(Event.HOLD_CHANGED, MANAGER, cameras=["kassa"]) as act:
        return vault.holds.change(act, hold_id, windows=windows).recordings


def test_what_a_corrected_clock_added_stays_while_the_window_does(
    vault: Vault, tmp_path: Path
) -> None:
    measure(vault, 0, 2)
    still(vault, tmp_path, 1, 70)
    claim = hold(vault, 50, 40)
    assert vault.holds.show(MANAGER, claim).recordings == 0
    measure(vault, 3600, 2)  # the footage may be an hour off
    assert vault.holds.show(MANAGER, claim).recordings == 1
    measure(vault, 0, 2)  # and then again not

    assert change(vault, claim, 55, 40) == 1  # the window is all there, and more
    assert change(vault, claim, 49, 40) == 0  # narrowed on purpose


def test_a_window_stays_as_wide_as_its_clock_was_ever_unsure(vault: Vault, tmp_path: Path) -> None:
    claim = hold(vault, 50, 40)  # an unmeasured clock: 75 minutes either way
    measure(vault, 0, 2)
    before = still(vault, tmp_path, 1, 100)
    assert [each.held for each in vault.catalogue.list(MANAGER) if each.id == before] == [True]
    still(vault, tmp_path, 2, 160)

    assert change(vault, claim, 90, 40) == 2


def test_footage_timed_by_its_arrival_does_not_move_with_the_cameras_clock(
    vault: Vault, tmp_path: Path
) -> None:
    measure(vault, -3600, 2)
    first = hold(vault, 30, 10)
    still(vault, tmp_path, 1, None)  # now, ± 1 minute

    second = hold(vault, 30, 10)

    kept = [vault.holds.show(MANAGER, each).recordings for each in (first, second)]
    assert kept == [0, 0]
