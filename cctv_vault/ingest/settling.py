"""Whether a file has been left alone for long enough to be complete, and its sidecar, too."""

import threading
from pathlib import Path
from typing import Final

from cctv_vault.clock import SystemClock, monotonic
from cctv_vault.ingest.mounts import filesystem_of, is_network
from cctv_vault.ingest.sidecars import Block, Sidecar, beside, is_early
from cctv_vault.ingest.sources import Identity, Source, SourceBusyError

UNFINISHED_S: Final = 600.0
"""How long what looks unfinished must have been left alone: a slow upload pauses."""
_INCOMPLETE_S: Final = 3600.0
_MOUNTS_S: Final = 5.0
_REMEMBERED: Final = 100_000


class Settling:
    """Whether a file has been left alone long enough to be complete.

    Its change time, which nobody can set back, tells at once on a local filesystem. On a network
    mount, whose server has its own clock, or where that time lies ahead of ours, the file has to be
    seen unchanged twice.
    """

    def __init__(self, settle_s: float) -> None:
        """``settle_s`` is how long a file must have been unchanged, in seconds."""
        self.settle_s = settle_s
        self._wall = SystemClock()  # a simulated vault's files still carry the machine's time
        self._lock = threading.Lock()
        self._seen: dict[Path, tuple[Identity, float]] = {}
        self._networks: dict[int, tuple[bool, float]] = {}

    def require(self, source: Source) -> tuple[Sidecar, ...]:
        """Raise unless a file is complete, as far as waiting tells; returns what belongs to it.

        Raises:
            SourceBusyError: It is not, or something that belongs to it is not.
        """
        sidecars = beside(source.path)
        if any(each.block is not None and not each.block.complete for each in sidecars):
            # A camera that lost power never completes its last block.
            self.check(source, _INCOMPLETE_S, "its camera has not marked it complete")
        else:
            self.check(source)
        for each in sidecars:
            age = self._wall.now().timestamp() - each.changed_at_s
            if 0 <= age < self.settle_s:
                growing = f"what belongs to it may still be growing: {each.path.suffix}"
                raise SourceBusyError(growing, self.settle_s - age)
        return sidecars

    def require_alone(self, source: Source, *, note: Block | None = None) -> None:
        """Raise while what only tells of footage may still get some, or be gone on with.

        ``note`` is what it says of a whole recording, where it is an Axis camera's.

        Raises:
            SourceBusyError: It may.
        """
        if note is not None and not note.complete:
            self.check(source, _INCOMPLETE_S, "its camera has not marked it complete")
        elif note is None and is_early(source.path):
            self.check(source, UNFINISHED_S, "the footage that it tells of may still come")

    def check(
        self, source: Source, at_least_s: float = 0.0, why: str = "it may still be growing"
    ) -> None:
        """Raise unless the file is settled, or has been left alone for ``at_least_s``, if longer.

        Raises:
            SourceBusyError: It is not; ``retry_in_s`` says when it may be.
        """
        age = self._wall.now().timestamp() - source.changed_at_s
        if age < 0 or self._is_on_network(source):
            age = self._observed(source)
        wanted = max(self.settle_s, at_least_s)
        if age < wanted:
            raise SourceBusyError(why, wanted - age)

    def _is_on_network(self, source: Source) -> bool:
        """Whether a file lies on a network mount; asked of each device every few seconds."""
        device, now = source.identity.device, monotonic()
        with self._lock:
            known = self._networks.get(device)
        if known is None or now - known[1] > _MOUNTS_S:
            known = (is_network(filesystem_of(source.path.parent)), now)
            with self._lock:
                self._networks[device] = known
        return known[0]

    def _observed(self, source: Source) -> float:
        """Seconds since the file was first seen as it is now."""
        now = monotonic()
        with self._lock:
            seen = self._seen.get(source.path)
            if seen is None or seen[0] != source.identity:
                if len(self._seen) >= _REMEMBERED:
                    self._seen.pop(next(iter(self._seen)))
                seen = self._seen[source.path] = (source.identity, now)
            return now - seen[1]
