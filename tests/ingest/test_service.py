import fcntl
import hashlib
import io
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import av
import pytest
from sqlmodel import col, select

from cctv_vault.clock import SystemClock
from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, IntakeStoppedError
from cctv_vault.ingest import settling, single
from cctv_vault.ingest.removals import Removals
from cctv_vault.ingest.single import Singles
from cctv_vault.ingest.sources import Source, open_source
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Intent, Quarantined, Recording
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import MANAGER, NOW, SYSTEM, film, person, picture, put, settings_of


def rows(vault: Vault) -> list[Recording]:
    with vault.database.read() as session:
        return list(session.exec(select(Recording).order_by(col(Recording.started_at))))


def events(vault: Vault) -> list[str]:
    return [entry.event for entry in vault.log.entries(limit=1000)]


def test_a_film_is_sealed_indexed_entered_and_its_source_removed(vault: Vault, drop: Path) -> None:
    data = film(1, 2.0)
    path = put(drop, "kassa_20260302_074500.mp4", data)

    outcome = vault.ingest.offer(SYSTEM, path)

    (row,) = rows(vault)
    assert (outcome.outcome, outcome.recording, outcome.path) == ("sealed", row.id, path)
    assert not path.exists()
    assert row.sha256 == hashlib.sha256(data).digest()
    assert row.started_at.isoformat() == "2026-03-02T06:45:00+00:00"
    assert (row.camera_code, row.kind, row.codec, row.source_state) == (
        "kassa",
        "video",
        "h264",
        "removed",
    )
    with vault.access.open_internal(row.id) as reader:
        assert reader.read() == data
    assert events(vault)[-3:] == [
        Event.RECORDING_SEALED,
        Event.SOURCE_REMOVAL_INTENDED,
        Event.SOURCE_REMOVED,
    ]
    with vault.database.read() as session:
        assert session.exec(select(Intent)).all() == []
    assert not vault.log.verify().findings


def test_a_still_is_sealed_too_and_lasts_no_time(quick_vault: Vault, drop: Path) -> None:
    path = put(drop, "kassa_20260302_074500.jpg", picture(1))

    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"

    (row,) = rows(quick_vault)
    assert (row.kind, row.ended_at, row.span_class) == ("still", row.started_at, 0)


def test_a_file_offered_again_changes_nothing_but_the_log(vault: Vault, drop: Path) -> None:
    first = vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074500.mp4", film(1, 1.0)))
    blobs = set(stream_names(vault.store))
    # The same name and time is found before it is sealed, another name only by its hash.
    for name in ("a_20260302_074500.mp4", "b_20260301_120000.mp4"):
        path = put(drop, name, film(1, 1.0))

        again = vault.ingest.offer(SYSTEM, path)

        assert (again.outcome, again.recording) == ("duplicate", first.recording)
        assert not path.exists()
    assert len(rows(vault)) == 1
    assert set(stream_names(vault.store)) == blobs
    assert events(vault).count(Event.RECORDING_OFFERED_AGAIN) == 2


def test_the_same_bytes_from_another_camera_are_another_recording(
    quick_vault: Vault, drop: Path
) -> None:
    data = film(1, 1.0)

    outcomes = [
        quick_vault.ingest.offer(SYSTEM, put(folder, "x_20260302_074500.mp4", data)).outcome
        for folder in (drop, drop.parent / "entre")
    ]

    assert outcomes == ["sealed", "sealed"]
    assert {row.camera_code for row in rows(quick_vault)} == {"kassa", "entre"}


def test_a_kept_source_stays_and_is_not_intended_to_go(quick_vault: Vault, tmp_path: Path) -> None:
    path = put(tmp_path / "archive", "20260302_074500.mp4", film(1, 1.0))

    outcome = quick_vault.ingest.offer(SYSTEM, path, camera="kassa", keep_source=True)

    assert outcome.outcome == "sealed"
    assert path.exists()
    assert rows(quick_vault)[0].source_state == "kept"
    assert Event.SOURCE_REMOVAL_INTENDED not in events(quick_vault)


def test_what_expired_is_recognised_and_not_kept_again(vault: Vault, drop: Path) -> None:
    name, data = "a_20260302_074500.mp4", film(1, 1.0)
    first = vault.ingest.offer(SYSTEM, put(drop, name, data))
    vault.set_clock(SYSTEM, rows(vault)[0].started_at.replace(month=4))
    vault.sweeper.run(SYSTEM)
    path = put(drop, name, data)

    again = vault.ingest.offer(SYSTEM, path)

    assert (again.outcome, again.recording) == ("expired", first.recording)
    assert "not kept again; the source is removed" in again.reason
    assert not path.exists()
    assert list(stream_names(vault.store)) == []


def test_an_expired_files_source_stays_while_a_hold_wants_its_time(
    quick_vault: Vault, drop: Path
) -> None:
    name, data = "a_20260302_074500.mp4", film(1, 1.0)
    quick_vault.ingest.offer(SYSTEM, put(drop, name, data))
    (row,) = rows(quick_vault)
    quick_vault.set_clock(SYSTEM, row.started_at.replace(month=4))
    quick_vault.sweeper.run(SYSTEM)
    window = ("kassa", row.started_at, row.ended_at)
    quick_vault.holds.place_as(
        person(Role.PRIVACY_OFFICER),
        HoldOrder("preservation-order", (window,), "5000-K1-26", None, None),
    )
    path = put(drop, name, data)

    again = quick_vault.ingest.offer(SYSTEM, path)

    assert again.outcome == "expired"
    assert "the source stays" in again.reason
    assert path.exists()


def test_footage_whose_purposes_ended_before_it_arrived_is_late(
    quick_vault: Vault, drop: Path
) -> None:
    outcome = quick_vault.ingest.offer(SYSTEM, put(drop, "a_20260101_120000.mp4", film(1, 1.0)))

    assert outcome.outcome == "late"
    assert outcome.recording == rows(quick_vault)[0].id


def gag(vault: Vault, start: datetime) -> None:
    """A hold of three quarters of an hour on ``kassa`` that only the cleared may know of."""
    window = ("kassa", start - timedelta(minutes=30), start + timedelta(minutes=15))
    order = HoldOrder("preservation-order", (window,), "5000-K1-26", gagged=True)
    vault.holds.place_as(person(Role.PRIVACY_OFFICER, cleared=True), order)


def test_what_arrives_late_under_a_gagged_hold_is_told_of_as_if_there_were_none(
    quick_vault: Vault, drop: Path
) -> None:
    gag(quick_vault, datetime.fromisoformat("2026-01-01T12:00:00+01:00"))

    outcome = quick_vault.ingest.offer(SYSTEM, put(drop, "a_20260101_120000.mp4", film(1, 1.0)))

    assert (outcome.outcome, outcome.reason) == ("late", "its purposes had ended before it arrived")
    (entry,) = quick_vault.log.entries(event="recording.sealed")
    assert entry.facts["late"] is True
    assert outcome.recording is not None
    shown = quick_vault.catalogue.show(MANAGER, outcome.recording)
    assert (shown.state, [each.purpose for each in shown.grants]) == ("kept", ["late-arrival"])


def test_a_file_offered_again_does_not_tell_of_the_gagged_hold_that_keeps_it(
    quick_vault: Vault, drop: Path
) -> None:
    name, data = "a_20260302_074500.mp4", film(1, 1.0)
    first = quick_vault.ingest.offer(SYSTEM, put(drop, name, data))
    (row,) = rows(quick_vault)
    gag(quick_vault, row.started_at)
    quick_vault.set_clock(SYSTEM, row.started_at.replace(month=4))
    quick_vault.sweeper.run(SYSTEM)
    path = put(drop, name, data)

    again = quick_vault.ingest.offer(MANAGER, path)

    assert (again.outcome, again.recording) == ("expired", first.recording)
    assert "not kept again; the source is removed" in again.reason
    assert not path.exists()
    assert rows(quick_vault)[0].state == "kept"  # nothing is lost by it


def test_the_vault_takes_in_none_of_its_own_files(quick_vault: Vault, tmp_path: Path) -> None:
    def everything() -> dict[Path, bytes]:
        keys, blobs = tmp_path / "keys", tmp_path / "home" / "blobs"
        return {
            path: path.read_bytes()
            for path in (*keys.rglob("*"), *blobs.rglob("*"))
            if path.is_file()
        }

    quick_vault.ingest.offer(SYSTEM, put(tmp_path / "drop" / "kassa", "a.jpg", picture(1)))
    (tmp_path / "way").symlink_to(tmp_path / "keys")
    before = everything()
    assert before

    outcomes = list(
        quick_vault.ingest.offer_all(
            MANAGER, [tmp_path / "keys", tmp_path / "home"], camera="entre"
        )
    )
    outcomes.append(
        quick_vault.ingest.offer(MANAGER, tmp_path / "way" / "signing.key", camera="entre")
    )

    assert {each.outcome for each in outcomes} == {"failed"}
    assert all("the vault's own files" in each.reason for each in outcomes)
    assert everything() == before
    assert "act.refused" in events(quick_vault)


def test_a_file_that_is_large_in_name_only_stops_nobody_elses_footage(
    quick_vault: Vault, drop: Path
) -> None:
    hollow = put(drop, "a_20260302_070000.mp4", b"")
    os.truncate(hollow, 1 << 43)

    outcome = quick_vault.ingest.offer(SYSTEM, hollow)

    assert outcome.outcome == "failed"
    assert "holes" in outcome.reason
    assert not quick_vault.ingest.is_stopped
    assert "intake.stopped" not in events(quick_vault)
    assert hollow.exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"<html>404</html>", "not-media"), (b"x", "not-media")],
)
def test_what_cannot_be_read_is_quarantined_with_its_reason(
    vault: Vault, drop: Path, data: bytes, code: str
) -> None:
    path = put(drop, "kassa_20260302_074500.mp4", data)

    outcome = vault.ingest.offer(SYSTEM, path)

    assert (outcome.outcome, outcome.recording) == ("quarantined", None)
    assert outcome.reason.startswith(f"{code}: ")
    assert not path.exists()
    assert rows(vault) == []
    (listed,) = vault.quarantine.list(SYSTEM)
    assert (listed.reason_code, listed.sha256) == (code, hashlib.sha256(data).digest())
    with vault.database.read() as session:
        row = session.get(Quarantined, listed.id)
        assert row is not None
        assert row.wrapped_key is not None
    if len(data) > 1:
        assert not any(data in blob.read_bytes() for blob in _files(vault))


def test_a_quarantined_file_offered_again_is_not_kept_longer(
    quick_vault: Vault, drop: Path
) -> None:
    for _ in range(2):
        outcome = quick_vault.ingest.offer(SYSTEM, put(drop, "bad.mp4", b"nonsense"))

        assert outcome.outcome == "quarantined"
    assert len(quick_vault.quarantine.list(SYSTEM)) == 1
    assert len(list(stream_names(quick_vault.store))) == 1


def test_a_file_in_nobodys_drop_folder_fails_and_the_refusal_names_the_cameras(
    quick_vault: Vault, tmp_path: Path
) -> None:
    path = put(tmp_path / "elsewhere", "a.mp4", film(1, 1.0))

    outcomes = [
        quick_vault.ingest.offer(SYSTEM, path),
        quick_vault.ingest.offer(SYSTEM, path, camera="lager"),
    ]

    for outcome in outcomes:
        assert outcome.outcome == "failed"
        assert "the cameras are entre, kassa" in outcome.reason
    assert path.exists()
    assert Event.REFUSED in events(quick_vault)


def test_links_pipes_and_sockets_are_refused_where_they_lie(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    target = put(tmp_path / "outside", "secret.mp4", film(1, 1.0))
    (drop / "link.mp4").symlink_to(target)
    os.mkfifo(drop / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(drop / "socket.mp4"))

    outcomes = {o.path.name: o for o in quick_vault.ingest.offer_all(SYSTEM, [drop])}

    assert {name: each.outcome for name, each in outcomes.items()} == {
        "link.mp4": "failed",
        "pipe.mp4": "failed",
        "socket.mp4": "failed",
    }
    assert "links are not followed" in outcomes["link.mp4"].reason
    assert target.exists()
    assert rows(quick_vault) == []


def test_a_drop_folder_reached_through_a_link_is_still_its_cameras(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    (tmp_path / "shortcut").symlink_to(drop)

    outcome = quick_vault.ingest.offer(SYSTEM, tmp_path / "shortcut" / "a_20260302_074500.mp4")

    assert outcome.outcome == "sealed"
    assert rows(quick_vault)[0].camera_code == "kassa"


@pytest.mark.parametrize("name", ["a.mp4.part", "a.tmp", "a.mp4~", ".a.mp4.Xy12", "a.filepart"])
def test_a_name_of_something_unfinished_waits(quick_vault: Vault, drop: Path, name: str) -> None:
    path = put(drop, name, film(1, 1.0))

    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    assert path.exists()


def test_a_file_somebody_has_open_for_writing_waits(quick_vault: Vault, drop: Path) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    with path.open("ab"):
        assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"


def test_what_looks_unfinished_waits_longer_where_nobody_can_tell_whether_it_is(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = film(1, 3.0)[:400]
    path = put(drop, "a_20260302_074500.mp4", half)
    whole = put(drop, "b_20260302_074500.mp4", film(2, 1.0))
    monkeypatch.setattr(Source, "check_not_written", lambda _: False)

    waits = quick_vault.ingest.offer(SYSTEM, path)

    assert (waits.outcome, quick_vault.ingest.offer(SYSTEM, whole).outcome) == ("waiting", "sealed")
    assert waits.retry_in_s is not None
    monkeypatch.undo()  # on a local disk the system says that nobody is writing it
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "quarantined"


def live(container: str) -> bytes:
    """Two minutes as a recorder writes them out piece by piece."""
    how = {"fragmented": "mp4"}.get(container, container)
    options = {"movflags": "frag_keyframe+empty_moov"} if how == "mp4" else {"live": "1"}
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(film(1, 120.0)), "r") as source,
        av.open(out, "w", format=how, options=options if how != "h264" else {}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return out.getvalue()


class _Moved:
    """The machine's clock, moved on by so many seconds."""

    def __init__(self, by: list[float]) -> None:
        self._by = by

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=self._by[0])


@pytest.mark.parametrize(
    ("container", "where"),
    [
        ("mpegts", "held open"),
        *product(["mpegts", "matroska", "fragmented", "h264"], ["closed by others", "on a share"]),
    ],
)
def test_a_segment_that_grows_for_an_hour_is_taken_in_once_and_whole(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch, container: str, where: str
) -> None:
    """Real appends, half a minute apart by a clock that is moved."""
    data = live(container)
    moved, moved_at_write = [0.0], [0.0]
    monkeypatch.setattr(settling, "monotonic", lambda: time.monotonic() + moved[0])
    settles = quick_vault.ingest._steps.settling
    settles.settle_s = 3.0
    monkeypatch.setattr(settles, "_wall", _Moved(moved))

    @contextmanager
    def opened(path: Path) -> Iterator[Source]:
        with open_source(path) as source:
            source.changed_at_s += moved_at_write[0]
            yield source

    monkeypatch.setattr(single, "open_source", opened)
    if where != "held open":
        monkeypatch.setattr(Source, "check_not_written", lambda _: False)
    if where == "on a share":
        monkeypatch.setattr(settling, "is_network", lambda _: True)
    path = put(drop, "a_20260302_064500.ts", b"")
    with path.open("ab", buffering=0) as growing:
        for n in range(120):
            growing.write(data[n * len(data) // 120 : (n + 1) * len(data) // 120])
            moved_at_write[0] = moved[0]
            for seconds in (10.0, 20.0):
                moved[0] += seconds
                assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"

    assert path.exists()
    first = quick_vault.ingest.offer(SYSTEM, path)
    moved[0] += 70.0
    outcomes = [first, quick_vault.ingest.offer(SYSTEM, path)]
    assert "sealed" in {each.outcome for each in outcomes}
    assert not path.exists()
    (row,) = rows(quick_vault)
    assert (row.size, row.sha256) == (len(data), hashlib.sha256(data).digest())
    assert quick_vault.quarantine.list(SYSTEM) == ()


def test_a_file_another_process_is_taking_in_waits(quick_vault: Vault, drop: Path) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert quick_vault.ingest.offer(SYSTEM, path).outcome == "waiting"
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"


def test_odd_names_are_kept_verbatim_and_found_again(vault: Vault, drop: Path) -> None:
    names = [
        b'\xff\xfe "quoted" \n newline.jpg',
        "åäö 日本 😀 20260302_074500.jpg".encode(),
        b"back\\slash \\udcff.jpg",
        b"-rf $(reboot);'.jpg",
    ]
    for number, name in enumerate(names):
        with open(os.fsencode(drop) + b"/" + name, "wb") as file:  # noqa: PTH123 - bytes
            file.write(picture(number))

    outcomes = list(vault.ingest.offer_all(SYSTEM, [drop]))

    assert [each.outcome for each in outcomes] == ["sealed"] * len(names)
    kept = {row.original_name for row in rows(vault)}
    assert kept == {
        '\\udcff\\udcfe "quoted" \n newline.jpg',
        "åäö 日本 😀 20260302_074500.jpg",
        "back\\slash \\\\udcff.jpg",
        "-rf $(reboot);'.jpg",
    }
    assert list(drop.iterdir()) == []


def test_a_tree_keeps_going_past_whatever_is_in_it(quick_vault: Vault, drop: Path) -> None:
    put(drop / "2026-03-02", "07-45-00.mp4", film(1, 1.0))
    put(drop / "2026-03-02", "07-46-00.mp4", b"")
    put(drop / "2026-03-02" / "deep", "x_20260302_074700.jpg", picture(1))

    outcomes = [
        each.outcome for each in quick_vault.ingest.offer_all(SYSTEM, [drop, drop / "missing"])
    ]

    assert outcomes == ["sealed", "quarantined", "sealed", "failed"]
    assert rows(quick_vault)[0].time_source == "name"


def test_with_an_original_root_the_recording_is_named_by_its_path_below_it(
    quick_vault: Vault, tmp_path: Path
) -> None:
    root = tmp_path / "archive"
    path = put(root / "2026-03-02" / "06" / "kassa", "45.00.mp4", film(1, 1.0))

    outcome = quick_vault.ingest.offer(
        SYSTEM, path, camera="kassa", keep_source=True, original_root=root
    )

    assert outcome.outcome == "sealed"
    (row,) = rows(quick_vault)
    assert row.original_name == "2026-03-02/06/kassa/45.00.mp4"
    assert row.started_at.isoformat() == "2026-03-02T06:45:00+00:00"  # Frigate writes UTC


def test_a_person_without_the_right_is_refused_and_the_refusal_entered(
    quick_vault: Vault, drop: Path
) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))

    with pytest.raises(AccessDeniedError):
        quick_vault.ingest.offer(person(Role.AUDITOR), path)

    assert path.exists()
    assert events(quick_vault)[-1] == Event.REFUSED


def test_a_source_that_cannot_be_removed_is_sealed_and_said_to_be_kept(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    unlink = os.unlink

    def refuse(name: str, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None and name.startswith(".cctv-vault"):
            raise PermissionError(30, "Read-only file system")
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse)

    outcome = quick_vault.ingest.offer(SYSTEM, path)

    assert outcome.outcome == "sealed"
    assert "the source was kept" in outcome.reason
    assert rows(quick_vault)[0].source_state == "kept"
    assert events(quick_vault)[-1] == Event.SOURCE_KEPT


def test_a_source_that_changed_after_it_was_sealed_is_not_removed(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    other = film(2, 1.0)
    on_arrival = quick_vault.grants.on_arrival

    def meanwhile(*args: object) -> object:
        path.unlink()
        path.write_bytes(other)
        return on_arrival(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_vault.grants, "on_arrival", meanwhile)

    assert "source was kept" in quick_vault.ingest.offer(SYSTEM, path).reason
    assert path.read_bytes() == other
    monkeypatch.undo()
    assert quick_vault.ingest.offer(SYSTEM, path).outcome == "sealed"
    assert len(rows(quick_vault)) == 2


def test_a_refused_index_leaves_the_source_and_no_ciphertext(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))

    def fail(*_: object) -> object:
        raise RuntimeError(str(path))

    monkeypatch.setattr(vault.grants, "on_arrival", fail)

    outcome = vault.ingest.offer(SYSTEM, path)

    assert outcome.outcome == "failed"
    assert str(path) not in outcome.reason
    assert path.exists()
    assert rows(vault) == []
    assert list(stream_names(vault.store)) == []


def test_a_file_that_went_on_after_it_was_taken_in_is_in_doubt_by_what_came_before(
    vault: Vault, drop: Path
) -> None:
    vault.register.measure_clock(MANAGER, "kassa", 0.0, 2.0, NOW)
    outcomes = [
        vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074500.ts", film(number, length)))
        for number, length in ((1, 4.0), (2, 2.0), (3, 1.0), (1, 4.0))
    ]

    shown = [vault.catalogue.show(MANAGER, str(each.recording)) for each in outcomes]

    assert [each.outcome for each in outcomes] == ["sealed", "sealed", "sealed", "duplicate"]
    assert [round(each.uncertainty_s) for each in shown] == [2, 6, 8, 2]
    assert len({each.started_at for each in shown}) == 1
    entries = vault.log.entries(event=Event.RECORDING_SEALED)
    assert ["may go on with it" in str(each.details) for each in entries] == [False, True, True]


def test_a_poster_is_made_after_the_sealing_and_not_before_anybody_asks(
    quick_vault: Vault, drop: Path
) -> None:
    outcome = quick_vault.ingest.offer(SYSTEM, put(drop, "a_20260302_074500.mp4", film(1, 1.0)))

    assert quick_vault.posters.work() == 1
    assert quick_vault.posters.work() == 0
    assert outcome.recording is not None
    assert quick_vault.access.thumbnail(MANAGER, outcome.recording)[:3] == b"\xff\xd8\xff"


def _files(vault: Vault) -> list[Path]:
    return [path for path in vault.settings.home.rglob("*") if path.is_file()]


def test_a_vault_on_a_full_disk_opens_and_finishes_what_was_left_later(
    quick_vault: Vault, drop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(drop, "a_20260302_074500.mp4", film(1, 1.0))
    monkeypatch.setattr(Singles, "_conclude", lambda *_: 1 / 0)  # it dies after the commit
    quick_vault.ingest.offer(SYSTEM, path)
    monkeypatch.undo()

    def full(*_: object) -> object:
        raise IntakeStoppedError("the disk is full")

    monkeypatch.setattr(Removals, "_enter_removals", full)
    Vault.open(settings_of(tmp_path)).close()
    monkeypatch.undo()
    assert rows(quick_vault)[0].source_state == "present"
    Vault.open(settings_of(tmp_path)).close()

    assert not path.exists()
    assert rows(quick_vault)[0].source_state == "removed"
    assert events(quick_vault)[-1] == Event.SOURCE_REMOVED


def test_a_file_refused_again_and_again_is_entered_once_until_it_changes(
    quick_vault: Vault, drop: Path
) -> None:
    pipe = drop / "a_20260302_070000.mp4"
    os.mkfifo(pipe)
    for _ in range(5):
        assert quick_vault.ingest.offer(SYSTEM, pipe).outcome == "failed"
    assert len(quick_vault.log.entries(event=Event.FILE_REFUSED)) == 1
    pipe.unlink()
    pipe.symlink_to("/etc/passwd")
    assert quick_vault.ingest.offer(SYSTEM, pipe).outcome == "failed"
    assert len(quick_vault.log.entries(event=Event.FILE_REFUSED)) == 2
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=2))
    for _ in range(3):
        assert quick_vault.ingest.offer(SYSTEM, pipe).outcome == "failed"
    newest = quick_vault.log.entries(event=Event.FILE_REFUSED)[-1]
    assert newest.facts["repeated_before"] == 0
    assert len(quick_vault.log.entries(event=Event.FILE_REFUSED)) == 3
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=4))
    assert quick_vault.ingest.offer(SYSTEM, pipe).outcome == "failed"
    assert quick_vault.log.entries(event=Event.FILE_REFUSED)[-1].facts["repeated_before"] == 2
