"""The drawn cameras: like themselves at every look, alive, and stamped with their time."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import av
import numpy as np
import pytest

from cctv_vault.demo.cameras import HEIGHT, WIDTH, Scene, SyntheticCamera

NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Europe/Stockholm"))


@pytest.mark.parametrize("scene", get_args(Scene))
def test_a_camera_draws_the_same_moment_alike_whenever_it_is_asked(scene: str) -> None:
    whole = list(SyntheticCamera("x", scene).pictures(NOON, 4.0))
    later = list(SyntheticCamera("x", scene).pictures(NOON + timedelta(seconds=2), 2.0))

    # The sensor's noise is all that may differ.
    for one, other in zip(whole[12:], later, strict=True):
        assert abs(one.astype(int) - other.astype(int)).mean() < 2.5


@pytest.mark.parametrize("scene", get_args(Scene))
def test_somebody_passes_within_two_minutes_of_a_working_day(scene: str) -> None:
    camera = SyntheticCamera(f"some {scene}", scene, fps=1)

    pictures = np.stack([each[40:320:4, ::4] for each in camera.pictures(NOON, 120.0)])
    usual = np.median(pictures, axis=0)
    moved = (abs(pictures - usual).max(axis=3) > 40).mean(axis=(1, 2))

    assert (moved > 0.002).sum() > 5


def test_two_cameras_of_one_scene_do_not_see_the_same_people() -> None:
    one, other = (
        np.stack(
            [each[::4, ::4] for each in SyntheticCamera(code, "aisle", "n", 1).pictures(NOON, 60)]
        )
        for code in ("a", "b")
    )

    assert (abs(one.astype(int) - other) > 40).any()


def test_the_burnt_in_clock_shows_the_cameras_own_time() -> None:
    right = next(SyntheticCamera("k", "checkout").pictures(NOON, 1.0))
    hour_behind = next(SyntheticCamera("k", "checkout", clock_offset_s=-3600.0).pictures(NOON, 1.0))

    clock = np.s_[HEIGHT - 32 : HEIGHT - 6, : WIDTH // 3]
    rest = np.s_[: HEIGHT - 40, :]
    assert (right[clock] != hour_behind[clock]).any()
    assert (right[rest] == hour_behind[rest]).all()


def test_a_written_recording_is_whole_named_last_and_stamped(tmp_path: Path) -> None:
    path = tmp_path / "kassa_20260302_120000.mp4"

    SyntheticCamera("kassa", "checkout", "Kassan").write(path, NOON, 5.0)

    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", WIDTH, HEIGHT)
        stamped = datetime.fromisoformat(container.metadata["creation_time"])
        assert stamped == NOON.astimezone(UTC)
        assert container.duration == 5_000_000
        assert len(list(container.decode(stream))) == 30


def test_a_still_is_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "still.jpg"
    path.write_bytes(SyntheticCamera("lager", "stockroom").still(NOON))

    with av.open(path) as container:
        assert [(f.width, f.height) for f in islice(container.decode(video=0), 2)] == [
            (WIDTH, HEIGHT)
        ]


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such scene"):
        SyntheticCamera("x", "roof")
    naive = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="offset"):
        next(SyntheticCamera("x", "aisle").pictures(naive, 1.0))
    with pytest.raises(ValueError, match="last"):
        SyntheticCamera("x", "aisle").write(tmp_path / "x.mp4", NOON, 0.0)
