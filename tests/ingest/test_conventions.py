"""Names of files as cameras and recorders give them, and what they claim."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.ingest.conventions import CONVENTIONS, NAMES, NameReading, read_name


def _local(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the camera's own time


def _utc(*parts: int) -> datetime:
    return _local(*parts).replace(tzinfo=UTC)


# name, convention, camera, channel, start, end
_Row = tuple[str, str, str | None, str | None, datetime | None, datetime | None]
KNOWN: list[_Row] = [
    ("2026-03-29/00/till_1/59.50.mp4",
     "frigate", "till_1", None, _utc(2026, 3, 29, 0, 59, 50), None),
    ("Driveway_00_20250905173157.mp4",
     "reolink-ftp", "Driveway", "00", _local(2025, 9, 5, 17, 31, 57), None),
    ("World Watch_01_20260327160902.mp4",
     "reolink-ftp", "World Watch", "01", _local(2026, 3, 27, 16, 9, 2), None),
    ("Mp4Record/2023-04-26/RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4",
     "reolink-recorder", None, None, _local(2023, 4, 26, 14, 59, 18),
     _local(2023, 4, 26, 15, 0, 32)),
    ("RecM01_20201222_075939_080140_6D28808_1A468F9.mp4",
     "reolink-recorder", None, None, _local(2020, 12, 22, 7, 59, 39),
     _local(2020, 12, 22, 8, 1, 40)),
    ("RecM02_DST20240827_090302_090334_0_800_800_033C820000_61B6F0.mp4",
     "reolink-recorder", None, None, _local(2024, 8, 27, 9, 3, 2), _local(2024, 8, 27, 9, 3, 34)),
    ("AMC0028V_795UUB/2021-03-06/001/dav/10/10.27.32-10.28.00[M][0@0][0].dav",
     "dahua", "AMC0028V_795UUB", "001", _local(2021, 3, 6, 10, 27, 32), _local(2021, 3, 6, 10, 28)),
    ("/mnt/dvr/2026-09-13/000/dav/08/08.20.31-08.49.43[R][0@0][0].dav",
     "dahua", "dvr", "000", _local(2026, 9, 13, 8, 20, 31), _local(2026, 9, 13, 8, 49, 43)),
    ("192.168.0.64_01_20190319093422939_MOTION_DETECTION.jpg",
     "hikvision-ftp", "192.168.0.64", "01", _local(2019, 3, 19, 9, 34, 22, 939000), None),
    ("10.4.100.111_01_20150619045051383_TIMING.jpg",
     "hikvision-ftp", "10.4.100.111", "01", _local(2015, 6, 19, 4, 50, 51, 383000), None),
    ("Ch02_20220619111254080_20220619112811160.mp4",
     "dvr-range", None, "02", _local(2022, 6, 19, 11, 12, 54, 80000),
     _local(2022, 6, 19, 11, 28, 11, 160000)),
    ("datadir0/hiv00001.mp4", "hikvision-storage", None, None, None, None),
    ("20190812_113000_B27F_00408C18823A",
     "axis-folder", "00408C18823A", None, _local(2019, 8, 12, 11, 30), None),
    ("20220914_093512_A4D4.mkv", "axis", None, None, _local(2022, 9, 14, 9, 35, 12), None),
    ("MDalarm_20180812_100109.mkv", "foscam", None, None, _local(2018, 8, 12, 10, 1, 9), None),
    ("MDAlarm_20180807-135928.jpg", "foscam", None, None, _local(2018, 8, 7, 13, 59, 28), None),
    ("Front Door - 2-9-2020, 11.21.12pm.mp4",
     "unifi", "Front Door", None, _local(2020, 2, 9, 23, 21, 12), None),
    ("20170307AM/Family Room20170307-084321-1488897801.mp4",
     "synology", "Family Room", None, _utc(2017, 3, 7, 14, 43, 21), None),
    ("FrontDoor.20240105_081500.bvr",
     "blueiris", "FrontDoor", None, _local(2024, 1, 5, 8, 15), None),
    ("01-20240105081500.mkv", "motion", None, None, _local(2024, 1, 5, 8, 15), None),
    ("2024-01-05/08-15-00.mp4", "motioneye", None, None, _local(2024, 1, 5, 8, 15), None),
    ("3/2024-01-05/1042/1042-video.h264.mp4", "zoneminder", "3", None, None, None),
    ("1564859471_6-474162_oprit_577-283-727-375_1153_27.mp4",
     "kerberos", "oprit", None, _utc(2019, 8, 3, 19, 11, 11, 474162), None),
    ("./recordings/mypath/2008-11-07_11-22-04-123456.mp4",
     "mediamtx", "mypath", None, _local(2008, 11, 7, 11, 22, 4, 123456), None),
    ("1706108297-1706108310.mp4",
     "tapo", None, None, _utc(2024, 1, 24, 14, 58, 17), _utc(2024, 1, 24, 14, 58, 30)),
    ("2022Y08M18D15H/01M00S60.mp4",
     "yi", None, None, _local(2022, 8, 18, 15, 1), _local(2022, 8, 18, 15, 2)),
    ("recording_20240105_081500.mp4", "lightnvr", None, None, _local(2024, 1, 5, 8, 15), None),
    ("NVR_ch6_main_20241027005940_20241027010000.mp4",
     "nvr-range", "NVR", "6", _local(2024, 10, 27, 0, 59, 40), _local(2024, 10, 27, 1, 0)),
    ("20241027_013000_A.mp4", "plain", None, None, _local(2024, 10, 27, 1, 30), None),
    ("kassa_20260301_091000.mp4", "plain", "kassa", None, _local(2026, 3, 1, 9, 10), None),
    ("a/b/Kassa 2 2026-03-01 09.10.11.mp4",
     "plain", "Kassa 2", None, _local(2026, 3, 1, 9, 10, 11), None),
    ("till-2024-10-27T01.30.00Z.mp4",
     "plain-utc", "till", None, _utc(2024, 10, 27, 1, 30), None),
    ("1700000000.m4s", "epoch", None, None, _utc(2023, 11, 14, 22, 13, 20), None),
    ("20190812_113000_B27F_00408C18823A/20190808_141501/20190808_141501_32D4.mkv",
     "axis", "00408C18823A", None, _local(2019, 8, 8, 14, 15, 1), None),
]  # fmt: skip


def _read(name: str, convention: str = "auto") -> NameReading:
    reading = read_name(name, convention)
    assert reading is not None
    return reading


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row[0])
def test_a_known_name_gives_its_camera_and_its_instant(row: _Row) -> None:
    name, convention, camera, channel, started, ended = row
    reading = _read(name)

    assert (reading.convention, reading.camera_label, reading.channel) == (
        convention,
        camera,
        channel,
    )
    assert (reading.started, reading.ended) == (started, ended)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda each: each.name)
def test_every_convention_reads_its_own_example_before_any_more_general_one(
    convention: object,
) -> None:
    known = next(each for each in CONVENTIONS if each is convention)

    assert _read(known.example).convention == known.name
    assert _read(known.example, known.name) == _read(known.example)


def test_a_recorder_that_marks_summer_time_says_so_either_way() -> None:
    assert _read("RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4").dst_marked is True
    assert _read("RecM01_20201222_075939_080140_6D28808_1A468F9.mp4").dst_marked is False
    assert _read("20241027_013000_A.mp4").dst_marked is None


def test_an_end_past_midnight_is_on_the_next_day() -> None:
    reading = _read("x/2021-03-06/001/dav/23/23.59.32-00.28.00[M][0@0][0].dav")

    assert reading.ended == _local(2021, 3, 7, 0, 28)


def test_a_local_time_beside_an_epoch_is_kept_for_comparison() -> None:
    reading = _read("20170307AM/Family Room20170307-084321-1488897801.mp4")

    assert reading.shown == _local(2017, 3, 7, 8, 43, 21)


def test_a_name_with_a_date_alone_tells_the_day_and_no_time() -> None:
    reading = _read("3/2024-01-05/1042/1042-video.h264.mp4")

    assert (reading.day, reading.started) == (date(2024, 1, 5), None)


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "café.mp4", "x_20241399_010203.mp4", "2024-02-30/00/till_1/59.50.mp4",
        "99999999999999.mp4", "Front Door - 2-30-2020, 11.21.12pm.mp4", "20240105_246000.mp4",
        "till\x00\n.mp4", "caf\udce9.mp4",
    ],
)  # fmt: skip
def test_digits_that_are_no_date_and_names_without_any_say_nothing(name: str) -> None:
    assert read_name(name) is None


def test_a_named_convention_is_the_only_one_tried() -> None:
    assert read_name("kassa_20260301_091000.mp4", "frigate") is None
    with pytest.raises(KeyError):
        read_name("kassa_20260301_091000.mp4", "no such")


def test_midnight_and_noon_of_a_twelve_hour_clock_are_read_right() -> None:
    assert _read("Door - 2-9-2020, 12.00.01am.mp4").started == _local(2020, 2, 9, 0, 0, 1)
    assert _read("Door - 2-9-2020, 12.00.01pm.mp4").started == _local(2020, 2, 9, 12, 0, 1)
    assert read_name("Door - 2-9-2020, 13.00.01pm.mp4") is None


@given(st.text(alphabet=st.sampled_from("0123456789-_./[]TZchCamRecDSTMHYDpm @\\"), max_size=120))
def test_no_name_at_all_is_an_error(name: str) -> None:
    reading = read_name(name)

    assert reading is None or reading.convention in NAMES
