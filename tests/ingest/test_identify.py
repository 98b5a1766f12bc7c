"""When a recording was made, decided from claims that contradict each other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import (
    UNMEASURED_S,
    ContainerTime,
    Neighbour,
    RecordingTime,
    decide_time,
)

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def _decide(name: str | None, arrived_at: datetime, **facts: Any) -> RecordingTime:  # noqa: ANN401
    defaults: dict[str, Any] = {
        "container": None,
        "duration_s": 60.0,
        "zone": STOCKHOLM,
        "clock_offset_s": 0.0,
        "clock_uncertainty_s": 1.0,
    }
    return decide_time(
        reading=read_name(name) if name else None, arrived_at=arrived_at, **{**defaults, **facts}
    )


def test_the_name_comes_first_and_is_read_in_the_cameras_zone() -> None:
    decided = _decide(
        "kassa_20260301_091000.mp4",
        _utc(2026, 3, 1, 8, 12),
        container=ContainerTime(_utc(2026, 3, 1, 8, 10, 2)),
    )

    assert decided.source == "name"
    assert decided.started_at == _utc(2026, 3, 1, 8, 10)
    assert decided.ended_at == _utc(2026, 3, 1, 8, 11)
    assert decided.uncertainty_s == 1.0
    assert decided.original_started == "2026-03-01T09:10:00 (plain, local)"
    assert decided.disagreements == ()


def test_without_a_name_the_container_counts_and_without_both_the_arrival() -> None:
    arrived = _utc(2026, 3, 1, 8, 12)

    by_container = _decide("x.mp4", arrived, container=ContainerTime(_utc(2026, 3, 1, 8, 10)))
    by_arrival = _decide("x.mp4", arrived, duration_s=90.0)

    assert (by_container.source, by_container.started_at) == (
        "container",
        _utc(2026, 3, 1, 8, 10),
    )
    assert (by_arrival.source, by_arrival.started_at) == ("arrival", _utc(2026, 3, 1, 8, 10, 30))
    assert by_arrival.ended_at == arrived
    assert by_arrival.uncertainty_s == 90.0
    assert by_arrival.original_started == ""


@pytest.mark.parametrize(
    "value", [_utc(1904, 1, 1), _utc(1970, 1, 1), _utc(1999, 12, 31), _utc(2036, 2, 7, 6, 28)]
)
def test_a_container_clock_that_was_never_set_or_lies_ahead_is_not_believed(
    value: datetime,
) -> None:
    decided = _decide(None, _utc(2026, 3, 1, 8, 12), container=ContainerTime(value))

    assert decided.source == "arrival"
    assert any("container" in note for note in decided.notes)


def test_a_time_in_the_future_counts_as_arrival_and_the_contradiction_is_told() -> None:
    arrived = _utc(2026, 3, 1, 8, 12)

    decided = _decide("kassa_20360301_091000.mp4", arrived)

    assert (decided.source, decided.ended_at) == ("arrival", arrived)
    assert [(d.first, d.second) for d in decided.disagreements] == [("name", "arrival")]
    assert "later than by its arrival" in decided.disagreements[0].sentence


def test_a_clock_seconds_ahead_never_puts_a_recording_after_its_arrival() -> None:
    arrived = _utc(2026, 3, 1, 8, 10)

    decided = _decide("kassa_20260301_091003.jpg", arrived, duration_s=None)

    assert (decided.source, decided.started_at) == ("name", arrived)


def test_the_measured_offset_is_what_is_shown_less_what_is_true() -> None:
    behind = _decide(
        "kassa_20260301_201000.mp4",
        _utc(2026, 3, 1, 20, 12),
        clock_offset_s=-3600.0,
        clock_uncertainty_s=2.0,
    )

    assert behind.started_at == _utc(2026, 3, 1, 20, 10)  # 21:10 in Stockholm
    assert behind.clock_offset_s == -3600.0
    assert behind.uncertainty_s == 2.0


def test_a_clock_nobody_measured_may_be_wrong_by_an_hour_and_a_quarter() -> None:
    decided = _decide("a_20260301_091000.mp4", _utc(2026, 3, 1, 9), clock_uncertainty_s=None)

    assert decided.uncertainty_s == UNMEASURED_S == 4500.0


def test_the_hour_that_occurs_twice_is_told_apart_by_the_recorders_own_mark() -> None:
    later = _utc(2024, 10, 28, 12)

    summer = _decide("RecM01_DST20241027_023000_023100_6D28808_1A468F9.mp4", later)
    normal = _decide("RecM01_20241027_023000_023100_6D28808_1A468F9.mp4", later)

    assert summer.started_at == _utc(2024, 10, 27, 0, 30)
    assert normal.started_at == _utc(2024, 10, 27, 1, 30)
    assert summer.uncertainty_s == normal.uncertainty_s == 1.0
    assert "twice" in summer.notes[0]


def test_the_hour_that_occurs_twice_is_told_apart_by_a_prompt_arrival() -> None:
    name = "kassa_20241027_023000.mp4"
    before = Neighbour(_utc(2024, 10, 27, 1, 29), _utc(2024, 10, 27, 1, 30))

    first = _decide(name, _utc(2024, 10, 27, 0, 32))
    second = _decide(name, _utc(2024, 10, 27, 1, 32), neighbours=[before])
    alone = _decide(name, _utc(2024, 10, 27, 1, 32))

    assert first.started_at == _utc(2024, 10, 27, 0, 30)
    assert second.started_at == alone.started_at == _utc(2024, 10, 27, 1, 30)
    assert first.uncertainty_s == second.uncertainty_s == 1.0
    assert alone.uncertainty_s == 3601.0  # it may as well have been sent an hour late


def test_the_hour_that_occurs_twice_is_told_apart_by_what_else_was_recorded() -> None:
    name, much_later = "kassa_20241027_023000.mp4", _utc(2024, 10, 29)

    def decided(*places: tuple[int, int]) -> tuple[int, float]:
        near = [
            Neighbour(start, start + timedelta(minutes=1))
            for hour, minute in places
            for start in (_utc(2024, 10, 27, hour, minute),)
        ]
        found = _decide(name, much_later, neighbours=near)
        return found.started_at.hour, found.uncertainty_s

    assert decided((0, 30), (1, 29)) == (1, 1.0)  # the first is taken, and it goes on there
    assert decided((1, 30), (0, 29)) == (0, 1.0)
    assert decided((0, 30)) == (1, 3601.0)
    assert decided((1, 30)) == (0, 3601.0)
    assert decided((1, 29)) == (1, 3601.0)
    assert decided((0, 29), (1, 29)) == decided() == (0, 3601.0)
    assert decided((0, 30), (1, 30)) == (0, 3601.0)


def test_an_hour_that_occurs_twice_and_nothing_to_tell_stays_in_doubt() -> None:
    decided = _decide("kassa_20241027_023000.mp4", _utc(2024, 10, 29))

    assert decided.started_at == _utc(2024, 10, 27, 0, 30)
    assert decided.uncertainty_s == 3601.0
    assert decided.started_at + timedelta(seconds=decided.uncertainty_s) > _utc(2024, 10, 27, 1, 30)


def test_a_time_that_was_skipped_in_spring_is_noted_and_in_doubt() -> None:
    decided = _decide("kassa_20260329_023000.mp4", _utc(2026, 3, 29, 3))

    assert decided.started_at == _utc(2026, 3, 29, 1, 30)
    assert decided.uncertainty_s == 3601.0
    assert "skipped" in decided.notes[0]


def test_an_end_across_either_change_of_the_clocks_keeps_the_true_length() -> None:
    spring = _decide(
        "NVR_ch6_main_20260329015940_20260329030000.mp4", _utc(2026, 3, 29, 2), duration_s=20.0
    )
    autumn = _decide(
        "NVR_ch6_main_20241027015940_20241027020000.mp4", _utc(2024, 10, 27, 6), duration_s=20.0
    )

    assert spring.ended_at - spring.started_at == timedelta(seconds=20)
    assert autumn.ended_at - autumn.started_at == timedelta(seconds=20)


def test_an_epoch_needs_no_zone_and_a_local_time_beside_it_betrays_a_wrong_one() -> None:
    name = "20170307AM/Family Room20170307-084321-1488897801.mp4"

    here = _decide(name, _utc(2017, 3, 7, 14, 44, 30))
    there = _decide(name, _utc(2017, 3, 7, 14, 44, 30), zone=ZoneInfo("America/Chicago"))

    assert here.started_at == there.started_at == _utc(2017, 3, 7, 14, 43, 21)
    assert there.disagreements == ()
    assert [(d.first, d.seconds) for d in here.disagreements] == [("zone", -7 * 3600.0)]


def test_a_container_stamped_at_the_end_agrees_with_a_name_of_the_start() -> None:
    decided = _decide(
        "kassa_20260301_090000.mp4",
        _utc(2026, 3, 1, 8, 16),
        container=ContainerTime(_utc(2026, 3, 1, 8, 15)),
        duration_s=900.0,
    )

    assert decided.disagreements == ()


def test_a_container_an_hour_off_is_shown_as_a_contradiction() -> None:
    decided = _decide(
        "kassa_20260301_091000.mp4",
        _utc(2026, 3, 1, 8, 12),
        container=ContainerTime(_utc(2026, 3, 1, 7, 10)),
    )

    first = decided.disagreements[0]
    assert (first.first, first.second, first.seconds) == ("name", "container", 3600.0)
    assert first.sentence == "By its name the recording began 1 h later than by its container."


def test_a_local_time_in_a_container_is_read_in_the_cameras_zone() -> None:
    naive = datetime(2026, 7, 1, 12, 0)  # noqa: DTZ001 - as EXIF writes it

    decided = _decide(None, _utc(2026, 7, 1, 10, 5), container=ContainerTime(naive))

    assert decided.started_at == _utc(2026, 7, 1, 10)


def test_a_date_in_a_name_that_is_not_the_day_is_a_contradiction() -> None:
    decided = _decide("3/2024-01-05/1042/1042-video.h264.mp4", _utc(2024, 3, 1))

    assert [d.first for d in decided.disagreements] == ["date"]


def test_a_device_that_flips_between_utc_and_local_time_is_in_doubt_by_the_difference() -> None:
    decided = _decide("2022Y08M18D15H/01M00S60.mp4", _utc(2022, 8, 18, 13, 2))

    assert decided.uncertainty_s == 1.0 + 7200.0


@given(
    arrived=st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    value=st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    duration=st.none() | st.floats(0, 1e6),
    name=st.sampled_from(
        [None, "a_20241027_023000.mp4", "a_20260329_023000.mp4", "9999999999.mp4"]
    ),
    offset=st.floats(-1e6, 1e6),
)
def test_whatever_is_claimed_a_recording_begins_before_it_ends_and_before_it_arrives(
    arrived: datetime,
    value: datetime | None,
    duration: float | None,
    name: str | None,
    offset: float,
) -> None:
    decided = _decide(
        name,
        arrived,
        container=ContainerTime(value) if value else None,
        duration_s=duration,
        clock_offset_s=offset,
    )

    assert decided.started_at <= arrived
    assert decided.started_at <= decided.ended_at
    assert decided.uncertainty_s > 0


def test_a_container_a_little_ahead_of_the_arrival_is_a_clock_that_contradicts_it() -> None:
    arrived = _utc(2026, 3, 1, 8, 12)

    decided = _decide("x.mp4", arrived, container=ContainerTime(arrived + timedelta(minutes=5)))

    assert decided.source == "arrival"
    assert decided.started_at == _utc(2026, 3, 1, 8, 11)
    assert decided.notes == ("The container's time lies after the arrival, so the arrival counts.",)
    (found,) = decided.disagreements
    assert (found.first, found.second, found.seconds) == ("container", "arrival", 360.0)


def test_a_container_far_ahead_of_the_arrival_is_no_clock_and_contradicts_nothing() -> None:
    decided = _decide(
        "x.mp4", _utc(2026, 3, 1, 8, 12), container=ContainerTime(_utc(2036, 2, 7, 6, 28, 16))
    )

    assert decided.source == "arrival"
    assert decided.disagreements == ()
    assert decided.notes == (
        "The container's clock was never set or runs ahead of the arrival; it was not used.",
    )
