"""Drawn cameras of a shop that does not exist: scenes, people passing, a burnt-in name and clock.

Owns what the demonstration shows where no real footage may be used. A picture depends on the camera
and the moment alone, so any second can be drawn again alike, and consecutive files join. Nobody in
it resembles anybody. It refuses naive times: a file is named and stamped by an instant.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, get_args

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Scene = Literal["entrance", "checkout", "aisle", "stockroom"]
_Image = NDArray[np.uint8]
_Colour = tuple[int, int, int]  # blue, green, red
_Point = tuple[float, float]

WIDTH: Final = 640
HEIGHT: Final = 360
_SCALE: Final = 2  # scenes are drawn at twice the size and shrunk, which smooths them
_SHIFT: Final = 4  # fractional bits of a drawn coordinate
_SLOT_S: Final = 8.0  # how often somebody may set out
_LONGEST_WALK_S: Final = 60.0
_NOISES: Final = 4
_DAY: Final = (8, 20)  # hours in which the shop is lively

_SKIN: Final[tuple[_Colour, ...]] = (
    (150, 180, 222),
    (120, 152, 196),
    (84, 114, 160),
    (58, 80, 118),
)
_HAIR: Final[tuple[_Colour, ...]] = ((32, 36, 44), (40, 62, 96), (74, 110, 156), (120, 120, 122))
_COATS: Final[tuple[_Colour, ...]] = (
    (110, 70, 46), (60, 62, 150), (70, 104, 62), (62, 62, 66), (150, 128, 92), (56, 118, 178),
    (128, 60, 104), (166, 164, 158),
)  # fmt: skip
_TROUSERS: Final[tuple[_Colour, ...]] = ((86, 62, 48), (48, 46, 46), (92, 98, 104), (70, 84, 104))
_GOODS: Final[tuple[_Colour, ...]] = (
    (72, 92, 196), (60, 158, 206), (92, 150, 72), (168, 118, 62), (186, 188, 192), (120, 72, 128),
    (74, 124, 176), (150, 150, 86), (62, 66, 148), (196, 170, 120),
)  # fmt: skip


@dataclass(frozen=True)
class _Floor:
    """Where the floor lies: rows, half widths and a person's height, each far and near."""

    centre: float
    rows: tuple[float, float]
    half_widths: tuple[float, float]
    heights: tuple[float, float]

    def at(self, across: float, depth: float) -> tuple[float, float, float]:
        """Pixel column, row and a person's height at a place; ``depth`` is 0 far and 1 near."""

        def between(pair: tuple[float, float]) -> float:
            return pair[0] + (pair[1] - pair[0]) * depth

        return (
            self.centre + across * between(self.half_widths),
            between(self.rows),
            between(self.heights),
        )


@dataclass(frozen=True)
class _Stage:
    """A scene: its picture, what stands before people, and the ways people take."""

    paint: Callable[[_Image], None]
    paint_front: Callable[[_Image], None] | None
    floor: _Floor
    ways: tuple[tuple[_Point, ...], ...]  # (across, depth), walked at an even pace
    liveliness: float  # the share of slots in which somebody sets out by day
    front_depth: float = 1.0  # whoever is nearer than this stands before the front
    grey: bool = False


@dataclass(frozen=True)
class _Walker:
    """Somebody on the way: when they set out, which way, how fast, how they look."""

    sets_out: float
    way: int
    pace: float
    tall: float
    skin: _Colour
    hair: _Colour
    coat: _Colour
    trousers: _Colour
    bag: bool


@dataclass(frozen=True)
class SyntheticCamera:
    """A camera that draws what it sees.

    ``code`` names it and seeds who passes; ``name`` is burnt in (the code where empty);
    ``clock_offset_s`` is shown minus true time, for a camera whose clock is wrong; ``fps`` pictures
    a second.
    """

    code: str
    scene: str
    name: str = ""
    fps: int = 6
    clock_offset_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuses a scene nobody can draw."""
        if self.scene not in get_args(Scene):
            raise ValueError(f"no such scene: {self.scene!r}; there are {', '.join(_STAGES)}")

    def write(self, path: Path, started_at: datetime, duration_s: float) -> None:
        """Writes one MP4 (H.264) as a recorder would: under another name until it is whole.

        ``started_at`` is the true time of the first picture, in the zone its clock shows.

        Raises:
            ValueError: ``started_at`` is naive or the duration is not positive.
        """
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file, av.open(file, "w", format="mp4") as target:
            target.metadata["creation_time"] = self._shown(started_at).astimezone(UTC).isoformat()
            stream = target.add_stream("libx264", rate=self.fps)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.gop_size = 2 * self.fps
            stream.codec_context.max_b_frames = 0
            stream.options = {"preset": "superfast", "crf": "28"}
            for number, picture in enumerate(self.pictures(started_at, duration_s)):
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, self.fps)
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        unfinished.replace(path)

    def pictures(self, started_at: datetime, duration_s: float) -> Iterator[_Image]:
        """The pictures of a stretch of time, 640 x 360, blue-green-red."""
        if started_at.tzinfo is None:
            raise ValueError("a drawn recording needs a time with an offset")
        if duration_s <= 0:
            raise ValueError("a drawn recording must last some time")
        stage = _STAGES[self.scene]
        easel = _Easel(stage, self.name or self.code.upper())
        for number in range(max(1, round(duration_s * self.fps))):
            moment = started_at + timedelta(seconds=number / self.fps)
            walkers = [(each, moment.timestamp() - each.sets_out) for each in self._walkers(moment)]
            yield easel.picture(walkers, self._shown(moment), number)

    def still(self, moment: datetime) -> bytes:
        """One picture as JPEG, for cameras that send stills."""
        picture = next(self.pictures(moment, 1.0))
        return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1])

    def _shown(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.clock_offset_s)

    def _walkers(self, moment: datetime) -> list[_Walker]:
        """Who is under way, farthest first."""
        stage = _STAGES[self.scene]
        now = moment.timestamp()
        lively = _DAY[0] <= moment.hour < _DAY[1]
        chance = stage.liveliness if lively else stage.liveliness / 3
        first = math.floor((now - _LONGEST_WALK_S) / _SLOT_S)
        found = [
            walker
            for slot in range(first, math.floor(now / _SLOT_S) + 1)
            if (walker := self._walker(slot, stage, chance)) is not None
            and 0 <= now - walker.sets_out <= _length(stage.ways[walker.way]) / walker.pace
        ]
        return sorted(
            found,
            key=lambda each: _place(stage.ways[each.way], (now - each.sets_out) * each.pace)[1],
        )

    def _walker(self, slot: int, stage: _Stage, chance: float) -> _Walker | None:
        """Who sets out in a slot of time: always the same person for the same camera and slot."""
        dice = hashlib.blake2b(f"{self.code}/{slot}".encode(), digest_size=12).digest()
        if dice[0] / 256 >= chance:
            return None
        return _Walker(
            sets_out=(slot + dice[1] / 256) * _SLOT_S,
            way=dice[2] % len(stage.ways),
            pace=0.12 + dice[3] / 256 * 0.09,
            tall=0.90 + dice[4] / 256 * 0.20,
            skin=_SKIN[dice[5] % len(_SKIN)],
            hair=_HAIR[dice[6] % len(_HAIR)],
            coat=_COATS[dice[7] % len(_COATS)],
            trousers=_TROUSERS[dice[8] % len(_TROUSERS)],
            bag=dice[9] % 3 == 0,
        )


class _Easel:
    """Draws one picture after the other of one camera."""

    def __init__(self, stage: _Stage, title: str) -> None:
        self._stage = stage
        self._title = title
        large = np.zeros((HEIGHT * _SCALE, WIDTH * _SCALE, 3), np.uint8)
        stage.paint(large)
        self._back = _finish_scene(large)
        self._front: _Image | None = None
        self._mask: cv2.typing.MatLike | None = None
        if stage.paint_front is not None:
            marked = np.full_like(large, 255)
            marked[:] = _KEY
            stage.paint_front(marked)
            painted = np.any(marked != np.array(_KEY, np.uint8), axis=2).astype(np.uint8)
            self._mask = cv2.resize(painted, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
            stage.paint_front(large)
            self._front = _finish_scene(large)
        seeded = np.random.default_rng(1)
        self._noise = [
            seeded.normal(0, 1.3, (HEIGHT, WIDTH, 1)).repeat(3, axis=2).astype(np.int8)
            for _ in range(_NOISES)
        ]
        self._picture = self._back.copy()
        self._font = cv2.FontFace("sans")

    def picture(self, walkers: list[tuple[_Walker, float]], shown: datetime, number: int) -> _Image:
        """One picture: who is where since how many seconds, the burnt-in time, its number."""
        np.copyto(self._picture, self._back)
        fronted = False
        for walker, since in walkers:
            depth = _place(self._stage.ways[walker.way], since * walker.pace)[1]
            if not fronted and depth > self._stage.front_depth:
                self._draw_front()
                fronted = True
            self._person(walker, since)
        if not fronted:
            self._draw_front()
        picture = self._picture
        if self._stage.grey:
            lit = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            picture = cv2.cvtColor(lit, cv2.COLOR_GRAY2BGR).astype(np.uint8)
        noisy = cv2.add(picture, self._noise[number % _NOISES], dtype=cv2.CV_8U).astype(np.uint8)
        self._write(noisy, self._title, (14, 26))
        self._write(noisy, f"{shown:%Y-%m-%d %H:%M:%S}", (14, HEIGHT - 14))
        return noisy

    def _draw_front(self) -> None:
        if self._front is not None and self._mask is not None:
            cv2.copyTo(self._front, self._mask, self._picture)

    def _person(self, walker: _Walker, since: float) -> None:
        """Somebody walking, with a shadow, ``since`` seconds on the way."""
        way = self._stage.ways[walker.way]
        walked = since * walker.pace
        across, depth = _place(way, walked)
        ahead = _place(way, walked + 0.02)
        x, y, height = self._stage.floor.at(across, depth)
        next_x, next_y, _ = self._stage.floor.at(*ahead)
        height *= walker.tall
        moving = math.hypot(next_x - x, next_y - y) > 1e-6  # noqa: PLR2004 - standing at a turn
        side = max(-1.0, min(1.0, (next_x - x) / max(1e-6, math.hypot(next_x - x, next_y - y))))
        stride = math.sin(since * 2 * math.pi * 1.5) if moving else 0.0
        self._shadow(x, y, height)
        self._figure(walker, (x, y - abs(stride) * height * 0.012), height, stride, side)

    def _shadow(self, x: float, y: float, height: float) -> None:
        left, right = int(x - height * 0.35), int(x + height * 0.45)
        top, bottom = int(y - height * 0.09), int(y + height * 0.09)
        left, top = max(0, left), max(0, top)
        patch = self._picture[top : min(HEIGHT, bottom), left : min(WIDTH, right)]
        if patch.size == 0:
            return
        dark = patch.copy()
        cv2.ellipse(
            dark, _fixed(x + height * 0.05 - left, y - top), _fixed(height * 0.26, height * 0.055),
            0, 0, 360, (0, 0, 0), -1, cv2.LINE_AA, _SHIFT,
        )  # fmt: skip
        cv2.addWeighted(patch, 0.62, dark, 0.38, 0, dst=patch)

    def _figure(
        self, walker: _Walker, foot: _Point, height: float, stride: float, side: float
    ) -> None:
        x, y = foot
        hip, shoulder, head = y - height * 0.47, y - height * 0.80, y - height * 0.90
        swing = height * 0.13 * stride * (0.35 + 0.65 * abs(side))
        leg, arm = max(2, round(height * 0.085)), max(2, round(height * 0.065))
        shoe = (38, 36, 36)
        for sign in (-1, 1):
            ankle = (x + sign * swing + sign * height * 0.045, y - height * 0.02)
            knee = (x + sign * swing * 0.6 + height * 0.02 * side, y - height * 0.25)
            self._line((x + sign * height * 0.04, hip), knee, walker.trousers, leg)
            self._line(knee, ankle, walker.trousers, leg)
            self._line(ankle, (ankle[0] + height * 0.05 * side, ankle[1]), shoe, max(2, leg - 1))
        back_arm = (x - swing * 0.8 - height * 0.09, y - height * 0.48)
        self._line(
            (x - height * 0.10, shoulder + height * 0.03), back_arm, _darker(walker.coat), arm
        )
        outline = (
            (-0.115, shoulder), (-0.060, shoulder - height * 0.035),
            (0.060, shoulder - height * 0.035), (0.115, shoulder),
            (0.095, hip + height * 0.05), (-0.095, hip + height * 0.05),
        )  # fmt: skip
        body = np.array([_fixed(x + part * height, row) for part, row in outline], np.int32)
        cv2.fillPoly(self._picture, [body], walker.coat, cv2.LINE_AA, _SHIFT)
        front_arm = (x + swing * 0.8 + height * 0.10, y - height * 0.47)
        self._line(
            (x + height * 0.10, shoulder + height * 0.03), front_arm, _darker(walker.coat), arm
        )
        if walker.bag:
            corner = _fixed(front_arm[0] - height * 0.05, front_arm[1])
            far = _fixed(front_arm[0] + height * 0.05, front_arm[1] + height * 0.14)
            cv2.rectangle(self._picture, corner, far, (196, 204, 210), -1, cv2.LINE_AA, _SHIFT)
        size = (height * 0.062, height * 0.080)
        cv2.ellipse(
            self._picture, _fixed(x, head - height * 0.012), _fixed(size[0] * 1.08, size[1] * 1.08),
            0, 0, 360, walker.hair, -1, cv2.LINE_AA, _SHIFT,
        )  # fmt: skip
        cv2.ellipse(
            self._picture, _fixed(x + height * 0.018 * side, head + height * 0.014),
            _fixed(size[0] * 0.86, size[1] * 0.86), 0, 0, 360, walker.skin, -1, cv2.LINE_AA, _SHIFT,
        )  # fmt: skip

    def _line(self, start: _Point, end: _Point, colour: _Colour, thickness: int) -> None:
        cv2.line(
            self._picture, _fixed(*start), _fixed(*end), colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def _write(self, picture: _Image, text: str, where: tuple[int, int]) -> None:
        x, y = where
        strip = picture[max(0, y - 18) : y + 8, : 12 * len(text) + 40]
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            cv2.putText(strip, text, (x + dx, 18 + dy), (20, 20, 20), self._font, 16, 600)
        cv2.putText(strip, text, (x, 18), (245, 245, 245), self._font, 16, 600)


def _length(way: tuple[_Point, ...]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(way))


def _place(way: tuple[_Point, ...], walked: float) -> _Point:
    """Where somebody is who has walked so far along a way."""
    for a, b in pairwise(way):
        step = math.dist(a, b)
        if walked <= step and step > 0:
            part = walked / step
            return (a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part)
        walked -= step
    return way[-1]


def _fixed(x: float, y: float) -> tuple[int, int]:
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))


def _darker(colour: _Colour) -> _Colour:
    return (colour[0] * 4 // 5, colour[1] * 4 // 5, colour[2] * 4 // 5)


# --- scenes, painted at 1280 x 720 --------------------------------------------------------------

_KEY: Final[_Colour] = (255, 0, 255)  # no scene has this colour


def _finish_scene(large: _Image) -> _Image:
    """Shrinks a scene and darkens its corners as a wide lens does."""
    small = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    away = ((columns / WIDTH - 0.5) ** 2 + (rows / HEIGHT - 0.5) ** 2)[..., None]
    lit: _Image = np.clip(small * (1.06 - 0.55 * away), 0, 255).astype(np.uint8)
    return lit


def _fill(image: _Image, points: list[tuple[int, int]], colour: _Colour) -> None:
    cv2.fillPoly(image, [np.array(points, np.int32)], colour, cv2.LINE_AA)


def _box(image: _Image, corner: tuple[int, int], far: tuple[int, int], colour: _Colour) -> None:
    cv2.rectangle(image, corner, far, colour, -1, cv2.LINE_AA)


def _gradient(image: _Image, top: int, bottom: int, first: _Colour, last: _Colour) -> None:
    part = np.linspace(0, 1, max(1, bottom - top), dtype=np.float32)[:, None]
    rows = np.array(first, np.float32) * (1 - part) + np.array(last, np.float32) * part
    image[top:bottom] = rows[:, None, :].astype(np.uint8)


def _tiles(image: _Image, horizon: int, vanishing: int, line: _Colour) -> None:
    for x in range(-1600, 2900, 150):
        cv2.line(image, (vanishing + (x - vanishing) // 9, horizon), (x, 720), line, 2, cv2.LINE_AA)
    for step in range(1, 13):
        y = horizon + int((720 - horizon) * (step / 12) ** 1.9)
        cv2.line(image, (0, y), (1280, y), line, 2, cv2.LINE_AA)


def _pick(*of: int) -> int:
    """A number that looks accidental and is always the same for the same place."""
    return int.from_bytes(
        hashlib.blake2b(bytes(n % 256 for n in of), digest_size=2).digest(), "big"
    )


def _goods_row(image: _Image, left: int, right: int, base: int, *, tall: int, seed: int) -> None:
    """Packages side by side on a shelf."""
    x, number = left, 0
    while x < right - 40:  # a package is at most 37 wide
        dice = _pick(seed, number, left // 7)
        wide, high = 16 + dice % 22, int(tall * (0.62 + (dice >> 5) % 30 / 80))
        colour = _GOODS[(dice >> 3) % len(_GOODS)]
        for _ in range(1 + dice % 3):
            if x + wide > right:
                return
            _box(image, (x, base - high), (x + wide - 3, base), colour)
            _box(
                image, (x, base - high * 2 // 3), (x + wide - 3, base - high // 3), _lighter(colour)
            )
            x += wide
        number += 1


def _lighter(colour: _Colour) -> _Colour:
    return (
        colour[0] + (255 - colour[0]) // 3,
        colour[1] + (255 - colour[1]) // 3,
        colour[2] + (255 - colour[2]) // 3,
    )


def _entrance(image: _Image) -> None:
    _gradient(image, 0, 330, (196, 204, 208), (176, 186, 190))
    _gradient(image, 330, 720, (134, 146, 152), (168, 178, 184))
    _tiles(image, 330, 640, (148, 158, 164))
    _box(image, (0, 0), (1280, 46), (206, 212, 214))
    for x in (220, 640, 1060):
        _box(image, (x - 90, 14), (x + 90, 30), (250, 252, 252))
    # The glass front with the street beyond it.
    _box(image, (380, 80), (900, 346), (90, 92, 94))
    _gradient(image[:, 392:888], 92, 262, (236, 226, 206), (222, 220, 214))
    _gradient(image[:, 392:888], 262, 340, (150, 152, 156), (176, 178, 180))
    _box(image, (410, 150), (560, 262), (128, 134, 166))
    for x in (424, 470, 516):
        _box(image, (x, 168), (x + 28, 206), (196, 190, 170))
    _box(image, (700, 190), (850, 250), (98, 66, 44))
    for x in (726, 822):
        cv2.circle(image, (x, 254), 17, (44, 44, 46), -1, cv2.LINE_AA)
    _fill(image, [(716, 194), (742, 168), (806, 168), (834, 194)], (120, 90, 66))
    for x in (384, 556, 640, 724, 892):
        _box(image, (x - 6, 80), (x + 6, 346), (74, 76, 78))
    _box(image, (380, 74), (900, 94), (74, 76, 78))
    for x in (622, 658):
        _box(image, (x - 3, 208), (x + 3, 258), (206, 208, 208))
    _fill(image, [(540, 352), (740, 352), (800, 432), (480, 432)], (70, 72, 78))
    _fill(image, [(552, 358), (728, 358), (778, 424), (502, 424)], (84, 88, 96))
    # A poster, a shelf of offers, baskets, and the gates of the alarm.
    _box(image, (120, 100), (288, 290), (240, 240, 236))
    _box(image, (134, 114), (274, 214), (74, 132, 206))
    _box(image, (134, 226), (240, 240), (90, 94, 98))
    _box(image, (134, 252), (262, 262), (150, 154, 158))
    for level, y in enumerate((250, 330, 410)):
        _box(image, (1010, y), (1270, y + 10), (112, 118, 124))
        _goods_row(image, 1016, 1266, y, tall=62, seed=40 + level)
    _box(image, (1002, 160), (1012, 470), (98, 104, 110))
    for x in (452, 812):
        _fill(image, [(x, 300), (x + 20, 300), (x + 26, 500), (x - 6, 500)], (214, 218, 220))
        _fill(image, [(x + 4, 312), (x + 16, 312), (x + 20, 484), (x, 484)], (176, 182, 186))
    for layer in range(6):
        y = 640 - layer * 16
        _fill(image, [(88, y), (256, y), (272, y + 34), (72, y + 34)], (52, 52, 170 + layer * 8))
        cv2.line(image, (84, y + 14), (260, y + 14), (40, 40, 130), 2, cv2.LINE_AA)


def _checkout(image: _Image) -> None:
    _gradient(image, 0, 300, (186, 192, 196), (170, 178, 182))
    _gradient(image, 300, 720, (138, 150, 158), (170, 182, 188))
    _tiles(image, 300, 700, (150, 162, 168))
    for level, y in enumerate((92, 172, 252)):
        _box(image, (60, y), (760, y + 9), (104, 108, 112))
        _goods_row(image, 66, 756, y, tall=58, seed=70 + level)
    for x in (56, 292, 528, 758):
        _box(image, (x, 26), (x + 8, 300), (96, 100, 104))
    _box(image, (870, 60), (1180, 270), (118, 126, 130))
    _box(image, (884, 74), (1166, 262), (142, 150, 154))
    _box(image, (1120, 164), (1146, 172), (200, 204, 206))
    _box(image, (930, 96), (1080, 150), (206, 222, 226))
    _box(image, (942, 108), (1040, 116), (96, 104, 108))
    _box(image, (942, 126), (1066, 132), (140, 146, 150))
    _counter(image)


def _counter(image: _Image) -> None:
    """The till: it hides the legs of whoever stands behind it."""
    _fill(image, [(250, 420), (1010, 420), (1060, 476), (210, 476)], (176, 196, 208))
    _fill(image, [(210, 476), (1060, 476), (1060, 640), (210, 640)], (96, 116, 134))
    for x in range(224, 1060, 84):
        cv2.line(image, (x, 480), (x, 640), (84, 102, 120), 2, cv2.LINE_AA)
    _fill(image, [(300, 430), (600, 430), (590, 464), (276, 464)], (58, 58, 60))
    for x, colour in ((330, _GOODS[0]), (390, _GOODS[2]), (446, _GOODS[7]), (520, _GOODS[4])):
        _box(image, (x, 416), (x + 34, 450), colour)
        _box(image, (x, 416), (x + 34, 424), _lighter(colour))
    _box(image, (690, 366), (820, 446), (52, 54, 58))
    _box(image, (700, 374), (810, 430), (112, 84, 56))
    _box(image, (740, 444), (772, 456), (44, 46, 50))
    _fill(image, [(870, 426), (930, 426), (938, 458), (866, 458)], (60, 62, 66))
    _box(image, (880, 430), (920, 440), (150, 176, 160))


def _aisle(image: _Image) -> None:
    _gradient(image, 0, 250, (200, 206, 208), (184, 190, 192))
    _gradient(image, 250, 720, (140, 150, 156), (176, 186, 192))
    _tiles(image, 250, 640, (154, 164, 170))
    for step in range(5):
        y, half = 20 + step * 34, 150 - step * 24
        _box(image, (640 - half, y), (640 + half, y + 12 - step), (252, 252, 252))
    _box(image, (470, 150), (810, 252), (150, 158, 164))
    for level, y in enumerate((190, 222, 250)):
        _goods_row(image, 480, 800, y, tall=26, seed=20 + level)
    for side in (-1, 1):
        _shelving(image, side)


def _shelving(image: _Image, side: int) -> None:
    """One side of the aisle, in perspective from the near edge of the picture to its far end."""

    def at(depth: float, level: float) -> tuple[int, int]:
        near = (640 + side * 660, -60 + level * 800)
        far = (640 + side * 172, 142 + level * 114)
        return int(far[0] + (near[0] - far[0]) * depth), int(far[1] + (near[1] - far[1]) * depth)

    _fill(image, [at(0, 0), at(1, 0), at(1, 1), at(0, 1)], (104, 110, 114))
    levels = 5
    for level in range(levels):
        top, base = level / levels, (level + 1) / levels
        _fill(image, [at(0, top), at(1, top), at(1, base), at(0, base)], (82 - level * 4,) * 3)
        number, near = 0, 1.0
        while near > 0.004:  # noqa: PLR2004 - beyond that a package is no wider than a pixel
            dice = _pick(level, number, side + 2)
            far = near * (0.90 + dice % 5 / 100)
            colour = _GOODS[(dice >> 4) % len(_GOODS)]
            lid = top + (base - top) * (0.22 + (dice >> 8) % 20 / 90)
            foot = base - (base - top) * 0.10
            gap = far + (near - far) * 0.08
            _fill(image, [at(gap, lid), at(near, lid), at(near, foot), at(gap, foot)], colour)
            stripe = lid + (foot - lid) * 0.45
            _fill(
                image,
                [
                    at(gap, stripe),
                    at(near, stripe),
                    at(near, stripe + 0.03),
                    at(gap, stripe + 0.03),
                ],
                _lighter(colour),
            )
            near, number = far, number + 1
        ledge = base - (base - top) * 0.10
        _fill(image, [at(0, ledge), at(1, ledge), at(1, base), at(0, base)], (176, 182, 186))
        for tag in range(1, 12):
            depth = 0.9**tag
            spot = [at(depth, ledge + 0.006), at(depth * 0.965, ledge + 0.006)]
            spot += [at(depth * 0.965, base - 0.004), at(depth, base - 0.004)]
            _fill(image, spot, (236, 240, 242))


def _stockroom(image: _Image) -> None:
    _gradient(image, 0, 290, (118, 122, 124), (132, 136, 138))
    _gradient(image, 290, 720, (96, 100, 102), (136, 140, 142))
    _tiles(image, 290, 560, (112, 116, 118))
    _box(image, (470, 110), (640, 330), (88, 92, 94))
    _box(image, (482, 122), (628, 328), (104, 108, 110))
    _box(image, (606, 222), (618, 230), (190, 192, 194))
    _box(image, (516, 70), (594, 96), (190, 204, 190))
    for side, left in ((0, 30), (1, 760)):
        for level, y in enumerate((190, 310, 430)):
            _box(image, (left, y), (left + 390, y + 12), (78, 82, 84))
            x = left + 12
            for number in range(4):
                dice = _pick(side, level, number, 9)
                wide, high = 70 + dice % 28, 58 + (dice >> 4) % 38
                if dice % 5:
                    shade = 128 + (dice >> 7) % 40
                    _box(image, (x, y - high), (x + wide, y), (shade - 34, shade - 12, shade))
                    _box(
                        image,
                        (x + wide // 2 - 6, y - high),
                        (x + wide // 2 + 6, y),
                        (150, 168, 176),
                    )
                x += wide + 10
        for x in (left - 4, left + 384):
            _box(image, (x, 90), (x + 12, 520), (70, 74, 76))
    _box(image, (1010, 560), (1230, 590), (70, 92, 108))
    for x in (1020, 1120):
        _box(image, (x, 470), (x + 92, 560), (104, 130, 146))
        _box(image, (x + 38, 470), (x + 52, 560), (150, 168, 176))


_STAGES: Final[dict[str, _Stage]] = {
    "entrance": _Stage(
        _entrance,
        None,
        _Floor(320, (186, 350), (90, 330), (84, 236)),
        (
            ((0.0, 0.0), (0.05, 0.30), (0.55, 0.72), (1.25, 1.05)),
            ((0.1, 0.0), (-0.1, 0.45), (-0.9, 0.9), (-1.4, 1.05)),
            ((1.25, 0.95), (0.35, 0.55), (-0.05, 0.25), (0.0, 0.0)),
            ((-1.35, 0.85), (-0.3, 0.5), (0.05, 0.2), (0.1, 0.0)),
        ),
        0.55,
    ),
    "checkout": _Stage(
        _checkout,
        _counter,
        _Floor(320, (170, 372), (240, 420), (104, 228)),
        (
            ((-1.3, 0.55), (-0.35, 0.36), (0.10, 0.33), (0.16, 0.33), (0.5, 0.4), (1.35, 0.62)),
            ((0.72, 0.10), (0.30, 0.22), (0.10, 0.24), (0.34, 0.22), (0.72, 0.10)),
            ((1.35, 0.98), (0.2, 0.93), (-1.35, 1.0)),
            ((-1.3, 0.98), (0.4, 1.0), (1.35, 0.94)),
        ),
        0.60,
        front_depth=0.74,
    ),
    "aisle": _Stage(
        _aisle,
        None,
        _Floor(320, (128, 352), (62, 300), (52, 236)),
        (
            ((0.1, 0.0), (-0.15, 0.35), (0.2, 0.7), (0.1, 1.35)),
            ((-0.2, 1.35), (0.1, 0.8), (-0.5, 0.5), (-0.52, 0.47), (-0.1, 0.3), (0.0, 0.0)),
            ((-1.2, 0.02), (-0.3, 0.10), (0.4, 0.42), (0.42, 0.45), (0.1, 0.9), (0.3, 1.35)),
        ),
        0.55,
    ),
    "stockroom": _Stage(
        _stockroom,
        None,
        _Floor(300, (164, 350), (120, 330), (92, 226)),
        (
            ((-0.15, 0.0), (0.0, 0.3), (0.75, 0.55), (0.78, 0.56), (0.2, 0.3), (-0.15, 0.0)),
            ((-0.15, 0.0), (-0.4, 0.4), (-0.7, 0.7), (-0.2, 1.05), (-0.1, 1.4)),
            ((0.2, 1.4), (0.15, 0.7), (-0.1, 0.2), (-0.15, 0.0)),
        ),
        0.30,
        grey=True,
    ),
}
