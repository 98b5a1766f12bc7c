"""The watcher: what arrives in any camera's drop folder is taken in, without anybody asking.

Owns two ways to hear of a file, because each alone is known to miss some: notices from the kernel,
and a scan of all folders every few seconds, which alone serves network mounts, where there are no
notices. Refuses to die: whatever one file does, the others are taken in, and nothing about a file
but the kind of its trouble is logged.
"""

import heapq
import itertools
import logging
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from cctv_vault.clock import monotonic
from cctv_vault.footage.register import CameraView, Register
from cctv_vault.ingest.batches import TOGETHER, TOGETHER_BYTES, small_size
from cctv_vault.ingest.mounts import filesystem_of, is_network, made
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.posters import Posters
from cctv_vault.ingest.service import Ingest
from cctv_vault.ingest.sources import Identity, is_unfinished_name, walk
from cctv_vault.ingest.urgency import Rank, Urgency
from cctv_vault.people.actors import system_actor

_LOG: Final = logging.getLogger(__name__)
# Without this filter the queue of the kernel overflows in a burst, and then nothing arrives at all.
_FILTER: Final[list[type[FileSystemEvent]]] = [
    FileClosedEvent,
    FileMovedEvent,
    FileCreatedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
_WORKERS: Final = 2
_SHORTEST_RETRY_S: Final = 0.05
_FIRST_RETRY_S: Final = 30.0
_LONGEST_RETRY_S: Final = 3600.0
_POSTER_WAIT_S: Final = 1.0


@dataclass(frozen=True)
class WatcherStatus:
    """How the watcher is doing; ``left_alone`` files stay where they are until they change."""

    running: bool
    waiting: int
    left_alone: int
    intake_stopped: bool
    seconds_since_scan: float | None


@dataclass(frozen=True)
class _LeftAlone:
    """A file that stayed after an offer, as it was then."""

    identity: Identity
    tries: int
    retry_at: float


class Watcher:
    """Watches the drop folders of all cameras, also of those added later."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        register: Register,
        posters: Posters,
        urgency: Urgency,
        scan_s: float,
    ) -> None:
        """``scan_s`` is how many seconds lie between scans of the folders."""
        self._ingest = ingest
        self._register = register
        self._posters = posters
        self._urgency = urgency
        self._scan_s = scan_s
        self._actor = system_actor()
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Path]] = []
        self._ready: list[tuple[Rank, int, Path]] = []
        self._number = itertools.count()
        self._pending: set[Path] = set()
        self._left: dict[Path, _LeftAlone] = {}
        self._paused_until = 0.0
        self._scanned_at: float | None = None
        self._observer: BaseObserver | None = None
        self._watches: dict[Path, tuple[ObservedWatch, int]] = {}
        self._missing: set[str] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; returns at once."""
        if self._threads:
            raise RuntimeError("the watcher is running already")
        # A folder in a just-made folder is met twice, which is harmless; the warning is not: it
        # names everything that is watched.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        self._stop.clear()
        self._ingest.gather(on=True)
        loops: list[tuple[str, Callable[[], None]]] = [("scan", self._scan_loop)]
        loops += [(f"intake-{number}", self._work_loop) for number in range(_WORKERS)]
        loops.append(("posters", self._poster_loop))
        self._threads = [
            threading.Thread(target=loop, name=f"watcher-{name}") for name, loop in loops
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; returns when files under way are sealed and every thread has ended."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._ingest.gather(on=False)
        self._ingest.enter_gathered()
        self._end_observer()

    def status(self) -> WatcherStatus:
        """How it is doing."""
        with self._changed:
            return WatcherStatus(
                running=bool(self._threads),
                waiting=len(self._pending),
                left_alone=len(self._left),
                intake_stopped=self._ingest.is_stopped,
                seconds_since_scan=(
                    None if self._scanned_at is None else monotonic() - self._scanned_at
                ),
            )

    # --- hearing ------------------------------------------------------------------------------

    def submit(self, path: Path, delay_s: float = 0.0) -> None:
        """Have a file offered, once, ``delay_s`` seconds from now.

        One whose name says that it is not finished gives notice again under its own.
        """
        if is_unfinished_name(path.name):
            return
        with self._changed:
            if path in self._pending:
                return
            self._pending.add(path)
            heapq.heappush(self._due, (monotonic() + delay_s, next(self._number), path))
            self._changed.notify()

    def _scan_loop(self) -> None:
        while not self._stop.is_set():
            self._guarded(self._scan)
            self._stop.wait(self._scan_s)

    def _scan(self) -> None:
        cameras = self._register.all_cameras()
        self._urgency.refresh()
        with self._changed:
            # What waits through a stop may have become wanted meanwhile.
            self._ready = [(self._urgency.rank(each), n, each) for _, n, each in self._ready]
            heapq.heapify(self._ready)
        self._watch(cameras)
        seen: set[Path] = set()
        for camera in cameras:
            for path in walk(Path(camera.drop_folder)):
                if self._stop.is_set():
                    return
                seen.add(path)
                if not self._is_left_alone(path):
                    self.submit(path)
        with self._changed:
            self._left = {path: left for path, left in self._left.items() if path in seen}
            self._scanned_at = monotonic()

    def _watch(self, cameras: tuple[CameraView, ...]) -> None:
        """Ask the kernel for notices of folders that are new, or were made anew."""
        if self._observer is not None and not self._observer.is_alive():
            self._end_observer()
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        handler = _Handler(self)
        for camera in cameras:
            folder = Path(camera.drop_folder)
            if not self._is_there(camera.code, folder):
                continue
            try:
                inode = folder.stat().st_ino
                known = self._watches.get(folder)
                if (known and known[1] == inode) or is_network(filesystem_of(folder)):
                    continue
                if known:
                    self._observer.unschedule(known[0])
                watch = self._observer.schedule(
                    handler, folder, recursive=True, event_filter=_FILTER
                )
                self._watches[folder] = (watch, inode)
            except OSError as error:
                # Too many folders for the kernel's watches, or a folder that cannot be read:
                # the scan still finds what arrives there.
                _LOG.warning(
                    "the drop folder of camera %s gives no notices: %s",
                    camera.code,
                    os.strerror(error.errno or 0),
                )

    def _is_there(self, code: str, folder: Path) -> bool:
        """Whether a drop folder is there, or could be made; what becomes of it is said once."""
        try:
            anew = made(folder)
        except OSError as error:
            if code not in self._missing:
                self._missing.add(code)
                _LOG.warning(
                    "the drop folder of camera %s is not there and cannot be made: %s; nothing "
                    "arrives from it until it is",
                    code,
                    os.strerror(error.errno or 0),
                )
            return False
        if anew:
            _LOG.warning("the drop folder of camera %s was not there and has been made", code)
        elif code in self._missing:
            _LOG.warning("the drop folder of camera %s is there again", code)
        self._missing.discard(code)
        return True

    def _end_observer(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None
        self._watches.clear()

    def _is_left_alone(self, path: Path) -> bool:
        with self._changed:
            left = self._left.get(path)
        return left is not None and left.identity == _identity(path) and monotonic() < left.retry_at

    # --- taking in ----------------------------------------------------------------------------

    def _work_loop(self) -> None:
        while paths := self._next():
            self._guarded(lambda paths=paths: self._offer(paths))  # type: ignore[misc]
            self._guarded(self._enter_gathered)

    def _next(self) -> list[Path]:
        """The next file whose time has come, by its urgency; none when the watcher ends.

        A small one takes those with it that come next, as long as they are small, too.
        """
        with self._changed:
            while not self._stop.is_set():
                now = monotonic()
                while self._due and self._due[0][0] <= now:
                    _, number, path = heapq.heappop(self._due)
                    heapq.heappush(self._ready, (self._urgency.rank(path), number, path))
                ready_at = now if self._ready else self._due[0][0] if self._due else None
                ready_at = ready_at and max(ready_at, self._paused_until)
                if self._ready and ready_at == now:
                    return self._taken()
                self._changed.wait(None if ready_at is None else ready_at - now)
        return []

    def _taken(self) -> list[Path]:
        taken = [heapq.heappop(self._ready)[2]]
        together = small_size(taken[0])
        while together and self._ready and len(taken) < TOGETHER:
            size = small_size(self._ready[0][2])
            if not size or together + size > TOGETHER_BYTES:
                break
            together += size
            taken.append(heapq.heappop(self._ready)[2])
        return taken

    def _offer(self, paths: Sequence[Path]) -> None:
        before = {path: identity for path in paths if (identity := _identity(path)) is not None}
        again: dict[Path, float] = {}
        try:
            for outcome in self._outcomes(list(before)) if before else ():
                path = outcome.path
                if outcome.outcome == "failed" and self._ingest.is_stopped:
                    # One try for all of them until there is room again; the files stay queued.
                    again[path] = self._scan_s
                    with self._changed:
                        self._paused_until = monotonic() + self._scan_s
                elif outcome.retry_in_s is not None:
                    again[path] = outcome.retry_in_s
                elif outcome.outcome != "waiting" and _identity(path) == before[path]:
                    self._leave_alone(path, before[path])
        finally:
            with self._changed:
                self._pending.difference_update(paths)
        for path, retry_s in again.items():
            self.submit(path, max(retry_s, _SHORTEST_RETRY_S))

    def _outcomes(self, paths: Sequence[Path]) -> Sequence[Outcome]:
        if len(paths) == 1:
            return [self._ingest.offer(self._actor, paths[0])]
        return self._ingest.offer_together(self._actor, paths)

    def _enter_gathered(self) -> None:
        with self._changed:
            more = bool(self._ready)
        self._ingest.enter_gathered(at_least=TOGETHER if more else 1)

    def _leave_alone(self, path: Path, identity: Identity) -> None:
        """Do not offer what did not go away until it changes, or ever more seldom."""
        with self._changed:
            left = self._left.get(path)
            tries = left.tries + 1 if left is not None and left.identity == identity else 0
            wait = min(_FIRST_RETRY_S * 2.0 ** min(tries, 20), _LONGEST_RETRY_S)
            self._left[path] = _LeftAlone(identity, tries, monotonic() + wait)

    def _poster_loop(self) -> None:
        self._guarded(self._posters.catch_up)
        while not self._stop.is_set():
            self._guarded(lambda: self._posters.work(self._has_more_urgent))
            self._posters.wait(_POSTER_WAIT_S)

    def _has_more_urgent(self) -> bool:
        """Whether files wait for intake, or the watcher ends: posters are made in between."""
        with self._changed:
            return self._stop.is_set() or len(self._ready) > _WORKERS

    @staticmethod
    def _guarded(step: Callable[[], object]) -> None:
        """Run one step of a loop that must not end."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a thread that dies takes no more files in
            _LOG.error("the watcher met an unexpected %s", type(error).__name__)


class _Handler(FileSystemEventHandler):
    """Turns notices into offers."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def on_any_event(self, event: FileSystemEvent) -> None:
        """A file was made, closed or moved here, or a folder with whatever it holds."""
        path = Path(os.fsdecode(event.dest_path or event.src_path))
        if event.is_directory:
            # What was put into the folder before the kernel watched it gave no notice.
            for file in walk(path):
                if file != path:
                    self._watcher.submit(file)
        else:
            self._watcher.submit(path)


def _identity(path: Path) -> Identity | None:
    try:
        return Identity.of(path.lstat())
    except (OSError, ValueError):
        return None
