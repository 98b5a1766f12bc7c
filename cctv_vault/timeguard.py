"""The guard on time: how far a clock may be believed before anything is destroyed. Pure.

Destruction follows the clock, so a clock that jumps would destroy. The guard is a time of its own,
kept beside the head of the custody log, that moves by elapsed boot time alone; the time of day may
run at most `ALLOWANCE` ahead of it or behind it. Outside that nothing is destroyed and an alarm
stands until synchronised outside time or two persons move the guard, by a custody entry.

It refuses to be ratcheted: however many entries a clock that runs ahead writes, the guard moves no
faster than the boot-time clock, which nobody can set.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cctv_vault.clock import Tick

ALLOWANCE: Final = timedelta(hours=1)
"""How far the time of day may stand from the guard: a restart, a leap of a slow clock."""

UNKNOWN_BOOT: Final = "unknown"
"""The name of a boot that could not be read; two of them need not be the same."""


@dataclass(frozen=True)
class Verdict:
    """What a sweep may believe.

    ``safe_until`` is the latest end (UTC) that counts as past for destruction; ``alarm`` says in a
    sentence why nothing may be destroyed, or is None.
    """

    safe_until: datetime
    alarm: str | None


def advance(guard_at: datetime, boot_id: str, boottime_s: float, tick: Tick) -> datetime:
    """The guard at ``tick``, from the guard as last written.

    Within one boot it moves by the boot-time clock. Across boots it stands: how long a machine was
    off, or on which machine the vault now runs, is nobody's knowledge. A synchronised clock within
    the allowance corrects the drift; one outside it needs an entry (see `verdict`).

    Args:
        guard_at: The guard when it was last written, UTC.
        boot_id: The boot it was written in.
        boottime_s: Seconds since that boot, then.
        tick: The clocks now.
    """
    guard = guard_at
    if boot_id == tick.boot_id != UNKNOWN_BOOT:
        # Negative where an act that read the clocks earlier is entered later: the guard and the
        # boot time it belongs to go back together, or the next entry would count that time twice.
        guard += timedelta(seconds=tick.boottime_s - boottime_s)
    if tick.synchronised and abs(tick.now - guard) <= ALLOWANCE:
        return tick.now
    return guard


def verdict(guard_at: datetime, boot_id: str, boottime_s: float, tick: Tick) -> Verdict:
    """Whether the time of day may destroy, judged against the guard as last written.

    Takes the same arguments as `advance`.
    """
    guard = advance(guard_at, boot_id, boottime_s, tick)
    ahead = tick.now - guard
    if abs(ahead) <= ALLOWANCE:
        return Verdict(tick.now, None)
    minutes = int(abs(ahead).total_seconds() // 60)
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    return Verdict(
        min(guard, tick.now),
        f"the clock stands {minutes} min {direction} the time that has provably passed; nothing is "
        "destroyed until outside time or two persons attest it",
    )
