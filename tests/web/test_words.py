"""Times, spans, durations and sizes as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from cctv_vault.errors import InvalidInputError
from web.words import (
    day_words,
    duration_words,
    field_time,
    is_doubtful,
    moment_words,
    number_words,
    read_time,
    size_words,
    span_words,
)

ZONE = "Europe/Stockholm"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_moment_is_shown_with_its_zone_summer_and_winter() -> None:
    assert moment_words(at("2026-03-01T08:05:07Z"), ZONE) == "2026-03-01 09:05 CET"
    assert moment_words(at("2026-07-01T08:05:07Z"), ZONE, seconds=True) == (
        "2026-07-01 10:05:07 CEST"
    )
    assert moment_words(at("2026-07-01T00:00:00Z"), "Asia/Kathmandu") == (
        "2026-07-01 05:45 UTC+05:45"
    )


def test_a_span_repeats_only_what_differs() -> None:
    start = at("2026-03-01T08:00:00Z")
    assert span_words(start, start + timedelta(minutes=10), ZONE) == "2026-03-01 09:00–09:10 CET"
    assert span_words(start, start + timedelta(days=1), ZONE) == (
        "2026-03-01 09:00–2026-03-02 09:00 CET"
    )


def test_a_span_over_the_doubled_hour_names_both_zones() -> None:
    start = at("2026-10-25T00:30:00Z")
    assert span_words(start, start + timedelta(hours=1), ZONE) == (
        "2026-10-25 02:30 CEST–02:30 CET"
    )


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=2, hours=4, minutes=5), "2 d 4 h"),
        (timedelta(days=2, minutes=5), "2 d"),
        (timedelta(hours=3, minutes=5, seconds=7), "3 h 5 min"),
        (timedelta(minutes=1, seconds=7), "1 min 7 s"),
        (timedelta(seconds=40), "40 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(length: timedelta, words: str) -> None:
    assert duration_words(length) == words


def test_sizes_and_numbers_follow_the_language() -> None:
    assert size_words(12_345_678, "sv") == "12,3 MB"
    assert size_words(12_345_678, "en") == "12.3 MB"
    assert size_words(999, "sv") == "999 B"
    assert size_words(5 * 10**15, "en") == "5,000.0 TB"
    assert number_words(1234.5, "sv") == "1\N{NO-BREAK SPACE}234,5"
    assert day_words(at("2026-03-01T08:00:00Z"), ZONE, "sv") == "söndag 1 mars 2026"


def test_a_typed_time_means_the_clocks_of_the_shop() -> None:
    assert read_time("2026-03-01T09:00:00", ZONE) == at("2026-03-01T08:00:00Z")
    assert read_time("2026-07-01 09:00", ZONE) == at("2026-07-01T07:00:00Z")
    assert read_time("2026-03-01T09:00:00+05:00", ZONE) == at("2026-03-01T04:00:00Z")


def test_a_window_in_the_doubled_hour_takes_in_both() -> None:
    start = read_time("2026-10-25T02:30:00", ZONE, edge="start")
    end = read_time("2026-10-25T02:40:00", ZONE, edge="end")
    assert end - start == timedelta(hours=1, minutes=10)


def test_a_window_in_the_hour_that_is_left_out_takes_in_both_readings() -> None:
    start = read_time("2026-03-29T02:10:00", ZONE, edge="start")
    end = read_time("2026-03-29T02:40:00", ZONE, edge="end")
    assert (start, end) == (at("2026-03-29T00:10:00Z"), at("2026-03-29T01:40:00Z"))


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        ("2026-10-25T02:30:00", True),
        ("2026-03-29T02:30:00", True),
        ("2026-03-29T03:30:00", False),
        ("2026-10-25T02:30:00+01:00", False),
        ("ingen tid", False),
    ],
)
def test_a_time_the_clocks_show_twice_or_never_is_known(text: str, doubtful: bool) -> None:  # noqa: FBT001
    assert is_doubtful(text, ZONE) is doubtful


@pytest.mark.parametrize("text", ["", "igår", "2026-13-01T00:00", "0001-01-01T00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        read_time(text, ZONE)


def test_a_field_holds_what_is_read_back() -> None:
    moment = at("2026-07-01T08:05:07Z")
    assert read_time(field_time(moment, ZONE), ZONE) == moment
