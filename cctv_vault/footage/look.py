"""What the pictures of a recording say of its camera, as the sandbox told it and we believe it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cctv_vault.media.errors import MediaCrashError

OUTLINE_BYTES: Final = 16 * 9 * 4
_MARK: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class RoomLook:
    """The figures of `media.view`: grey levels, and how the edges of the empty room run.

    ``light`` and ``spread`` are levels of 0 to 255; ``still`` whether no more changed than coding
    the same picture twice does, upper and lower edge left out, where clocks are; ``mark`` is the
    same for pictures that are the same point for point; ``outline`` holds four directions in each
    of 16 by 9 fields.
    """

    light: float
    spread: float
    still: bool
    mark: str
    outline: bytes = field(repr=False)


def read_look(answer: Mapping[str, Any]) -> RoomLook | None:
    """What the sandbox answered under ``look``; None where it saw no picture.

    Raises:
        MediaCrashError: It answered nonsense.
    """
    told = answer.get("look")
    if not told:
        return None
    try:
        look = RoomLook(
            light=float(told["light"]),
            spread=float(told["spread"]),
            still=bool(told["still"]),
            mark=str(told["mark"]),
            outline=bytes.fromhex(told["outline"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MediaCrashError("it answered nonsense") from error
    sound = 0 <= look.light <= 255 and 0 <= look.spread <= 255  # noqa: PLR2004 - grey levels
    if not sound or not _MARK.fullmatch(look.mark) or len(look.outline) != OUTLINE_BYTES:
        raise MediaCrashError("it answered nonsense")
    return look
