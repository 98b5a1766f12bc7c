"""Which parts of a recording its windows need (S10), and what a sign has to say (S2). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


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


SIGN_SEEN_WITHIN: Final = timedelta(days=365)
"""How old the last look at a sign may be: as often as a camera's purpose is reviewed (D)."""


SIGN_WORDS: Final[Mapping[str, str]] = {
    "unseen": "nobody has said whether there is one",
    "absent": "there is none",
    "controller": "it does not say who the controller is",
    "purpose": "it does not say what the surveillance is for",
    "pointer": "it does not say where more is to be read",
    "old": "it was last looked at more than a year ago",
}


@dataclass(frozen=True)
class Sign:
    """A sign as somebody saw it: where it hangs, and whether it says who, why, and where to ask."""

    place: str = ""
    there: bool = True
    controller: bool = False
    purpose: bool = False
    pointer: bool = False


def sign_faults(sign: Sign | None, seen_at: datetime | None, now: datetime) -> tuple[str, ...]:
    """What is wrong about a place's sign; empty where nothing is (S2, KBL 15, GDPR 13).

    ``unseen`` where nobody has looked, ``absent`` where there is none, ``old`` where the last look
    is, and ``controller``, ``purpose`` and ``pointer`` for what it does not say.
    """
    if sign is None or seen_at is None:
        return ("unseen",)
    if not sign.there:
        return ("absent",)
    found = {
        "controller": not sign.controller,
        "purpose": not sign.purpose,
        "pointer": not sign.pointer,
        "old": now - seen_at > SIGN_SEEN_WITHIN,
    }
    return tuple(name for name, wrong in found.items() if wrong)
