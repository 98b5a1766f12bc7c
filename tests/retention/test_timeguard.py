"""The guard on time moves with elapsed time, and with nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.clock import Tick
from cctv_vault.timeguard import ALLOWANCE, advance, verdict

T0 = datetime(2026, 3, 2, 7, tzinfo=UTC)
TICK = Tick(now=T0, boot_id="a", boottime_s=100.0, synchronised=False)


def later(seconds: float, *, clock_s: float | None = None) -> Tick:
    shown = seconds if clock_s is None else clock_s
    return replace(TICK, now=T0 + timedelta(seconds=shown), boottime_s=100.0 + seconds)


def test_a_clock_that_runs_with_elapsed_time_is_believed() -> None:
    tick = later(86_400)
    assert advance(T0, "a", 100.0, tick) == tick.now
    assert verdict(T0, "a", 100.0, tick).safe_until == tick.now
    assert verdict(T0, "a", 100.0, tick).alarm is None


@pytest.mark.parametrize("jump_s", [3_601, 86_400 * 365 * 10, -3_601, -86_400 * 365 * 50])
def test_a_jump_of_more_than_an_hour_raises_the_alarm(jump_s: float) -> None:
    found = verdict(T0, "a", 100.0, later(60, clock_s=60 + jump_s))
    assert found.alarm is not None
    assert found.safe_until <= T0 + timedelta(seconds=60)


@given(st.lists(st.floats(min_value=0, max_value=3_599), max_size=50))
def test_a_clock_set_ahead_again_and_again_never_moves_the_guard(jumps: list[float]) -> None:
    guard, shown = T0, 0.0
    for jump in jumps:
        shown += jump
        guard = advance(guard, "a", 100.0, later(0, clock_s=shown))
    assert guard == T0


def test_a_restart_proves_no_elapsed_time() -> None:
    tick = Tick(T0 + timedelta(hours=5), "b", 9_000_000.0, synchronised=False)
    assert advance(T0, "a", 100.0, tick) == T0
    assert verdict(T0, "a", 100.0, tick).alarm is not None


def test_a_short_restart_is_within_the_allowance() -> None:
    assert verdict(T0, "a", 100.0, Tick(T0 + ALLOWANCE, "b", 5.0, synchronised=False)).alarm is None


@given(st.permutations([10.0, 20.0, 30.0, 40.0, 50.0]))
def test_acts_entered_in_another_order_than_they_read_the_clocks_count_no_time_twice(
    order: list[float],
) -> None:
    guard, boottime_s = T0, 100.0
    for seconds in [*order, 60.0]:
        tick = later(seconds)
        guard, boottime_s = advance(guard, "a", boottime_s, tick), tick.boottime_s
    assert guard == T0 + timedelta(seconds=60)


def test_boots_nobody_can_name_are_not_taken_for_the_same() -> None:
    assert advance(T0, "unknown", 100.0, replace(later(3_000), boot_id="unknown")) == T0


def test_synchronised_time_corrects_drift_and_leaves_a_jump_to_an_entry() -> None:
    drifted = replace(later(86_400, clock_s=86_400 + 1_800), synchronised=True)
    assert advance(T0, "a", 100.0, drifted) == drifted.now
    jumped = replace(later(60, clock_s=86_400), synchronised=True)
    assert advance(T0, "a", 100.0, jumped) == T0 + timedelta(seconds=60)
    assert verdict(T0, "a", 100.0, jumped).alarm is not None


def test_simulated_time_carries_its_guard_along() -> None:
    start = Tick(T0, "simulated", T0.timestamp(), synchronised=True)
    moved = T0 + timedelta(days=400)
    tick = Tick(moved, "simulated", moved.timestamp(), synchronised=True)
    assert advance(T0, start.boot_id, start.boottime_s, tick) == moved
    assert verdict(T0, start.boot_id, start.boottime_s, tick).alarm is None
