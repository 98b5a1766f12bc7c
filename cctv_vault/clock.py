"""The only module that reads a clock.

A tick carries, beside the time of day, the boot-time clock (which nobody can set) so that the
retention guard can tell elapsed time from a clock that jumped. A simulated vault lives in a time
that only ``clock set`` moves.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # larger than any struct timex; the kernel writes the part it knows


@dataclass(frozen=True)
class Tick:
    """One reading of the clocks.

    ``now`` is UTC; ``boottime_s`` seconds since the boot named by ``boot_id``; ``synchronised``
    whether the kernel says its time of day comes from outside (NTP).
    """

    now: datetime
    boot_id: str
    boottime_s: float
    synchronised: bool


class Clock(Protocol):
    """What the product asks of a clock."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        ...

    def tick(self) -> Tick:
        """All clocks at once, for the guard on time."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def tick(self) -> Tick:
        """All clocks at once."""
        try:
            boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            boot_id = "unknown"
        return Tick(
            self.now(), boot_id, time.clock_gettime(time.CLOCK_BOOTTIME), _kernel_is_synchronised()
        )


class SimulatedClock:
    """A vault's own time, for demonstrations, drills and tests; it stands still between moves."""

    def __init__(self, read: Callable[[], datetime]) -> None:
        """``read`` returns the vault's simulated time, UTC."""
        self._read = read

    def now(self) -> datetime:
        """The simulated time, UTC."""
        return self._read()

    def tick(self) -> Tick:
        """The simulated time, whose moves are custody entries and so need no guard."""
        now = self._read()
        return Tick(now, "simulated", now.timestamp(), synchronised=True)


def monotonic() -> float:
    """Seconds on a clock that only runs forward: for waiting and progress, never for records."""
    return time.monotonic()


def _kernel_is_synchronised() -> bool:
    """What the kernel says; setting the clock by hand makes it say no (adjtimex(2), STA_UNSYNC)."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = int(libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR
