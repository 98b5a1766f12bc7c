"""Cameras of a real vault: looked at, entered, told; their pictures through intake and sandbox."""

import hashlib
import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlmodel import select

from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.footage.streams import VIEW, blob_name
from cctv_vault.health.rules import Facts, Fault, Finding
from cctv_vault.health.service import HealthView
from cctv_vault.mail.carriers import Carriers, Webhook
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import OutboxMessage, Recording
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, person, picture, put

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
Room = NDArray[np.uint8]


def room(seed: int = 1, *, turned: float = 0.0) -> Room:
    """A room with shelves and doors; ``turned`` is by how much of its width the camera is."""
    chance = np.random.default_rng(seed)
    pixels = np.full((90, 240), 90, np.uint8)
    for _ in range(60):
        x, y = int(chance.integers(0, 220)), int(chance.integers(0, 75))
        wide, high = int(chance.integers(4, 35)), int(chance.integers(3, 30))
        pixels[y : y + high, x : x + wide] = int(chance.integers(20, 240))
    start = int(turned * 160)
    return pixels[:, start : start + 160]


BLACK = np.full((90, 160), 8, np.uint8)


def film(
    pixels: Room,
    *,
    seed: int = 0,
    people: bool = True,
    noise: float = 4.0,
    coarse: int = 23,
    large: int = 1,
) -> bytes:
    """Four seconds of a room, a key frame each, with noise, and somebody walking through it."""
    chance = np.random.default_rng(seed)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        options = {"g": "1", "preset": "ultrafast", "crf": str(coarse)}
        stream = container.add_stream("libx264", rate=1, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160 * large, 90 * large, "yuv420p"
        for number in range(4):
            drawn = pixels.astype(np.float64)
            if people:
                left = (seed * 31 + number * 27) % 140
                drawn[30:85, left : left + 15] = 30
            drawn += chance.normal(0, noise, drawn.shape) if noise else 0
            grey = np.kron(np.clip(drawn, 0, 255), np.ones((large, large))).astype(np.uint8)
            image = np.repeat(grey[..., None], 3, axis=2)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    # A file of its own for each seed, though its pictures may be the same.
    return out.getvalue() + b"\x00\x00\x00\x0cfree" + seed.to_bytes(4, "big")


def sees(vault: Vault, drop: Path, data: bytes, ended: datetime) -> str:
    """A film that arrives, and is looked at; returns the recording's id."""
    recording = delivers(vault, drop, data, ended)
    assert vault.motion.make(recording)
    return recording


def delivers(vault: Vault, drop: Path, data: bytes, ended: datetime, *, lag_s: float = 5) -> str:
    """A file of a moment that arrives a little later; returns the recording's id."""
    vault.set_clock(SYSTEM, max(vault.clock.now(), ended + timedelta(seconds=lag_s)))
    began = ended - (timedelta(seconds=4) if b"ftyp" in data[:16] else timedelta(0))
    suffix = "mp4" if b"ftyp" in data[:16] else "jpg"
    name = f"x_{began.astimezone(NOW.tzinfo):%Y%m%d_%H%M%S}.{suffix}"
    outcome = vault.ingest.offer(SYSTEM, put(drop, name, data))
    assert outcome.outcome in {"sealed", "late"}, outcome
    assert outcome.recording is not None
    return outcome.recording


def looked_at(vault: Vault, code: str = "kassa") -> HealthView:
    vault.health.look(SYSTEM)
    return next(each for each in vault.health.list(MANAGER) if each.camera == code)


def faults(health: HealthView) -> list[str]:
    return [each.fault for each in health.faults]


def entries(vault: Vault, event: str) -> list[dict[str, object]]:
    found = vault.visible_entries(MANAGER, event=event)
    return [dict(each.facts) for each in reversed(found)]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[Vault], Iterable[tuple[str, str]]]:
    """Sets a webhook up; returns the notices and links in the outbox so far, oldest first."""

    def notices(vault: Vault) -> list[tuple[str, str]]:
        hook = Webhook("https://hook.example", "secret")
        monkeypatch.setattr(
            vault.outbox, "_carriers", Carriers(webhook=hook, staff_url="https://shop.example")
        )
        found = vault.outbox.list(SYSTEM)
        return [
            (each.notice, each.about or "") for each in sorted(found, key=lambda x: x.created_at)
        ]

    return notices


def hourly(vault: Vault, drop: Path, days: int) -> datetime:
    """A still every hour for days; returns when the last was made.

    All but the last have expired since: what is left of a recording then is its row.
    """
    moments = [NOW + number * HOUR for number in range(days * 24)]
    with vault.database.write() as session:
        for moment in moments[:-1]:
            session.add(expired(moment))
    delivers(vault, drop, picture(0), moments[-1])
    return moments[-1]


def expired(moment: datetime) -> Recording:
    digest = hashlib.sha256(moment.isoformat().encode()).digest()
    return Recording(
        id=f"E{digest.hex()[:20]}",
        camera_code="kassa",
        kind="still",
        origin="surveillance",
        state="expired",
        started_at=moment.astimezone(UTC),
        ended_at=moment.astimezone(UTC),
        span_class=0,
        uncertainty_s=1,
        time_source="name",
        original_name="",
        arrived_at=moment.astimezone(UTC) + timedelta(seconds=5),
        sealed_at=moment.astimezone(UTC) + timedelta(seconds=5),
        size=1,
        sha256=digest,
        ciphertext_size=1,
        segment_root=digest,
        container="jpeg",
        codec="mjpeg",
        width=64,
        height=48,
        fps=0,
        duration_s=0,
    )


def test_a_camera_that_falls_silent_is_found_entered_told_and_told_again_when_it_is_back(
    vault: Vault,
    drop: Path,
    told: Callable[[Vault], Iterable[tuple[str, str]]],
) -> None:
    assert not told(vault)
    assert looked_at(vault).state == "new"
    delivers(vault, drop, picture(1), NOW)
    assert looked_at(vault).state == "learning"
    last = hourly(vault, drop, 5)
    assert looked_at(vault).state == "well"
    assert looked_at(vault, "entre").state == "new"

    vault.set_clock(SYSTEM, last + 2 * HOUR)
    assert looked_at(vault).state == "well"
    vault.set_clock(SYSTEM, last + 5 * HOUR)
    silent = looked_at(vault)
    assert (silent.state, faults(silent)) == ("faulty", ["silent"])
    assert silent.faults[0].since == last + timedelta(seconds=5)
    assert silent.faults[0].figures == {"expected": 5}
    assert vault.health.look(SYSTEM) == 0
    vault.set_clock(SYSTEM, last + 30 * HOUR)
    assert looked_at(vault).faults == silent.faults

    delivers(vault, drop, picture(999), last + 31 * HOUR)
    assert looked_at(vault).state == "well"
    found, ended = entries(vault, "camera.fault-found"), entries(vault, "camera.fault-ended")
    assert [each["fault"] for each in found] == ["silent"]
    assert ended == [{"fault": "silent", "since": found[0]["since"]}]
    assert told(vault) == [("camera-silent", "kassa"), ("camera-well", "kassa")]
    with vault.database.read() as session:
        links = {
            vault.outbox._words(session, each)["link"]
            for each in session.exec(select(OutboxMessage))
        }
    assert links == {"https://shop.example/cameras#camera-kassa"}
    assert vault.log.verify().findings == ()


def test_files_that_nobody_can_read_are_told_apart_from_silence(
    quick_vault: Vault, drop: Path
) -> None:
    last = hourly(quick_vault, drop, 5)
    quick_vault.health.look(SYSTEM)
    quick_vault.set_clock(SYSTEM, last + 5 * HOUR)
    for number in range(4):
        nothing = b"no film" * (99 + number)
        outcome = quick_vault.ingest.offer(SYSTEM, put(drop, f"{number}.mp4", nothing))
        assert outcome.outcome == "quarantined"
    quick_vault.health.look(SYSTEM)

    health = quick_vault.health.list(MANAGER)[1]
    assert [(each.fault, each.figures) for each in health.faults] == [("unreadable", {"files": 4})]


def test_a_fault_that_comes_and_goes_is_entered_each_time_and_told_once(
    quick_vault: Vault, drop: Path, told: Callable[[Vault], Iterable[tuple[str, str]]]
) -> None:
    told(quick_vault)
    last = hourly(quick_vault, drop, 5)
    quick_vault.health.look(SYSTEM)
    for number in range(2):
        quick_vault.set_clock(SYSTEM, last + 4 * HOUR)
        assert faults(looked_at(quick_vault)) == ["silent"]
        last += 4 * HOUR + MINUTE
        delivers(quick_vault, drop, picture(500 + number), last)
        assert looked_at(quick_vault).state == "well"

    assert len(entries(quick_vault, "camera.fault-found")) == 2
    assert told(quick_vault) == [("camera-silent", "kassa"), ("camera-well", "kassa")]


def test_a_clock_that_jumps_is_found_and_is_well_once_it_was_measured(
    quick_vault: Vault, drop: Path
) -> None:
    last = hourly(quick_vault, drop, 5)
    assert looked_at(quick_vault).state == "well"
    # From now on its clock is three minutes slow: names say less than it is.
    for number in range(10):
        last += HOUR
        delivers(quick_vault, drop, picture(200 + number), last - 3 * MINUTE, lag_s=185)
    wrong = looked_at(quick_vault)
    assert [(each.fault, each.figures) for each in wrong.faults] == [("clock", {"shift_s": 180})]

    quick_vault.register.measure_clock(SYSTEM, "kassa", -180, 1, quick_vault.clock.now())
    assert looked_at(quick_vault).state == "well"


def test_files_that_come_hours_late_are_told_as_late_and_an_archive_is_not(
    quick_vault: Vault, drop: Path
) -> None:
    last = hourly(quick_vault, drop, 5)
    looked_at(quick_vault)
    for number in range(10):  # an archive of last week
        delivers(quick_vault, drop, picture(300 + number), NOW - timedelta(days=7) + number * HOUR)
    assert looked_at(quick_vault).state == "well"
    lags = (2 * HOUR, 3 * HOUR, 2.5 * HOUR)
    for number, lag in enumerate(lags):
        last += HOUR
        delivers(quick_vault, drop, picture(400 + number), last, lag_s=lag.total_seconds())
    assert faults(looked_at(quick_vault)) == ["late"]

    # It is no habit for a week, and one after that.
    now = quick_vault.clock.now()
    quick_vault.set_clock(SYSTEM, now + 6.5 * 24 * HOUR)
    assert "late" in faults(looked_at(quick_vault))


def test_a_film_that_goes_black_is_found_but_not_where_it_is_dark_every_night(
    quick_vault: Vault, drop: Path
) -> None:
    vault, evening, noon = quick_vault, NOW - 10 * HOUR, NOW
    for day in range(1, 5):
        sees(vault, drop, film(BLACK, seed=day, people=False), evening + day * 24 * HOUR)
        noon = evening + day * 24 * HOUR + 14 * HOUR
        sees(vault, drop, film(room(), seed=day, people=False), noon)
    for number in range(3):
        late = evening + 5 * 24 * HOUR + 8 * MINUTE * number
        sees(vault, drop, film(BLACK, seed=10 + number, people=False), late)
    assert not faults(looked_at(vault))

    noon += 24 * HOUR
    for number in range(4):
        data = film(BLACK, seed=20 + number, people=False)
        sees(vault, drop, data, noon + 8 * MINUTE * number)
    found = looked_at(vault)
    assert faults(found) == ["black"]
    assert found.faults[0].figures["covered"] == 0
    sees(vault, drop, film(room(), seed=30), noon + HOUR)
    assert not faults(looked_at(vault))


def test_a_picture_that_stands_still_is_found_and_a_quiet_room_is_not(
    quick_vault: Vault, drop: Path
) -> None:
    vault = quick_vault
    for number in range(4):
        quiet = film(room(), seed=number, people=False, noise=3.0)
        sees(vault, drop, quiet, NOW + 16 * MINUTE * number)
    assert not faults(looked_at(vault))

    tuesday = NOW + 24 * HOUR
    for number in range(3):  # coded anew each time, and so not the same point for point
        frozen = film(room(), seed=number, people=False, noise=0, coarse=20 + number, large=4)
        sees(vault, drop, frozen, tuesday + 16 * MINUTE * number)
    assert faults(looked_at(vault)) == ["frozen"]
    sees(vault, drop, film(room(), seed=20, people=False, noise=3.0), tuesday + HOUR)
    assert not faults(looked_at(vault))


def test_stills_that_are_the_same_point_for_point_are_of_no_live_camera(
    quick_vault: Vault, drop: Path
) -> None:
    vault, same = quick_vault, picture(7)
    for number in range(4):
        # Another file with the same picture, as a recorder sends that has lost its camera.
        data = same[:2] + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + same[2:]
        recording = delivers(vault, drop, data, NOW + 15 * MINUTE * number)
        assert vault.posters.make(recording)
    assert faults(looked_at(vault)) == ["frozen"]


def a_day_of_films(vault: Vault, drop: Path) -> datetime:
    """Films of the room, day and night, with other people in each."""
    moment = NOW
    for number in range(10):
        moment = NOW + number * 2.5 * HOUR
        sees(vault, drop, film(room(), seed=number), moment)
    return moment


def three_films(
    vault: Vault, drop: Path, after: datetime, seed: int, *, turned: float = 0.0
) -> datetime:
    for number in range(3):
        after += 16 * MINUTE
        sees(vault, drop, film(room(turned=turned), seed=seed + number), after)
    return after


def test_a_camera_that_was_turned_is_found_until_it_is_turned_back_or_accepted(
    quick_vault: Vault, drop: Path
) -> None:
    last = a_day_of_films(quick_vault, drop)
    assert not faults(looked_at(quick_vault))
    last = three_films(quick_vault, drop, last, 60, turned=0.2)
    assert faults(looked_at(quick_vault)) == ["moved"]
    last = three_films(quick_vault, drop, last, 70)
    assert not faults(looked_at(quick_vault))

    last = three_films(quick_vault, drop, last, 80, turned=0.3)
    assert faults(looked_at(quick_vault)) == ["moved"]
    with pytest.raises(AccessDeniedError):
        quick_vault.health.accept_view(person(Role.STAFF), "kassa", "hyllan flyttades")
    with pytest.raises(InvalidInputError):
        quick_vault.health.accept_view(MANAGER, "kassa", " ")
    with pytest.raises(NotFoundError):
        quick_vault.health.accept_view(MANAGER, "lager", "hyllan flyttades")
    accepted = quick_vault.health.accept_view(MANAGER, "kassa", "hyllan flyttades")
    assert not accepted.faults
    three_films(quick_vault, drop, last, 90, turned=0.3)
    assert not faults(looked_at(quick_vault))
    assert [each["fault"] for each in entries(quick_vault, "camera.fault-ended")] == [
        "moved",
        "moved",
    ]
    assert len(entries(quick_vault, "camera.view-accepted")) == 1


def test_a_view_that_is_accepted_while_the_camera_is_looked_at_stays_accepted(
    vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivers(vault, drop, picture(1), NOW)
    vault.health.look(SYSTEM)
    moved = Finding(Fault.MOVED, NOW, {"likeness_percent": 30})

    def found(facts: Facts) -> tuple[Finding, ...]:
        return () if facts.last_arrival is None else (moved,)

    def accepted_meanwhile(facts: Facts) -> tuple[Finding, ...]:
        if facts.last_arrival is not None:  # of kassa, not of entre
            vault.health.accept_view(MANAGER, "kassa", "hyllan flyttades")
        return found(facts)

    monkeypatch.setattr("cctv_vault.health.service.judge", found)
    assert faults(looked_at(vault)) == ["moved"]
    monkeypatch.setattr("cctv_vault.health.service.judge", accepted_meanwhile)
    vault.set_clock(SYSTEM, NOW + MINUTE)
    assert not faults(looked_at(vault))


def test_how_the_room_looked_is_sealed_and_gone_with_its_recordings(
    quick_vault: Vault, drop: Path
) -> None:
    vault = quick_vault
    recording = sees(vault, drop, film(room()), NOW)
    assert blob_name(recording, VIEW) in {
        name.removesuffix(".segments") for name in vault.store.names(blob_name(recording, ""))
    }
    vault.set_clock(SYSTEM, NOW + timedelta(days=9))
    vault.sweeper.run(SYSTEM)
    assert not list(vault.store.names(blob_name(recording, "")))
    # Nothing is compared with it any more.
    three_films(vault, drop, NOW + timedelta(days=9), 40, turned=0.3)
    assert not faults(looked_at(vault))


def test_what_only_a_secret_hold_keeps_is_never_looked_at(quick_vault: Vault, drop: Path) -> None:
    vault = quick_vault
    recording = delivers(vault, drop, film(room()), NOW)
    clara = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    window = ("kassa", NOW - HOUR, NOW + timedelta(seconds=1))
    vault.holds.place_as(
        clara,
        HoldOrder(purpose="preservation-order", windows=(window,), reason="hemligt", gagged=True),
    )
    vault.set_clock(SYSTEM, NOW + timedelta(days=9))
    assert vault.motion.make(recording)
    assert not [name for name in vault.store.names(blob_name(recording, "")) if VIEW in name]
    assert vault.motion.views._known == {}


def test_while_nothing_can_be_taken_in_no_camera_is_called_silent(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = hourly(quick_vault, drop, 5)
    looked_at(quick_vault)
    quick_vault.set_clock(SYSTEM, last + 9 * HOUR)
    monkeypatch.setattr(quick_vault.health, "_is_stopped", lambda: True)
    assert not faults(looked_at(quick_vault))
    monkeypatch.setattr(quick_vault.health, "_is_stopped", lambda: False)
    assert faults(looked_at(quick_vault)) == ["silent"]


def test_who_looks_again_after_a_pause_waits_for_what_came_meanwhile(
    quick_vault: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = hourly(quick_vault, drop, 5)
    looked_at(quick_vault)
    # As in a vault whose time nobody moves: it was switched off meanwhile.
    monkeypatch.setattr(quick_vault.health, "_simulated", False)
    quick_vault.set_clock(SYSTEM, last + 9 * HOUR)
    for minutes in (0, 10, 20, 29):
        quick_vault.set_clock(SYSTEM, last + 9 * HOUR + minutes * MINUTE)
        assert not faults(looked_at(quick_vault))
    quick_vault.set_clock(SYSTEM, last + 9 * HOUR + 31 * MINUTE)
    assert faults(looked_at(quick_vault)) == ["silent"]


def test_course_material_has_no_health_and_strangers_are_told_nothing(
    quick_vault: Vault, tmp_path: Path
) -> None:
    quick_vault.register.add_camera(
        SYSTEM, "kurs", drop=tmp_path / "drop" / "kurs", origin="production"
    )
    quick_vault.health.look(SYSTEM)
    states = {each.camera: each.state for each in quick_vault.health.list(MANAGER)}
    assert states == {"entre": "new", "kassa": "new", "kurs": "production"}
    with pytest.raises(AccessDeniedError):
        quick_vault.health.list(person())
