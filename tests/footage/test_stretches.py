"""Recordings joined into stretches, what lies between them and why, and the days they cover."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from cctv_vault.footage.coverage import Lane
from cctv_vault.footage.gaps import JOINED
from cctv_vault.footage.timeindex import span_class
from cctv_vault.ids import long_id
from cctv_vault.schema import Grant, Recording, table
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW

T0 = NOW - timedelta(hours=6)
HOUR = timedelta(hours=1)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def fill(
    vault: Vault,
    spans: Iterable[tuple[float, float]],
    *,
    kept: Iterable[float | None] | None = None,
    arrived: Iterable[float] = (),
    offsets: Iterable[float] = (),
) -> list[str]:
    """Films of ``kassa``; ``kept`` is until when, in hours from now (None: open, 0: expired)."""
    spans = list(spans)
    recordings: list[dict[str, object]] = []
    grants: list[dict[str, object]] = []
    arrivals, clocks = dict(enumerate(arrived)), dict(enumerate(offsets))
    ends = dict(enumerate(kept)) if kept is not None else dict.fromkeys(range(len(spans)), 1.0)
    for number, (start, end) in enumerate(spans):
        key, gone = long_id(), ends[number] == 0
        recordings.append(
            {
                "id": key,
                "camera_code": "kassa",
                "kind": "video",
                "origin": "surveillance",
                "state": "expired" if gone else "kept",
                "started_at": at(start),
                "ended_at": at(end),
                "span_class": span_class(at(end) - at(start)),
                "uncertainty_s": 1.0,
                "time_source": "name",
                "original_started": "",
                "clock_offset_s": clocks.get(number, 0.0),
                "disagreements": [],
                "original_name": "x",
                "arrived_at": at(arrivals.get(number, 20_000)),
                "sealed_at": NOW,
                "size": 1,
                "sha256": key.encode(),
                "ciphertext_size": 1,
                "segment_root": b"",
                "container": "mov",
                "codec": "h264",
                "width": 1,
                "height": 1,
                "fps": 1.0,
                "duration_s": end - start,
                "has_audio": False,
                "faults": [],
                "source_state": "removed",
            }
        )
        until = ends[number]
        if until != 0:
            grants.append(
                {
                    "recording_id": key,
                    "purpose": "prevention",
                    "hold_id": None,
                    "purpose_key_id": "k",
                    "wrapped_key": b"",
                    "since": T0,
                    "until": None if until is None else NOW + until * HOUR,
                    "reason": "",
                    "statute": "",
                    "policy_version": 1,
                    "ended_at": None,
                }
            )
    with vault.database.write() as session:
        session.execute(delete(table(Grant)))
        session.execute(delete(table(Recording)))
        if recordings:
            session.execute(insert(table(Recording)), recordings)
        if grants:
            session.execute(insert(table(Grant)), grants)
    return [str(each["id"]) for each in recordings]


def lane_of(vault: Vault, start: float = 0, end: float = 3600) -> Lane:
    return vault.catalogue.lane(MANAGER, camera="kassa", start=at(start), end=at(end))


def test_recordings_that_touch_are_one_stretch_named_by_its_first_and_last(vault: Vault) -> None:
    ids = fill(vault, [(0, 60), (61, 120), (100, 110), (122, 130), (140, 150)])

    first, second, third = lane_of(vault).stretches

    assert (first.first, first.last, first.count) == (ids[0], ids[2], 3)
    assert (first.starts_at, first.ends_at) == (at(0), at(120))
    assert (second.first, third.first) == (ids[3], ids[4])


def test_a_stretch_expires_when_the_first_of_it_does_and_never_while_all_are_open(
    vault: Vault,
) -> None:
    fill(vault, [(0, 60), (60, 120), (120, 180), (600, 660)], kept=[None, 2, 1, None])

    one, other = lane_of(vault).stretches

    assert one.expires_at == NOW + HOUR
    assert other.expires_at is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 200), st.sampled_from([0, 1.0, None])),
        max_size=14,
    )
)
def test_stretches_cover_what_is_here_and_gaps_the_rest(
    vault: Vault, drawn: list[tuple[int, int, float | None]]
) -> None:
    spans = [(start, start + length) for start, length, _ in drawn]
    fill(vault, spans, kept=[each for *_, each in drawn])

    lane = lane_of(vault, 0, 800)

    here = [span for span, (*_, kept) in zip(spans, drawn, strict=True) if kept != 0]
    assert sum(each.count for each in lane.stretches) == len(here)
    for second in range(800):
        shown = any(start <= second < end for start, end in here)
        drawn_here = any(each.starts_at <= at(second) < each.ends_at for each in lane.stretches)
        assert shown <= drawn_here
        missing = any(each.starts_at <= at(second) < each.ends_at for each in lane.gaps)
        assert not (shown and missing)
        near = any(start - JOINED.seconds <= second <= end + JOINED.seconds for start, end in spans)
        assert missing or shown or near
    lapsed = [span for span, (*_, kept) in zip(spans, drawn, strict=True) if kept == 0]
    for gap in lane.gaps:
        under = [s for s, e in lapsed if at(s) < gap.ends_at and at(e) > gap.starts_at]
        assert (gap.cause == "expired") <= bool(under)


def test_a_clock_that_was_set_leaves_a_hole_in_which_nothing_is_missing(vault: Vault) -> None:
    # A film a minute that arrives as it ends; then the clock goes 20 minutes ahead.
    spans = [(0, 60), (60, 120), (1320, 1380), (1380, 1440)]
    fill(vault, spans, arrived=[61, 121, 181, 241])
    assert [each.cause for each in lane_of(vault, 0, 1440).gaps] == ["clock-step"]

    # The same hole, and the film after it came when it had been made: the camera was silent.
    fill(vault, spans, arrived=[61, 121, 1381, 1441])
    assert [each.cause for each in lane_of(vault, 0, 1440).gaps] == ["silent"]

    # An archive taken in at once tells nothing of clocks.
    fill(vault, spans, arrived=[5000, 5000.1, 5000.2, 5000.3])
    assert [each.cause for each in lane_of(vault, 0, 1440).gaps] == ["silent"]


def test_two_corrections_that_differ_by_the_hole_made_it(vault: Vault) -> None:
    spans = [(0, 60), (60, 120), (420, 480)]
    fill(vault, spans, offsets=[300, 300, 0])
    assert [each.cause for each in lane_of(vault, 0, 480).gaps] == ["clock-step"]
    fill(vault, spans, offsets=[0, 0, 300])
    assert [each.cause for each in lane_of(vault, 0, 480).gaps] == ["silent"]


def test_days_are_those_of_the_shop_and_none_lies_ahead(vault: Vault) -> None:
    # 08:00 on Monday 2 March; T0 is 02:00. Sunday has an hour before midnight.
    midnight = (datetime.fromisoformat("2026-03-02T00:00:00+01:00") - T0).total_seconds()
    fill(vault, [(midnight - 3600, midnight - 1800), (midnight + 60, midnight + 3660)])

    sunday, monday = vault.catalogue.days(
        MANAGER, cameras=("kassa",), start=at(midnight - 3600), end=NOW + 50 * HOUR
    )

    assert (sunday.day, sunday.recordings, sunday.covered_s) == (date(2026, 3, 1), 1, 1800)
    assert (sunday.window_s, sunday.gaps) == (86_400, 2)
    assert (monday.day, monday.covered_s, monday.window_s) == (date(2026, 3, 2), 3600, 8 * 3600)


def test_the_day_the_clocks_go_forward_has_23_hours(vault: Vault) -> None:
    day = datetime.fromisoformat("2025-03-30T12:00:00+02:00")
    (spring,) = vault.catalogue.days(MANAGER, cameras=("kassa",), start=day, end=day + HOUR)
    assert spring.window_s == 23 * 3600


def test_neighbours_are_the_nearest_that_are_there_for_who_asks(vault: Vault) -> None:
    ids = fill(
        vault, [(0, 60), (60, 120), (120, 180), (180, 240), (180, 200)], kept=[1, 0, 1, 1, 1]
    )
    middle = vault.catalogue.neighbours(MANAGER, ids[2])
    assert middle.before == ids[0]
    assert middle.after in ids[3:]
    assert vault.catalogue.neighbours(MANAGER, ids[0]).before is None
    last = [each for each in ids[3:] if vault.catalogue.neighbours(MANAGER, each).after is None]
    assert len(last) == 1
