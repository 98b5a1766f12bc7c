"""Every real and hostile file at hand, offered as a camera would, and what becomes of each.

The table keeps one row a file on one line, however long the name.
"""
# ruff: noqa: E501

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.probe import FAULTS
from cctv_vault.media.limits import REFUSALS
from cctv_vault.schema import Quarantined, Recording
from cctv_vault.vault import Vault
from tests.shop import NOW, SYSTEM, open_shop

# file below the media folder · kind, container, codec, size and whether there is sound ·
# where its time comes from and, if not its arrival, its start · seconds · faults, or the reason
TABLE: list[tuple[str, str, str, float | None, str]] = [
    ("cctv/car-detection.mp4", "video mov h264 768x432 sound", "container 2018-04-19T22:46:00Z", 30.2, ""),
    ("cctv/ceiling_h264_rotate180.mp4", "video mov h264 640x360", "arrival", 12.0, ""),
    ("cctv/dahua-like_h264_one-by-one.dav", "video dhav h264 768x432", "container 2024-03-30T23:59:00Z", 139.4, ""),
    ("cctv/display_h264_1fps_ct.mp4", "video mov h264 768x432", "container 2024-09-30T08:00:00Z", 139.0, ""),
    ("cctv/face-male_h264_fragmented.mp4", "video mov h264 640x360", "arrival", 20.0, ""),
    ("cctv/faces-pause_mjpeg_g711u.avi", "video avi mjpeg 480x270 sound", "arrival", 12.0, ""),
    ("cctv/faces-walking_hevc_ct.mp4", "video mov hevc 640x360", "container 2024-11-29T18:40:00Z", 30.0, ""),
    ("cctv/forecourt_mpeg2_ps_interlaced.mpg", "video mpeg mpeg2video 720x576", "arrival", 11.5, ""),
    ("cctv/hikvision-like_imkh_ps_h264.mp4", "video mpeg h264 768x432", "arrival", 139.4, ""),
    ("cctv/motion.mp4", "video mov h264 320x240", "container 2015-01-20T18:39:53Z", 11.4, ""),
    ("cctv/nvr_segments/NVR_ch6_main_20241027005940_20241027010000.mp4", "video mov h264 768x432", "name 2024-10-26T22:59:40Z", 20.0, ""),
    ("cctv/nvr_segments/NVR_ch6_main_20241027010000_20241027010020.mp4", "video mov h264 768x432", "name 2024-10-26T23:00:00Z", 20.0, ""),
    ("cctv/one-by-one-person-detection.mp4", "video mov h264 768x432", "container 2017-09-26T16:57:49Z", 139.4, ""),
    ("cctv/one-by-one_remux.h264", "video h264 h264 768x432", "arrival", 139.4, ""),
    ("cctv/staffroom_h264_mp2.ts", "video mpegts h264 640x360 sound", "arrival", 30.0, ""),
    ("cctv/stockroom_h264_g711a_ct.mkv", "video matroska h264 704x396 sound", "container 2025-01-01T00:00:00Z", 40.0, ""),
    ("cctv/store-aisle-detection.gif", "quarantined", "", None, "animated-gif"),
    ("cctv/store-aisle_h264_aac_ct.mp4", "video mov h264 640x360 sound", "container 2024-11-29T18:42:07Z", 60.0, ""),
    ("cctv/store-aisle_h264_ct-zero1904.mp4", "video mov h264 640x360", "arrival", 6.0, ""),
    ("malformed/androidx-media/sample_mdat_too_long.mp4", "video mov h264 1080x720 sound", "container 2016-05-31T17:01:35Z", 1.0, "cut-short"),
    ("malformed/androidx-media/sample_with_invalid_nalu.mp4", "video mov h264 1080x720", "arrival", 1.0, "damaged"),
    ("malformed/decord/corrupted.mp4", "video mov h264 1280x720", "arrival", 5.0, "damaged"),
    ("malformed/exiv2/issue_1793_poc.heic", "quarantined", "", None, "unknown-codec"),
    ("malformed/exiv2/issue_2340_poc.mp4", "quarantined", "", None, "not-media"),
    ("malformed/file-type/fixture-corrupt.mkv", "quarantined", "", None, "undecodable"),
    ("malformed/file-type/fixture-moov.mov", "quarantined", "", None, "undecodable"),
    ("malformed/libwebm/block_ends_beyond_cluster.mkv", "video matroska msmpeg4 576x432", "container 2006-12-04T20:46:35Z", 0.0, "cut-short damaged no-initial-keyframe duration-untrue"),
    ("malformed/libwebm/chapters_truncated_chapter_string.mkv", "quarantined", "", None, "undecodable"),
    ("malformed/libwebm/projection_float_overflow.webm", "quarantined", "", None, "undecodable"),
    ("malformed/lightnvr/b7bcb103abaab87d638c28444b1f80df.webm", "video matroska vp8 1920x1080", "arrival", 12.0, "damaged"),
    ("malformed/mediabunny/no-initial-keyframe.ts", "video mpegts h264 640x352 sound", "arrival", 2.6, "damaged no-initial-keyframe"),
    ("malformed/moviepy/-video-with-dash-.mp4", "video mov h264 1x1", "arrival", 5.0, ""),
    ("malformed/moviepy/video_with_failing_audio.mp4", "video mov h264 640x360 sound", "arrival", 11.2, ""),
    ("malformed/mp4parse/bug-1655846.avif", "quarantined", "", None, "unknown-codec"),
    ("malformed/mp4parse/chunk_out_of_range.mp4", "quarantined", "", None, "undecodable"),
    ("malformed/mp4parse/invalid_userdata.mp4", "quarantined", "", None, "no-frames"),
    ("malformed/mp4parse/no_timescale.mp4", "video mov h264 320x240", "arrival", 6.0, "damaged"),
    ("malformed/mp4parse/zero_empty_stsc.mp4", "quarantined", "", None, "undecodable"),
    ("malformed/photoprism/wrong.heic", "still jpeg mjpeg 500x500", "container 2013-03-05T16:29:26Z", None, ""),
    ("malformed/pillow/broken_data_stream.png", "quarantined", "", None, "undecodable"),
    ("malformed/pillow/truncated_jpeg.jpg", "still jpeg mjpeg 100x100", "arrival", None, "cut-short"),
    ("malformed/synthetic/audio_only.mp4", "quarantined", "", None, "no-video"),
    ("malformed/synthetic/avi_renamed.mp4", "video avi mjpeg 480x270 sound", "arrival", 4.6, "cut-short damaged"),
    ("malformed/synthetic/avi_truncated_no_idx1.avi", "video avi mjpeg 480x270 sound", "arrival", 4.6, "cut-short damaged"),
    ("malformed/synthetic/bitflips_1pct_mdat.mp4", "video mov h264 320x180 sound", "arrival", 6.0, "damaged no-initial-keyframe"),
    ("malformed/synthetic/codec_fourcc_unknown.mp4", "quarantined", "", None, "unknown-codec"),
    ("malformed/synthetic/dav_truncated.dav", "video dhav h264 768x432", "container 2024-03-30T23:59:00Z", 12.1, "damaged"),
    ("malformed/synthetic/empty_0bytes.mp4", "quarantined", "", None, "empty"),
    ("malformed/synthetic/exe_header.mp4", "quarantined", "", None, "not-media"),
    ("malformed/synthetic/fmp4_init_only_no_samples.mp4", "quarantined", "", None, "no-frames"),
    ("malformed/synthetic/fmp4_truncated_last_fragment.mp4", "video mov h264 320x180 sound", "arrival", 5.1, "cut-short damaged"),
    ("malformed/synthetic/ftyp_only.mp4", "quarantined", "", None, "unfinished"),
    ("malformed/synthetic/html_only.mp4", "quarantined", "", None, "not-media"),
    ("malformed/synthetic/imkh_truncated.mp4", "video mpeg h264 768x432", "arrival", 16.1, "cut-short"),
    ("malformed/synthetic/jpeg_pixelbomb_65500.jpg", "quarantined", "", None, "too-large-picture"),
    ("malformed/synthetic/jpeg_truncated.jpg", "still jpeg mjpeg 320x240", "arrival", None, "cut-short"),
    ("malformed/synthetic/m3u8_ssrf.mp4", "quarantined", "", None, "playlist"),
    ("malformed/synthetic/metadata_injection.mp4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/mkv_truncated_no_cues.mkv", "video matroska h264 704x396 sound", "container 2025-01-01T00:00:00Z", 12.7, "cut-short damaged duration-untrue"),
    ("malformed/synthetic/mp4_renamed.jpg", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/mp4_upper_ext.MP4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/mvhd_timescale_zero.mp4", "video mov h264 320x180 sound", "arrival", None, "damaged timing-implausible"),
    ("malformed/synthetic/names/20241027_013000_A.mp4", "video mov h264 320x180 sound", "name 2024-10-26T23:30:00Z", 6.0, ""),
    ("malformed/synthetic/names/café.mp4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/names/cam 1; touch pwned.mp4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ('malformed/synthetic/names/o\'brien "till".mp4', "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/ok_control_faststart.mp4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/ok_control_moov-at-end.mp4", "video mov h264 320x180 sound", "arrival", 6.0, ""),
    ("malformed/synthetic/one_byte.mp4", "quarantined", "", None, "not-media"),
    ("malformed/synthetic/powerloss_no_moov.mp4", "quarantined", "", None, "unfinished"),
    ("malformed/synthetic/random_64k.mp4", "quarantined", "", None, "not-media"),
    ("malformed/synthetic/stsz_count_4294967295.mp4", "quarantined", "", None, "undecodable"),
    ("malformed/synthetic/truncated_half_mdat_faststart.mp4", "video mov h264 320x180 sound", "arrival", 3.1, "cut-short damaged duration-untrue"),
    ("malformed/synthetic/ts_lost_2pct_packets.ts", "video mpegts h264 640x360 sound", "arrival", 30.0, "damaged"),
    ("malformed/synthetic/ts_truncated_mid_packet.ts", "video mpegts h264 640x360 sound", "arrival", 6.1, "cut-short damaged"),
    ("real-camera/MVI_4823.AVI", "video avi mjpeg 640x480 sound", "container 2012-09-10T18:52:00Z", 2.6, ""),
    ("real-camera/clip.mp4", "video mov h264 320x240", "arrival", 10.0, ""),
    ("real-camera/fixture-mjpeg.mov", "video mov mjpeg 640x480 sound", "container 2008-09-04T11:28:54Z", 1.5, ""),
    ("real-camera/foreman-hevc-384.mp4", "video mov hevc 1280x720", "arrival", 10.3, ""),
    ("real-camera/h265_video.mp4", "video mov hevc 128x128", "arrival", 1.0, ""),
    ("real-camera/issue53_brightness_change.avi", "video avi mpeg4 960x1080", "arrival", 4.9, ""),
    ("real-camera/sample.mkv", "video matroska h264 1080x720 sound", "arrival", 1.0, ""),
    ("real-camera/sample_h264.ts", "video mpegts h264 854x480", "arrival", 1.0, ""),
    ("real-camera/systime.mkv", "video matroska h264 480x270", "container 2015-12-01T15:47:24Z", 2.4, "damaged"),
    ("real-camera/t.mjpg", "video mpjpeg mjpeg 160x120", "arrival", 0.6, ""),
    ("real-camera/t.mkv", "video matroska h264 160x120", "arrival", 0.6, ""),
    ("real-camera/video02.avi", "video avi mpeg4 320x240", "arrival", 30.0, ""),
    ("stills/deface/city.jpg", "still jpeg mjpeg 800x564", "arrival", None, ""),
    ("stills/derived/doorbell-1face.jpg", "still jpeg mjpeg 1280x720", "arrival", None, ""),
    ("stills/derived/staffroom-4faces.jpg", "still jpeg mjpeg 1280x720", "arrival", None, ""),
    ("stills/derived/store-aisle.jpg", "still jpeg mjpeg 1280x720", "container 2024-11-29T18:42:07Z", None, ""),
    ("stills/vi3o/img00012680.jpg", "still jpeg mjpeg 320x240", "arrival", None, "cut-short"),
]  # fmt: skip
_PURPOSES_END_AFTER = timedelta(hours=72)


@dataclass(frozen=True)
class Taken:
    """What became of one file: the outcome told, the source's path, and the row made of it."""

    outcome: Outcome
    path: Path
    sha256: bytes
    row: Recording | Quarantined


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vault, Path]]:
    folder = tmp_path_factory.mktemp("media-table")
    vault = open_shop(folder)
    yield vault, folder
    vault.close()


@pytest.fixture(scope="module")
def taken(shop: tuple[Vault, Path], media: Path | None) -> dict[str, Taken]:
    """Each file sent to a camera of its own, by its name below the media folder."""
    if media is None:
        pytest.skip("there are no real camera files here")
    vault, folder = shop
    found: dict[str, Taken] = {}
    for number, (name, *_) in enumerate(TABLE):
        code = f"camera-{number}"
        vault.register.add_camera(SYSTEM, code, drop=folder / "drop" / code)
        path = folder / "drop" / code / Path(name).name
        shutil.copyfile(media / name, path)
        sha256 = hashlib.sha256(path.read_bytes()).digest()
        outcome = vault.ingest.offer(SYSTEM, path)
        with vault.database.read() as session:
            made = session.exec(select(Recording).where(Recording.camera_code == code)).all()
            held = session.exec(select(Quarantined).where(Quarantined.camera_code == code)).all()
        rows: list[Recording | Quarantined] = [*made, *held]
        (row,) = rows
        found[name] = Taken(outcome, path, sha256, row)
    return found


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_every_file_at_hand_becomes_what_the_table_says(
    shop: tuple[Vault, Path], taken: dict[str, Taken], row: tuple[str, str, str, float | None, str]
) -> None:
    name, what, when, seconds, remark = row
    found = taken[name]
    made = found.row

    assert not found.path.exists()
    assert (made.original_name, made.sha256) == (found.path.name, found.sha256)
    if isinstance(made, Quarantined):
        assert (found.outcome.outcome, made.reason_code) == (what, remark)
        return
    size = f"{made.width}x{made.height}" + " sound" * made.has_audio
    assert f"{made.kind} {made.container} {made.codec} {size}" == what
    start = f" {made.started_at:%Y-%m-%dT%H:%M:%SZ}" * (made.time_source != "arrival")
    assert made.time_source + start == when
    if not start:
        assert made.ended_at == NOW
    length = made.ended_at - made.started_at
    assert (round(length.total_seconds(), 1) or None) == (seconds or None)
    assert made.faults == remark.split()
    late = NOW - made.ended_at > _PURPOSES_END_AFTER
    assert found.outcome.outcome == ("late" if late else "sealed")
    with shop[0].access.open_internal(made.id) as footage:
        assert hashlib.sha256(footage.read()).digest() == found.sha256


def test_every_file_at_hand_is_in_the_table(media: Path | None) -> None:
    if media is None:
        pytest.skip("there are no real camera files here")
    there = {
        str(path.relative_to(media))
        for path in media.rglob("*")
        if path.is_file() and path.suffix not in {".tsv", ".txt"}
    }

    assert there == {name for name, *_ in TABLE}


def test_what_is_said_of_a_file_comes_from_known_words() -> None:
    for _, what, _, _, remark in TABLE:
        assert set(remark.split()) <= set(REFUSALS if what == "quarantined" else FAULTS)


def test_the_log_of_all_of_it_holds(shop: tuple[Vault, Path], taken: dict[str, Taken]) -> None:
    assert len(taken) == len(TABLE)
    assert not shop[0].log.verify().findings
