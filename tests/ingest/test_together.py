"""Many small files at once: what each comes to is what it would have come to alone."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.custody.events import Event
from cctv_vault.errors import IntakeStoppedError
from cctv_vault.ingest import batches
from cctv_vault.ingest.intake import Intake
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Grant, Intent, Recording
from cctv_vault.vault import Vault
from storage import stream
from storage.stream import stream_names
from tests.shop import MANAGER, NOW, SYSTEM, film, person, picture, put


def dropped(drop: Path, count: int, first: int = 0) -> dict[Path, bytes]:
    """Pictures in two folders, a minute apart."""
    files = {}
    for number in range(first, first + count):
        data = picture(number)
        files[put(drop / f"{number % 2}", f"x_20260302_07{number:02d}00.jpg", data)] = data
    return files


def rows(vault: Vault) -> dict[bytes, Recording]:
    with vault.database.read() as session:
        return {each.sha256: each for each in session.exec(select(Recording))}


def grants_of(vault: Vault, recording: str) -> list[tuple[str, str | None]]:
    with vault.database.read() as session:
        found = session.exec(select(Grant).where(Grant.recording_id == recording)).all()
        return sorted((each.purpose, each.hold_id) for each in found)


def is_untouched(vault: Vault) -> bool:
    """Whether nothing is left of an intent, and of ciphertext only what has a row."""
    with vault.database.read() as session:
        intents = session.exec(select(Intent)).all()
    kept = {each.id for each in rows(vault).values()}
    kept |= {each.id for each in vault.quarantine.list(SYSTEM)}
    return not intents and {name.split("/")[1] for name in stream_names(vault.store)} == kept


def test_each_is_sealed_indexed_entered_and_removed_in_one_act(vault: Vault, drop: Path) -> None:
    files = dropped(drop, 20)
    size = vault.log.size()

    outcomes = vault.ingest.offer_together(SYSTEM, list(files))

    assert [(each.path, each.outcome) for each in outcomes] == [(path, "sealed") for path in files]
    assert not any(path.exists() for path in files)
    found = rows(vault)
    for outcome, data in zip(outcomes, files.values(), strict=True):
        row = found[hashlib.sha256(data).digest()]
        assert (row.id, row.source_state, row.kind) == (outcome.recording, "removed", "still")
        assert row.started_at.strftime("%H%M") == f"06{outcome.path.stem[-4:-2]}"
        assert grants_of(vault, row.id) == [("prevention", None)]
        with vault.access.open_internal(row.id) as reader:
            assert reader.read() == data
    entries = vault.log.entries(after=size - 1, limit=1000)
    assert [each.event for each in entries] == [
        *[Event.RECORDING_SEALED, Event.SOURCE_REMOVAL_INTENDED] * 20,
        *[Event.SOURCE_REMOVED] * 20,
    ]
    assert len({each.at for each in entries[:40]}) == 1
    names = [each.details["name"] for each in entries[:40:2] if each.details is not None]
    assert names == [path.name for path in files]
    assert is_untouched(vault)
    assert not vault.log.verify().findings


def test_what_is_no_readable_still_goes_its_own_way_and_delays_none(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    good = list(dropped(drop, 4))
    link = drop / "link_20260302_070000.jpg"
    link.symlink_to(good[0])
    odd = {
        put(drop, "a_20260302_080000.jpg", b"nonsense"): "quarantined",
        put(drop, "b_20260302_080000.jpg", picture(50)[:300]): "quarantined",
        put(drop, "c_20260302_080000.mp4", film(1, 1.0)): "sealed",
        put(drop, "d_20260302_080000.jpg", b""): "quarantined",
        put(drop, "e_20260302_080000.jpg.part", picture(51)): "waiting",
        put(tmp_path / "elsewhere", "f_20260302_080000.jpg", picture(52)): "failed",
        link: "failed",
        drop / "gone.jpg": "failed",
        drop / "no\0name.jpg": "failed",
    }

    outcomes = quick_vault.ingest.offer_together(SYSTEM, [*odd, *good])

    found = {each.path: each.outcome for each in outcomes}
    assert {path: found[path] for path in odd} == odd
    assert {found[path] for path in good} == {"sealed"}
    assert is_untouched(quick_vault)


def test_twins_among_them_and_what_is_known_are_duplicates(vault: Vault, drop: Path) -> None:
    (known,) = dropped(drop, 1)
    first = vault.ingest.offer(SYSTEM, known)
    again = put(drop, "again_20260302_070000.jpg", picture(0))
    twins = [put(drop, f"twin{n}_20260302_0900{n:02d}.jpg", picture(9)) for n in range(3)]
    other = list(dropped(drop, 2, first=20))

    outcomes = vault.ingest.offer_together(SYSTEM, [again, *twins, *other])

    assert [each.outcome for each in outcomes] == [
        *("duplicate", "sealed", "duplicate", "duplicate", "sealed", "sealed")
    ]
    assert outcomes[0].recording == first.recording
    assert len({each.recording for each in outcomes[1:4]}) == 1
    assert not any(path.exists() for path in (again, *twins, *other))
    assert len(vault.log.entries(event=Event.RECORDING_OFFERED_AGAIN)) == 3
    assert is_untouched(vault)


def test_a_hold_keeps_those_it_wants_and_no_other(vault: Vault, drop: Path) -> None:
    vault.register.measure_clock(MANAGER, "kassa", 0.0, 1.0, NOW)
    window = ("kassa", NOW.replace(hour=7, minute=5), NOW.replace(hour=7, minute=6))
    officer = person(Role.PRIVACY_OFFICER)
    hold = vault.holds.place_as(
        officer, HoldOrder("preservation-order", (window,), "5000-K1-26", None, None)
    )

    files = dropped(drop, 12)
    outcomes = vault.ingest.offer_together(SYSTEM, list(files))

    held = [
        each.path.stem[-4:-2]
        for each in outcomes
        if each.recording and ("preservation-order", hold.id) in grants_of(vault, each.recording)
    ]
    assert held == ["05", "06"]


def test_what_its_purposes_have_ended_for_is_late_beside_what_is_not(
    vault: Vault, drop: Path
) -> None:
    old = (NOW - timedelta(days=30)).strftime("%Y%m%d")
    paths = [
        put(drop, f"x_{day}_07{number:02d}00.jpg", picture(number))
        for number, day in enumerate([old, "20260302", old, "20260302"])
    ]

    outcomes = vault.ingest.offer_together(SYSTEM, paths)

    assert [each.outcome for each in outcomes] == ["late", "sealed", "late", "sealed"]
    assert [grants_of(vault, each.recording or "")[0][0] for each in outcomes] == [
        *("late-arrival", "prevention", "late-arrival", "prevention")
    ]


def test_a_file_written_to_after_it_was_read_waits_and_the_others_are_sealed(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(dropped(drop, 4))
    real: Callable[..., object] = stream.seal_together

    def meddled(*arguments: object) -> object:
        files[1].write_bytes(picture(99))
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "seal_together", meddled)
        outcomes = quick_vault.ingest.offer_together(SYSTEM, files)

    # By itself it is read anew, as it is by then.
    assert [each.outcome for each in outcomes] == ["sealed"] * 4
    assert hashlib.sha256(picture(99)).digest() in rows(quick_vault)
    assert hashlib.sha256(picture(1)).digest() not in rows(quick_vault)
    assert is_untouched(quick_vault)


def test_a_job_that_dies_of_one_costs_the_others_nothing(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = list(dropped(drop, 4))
    real = MediaSandbox.run

    def run(self: MediaSandbox, operation: str, *rest: object) -> object:
        return real(self, "drill-crash" if operation == "stills" else operation, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MediaSandbox, "run", run)
    outcomes = quick_vault.ingest.offer_together(SYSTEM, files)

    assert [each.outcome for each in outcomes] == ["sealed"] * 4


def test_an_act_that_fails_leaves_every_source_and_no_ciphertext(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dropped(drop, 4)

    def full(*_: object) -> None:
        raise IntakeStoppedError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "works", full)
        outcomes = quick_vault.ingest.offer_together(SYSTEM, list(files))

    assert {each.outcome for each in outcomes} == {"failed"}
    assert quick_vault.ingest.is_stopped
    assert {path: path.read_bytes() for path in files} == files
    assert list(stream_names(quick_vault.store)) == []
    assert rows(quick_vault) == {}
    outcomes = quick_vault.ingest.offer_together(SYSTEM, list(files))
    assert {each.outcome for each in outcomes} == {"sealed"}
    assert len(quick_vault.log.entries(event=Event.INTAKE_RESUMED)) == 1
