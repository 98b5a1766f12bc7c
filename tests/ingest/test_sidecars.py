"""Footage with a file beside it that tells of it: Axis cameras' blocks, thumbnails, indices."""
# ruff: noqa: E501

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.check import check_vault
from cctv_vault.custody.events import Event
from cctv_vault.ingest.sidecars import Block, belongs, read_block
from cctv_vault.ingest.single import Singles
from cctv_vault.people.actors import Role
from cctv_vault.schema import Intent
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import MANAGER, NOW, SYSTEM, film, person, picture, put, settings_of

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
    assert list(row.beside) == [".xml"]
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
    assert "not marked it complete" in outcomes[path].reason
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


def test_a_block_that_its_camera_never_completed_is_sealed_in_the_end_and_says_so(
    quick_vault: Vault, card: Callable[..., Path], drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = card(stop=None)
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    monkeypatch.setattr("cctv_vault.ingest.settling._INCOMPLETE_S", 0.0)

    outcome = quick_vault.ingest.offer(SYSTEM, path)

    assert (outcome.outcome, outcome.reason) == ("sealed", "its camera never marked it complete")


# film · what lies beside it and belongs to it
BESIDE = [
    ("Driveway_00_20260302073000.mp4", ["Driveway_00_20260302073000.jpg"]),
    ("07.30.00-07.30.02[M][0@0][0].dav", ["07.30.00-07.30.02[M][0@0][0].idx", "07.30.00-07.30.02[M][0@0][0].jpg"]),
    ("01-20260302073000.mkv", ["01-20260302073000.jpg"]),
    ("07-30-00.mp4", ["07-30-00.mp4.thumb"]),
    ("kassa_20260302_073000.MP4", ["kassa_20260302_073000.JPG", "kassa_20260302_073000.json", "kassa_20260302_073000.txt"]),
]  # fmt: skip


@pytest.mark.parametrize(("film_name", "others"), BESIDE)
def test_what_lies_beside_a_film_is_kept_with_it_leaves_with_it_and_is_no_recording(
    vault: Vault, drop: Path, tmp_path: Path, film_name: str, others: list[str]
) -> None:
    folder = drop / "2026-03-02"
    path = put(folder, film_name, film(1, 2.0))
    data = {name: picture(3) + name.encode() for name in others}
    for name in others:
        put(folder, name, data[name])

    (outcome,) = vault.ingest.offer_all(SYSTEM, [drop])

    assert outcome.outcome == "sealed"
    assert list(drop.rglob("*.*")) == []
    (row,) = vault.catalogue.list(MANAGER)
    detail = vault.catalogue.show(MANAGER, row.id)
    endings = {name: name.removeprefix(path.stem) for name in others}
    assert detail.beside == {endings[name]: len(data[name]) for name in others}
    assert not vault.quarantine.list(MANAGER)
    for name in others:
        out = tmp_path / f"out{endings[name]}"
        receipt = vault.access.export(
            MANAGER, row.id, out, reason="x", purpose="internal-review", beside=endings[name]
        )
        assert out.read_bytes() == data[name]
        assert receipt.original_name == name
    assert not [each for each in check_vault(vault, deep=True).findings if each.level == "broken"]


def test_what_lay_beside_a_film_ends_with_it(vault: Vault, drop: Path) -> None:
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    put(drop, "a_20260302_073000.jpg", picture(3))
    (outcome,) = vault.ingest.offer_all(SYSTEM, [drop])

    vault.set_clock(SYSTEM, NOW + timedelta(days=60))
    vault.sweeper.run(SYSTEM)

    assert list(stream_names(vault.store)) == []
    assert vault.catalogue.show(MANAGER, str(outcome.recording)).beside == {}


def test_a_film_that_comes_again_with_its_thumbnail_leaves_nothing_behind(
    quick_vault: Vault, drop: Path
) -> None:
    outcomes = []
    for _ in range(2):
        put(drop, "a_20260302_073000.mp4", film(1, 2.0))
        put(drop, "a_20260302_073000.jpg", picture(3))
        outcomes = list(quick_vault.ingest.offer_all(SYSTEM, [drop]))

    assert [each.outcome for each in outcomes] == ["duplicate"]
    assert list(drop.iterdir()) == []
    assert len(list(quick_vault.catalogue.list(MANAGER))) == 1


def test_another_thumbnail_beside_a_known_film_stays_and_is_a_still_of_its_own(
    quick_vault: Vault, drop: Path
) -> None:
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    list(quick_vault.ingest.offer_all(SYSTEM, [drop]))
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    put(drop, "a_20260302_073000.jpg", picture(3))

    list(quick_vault.ingest.offer_all(SYSTEM, [drop]))
    (still,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    assert still.outcome == "sealed"
    assert sorted(each.kind for each in quick_vault.catalogue.list(MANAGER)) == ["still", "video"]


def test_a_still_that_stands_alone_is_a_recording_and_a_huge_picture_is_no_thumbnail(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    other = put(drop, "a_20260302_073001.jpg", picture(3))
    huge = put(drop, "a_20260302_073000.jpg", picture(4))
    monkeypatch.setattr("cctv_vault.ingest.sidecars._MOST", len(picture(4)) - 1)

    assert not belongs(other)
    assert not belongs(huge)
    assert {each.outcome for each in quick_vault.ingest.offer_all(SYSTEM, [drop])} == {"sealed"}
    assert len(list(quick_vault.catalogue.list(MANAGER))) == 3


def test_the_thumbnail_of_an_unreadable_film_is_taken_in_by_itself(
    quick_vault: Vault, drop: Path
) -> None:
    put(drop, "a_20260302_073000.mp4", b"junk")
    put(drop, "a_20260302_073000.jpg", picture(3))

    (first,) = quick_vault.ingest.offer_all(SYSTEM, [drop])
    (second,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    assert (first.outcome, second.outcome) == ("quarantined", "sealed")


def test_an_xml_file_belongs_to_the_footage_of_its_name_only(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", b"")

    assert belongs(put(tmp_path, "a.xml", b""))
    assert not belongs(put(tmp_path, "b.xml", b""))
    assert not belongs(put(tmp_path, "recording.xml", b""))
    assert not belongs(tmp_path / "a.mp4")
