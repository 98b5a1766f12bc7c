"""Which purposes keep a recording, and who may open it."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from cctv_vault.errors import ExpiredError, NotFoundError
from cctv_vault.people.actors import EVERYTHING
from cctv_vault.schema import Grant, PurposeKey
from storage.errors import KeyTamperedError
from tests.retention.conftest import MONDAY, World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_footage_is_kept_under_the_purpose_of_its_origin(world: World) -> None:
    world.camera("studio", origin="production")
    shop = world.record("kassa", MONDAY - HOUR)
    course = world.record("studio", MONDAY - HOUR, origin="production")

    (prevention,) = world.live(shop)
    (marketing,) = world.live(course)
    assert (prevention.purpose, prevention.until) == (
        "prevention",
        MONDAY - HOUR + 10 * MINUTE + 72 * HOUR,
    )
    assert marketing.purpose == "course-marketing"
    assert world.readable(shop)
    assert world.readable(course)


def test_footage_is_refused_from_its_exact_end_before_any_sweep(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    (grant,) = world.live(recording)
    assert grant.until is not None

    world.at(grant.until - timedelta(microseconds=1))
    assert world.readable(recording)
    world.at(grant.until)
    with pytest.raises(ExpiredError):
        world.read(recording)
    assert world.live(recording) == ()


def test_footage_that_arrives_after_its_purposes_is_kept_a_day(world: World) -> None:
    recording = world.record("kassa", MONDAY - timedelta(days=10))
    (grant,) = world.live(recording)
    assert (grant.purpose, grant.until) == ("late-arrival", MONDAY + timedelta(days=1))


def test_late_footage_under_a_hold_is_kept_by_the_hold_alone(world: World) -> None:
    past = MONDAY - timedelta(days=10)
    hold = world.claim("kassa", past, past + HOUR)
    recording = world.record("kassa", past)
    (grant,) = world.live(recording)
    assert (grant.purpose, grant.hold_id, grant.until) == ("claim", hold, None)


def test_one_purpose_key_serves_a_purpose_and_quarter_hour(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    world.record("entre", MONDAY - HOUR + 2 * MINUTE)
    world.record("entre", MONDAY - HOUR + 20 * MINUTE)
    with world.home.database.read() as session:
        keys = session.exec(select(PurposeKey).where(PurposeKey.purpose == "prevention")).all()
    assert len(keys) == 2
    assert all(key.expires_at is not None and key.expires_at.minute % 15 == 0 for key in keys)


def test_a_recording_nobody_knows_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.read("nothing")


def test_to_the_uncleared_what_only_a_gagged_hold_keeps_has_expired(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    expired = world.record("entre", MONDAY - HOUR)
    world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    assert world.readable(recording, cleared=False)

    world.at(MONDAY + timedelta(days=5))
    world.sweeper.run(world.manager)
    assert world.readable(recording, cleared=True)
    with pytest.raises(ExpiredError) as hidden:
        world.read(recording, cleared=False)
    with pytest.raises(ExpiredError) as plain:
        world.read(expired, cleared=False)
    assert str(hidden.value).replace(recording, "") == str(plain.value).replace(expired, "")


def test_a_wrapped_key_moved_to_another_recording_opens_nothing(world: World) -> None:
    one = world.record("kassa", MONDAY - HOUR)
    other = world.record("kassa", MONDAY - 2 * HOUR, content=b"x")
    with world.home.database.write() as session:
        wrapped = session.exec(select(Grant).where(Grant.recording_id == other)).one().wrapped_key
        session.execute(
            update(Grant).where(col(Grant.recording_id) == one).values(wrapped_key=wrapped)
        )
    with pytest.raises(KeyTamperedError):
        world.read(one)


def test_a_reader_whose_snapshot_is_older_than_a_rotation_reads_on(world: World) -> None:
    kept = world.record("kassa", MONDAY - HOUR)
    world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.record("entre", MONDAY - HOUR)
    world.at(MONDAY + timedelta(days=5))
    with world.home.database.read() as session:
        session.exec(select(PurposeKey)).all()  # the snapshot begins here
        world.sweeper.run(world.manager)
        key = world.grants.key_for(session, kept, world.now(), EVERYTHING)
    assert key.reveal() == world.keys[kept]


def test_sealed_text_ends_with_the_key_of_its_month(world: World) -> None:
    with world.home.database.write() as session:
        text_id = world.home.keyring.seal_text(session, b"ett namn", "x/1", MONDAY)
    with world.home.database.read() as session:
        assert world.home.keyring.open_text(session, text_id) == b"ett namn"

    world.at(MONDAY + timedelta(days=5 * 366 + 31))
    world.sweeper.run(world.manager)
    with world.home.database.read() as session:
        assert world.home.keyring.open_text(session, text_id) is None
    assert world.home.log.verify().sound
