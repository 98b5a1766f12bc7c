"""The geometry of the timeline."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from web.lanes import SPANS, Scale, covering

ZONE = "Europe/Stockholm"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True)
class Piece:
    id: str
    started_at: datetime
    ended_at: datetime


def pieces(*spans: tuple[float, float]) -> tuple[Piece, ...]:
    noon = at("2026-03-01T12:00:00Z")
    return tuple(
        Piece(str(number), noon + timedelta(seconds=start), noon + timedelta(seconds=end))
        for number, (start, end) in enumerate(spans)
    )


def test_a_day_is_shown_from_midnight_to_midnight_of_the_shop() -> None:
    scale = Scale.of(at("2026-03-01T15:00:00Z"), "24h", ZONE)
    assert (scale.start, scale.end) == (at("2026-02-28T23:00:00Z"), at("2026-03-01T23:00:00Z"))
    assert scale.share(at("2026-03-01T11:00:00Z")) == 0.5


def test_the_days_the_clocks_change_are_as_long_as_they_were() -> None:
    spring = Scale.of(at("2026-03-29T12:00:00Z"), "24h", ZONE)
    autumn = Scale.of(at("2026-10-25T12:00:00Z"), "24h", ZONE)
    assert spring.end - spring.start == timedelta(hours=23)
    assert autumn.end - autumn.start == timedelta(hours=25)
    assert [mark.label for mark in spring.marks()][:3] == ["00:00", "03:00", "06:00"]
    assert len(autumn.marks()) == 8


def test_the_next_day_begins_where_this_one_ends() -> None:
    for moment in ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "2026-10-25T12:00:00Z"):
        for span in SPANS:
            scale = Scale.of(at(moment), span, ZONE)
            assert scale.moved(1) == scale.end
            assert Scale.of(scale.moved(-1), span, ZONE).end == scale.start


def test_every_span_has_a_handful_of_marks_in_order() -> None:
    for span in SPANS:
        marks = Scale.of(at("2026-03-01T15:00:00Z"), span, ZONE).marks()
        assert 4 <= len(marks) <= 12
        assert [mark.at for mark in marks] == sorted({mark.at for mark in marks})


def test_nothing_is_drawn_outside_or_too_narrow_to_be_seen() -> None:
    scale = Scale.of(at("2026-03-01T15:00:00Z"), "24h", ZONE)
    assert scale.x(scale.start - timedelta(days=3)) == "0.000%"
    assert scale.x(scale.end + timedelta(days=3)) == "100.000%"
    assert scale.width(scale.start, scale.start + timedelta(seconds=1)) == "0.120%"


def test_a_moment_finds_the_recording_that_shows_it_or_the_next() -> None:
    recordings = pieces((0, 60), (120, 180))
    noon = recordings[0].started_at
    shown = [covering(recordings, noon + timedelta(seconds=each)) for each in (30, 90, 120, 300)]
    assert [each and each.id for each in shown] == ["0", "1", "1", None]
