from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.footage.detail import sentences
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from cctv_vault.views import to_json
from tests.shop import MANAGER, NOW, SYSTEM, film, person, picture, put

CLEARED = person(Role.PRIVACY_OFFICER, cleared=True)


def take_in(vault: Vault, folder: Path, number: int, at: str, seconds: float = 10.0) -> str:
    """A film that began at a local time of this morning; gives the recording's id."""
    path = put(folder, f"x_20260302_{at}.mp4", film(number, seconds))
    outcome = vault.ingest.offer(SYSTEM, path)
    assert outcome.recording is not None
    return outcome.recording


def local(at: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{at}+01:00")


def hold(vault: Vault, start: str, end: str, *, gagged: bool) -> None:
    order = HoldOrder(
        purpose="preservation-order",
        windows=(("kassa", local(start), local(end)),),
        reason="ärende",
        until=None,
        review_at=NOW + timedelta(days=20),
        gagged=gagged,
    )
    vault.holds.place_as(CLEARED, order)


def test_a_list_has_exactly_the_fields_of_the_contract_and_says_when_each_expires(
    vault: Vault, drop: Path
) -> None:
    first = take_in(vault, drop, 1, "074500")
    still = vault.ingest.offer(SYSTEM, put(drop, "x_20260302_074600.jpg", picture(1))).recording

    listed = [to_json(each) for each in vault.catalogue.list(MANAGER)]

    assert [each["id"] for each in listed] == [first, still]
    assert list(listed[0])[:14] == [
        "id", "camera", "kind", "started_at", "ended_at", "time_source", "uncertainty_s",
        "original_name", "bytes", "sha256", "container", "codec", "expires_at", "held",
    ]  # fmt: skip
    assert listed[0]["started_at"] == "2026-03-02T06:45:00Z"
    assert listed[0]["ended_at"] == "2026-03-02T06:45:10Z"
    assert listed[0]["original_name"] == "x_20260302_074500.mp4"
    assert listed[0]["expires_at"] > "2026-03-05T06:45"
    assert listed[0]["held"] is False
    assert [each["id"] for each in listed if each["kind"] == "still"] == [still]


def test_a_list_is_narrowed_by_camera_window_kind_and_limit(vault: Vault, drop: Path) -> None:
    one = take_in(vault, drop, 1, "070000")
    two = take_in(vault, drop, 2, "070010")
    other = take_in(vault, drop.parent / "entre", 3, "070005")
    still = vault.ingest.offer(SYSTEM, put(drop, "x_20260302_070015.jpg", picture(1))).recording

    def ids(**narrowed: Any) -> list[str]:  # noqa: ANN401
        return [each.id for each in vault.catalogue.list(MANAGER, **narrowed)]

    assert ids() == [one, other, two, still]
    assert ids(newest_first=True) == [still, two, other, one]
    assert ids(cameras=("kassa",)) == [one, two, still]
    assert ids(cameras=("kassa",), start=local("07:00:10"), end=local("07:00:15")) == [two]
    assert ids(start=local("07:00:15"), end=local("07:00:16")) == [two, still]
    assert ids(kind="still") == [still]
    assert ids(limit=2) == [one, other]


def test_a_list_costs_as_many_questions_for_many_recordings_as_for_one(
    quick_vault: Vault, drop: Path
) -> None:
    take_in(quick_vault, drop, 0, "060000", 1.0)
    with asked(quick_vault) as one:
        list(quick_vault.catalogue.list(MANAGER))
    for number in range(1, 8):
        take_in(quick_vault, drop, number, f"06000{number}", 1.0)
    with asked(quick_vault) as many:
        assert len(list(quick_vault.catalogue.list(MANAGER))) == 8

    assert len(many) == len(one)


def test_what_expired_is_absent_and_its_time_is_a_gap_that_says_so(
    vault: Vault, drop: Path
) -> None:
    recording = take_in(vault, drop, 1, "070000")
    vault.set_clock(SYSTEM, NOW + timedelta(days=9))

    assert list(vault.catalogue.list(MANAGER)) == []
    detail = vault.catalogue.show(MANAGER, recording)
    assert (detail.state, detail.original_name, detail.grants) == ("expired", "", ())
    assert [each.purpose for each in detail.ended_grants] == ["prevention"]
    (gap,) = vault.catalogue.gaps(
        MANAGER, cameras=("kassa",), start=local("07:00:00"), end=local("07:00:10")
    )
    assert gap.cause == "expired"


def test_show_answers_why_a_recording_is_still_here(vault: Vault, drop: Path) -> None:
    recording = take_in(vault, drop, 1, "070000")
    hold(vault, "07:00:00", "07:00:05", gagged=False)

    detail = vault.catalogue.show(MANAGER, recording)

    assert [each.purpose for each in detail.grants] == ["prevention", "preservation-order"]
    assert detail.held
    assert detail.expires_at == detail.grants[1].until
    assert {entry.event for entry in detail.entries} >= {
        Event.RECORDING_SEALED,
        Event.SOURCE_REMOVED,
    }
    words = "\n".join(sentences(detail))
    assert "kept for preservation-order" in words
    assert "2026-03-02 07:00:00 CET" in words
    assert to_json(detail)["grants"][0]["statute"]


def test_what_only_a_gagged_hold_keeps_is_for_others_a_recording_that_expired(
    vault: Vault, drop: Path
) -> None:
    # A clock nobody measured would widen the hold by 75 minutes on each side.
    vault.register.measure_clock(SYSTEM, "kassa", 0.0, 1.0, NOW)
    gagged = take_in(vault, drop, 1, "070000")
    gone = take_in(vault, drop, 2, "060000")
    hold(vault, "07:00:00", "07:00:05", gagged=True)
    vault.set_clock(SYSTEM, NOW + timedelta(days=9))

    assert [each.id for each in vault.catalogue.list(CLEARED)] == [gagged]
    assert list(vault.catalogue.list(MANAGER)) == []
    one, other = (to_json(vault.catalogue.show(MANAGER, each)) for each in (gagged, gone))
    told = ("state", "original_name", "expires_at", "held", "grants", "source_state")
    assert {name: one[name] for name in told} == {name: other[name] for name in told}
    assert [e["event"] for e in one["entries"]] == [e["event"] for e in other["entries"]]
    causes = {
        actor.id: [
            gap.cause
            for gap in vault.catalogue.gaps(
                actor, cameras=("kassa",), start=local("07:00:00"), end=local("07:00:10")
            )
        ]
        for actor in (MANAGER, person(Role.MANAGER, name="Ove", cleared=True))
    }
    assert causes == {"u-Eva": ["expired"], "u-Ove": []}


def test_recordings_that_touch_are_one_stretch_and_holes_have_their_cause(
    vault: Vault, drop: Path
) -> None:
    take_in(vault, drop, 1, "070000")
    take_in(vault, drop, 2, "070011")  # a second later: continuous
    take_in(vault, drop, 3, "070030")
    vault.ingest.offer(SYSTEM, put(drop, "x_20260302_070045.mp4", b"broken"))
    take_in(vault, drop, 4, "070100")

    gaps = vault.catalogue.gaps(
        MANAGER, cameras=("kassa",), start=local("07:00:00"), end=local("07:01:10")
    )

    assert [(gap.starts_at, gap.ends_at, gap.cause) for gap in gaps] == [
        (local("07:00:21"), local("07:00:30"), "quarantined"),
        (local("07:00:40"), local("07:01:00"), "quarantined"),
    ]
    (coverage,) = vault.catalogue.coverage(
        MANAGER, cameras=("kassa",), start=local("07:00:00"), end=local("07:01:10")
    )
    assert (coverage.recordings, coverage.covered_s, coverage.window_s) == (4, 41.0, 70.0)


def test_a_silent_camera_and_stopped_intake_are_told_apart(vault: Vault, drop: Path) -> None:
    take_in(vault, drop, 1, "070000")
    with vault.ledger.act(Event.INTAKE_STOPPED, SYSTEM) as act:
        act.record(Event.INTAKE_STOPPED)
    vault.set_clock(SYSTEM, NOW + timedelta(hours=1))
    with vault.ledger.act(Event.INTAKE_RESUMED, SYSTEM) as act:
        act.record(Event.INTAKE_RESUMED)

    silent = vault.catalogue.gaps(
        MANAGER, cameras=("kassa",), start=local("07:00:00"), end=local("07:30:00")
    )
    stopped = vault.catalogue.gaps(
        MANAGER, cameras=("entre",), start=local("08:00:00"), end=local("08:30:00")
    )

    assert [(gap.starts_at, gap.cause) for gap in silent] == [(local("07:00:10"), "silent")]
    assert [(gap.camera, gap.cause) for gap in stopped] == [("entre", "intake-stopped")]


def test_the_future_is_no_gap(vault: Vault) -> None:
    (gap,) = vault.catalogue.gaps(
        MANAGER, cameras=("kassa",), start=local("07:59:00"), end=local("12:00:00")
    )

    assert gap.ends_at == NOW
    assert (
        vault.catalogue.gaps(
            MANAGER, cameras=("kassa",), start=local("09:00:00"), end=local("12:00:00")
        )
        == ()
    )


def test_a_refused_look_is_in_the_log(quick_vault: Vault) -> None:
    staff = person(Role.STAFF)
    with pytest.raises(AccessDeniedError):
        quick_vault.catalogue.list(staff)
    with pytest.raises(InvalidInputError):
        quick_vault.catalogue.list(MANAGER, start=local("08:00:00"), end=local("07:00:00"))
    with pytest.raises(InvalidInputError):
        quick_vault.catalogue.list(MANAGER, kind="hologram")
    with pytest.raises(NotFoundError, match="the cameras are entre, kassa"):
        quick_vault.catalogue.list(MANAGER, cameras=("lager",))
    with pytest.raises(NotFoundError):
        quick_vault.catalogue.show(MANAGER, "nothing")

    refused = [e for e in quick_vault.log.entries() if e.event == Event.REFUSED]
    assert [e.facts["code"] for e in refused] == ["access-denied", "invalid-input", "not-found"]


@contextmanager
def asked(vault: Vault) -> Iterator[list[str]]:
    """The statements the index is asked."""
    statements: list[str] = []
    with vault.database.read() as session:
        engine = session.get_bind()

    def note(_: Any, __: Any, sql: str, *___: Any) -> None:  # noqa: ANN401
        statements.append(sql)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_what_leaves_soon_is_counted_as_the_list_would_count_it(vault: Vault, drop: Path) -> None:
    vault.register.measure_clock(MANAGER, "kassa", 0.0, 1.0, NOW)
    for number in range(6):
        take_in(vault, drop, number, f"07{number}000")
    hold(vault, "07:00:00", "07:00:30", gagged=False)
    hold(vault, "07:10:00", "07:10:30", gagged=True)
    order = HoldOrder(
        purpose="preservation-order",
        windows=(("kassa", local("07:20:00"), local("07:20:30")),),
        reason="ärende",
        until=NOW + timedelta(days=2),
        review_at=None,
    )
    vault.holds.place_as(CLEARED, order)

    counts = set()
    for actor in (MANAGER, CLEARED):
        for within in (timedelta(hours=1), timedelta(hours=71, minutes=25), timedelta(days=9)):
            end = NOW + within
            listed = [
                each
                for each in vault.catalogue.list(actor)
                if each.expires_at is not None and each.expires_at < end
            ]
            found = (len(listed), sum(each.bytes for each in listed))
            assert vault.catalogue.leaving(actor, within) == found
            counts.add(found[0])

    assert len(counts) > 2, "it is another number for another person or time"
    with pytest.raises(AccessDeniedError):
        vault.catalogue.leaving(person(), timedelta(days=1))
