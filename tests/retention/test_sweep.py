"""The sweep destroys what is due, finishes what was cut short, and stops where time is doubtful."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from cctv_vault.clock import Tick
from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    ClockGuardError,
    DamagedError,
    ExpiredError,
)
from cctv_vault.footage.streams import QUARANTINE, blob_name
from cctv_vault.people.actors import EVERYTHING, Role
from cctv_vault.retention import clearing, sweep
from cctv_vault.retention.sweep import SweepReport
from cctv_vault.schema import Grant, Package, PurposeKey, Quarantined, Request, SweepRun, table
from storage.errors import StorageUnavailableError
from storage.merkle import leaf_hash, root_of
from storage.secret import SecretKey
from storage.stream import stream_names
from tests.retention.conftest import MONDAY, SYSTEM, World, person
from tests.retention.test_policy_publish import A_DAY, publisher, version

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEPS = (
    "keys-deleted",
    "root-made",
    "rewrapping",
    "rewrapped",
    "root-destroyed",
    "certified",
    "clearing",
    "cleared",
    "removing-blobs",
    "blobs-removed",
)


class PowerCutError(Exception):
    """Where the test stops a sweep."""


def scene(world: World) -> tuple[str, str, str]:
    """One recording that goes, one an incident keeps, one dropped from a hold that keeps others."""
    gone = world.record("entre", MONDAY - HOUR)
    flagged = world.record("kassa", MONDAY - HOUR)
    dropped = world.record("kassa", MONDAY - 3 * HOUR)
    hold = world.claim("kassa", MONDAY - 4 * HOUR, MONDAY)
    world.at(MONDAY + 5 * DAY)
    with world.home.ledger.act(Event.HOLD_CHANGED, world.officer, cameras=["kassa"]) as act:
        world.holds.change(act, hold, windows=(("kassa", MONDAY - HOUR, MONDAY),))
    return gone, flagged, dropped


def assert_swept(world: World, gone: str, flagged: str, dropped: str) -> None:
    assert world.readable(flagged)
    assert not world.readable(gone)
    assert not world.readable(dropped)
    for each in (gone, dropped):
        row = world.row(each)
        assert (row.state, row.original_name) == ("expired", "")
        assert row.sha256
        assert row.blob_removed_at is not None
        assert list(stream_names(world.home.store, blob_name(each, ""))) == []
    with world.home.database.read() as session:
        assert all(world.home.keyring.opens(x) for x in session.execute(select(table(PurposeKey))))
        left = session.execute(
            select(table(Grant)).where(col(Grant.recording_id).in_([gone, dropped]))
        ).all()
        assert all(each.wrapped_key is None and each.ended_at is not None for each in left)
        steps = session.execute(select(col(SweepRun.step))).scalars().all()
    assert steps == ["done"]
    assert len(world.home.roots.epochs()) == 1
    assert world.home.log.verify().findings == ()
    for event in ("root.destruction-intended", "root.destroyed", "blobs.removed", "sweep.finished"):
        assert world.events().count(event) == 1, event


def test_what_is_due_goes_and_what_is_held_stays(world: World) -> None:
    gone, flagged, dropped = scene(world)
    told = world.sweeper.run(world.manager, dry_run=True)
    assert {each.recording for each in told.due} == {gone, dropped}
    assert {each.recording: each.purpose for each in told.due} == {
        gone: "prevention",
        dropped: "claim",
    }
    assert world.events().count("sweep.started") == 0

    report = world.sweeper.run(world.manager)
    assert report.due == told.due
    assert (report.recordings, report.blobs_removed, report.alarm) == (2, 2, None)
    assert report.to_epoch == report.from_epoch + 1
    assert_swept(world, gone, flagged, dropped)


def test_a_sweep_with_nothing_due_changes_nothing(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    before = world.home.log.size()
    report = world.sweeper.run(world.manager)
    assert report == SweepReport(None, (), 0, 0, 0, 1, 1, None, None)
    assert world.home.log.size() == before
    assert world.home.roots.epochs() == [1]


@pytest.mark.parametrize("stop_at", STEPS)
def test_a_sweep_cut_short_is_finished_by_the_next_start(sqlite_world: World, stop_at: str) -> None:
    world = sqlite_world
    gone, flagged, dropped = scene(world)

    def cut(step: str, _done: int, _total: int) -> None:
        if step == stop_at:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        world.sweeper.run(world.manager, progress=cut)
    assert world.readable(flagged)
    assert not world.readable(gone)
    # Somebody records and flags before anyone has finished the sweep.
    meanwhile = world.record("kassa", world.now() - HOUR)

    again = World.on(world.home)
    assert again.sweeper.resume() is None
    assert_swept(world, gone, flagged, dropped)
    assert world.readable(meanwhile)
    certificate = world.certificates.list(world.manager)
    assert [each.recordings for each in certificate] == [2]


_CHILD = """
import sys
from pathlib import Path
from cctv_vault.home import Home
from cctv_vault.settings import Settings
from tests.retention.conftest import SYSTEM, World

def progress(step, done, total):
    print(step, flush=True)
    if step == sys.argv[2]:
        sys.stdin.read()

World.on(Home.open(Settings(home=Path(sys.argv[1])))).sweeper.run(SYSTEM, progress=progress)
"""


@pytest.mark.parametrize("stop_at", STEPS)
def test_a_sweep_killed_outright_is_finished_by_the_next_start(
    sqlite_world: World, repository: Path, stop_at: str
) -> None:
    world = sqlite_world
    gone, flagged, dropped = scene(world)
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, world.home.settings.home, stop_at],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(repository)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert stop_at in (line.strip() for line in child.stdout)
        child.send_signal(signal.SIGKILL)
    assert world.sweeper.resume() is None
    assert_swept(world, gone, flagged, dropped)


def test_two_who_sweep_at_once_do_it_once(sqlite_world: World) -> None:
    world = sqlite_world
    gone, flagged, dropped = scene(world)
    other = World.on(world.home)
    reports: list[SweepReport] = []

    def meanwhile(step: str, _done: int, _total: int) -> None:
        if step == "keys-deleted" and not reports:
            reports.append(other.sweeper.run(world.manager, dry_run=True))

    world.sweeper.run(world.manager, progress=meanwhile)
    assert reports[0].due == ()
    assert other.sweeper.run(world.manager).id is None
    assert_swept(world, gone, flagged, dropped)


def test_a_key_that_does_not_open_stops_the_destruction_of_the_root(sqlite_world: World) -> None:
    world = sqlite_world
    gone, flagged, _dropped = scene(world)
    with world.home.database.write() as session:
        key = session.execute(
            select(table(PurposeKey)).where(col(PurposeKey.purpose) == "register")
        ).one()
        damaged = key.wrapped[:-1] + bytes([key.wrapped[-1] ^ 1])
        session.execute(
            table(PurposeKey).update().where(col(PurposeKey.id) == key.id).values(wrapped=damaged)
        )
    with pytest.raises(DamagedError, match=key.id):
        world.sweeper.run(world.manager)
    assert 1 in world.home.roots.epochs()
    assert world.readable(flagged)
    assert not world.readable(gone)


def test_a_store_that_does_not_answer_delays_the_blobs_and_not_the_keys(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    gone, flagged, dropped = scene(world)

    def fail(_name: str) -> None:
        raise StorageUnavailableError("the disk does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(world.home.store, "delete", fail)
        report = world.sweeper.run(world.manager)
    assert report.alarm is not None
    assert "does not answer" in report.alarm
    assert len(world.home.roots.epochs()) == 1
    assert not world.readable(gone)

    assert world.sweeper.run(world.manager).alarm is None
    assert_swept(world, gone, flagged, dropped)


def test_quarantined_files_and_packages_end_with_their_keys(world: World) -> None:
    until = MONDAY + 7 * DAY
    name = blob_name("qq1", QUARANTINE)
    writer = world.home.store.create(name)
    writer.write(b"ciphertext")
    writer.commit()
    with world.home.database.write() as session:
        keyring = world.home.keyring
        handle = keyring.timed(session, "quarantine", until, MONDAY)
        session.add(
            Quarantined(
                id="qq1",
                camera_code="kassa",
                original_name="konstig.bin",
                reason_code="unreadable",
                reason="kan inte läsas",
                arrived_at=MONDAY,
                size=10,
                sha256=b"s" * 32,
                segment_root=b"r" * 32,
                purpose_key_id=handle.id,
                wrapped_key=keyring.wrap(handle, SecretKey.generate(), "qq1", kind="quarantined"),
                until=until,
            )
        )
    world.at(until - HOUR)
    world.sweeper.run(world.manager)
    assert list(stream_names(world.home.store, "qq/")) == [name]
    world.at(until)
    world.sweeper.run(world.manager)
    with world.home.database.read() as session:
        row = session.get_one(Quarantined, "qq1")
    assert (row.state, row.original_name, row.wrapped_key) == ("destroyed", "", None)
    assert list(stream_names(world.home.store, "qq/")) == []
    assert Event.QUARANTINE_DESTROYED.value in world.events("qq1")


def package(world: World, name: str, until: datetime) -> SecretKey:
    """A sealed package of a request, waiting; returns its key."""
    key = SecretKey.generate()
    writer = world.home.store.create(blob_name(name, "package"))
    writer.write(b"ciphertext")
    writer.commit()
    with world.home.database.write() as session:
        keyring = world.home.keyring
        if session.get(Request, "B-1") is None:
            session.add(
                Request(
                    id="B-1",
                    state="prepared",
                    requester_type="police",
                    ground_code="DSL 2:5",
                    via="staff",
                    language="sv",
                    delivery="link",
                    body_text=keyring.seal_text(session, b"{}", "request/B-1", MONDAY),
                    received_at=MONDAY,
                    registered_by="u-x",
                )
            )
            session.flush()
        handle = keyring.timed(session, "release-copy", until, MONDAY)
        session.add(
            Package(
                id=name,
                request_id="B-1",
                purpose_key_id=handle.id,
                wrapped_key=keyring.wrap(handle, key, name, kind="package"),
                segment_root=b"r" * 32,
                size=10,
                sha256=b"s" * 32,
                created_at=MONDAY,
                until=until,
            )
        )
    return key


def test_a_package_ended_early_leaves_the_others_under_a_fresh_key(world: World) -> None:
    package(world, "early", MONDAY + 7 * DAY)
    key = package(world, "later", MONDAY + 7 * DAY)
    with world.home.database.write() as session:
        row = session.get_one(Package, "early")
        shared, row.until = row.purpose_key_id, MONDAY + DAY
        session.add(row)
    world.at(MONDAY + DAY)
    world.sweeper.run(world.manager)

    with world.home.database.read() as session:
        early, later = (session.get_one(Package, each) for each in ("early", "later"))
        assert (early.state, early.wrapped_key, early.purpose_key_id) == ("expired", None, None)
        assert later.purpose_key_id not in {shared, None}
        assert later.wrapped_key is not None
        opened = world.home.keyring.open(
            session, str(later.purpose_key_id), later.wrapped_key, "later", kind="package"
        )
    assert opened == key
    assert list(stream_names(world.home.store, "ea/")) == []
    assert list(stream_names(world.home.store, "la/")) != []
    world.at(MONDAY + 7 * DAY)
    world.sweeper.run(world.manager)
    assert list(stream_names(world.home.store, "la/")) == []


def test_a_person_may_sweep_and_only_who_reads_registers_may_look_ahead(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    administrator = person("Admin", Role.ADMINISTRATOR)
    with pytest.raises(AccessDeniedError):
        world.sweeper.run(administrator, dry_run=True)
    assert world.sweeper.run(administrator).alarm is None


class JumpingClock:
    """A machine's clock, unsynchronised, whose time of day the test sets at will."""

    def __init__(self, world: World) -> None:
        self._base, self.jump, self.synchronised = world.home.clock.now(), timedelta(0), False

    def now(self) -> object:
        return self._base + self.jump

    def tick(self) -> Tick:
        return Tick(self._base + self.jump, "boot", 1000.0, synchronised=self.synchronised)


@pytest.fixture
def jumping(sqlite_world: World) -> Callable[[], tuple[World, JumpingClock]]:
    def make() -> tuple[World, JumpingClock]:
        world = sqlite_world
        clock = JumpingClock(world)
        world.home.ledger.clock = clock  # type: ignore[assignment]
        world.home.ledger.record(Event.CHECK_RUN, world.manager)  # the head knows the new boot
        return world, clock

    return make


def test_a_clock_that_jumps_destroys_nothing_until_two_persons_attest_it(
    jumping: Callable[[], tuple[World, JumpingClock]],
) -> None:
    world, clock = jumping()
    recording = world.record("kassa", MONDAY - HOUR)
    clock.jump = timedelta(days=30)
    for _ in range(3):
        report = world.sweeper.run(world.manager)
        assert report.alarm is not None
        assert report.id is None
    assert world.events().count(Event.CLOCK_ALARM.value) == 1
    assert world.row(recording).state == "kept"
    with world.home.database.read() as session, pytest.raises(ExpiredError):
        world.grants.key_for(session, recording, clock.tick().now, EVERYTHING)

    assert not world.sweeper.attest_clock(world.manager).complete
    with pytest.raises(AccessDeniedError):
        world.sweeper.attest_clock(world.manager)
    with pytest.raises(AccessDeniedError):
        world.sweeper.attest_clock(world.staff)
    assert world.sweeper.run(world.manager).alarm is not None
    assert world.sweeper.attest_clock(world.officer).complete
    assert world.sweeper.run(world.manager).recordings == 1


def test_an_attestation_an_hour_old_counts_no_more(
    jumping: Callable[[], tuple[World, JumpingClock]],
) -> None:
    world, clock = jumping()
    clock.jump = timedelta(days=30)
    world.sweeper.attest_clock(world.manager)
    clock.jump += timedelta(hours=1, seconds=1)
    assert not world.sweeper.attest_clock(world.officer).complete


def test_outside_time_lifts_the_alarm_by_an_entry(
    jumping: Callable[[], tuple[World, JumpingClock]],
) -> None:
    world, clock = jumping()
    world.record("kassa", MONDAY - HOUR)
    clock.jump = timedelta(days=30)
    assert world.sweeper.run(world.manager).alarm is not None
    clock.synchronised = True
    assert world.sweeper.run(world.manager).recordings == 1
    attested = world.home.log.entries(event=Event.CLOCK_ATTESTED.value)
    assert [each.facts["by"] for each in attested] == ["synchronised"]


def test_ids_of_what_goes_stand_behind_one_root_per_key(sqlite_world: World) -> None:
    world = sqlite_world
    both = {world.record("kassa", MONDAY - HOUR), world.record("entre", MONDAY - HOUR)}
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    (destroyed,) = world.home.log.entries(event=Event.KEY_DESTROYED.value)
    assert destroyed.facts["copies"] == 2
    assert all(Event.KEY_DESTROYED.value in world.events(each) for each in both)
    (emptied,) = world.home.log.entries(event=Event.KEY_EMPTIED.value)
    assert emptied.subject == destroyed.subject
    assert emptied.facts["recordings"] == 2
    leaves = [leaf_hash(each.encode()) for each in sorted(both)]
    assert emptied.facts["root"] == root_of(leaves).hex()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions of one row, one key, one hold."""
    for name in ("_MOVED", "_DELETED", "_LAPSED", "_REWRAPPED"):
        monkeypatch.setattr(sweep, name, 1)
    for name in ("_ROWS", "_KEYS"):
        monkeypatch.setattr(clearing, name, 1)


@pytest.mark.usefixtures("small_steps")
def test_others_write_between_all_the_small_steps_of_a_sweep(world: World) -> None:
    gone, flagged, dropped = scene(world)
    others = [world.record("entre", MONDAY - n * HOUR, arrived=MONDAY) for n in (2, 3, 4)]
    late = {each for each in others if world.live(each)}
    world.at(world.now() + 2 * DAY)
    seen: dict[str, int] = {}
    meanwhile: list[str] = []

    def tell(step: str, _done: int, _total: int) -> None:
        seen[step] = seen.get(step, 0) + 1
        if step not in {"removing-blobs", "blobs-removed", "done"}:
            meanwhile.append(world.record("kassa", world.now() - HOUR))

    report = world.sweeper.run(world.manager, progress=tell)
    assert {each.recording for each in report.due} >= {gone, dropped, *late}
    assert all(world.readable(each) for each in [*meanwhile, flagged])
    assert seen["clearing"] >= 3
    assert seen["rewrapping"] >= 2
    assert_swept(world, gone, flagged, dropped)


@pytest.mark.usefixtures("small_steps")
def test_a_vault_that_was_down_catches_up_in_the_order_in_which_things_fell_due(
    world: World,
) -> None:
    recordings = []
    for day in range(3):
        recordings.append(world.record("kassa", world.now() - HOUR))
        world.at(MONDAY + (day + 1) * DAY)
    world.at(MONDAY + 30 * DAY)
    report = world.sweeper.run(world.manager)
    assert {each.recording for each in report.due} == set(recordings)
    ends = [x.facts["expires_at"] for x in world.home.log.entries(event="key.destroyed")]
    assert len(ends) == 3
    assert ends == sorted(ends)
    assert world.events().count("root.destroyed") == 1


@pytest.mark.usefixtures("small_steps")
def test_a_sweep_cut_short_while_it_moves_keys_leaves_all_that_is_kept_readable(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    gone, flagged, dropped = scene(world)

    def cut(step: str, _done: int, _total: int) -> None:
        if step == "moving":
            raise PowerCutError

    with pytest.raises(PowerCutError):
        world.sweeper.run(world.manager, progress=cut)
    assert world.readable(flagged)
    assert not world.readable(gone)
    again = World.on(world.home)
    assert again.sweeper.resume() is None
    assert again.sweeper.run(world.manager).alarm is None
    assert_swept(world, gone, flagged, dropped)


def test_all_that_is_stored_under_a_recordings_name_goes_with_it(world: World) -> None:
    gone = world.record("entre", MONDAY - HOUR)
    for stream in ("thumbnail", "rendition"):  # as a crash leaves them: no row speaks of them
        writer = world.home.store.create(blob_name(gone, stream))
        writer.write(b"ciphertext")
        writer.commit()
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    assert list(stream_names(world.home.store, "")) == []


def test_how_far_a_sweep_has_come_is_told_to_who_may_know_of_it(sqlite_world: World) -> None:
    world = sqlite_world
    scene(world)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    world.holds.release_as(world.officer, hold, "beslutet är upphävt")
    told: dict[str, set[str]] = {"manager": set(), "officer": set()}

    def tell(_step: str, _done: int, _total: int) -> None:
        for name, actor in (("manager", world.manager), ("officer", world.officer)):
            told[name] |= {each.id for each in world.sweeper.under_way(actor)}

    report = world.sweeper.run(world.manager, progress=tell)
    assert told["manager"] == {report.id}
    assert len(told["officer"]) == 2
    assert world.sweeper.under_way(world.officer) == ()
    with pytest.raises(AccessDeniedError):
        world.sweeper.under_way(world.staff)


def test_only_who_reads_the_registers_is_told_which_recordings_went(sqlite_world: World) -> None:
    world = sqlite_world
    gone = world.record("kassa", MONDAY - timedelta(hours=1))
    world.at(MONDAY + timedelta(days=6))
    swept = world.sweeper.run(world.staff)
    assert (swept.recordings, swept.due) == (1, ())
    again = world.record("kassa", world.now() - timedelta(hours=1))
    assert again != gone
    world.at(MONDAY + timedelta(days=12))
    assert [each.recording for each in world.sweeper.run(world.manager).due] == [again]


def test_a_clock_that_jumps_makes_no_call_for_review_that_is_missed_afterwards(
    jumping: Callable[[], tuple[World, JumpingClock]],
) -> None:
    world, clock = jumping()
    world.record("kassa", MONDAY - HOUR)
    world.incidents.flag(
        world.manager,
        cameras=["kassa"],
        starts_at=MONDAY - HOUR,
        ends_at=MONDAY,
        title="stöld",
        category="theft",
    )
    clock.jump = timedelta(days=26)
    assert world.reviews.remind(SYSTEM) == 0
    assert Event.REVIEW_WARNED.value not in world.events()
    clock.synchronised = True
    assert world.sweeper.run(world.manager).alarm is None
    assert world.reviews.remind(SYSTEM) == 1


def test_a_clock_that_jumps_takes_no_new_policy(
    jumping: Callable[[], tuple[World, JumpingClock]],
) -> None:
    world, clock = jumping()
    clock.jump = timedelta(days=2)
    with pytest.raises(ClockGuardError):
        publisher(world).publish(world.officer, version(2, A_DAY), MONDAY)
