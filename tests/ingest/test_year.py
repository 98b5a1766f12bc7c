"""A year of a recorder that drifts, with both changes of the clocks: what is wrong is marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import FOLD_S, Neighbour, decide_time, drifted, is_twofold
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import NOW, SYSTEM, film, person, put

STOCKHOLM = ZoneInfo("Europe/Stockholm")
YEAR = (datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC))
CHANGES = (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))
FIVE = timedelta(minutes=5)


@dataclass(frozen=True)
class Recorder:
    """A recorder whose clock gains ``drift`` s a day; it is measured each month and never set."""

    drift: float
    zone: tzinfo = STOCKHOLM

    def shown(self, true: datetime) -> datetime:
        """What its clock says: in Stockholm it changes to and from summer time by itself."""
        off = timedelta(days=0, seconds=self.drift * (true - YEAR[0]) / timedelta(days=1))
        return (true + off).astimezone(self.zone)

    def measured(self, true: datetime) -> tuple[float, datetime]:
        """The newest measurement: shown minus true in seconds, good to two seconds, and when."""
        at = true.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        seen = self.shown(at).replace(tzinfo=None)
        return round((seen - at.astimezone(STOCKHOLM).replace(tzinfo=None)).total_seconds()), at


def moments() -> Iterator[datetime]:
    """Every 6 h 55 min of the year, and every five minutes of the days around both changes."""
    at = YEAR[0]
    while at < YEAR[1]:
        near = any(abs(at - change) < timedelta(hours=30) for change in CHANGES)
        yield at
        at += FIVE if near else timedelta(hours=6, minutes=55)


@pytest.mark.parametrize("drift", [-9.0, 0.0, 2.5])
@pytest.mark.parametrize("sent_after", [20, 50 * 60, 65 * 60, 2 * 86_400])
@pytest.mark.parametrize("measured", ["measured", "never"])
def test_no_recording_of_a_year_lands_at_the_wrong_instant_without_being_marked_uncertain(
    drift: float, sent_after: int, measured: str
) -> None:
    recorder = Recorder(drift)
    known: list[Neighbour] = []
    marked = 0
    for true in moments():
        shown = recorder.shown(true)
        reading = read_name(f"kassa_{shown:%Y%m%d_%H%M%S}.mp4")
        offset, at = recorder.measured(true) if measured == "measured" else (0.0, None)
        arrived = true + FIVE + timedelta(seconds=sent_after)
        doubt = drifted(None if at is None else 2.0, at, arrived)
        near = known[-40:] if is_twofold(reading, STOCKHOLM) else ()

        decided = decide_time(
            reading=reading,
            container=None,
            duration_s=FIVE.total_seconds(),
            arrived_at=arrived,
            zone=STOCKHOLM,
            clock_offset_s=offset,
            clock_uncertainty_s=doubt,
            clock_measured_at=at,
            neighbours=near,
        )

        wrong = abs((decided.started_at - true).total_seconds())
        assert wrong <= decided.uncertainty_s, (true, shown, decided)
        if decided.uncertainty_s < (4500.0 if doubt is None else doubt) + FOLD_S:
            known.append(Neighbour(decided.started_at, decided.ended_at))
        else:
            marked += 1
    if sent_after == 20 and measured == "measured":  # as recorders do
        assert marked <= 1


WINTER, SUMMER = (timezone(timedelta(hours=hours)) for hours in (1, 2))


@pytest.mark.parametrize("zone", [WINTER, SUMMER])
@pytest.mark.parametrize("sent_after", [20, 50 * 60, 2 * 86_400])
@pytest.mark.parametrize(
    "measured", [datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)]
)
def test_a_recorder_that_does_not_follow_summer_time_is_marked_until_it_is_measured_again(
    zone: tzinfo, sent_after: int, measured: datetime
) -> None:
    recorder = Recorder(0.0, zone)
    offset, at = recorder.measured(measured)
    for true in moments():
        if true < measured:
            continue
        arrived = true + FIVE + timedelta(seconds=sent_after)
        doubt = drifted(2.0, at, arrived)
        assert doubt is not None
        decided = decide_time(
            reading=read_name(f"kassa_{recorder.shown(true):%Y%m%d_%H%M%S}.mp4"),
            container=None,
            duration_s=FIVE.total_seconds(),
            arrived_at=arrived,
            zone=STOCKHOLM,
            clock_offset_s=offset,
            clock_uncertainty_s=doubt,
            clock_measured_at=at,
        )
        wrong = abs((decided.started_at - true).total_seconds())
        by_arrival = decided.source == "arrival" and decided.disagreements
        assert wrong <= decided.uncertainty_s or by_arrival, (true, decided)


@pytest.mark.parametrize(
    ("name", "arrived", "is_sure"),
    [
        ("kassa_20260701_100000.mp4", datetime(2026, 7, 1, 8, 6, tzinfo=UTC), True),
        ("kassa_20260701_100000.mp4", datetime(2026, 7, 1, 8, 50, tzinfo=UTC), True),
        ("kassa_20260701_100000.mp4", datetime(2026, 7, 1, 9, 6, tzinfo=UTC), False),
        ("kassa_20260701_100000Z.mp4", datetime(2026, 7, 1, 12, 0, tzinfo=UTC), True),
        ("kassa_20260301_100000.mp4", datetime(2026, 3, 3, 12, 0, tzinfo=UTC), True),
    ],
)
def test_a_recorder_measured_in_winter_is_sure_in_summer_where_the_hour_more_had_not_passed(
    name: str, arrived: datetime, *, is_sure: bool
) -> None:
    decided = decide_time(
        reading=read_name(name),
        container=None,
        duration_s=FIVE.total_seconds(),
        arrived_at=arrived,
        zone=STOCKHOLM,
        clock_offset_s=0.0,
        clock_uncertainty_s=2.0,
        clock_measured_at=datetime(2026, 2, 1, tzinfo=UTC),
    )

    assert decided.source == "name"
    assert decided.uncertainty_s == (2.0 if is_sure else 2.0 + FOLD_S)
    assert bool(decided.notes) is not is_sure


def test_a_measurement_grows_old_and_is_never_better_than_it_was() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)

    assert drifted(2.0, at, at) == 2.0
    assert drifted(2.0, at, at + timedelta(days=30)) == 302.0
    assert drifted(2.0, at, at + timedelta(days=5000)) == 4500.0
    assert drifted(9000.0, at, at + timedelta(days=30)) == 9000.0
    assert drifted(2.0, at, at - timedelta(days=30)) == 2.0
    assert drifted(None, None, at) is None


@pytest.mark.parametrize(("before", "uncertainty_s"), [(True, 4500.0), (False, 8100.0)])
def test_what_goes_on_where_the_last_recording_ended_is_in_the_second_hour_for_sure(
    vault: Vault, drop: Path, before: object, uncertainty_s: float
) -> None:
    vault.set_clock(SYSTEM, datetime(2026, 10, 25, 1, 0, 1, tzinfo=UTC))
    if before:
        vault.ingest.offer(SYSTEM, put(drop, "a_20261025_025958.mp4", film(1, 2.0)))
    vault.set_clock(SYSTEM, datetime(2026, 10, 25, 1, 0, 5, tzinfo=UTC))
    outcome = vault.ingest.offer(SYSTEM, put(drop, "a_20261025_020000.mp4", film(2, 2.0)))

    found = vault.catalogue.show(person(Role.MANAGER), str(outcome.recording))

    assert found.started_at == datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert found.uncertainty_s == uncertainty_s


def test_a_measurement_of_last_month_counts_for_less_than_one_of_today(
    quick_vault: Vault, drop: Path
) -> None:
    quick_vault.register.measure_clock(SYSTEM, "kassa", 3.0, 2.0, NOW)
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=30))
    outcome = quick_vault.ingest.offer(SYSTEM, put(drop, "a_20260401_085900.mp4", film(1, 2.0)))

    found = quick_vault.catalogue.show(person(Role.MANAGER), str(outcome.recording))

    assert (found.clock_offset_s, found.uncertainty_s) == (3.0, 302.0)
