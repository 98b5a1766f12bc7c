"""What arriving files are: drawn ones, and what is made to look like one.

What becomes of every real and hostile file at hand stands in ``test_media_table``.
"""

import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.ingest.probe import Probe, ProbeRefusal, probe
from cctv_vault.media.sandbox import MediaSandbox
from tests.shop import picture, put


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
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x7f\xff\xff\xff" * 2, "too-large-picture"),
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


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_refused_with_what_to_do(
    sandbox: MediaSandbox, tmp_path: Path, form: str
) -> None:
    put(tmp_path / "in", "bild.jpg", picture(1))
    made = Path(shutil.make_archive(str(tmp_path / "export"), form, tmp_path / "in"))

    found = _probe(sandbox, made.read_bytes())

    assert isinstance(found, ProbeRefusal)
    assert found.reason_code == "not-media"
    assert "an archive: unpack it" in found.sentence


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
