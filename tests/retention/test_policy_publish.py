"""Versions of the policy: in force no earlier than published, shorter at once, never longer."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.incidents.views import IncidentView
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.publication import Publisher
from cctv_vault.schema import Grant, PurposeKey
from tests.retention.conftest import MONDAY, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICER = Actor("u-Olga", "Olga", "asserted", frozenset({Role.PRIVACY_OFFICER}), is_person=True)


def version(number: int, *changes: tuple[str, str]) -> str:
    text = default_policy_text().replace("version = 1", f"version = {number}")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    return text


A_DAY = ('period = "72h"\nfirst_opening = "12:00"\nceiling = "120h"', 'period = "24h"')
FOUR_DAYS = (
    'period = "72h"\nfirst_opening = "12:00"\nceiling = "120h"',
    'period = "96h"\nreason = "återkommande inbrott"',
)


def publisher(world: World) -> Publisher:
    return Publisher(
        database=world.home.database,
        ledger=world.home.ledger,
        keyring=world.home.keyring,
        policies=world.policies,
        zone="Europe/Stockholm",
    )


def until(world: World, recording: str) -> datetime:
    (grant,) = world.live(recording)
    assert grant.until is not None
    return grant.until


def key_of(world: World, recording: str) -> str | None:
    with world.home.database.read() as session:
        found: str | None = session.execute(
            select(col(Grant.purpose_key_id)).where(col(Grant.recording_id) == recording)
        ).scalar_one()
    return found


def keys(world: World) -> set[str]:
    with world.home.database.read() as session:
        return set(session.execute(select(col(PurposeKey.id))).scalars())


def test_a_shorter_policy_shortens_what_is_kept_at_once(world: World) -> None:
    old = world.record("kassa", MONDAY - 30 * HOUR)
    young = world.record("kassa", MONDAY - HOUR)
    before = key_of(world, young)
    published = publisher(world).publish(OFFICER, version(2, A_DAY), MONDAY)

    assert not world.readable(old)
    assert world.readable(young)
    assert until(world, young) == MONDAY - HOUR + timedelta(minutes=10) + DAY
    assert "shortened by version 2" in world.live(young)[0].reason
    assert published.effect.recordings == 2
    assert published.effect.at_once == 1

    report = world.sweeper.run(system_actor())
    assert [each.recording for each in report.due] == [old]
    # The key under which it would have lived for three days opens nothing any more.
    assert before not in keys(world)
    assert world.readable(young)
    world.at(MONDAY + DAY)
    assert not world.readable(young)
    report = world.sweeper.run(system_actor())
    assert [each.recording for each in report.due] == [young]
    assert key_of(world, young) is None


def test_a_longer_policy_keeps_nothing_longer_that_was_recorded_before(sqlite_world: World) -> None:
    world = sqlite_world
    there = world.record("kassa", MONDAY - HOUR)
    was = until(world, there)
    published = publisher(world).publish(OFFICER, version(2, FOUR_DAYS), MONDAY)
    late = world.record("kassa", MONDAY - 2 * HOUR)
    world.at(MONDAY + HOUR)
    new = world.record("kassa", MONDAY + timedelta(minutes=5))

    assert published.effect.recordings == 0
    assert until(world, there) == was
    assert until(world, late) == MONDAY - 2 * HOUR + timedelta(minutes=10) + 3 * DAY
    assert until(world, new) == MONDAY + timedelta(minutes=15) + 4 * DAY


def test_a_version_takes_effect_no_earlier_than_it_is_published(sqlite_world: World) -> None:
    world = sqlite_world
    there = world.record("kassa", MONDAY - HOUR)
    ahead = publisher(world).publish(OFFICER, version(2, A_DAY), MONDAY + 2 * DAY)
    assert ahead.effective_at == MONDAY + 2 * DAY
    assert world.policies.in_force().version == 1
    # What would have gone sooner goes when the version takes effect, and not before.
    assert until(world, there) == MONDAY + 2 * DAY
    assert until(world, world.record("kassa", MONDAY - 2 * HOUR)) == MONDAY + 2 * DAY

    world.at(MONDAY + 2 * DAY)
    assert world.policies.in_force().version == 2
    assert not world.readable(there)
    shown = world.policies.show(1)
    assert not shown.in_force
    assert [each.state for each in shown.versions] == ["past", "in-force"]


def test_a_version_published_long_ago_takes_effect_when_the_vault_learns_of_it(
    sqlite_world: World,
) -> None:
    published = publisher(sqlite_world).publish(OFFICER, version(2, A_DAY), MONDAY - 30 * DAY)
    assert published.effective_at == MONDAY


def test_no_version_overtakes_one_that_is_still_ahead(sqlite_world: World) -> None:
    publish = publisher(sqlite_world).publish
    publish(OFFICER, version(2, A_DAY), MONDAY + 2 * DAY)
    soon = ("holidays", f"effective_at = {(MONDAY + DAY).isoformat()}\nholidays")
    with pytest.raises(InvalidInputError, match="none after it"):
        publish(OFFICER, version(3, soon), MONDAY)
    assert publish(OFFICER, version(3), MONDAY).effective_at == MONDAY + 2 * DAY


def test_what_would_go_is_told_beforehand_to_the_recording(sqlite_world: World) -> None:
    world = sqlite_world
    for hours in (1, 2, 20, 30, 60):
        world.record("kassa", MONDAY - hours * HOUR)
    held = world.record("entre", MONDAY - 30 * HOUR)
    world.claim("entre", MONDAY - 31 * HOUR, MONDAY - 29 * HOUR)
    told = publisher(world).preview(OFFICER, version(2, A_DAY), MONDAY)

    assert told.dry_run
    assert world.policies.in_force().version == 1
    assert told.effect.recordings == 5  # the held one goes no sooner
    assert told.effect.at_once == 2
    assert [(str(x.day), x.recordings, x.bytes) for x in told.effect.days] == [
        ("2026-03-02", 3, 15_000),  # two at once, and what is 20 hours old at 14:10
        ("2026-03-03", 2, 10_000),
    ]
    done = publisher(world).publish(OFFICER, version(2, A_DAY), MONDAY)
    assert (done.effect, done.dry_run) == (told.effect, False)
    assert world.sweeper.run(system_actor(), dry_run=True).recordings == told.effect.at_once
    assert world.readable(held)


def test_only_the_privacy_officer_publishes_and_the_log_says_what(sqlite_world: World) -> None:
    world = sqlite_world
    text = version(2, A_DAY)
    for nobody in (system_actor(), world.manager):
        with pytest.raises(AccessDeniedError):
            publisher(world).publish(nobody, text, MONDAY)
    with pytest.raises(AccessDeniedError):
        publisher(world).preview(world.staff, text, MONDAY)
    publisher(world).publish(OFFICER, text, MONDAY)
    (entry,) = world.home.log.entries(event="policy.published")

    assert entry.actor == OFFICER.id
    assert entry.facts["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert world.policies.show(2).document == text
    with pytest.raises(NotFoundError, match="1 to 2"):
        world.policies.show(3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (version(3), "version = 2"),
        (version(1), "version = 2"),
        (version(2, ('period = "72h"', 'period = "73h"')), "line [0-9]+: .*guideline"),
        (version(2, ("version", "effective_at = 2026-03-01T00:00:00Z\nversion")), "S17"),
        (version(2, ("[[purpose]]", "[site.lager]\nclosed = []\n[[purpose]]")), "no site 'lager'"),
    ],
)
def test_a_version_with_a_fault_is_not_published(
    sqlite_world: World, text: str, fault: str
) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        publisher(sqlite_world).publish(OFFICER, text, MONDAY)
    assert sqlite_world.policies.show().version == 1


def test_a_shorter_purpose_ends_the_houses_own_holds_and_nobody_elses(sqlite_world: World) -> None:
    world = sqlite_world
    recording = world.record("kassa", MONDAY - HOUR)

    def flag() -> IncidentView:
        return world.incidents.flag(
            world.manager,
            cameras=["kassa"],
            starts_at=MONDAY - 2 * HOUR,
            ends_at=MONDAY,
            title="stöld",
            category="theft",
        )

    plain, reported, extended = flag(), flag(), flag()
    world.incidents.set_report_number(world.manager, reported.id, "5000-K1-26")
    world.incidents.extend(world.manager, extended.id, MONDAY + 35 * DAY, "utredning pågår")
    order = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose="preservation-order")
    changes = [('period = "30d"', 'period = "10d"'), ('review = "25d"', 'review = "8d"')]
    changes += [('after_report = "90d"', 'after_report = "60d"')]
    published = publisher(world).publish(OFFICER, version(2, *changes), MONDAY)
    ends = {x.id: x.until for x in world.holds.list(world.officer)}

    assert ends[plain.hold_id] == MONDAY + 10 * DAY
    assert ends[reported.hold_id] == MONDAY + 60 * DAY
    assert ends[extended.hold_id] == MONDAY + 35 * DAY
    assert ends[order] == MONDAY + 90 * DAY
    assert set(published.effect.holds) == {plain.hold_id, reported.hold_id}
    world.at(MONDAY + 20 * DAY)
    world.sweeper.run(system_actor())
    assert world.incidents.show(world.manager, plain.id).state == "lapsed"
    assert world.readable(recording)


def test_a_gagged_hold_shows_in_no_effect(make_world: Callable[[str | None], World]) -> None:
    told = []
    for gagged in (False, True):
        world = make_world(None)
        world.record("kassa", MONDAY - 30 * HOUR)
        if gagged:
            world.claim(
                "kassa",
                MONDAY - 31 * HOUR,
                MONDAY,
                purpose="preservation-order",
                gagged=True,
            )
        told.append(publisher(world).publish(OFFICER, version(2, A_DAY), MONDAY).effect)
    assert told[0] == told[1]
    assert told[0].recordings == 1


def test_who_may_extend_and_how_often_is_the_policys_to_say(sqlite_world: World) -> None:
    world = sqlite_world
    once = ('extend_by = ["manager", "privacy-officer"]', 'extend_by = ["manager"]\nextensions = 1')
    publisher(world).publish(OFFICER, version(2, once), MONDAY)
    world.record("kassa", MONDAY - HOUR)
    incident = world.incidents.flag(
        world.manager,
        cameras=["kassa"],
        starts_at=MONDAY - 2 * HOUR,
        ends_at=MONDAY,
        title="stöld",
        category="theft",
    )
    with pytest.raises(InvalidInputError, match="only manager"):
        world.incidents.extend(world.officer, incident.id, MONDAY + 35 * DAY, "mer")
    # A report number lengthens too, and is no extension.
    world.incidents.set_report_number(world.manager, incident.id, "5000-K1-26")
    world.incidents.extend(world.manager, incident.id, MONDAY + 100 * DAY, "mer")
    with pytest.raises(InvalidInputError, match="extended 1 times"):
        world.incidents.extend(world.manager, incident.id, MONDAY + 110 * DAY, "mer")


def test_opening_days_of_the_policy_go_before_those_of_the_register(sqlite_world: World) -> None:
    world = sqlite_world
    weekend = datetime(2026, 3, 6, 8, tzinfo=UTC)  # a Friday
    closed = ("[[purpose]]", '[site.butik]\nmon = [["10:00", "18:00"]]\n[[purpose]]')
    publisher(world).publish(OFFICER, version(2, closed), MONDAY)
    world.at(weekend)
    friday = world.record("kassa", weekend - timedelta(minutes=10))
    assert until(world, friday) == datetime(2026, 3, 9, 11, tzinfo=UTC)  # noon on Monday
    # The shop turns out to be open on Saturday: the wait is over, and 72 hours remain.
    opened = (
        "[[purpose]]",
        f"{closed[1].removesuffix('[[purpose]]')}opened = [2026-03-07]\n[[purpose]]",
    )
    publisher(world).publish(OFFICER, version(3, opened), weekend)
    assert until(world, friday) == weekend + 3 * DAY
