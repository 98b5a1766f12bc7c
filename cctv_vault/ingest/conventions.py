"""What a file's name says: camera, channel, start, end, event, and by which clock.

Owns the conventions of cameras and recorders as data: each is one pattern over the file's path
below the drop folder, in a common vocabulary of group names, which a site's own pattern
(``patterns``) is translated to. Nothing here knows a camera's zone or decides what is true: a
reading is a claim, and ``identify`` decides.
Sources of each row: the vendors' documentation and the public parsers of their users.

Group names a pattern may use (``e_`` before a part of time means the end):
    ``camera``, ``channel``, ``event``; ``dst`` (present when the recorder marks summer time);
    ``y mo d h mi s`` and ``frac`` (digits after the second), ``ampm``; ``epoch`` (seconds since
    1970); ``length`` (seconds).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from cctv_vault.ingest.patterns import is_pattern, translate

Clock = Literal["local", "utc", "epoch"]

_MAX_PATH: Final = 4096


@dataclass(frozen=True)
class NameReading:
    """What one name claims.

    ``started`` and ``ended`` are naive in the camera's own time for the clock ``local`` and aware
    otherwise; both are None where the name tells no time of day; ``day`` may then tell the date.
    ``shown`` is the local time that stands beside an epoch. ``dst_marked`` is True or False where
    the recorder marks summer time in its names, None where it never does. ``clock_flips`` is set
    for devices known to change between UTC and local time by themselves.
    """

    convention: str
    camera_label: str | None
    channel: str | None
    started: datetime | None
    ended: datetime | None
    event: str | None
    clock: Clock
    dst_marked: bool | None = None
    shown: datetime | None = None
    day: date | None = None
    clock_flips: bool = False


@dataclass(frozen=True)
class Convention:
    """One way of naming files; ``pattern`` is searched in the path and must reach its end."""

    name: str
    clock: Clock
    pattern: re.Pattern[str]
    example: str
    marks_dst: bool = False
    clock_flips: bool = False


def _parts(text: str, prefix: str = "") -> str:
    """Writes ``YMD`` and ``HNS`` in a pattern as groups for the parts of a date and of a time."""
    for letter, group, digits in (
        ("Y", "y", 4), ("M", "mo", 2), ("D", "d", 2), ("H", "h", 2), ("N", "mi", 2), ("S", "s", 2),
    ):  # fmt: skip
        text = text.replace(f"<{letter}>", rf"(?P<{prefix}{group}>\d{{{digits}}})")
    return text


_DATE: Final = _parts("<Y><M><D>")
_TIME: Final = _parts("<H><N><S>")
_DASHED_DATE: Final = _parts("<Y>-<M>-<D>")
_DOTTED_TIME: Final = _parts(r"<H>\.<N>\.<S>")
_DASHED_TIME: Final = _parts("<H>-<N>-<S>")
_END_DATE: Final = _parts("<Y><M><D>", "e_")
_END_TIME: Final = _parts("<H><N><S>", "e_")
_END_DOTTED_TIME: Final = _parts(r"<H>\.<N>\.<S>", "e_")
_VIDEO: Final = r"\.(?:mp4|mkv|avi|mov|ts|m4v)"
_ANY: Final = r"\.\w{1,5}"
_START: Final = r"(?:^|/)"  # of a file's or folder's name
_HERE: Final = r"(?<![^/])"  # where a name begins, consuming nothing
_WORD: Final = r"(?P<camera>[^/]+?)"
_FOLDER: Final = r"(?:" + _START + _WORD + r"/)?" + _HERE  # the folder above, where there is one


def _convention(name: str, clock: Clock, pattern: str, example: str, **marks: bool) -> Convention:
    return Convention(name, clock, re.compile(pattern + r"\Z", re.IGNORECASE), example, **marks)


# From the most particular to the most general: where two could read a name, the earlier one does.
CONVENTIONS: Final[tuple[Convention, ...]] = (
    _convention(
        "frigate", "utc",
        _START + _DASHED_DATE + _parts("/<H>/") + _WORD + _parts(r"/<N>\.<S>") + _VIDEO,
        "2026-03-29/00/till_1/59.50.mp4",
    ),
    _convention(
        "dahua", "local",
        _FOLDER + _DASHED_DATE + r"/(?P<channel>\d{3})/(?:dav|jpg|mp4)/\d\d/"
        + _DOTTED_TIME + "-" + _END_DOTTED_TIME
        + r"\[(?P<event>[A-Z]{1,3})\](?:\[[^\]/]*\])*" + _ANY,
        "AMC0028V_795UUB/2021-03-06/001/dav/10/10.27.32-10.28.00[M][0@0][0].dav",
    ),
    _convention(
        "reolink-recorder", "local",
        _START + r"Rec[MS]\d\d_(?P<dst>DST)?" + _DATE + "_" + _TIME + "_" + _END_TIME
        + r"(?:_[0-9A-F]+)*" + _ANY,
        "RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4",
        marks_dst=True,
    ),
    _convention(
        "nvr-range", "local",
        _START + _WORD + r"_ch(?P<channel>\d+)_(?P<event>main|sub)_" + _DATE + _TIME + "_"
        + _END_DATE + _END_TIME + _ANY,
        "NVR_ch6_main_20241027005940_20241027010000.mp4",
    ),
    _convention(
        "dvr-range", "local",
        _START + r"ch(?P<channel>\d+)_" + _DATE + _TIME + r"(?P<frac>\d{3})?_"
        + _END_DATE + _END_TIME + r"(?P<e_frac>\d{3})?" + _ANY,
        "Ch02_20220619111254080_20220619112811160.mp4",
    ),
    _convention(
        "hikvision-ftp", "local",
        _START + _WORD + r"_(?P<channel>\d\d)_" + _DATE + _TIME + r"(?P<frac>\d{3})_"
        r"(?P<event>[A-Z_]+)" + _ANY,
        "192.168.0.64_01_20190319093422939_MOTION_DETECTION.jpg",
    ),
    _convention(
        "hikvision-storage", "local",
        _START + r"datadir\d+/hiv\d{5}\.(?:mp4|pic)",
        "datadir0/hiv00001.mp4",
    ),
    _convention(
        "kerberos", "epoch",
        _START + r"(?P<epoch>\d{10})_\d+-(?P<frac>\d{1,6})_(?P<camera>[^/_]+)_[\d-]+_-?\d+_\d+"
        + _ANY,
        "1564859471_6-474162_oprit_577-283-727-375_1153_27.mp4",
    ),
    _convention(
        "synology", "epoch",
        _START + r"\d{8}[AP]M/" + _WORD + _DATE + "-" + _TIME + r"-(?P<epoch>\d{10})" + _ANY,
        "20170307AM/Family Room20170307-084321-1488897801.mp4",
    ),
    _convention(
        "tapo", "epoch",
        _START + r"(?P<epoch>\d{10})-(?P<e_epoch>\d{10})" + _ANY,
        "1706108297-1706108310.mp4",
    ),
    _convention(
        "yi", "local",
        _START + _parts("<Y>Y<M>M<D>D<H>H/") + r"(?:E\d)?" + _parts("<N>M<S>S")
        + r"(?P<length>\d\d)" + _ANY,
        "2022Y08M18D15H/01M00S60.mp4",
        clock_flips=True,
    ),
    _convention(
        "unifi", "local",
        _START + _WORD + r" - (?P<mo>\d{1,2})-(?P<d>\d{1,2})-(?P<y>\d{4}), "
        r"(?P<h>\d{1,2})\.(?P<mi>\d\d)\.(?P<s>\d\d)(?P<ampm>[ap]m)" + _ANY,
        "Front Door - 2-9-2020, 11.21.12pm.mp4",
    ),
    _convention(
        "zoneminder", "local",
        _START + r"(?P<camera>\d+)/" + _DASHED_DATE
        + r"/(?P<event>\d+)/(?P=event)-video(?:\.\w+)?" + _ANY,
        "3/2024-01-05/1042/1042-video.h264.mp4",
    ),
    _convention(
        "axis", "local",
        r"(?:" + _START + r"\d{8}_\d{6}_[0-9A-F]{4}_(?P<camera>[0-9A-F]{12})/(?:[^/]+/)*)?"
        + _HERE + _DATE + "_" + _TIME + r"_(?P<event>[0-9A-F]{4})(?:\.mkv)?",
        "20220914_093512_A4D4.mkv",
    ),
    _convention(
        "axis-folder", "local",
        _START + _DATE + "_" + _TIME + r"_(?P<event>[0-9A-F]{4})_(?P<camera>[0-9A-F]{12})/?",
        "20190812_113000_B27F_00408C18823A",
    ),
    _convention(
        "foscam", "local",
        _START + r"(?P<event>MDalarm|schedule|HMDalarm|SDalarm)_" + _DATE + "[_-]" + _TIME + _ANY,
        "MDalarm_20180812_100109.mkv",
    ),
    _convention(
        "lightnvr", "local",
        _FOLDER + "recording_" + _DATE + "_" + _TIME + _ANY,
        "recording_20240105_081500.mp4",
    ),
    _convention(
        "mediamtx", "local",
        _START + _WORD + "/" + _DASHED_DATE + "_" + _DASHED_TIME + r"-(?P<frac>\d{6})" + _ANY,
        "./recordings/mypath/2008-11-07_11-22-04-123456.mp4",
    ),
    _convention(
        "motioneye", "local",
        _FOLDER + _DASHED_DATE + "/" + _DASHED_TIME + _ANY,
        "2024-01-05/08-15-00.mp4",
    ),
    _convention(
        "reolink-ftp", "local",
        _START + _WORD + r"_(?P<channel>\d\d)_" + _DATE + _TIME + _ANY,
        "Driveway_00_20250905173157.mp4",
    ),
    _convention(
        "blueiris", "local",
        _START + r"(?P<camera>[^/.]+)\." + _DATE + "_" + _TIME + _ANY,
        "FrontDoor.20240105_081500.bvr",
    ),
    _convention(
        "motion", "local",
        _START + r"(?P<event>\d{1,9})(?:-\d{1,9})?-" + _DATE + _TIME + _ANY,
        "01-20240105081500.mkv",
    ),
    _convention(
        "epoch", "epoch",
        _START + r"(?P<epoch>\d{10})(?:\.(?P<frac>\d{1,6}))?\.(?:m4s|mp4|mkv|ts|jpe?g)",
        "1700000000.m4s",
    ),
    _convention(
        "plain-utc", "utc",
        _START + r"(?:(?P<camera>[^/]*?[^/\d])[ _.-]*)??(?<!\d)"
        + _parts(r"<Y>[-_.]?<M>[-_.]?<D>[T _.-]?<H>[-_.:h]?<N>[-_.:m]?<S>")
        + r"(?:\.(?P<frac>\d{1,6}))?Z(?:[ _.-][^/]*)?" + _ANY,
        "till-2024-10-27T01.30.00Z.mp4",
    ),
    _convention(
        "plain", "local",
        _START + r"(?:(?P<camera>[^/]*?[^/\d])[ _.-]*)??(?<!\d)"
        + _parts(r"<Y>[-_.]?<M>[-_.]?<D>[T _.-]*<H>[-_.:h]?<N>[-_.:m]?<S>") + r"(?!\d)[^/]*",
        "20241027_013000_A.mp4",
    ),
)  # fmt: skip

OWN: Final = "own pattern"
NAMES: Final = ("auto", *(convention.name for convention in CONVENTIONS))


def read_name(path: str, convention: str = "auto") -> NameReading | None:
    """Reads a file's path below its drop folder; None when it says nothing.

    ``convention`` is ``auto``, a name of ``NAMES``, or a pattern of the site's own (``patterns``);
    other than ``auto`` it is the only one tried. Anything may stand in ``path``.

    Raises:
        KeyError: there is no convention of that name.
        InvalidInputError: it is a pattern that cannot be used.
    """
    candidates = CONVENTIONS if convention == "auto" else (_chosen(convention),)
    path = path.replace("\\", "/")[-_MAX_PATH:]
    for candidate in candidates:
        match = candidate.pattern.search(path)
        reading = match and _reading(candidate, match.groupdict())
        if reading:
            return reading
    return None


@lru_cache(maxsize=256)
def _chosen(convention: str) -> Convention:
    if is_pattern(convention):
        clock, pattern = translate(convention)
        return Convention(OWN, clock, pattern, convention)
    return {each.name: each for each in CONVENTIONS}[convention]


def _reading(convention: Convention, found: Mapping[str, str | None]) -> NameReading | None:
    """Makes a reading of a match, or None where its digits are no date."""
    label = found.get("camera")
    reading = NameReading(
        convention=convention.name,
        camera_label=label.strip(" _-.") or None if label else None,
        channel=found.get("channel"),
        started=None,
        ended=None,
        event=found.get("event"),
        clock=convention.clock,
        dst_marked=found.get("dst") is not None if convention.marks_dst else None,
        clock_flips=convention.clock_flips,
    )
    try:
        day = _day(found)
        shown = _moment(found, day)
        if epoch := found.get("epoch"):
            started = _epoch(epoch) + _fraction(found.get("frac"))
            ended = _epoch(end) if (end := found.get("e_epoch")) else None
            return replace(reading, started=started, ended=ended, shown=shown)
        if shown is None:
            return replace(reading, day=day)
        started = shown.replace(tzinfo=UTC) if convention.clock == "utc" else shown
        return replace(reading, started=started, ended=_end(found, started))
    except (ValueError, OverflowError):
        return None


def _day(found: Mapping[str, str | None], prefix: str = "") -> date | None:
    year, month, day = (found.get(prefix + part) for part in ("y", "mo", "d"))
    return date(int(year), int(month), int(day)) if year and month and day else None


def _moment(found: Mapping[str, str | None], day: date | None, prefix: str = "") -> datetime | None:
    hour, minute, second = (found.get(prefix + part) for part in ("h", "mi", "s"))
    if day is None or hour is None or minute is None or second is None:
        return None
    clock_hour = int(hour)
    if half := found.get("ampm"):
        if not 1 <= clock_hour <= 12:  # noqa: PLR2004 - a clock face
            raise ValueError("no hour of a twelve-hour clock")
        clock_hour = clock_hour % 12 + (12 if half.lower() == "pm" else 0)
    moment = datetime(day.year, day.month, day.day, clock_hour, int(minute), int(second))  # noqa: DTZ001 - naive on purpose: the camera's own
    return moment + _fraction(found.get(prefix + "frac"))


def _end(found: Mapping[str, str | None], started: datetime) -> datetime | None:
    if length := found.get("length"):
        return started + timedelta(seconds=int(length))
    day = _day(found, "e_")
    ended = _moment(found, day or started.date(), "e_")
    if ended is None:
        return None
    ended = ended.replace(tzinfo=started.tzinfo)
    if day is None and ended < started:  # a name with one date, past midnight
        ended += timedelta(days=1)
    return ended


def _epoch(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _fraction(digits: str | None) -> timedelta:
    return timedelta(seconds=int(digits) / 10 ** len(digits)) if digits else timedelta()
