"""The geometry of the timeline."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from web.lanes import JOINED, SPANS, Scale, covering, stretches

ZONE = "Europe/Stockholm"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True)
class Piece:
    id: str
    started_at: datetime
    ended_at: datetime
    held: bool = False
    expires_at: datetime | None = None


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


def test_recordings_that_touch_are_one_stretch() -> None:
    first, second, third = stretches(pieces((0, 60), (61, 120), (100, 110), (122, 130), (140, 150)))
    assert (first.first, first.count) == ("0", 3)
    assert first.ends_at - first.starts_at == timedelta(seconds=120)
    assert (second.first, third.first) == ("3", "4")


def test_a_stretch_expires_when_the_first_of_it_does() -> None:
    one, other = pieces((0, 60), (60, 120))
    soon = one.started_at + timedelta(days=1)
    joined = stretches([one, Piece(other.id, other.started_at, other.ended_at, expires_at=soon)])
    assert [each.expires_at for each in joined] == [soon]


def test_held_and_other_footage_are_not_one_stretch() -> None:
    one, other = pieces((0, 60), (60, 120))
    held = Piece(other.id, other.started_at, other.ended_at, held=True)
    assert [each.held for each in stretches([one, held])] == [False, True]


def test_a_moment_finds_the_recording_that_shows_it_or_the_next() -> None:
    recordings = pieces((0, 60), (120, 180))
    noon = recordings[0].started_at
    shown = [covering(recordings, noon + timedelta(seconds=each)) for each in (30, 90, 120, 300)]
    assert [each and each.id for each in shown] == ["0", "1", "1", None]


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=12).map(
        lambda spans: sorted((start, start + length) for start, length in spans)
    )
)
def test_stretches_cover_what_the_recordings_cover_and_leave_real_gaps(
    spans: list[tuple[int, int]],
) -> None:
    recordings = pieces(*spans)
    joined = stretches(recordings)
    assert sum(each.count for each in joined) == len(recordings)
    for recording in recordings:
        assert any(
            each.starts_at <= recording.started_at and recording.ended_at <= each.ends_at
            for each in joined
        )
    for one, other in pairwise(joined):
        assert other.starts_at - one.ends_at > JOINED
