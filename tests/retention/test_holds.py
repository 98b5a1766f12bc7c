"""A hold keeps its windows: what is there, what comes, and nothing that is gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    OnHoldError,
    PersonNeededError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import system_actor
from cctv_vault.retention.holds import Ending, HoldOrder
from cctv_vault.schema import Camera, Site
from tests.retention.conftest import MONDAY, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def test_a_hold_keeps_what_it_matches_beyond_prevention_and_nothing_beside_it(world: World) -> None:
    held = world.record("kassa", MONDAY - HOUR)
    before = world.record("kassa", MONDAY - 3 * HOUR)
    elsewhere = world.record("entre", MONDAY - HOUR)
    world.claim("kassa", MONDAY - 55 * MINUTE, MONDAY - 54 * MINUTE)

    world.at(MONDAY + 30 * DAY)
    world.sweeper.run(world.manager)
    assert [world.readable(each) for each in (held, before, elsewhere)] == [True, False, False]


def test_a_late_upload_is_caught_by_the_hold_in_the_act_that_indexes_it(world: World) -> None:
    world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.at(MONDAY + 20 * DAY)
    late = world.record("kassa", MONDAY - 30 * MINUTE)
    world.at(MONDAY + 60 * DAY)
    world.sweeper.run(world.manager)
    assert world.readable(late)


def test_a_hold_never_revives_what_has_expired_swept_or_not(world: World) -> None:
    swept = world.record("kassa", MONDAY - 2 * HOUR)
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    due = world.record("kassa", MONDAY + 2 * DAY)  # ends on day 5
    world.at(MONDAY + 5 * DAY + HOUR)

    order = HoldOrder("claim", (("kassa", MONDAY - 3 * HOUR, MONDAY + 3 * DAY),), "krav")
    hold = world.holds.place_as(world.officer, order)
    assert (hold.recordings, hold.gone) == (0, 2)
    assert not world.readable(swept)
    assert not world.readable(due)


def test_releasing_ends_access_at_once_and_revives_nothing(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.at(MONDAY + 10 * DAY)
    assert world.readable(recording)

    released = world.holds.release_as(world.officer, hold, "kravet är reglerat")
    assert not released.live
    assert not world.readable(recording)
    world.sweeper.run(world.manager)
    assert world.row(recording).state == "expired"
    with pytest.raises(TransitionNotAllowedError):
        world.holds.release_as(world.officer, hold, "en gång till")


def test_two_holds_on_one_recording_are_independent(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    first = world.claim("kassa", MONDAY - HOUR, MONDAY)
    second = world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.at(MONDAY + 10 * DAY)
    world.holds.release_as(world.officer, first, "klart")
    world.sweeper.run(world.manager)
    assert world.readable(recording)
    world.holds.release_as(world.officer, second, "klart")
    assert not world.readable(recording)


def test_a_hold_with_an_end_lapses_at_it(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    until = MONDAY + 10 * DAY + timedelta(seconds=1)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose="more-coming", until=until)
    world.at(until - timedelta(seconds=1))
    world.sweeper.run(world.manager)
    assert world.readable(recording)

    world.at(until)
    assert not world.readable(recording)
    world.sweeper.run(world.manager)
    assert world.row(recording).state == "expired"
    assert Event.HOLD_LAPSED.value in world.events(hold)
    assert world.holds.show(world.officer, hold).released_at == until


def test_an_unmeasured_clock_widens_the_hold_by_75_minutes(world: World) -> None:
    world.camera("gang", uncertainty_s=None)
    near = world.record("gang", MONDAY - 85 * MINUTE, uncertainty_s=4500)
    far = world.record("gang", MONDAY - 100 * MINUTE, uncertainty_s=4500)
    hold = world.holds.place_as(
        world.officer, HoldOrder("claim", (("gang", MONDAY - MINUTE, MONDAY),), "krav")
    )
    assert hold.recordings == 1
    assert len(world.live(near)) == 2
    assert len(world.live(far)) == 1


def test_a_corrected_clock_adds_to_a_hold_and_drops_nothing(world: World) -> None:
    inside = world.record("kassa", MONDAY - HOUR)
    beside = world.record("kassa", MONDAY - 20 * MINUTE)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY - 40 * MINUTE)
    assert [len(world.live(each)) for each in (inside, beside)] == [2, 1]

    with world.home.ledger.act(
        Event.CAMERA_CLOCK_MEASURED, system_actor(), cameras=["kassa"]
    ) as act:
        camera = act.session.get_one(Camera, "kassa")
        camera.clock_offset_s = 1800.0  # what was shown was half an hour fast
        act.session.add(camera)
        added = world.holds.clock_changed(act, "kassa")
        act.record(Event.CAMERA_CLOCK_MEASURED, "kassa")
    assert added == 1
    assert [len(world.live(each)) for each in (inside, beside)] == [2, 2]
    assert world.holds.show(world.officer, hold).recordings == 2


def test_narrowing_a_hold_ends_what_it_no_longer_covers(world: World) -> None:
    kept = world.record("kassa", MONDAY - HOUR)
    dropped = world.record("kassa", MONDAY - 3 * HOUR)
    hold = world.claim("kassa", MONDAY - 4 * HOUR, MONDAY)
    with world.home.ledger.act(Event.HOLD_CHANGED, world.officer, cameras=["kassa"]) as act:
        view = world.holds.change(act, hold, windows=(("kassa", MONDAY - HOUR, MONDAY),))
    assert view.recordings == 1

    world.at(MONDAY + 10 * DAY)
    assert [world.readable(each) for each in (kept, dropped)] == [True, False]
    world.sweeper.run(world.manager)
    assert [world.readable(each) for each in (kept, dropped)] == [True, False]
    assert Event.KEY_REPLACED.value in world.events()


def test_changing_the_end_moves_every_grant(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose="more-coming")
    with world.home.ledger.act(Event.HOLD_CHANGED, world.officer, cameras=["kassa"]) as act:
        world.holds.change(act, hold, until=MONDAY + 20 * DAY, purpose="claim")
    grant = next(each for each in world.live(recording) if each.hold_id == hold)
    assert (grant.purpose, grant.until) == ("claim", MONDAY + 20 * DAY)
    late = world.record("kassa", MONDAY - 50 * MINUTE)
    assert [each.until for each in world.live(late) if each.hold_id == hold] == [MONDAY + 20 * DAY]


def test_a_gagged_hold_is_not_there_for_the_uncleared(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    assert world.holds.list(world.manager) == ()
    with pytest.raises(NotFoundError):
        world.holds.show(world.manager, hold)
    with pytest.raises(NotFoundError):
        world.holds.release_as(world.manager, hold, "varför inte")
    assert [each.id for each in world.holds.list(world.officer)] == [hold]

    world.at(MONDAY + 5 * DAY)
    report = world.sweeper.run(world.manager)
    assert report.recordings == len(report.due) == 1  # to her it has expired
    assert world.sweeper.run(world.manager, dry_run=True).due == ()


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        (HoldOrder("claim", (("kassa", MONDAY, MONDAY - HOUR),), "x"), "reversed"),
        (HoldOrder("claim", (("kassa", MONDAY - HOUR, MONDAY - HOUR),), "x"), "empty"),
        (HoldOrder("claim", (("kassa", MONDAY + HOUR, MONDAY + 2 * HOUR),), "x"), "future"),
        (HoldOrder("claim", (("kassa", datetime(2026, 3, 1), MONDAY),), "x"), "offset"),  # noqa: DTZ001
        (HoldOrder("claim", (), "x"), "at least one"),
        (HoldOrder("claim", (("kassa", MONDAY - HOUR, MONDAY),), " "), "reason"),
        (HoldOrder("prevention", (("kassa", MONDAY - HOUR, MONDAY),), "x"), "cannot be a hold"),
        (HoldOrder("because", (("kassa", MONDAY - HOUR, MONDAY),), "x"), "no purpose"),
        (HoldOrder("incident", (("kassa", MONDAY - HOUR, MONDAY),), "x"), "comes with"),
        (HoldOrder("claim", (("lagre", MONDAY - HOUR, MONDAY),), "x"), "entre, kassa"),
        (
            HoldOrder("save-now", (("kassa", MONDAY - HOUR, MONDAY),), "x", until=MONDAY + 2 * DAY),
            "at most 24h",
        ),
        (
            HoldOrder("save-now", (("kassa", MONDAY - DAY - HOUR, MONDAY),), "x"),
            "of the last 24 hours",
        ),
    ],
)
def test_a_hold_that_cannot_be_is_refused_and_the_refusal_entered(
    sqlite_world: World, order: HoldOrder, fault: str
) -> None:
    world = sqlite_world
    with pytest.raises((InvalidInputError, NotFoundError), match=fault):
        world.holds.place_as(world.officer, order)
    assert world.holds.list(world.officer) == ()
    refusal = world.home.log.entries(event=Event.REFUSED.value)[-1]
    assert refusal.facts["act"] == Event.HOLD_PLACED.value


def test_staff_save_now_and_place_no_other_hold(sqlite_world: World) -> None:
    world = sqlite_world
    world.record("kassa", MONDAY - HOUR)
    window = (("kassa", MONDAY - HOUR, MONDAY),)
    saved = world.holds.place_as(world.staff, HoldOrder("save-now", window, "något hände"))
    assert (saved.recordings, saved.until) == (1, MONDAY + DAY)
    with pytest.raises(AccessDeniedError):
        world.holds.place_as(world.staff, HoldOrder("claim", window, "krav"))
    with pytest.raises(AccessDeniedError):
        world.holds.release_as(world.staff, saved.id, "ångrar mig")
    with pytest.raises(PersonNeededError):
        world.holds.place_as(system_actor(), HoldOrder("claim", window, "krav"))
    assert len(world.home.log.entries(event=Event.REFUSED.value)) >= 2


def test_the_document_and_reason_of_a_hold_are_sealed(sqlite_world: World) -> None:
    world = sqlite_world
    order = HoldOrder(
        "preservation-order",
        (("kassa", MONDAY - HOUR, MONDAY),),
        "beslut av kammaråklagare Testsson",
        document=b"%PDF-1.7 the decision of prosecutor Testsson",
    )
    hold = world.holds.place_as(world.officer, order)
    assert hold.reason == order.reason
    assert "Testsson" not in repr(hold) + repr(order)
    world.home.database.scrub_free_pages()
    for path in world.home.settings.home.rglob("*"):
        assert not path.is_file() or b"Testsson" not in path.read_bytes()
    assert UTC is hold.placed_at.tzinfo


def order_of(**changes: Any) -> HoldOrder:  # noqa: ANN401
    windows = (("kassa", MONDAY - HOUR, MONDAY),)
    return HoldOrder(**({"purpose": "claim", "windows": windows, "reason": "krav"} | changes))


def test_before_a_release_it_is_told_what_would_expire_at_once(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    world.record("kassa", MONDAY - 30 * MINUTE)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.claim("kassa", MONDAY - 20 * MINUTE, MONDAY)
    # The second recording would be there still, by another hold, and both by prevention.
    assert world.holds.ending(world.manager, hold) == Ending(2, 10_000, 0, 0)
    world.at(MONDAY + 10 * DAY)
    assert world.holds.ending(world.manager, hold) == Ending(2, 10_000, 1, 5000)
    world.holds.release_as(world.manager, hold, "reglerat")
    assert world.holds.ending(world.manager, hold) == Ending(0, 0, 0, 0)


def test_what_a_release_would_do_is_told_as_if_no_secret_hold_were_there(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    gagged = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True)
    world.at(MONDAY + 10 * DAY)
    assert world.holds.ending(world.manager, hold).at_once == 1
    assert world.holds.ending(world.officer, hold).at_once == 0
    with pytest.raises(NotFoundError):
        world.holds.ending(world.manager, gagged)


def test_an_order_runs_from_its_decision_and_ninety_days_more_once(world: World) -> None:
    decided = MONDAY - 10 * DAY
    order = order_of(
        purpose="preservation-order",
        windows=(("kassa", decided - HOUR, decided),),
        decided_at=decided,
    )
    hold = world.holds.place_as(world.officer, order)
    assert hold.until == decided + 90 * DAY
    with pytest.raises(InvalidInputError, match="privacy-officer"):
        world.holds.extend_as(world.manager, hold.id, decided + 100 * DAY, "beslut")
    with pytest.raises(InvalidInputError, match="at most"):
        world.holds.extend_as(world.officer, hold.id, decided + 181 * DAY, "beslut")
    with pytest.raises(InvalidInputError, match="so long already"):
        world.holds.extend_as(world.officer, hold.id, decided + 80 * DAY, "beslut")
    more = world.holds.extend_as(world.officer, hold.id, decided + 180 * DAY, "beslut", b"%PDF")
    assert (more.until, more.review_at) == (decided + 180 * DAY, decided + 173 * DAY)
    with pytest.raises(InvalidInputError, match="no more"):
        world.holds.extend_as(world.officer, hold.id, decided + 190 * DAY, "beslut")
    (entry,) = world.home.log.entries(event=Event.HOLD_EXTENDED.value)
    assert entry.facts["document_sha256"] == sha256(b"%PDF").hexdigest()


def test_an_order_reaches_stored_footage_only(sqlite_world: World) -> None:
    world = sqlite_world
    late = order_of(
        purpose="preservation-order", windows=(("kassa", MONDAY - HOUR, MONDAY + HOUR),)
    )
    with pytest.raises(InvalidInputError, match="27:16"):
        world.holds.place_as(world.officer, late)
    since = order_of(purpose="preservation-order", decided_at=MONDAY - 30 * MINUTE)
    with pytest.raises(InvalidInputError, match="clarification"):
        world.holds.place_as(world.officer, since)
    ended = order_of(
        purpose="preservation-order",
        windows=(("kassa", MONDAY - 95 * DAY, MONDAY - 94 * DAY),),
        decided_at=MONDAY - 91 * DAY,
    )
    with pytest.raises(InvalidInputError, match="ended"):
        world.holds.place_as(world.officer, ended)
    ahead = order_of(purpose="preservation-order", decided_at=MONDAY + HOUR)
    with pytest.raises(InvalidInputError, match="future"):
        world.holds.place_as(world.officer, ahead)


def test_a_trespass_ban_covers_one_shop_and_never_a_child(world: World) -> None:
    with world.home.database.write() as session:
        session.add(
            Site(
                code="kista",
                name="Kista",
                zone="Europe/Stockholm",
                freeze_budget_bytes=0,
                created_at=MONDAY,
            )
        )
        session.flush()
        camera = session.get_one(Camera, "entre")
        camera.site_code = "kista"
        session.add(camera)
    ban = order_of(purpose="trespass-ban", over_15=True)
    both = (*ban.windows, ("entre", MONDAY - HOUR, MONDAY))
    with pytest.raises(InvalidInputError, match="premises of one shop"):
        world.holds.place_as(world.officer, replace(ban, windows=both))
    with pytest.raises(InvalidInputError, match="under 15"):
        world.holds.place_as(world.officer, replace(ban, over_15=False))
    decided = MONDAY - 30 * DAY
    kept = world.holds.place_as(world.officer, replace(ban, decided_at=decided))
    assert kept.until == datetime(2027, 1, 31, 8, tzinfo=UTC)  # a year of the decision, no longer


def test_what_is_restricted_is_kept_and_marked_for_no_use(world: World) -> None:
    restricted, free = world.record("kassa", MONDAY - HOUR), world.record("entre", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose="restriction")
    with world.home.database.read() as session:
        world.grants.require_usable(session, [free], world.now())
        with pytest.raises(OnHoldError, match=hold):
            world.grants.require_usable(session, [free, restricted], world.now())
    world.at(MONDAY + 200 * DAY)
    world.sweeper.run(world.manager)
    assert world.readable(restricted)  # it is there, for whoever lifts the restriction
    world.holds.release_as(world.officer, hold, "begränsningen är hävd")
    with world.home.database.read() as session:
        world.grants.require_usable(session, [restricted], world.now())
    with pytest.raises(InvalidInputError, match="cannot be a secret"):
        world.claim("entre", MONDAY - HOUR, MONDAY, purpose="restriction", gagged=True)
