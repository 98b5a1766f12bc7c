"""When a camera is not well, fact by fact; what is not known is not said."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cctv_vault.health.habit import Delivery, Habit
from cctv_vault.health.rules import (
    Anchor,
    Earlier,
    Facts,
    Fault,
    Finding,
    Look,
    Said,
    View,
    drift,
    judge,
    likeness,
    steady,
)

NOW = datetime(2026, 3, 4, 14, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Stockholm")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HABIT = Habit(21, (tuple([6.0] * 24),) * 7 + (None,), 6.0, 1.0, 5.0, 8.0)
Make = Callable[..., Facts]


def kinds(facts: Facts) -> list[str]:
    return [each.fault.value for each in judge(facts)]


def delivered(*lags_s: float) -> list[Delivery]:
    """Files of the last hours, the newest first, which took so long to come."""
    return [
        Delivery(NOW - n * 10 * MINUTE, NOW - n * 10 * MINUTE - timedelta(seconds=lag), dated=True)
        for n, lag in enumerate(lags_s)
    ]


def looks(
    *every: tuple[float, float, bool, str, float | None], apart: timedelta = 16 * MINUTE
) -> list[Look]:
    return [Look(NOW - n * apart, *each) for n, each in enumerate(every)]


def seen(hour: int, days: int, *, flat: bool = False, still: bool = False) -> list[Earlier]:
    """Pictures of an hour of the day, UTC, of as many days before."""
    moment = NOW.replace(hour=hour)
    return [Earlier(moment - n * DAY, flat, still) for n in range(1, days + 1)]


def standing(fault: Fault, since: datetime = NOW - HOUR) -> dict[Fault, Finding]:
    return {fault: Finding(fault, since)}


LIVE = (120.0, 40.0, False, "a" * 16, 0.9)
FLAT = (9.0, 1.0, True, "b" * 16, None)
STILL = (120.0, 40.0, True, "c" * 16, 0.9)
OTHER = (120.0, 40.0, False, "d" * 16, 0.3)


@pytest.mark.parametrize("shift", [90.0, -20.0])
def test_a_clock_that_moved_is_found_by_what_arrives_and_no_smaller_step(
    facts_of: Make, shift: float
) -> None:
    anchor = Anchor(5, 3)
    facts = facts_of(NOW, habit=HABIT, anchor=anchor, newest=delivered(*[5 + shift] * 10))
    assert kinds(facts) == (["clock"] if abs(shift) > 30 else [])
    assert kinds(facts_of(NOW, habit=HABIT, anchor=anchor, newest=delivered(*[6] * 10))) == []


def test_a_line_that_scatters_is_no_clock_and_a_clock_that_is_an_hour_slow_is_not_late(
    facts_of: Make,
) -> None:
    anchor = Anchor(5, 3)
    slow_line = delivered(*(200 + 90 * n for n in range(10)))
    assert kinds(facts_of(NOW, habit=HABIT, anchor=anchor, newest=slow_line)) == []
    an_hour = delivered(*[3605] * 10)
    assert kinds(facts_of(NOW, habit=HABIT, anchor=anchor, newest=an_hour)) == ["clock"]
    assert kinds(facts_of(NOW, habit=HABIT, anchor=None, newest=an_hour)) == ["late"]


def test_what_arrives_before_it_ended_comes_of_a_clock_that_is_ahead(facts_of: Make) -> None:
    found = judge(facts_of(NOW, newest=delivered(*[-45] * 10)))
    assert [(each.fault, each.figures) for each in found] == [(Fault.CLOCK, {"shift_s": -45})]


def test_names_that_lie_in_the_future_come_of_a_clock_that_is_ahead(facts_of: Make) -> None:
    undated = [each._replace(dated=False) for each in delivered(*[0] * 10)]
    assert kinds(facts_of(NOW, newest=undated, anchor=Anchor(5, 3))) == ["clock"]
    # One that never told its time is as it always was.
    assert kinds(facts_of(NOW, newest=undated)) == []


def test_what_came_before_a_measurement_says_nothing_of_the_clock(facts_of: Make) -> None:
    newest = delivered(*[-45] * 10)
    assert kinds(facts_of(NOW, newest=newest, clock_measured_at=NOW - MINUTE)) == []


def test_a_clock_stays_found_while_a_line_scatters(facts_of: Make) -> None:
    newest = delivered(*(150 + 40 * n for n in range(10)))
    facts = {"habit": HABIT, "anchor": Anchor(5, 3), "newest": newest}
    assert kinds(facts_of(NOW, **facts)) == []
    assert kinds(facts_of(NOW, **facts, standing=standing(Fault.CLOCK))) == ["clock"]


def test_names_and_contents_that_mostly_differ_show_a_clock_that_is_wrong(facts_of: Make) -> None:
    assert kinds(facts_of(NOW, said=[Said(95.0)] * 3 + [Said(None)] * 3)) == ["clock"]
    assert kinds(facts_of(NOW, said=[Said(95.0)] * 2 + [Said(None)] * 4)) == []
    assert kinds(facts_of(NOW, said=[Said(95.0)] * 4)) == []


def test_two_measurements_tell_how_a_clock_drifts_and_not_that_it_was_set(facts_of: Make) -> None:
    week = NOW - 7 * DAY
    fast = drift([(week, 30, 1), (week - 10 * DAY, 0, 1)], NOW)
    assert fast == pytest.approx(21)
    assert drift([(week, 30, 1)], NOW) is None
    assert drift([(week, 1, 1), (week - 10 * DAY, 0, 1)], NOW) is None
    assert drift([(week, 3600, 1), (week - 10 * DAY, 0, 1)], NOW) is None
    assert kinds(facts_of(NOW, drift_s=29.0)) == []
    assert kinds(facts_of(NOW, drift_s=-31.0)) == ["clock"]


def test_a_slow_line_is_late_only_where_all_the_newest_are(facts_of: Make) -> None:
    late = {"habit": HABIT}
    assert kinds(facts_of(NOW, **late, newest=delivered(4000, 3000, 2000))) == ["late"]
    assert kinds(facts_of(NOW, **late, newest=delivered(4000, 5, 4000))) == []
    assert kinds(facts_of(NOW, **late, newest=delivered(4000, 3000))) == []
    assert kinds(facts_of(NOW, newest=delivered(4000, 3000, 2000))) == []


@pytest.mark.parametrize(
    ("earlier", "found"),
    [
        (seen(14, 9), ["black"]),
        (seen(14, 9, flat=True), []),
        (seen(14, 2), []),
        (seen(3, 9), []),
        ([], []),
        (seen(14, 8) + seen(14, 1, flat=True), ["black"]),
    ],
    ids=["never dark", "always dark", "hardly known", "another hour", "not known", "once dark"],
)
def test_a_black_picture_is_found_where_there_used_to_be_one_at_that_hour(
    facts_of: Make, earlier: Sequence[Earlier], found: list[str]
) -> None:
    dark = looks(FLAT, FLAT, FLAT, LIVE)
    assert kinds(facts_of(NOW, looks=dark, earlier=lambda: earlier)) == found
    assert kinds(facts_of(NOW, looks=looks(FLAT, FLAT, LIVE), earlier=lambda: earlier)) == []


def test_a_whole_day_in_black_is_found_though_nothing_is_known_yet(facts_of: Make) -> None:
    assert kinds(facts_of(NOW, looks=looks(*[FLAT] * 10, apart=3 * HOUR))) == ["black"]


def test_a_picture_stays_black_until_there_is_one_to_be_seen(facts_of: Make) -> None:
    still_black = standing(Fault.BLACK)
    assert kinds(facts_of(NOW, looks=looks(FLAT), standing=still_black)) == ["black"]
    assert kinds(facts_of(NOW, looks=[], standing=still_black)) == ["black"]
    assert kinds(facts_of(NOW, looks=looks(LIVE, FLAT, FLAT), standing=still_black)) == []


def test_an_empty_room_at_night_is_not_frozen_and_the_same_by_day_is(facts_of: Make) -> None:
    varied = [(120.0, 40.0, True, f"{n:016x}", 0.9) for n in range(4)]
    lively, quiet = seen(14, 9), seen(14, 9, still=True)
    assert kinds(facts_of(NOW, looks=looks(*varied), earlier=lambda: lively)) == ["frozen"]
    assert kinds(facts_of(NOW, looks=looks(*varied), earlier=lambda: quiet)) == []
    brighter = [(120.0 + n, 40.0, True, f"{n:016x}", 0.9) for n in range(4)]
    assert kinds(facts_of(NOW, looks=looks(*brighter), earlier=lambda: lively)) == []


def test_the_same_picture_point_for_point_is_frozen_at_any_hour(facts_of: Make) -> None:
    assert kinds(facts_of(NOW, looks=looks(STILL, STILL, STILL))) == ["frozen"]
    assert kinds(facts_of(NOW, looks=looks(STILL, STILL))) == []
    assert kinds(facts_of(NOW, looks=looks(STILL, STILL, STILL, apart=MINUTE))) == []


def test_a_camera_counts_as_moved_until_it_sees_what_it_saw(facts_of: Make) -> None:
    assert kinds(facts_of(NOW, looks=looks(OTHER, OTHER, OTHER))) == ["moved"]
    assert kinds(facts_of(NOW, looks=looks(OTHER, LIVE, OTHER, OTHER))) == []
    moved = standing(Fault.MOVED, NOW - 5 * HOUR)
    unknown = (120.0, 40.0, False, "e" * 16, None)
    for every in ((unknown,) * 3, (LIVE, LIVE, OTHER), (OTHER, LIVE, LIVE)):
        assert kinds(facts_of(NOW, looks=looks(*every), standing=moved)) == ["moved"]
    assert kinds(facts_of(NOW, looks=looks(LIVE, LIVE, LIVE), standing=moved)) == []


def outlines(*rooms: int, count: int) -> list[View]:
    """Views of rooms in turn, two hours apart, each a little different."""
    base = {room: np.random.default_rng(room).integers(0, 120, 576) for room in rooms}
    chance = np.random.default_rng(99)
    found = []
    for number in range(count):
        edges = base[rooms[number % len(rooms)]] + chance.integers(-9, 9, 576)
        data = np.clip(edges, 0, 255).astype(np.uint8).tobytes()
        found.append(View(NOW - number * 2 * HOUR, data))
    return found


def test_a_camera_that_turns_between_two_places_is_known_in_both() -> None:
    views = outlines(1, 2, count=24)
    assert steady(views)
    for room in (1, 2):
        like = likeness(outlines(room, count=1)[0].outline, NOW, views, ZONE)
        assert like is not None
        assert like > 0.8
    strange = likeness(outlines(3, count=1)[0].outline, NOW, views, ZONE)
    assert strange is not None
    assert strange < 0.6


def test_nothing_is_compared_before_a_day_is_known_nor_at_an_hour_that_is_not() -> None:
    views = outlines(1, count=24)
    one = views[0].outline
    assert likeness(one, NOW, views[:7], ZONE) is None
    assert likeness(one, NOW, views[:11], ZONE) is None
    assert likeness(one, NOW, views[:12], ZONE) is not None
    mornings = [each for each in views if each.at.hour in {8, 10}] * 4
    assert likeness(one, NOW.replace(hour=20), sorted(mornings, reverse=True), ZONE) is None


def test_a_camera_whose_every_picture_is_another_tells_nothing() -> None:
    assert not steady(outlines(*range(1, 13), count=12))
    assert not steady(outlines(1, count=7))
