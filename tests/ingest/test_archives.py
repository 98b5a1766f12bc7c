"""Archives taken in as they lie: whose each file is, from when, and what is left alone.

The table keeps one row a file on one line.
"""
# ruff: noqa: E501

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError
from cctv_vault.ingest.archives import late_windows
from cctv_vault.ingest.outcomes import Outcome, Preview
from cctv_vault.people.actors import Role
from cctv_vault.retention.grants import LATE
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Recording
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import NOW, SYSTEM, film, person, picture, put

# layout · file below the archive · the camera it must be found to be of · its start, UTC
LAYOUTS = [
    ("frigate", "recordings/2026-03-01/23/kassa/59.50.mp4", "kassa", "2026-03-01T23:59:50"),
    ("frigate", "recordings/2026-03-02/00/entre/00.00.mp4", "entre", "2026-03-02T00:00:00"),
    ("motion", "kassa/01-20260302061500.mkv", "kassa", "2026-03-02T05:15:00"),
    ("motion", "kassa/01-02-20260302061700.jpg", "kassa", "2026-03-02T05:17:00"),
    ("reolink", "Entré_00_20260302063000.mp4", "entre", "2026-03-02T05:30:00"),
    ("reolink", "2026/03/02/Entré_00_20260302063200.jpg", "entre", "2026-03-02T05:32:00"),
    ("dahua", "NVR/2026-03-02/001/dav/06/06.27.32-06.28.00[M][0@0][0].dav", "kassa", "2026-03-02T05:27:32"),
    ("dahua", "NVR/2026-03-01/002/dav/23/23.59.50-00.00.10[R][0@0][0].dav", "entre", "2026-03-01T22:59:50"),
]  # fmt: skip
LAYOUTS += [
    ("axis", "20260302_060000_1778_00408C18823D/20260302_06/20260302_061000_32D4.mkv", "kassa", "2026-03-02T05:10:00"),
    ("axis", "20260302_060000_1779_00408C18823E/20260302_06/20260302_061500_32D5.mkv", "entre", "2026-03-02T05:15:00"),
]  # fmt: skip
# layout · what lies in its trees beside the films and is no recording of its own
BESIDE = [
    ("motion", "kassa/01-20260302061500.jpg"),
    ("reolink", "Entré_00_20260302063000.jpg"),
    ("dahua", "NVR/2026-03-02/001/dav/06/06.27.32-06.28.00[M][0@0][0].idx"),
    ("dahua", "NVR/2026-03-02/001/dav/06/06.27.32-06.28.00[M][0@0][0].jpg"),
    ("axis", "20260302_060000_1778_00408C18823D/recording.xml"),
    ("axis", "20260302_060000_1778_00408C18823D/20260302_06/20260302_061000_32D4.xml"),
]
LABELS = {
    "NVR/001": "kassa", "NVR/002": "entre", "Entré": "entre",
    "00408C18823D": "kassa", "00408C18823E": "entre",
}  # fmt: skip
KINDS = ["frigate", "motion", "reolink", "dahua", "axis"]


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[str], Path]:
    """The tree of one layout, with a different file under each name."""

    def lay(layout: str) -> Path:
        root = tmp_path / "archive" / layout
        for number, (kind, name, _, _) in enumerate(LAYOUTS):
            if kind == layout:
                data = picture(number) if name.endswith("jpg") else film(number, 2.0)
                put((root / name).parent, Path(name).name, data)
        for kind, name in BESIDE:
            if kind == layout:
                put((root / name).parent, Path(name).name, b"beside")
        return root

    return lay


def rows(vault: Vault) -> list[Recording]:
    with vault.database.read() as session:
        return list(session.exec(select(Recording).order_by(col(Recording.started_at))))


def old(root: Path) -> Path:
    """A file of January: past its purposes for a month."""
    return put(root / "2026-01-05" / "10" / "kassa", "00.00.mp4", film(9, 2.0))


@pytest.mark.parametrize("layout", KINDS)
def test_each_file_of_an_archive_becomes_its_cameras_at_its_time(
    quick_vault: Vault, archive: Callable[[str], Path], layout: str
) -> None:
    root = archive(layout)
    quick_vault.register.add_camera(SYSTEM, "ny", drop=root.parent / "ny", name="Entre")
    camera = "kassa" if layout == "motion" else None  # its names tell no camera

    outcomes = list(
        quick_vault.ingest.offer_all(
            SYSTEM, [root], camera=camera, labels=LABELS, keep_source=True, leave_late=True
        )
    )

    assert [each.outcome for each in outcomes] == ["sealed"] * len(outcomes)
    expected = sorted((at, code, name) for kind, name, code, at in LAYOUTS if kind == layout)
    found = [
        (f"{row.started_at:%Y-%m-%dT%H:%M:%S}", row.camera_code, row.original_name)
        for row in rows(quick_vault)
    ]
    assert found == expected
    assert {row.time_source for row in rows(quick_vault)} == {"name"}
    assert all((root / name).exists() for _, _, name in expected)
    assert all((root / name).exists() for kind, name in BESIDE if kind == layout)


@pytest.mark.parametrize("layout", KINDS)
def test_of_every_layout_what_is_past_its_purposes_is_told_and_left_alone_unless_one_is_named(
    quick_vault: Vault, archive: Callable[[str], Path], layout: str
) -> None:
    root = archive(layout)
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=90))
    size = quick_vault.log.size()
    files = {each for each in root.rglob("*") if each.is_file()}
    camera = "kassa" if layout == "motion" else None

    told = list(
        quick_vault.ingest.preview_all(
            SYSTEM, [root], camera=camera, labels=LABELS, leave_late=True
        )
    )
    left = list(
        quick_vault.ingest.offer_all(SYSTEM, [root], camera=camera, labels=LABELS, leave_late=True)
    )

    count = sum(kind == layout for kind, *_ in LAYOUTS)
    assert [each.outcome for each in told] == ["late"] * count
    assert [(each.outcome, each.recording) for each in left] == [("late", None)] * count
    assert quick_vault.log.size() == size
    assert {each for each in root.rglob("*") if each.is_file()} == files
    taken = list(quick_vault.ingest.offer_all(SYSTEM, [root], camera=camera, labels=LABELS))
    assert [each.outcome for each in taken] == ["late"] * count
    assert len(rows(quick_vault)) == count
    left_over = {each.name for each in root.rglob("*") if each.is_file()}
    assert left_over <= {"recording.xml"}


def test_an_archives_stills_are_taken_in_together_and_gone_on_with_after_a_stop(
    vault: Vault, tmp_path: Path
) -> None:
    root = tmp_path / "archive"
    names = [f"Entré_00_202603020630{second:02d}.jpg" for second in range(20)]
    for number, name in enumerate(names):
        put(root / "2026" / "03", name, picture(number))
    late = put(root / "2026" / "01", "Entré_00_20260105063000.jpg", picture(30))
    put(root / "2026" / "03", "Entré_00_20260302063100.jpg", b"junk")
    commits: list[object] = []
    event.listen(vault.database._writer, "commit", commits.append)

    def offered() -> Iterator[Outcome]:
        return vault.ingest.offer_all(
            SYSTEM, [root], labels=LABELS, keep_source=True, leave_late=True
        )

    first = list(islice(offered(), 5))
    together = len(commits)
    again = [each.outcome for each in offered()]

    assert [each.outcome for each in first] == ["late", *["sealed"] * 4]
    assert together < 5
    assert again == ["late", *["duplicate"] * 20, "quarantined"]
    assert [row.camera_code for row in rows(vault)] == ["entre"] * 20
    assert late.exists()
    assert vault.log.verify().sound


def test_an_interrupted_archive_is_gone_on_with_and_nothing_is_kept_twice(
    vault: Vault, archive: Callable[[str], Path]
) -> None:
    root = archive("frigate")
    first = next(vault.ingest.offer_all(SYSTEM, [root], keep_source=True))

    again = list(vault.ingest.offer_all(SYSTEM, [root], keep_source=True))

    assert first.outcome == "sealed"
    assert [each.outcome for each in again] == ["duplicate", "sealed"]
    assert len(rows(vault)) == 2


def test_a_dry_run_tells_each_file_and_changes_nothing(
    vault: Vault, archive: Callable[[str], Path], drop: Path
) -> None:
    root = archive("frigate")
    known = root / "recordings/2026-03-01/23/kassa/59.50.mp4"
    vault.ingest.offer(SYSTEM, known, camera="kassa", keep_source=True)
    ended = old(root)
    junk = put(root / "2026-03-02" / "01" / "kassa", "00.00.mp4", b"junk")
    unknown = put(root / "2026-03-02" / "01" / "lager", "00.00.mp4", film(8, 1.0))
    pipe = root / "pipe"
    os.mkfifo(pipe)
    half = put(drop, "a.mp4.part", b"")
    size, blobs = vault.log.size(), set(stream_names(vault.store))
    files = {each: each.lstat().st_mtime_ns for each in root.rglob("*")}

    told = {
        each.path: each
        for each in vault.ingest.preview_all(SYSTEM, [root, drop, half], leave_late=True)
    }

    new = told[root / "recordings/2026-03-02/00/entre/00.00.mp4"]
    assert (new.outcome, new.camera, new.time_source) == ("sealed", "entre", "name")
    assert new.started_at == datetime.fromisoformat("2026-03-02T00:00:00Z")
    assert new.ended_at == datetime.fromisoformat("2026-03-02T00:00:02Z")
    assert (told[known].outcome, told[known].recording) == ("duplicate", rows(vault)[0].id)
    assert told[ended].outcome == "late"
    assert "left alone" in told[ended].reason
    assert told[junk].outcome == "quarantined"
    assert (told[unknown].outcome, told[pipe].outcome) == ("failed", "failed")
    assert "'lager'" in told[unknown].reason
    assert told[half].outcome == "waiting"
    assert (vault.log.size(), set(stream_names(vault.store))) == (size, blobs)
    assert {each: each.lstat().st_mtime_ns for each in root.rglob("*")} == files
    assert len(rows(vault)) == 1


def test_what_a_dry_run_tells_is_what_then_happens(
    quick_vault: Vault, archive: Callable[[str], Path]
) -> None:
    root = archive("frigate")
    old(root)
    put(root / "2026-03-02" / "01" / "kassa", "00.00.mp4", b"junk")

    told = list(quick_vault.ingest.preview_all(SYSTEM, [root], leave_late=True))
    done = list(quick_vault.ingest.offer_all(SYSTEM, [root], leave_late=True))

    assert [(each.path, each.outcome, each.reason) for each in told] == [
        (each.path, each.outcome, each.reason) for each in done
    ]
    spans = sorted((each.started_at, each.ended_at) for each in told if each.outcome == "sealed")
    assert spans == [(row.started_at, row.ended_at) for row in rows(quick_vault)]


def test_what_is_past_its_purposes_is_left_alone_in_an_archive_only(
    vault: Vault, tmp_path: Path, drop: Path
) -> None:
    ended = old(tmp_path / "archive")
    size = vault.log.size()

    (left,) = vault.ingest.offer_all(SYSTEM, [tmp_path / "archive"], leave_late=True)

    assert (left.outcome, left.recording) == ("late", None)
    assert ended.exists()
    assert vault.log.size() == size
    sent = put(drop, "20260105_100000.mp4", film(9, 2.0))
    (kept,) = vault.ingest.offer_all(SYSTEM, [drop], leave_late=True)
    assert (kept.outcome, kept.recording) == ("late", rows(vault)[0].id)
    assert not sent.exists()


def test_a_named_purpose_takes_in_what_is_past_the_others(vault: Vault, tmp_path: Path) -> None:
    old(tmp_path / "archive")

    (taken,) = vault.ingest.offer_all(SYSTEM, [tmp_path / "archive"], keep_source=True)

    assert taken.outcome == "late"
    (grant,) = vault.catalogue.show(person(Role.MANAGER), str(taken.recording)).grants
    assert (grant.purpose, grant.until) == (LATE, NOW + timedelta(hours=24))


def test_a_hold_over_what_is_past_its_purposes_takes_it_in(vault: Vault, tmp_path: Path) -> None:
    root = tmp_path / "archive"
    old(root)
    previews = vault.ingest.preview_all(SYSTEM, [root], leave_late=True)
    order = HoldOrder("claim", late_windows(previews), "skadestånd 2026-17")
    hold = vault.holds.place_as(person(Role.MANAGER), order)

    (taken,) = vault.ingest.offer_all(SYSTEM, [root], keep_source=True, leave_late=True)

    assert taken.outcome == "sealed"
    (grant,) = vault.catalogue.show(person(Role.MANAGER), str(taken.recording)).grants
    assert (grant.purpose, grant.hold_id) == ("claim", hold.id)


def test_a_gagged_hold_does_not_show_in_what_an_archive_is_told_to_come_to(
    quick_vault: Vault, tmp_path: Path
) -> None:
    ended = old(tmp_path / "archive")
    made = datetime.fromisoformat("2026-01-05T10:00:00Z")
    window = ("kassa", made, made.replace(hour=11))
    order = HoldOrder("preservation-order", (window,), "5000-K1-26", gagged=True)
    quick_vault.holds.place_as(person(Role.PRIVACY_OFFICER, cleared=True), order)

    (told,) = quick_vault.ingest.preview_all(SYSTEM, [tmp_path / "archive"], leave_late=True)

    assert told.outcome == "late"
    assert ended.exists()


def test_whoever_may_not_take_files_in_is_told_nothing_of_them_either(
    quick_vault: Vault, tmp_path: Path
) -> None:
    old(tmp_path / "archive")

    with pytest.raises(AccessDeniedError):
        next(quick_vault.ingest.preview_all(person(Role.AUDITOR), [tmp_path / "archive"]))

    assert [each.event for each in quick_vault.log.entries(limit=1000)][-1] == Event.REFUSED


def test_close_windows_become_one_and_distant_ones_stay_two() -> None:
    def late(camera: str, minute: int, *, outcome: str = "late") -> Preview:
        start = NOW + timedelta(minutes=minute)
        end = start + timedelta(minutes=1)
        return Preview(Path("x"), outcome, camera, start, end)  # type: ignore[arg-type]

    windows = late_windows(
        [late("b", 0), late("a", 30), late("a", 0), late("a", 200), late("a", 5, outcome="sealed")]
    )

    assert [(camera, int((end - start).seconds / 60)) for camera, start, end in windows] == [
        ("a", 31),
        ("a", 1),
        ("b", 1),
    ]


def test_the_vaults_own_files_are_no_archive(quick_vault: Vault) -> None:
    home = quick_vault.settings.home

    outcomes = {each.outcome for each in quick_vault.ingest.preview_all(SYSTEM, [home])}

    assert outcomes == {"failed"}
