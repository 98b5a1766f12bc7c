"""Clips: the window that was asked for, playable, and told truly."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.errors import InvalidInputError
from cctv_vault.footage.clips import (
    Clip,
    ClipSource,
    cut,
    playable_codec,
    remux_for_browser,
    stream,
)
from cctv_vault.footage.stills import exact_frame, poster
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.sandbox import MediaSandbox

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
_FILM_S = 6.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MediaSandbox]:
    with MediaSandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Three recordings of six seconds that follow one another, key frames every two seconds."""
    folder = tmp_path_factory.mktemp("drawn")
    camera = SyntheticCamera("kassa", "checkout")
    for number in range(3):
        moment = START + timedelta(seconds=number * _FILM_S)
        camera.write(folder / f"{number}.mp4", moment, _FILM_S)
    return [(folder / f"{number}.mp4").read_bytes() for number in range(3)]


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _source(data: bytes, seconds: float, name: str = "r") -> ClipSource:
    return ClipSource(f"{name}{seconds:g}", io.BytesIO(data), _at(seconds))


def _cut(
    sandbox: MediaSandbox,
    sources: list[ClipSource],
    window: tuple[float, float],
    *,
    keep_audio: bool = False,
) -> tuple[Clip, bytes]:
    out = io.BytesIO()
    clip = cut(sandbox, sources, _at(window[0]), _at(window[1]), out, keep_audio=keep_audio)
    return clip, out.getvalue()


def _pictures(data: bytes) -> list[float]:
    """The times of a clip's pictures, every one of them decoded; damaged ones show nothing."""
    times: list[float] = []
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux(video=0):
            try:
                times += [float(frame.time or 0.0) for frame in packet.decode()]
            except av.error.InvalidDataError:
                continue
    return times


def _real(media: Path | None, name: str) -> bytes:
    if media is None:
        pytest.skip("there are no real camera files here")
    return (media / name).read_bytes()


def test_a_clip_begins_with_the_key_frame_its_first_picture_needs_and_ends_on_time(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    clip, data = _cut(sandbox, [_source(films[0], 0)], (3.0, 5.0))

    assert (clip.delivered_from, clip.delivered_to) == (_at(2.0), _at(5.0))
    assert (clip.requested_from, clip.requested_to) == (_at(3.0), _at(5.0))
    assert clip.starts_on_keyframe
    assert not clip.transcoded
    assert clip.gaps == ()
    assert len(_pictures(data)) == clip.pictures == 18


def test_recordings_that_follow_one_another_become_one_stream_without_a_seam(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    sources = [_source(film, number * _FILM_S) for number, film in enumerate(films)]

    clip, data = _cut(sandbox, sources, (4.0, 14.0))
    times = _pictures(data)

    assert clip.recordings == ("r0", "r6", "r12")
    assert len(times) == 60
    steps = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert set(steps) == {0.167, 0.166} or set(steps) == {0.167}


def test_the_pictures_of_a_copied_clip_are_the_cameras_own(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    _, data = _cut(sandbox, [_source(films[0], 0)], (0.0, 60.0))

    def packets(file: bytes) -> list[bytes]:
        with av.open(io.BytesIO(file), "r") as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]

    assert packets(data) == packets(films[0])


def test_what_was_not_recorded_is_told_as_gaps(sandbox: MediaSandbox, films: list[bytes]) -> None:
    sources = [_source(films[0], 10.0), _source(films[1], 30.0)]

    clip, _ = _cut(sandbox, sources, (5.0, 40.0))

    assert clip.delivered_from == _at(10.0)
    assert clip.gaps == (
        (_at(5.0), _at(10.0)),
        (_at(16.0), _at(30.0)),
        (_at(36.0), _at(40.0)),
    )


def test_the_order_in_which_recordings_are_given_does_not_matter(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    clip, _ = _cut(sandbox, [_source(films[1], 6.0), _source(films[0], 0.0)], (0.0, 12.0))

    assert clip.recordings == ("r0", "r6")


def test_overlapping_recordings_show_the_later_one_from_its_start(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    clip, data = _cut(sandbox, [_source(films[0], 0.0), _source(films[1], 4.0)], (0.0, 60.0))

    assert (clip.delivered_from, clip.delivered_to) == (_at(0.0), _at(10.0))
    assert len(_pictures(data)) == 60


def test_two_pictures_of_one_moment_where_recordings_meet_are_both_shown(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    # The first film's picture of 4 s, and ten microseconds later the second film's first one.
    sources = [_source(films[0], 0.0), _source(films[1], 4.00001)]
    clip, data = _cut(sandbox, sources, (0.0, 60.0))

    assert len(clip.recordings) == 2
    assert len(_pictures(data)) == 25 + 36


def test_an_unreadable_recording_in_the_window_is_named_and_spoils_nothing(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    clip, _ = _cut(sandbox, [_source(films[0], 0.0), _source(b"noise" * 999, 6.0)], (0.0, 12.0))

    assert clip.recordings == ("r0",)
    assert clip.unreadable == ("r6",)
    assert clip.gaps == ((_at(6.0), _at(12.0)),)


def test_a_window_without_a_picture_is_refused_and_never_filled_with_another(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    for window in ((100.0, 110.0), (-20.0, -10.0), (6.5, 8.0)):
        with pytest.raises(MediaRefusedError) as caught:
            _cut(sandbox, [_source(films[0], 0.0)], window)
        assert caught.value.reason_code == "no-frames"


def test_a_window_that_means_nothing_is_refused(sandbox: MediaSandbox, films: list[bytes]) -> None:
    source = _source(films[0], 0.0)
    naive = datetime(2026, 3, 1, 9)  # noqa: DTZ001 - the point
    for sources, t0, t1 in (
        ([], START, _at(1)),
        ([source], _at(1), START),
        ([source], START, START),
        ([source], naive, naive + timedelta(seconds=1)),
        ([ClipSource("r", io.BytesIO(films[0]), naive)], START, _at(1)),
    ):
        with pytest.raises(InvalidInputError):
            cut(sandbox, sources, t0, t1, io.BytesIO(), keep_audio=False)


def test_the_length_of_a_clip_stands_in_its_header(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    _, data = _cut(sandbox, [_source(films[0], 0.0)], (0.0, 60.0))

    class Arriving(io.BytesIO):
        """A file of which nobody knows the end, as a browser loads it."""

        def seekable(self) -> bool:
            return False

    beginning = Arriving(data[: len(data) // 2])
    with av.open(beginning, "r", format="mov") as container:
        assert container.duration == 6_000_000


def test_a_clip_can_be_streamed_and_abandoned(sandbox: MediaSandbox, films: list[bytes]) -> None:
    made = stream(sandbox, [_source(films[0], 0.0)], START, _at(6.0), keep_audio=False)

    assert b"ftyp" in next(made)
    made.close()


def test_a_sources_own_error_is_raised_as_it_is(sandbox: MediaSandbox, films: list[bytes]) -> None:
    class Tampered(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise RuntimeError("segment 0 does not verify")

    source = ClipSource("r", Tampered(films[0]), START)
    with pytest.raises(RuntimeError, match="segment 0"):
        cut(sandbox, [source], START, _at(1), io.BytesIO(), keep_audio=False)


# file, seconds of it, whether it must be coded anew, where the delivered clip begins
REAL: list[tuple[str, tuple[float, float], bool, float]] = [
    ("cctv/store-aisle_h264_aac_ct.mp4", (12.3, 20.5), False, 12.0),
    ("cctv/stockroom_h264_g711a_ct.mkv", (12.3, 20.5), False, 12.0),
    ("cctv/staffroom_h264_mp2.ts", (12.3, 20.5), False, 12.0),
    ("cctv/hikvision-like_imkh_ps_h264.mp4", (12.3, 20.5), False, 12.0),
    ("cctv/dahua-like_h264_one-by-one.dav", (12.3, 20.5), False, 12.0),
    ("cctv/face-male_h264_fragmented.mp4", (3.0, 9.0), False, 2.0),
    ("cctv/motion.mp4", (2.3, 5.0), False, 2.0),
    ("cctv/display_h264_1fps_ct.mp4", (60.0, 90.0), False, 59.0),
    ("cctv/ceiling_h264_rotate180.mp4", (1.0, 3.0), False, 0.0),
    ("cctv/one-by-one_remux.h264", (12.3, 20.5), True, 12.4),
    ("cctv/faces-walking_hevc_ct.mp4", (12.3, 20.5), True, 12.333),
    ("cctv/faces-pause_mjpeg_g711u.avi", (2.3, 5.0), True, 2.3),
    ("cctv/forecourt_mpeg2_ps_interlaced.mpg", (2.3, 5.0), True, 2.32),
    ("real-camera/issue53_brightness_change.avi", (1.0, 2.0), True, 1.0),
    ("real-camera/t.mjpg", (0.0, 0.5), True, 0.0),
    ("malformed/mediabunny/no-initial-keyframe.ts", (0.0, 9.0), False, 2.136),
    ("malformed/synthetic/truncated_half_mdat_faststart.mp4", (0.0, 9.0), False, 0.0),
    ("malformed/synthetic/mkv_truncated_no_cues.mkv", (5.0, 9.0), False, 4.0),
    ("malformed/synthetic/ts_lost_2pct_packets.ts", (5.0, 9.0), False, 4.0),
    ("malformed/synthetic/bitflips_1pct_mdat.mp4", (2.0, 4.0), False, 2.0),
]


@pytest.mark.parametrize("row", REAL, ids=lambda row: row[0])
def test_a_clip_of_every_kind_of_file_plays_and_is_cut_where_it_says(
    sandbox: MediaSandbox, media: Path | None, row: tuple[str, tuple[float, float], bool, float]
) -> None:
    name, window, transcoded, begins = row
    clip, data = _cut(sandbox, [_source(_real(media, name), 0.0)], window)
    times = _pictures(data)

    assert clip.transcoded == transcoded
    assert round((clip.delivered_from - START).total_seconds(), 3) == begins
    assert (clip.delivered_to - START).total_seconds() <= window[1] + 0.21
    with av.open(io.BytesIO(data), "r") as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert not container.streams.audio
    length = (clip.delivered_to - clip.delivered_from).total_seconds()
    assert abs(times[-1] - times[0] - length) < 1.3


def test_clips_of_the_same_footage_are_alike_whatever_the_container(
    sandbox: MediaSandbox, media: Path | None
) -> None:
    """DAV and program stream of the same recording give the very same clip."""
    clips = [
        _cut(sandbox, [_source(_real(media, f"cctv/{name}"), 0.0)], (12.0, 20.0))[1]
        for name in ("hikvision-like_imkh_ps_h264.mp4", "dahua-like_h264_one-by-one.dav")
    ]

    assert [len(_pictures(clip)) for clip in clips] == [80, 80]


class _Counted(io.BytesIO):
    """A source that counts how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def _remuxed(film: bytes, container: str, options: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(film), "r") as source,
        av.open(out, "w", format=container, container_options=options or {}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return out.getvalue()


def _film(seconds: float, b_frames: int = 0, options: dict[str, str] | None = None) -> bytes:
    """Noise at 10 pictures a second, a key frame every second."""
    noise = np.random.default_rng(3)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", container_options=options or {}) as target:
        stream = target.add_stream("libx264", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 10, b_frames
        stream.options = {"preset": "ultrafast", "b-adapt": "0", "sc_threshold": "0", "qp": "10"}
        for _ in range(round(seconds * 10)):
            pixels = noise.integers(0, 255, (96, 160, 3), dtype=np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        target.mux(stream.encode(None))
    return out.getvalue()


def _packets(data: bytes) -> list[tuple[int, int, bool, bytes]]:
    with av.open(io.BytesIO(data), "r") as opened:
        clock = opened.streams.video[0].time_base
        assert clock is not None
        return [
            (
                round((each.pts or 0) * clock * 1000),
                round((each.dts or 0) * clock * 1000),
                each.is_keyframe,
                bytes(each),
            )
            for each in opened.demux(video=0)
            if each.size
        ]


@pytest.mark.parametrize("window", [(0.0, 99.0), (2.3, 4.0), (3.0, 3.1), (5.95, 6.0), (4.5, 8.5)])
def test_a_clip_that_names_its_pictures_is_the_one_that_carries_them(
    sandbox: MediaSandbox, window: tuple[float, float]
) -> None:
    """Of an MP4 only the index is read in the sandbox; a Matroska file is read through there."""
    film = _film(6.0)
    through = _remuxed(film, "matroska")

    named, data = _cut(sandbox, [_source(film, 0.0), _source(film, 6.5)], window)
    carried, expected = _cut(sandbox, [_source(through, 0.0), _source(through, 6.5)], window)

    assert _packets(data) == _packets(expected)
    assert named == carried


def test_of_a_film_with_an_index_nothing_is_read_but_what_the_clip_holds(
    sandbox: MediaSandbox,
) -> None:
    film = _film(60.0)
    source = _Counted(film)
    out = io.BytesIO()

    cut(sandbox, [ClipSource("r", source, START)], _at(30), _at(31), out, keep_audio=False)

    # The clip itself, and twice the megabytes with the index and with where the pictures begin.
    assert source.taken < 4 * 1024 * 1024 + len(out.getvalue()) < len(film) / 2


@pytest.mark.parametrize(
    "film",
    [
        pytest.param((2, None), id="shown in another order than they lie"),
        pytest.param((0, {"movflags": "frag_keyframe+empty_moov"}), id="in fragments"),
    ],
)
def test_every_picture_of_a_film_is_in_its_clip_whatever_its_index_is_like(
    sandbox: MediaSandbox, film: tuple[int, dict[str, str] | None]
) -> None:
    data = _film(4.0, *film)
    clip, made = _cut(sandbox, [_source(data, 0.0)], (0.0, 99.0))

    assert not clip.transcoded
    assert len(_pictures(made)) == clip.pictures == 40
    assert [bytes(each) for *_, each in _packets(made)] == [each for *_, each in _packets(data)]


def test_an_index_that_names_the_same_bytes_over_and_over_makes_no_endless_clip(
    sandbox: MediaSandbox,
) -> None:
    film = bytearray(_film(6.0))
    sizes = film.index(b"stsz")
    assert int.from_bytes(film[sizes + 12 : sizes + 16]) == 60
    # All but the first are said to be half the file, and to lie where the first one does.
    film[sizes + 20 : sizes + 16 + 4 * 60] = (len(film) // 2).to_bytes(4) * 59
    places = film.index(b"stco")
    begin, length = places - 4, int.from_bytes(film[places - 4 : places])
    stco = (16 + 4 * 60).to_bytes(4) + b"stco" + bytes(4) + (60).to_bytes(4)
    film[begin : begin + length] = stco + film[places + 12 : places + 16] * 60
    runs = film.index(b"stsc") + 8
    film[runs : runs + 12] = (1).to_bytes(4) * 3
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = film.index(box) - 4
        film[at : at + 4] = (int.from_bytes(film[at : at + 4]) + 16 + 4 * 60 - length).to_bytes(4)

    _, data = _cut(sandbox, [_source(bytes(film), 0.0)], (0.0, 9.0))
    assert len(data) < 2 * len(film)


def test_files_of_different_coding_become_one_clip(
    sandbox: MediaSandbox, media: Path | None, films: list[bytes]
) -> None:
    hevc = _real(media, "cctv/faces-walking_hevc_ct.mp4")

    clip, data = _cut(sandbox, [_source(films[0], 0.0), _source(hevc, 6.0)], (4.0, 8.0))

    assert clip.transcoded
    assert clip.delivered_from == _at(4.0)
    assert clip.recordings == ("r0", "r6")
    assert len(_pictures(data)) == 12 + 24


@pytest.mark.parametrize(
    "name",
    [
        "cctv/store-aisle_h264_aac_ct.mp4",
        "cctv/stockroom_h264_g711a_ct.mkv",
        "cctv/staffroom_h264_mp2.ts",
    ],
)
def test_sound_is_left_out_unless_it_is_asked_for(
    sandbox: MediaSandbox, media: Path | None, name: str
) -> None:
    data = _real(media, name)

    _, silent = _cut(sandbox, [_source(data, 0.0)], (5.0, 9.0))
    _, heard = _cut(sandbox, [_source(data, 0.0)], (5.0, 9.0), keep_audio=True)

    with av.open(io.BytesIO(silent), "r") as container:
        assert not container.streams.audio
    with av.open(io.BytesIO(heard), "r") as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = sum(frame.samples for frame in container.decode(audio=0))
        seconds = samples / container.streams.audio[0].rate
    assert 4.9 < seconds < 5.4


def test_a_whole_recording_can_be_made_playable(sandbox: MediaSandbox, films: list[bytes]) -> None:
    out = io.BytesIO()

    made = remux_for_browser(sandbox, io.BytesIO(films[0]), out, keep_audio=False)

    assert (made.duration_s, made.codec, made.transcoded) == (6.0, "h264", False)
    assert len(_pictures(out.getvalue())) == 36


def test_damaged_pictures_are_coded_anew_so_that_a_browser_plays_on(
    sandbox: MediaSandbox, media: Path | None
) -> None:
    data = _real(media, "malformed/synthetic/bitflips_1pct_mdat.mp4")
    out = io.BytesIO()

    source = ClipSource("r", io.BytesIO(data), START, damaged=True)
    clip = cut(sandbox, [source], START, _at(60), out, keep_audio=False)

    assert clip.transcoded
    with av.open(io.BytesIO(out.getvalue()), "r") as container:
        assert len(list(container.decode(video=0))) == clip.pictures > 40


def test_only_what_browsers_play_counts_as_playable() -> None:
    assert playable_codec("h264")
    assert not any(playable_codec(codec) for codec in ("hevc", "mjpeg", "mpeg2video", "mpeg4"))


def test_a_poster_is_small_and_an_exact_frame_is_the_frame_shown_at_that_moment(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    small = poster(sandbox, io.BytesIO(films[0]), offset_s=3.0)
    exact = exact_frame(sandbox, io.BytesIO(films[0]), offset_s=3.1)

    assert small.data.startswith(b"\xff\xd8\xff")
    assert (small.width, small.height, small.offset_s) == (480, 270, 2.0)
    assert exact.data.startswith(b"\x89PNG")
    assert (exact.width, exact.height, exact.offset_s) == (640, 360, 3.0)
    assert exact.pts is not None
    assert exact.time_base is not None
    assert float(exact.pts * exact.time_base) == 3.0


def test_an_exact_frame_is_what_decoding_gives_to_the_last_pixel(
    sandbox: MediaSandbox, films: list[bytes]
) -> None:
    exact = exact_frame(sandbox, io.BytesIO(films[0]), offset_s=3.0)

    with av.open(io.BytesIO(films[0]), "r") as container:
        frames = list(container.decode(video=0))
    with av.open(io.BytesIO(exact.data), "r", format="png_pipe") as container:
        shown = next(container.decode(video=0))
    assert np.array_equal(shown.to_ndarray(format="rgb24"), frames[18].to_ndarray(format="rgb24"))


def test_a_picture_that_lies_on_its_head_is_turned_upright(
    sandbox: MediaSandbox, media: Path | None
) -> None:
    data = _real(media, "cctv/ceiling_h264_rotate180.mp4")

    exact = exact_frame(sandbox, io.BytesIO(data), offset_s=0.0)

    with av.open(io.BytesIO(data), "r") as container:
        stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
    with av.open(io.BytesIO(exact.data), "r", format="png_pipe") as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    difference = abs(shown.astype(int) - stored[::-1, ::-1].astype(int))
    assert difference.mean() < 2


def test_a_still_has_a_poster_of_its_own(sandbox: MediaSandbox) -> None:
    still = SyntheticCamera("gang", "aisle").still(START)

    assert poster(sandbox, io.BytesIO(still), width=160).width == 160


def test_nothing_can_be_shown_of_what_is_no_footage(sandbox: MediaSandbox) -> None:
    with pytest.raises(MediaRefusedError) as caught:
        poster(sandbox, io.BytesIO(b"nothing"))

    assert caught.value.reason_code == "not-media"
