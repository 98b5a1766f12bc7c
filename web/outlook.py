"""The geometry of the forecast's picture: what leaves each day, and how the archive fills. Pure.

Everything is per cent of the picture, from its upper left corner, as SVG takes it; words and
numbers stand in the table beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cctv_vault.retention.forecast import Day

SHOWN: Final = 14
"""Days in the picture."""

_BAR: Final = 0.7  # of the width of a day


@dataclass(frozen=True)
class Block:
    """A piece of a day's bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """Bars of what leaves, the archive's size as a line, and where the disk is full."""

    blocks: tuple[Block, ...]
    line: str
    full_y: float | None
    kinds: tuple[str, ...]


def draw(days: Sequence[Day], held: int, kind_of: Callable[[str], str]) -> Picture:
    """The picture of the first days.

    Args:
        days: The days ahead.
        held: Bytes in the archive now.
        kind_of: The kind of a purpose, which gives its block a colour.
    """
    shown = days[:SHOWN]
    sizes = [held, *(each.stock for each in shown)]
    room = None if shown[-1].free is None else shown[-1].free + shown[-1].stock
    # The disk's end is drawn where the archive comes near it, else it would flatten all the rest.
    near = room is not None and max(sizes) > room / 2
    highest = max([*sizes, *([room] if near and room is not None else []), 1])
    most = max([sum(x.bytes for x in each.leaving) for each in shown] + [1])
    width = 100 / len(shown)
    blocks: list[Block] = []
    for place, day in enumerate(shown):
        base = 100.0
        for leaving in sorted(day.leaving, key=lambda x: kind_of(x.purpose)):
            height = leaving.bytes / most * 45
            base -= height
            left = (place + (1 - _BAR) / 2) * width
            blocks.append(Block(kind_of(leaving.purpose), left, base, width * _BAR, height))
    points = [f"{place * width:.2f},{_up(size, highest):.2f}" for place, size in enumerate(sizes)]
    return Picture(
        tuple(blocks),
        " ".join(points),
        _up(room, highest) if near and room is not None else None,
        tuple(sorted({each.kind for each in blocks})),
    )


def _up(size: int, highest: int) -> float:
    """How far down the picture's upper half a size lies."""
    return 46 - size / highest * 44
