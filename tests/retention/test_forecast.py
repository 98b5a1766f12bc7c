"""The forecast says what leaves when, when the disk is full, and proposes only what is lawful."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.errors import AccessDeniedError
from cctv_vault.retention.forecast import (
    ALARM,
    HORIZON,
    Arriving,
    Forecaster,
    Proposal,
    Stock,
    closed_period,
    foresee,
)
from cctv_vault.retention.rules import Opening
from tests.retention.conftest import MONDAY, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZONE = "Europe/Stockholm"
NOW = datetime(2026, 3, 2, 23, tzinfo=UTC)  # midnight in Stockholm: a whole day lies ahead
TODAY = date(2026, 3, 3)


def coming(bytes_a_day: int, keeps: timedelta) -> list[Arriving]:
    return [
        Arriving(
            TODAY + n * DAY,
            "butik",
            "prevention",
            10,
            bytes_a_day,
            NOW + n * DAY + timedelta(hours=12) + keeps,
        )
        for n in range(HORIZON.days + 1)
    ]


def test_what_leaves_stands_on_its_day_under_its_purpose() -> None:
    stock = [
        Stock("prevention", NOW + HOUR, 2, 20),
        Stock("prevention", NOW + 2 * HOUR, 1, 10),
        Stock("incident", NOW + DAY + HOUR, 1, 5),
        Stock("claim", None, 3, 50),
        Stock("prevention", NOW - HOUR, 1, 1),  # due, and not swept yet
    ]
    days, full_at = foresee(stock, [], free=None, now=NOW, zone=ZONE)
    assert [(each.purpose, each.recordings, each.bytes) for each in days[0].leaving] == [
        ("prevention", 4, 31)
    ]
    assert [(each.purpose, each.bytes) for each in days[1].leaving] == [("incident", 5)]
    assert [each.stock for each in days[:3]] == [55, 50, 50]
    assert (days[0].day, len(days), full_at) == (TODAY, HORIZON.days + 1, None)


def test_a_disk_fills_when_more_comes_than_goes_and_not_when_as_much_goes() -> None:
    days, full_at = foresee([], coming(100, 30 * DAY), free=250, now=NOW, zone=ZONE)
    assert full_at == NOW + 2.5 * DAY
    assert [each.free for each in days[:4]] == [150, 50, -50, -150]
    _days, full_at = foresee([], coming(100, 3 * DAY), free=450, now=NOW, zone=ZONE)
    assert full_at is None
    _days, full_at = foresee([], [], free=-1, now=NOW, zone=ZONE)
    assert full_at == NOW
    assert foresee([], coming(100, 30 * DAY), free=None, now=NOW, zone=ZONE)[1] is None


def test_a_day_of_23_hours_is_forecast_like_any_other() -> None:
    now = datetime(2026, 3, 28, 23, tzinfo=UTC)
    new = Arriving(date(2026, 3, 29), "butik", "prevention", 1, 200, now + 30 * DAY)
    days, full_at = foresee([], [new], free=100, now=now, zone=ZONE)
    assert full_at == now + timedelta(hours=11.5)
    assert [each.day for each in days[:2]] == [date(2026, 3, 29), date(2026, 3, 30)]


def test_what_expires_over_closed_days_is_told_before_they_begin() -> None:
    opening = Opening(ZoneInfo(ZONE), frozenset(range(5)), frozenset({date(2026, 3, 6)}))
    stock = [
        Stock("prevention", datetime(2026, 3, 5, 20, tzinfo=UTC), 1, 1),
        Stock("prevention", datetime(2026, 3, 6, 12, tzinfo=UTC), 2, 20),
        Stock("claim", datetime(2026, 3, 8, 12, tzinfo=UTC), 3, 30),
        Stock("prevention", datetime(2026, 3, 9, 11, tzinfo=UTC), 4, 40),
        Stock("claim", None, 5, 50),
    ]
    coming = [
        Arriving(TODAY, "butik", "prevention", 7, 100, datetime(2026, 3, 6, 12, tzinfo=UTC)),
        Arriving(TODAY, "butik", "prevention", 7, 100, datetime(2026, 3, 9, 12, tzinfo=UTC)),
    ]
    found = closed_period("butik", opening, stock, coming, NOW)
    assert found is not None
    assert (found.first, found.back) == (date(2026, 3, 6), date(2026, 3, 9))
    assert (found.recordings, found.bytes) == (12, 150)
    every_day = Opening(ZoneInfo(ZONE), frozenset(range(7)), frozenset())
    assert closed_period("butik", every_day, stock, [], NOW) is None


def forecaster(world: World, reserve: int = 0) -> Forecaster:
    return Forecaster(
        database=world.home.database,
        ledger=world.home.ledger,
        policies=world.policies,
        store=world.home.store,
        zone=ZONE,
        reserve_bytes=reserve,
    )


def test_a_recording_counts_once_under_what_keeps_it_longest(world: World) -> None:
    kept = world.record("kassa", MONDAY - HOUR)
    world.record("entre", MONDAY - HOUR)
    world.claim("kassa", MONDAY - HOUR, MONDAY)
    ahead = forecaster(world).look(world.manager)
    size = world.row(kept).ciphertext_size
    assert (ahead.recordings, ahead.bytes) == (2, 2 * size)
    assert [(each.purpose, each.recordings) for each in ahead.open_ended] == [("claim", 1)]
    (leaving,) = [each for day in ahead.days for each in day.leaving]
    assert (leaving.purpose, leaving.recordings, leaving.bytes) == ("prevention", 1, size)
    (grant,) = [each for each in world.live(kept) if each.purpose == "prevention"]
    assert grant.until is not None
    assert leaving.day == grant.until.astimezone(ZoneInfo(ZONE)).date()
    assert ahead.rate == 2 * size
    assert (ahead.full_at, ahead.alarm, ahead.suggestions) == (None, False, ())


def test_a_disk_nearing_full_raises_an_alarm_and_proposes_what_is_lawful(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    for hours in range(1, 5):
        world.record("kassa", MONDAY - hours * HOUR)
    held = world.record("entre", MONDAY - 30 * HOUR)
    world.claim("entre", MONDAY - 30 * HOUR, MONDAY - 29 * HOUR)
    size = world.row(held).ciphertext_size
    monkeypatch.setattr(world.home.store, "free_bytes", lambda: 100_000 + 8 * size)
    ahead = forecaster(world, reserve=100_000).look(world.manager)
    assert ahead.free == 8 * size
    assert ahead.full_at is not None
    assert ahead.full_at - world.now() < ALARM
    assert ahead.alarm
    frees = {each.what: each.frees for each in ahead.suggestions}
    assert frees[Proposal.REVIEW] == size
    assert frees[Proposal.SHORTEN] == 0  # what is older than a day is held, and stays
    assert {Proposal.RECORD_LESS, Proposal.ADD_DISK} < set(frees)
    assert world.readable(held)


def test_a_gagged_hold_changes_no_forecast_of_the_uncleared(sqlite_world: World) -> None:
    world = sqlite_world
    recording = world.record("kassa", MONDAY - HOUR)
    before = forecaster(world).look(world.manager)
    world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    after = forecaster(world).look(world.manager)
    assert [each.leaving for each in after.days] == [each.leaving for each in before.days]
    assert (after.open_ended, after.bytes, after.closed) == (
        before.open_ended,
        before.bytes,
        before.closed,
    )
    cleared = forecaster(world).look(world.officer)
    assert [each.leaving for each in cleared.days] != [each.leaving for each in before.days]
    assert world.readable(recording)


def test_who_reads_no_registers_sees_no_forecast(sqlite_world: World) -> None:
    with pytest.raises(AccessDeniedError):
        forecaster(sqlite_world).look(sqlite_world.staff)
