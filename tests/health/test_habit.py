"""What cameras usually do, over simulated months: nothing is cried that nobody need go and see."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.health.habit import WINDOW, Delivery, Habit, expected, learn
from cctv_vault.health.rules import Facts, Fault, Finding, judge

ZONE = ZoneInfo("Europe/Stockholm")
MONDAY = date(2026, 3, 2)
HOUR = timedelta(hours=1)
HOLIDAYS = {date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14)}
Deliver = Callable[..., list[Delivery]]
Make = Callable[..., Facts]


def at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).astimezone(UTC)


def habit_at(deliveries: list[Delivery], now: datetime) -> Habit | None:
    seen = [each for each in deliveries if now - WINDOW <= each.arrived_at <= now]
    return learn(seen, now=now, zone=ZONE, holiday=HOLIDAYS.__contains__)


def alarms(
    make: Make,
    deliveries: list[Delivery],
    start: date,
    days: int,
    *,
    every: timedelta = timedelta(minutes=20),
) -> Iterator[Finding]:
    """Each fault of silence or lateness found while a camera is looked at over days."""
    arrivals = [each.arrived_at for each in deliveries]
    now, end = at(start), at(start + timedelta(days=days))
    learned, habit = now - timedelta(days=1), None
    standing: dict[Fault, Finding] = {}
    while now < end:
        if now - learned >= timedelta(hours=12) and Fault.SILENT not in standing:
            habit, learned = habit_at(deliveries, now) or habit, now
        upto = bisect_right(arrivals, now)
        newest = sorted(deliveries[max(0, upto - 20) : upto], key=lambda x: x.ended_at)[::-1]
        facts = make(
            now,
            habit=habit,
            last_arrival=arrivals[upto - 1] if upto else None,
            newest=newest,
            standing=standing,
        )
        found = {each.fault: each for each in judge(facts)}
        yield from (each for fault, each in found.items() if fault not in standing)
        standing = found
        now += every


def test_a_camera_that_records_on_motion_raises_no_false_alarm_in_three_months(
    on_motion: Deliver, facts_of: Make
) -> None:
    # Nights, Sundays, Easter and two holidays in the middle of a week.
    deliveries = on_motion(MONDAY, 92)

    assert not list(alarms(facts_of, deliveries, MONDAY, 92))


def test_nor_does_one_that_sees_two_people_a_day(on_motion: Deliver, facts_of: Make) -> None:
    deliveries = on_motion(MONDAY, 92, an_hour=0.25)

    assert not list(alarms(facts_of, deliveries, MONDAY, 92, every=HOUR))


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_nor_does_one_that_never_stops(steadily: Deliver, facts_of: Make, minutes: int) -> None:
    deliveries = steadily(MONDAY, 21, every=timedelta(minutes=minutes))

    assert not list(alarms(facts_of, deliveries, MONDAY, 21))


def test_nor_does_one_that_sends_its_day_at_night(facts_of: Make) -> None:
    deliveries = [
        Delivery(at(MONDAY + timedelta(days=n), 3) + timedelta(minutes=hour), moment, dated=True)
        for n in range(1, 40)
        for hour in range(24)
        for moment in [at(MONDAY + timedelta(days=n - 1), hour) + HOUR]
    ]

    assert not list(alarms(facts_of, deliveries, MONDAY, 40, every=HOUR))


@pytest.mark.parametrize(
    ("minutes", "within"), [(1, 0.6), (10, 0.9), (60, 4)], ids=["minutes", "tens", "hours"]
)
def test_a_camera_that_never_stops_is_missed_after_three_files_at_any_hour(
    steadily: Deliver, facts_of: Make, minutes: int, within: float
) -> None:
    for hour in (3, 14):
        dies = at(MONDAY + timedelta(days=15), hour)
        every = timedelta(minutes=minutes)
        deliveries = [x for x in steadily(MONDAY, 20, every=every) if x.arrived_at < dies]
        found = list(alarms(facts_of, deliveries, MONDAY, 17, every=timedelta(minutes=5)))
        assert [each.fault for each in found] == [Fault.SILENT]
        now = deliveries[-1].arrived_at + timedelta(hours=within)
        habit = habit_at(deliveries, at(MONDAY + timedelta(days=15)))
        assert judge(facts_of(now, habit=habit, last_arrival=deliveries[-1].arrived_at))


def test_a_camera_on_motion_is_missed_the_same_day_and_not_at_night(
    on_motion: Deliver, facts_of: Make
) -> None:
    tuesday = MONDAY + timedelta(days=29)
    deliveries = [x for x in on_motion(MONDAY, 29) if x.arrived_at < at(tuesday)]
    habit = habit_at(deliveries, at(tuesday))

    def found(hour: int) -> tuple[Finding, ...]:
        last = deliveries[-1].arrived_at
        return judge(facts_of(at(tuesday, hour), habit=habit, last_arrival=last))

    assert not found(3)
    assert not found(10)
    assert [each.fault for each in found(17)] == [Fault.SILENT]
    assert found(17)[0].since == deliveries[-1].arrived_at


def test_a_holiday_that_was_never_seen_is_expected_to_bring_what_the_quietest_hours_do(
    on_motion: Deliver, steadily: Deliver
) -> None:
    friday = date(2026, 4, 3)
    now = at(friday)
    quiet = habit_at(on_motion(MONDAY, 32), now)
    steady = habit_at(steadily(MONDAY, 32, every=timedelta(minutes=10)), now)
    assert quiet is not None
    assert steady is not None

    def until_evening(habit: Habit) -> float:
        end = at(friday, 20)
        return expected(habit, now, end, zone=ZONE, holiday=HOLIDAYS.__contains__)

    assert until_evening(quiet) == 0
    assert until_evening(steady) == pytest.approx(120, abs=2)


def test_nothing_is_expected_before_enough_is_known(
    on_motion: Deliver, steadily: Deliver, facts_of: Make
) -> None:
    begun = steadily(MONDAY, 3, every=timedelta(minutes=10))
    assert habit_at(begun, at(MONDAY + timedelta(days=3))) is None
    assert not judge(facts_of(at(MONDAY + timedelta(days=9)), last_arrival=begun[-1].arrived_at))

    # After a week a camera on motion is known at no hour of the week: nothing is missed.
    week = on_motion(MONDAY, 8)
    habit = habit_at(week, at(MONDAY + timedelta(days=8)))
    assert habit is not None
    now = at(MONDAY + timedelta(days=10), 17)
    assert not judge(facts_of(now, habit=habit, last_arrival=week[-1].arrived_at))


def test_an_outage_teaches_nothing(steadily: Deliver, facts_of: Make) -> None:
    broken = {MONDAY + timedelta(days=n) for n in range(9, 13)}
    deliveries = [
        each
        for each in steadily(MONDAY, 28, every=timedelta(minutes=10))
        if each.arrived_at.astimezone(ZONE).date() not in broken
    ]
    habit = habit_at(deliveries, at(MONDAY + timedelta(days=28)))
    assert habit is not None
    assert habit.usual < 2
    # Summer time began on one of them: between two and three nothing is missing.
    assert [min(rates[3:]) for rates in habit.rates if rates is not None] == [6] * 7


def test_an_archive_that_is_taken_in_is_no_busy_hour(steadily: Deliver) -> None:
    deliveries = steadily(MONDAY, 28, every=timedelta(minutes=10))
    imported = at(MONDAY + timedelta(days=20), 9)
    archive = [
        Delivery(imported + timedelta(seconds=n / 10), imported - 20 * HOUR, dated=True)
        for n in range(5000)
    ]
    habit = habit_at(sorted(deliveries + archive), at(MONDAY + timedelta(days=28)))
    assert habit is not None
    assert max(max(rates) for rates in habit.rates if rates is not None) < 7


def test_a_habit_is_the_same_after_it_was_stored(on_motion: Deliver) -> None:
    habit = habit_at(on_motion(MONDAY, 28), at(MONDAY + timedelta(days=28)))
    assert habit is not None
    assert Habit.from_json(habit.to_json()) == habit


def test_a_week_with_a_change_of_clocks_is_learned_and_judged(
    steadily: Deliver, facts_of: Make
) -> None:
    # 29 March 2026: 02:00 to 03:00 does not exist.
    deliveries = steadily(date(2026, 3, 16), 20, every=timedelta(minutes=10))
    assert not list(alarms(facts_of, deliveries, date(2026, 3, 16), 20))
