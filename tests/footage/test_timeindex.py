"""The index in time against a naive list, on both engines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, text

from cctv_vault.footage.timeindex import Mark, classes, overlapping, pages, span_class
from cctv_vault.ids import long_id
from cctv_vault.schema import Recording, table
from cctv_vault.vault import Vault

T0 = datetime(2026, 3, 1, tzinfo=UTC)
Span = tuple[str, int, int]  # camera, start and length in milliseconds

# Lengths around the borders of the classes, where a mistake would hide.
lengths = st.one_of(
    st.integers(0, 5000),
    st.sampled_from([2**n * 1000 + d for n in range(14) for d in (-1, 0, 1)]),
)
spans = st.lists(
    st.tuples(st.sampled_from(["kassa", "entre"]), st.integers(0, 20_000_000), lengths),
    max_size=25,
)
moments = st.integers(-1_000_000, 25_000_000)


def at(milliseconds: int) -> datetime:
    return T0 + timedelta(milliseconds=milliseconds)


def row(camera: str, start: int, length: int) -> dict[str, object]:
    begun, span = at(start), timedelta(milliseconds=length)
    return {
        "id": long_id(),
        "camera_code": camera,
        "kind": "video" if length else "still",
        "origin": "surveillance",
        "state": "kept",
        "started_at": begun,
        "ended_at": begun + span,
        "span_class": span_class(span),
        "uncertainty_s": 1.0,
        "time_source": "name",
        "original_started": "",
        "clock_offset_s": 0.0,
        "disagreements": [],
        "original_name": "x",
        "arrived_at": T0,
        "sealed_at": T0,
        "size": 1,
        "sha256": long_id().encode(),
        "ciphertext_size": 1,
        "segment_root": b"",
        "container": "mov",
        "codec": "h264",
        "width": 1,
        "height": 1,
        "fps": 1.0,
        "duration_s": length / 1000,
        "has_audio": False,
        "faults": [],
        "source_state": "removed",
    }


def fill(vault: Vault, recordings: list[dict[str, object]]) -> None:
    with vault.database.write() as session:
        session.execute(delete(table(Recording)))
        if recordings:
            session.execute(insert(table(Recording)), recordings)


def overlaps(recording: dict[str, object], start: datetime, end: datetime) -> bool:
    begun, ended = recording["started_at"], recording["ended_at"]
    assert isinstance(begun, datetime)
    assert isinstance(ended, datetime)
    return begun < end and (ended > start or begun == ended >= start)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(spans, moments, st.integers(1, 8_000_000))
def test_what_overlaps_a_window_is_what_a_naive_list_says(
    vault: Vault, found: list[Span], start: int, length: int
) -> None:
    recordings = [row(*each) for each in found]
    fill(vault, recordings)
    window = at(start), at(start + length)

    with vault.database.read() as session:
        got = overlapping(session, ["kassa"], start=window[0], end=window[1], limit=1000)

    wanted = [r for r in recordings if r["camera_code"] == "kassa" and overlaps(r, *window)]
    wanted.sort(key=lambda r: (r["started_at"], r["id"]))
    assert [each.id for each in got] == [r["id"] for r in wanted]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(spans, st.integers(1, 7))
def test_pages_and_the_reverse_order_give_every_recording_once(
    vault: Vault, found: list[Span], page: int
) -> None:
    recordings = [row(*each) for each in found]
    fill(vault, recordings)
    cameras = ["kassa", "entre"]
    wanted = [r["id"] for r in sorted(recordings, key=lambda r: (r["started_at"], r["id"]))]

    with vault.database.read() as session:
        forward = [each.id for some in pages(session, cameras, page=page) for each in some]
        backward: list[str] = []
        after: Mark | None = None
        while some := overlapping(session, cameras, after=after, newest_first=True, limit=page):
            backward += [each.id for each in some]
            after = Mark(some[-1].started_at, some[-1].id)

    assert forward == wanted
    assert backward == wanted[::-1]


def test_a_span_class_holds_spans_up_to_its_power_of_two_and_no_longer() -> None:
    second, bit = timedelta(seconds=1), timedelta(microseconds=1)
    assert [span_class(timedelta(0)), span_class(bit), span_class(second)] == [0, 0, 0]
    for n in range(1, 30):
        assert span_class(2**n * second) == n
        assert span_class(2**n * second + bit) == n + 1


def test_a_window_is_found_through_the_index_and_not_by_reading_the_archive(vault: Vault) -> None:
    fill(vault, [row("kassa", n * 60_000, 60_000 + n % 10 * 1000) for n in range(3000)])
    asked: list[tuple[str, Any]] = []
    with vault.database.read() as session:
        engine = session.get_bind()
        if vault.database.dialect == "postgresql":
            # So few rows fit into a handful of pages, which it would rather read whole.
            session.execute(text("SET LOCAL enable_seqscan = off"))

        @event.listens_for(engine, "before_cursor_execute")
        def note(_: Any, __: Any, sql: str, values: Any, *___: Any) -> None:  # noqa: ANN401
            asked.append((sql, values))

        got = overlapping(session, ["kassa"], start=at(90_000_000), end=at(90_060_000), limit=50)
        event.remove(engine, "before_cursor_execute", note)
        found = classes(session, ["kassa"])
        explain = "EXPLAIN QUERY PLAN" if vault.database.dialect == "sqlite" else "EXPLAIN"
        plans = [
            "\n".join(
                str(line)
                for line in session.connection().exec_driver_sql(f"{explain} {sql}", values)
            )
            for sql, values in asked
        ]

    assert 1 <= len(got) <= 3
    assert found == [("kassa", 6), ("kassa", 7)]
    search = next(plan for plan in plans if "UNION ALL" in plan or "Append" in plan)
    assert search.count("ix_recording_time") == 2
    assert not any(word in search for word in ("SCAN recording", "Seq Scan"))


def test_the_earliest_time_is_no_obstacle(vault: Vault) -> None:
    fill(vault, [row("kassa", 0, 2**13 * 1000)])
    with vault.database.read() as session:
        assert overlapping(
            session,
            ["kassa"],
            start=datetime.min.replace(tzinfo=UTC),
            end=datetime.max.replace(tzinfo=UTC),
            limit=5,
        )
