"""Motion second by second and strips: measured, sealed, told, and gone with the recording."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from cctv_vault.errors import AccessDeniedError, ExpiredError, InvalidInputError, NotFoundError
from cctv_vault.footage.motion import MotionTrack, curve, measure
from cctv_vault.footage.streams import MOTION, STRIP, blob_name
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, film, person, put

RATE = 5


def scene(seconds: int, moving: range, *, apart: int = 1, container: str = "mp4") -> bytes:
    """A still room of which a fifth changes while ``moving``; a key frame every ``apart`` s."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream = target.add_stream("libx264", rate=RATE, options={"g": str(apart * RATE)})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"g": str(apart * RATE), "sc_threshold": "0", "bf": "0"}
        for number in range(seconds * RATE):
            pixels = np.full((240, 320, 3), 60, np.uint8)
            second = number // RATE
            if second in moving:
                left = second * 64 % 256
                pixels[:, left : left + 64] = 220
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)
    return out.getvalue()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MediaSandbox]:
    with MediaSandbox(nice=10) as opened:
        yield opened


def test_what_moves_is_found_in_its_seconds_and_nowhere_else(sandbox: MediaSandbox) -> None:
    found = measure(sandbox, io.BytesIO(scene(20, range(8, 12))), duration_s=20)

    assert len(found.scores) == 20
    moved = [second for second, score in enumerate(found.scores) if score > 5]
    assert set(range(8, 12)) <= set(moved) <= set(range(7, 14))
    assert max(found.scores) == pytest.approx(255 * 0.4, abs=30)


def test_what_changed_between_key_frames_stands_for_all_the_time_between(
    sandbox: MediaSandbox,
) -> None:
    found = measure(sandbox, io.BytesIO(scene(20, range(8, 20), apart=4)), duration_s=20)
    assert [score > 5 for score in found.scores[:4]] == [False] * 4
    assert all(score > 5 for score in found.scores[5:8])


def test_a_film_with_an_index_measures_as_the_same_film_read_through(
    sandbox: MediaSandbox,
) -> None:
    indexed, through = (scene(12, range(3, 7), container=name) for name in ("mp4", "matroska"))

    by_index = measure(sandbox, io.BytesIO(indexed), duration_s=12)
    assert by_index == measure(sandbox, io.BytesIO(through), duration_s=12)
    assert max(by_index.scores) > 5


def test_a_strip_has_a_picture_for_each_part_of_the_film_in_order(sandbox: MediaSandbox) -> None:
    found = measure(sandbox, io.BytesIO(scene(10, range(5, 10))), duration_s=10)
    with av.open(io.BytesIO(found.strip), "r", format="jpeg_pipe") as opened:
        (strip,) = opened.decode(video=0)
    assert strip.width == 10 * 160
    tiles = strip.to_ndarray(format="gray").reshape(strip.height, 10, 160)
    bright = [(tiles[:, number] > 150).any() for number in range(10)]
    assert bright == [False] * 5 + [True] * 5


def test_a_strip_goes_on_to_the_end_where_the_last_key_frame_is_long_before_it(
    sandbox: MediaSandbox,
) -> None:
    found = measure(sandbox, io.BytesIO(scene(16, range(0), apart=10)), duration_s=16)
    with av.open(io.BytesIO(found.strip), "r", format="jpeg_pipe") as opened:
        (strip,) = opened.decode(video=0)
    tiles = strip.to_ndarray(format="gray").reshape(strip.height, 16, 160)
    assert all(tiles[:, number].mean() > 30 for number in range(16))


def test_a_film_that_cannot_be_decoded_is_refused(sandbox: MediaSandbox) -> None:
    with pytest.raises(MediaRefusedError):
        measure(sandbox, io.BytesIO(b"\0" * 5000), duration_s=10)


def test_a_curve_has_the_most_of_each_part_and_knows_what_was_not_measured() -> None:
    track = MotionTrack("a", NOW + timedelta(seconds=10), bytes([1, 9, 3, 4]))
    other = MotionTrack("b", NOW - timedelta(seconds=1), bytes([200, 5]))
    assert curve([track, other], NOW, NOW + timedelta(seconds=20), 10) == (
        5, None, None, None, None, 9, 4, None, None, None,
    )  # fmt: skip


def test_motion_is_measured_after_the_posters_sealed_and_told(vault: Vault, drop: Path) -> None:
    recording = vault.ingest.offer(
        SYSTEM, put(drop, "x_20260302_070000.mp4", scene(20, range(8, 12)))
    ).recording
    assert recording is not None
    start = NOW - timedelta(hours=1)
    end = start + timedelta(minutes=5)
    assert vault.access.motion(MANAGER, camera="kassa", start=start, end=end) == ()

    assert vault.posters.work() == 1

    (track,) = vault.access.motion(MANAGER, camera="kassa", start=start, end=end)
    assert (track.recording, track.started_at, len(track.scores)) == (recording, start, 20)
    looks = vault.visible_entries(MANAGER, event="footage.viewed")
    assert [(each.subject, each.facts) for each in looks] == [
        ("kassa", {"camera": "kassa", "stream": MOTION})
    ]
    vault.access.motion(MANAGER, camera="kassa", start=start, end=end)
    assert len(vault.visible_entries(MANAGER, event="footage.viewed")) == 1  # once an hour
    assert vault.access.strip(MANAGER, recording)[:3] == b"\xff\xd8\xff"
    assert not vault.motion.make(recording)
    for stream in (MOTION, STRIP):
        sealed = b"".join(
            path.read_bytes()
            for path in (vault.settings.home / "blobs").rglob("*")
            if path.is_file() and stream in str(path)
        )
        assert sealed
        assert track.scores not in sealed
        assert b"\xff\xd8\xff" not in sealed[:100]


def test_what_an_earlier_process_left_unmeasured_is_caught_up_with(
    quick_vault: Vault, drop: Path
) -> None:
    data = scene(5, range(2))
    quick_vault.ingest.offer(SYSTEM, put(drop, "x_20260302_070000.mp4", data))
    again = Vault.open(quick_vault.settings)
    try:
        again.posters.catch_up()
        again.posters.work()
        start = NOW - timedelta(hours=1)
        assert again.access.motion(
            MANAGER, camera="kassa", start=start, end=start + timedelta(minutes=1)
        )
    finally:
        again.close()


def test_motion_ends_with_its_recording_and_is_told_to_nobody_else(
    quick_vault: Vault, drop: Path
) -> None:
    vault = quick_vault
    recording = vault.ingest.offer(SYSTEM, put(drop, "x_20260302_070000.mp4", film(1, 5))).recording
    assert recording is not None
    vault.posters.work()
    start = NOW - timedelta(hours=1)
    end = start + timedelta(minutes=1)
    with pytest.raises(AccessDeniedError):
        vault.access.motion(person(Role.STAFF), camera="kassa", start=start, end=end)
    with pytest.raises(InvalidInputError):
        vault.access.motion(MANAGER, camera="kassa", start=start, end=start + timedelta(days=2))
    with pytest.raises(NotFoundError):
        vault.access.motion(MANAGER, camera="lager", start=start, end=end)

    vault.set_clock(SYSTEM, NOW + timedelta(days=30))
    assert vault.access.motion(MANAGER, camera="kassa", start=start, end=end) == ()
    with pytest.raises(ExpiredError):
        vault.access.strip(MANAGER, recording)
    vault.sweeper.run(SYSTEM)
    assert not list(vault.store.names(blob_name(recording, "")))
