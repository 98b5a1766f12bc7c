"""What lies in quarantine: told, looked at again, and ended before its time."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    DamagedError,
    InvalidInputError,
    NotFoundError,
    PersonNeededError,
)
from cctv_vault.ingest import readmission, single
from cctv_vault.ingest.probe import ProbeRefusal
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Quarantined, Recording
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import MANAGER, NOW, SYSTEM, film, person, put


def events(vault: Vault) -> list[str]:
    return [entry.event for entry in vault.log.entries(limit=1000)]


def only(vault: Vault) -> Quarantined:
    with vault.database.read() as session:
        return session.exec(select(Quarantined)).one()


def not_yet(*_: object) -> ProbeRefusal:
    """What a version says that does not read the format yet."""
    return ProbeRefusal("unknown-codec", "its pictures are in a coding that is not supported")


@pytest.fixture
def unread(vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a good film that could not be read when it came, from 07:45."""
    path = put(drop / "2026-03-02", "07-45-00.mp4", film(1, 2.0))
    monkeypatch.setattr(single, "probe", not_yet)
    assert vault.ingest.offer(SYSTEM, path).outcome == "quarantined"
    monkeypatch.undo()
    (view,) = vault.quarantine.list(MANAGER)
    return view.id


def test_what_lies_there_is_told_with_its_reason_and_its_end(vault: Vault, unread: str) -> None:
    shown = vault.quarantine.show(MANAGER, unread)

    assert (shown.camera, shown.reason_code) == ("kassa", "unknown-codec")
    assert shown.original_name == "2026-03-02/07-45-00.mp4"
    assert shown.until == NOW + timedelta(days=7)


def test_what_can_be_read_now_becomes_a_recording_as_of_when_it_came(
    vault: Vault, unread: str
) -> None:
    vault.set_clock(SYSTEM, NOW + timedelta(hours=2))

    outcome = vault.ingest.retry(MANAGER, unread)

    assert outcome.outcome == "sealed"
    with vault.database.read() as session:
        row = session.exec(select(Recording)).one()
    assert row.id == outcome.recording
    assert (row.arrived_at, row.sealed_at) == (NOW, NOW + timedelta(hours=2))
    assert row.started_at.isoformat() == "2026-03-02T06:45:00+00:00"  # by its folder and name
    assert (row.original_name, row.source_state) == ("2026-03-02/07-45-00.mp4", "removed")
    with vault.access.open_internal(row.id) as footage:
        assert footage.read() == film(1, 2.0)
    assert events(vault)[-2:] == [Event.RECORDING_SEALED, Event.QUARANTINE_RETRIED]
    assert vault.quarantine.list(MANAGER) == ()
    with pytest.raises(NotFoundError):
        vault.ingest.retry(MANAGER, unread)


def test_the_sealed_copy_in_quarantine_ends_with_the_next_sweep(
    vault: Vault, unread: str, drop: Path
) -> None:
    vault.ingest.offer(SYSTEM, put(drop, "junk.mp4", b"junk"))
    kept = {each.id for each in vault.quarantine.list(MANAGER)} - {unread}
    outcome = vault.ingest.retry(MANAGER, unread)

    vault.sweeper.run(SYSTEM)

    left = {name.split("/")[1] for name in stream_names(vault.store)}
    assert left == {outcome.recording, *kept}
    with vault.database.read() as session:
        ended = session.get(Quarantined, unread)
    assert ended is not None
    assert (ended.state, ended.wrapped_key, ended.original_name) == ("destroyed", None, "")
    assert vault.quarantine.show(MANAGER, *kept).reason_code == "not-media"
    assert vault.ingest.retry(SYSTEM, *kept).outcome == "quarantined"  # its key was replaced


def test_what_still_cannot_be_read_stays_and_the_newest_reason_stands(
    vault: Vault, unread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = ProbeRefusal("undecodable", "none of its frames can be decoded")
    monkeypatch.setattr(readmission, "probe", lambda *_: refusal)

    outcome = vault.ingest.retry(MANAGER, unread)

    assert (outcome.outcome, outcome.recording) == ("quarantined", None)
    assert vault.quarantine.show(MANAGER, unread).reason_code == "undecodable"
    assert vault.log.entries(limit=1000)[-1].facts == {"readable": False, "reason": "undecodable"}
    assert only(vault).until == NOW + timedelta(days=7)


def test_a_file_that_came_again_meanwhile_is_not_kept_twice(
    vault: Vault, unread: str, drop: Path
) -> None:
    again = vault.ingest.offer(SYSTEM, put(drop, "20260302_074500.mp4", film(1, 2.0)))

    outcome = vault.ingest.retry(MANAGER, unread)

    assert (outcome.outcome, outcome.recording) == ("duplicate", again.recording)
    vault.sweeper.run(SYSTEM)
    assert {name.split("/")[1] for name in stream_names(vault.store)} == {again.recording}


def test_what_its_purposes_ended_for_in_quarantine_is_late(vault: Vault, unread: str) -> None:
    vault.set_clock(SYSTEM, NOW + timedelta(days=6))

    assert vault.ingest.retry(MANAGER, unread).outcome == "late"


def test_ending_a_stay_takes_a_person_with_the_right_and_a_reason(
    vault: Vault, unread: str
) -> None:
    with pytest.raises(PersonNeededError):
        vault.quarantine.destroy(SYSTEM, unread, "skräp")
    with pytest.raises(AccessDeniedError):
        vault.quarantine.destroy(person(Role.ADMINISTRATOR), unread, "skräp")
    with pytest.raises(InvalidInputError):
        vault.quarantine.destroy(MANAGER, unread, "  ")
    assert vault.quarantine.list(MANAGER)
    assert events(vault).count(Event.REFUSED) == 3


def test_a_destroyed_file_opens_no_more_and_its_key_goes_with_the_next_sweep(
    vault: Vault, unread: str
) -> None:
    vault.quarantine.destroy(MANAGER, unread, "en gul katt, inget mer")

    assert events(vault)[-1] == Event.QUARANTINE_GIVEN_UP
    assert b"katt" not in vault.log.entries(limit=1000)[-1].body
    with pytest.raises(NotFoundError):
        vault.ingest.retry(MANAGER, unread)
    assert set(stream_names(vault.store))
    vault.sweeper.run(SYSTEM)
    assert not set(stream_names(vault.store))
    assert only(vault).wrapped_key is None
    assert not vault.log.verify().findings


def test_what_a_hold_may_be_waiting_for_is_not_destroyed(vault: Vault, unread: str) -> None:
    made = NOW - timedelta(minutes=15)
    window = ("kassa", made - timedelta(minutes=1), made + timedelta(minutes=1))
    order = HoldOrder("preservation-order", (window,), "5000-K1-26")
    hold = vault.holds.place_as(person(Role.PRIVACY_OFFICER), order)

    with pytest.raises(InvalidInputError, match="a hold"):
        vault.quarantine.destroy(MANAGER, unread, "skräp")
    outcome = vault.ingest.retry(MANAGER, unread)

    assert outcome.recording is not None
    grants = vault.catalogue.show(MANAGER, outcome.recording).grants
    assert hold.id in {each.hold_id for each in grants}


def test_whoever_may_not_take_files_in_does_not_try_them_again_either(
    vault: Vault, unread: str
) -> None:
    with pytest.raises(AccessDeniedError):
        vault.ingest.retry(person(Role.APPROVER), unread)
    assert events(vault)[-1] == Event.REFUSED


def test_changed_ciphertext_is_named_and_becomes_no_recording(
    quick_vault: Vault, drop: Path
) -> None:
    vault = quick_vault
    vault.ingest.offer(SYSTEM, put(drop, "junk.mp4", bytes(3000)))
    (view,) = vault.quarantine.list(MANAGER)
    (blob,) = (vault.settings.home / "blobs").rglob(f"{view.id}/quarantine")
    data = bytearray(blob.read_bytes())
    data[100] ^= 1
    blob.write_bytes(data)

    with pytest.raises(DamagedError, match=view.id):
        vault.ingest.retry(SYSTEM, view.id)
    assert vault.quarantine.list(MANAGER) == (view,)
