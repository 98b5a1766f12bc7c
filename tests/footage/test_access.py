import hashlib
import io
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from sqlmodel import select

from cctv_vault.clock import Tick
from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    DamagedError,
    ExpiredError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    PersonNeededError,
)
from cctv_vault.footage.streams import ORIGINAL, blob_name
from cctv_vault.people.actors import Role
from cctv_vault.schema import FootageCopy, Intent
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, film, person, put


def take_in(vault: Vault, folder: Path, data: bytes, at: str = "070000") -> str:
    outcome = vault.ingest.offer(SYSTEM, put(folder, f"x_20260302_{at}.mp4", data))
    assert outcome.recording is not None
    return outcome.recording


def local(at: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{at}+01:00")


def seen(vault: Vault, event: Event) -> list[str | None]:
    return [entry.subject for entry in vault.log.entries(event=event, limit=1000)]


def test_a_look_is_the_original_bytes_and_is_entered_once_an_hour_with_its_reason(
    vault: Vault, drop: Path
) -> None:
    data = film(1, 2.0)
    recording = take_in(vault, drop, data)
    for reason in ("stöld", "stöld", "olycka"):
        with vault.access.open(MANAGER, recording, reason) as reader:
            assert reader.size == len(data)
            reader.seek(100)
            assert reader.read(50) == data[100:150]

    entries = vault.log.entries(event=Event.FOOTAGE_VIEWED)
    assert [entry.details for entry in entries] == [{"reason": "stöld"}, {"reason": "olycka"}]
    assert {(entry.subject, entry.actor) for entry in entries} == {(recording, MANAGER.id)}
    vault.set_clock(SYSTEM, NOW + timedelta(hours=1))
    vault.access.open(MANAGER, recording, "stöld").close()
    assert len(seen(vault, Event.FOOTAGE_VIEWED)) == 3


def test_a_look_needs_a_person_a_right_and_a_reason(quick_vault: Vault, drop: Path) -> None:
    recording = take_in(quick_vault, drop, film(1, 1.0))
    for actor, reason, error in (
        (SYSTEM, "stöld", PersonNeededError),
        (person(Role.STAFF), "stöld", AccessDeniedError),
        (MANAGER, "  ", InvalidInputError),
    ):
        with pytest.raises(error):
            quick_vault.access.open(actor, recording, reason)
    with pytest.raises(NotFoundError):
        quick_vault.access.open(MANAGER, "nothing", "stöld")

    assert len(seen(quick_vault, Event.REFUSED)) == 4
    assert seen(quick_vault, Event.FOOTAGE_VIEWED) == []


def test_what_expired_is_refused_even_to_who_was_looking_a_moment_ago(
    vault: Vault, drop: Path
) -> None:
    recording = take_in(vault, drop, film(1, 1.0))
    (view,) = vault.catalogue.list(MANAGER)
    assert view.expires_at is not None
    vault.set_clock(SYSTEM, view.expires_at - timedelta(seconds=1))
    vault.access.open(MANAGER, recording, "stöld").close()
    vault.set_clock(SYSTEM, view.expires_at)

    with pytest.raises(ExpiredError):
        vault.access.open(MANAGER, recording, "stöld")
    with pytest.raises(ExpiredError):
        vault.access.thumbnail(MANAGER, recording)
    with pytest.raises(ExpiredError):
        vault.access.open_internal(recording, cleared=True)
    with pytest.raises(NotFoundError):
        vault.access.clip(
            MANAGER,
            camera="kassa",
            start=local("07:00:00"),
            end=local("07:00:01"),
            out=io.BytesIO(),
            reason="stöld",
            purpose="claim",
        )

    assert Event.REFUSED in {entry.event for entry in vault.log.entries(subject=recording)}


class SetClock:
    """A machine's clocks: the time of day is set by hand, the time since the boot only runs."""

    def __init__(self) -> None:
        self.passed, self.set_by = timedelta(0), timedelta(0)

    def now(self) -> datetime:
        return NOW.astimezone(UTC) + self.passed + self.set_by

    def tick(self) -> Tick:
        return Tick(self.now(), "boot", 100.0 + self.passed.total_seconds(), synchronised=False)


def test_a_clock_that_was_set_back_brings_nothing_back(quick_vault: Vault, drop: Path) -> None:
    clock = SetClock()
    quick_vault.ledger.clock = clock
    recording = quick_vault.ingest.offer(
        SYSTEM, put(drop, "a_20260302_074500.mp4", film(1, 2.0))
    ).recording
    assert recording is not None
    quick_vault.access.open(MANAGER, recording, "stöld").close()

    clock.passed = timedelta(days=40)
    clock.set_by = -timedelta(days=40)

    with pytest.raises(ExpiredError):
        quick_vault.access.open(MANAGER, recording, "stöld")
    with pytest.raises(NotFoundError):
        quick_vault.access.clip(
            MANAGER,
            camera="kassa",
            start=NOW - timedelta(hours=1),
            end=NOW,
            out=io.BytesIO(),
            reason="stöld",
            purpose="claim",
        )


def test_posters_are_looked_at_by_the_camera_and_the_hour(quick_vault: Vault, drop: Path) -> None:
    recordings = [take_in(quick_vault, drop, film(n, 1.0), f"07000{n}") for n in range(3)]

    pictures = {quick_vault.access.thumbnail(MANAGER, each) for each in recordings}

    assert all(each.startswith(b"\xff\xd8\xff") for each in pictures)
    assert seen(quick_vault, Event.FOOTAGE_VIEWED) == ["kassa"]
    with pytest.raises(AccessDeniedError):
        quick_vault.access.thumbnail(person(Role.AUDITOR), recordings[0])


def test_an_exported_original_is_bit_for_bit_private_and_in_the_register(
    vault: Vault, drop: Path, tmp_path: Path
) -> None:
    data = film(1, 2.0)
    recording = take_in(vault, drop, data)
    out = tmp_path / "copy.mp4"

    receipt = vault.access.export(
        MANAGER, recording, out, reason="till polisen", purpose="police-report"
    )

    assert out.read_bytes() == data
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert receipt.sha256 == hashlib.sha256(data).digest()
    assert receipt.end_at == NOW + timedelta(days=30)
    (copy,) = vault.access.copies.list(MANAGER)
    assert (copy.id, copy.recordings, copy.sha256) == (
        receipt.copy_id,
        (recording,),
        receipt.sha256,
    )
    events = [entry.event for entry in vault.log.entries(subject=receipt.copy_id)]
    assert events == [Event.FOOTAGE_EXPORT_INTENDED, Event.FOOTAGE_EXPORTED]
    confirmed = vault.access.copies.confirm_destroyed(MANAGER, receipt.copy_id)
    assert confirmed.destroyed_confirmed_at == NOW
    assert vault.access.copies.list(MANAGER, open_only=True) == ()


def test_an_export_needs_its_right_purpose_and_a_new_name(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    recording = take_in(quick_vault, drop, film(1, 1.0))
    out = tmp_path / "copy.mp4"

    def export(actor: object = MANAGER, **changed: str) -> None:
        words = {"reason": "stöld", "purpose": "claim"} | changed
        quick_vault.access.export(actor, recording, out, **words)  # type: ignore[arg-type]

    with pytest.raises(AccessDeniedError):
        export(person(Role.APPROVER))
    with pytest.raises(InvalidInputError, match="police-report"):
        export(purpose="marketing")
    with pytest.raises(InvalidInputError, match="why"):
        export(reason="")
    out.write_bytes(b"mine")
    with pytest.raises(AlreadyExistsError):
        export()
    assert out.read_bytes() == b"mine"
    out.unlink()
    out.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AlreadyExistsError):
        export()
    assert quick_vault.access.copies.list(MANAGER) == ()


def test_damage_is_named_and_no_damaged_file_is_left(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    recording = take_in(quick_vault, drop, film(1, 2.0))
    blob = quick_vault.settings.home / "blobs" / blob_name(recording, ORIGINAL)
    sealed = bytearray(blob.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    blob.write_bytes(sealed)
    out = tmp_path / "copy.mp4"

    with pytest.raises(DamagedError, match=recording):
        quick_vault.access.open(MANAGER, recording, "stöld")
    with pytest.raises(DamagedError, match=f"{recording} is damaged: .* segment 0"):
        quick_vault.access.export(MANAGER, recording, out, reason="stöld", purpose="claim")

    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []
    assert quick_vault.access.copies.list(MANAGER) == ()
    assert seen(quick_vault, Event.FOOTAGE_EXPORT_FAILED) == [recording]
    with quick_vault.database.read() as session:
        assert session.exec(select(Intent)).all() == []


def test_a_stream_that_breaks_off_is_entered_with_what_had_left(
    quick_vault: Vault, drop: Path
) -> None:
    recording = take_in(quick_vault, drop, film(1, 2.0))

    class Broken(io.RawIOBase):
        def write(self, _: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(IntakeStoppedError):
        quick_vault.access.export(
            MANAGER,
            recording,
            Broken(),  # type: ignore[arg-type]
            reason="stöld",
            purpose="claim",
        )

    (entry,) = quick_vault.log.entries(event=Event.FOOTAGE_EXPORT_FAILED)
    assert entry.facts["bytes_written"] > 0


def test_a_stream_whose_maker_died_counts_as_made(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = take_in(vault, drop, film(1, 1.0))
    monkeypatch.setattr(vault.access.copies, "failed", lambda *_: None)
    monkeypatch.setattr(vault.access, "_reader", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        vault.access.export(MANAGER, recording, io.BytesIO(), reason="stöld", purpose="claim")

    vault.access.resume()
    assert vault.access.copies.list(MANAGER) == ()  # it may be under way
    vault._departures.close()  # as when its process dies
    vault.access.resume()
    vault.access.resume()

    (copy,) = vault.access.copies.list(MANAGER)
    assert copy.recordings == (recording,)
    assert vault.log.entries(event=Event.FOOTAGE_EXPORTED)[0].facts["interrupted"] is True
    with vault.database.read() as session:
        assert len(session.exec(select(FootageCopy)).all()) == 1


def test_a_clip_holds_the_window_says_its_gaps_and_is_silent_unless_sound_is_lawful(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    take_in(quick_vault, drop, film(1, 10.0, sound=True), "070000")
    take_in(quick_vault, drop, film(2, 10.0, sound=True), "070020")
    out = tmp_path / "clip.mp4"

    receipt = quick_vault.access.clip(
        MANAGER,
        camera="kassa",
        start=local("07:00:05"),
        end=local("07:00:25"),
        out=out,
        reason="stöld",
        purpose="internal-review",
    )

    with av.open(out) as clip:
        assert [stream.type for stream in clip.streams] == ["video"]
        assert sum(1 for _ in clip.decode(video=0)) in range(49, 54)
    assert receipt.requested_from <= receipt.delivered_from
    assert abs((receipt.delivered_from - local("07:00:05")).total_seconds()) <= 0.2
    assert abs((receipt.delivered_to - local("07:00:25")).total_seconds()) <= 0.4
    assert [gap.cause for gap in receipt.gaps] == ["silent"]
    assert receipt.sha256 == hashlib.sha256(out.read_bytes()).digest()
    assert len(receipt.recordings) == 2


def test_a_clip_of_nothing_or_of_a_reversed_window_is_refused(quick_vault: Vault) -> None:
    for start, end, error in (
        ("07:00:00", "07:01:00", NotFoundError),
        ("07:01:00", "07:00:00", InvalidInputError),
    ):
        with pytest.raises(error):
            quick_vault.access.clip(
                MANAGER,
                camera="kassa",
                start=local(start),
                end=local(end),
                out=io.BytesIO(),
                reason="stöld",
                purpose="claim",
            )


def test_a_browser_gets_the_original_where_it_plays_it_and_a_sealed_rendition_where_not(
    quick_vault: Vault, drop: Path
) -> None:
    plain, spoken, old = film(1, 2.0), film(2, 2.0, sound=True), film(3, 2.0, codec="mpeg4")
    ids = [take_in(quick_vault, drop, d, f"07000{n}") for n, d in enumerate((plain, spoken, old))]

    played = []
    for each in ids:
        playback = quick_vault.access.play(MANAGER, each, "stöld")
        with playback.reader as reader:
            played.append(reader.read())
        assert playback.media_type == "video/mp4"

    assert played[0] == plain
    for data in played[1:]:
        with av.open(io.BytesIO(data)) as shown:
            assert [stream.codec_context.name for stream in shown.streams] == ["h264"]
    with quick_vault.access.play(MANAGER, ids[2], "stöld").reader as again:
        assert again.read() == played[2]
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=9))
    quick_vault.sweeper.run(SYSTEM)
    assert not any(quick_vault.store.names())


def watch(vault: Vault, start: str, end: str) -> tuple[datetime, bytes, tuple[str, ...]]:
    """A window of ``kassa`` as one film: when it begins, its bytes, the causes of its gaps."""
    made = vault.access.play_window(
        MANAGER, camera="kassa", start=local(start), end=local(end), reason="stöld"
    )
    assert made.fps == 5  # so that a step in the player is a picture
    return made.starts_at, b"".join(made.chunks), tuple(gap.cause for gap in made.gaps)


def test_a_window_across_recordings_is_one_film_and_each_of_them_is_entered(
    vault: Vault, drop: Path
) -> None:
    ids = [take_in(vault, drop, film(n, 10.0), at) for n, at in enumerate(("070000", "070010"))]
    take_in(vault, drop, film(2, 10.0), "070030")

    starts_at, data, causes = watch(vault, "07:00:05", "07:00:25")

    assert starts_at == local("07:00:05")
    assert causes == ("silent",)
    with av.open(io.BytesIO(data), "r") as played:
        pictures = [frame.time for frame in played.decode(video=0)]
    assert pictures[0] == 0
    assert pictures[-1] == pytest.approx(14.8)
    assert len(pictures) == 75
    assert set(seen(vault, Event.FOOTAGE_VIEWED)) == set(ids)
    watch(vault, "07:00:05", "07:00:25")
    assert len(seen(vault, Event.FOOTAGE_VIEWED)) == 2


def test_what_no_browser_plays_is_coded_anew_in_a_window_and_nothing_lies_about(
    quick_vault: Vault, drop: Path, tmp_path: Path
) -> None:
    take_in(quick_vault, drop, film(1, 4.0, codec="mpeg4"))
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())

    starts_at, data, _ = watch(quick_vault, "07:00:01", "07:00:03")

    assert starts_at == local("07:00:01")
    with av.open(io.BytesIO(data), "r") as played:
        assert played.streams.video[0].codec_context.name == "h264"
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_a_window_needs_its_right_a_reason_footage_and_an_end_in_sight(
    quick_vault: Vault, drop: Path
) -> None:
    take_in(quick_vault, drop, film(1, 4.0))
    for actor, end, reason, error in (
        (person(Role.STAFF), "07:00:03", "stöld", AccessDeniedError),
        (MANAGER, "07:00:03", " ", InvalidInputError),
        (MANAGER, "06:00:00", "stöld", InvalidInputError),
        (MANAGER, "14:00:00", "stöld", InvalidInputError),
    ):
        with pytest.raises(error):
            quick_vault.access.play_window(
                actor, camera="kassa", start=local("07:00:00"), end=local(end), reason=reason
            )
    with pytest.raises(NotFoundError, match="the window is empty"):
        watch(quick_vault, "05:00:00", "05:01:00")
    assert seen(quick_vault, Event.FOOTAGE_VIEWED) == []


def test_a_film_of_a_window_stops_where_what_keeps_it_has_ended(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cctv_vault.footage.viewing._ASKED_EVERY", 1)
    take_in(quick_vault, drop, film(1, 10.0))
    made = quick_vault.access.play_window(
        MANAGER, camera="kassa", start=local("07:00:00"), end=local("07:00:10"), reason="stöld"
    )
    next(made.chunks)
    quick_vault.set_clock(SYSTEM, NOW + timedelta(days=30))
    with pytest.raises(ExpiredError):
        next(made.chunks)
