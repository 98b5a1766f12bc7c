"""Looks that were entered within the hour, so that a player's many reads are one entry.

Remembered in memory alone: after a restart a look is entered again.
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

_COUNTS_FOR: Final = timedelta(hours=1)
_REMEMBERED: Final = 10_000


class EnteredLooks:
    """Who looked at what and why, and when that was entered."""

    def __init__(self) -> None:
        """None yet."""
        self._entered: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def seen(self, look: tuple[str, ...], now: datetime) -> bool:
        """Whether it was entered within the hour before ``now``."""
        with self._lock:
            at = self._entered.get(look)
        return at is not None and timedelta(0) <= now - at < _COUNTS_FOR

    def remember(self, look: tuple[str, ...], now: datetime) -> None:
        """Note that it was entered; the oldest is forgotten where there are very many."""
        with self._lock:
            self._entered[look] = now
            self._entered.move_to_end(look)
            if len(self._entered) > _REMEMBERED:
                self._entered.popitem(last=False)
