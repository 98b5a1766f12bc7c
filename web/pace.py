"""How slowly a body may come: who sends a byte a minute holds a thread, and the room it fills.

Owns the pace of what is sent here. Refuses a sender who stands still, who sends less than the least
over a while, or who takes longer than any film of ours needs.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from cctv_vault.errors import InvalidInputError

_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Pace:
    """The slowest that is waited for: seconds, and bytes within ``window_s`` of them."""

    still_s: float = 30
    window_s: float = 60
    least: int = 2 * _MIB
    whole_s: float = 6 * 3600


PACE: Final = Pace()
_SLOW: Final = "the file comes too slowly and was broken off; send it again over a faster network"


async def paced(stream: AsyncIterator[bytes], pace: Pace = PACE) -> AsyncIterator[bytes]:
    """What a stream gives, as long as it keeps the pace.

    Time in which nobody asks for the next piece is the taker's own, and does not count.

    Raises:
        InvalidInputError: It does not.
    """
    now = asyncio.get_running_loop().time
    waited = in_window = 0.0
    came = 0
    while True:
        began = now()
        left = min(pace.still_s, pace.whole_s - waited)
        try:
            async with asyncio.timeout(max(left, 0)):
                chunk = await anext(stream, b"")
        except TimeoutError:
            raise InvalidInputError(_SLOW) from None
        if not chunk:
            return
        took = now() - began
        waited, in_window, came = waited + took, in_window + took, came + len(chunk)
        if in_window >= pace.window_s:
            if came * pace.window_s < pace.least * in_window:
                raise InvalidInputError(_SLOW)
            in_window, came = 0.0, 0
        yield chunk
