"""The calendar of a Swedish shop, and clocks that stand wrong: nothing goes early, nothing stays.

Whole vaults: footage arrives as files, is asked for at the second before its end and at it, and is
swept. The shop is open Monday to Friday.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.clock import Tick
from cctv_vault.custody.events import Event
from cctv_vault.errors import ClockGuardError, VaultError
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, person, picture, put, settings_of

ZONE = ZoneInfo("Europe/Stockholm")
OFFICER = person(Role.PRIVACY_OFFICER)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OPEN = {day: [["10:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}

Open = Callable[[str], Vault]


def local(text: str) -> datetime:
    """A time on the shop's clocks; ``*`` marks the second of two."""
    return datetime.fromisoformat(text.rstrip("*")).replace(
        tzinfo=ZONE, fold=int(text.endswith("*"))
    )


@pytest.fixture
def opened(tmp_path: Path, database_url: str | None) -> Iterator[Open]:
    """Opens the shop at a time of its own."""
    vaults: list[Vault] = []

    def open_at(now: str) -> Vault:
        vault = Vault.create(
            settings_of(tmp_path, database_url),
            "",
            controller="Butiken AB",
            zone="Europe/Stockholm",
            simulated_clock=local(now),
        )
        vaults.append(vault)
        vault.register.add_site(SYSTEM, "butik", opening=OPEN)
        vault.register.add_camera(SYSTEM, "kassa", drop=tmp_path / "drop")
        vault.register.measure_clock(
            SYSTEM, "kassa", offset_s=0, uncertainty_s=1, measured_at=local(now)
        )
        return vault

    yield open_at
    for vault in vaults:
        vault.close()


def arrives(vault: Vault, shown: str, number: int = 1) -> str:
    """A picture whose name shows a time of day; returns its id."""
    name = local(shown).strftime("%Y%m%d_%H%M%S.jpg")
    path = put(Path(vault.register.camera(SYSTEM, "kassa").drop_folder), name, picture(number))
    outcome = vault.ingest.offer(SYSTEM, path)
    assert outcome.outcome == "sealed", outcome
    assert outcome.recording is not None
    return outcome.recording


def readable(vault: Vault, recording: str) -> bool:
    try:
        vault.access.open_internal(recording).close()
    except VaultError:
        return False
    return True


def goes_at(vault: Vault, recording: str, end: datetime) -> None:
    """It is there and survives a sweep to the last second, then is refused, then destroyed."""
    vault.set_clock(SYSTEM, end - SECOND)
    vault.sweeper.run(SYSTEM)
    assert readable(vault, recording)
    vault.set_clock(SYSTEM, end)
    assert not readable(vault, recording)
    vault.set_clock(SYSTEM, end + timedelta(minutes=15))
    report = vault.sweeper.run(SYSTEM)
    assert recording in {each.recording for each in report.due}


@pytest.mark.parametrize(
    ("recorded", "ends"),
    [
        # Easter: Good Friday 3 April, Easter Monday 6 April.
        pytest.param("2026-04-02T20:00:00", "2026-04-07T12:00:00", id="easter"),
        pytest.param("2026-04-02T10:00:00", "2026-04-07T10:00:00", id="easter-at-the-ceiling"),
        pytest.param("2026-04-01T13:00:00", "2026-04-04T13:00:00", id="the-day-before"),
        # Midsummer Eve is a Friday, Midsummer Day a Saturday; nobody is in before Monday.
        pytest.param("2026-06-18T17:00:00", "2026-06-22T12:00:00", id="midsummer"),
        # Christmas Eve Thursday to Boxing Day Saturday, then a Sunday.
        pytest.param("2026-12-23T18:00:00", "2026-12-28T12:00:00", id="christmas"),
        pytest.param("2026-12-30T18:00:00", "2027-01-04T12:00:00", id="new-year"),
        # A night in spring that has 23 hours, one in autumn that has 25: 72 hours have passed.
        pytest.param("2026-03-26T20:00:00", "2026-03-29T21:00:00", id="spring"),
        pytest.param("2026-10-22T20:00:00", "2026-10-25T19:00:00", id="autumn"),
        pytest.param("2026-03-27T11:00:00", "2026-03-30T12:00:00", id="spring-weekend"),
        pytest.param("2026-10-23T13:00:00", "2026-10-26T12:00:00", id="autumn-weekend"),
    ],
)
def test_footage_waits_for_whoever_comes_back_and_then_goes(
    opened: Open, recorded: str, ends: str
) -> None:
    vault = opened(recorded)
    recording = arrives(vault, recorded)
    goes_at(vault, recording, local(ends))


def test_a_day_opened_unplanned_ends_the_wait_for_what_was_recorded_before(opened: Open) -> None:
    vault = opened("2026-12-23T18:00:00")
    recording = arrives(vault, "2026-12-23T18:00:00")
    vault.set_clock(SYSTEM, local("2026-12-24T09:00:00"))
    days = '\n[site.butik]\nopened = [2026-12-27]\nmon = [["10:00", "18:00"]]\n'
    week = "".join(f'{day} = [["10:00", "18:00"]]\n' for day in ("tue", "wed", "thu", "fri"))
    text = vault.policies.show().document.replace("version = 1", "version = 2") + days + week
    published = vault.publisher.publish(OFFICER, text, vault.clock.now())
    assert published.effect.recordings == 1
    goes_at(vault, recording, local("2026-12-27T12:00:00"))


def test_a_day_closed_unplanned_keeps_nothing_longer_that_was_recorded_before(
    opened: Open,
) -> None:
    vault = opened("2026-12-25T18:00:00")
    recording = arrives(vault, "2026-12-25T18:00:00")
    week = "".join(f'{day} = [["10:00", "18:00"]]\n' for day in OPEN)
    text = vault.policies.show().document.replace("version = 1", "version = 2")
    closed = f"{text}\n[site.butik]\nclosed = [2026-12-28]\n{week}"
    vault.publisher.publish(OFFICER, closed, vault.clock.now())
    after = arrives(vault, "2026-12-25T18:00:00", 2)
    goes_at(vault, recording, local("2026-12-28T18:00:00"))
    goes_at(vault, after, local("2026-12-29T12:00:00"))  # recorded when it was known


@pytest.mark.parametrize("shown", ["2026-10-25T02:30:00", "2026-10-25T02:30:00*"])
def test_the_hour_that_occurs_twice_is_kept_from_when_it_was(opened: Open, shown: str) -> None:
    vault = opened(shown)
    recording = arrives(vault, shown)  # at once, so it is plain which of the two it was
    goes_at(vault, recording, local(shown).astimezone(UTC) + 72 * HOUR)


def test_the_hour_that_spring_leaves_out_is_kept_no_shorter_and_no_longer(opened: Open) -> None:
    vault = opened("2026-03-29T03:35:00")
    name = "20260329_023000.jpg"
    path = put(Path(vault.register.camera(SYSTEM, "kassa").drop_folder), name, picture(1))
    recording = vault.ingest.offer(SYSTEM, path).recording
    assert recording is not None
    vault.set_clock(SYSTEM, local("2026-04-01T03:29:59"))
    assert readable(vault, recording)
    vault.set_clock(SYSTEM, local("2026-04-01T04:30:00"))
    assert not readable(vault, recording)


@pytest.mark.parametrize(
    "shown", ["2036-01-01T12:00:00", "1970-01-01T01:00:12", "2000-01-03T07:00:00"]
)
def test_a_camera_whose_clock_stands_wrong_has_its_footage_kept_from_its_arrival(
    opened: Open, shown: str
) -> None:
    """Set to 2036, never set, or fallen back when its battery was dead at a restart."""
    vault = opened("2026-03-04T09:00:00")
    recording = arrives(vault, shown)
    detail = vault.catalogue.show(OFFICER, recording)
    assert (detail.time_source, len(detail.disagreements)) == ("arrival", 1)
    window = (("kassa", vault.clock.now() - HOUR, vault.clock.now() + HOUR),)
    hold = vault.holds.place_as(OFFICER, HoldOrder("more-coming", window, "polisen ringde"))
    assert hold.recordings == 1  # whoever asks for today finds it
    vault.holds.release_as(OFFICER, hold.id, "inget mer kom")
    goes_at(vault, recording, local("2026-03-07T09:00:00"))


class Machine:
    """A machine's clocks, as a test sets them."""

    def __init__(self, now: datetime) -> None:
        self.time, self.boot, self.up_s, self.synchronised = now, "first", 1000.0, False

    def now(self) -> datetime:
        return self.time

    def tick(self) -> Tick:
        return Tick(self.time, self.boot, self.up_s, synchronised=self.synchronised)

    def restarts(self, shown: datetime) -> None:
        """After a power cut, with whatever time it comes back."""
        self.time, self.boot, self.up_s = shown, "second", 20.0


@pytest.mark.parametrize(
    "shown", ["1970-01-01T00:00:20", "2000-01-01T00:00:20", "2036-02-07T06:28:16"]
)
def test_a_dead_clock_battery_at_a_restart_destroys_nothing_and_keeps_nothing_for_years(
    opened: Open, shown: str
) -> None:
    vault = opened("2026-03-04T09:00:00")
    kept = arrives(vault, "2026-03-04T09:00:00")
    machine = Machine(vault.clock.now())
    vault.ledger.clock = machine
    vault.ledger.record(Event.CHECK_RUN, SYSTEM)  # the head knows the boot
    machine.restarts(local(shown))

    assert vault.sweeper.run(SYSTEM).alarm is not None
    drop = Path(vault.register.camera(SYSTEM, "kassa").drop_folder)
    path = put(drop, "20260304_100000.jpg", picture(2))
    outcome = vault.ingest.offer(SYSTEM, path)
    assert outcome.outcome == "waiting", outcome
    assert "until the time is right" in outcome.reason
    assert path.exists()
    window = (("kassa", local("2026-03-04T08:00:00"), local("2026-03-04T09:30:00")),)
    with pytest.raises(ClockGuardError):
        vault.holds.place_as(OFFICER, HoldOrder("more-coming", window, "polisen ringde"))
    with pytest.raises(ClockGuardError):
        vault.incidents.flag(
            OFFICER,
            cameras=["kassa"],
            starts_at=window[0][1],
            ends_at=window[0][2],
            title="stöld",
            category="theft",
        )

    machine.time, machine.synchronised = local("2026-03-04T12:00:00"), True
    report = vault.sweeper.run(SYSTEM)
    assert (report.alarm, report.recordings) == (None, 0)
    assert readable(vault, kept)
    late = vault.ingest.offer(SYSTEM, path)
    assert late.outcome == "sealed"
    assert late.recording is not None
    for recording, end in ((kept, "2026-03-07T09:00:00"), (late.recording, "2026-03-07T10:00:00")):
        grants = vault.catalogue.show(OFFICER, recording).grants
        assert [each.until for each in grants] == [local(end)]
