"""Footage with a file beside it that tells of it: Axis cameras' blocks, complete ones only."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.custody.events import Event
from cctv_vault.ingest.sidecars import Block, belongs, read_block
from cctv_vault.ingest.single import Singles
from cctv_vault.people.actors import Role
from cctv_vault.schema import Intent
from cctv_vault.vault import Vault
from tests.shop import MANAGER, SYSTEM, film, person, put, settings_of

RECORDING = "20260302_073000_1778_00408C18823D"


def block(start: str, stop: str | None) -> bytes:
    """A block's sidecar as Axis cameras write it."""
    end = f"<StopTime>{stop}</StopTime>" if stop else ""
    end += f"<Status>{'Complete' if stop else 'Recording'}</Status>"
    return (
        f'<RecordingBlock RecordingBlockToken="20260302_074500_32D4" >'
        f"<RecordingToken>{RECORDING}</RecordingToken><StartTime>{start}</StartTime>{end}"
        "</RecordingBlock>"
    ).encode()


@pytest.fixture
def card(drop: Path) -> Callable[..., Path]:
    """Lays a camera's folder: the recording's own note, and one block with its sidecar."""

    def lay(
        stop: str | None = "2026-03-02T06:45:02.704260Z", name: str = "20260302_074500_32D4"
    ) -> Path:
        put(drop / RECORDING, "recording.xml", b"<Recording></Recording>")
        folder = drop / RECORDING / "20260302_07"
        put(folder, f"{name}.xml", block("2026-03-02T06:45:00.338584Z", stop))
        return put(folder, f"{name}.mkv", film(1, 2.0))

    return lay


def test_a_complete_block_has_its_sidecars_exact_time_and_takes_it_along(
    vault: Vault, card: Callable[..., Path], drop: Path
) -> None:
    path = card()

    (outcome,) = vault.ingest.offer_all(SYSTEM, [drop])

    assert outcome.outcome == "sealed"
    row = vault.catalogue.show(MANAGER, str(outcome.recording))
    assert row.started_at == datetime(2026, 3, 2, 6, 45, 0, 338584, tzinfo=UTC)
    assert row.ended_at == datetime(2026, 3, 2, 6, 45, 2, 704260, tzinfo=UTC)
    assert (row.time_source, row.disagreements) == ("name", ())
    assert not path.exists()
    assert not path.with_suffix(".xml").exists()
    assert (drop / RECORDING / "recording.xml").exists()
    with vault.database.read() as session:
        assert session.exec(select(Intent)).all() == []
    (entry,) = vault.log.entries(event=Event.RECORDING_SEALED)
    assert "06:45:00.338584Z" in str(entry.details)
    assert vault.quarantine.list(MANAGER) == ()


def test_a_block_whose_local_name_contradicts_its_sidecar_tells_so(
    quick_vault: Vault, card: Callable[..., Path], drop: Path
) -> None:
    card(name="20260302_044500_32D4")  # the camera is set to another zone

    (outcome,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    row = quick_vault.catalogue.show(MANAGER, str(outcome.recording))
    assert row.started_at.hour == 6
    assert "another zone" in str(row.disagreements)


def test_a_block_that_is_not_complete_waits_and_so_do_sidecars(
    quick_vault: Vault, card: Callable[..., Path], drop: Path
) -> None:
    path = card(stop=None)
    early = put(drop, "20260302_075000_1111.xml", block("2026-03-02T06:50:00Z", None))

    outcomes = {each.path: each for each in quick_vault.ingest.offer_all(SYSTEM, [drop])}

    assert {each.outcome for each in outcomes.values()} == {"waiting"}
    assert set(outcomes) == {path, early}  # what only tells of others is no file of its own
    note = quick_vault.ingest.offer(SYSTEM, drop / RECORDING / "recording.xml")
    beside = quick_vault.ingest.offer(SYSTEM, path.with_suffix(".xml"))
    assert (note.outcome, beside.outcome) == ("waiting", "waiting")
    path.with_suffix(".xml").write_bytes(block("2026-03-02T06:45:00Z", "2026-03-02T06:45:02Z"))
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"


def test_a_kept_source_keeps_its_sidecar_too(
    quick_vault: Vault, card: Callable[..., Path], drop: Path
) -> None:
    path = card()

    list(quick_vault.ingest.offer_all(SYSTEM, [drop], keep_source=True))

    assert path.exists()
    assert path.with_suffix(".xml").exists()


def test_a_sidecar_left_by_a_crash_goes_at_the_next_start(
    quick_vault: Vault,
    card: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = card()
    monkeypatch.setattr(Singles, "_conclude", lambda *_: 1 / 0)  # it dies after the commit
    quick_vault.ingest.offer(SYSTEM, path)
    monkeypatch.undo()
    assert path.with_suffix(".xml").exists()

    Vault.open(settings_of(tmp_path)).close()

    assert not path.exists()
    assert not path.with_suffix(".xml").exists()
    (row,) = quick_vault.catalogue.list(person(Role.MANAGER))
    assert quick_vault.catalogue.show(MANAGER, row.id).source_state == "removed"


@pytest.mark.parametrize(
    "text",
    [
        "", "<RecordingBlock>", "<RecordingBlock><StartTime>2026-13-45T99:00:00Z</StartTime>",
        "<StartTime>2026-03-02T06:45:00Z</StartTime>", '<!DOCTYPE x [<!ENTITY a "b">]>&a;',
    ],
)  # fmt: skip
def test_what_is_no_block_says_nothing(text: str) -> None:
    assert read_block(text) is None


def test_a_blocks_words_are_read_as_they_stand() -> None:
    read = read_block(block("2019-08-08T12:15:01.338584Z", "2019-08-08T12:20:01.704260Z").decode())

    assert read == Block(
        datetime(2019, 8, 8, 12, 15, 1, 338584, tzinfo=UTC),
        datetime(2019, 8, 8, 12, 20, 1, 704260, tzinfo=UTC),
        complete=True,
    )


def test_an_xml_file_belongs_to_the_footage_of_its_name_only(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", b"")

    assert belongs(put(tmp_path, "a.xml", b""))
    assert not belongs(put(tmp_path, "b.xml", b""))
    assert not belongs(put(tmp_path, "recording.xml", b""))
    assert not belongs(tmp_path / "a.mp4")
