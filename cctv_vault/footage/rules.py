"""Which parts of a recording its windows need, and no more (S10). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Wanted:
    """A hold's window on a camera: UTC, ``ends_at`` exclusive, widened on each side by seconds."""

    hold: str
    starts_at: datetime
    ends_at: datetime
    widened_s: float


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording that holds need: UTC, ``ends_at`` exclusive."""

    starts_at: datetime
    ends_at: datetime
    holds: tuple[str, ...]


def pieces(
    wanted: Sequence[Wanted], *, starts_at: datetime, ends_at: datetime, slack_s: float
) -> tuple[Piece, ...]:
    """What the windows need of a recording, in order, overlapping ones joined (S10).

    A window is widened as a hold's is where it matches: by the greater of its own widening and
    ``slack_s``, how far the recording's times may be off. Nothing of what it may show is left out.
    """
    found: list[Piece] = []
    stretches = []
    for each in wanted:
        slack = timedelta(seconds=max(each.widened_s, slack_s))
        begins = max(each.starts_at - slack, starts_at)
        ends = min(each.ends_at + slack, ends_at)
        if begins < ends:
            stretches.append(Piece(begins, ends, (each.hold,)))
    for piece in sorted(stretches, key=lambda each: (each.starts_at, each.ends_at)):
        if found and piece.starts_at <= found[-1].ends_at:
            last = found.pop()
            holds = tuple(sorted({*last.holds, *piece.holds}))
            found.append(Piece(last.starts_at, max(last.ends_at, piece.ends_at), holds))
        else:
            found.append(piece)
    return tuple(found)


def is_whole(found: Sequence[Piece], *, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether the windows need all of a recording."""
    return len(found) == 1 and found[0].starts_at <= starts_at and found[0].ends_at >= ends_at
