"""Footage with a file beside it that tells of it: Axis cameras' blocks, thumbnails, indices."""
# ruff: noqa: E501

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from cctv_vault.check import check_vault
from cctv_vault.custody.events import Event
from cctv_vault.ingest.sidecars import Block, belongs, read_block
from cctv_vault.ingest.single import Singles
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Grant, Intent
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


def note(stop: str | None) -> bytes:
    """What an Axis camera tells of a whole recording."""
    end = f"<StopTime>{stop}</StopTime>" if stop else "<StopTime/>"
    return (
        f'<?xml version="1.0"?><Recording RecordingToken="{RECORDING}"><SourceToken>1'
        f"</SourceToken><StartTime>2026-03-02T06:30:00.1Z</StartTime>{end}</Recording>"
    ).encode()


@pytest.fixture
def card(drop: Path) -> Callable[..., Path]:
    """Lays a camera's folder: the recording's own note, and one block with its sidecar."""

    def lay(
        stop: str | None = "2026-03-02T06:45:02.704260Z", name: str = "20260302_074500_32D4"
    ) -> Path:
        put(drop / RECORDING, "recording.xml", note(stop))
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


def test_another_thumbnail_of_a_film_that_has_one_is_a_still_of_its_own(
    quick_vault: Vault, drop: Path
) -> None:
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    put(drop, "a_20260302_073000.jpg", picture(2))
    list(quick_vault.ingest.offer_all(SYSTEM, [drop]))
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    put(drop, "a_20260302_073000.jpg", picture(3))

    list(quick_vault.ingest.offer_all(SYSTEM, [drop]))
    (still,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    assert still.outcome == "sealed"
    assert sorted(each.kind for each in quick_vault.catalogue.list(MANAGER)) == ["still", "video"]


@pytest.mark.parametrize(("film_name", "others"), BESIDE)
def test_what_comes_after_its_film_is_kept_with_it_and_ends_with_it(
    vault: Vault, drop: Path, tmp_path: Path, film_name: str, others: list[str]
) -> None:
    folder = drop / "2026-03-02"
    path = put(folder, film_name, film(1, 2.0))
    (first,) = vault.ingest.offer_all(SYSTEM, [drop])
    data = {name: picture(3) + name.encode() for name in others}
    late = [put(folder, name, data[name]) for name in others]

    # What tells of a picture beside it as well goes once that has gone.
    first_round = {each.path: each for each in vault.ingest.offer_together(SYSTEM, late)}
    outcomes = [
        vault.ingest.offer(SYSTEM, path) if each.outcome == "waiting" else each
        for path, each in first_round.items()
    ]

    assert [(each.outcome, each.recording) for each in outcomes] == [
        ("sealed", first.recording)
    ] * len(others)
    assert list(drop.rglob("*.*")) == []
    (row,) = vault.catalogue.list(MANAGER)
    endings = {name: name.removeprefix(path.stem) for name in others}
    detail = vault.catalogue.show(MANAGER, row.id)
    assert detail.beside == {endings[name]: len(data[name]) for name in others}
    assert detail.source_state == "removed"
    for name in others:
        out = tmp_path / f"out{endings[name]}"
        vault.access.export(
            MANAGER, row.id, out, reason="x", purpose="internal-review", beside=endings[name]
        )
        assert out.read_bytes() == data[name]
    joined = vault.log.entries(event=Event.RECORDING_JOINED)
    assert sorted(str((each.details or {})["name"]) for each in joined) == sorted(others)
    assert not [each for each in check_vault(vault, deep=True).findings if each.level == "broken"]
    vault.set_clock(SYSTEM, NOW + timedelta(days=60))
    vault.sweeper.run(SYSTEM)
    assert list(stream_names(vault.store)) == []


def test_a_late_thumbnail_that_stays_at_its_source_is_known_when_it_is_offered_again(
    vault: Vault, drop: Path
) -> None:
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    (first,) = vault.ingest.offer_all(SYSTEM, [drop])
    late = put(drop, "a_20260302_073000.jpg", picture(3))

    outcomes = [vault.ingest.offer(SYSTEM, late, keep_source=True) for _ in range(2)]
    assert late.exists()
    outcomes.append(vault.ingest.offer(SYSTEM, late))

    assert [each.outcome for each in outcomes] == ["sealed", "duplicate", "duplicate"]
    assert {each.recording for each in outcomes} == {first.recording}
    assert not late.exists()


def test_of_films_that_have_one_name_every_day_a_late_thumbnail_is_its_own_days(
    quick_vault: Vault, drop: Path
) -> None:
    films = [
        quick_vault.ingest.offer(
            SYSTEM, put(drop / f"2026-03-0{day}", "07-30-00.mp4", film(day, 2.0))
        ).recording
        for day in (1, 2)
    ]

    late = [put(drop / f"2026-03-0{day}", "07-30-00.jpg", picture(day)) for day in (1, 2)]

    assert [quick_vault.ingest.offer(SYSTEM, each).recording for each in late] == films


def test_a_picture_that_only_looks_like_a_late_thumbnail_is_a_still_of_its_own(
    vault: Vault, drop: Path, tmp_path: Path
) -> None:
    def still(folder: Path, name: str, number: int) -> str | None:
        outcome = vault.ingest.offer(SYSTEM, put(folder, name, picture(number)))
        assert outcome.outcome == "sealed"
        return vault.catalogue.show(MANAGER, str(outcome.recording)).kind

    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    list(vault.ingest.offer_all(SYSTEM, [drop]))

    assert still(drop, "b_20260302_073000.jpg", 3) == "still"
    assert still(tmp_path / "drop" / "entre", "a_20260302_073000.jpg", 4) == "still"
    vault.set_clock(SYSTEM, NOW + timedelta(hours=25))  # as long after its film it is none of its
    assert still(drop, "a_20260302_073000.jpg", 5) == "still"


def test_a_late_thumbnail_of_a_film_that_only_a_gagged_hold_keeps_tells_nothing_of_it(
    vault: Vault, drop: Path
) -> None:
    put(drop, "clip0001.mp4", film(1, 2.0))
    (first,) = vault.ingest.offer_all(SYSTEM, [drop])
    window = ("kassa", NOW - timedelta(hours=2), NOW)
    order = HoldOrder("preservation-order", (window,), "5000-K1-26", gagged=True)
    vault.holds.place_as(person(Role.PRIVACY_OFFICER, cleared=True), order)
    with vault.database.write() as session:  # as if its own purpose had ended within the day
        for grant in session.exec(select(Grant).where(col(Grant.hold_id).is_(None))):
            grant.until = NOW
            session.add(grant)

    outcome = vault.ingest.offer(SYSTEM, put(drop, "clip0001.jpg", picture(3)))

    assert outcome.outcome in {"sealed", "late"}
    assert outcome.recording != first.recording


def test_what_tells_of_footage_waits_for_it_a_while(quick_vault: Vault, drop: Path) -> None:
    early = put(drop, "a_20260302_073000.json", b"{}")

    first = quick_vault.ingest.offer(SYSTEM, early)
    put(drop, "a_20260302_073000.mp4", film(1, 2.0))
    (second,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    assert first.outcome == "waiting"
    assert "may still come" in first.reason
    assert second.outcome == "sealed"
    assert not early.exists()


def test_an_axis_recordings_note_is_kept_with_its_last_block_once_that_is_sealed(
    vault: Vault, card: Callable[..., Path], drop: Path
) -> None:
    card()
    path = drop / RECORDING / "recording.xml"
    data = path.read_bytes()
    (film_of,) = vault.ingest.offer_all(SYSTEM, [drop])
    assert path.exists()

    (outcome,) = vault.ingest.offer_all(SYSTEM, [drop])

    assert (outcome.outcome, outcome.recording) == ("sealed", film_of.recording)
    assert not path.exists()
    beside = vault.catalogue.show(MANAGER, str(film_of.recording)).beside
    assert beside[".recording.xml"] == len(data)


def test_an_axis_recordings_note_waits_while_the_recording_goes_on(
    quick_vault: Vault, card: Callable[..., Path], drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card()
    path = put(drop / RECORDING, "recording.xml", note(None))
    list(quick_vault.ingest.offer_all(SYSTEM, [drop]))

    (waits,) = quick_vault.ingest.offer_all(SYSTEM, [drop])
    monkeypatch.setattr("cctv_vault.ingest.settling._INCOMPLETE_S", 0.0)
    (kept,) = quick_vault.ingest.offer_all(SYSTEM, [drop])

    assert (waits.outcome, kept.outcome) == ("waiting", "sealed")
    assert "not marked it complete" in waits.reason
    assert not path.exists()


def test_an_axis_recordings_note_without_footage_does_not_lie_there_for_ever(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop / RECORDING, "recording.xml", note("2026-03-02T06:45:02Z"))
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    monkeypatch.setattr("cctv_vault.ingest.settling.UNFINISHED_S", 0.0)

    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "quarantined"
    assert not path.exists()


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
    assert not belongs(put(tmp_path / RECORDING, "recording.xml", b""))
    put(tmp_path / RECORDING / "20260302_07", "20260302_074500_32D4.mkv", b"")
    assert belongs(tmp_path / RECORDING / "recording.xml")
    assert not belongs(tmp_path / "a.mp4")
