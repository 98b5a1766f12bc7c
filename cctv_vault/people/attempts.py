"""How often somebody may try to sign in: attempts counted per key in a sliding window.

An attempt counts from when it begins, so that guesses made side by side are counted like others;
one that succeeds is taken back.

Kept in memory: a restart forgets, which costs an attacker more than it gives. The window runs on
a clock that only moves forward, so that a vault whose own time stands still lets people back in.
"""

import ipaddress
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from cctv_vault.errors import AccessDeniedError

_KEYS_REMEMBERED: Final = 10_000


class TooManyAttemptsError(AccessDeniedError):
    """Too many failed attempts; ``wait_s`` says when the next one is looked at, in seconds."""

    code: ClassVar[str] = "too-many-attempts"

    def __init__(self, wait_s: int) -> None:
        """``wait_s`` is at least one second."""
        self.wait_s = wait_s
        minutes = math.ceil(wait_s / 60)
        super().__init__(f"too many failed attempts; wait {minutes} min and try again")


def network_of(address: str) -> str:
    """What attempts from an address are counted under: of IPv6 its /64, which one person has.

    Anything that is no address stands for itself.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))


class Attempts:
    """Attempts per key within a window of seconds, bounded in memory."""

    def __init__(self, *, limit: int, window_s: float, clock: Callable[[], float]) -> None:
        """``limit`` attempts within ``window_s`` close a key until the oldest has left it."""
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def begin(self, keys: Sequence[str]) -> None:
        """Let an attempt through and count it against each key, or say how long to wait.

        Raises:
            TooManyAttemptsError: One of the keys has been tried too often; it is not counted.
        """
        with self._lock:
            now = self._clock()
            for key in keys:
                failures = self._recent(key, now)
                if len(failures) >= self._limit:
                    wait_s = failures[-self._limit] + self._window_s - now
                    raise TooManyAttemptsError(max(1, math.ceil(wait_s)))
            for key in keys:
                self._recent(key, now).append(now)
            if len(self._failures) > _KEYS_REMEMBERED:
                self._failures = {
                    key: times
                    for key, times in self._failures.items()
                    if times and times[-1] > now - self._window_s
                }

    def take_back(self, keys: Iterable[str]) -> None:
        """One attempt less against each key: it succeeded."""
        with self._lock:
            for key in keys:
                if attempts := self._failures.get(key):
                    attempts.pop()

    def forget(self, keys: Iterable[str]) -> None:
        """Forget the attempts of each key."""
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _recent(self, key: str, now: float) -> deque[float]:
        failures = self._failures.setdefault(key, deque(maxlen=self._limit))
        while failures and failures[0] <= now - self._window_s:
            failures.popleft()
        return failures
