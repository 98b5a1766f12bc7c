"""The watcher: what arrives in any camera's drop folder is taken in, without anybody asking.

Owns two ways to hear of a file, because each alone is known to miss some: notices from the kernel,
and a scan of all folders every few seconds, which alone serves network mounts, where there are no
notices. Refuses to die: whatever one file does, the others are taken in, and nothing about a file
but the kind of its trouble is logged. A share that does not answer, or a file that takes long,
holds up neither the other folders nor, until several do, the other files of its own.
"""

import heapq
import itertools
import logging
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
from cctv_vault.footage.register import Register
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
_MOST_WORKERS: Final = 12
_OF_ONE_CAMERA: Final = 3
"""How many workers the files of one drop folder may keep from the others."""
_SLOW_S: Final = 2.0
"""Where every worker has been at its files for this long, another one begins."""
_UNANSWERED_S: Final = 60.0
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
        self._parked: dict[Path, list[Path]] = {}
        self._at_work: Counter[Path] = Counter()
        self._begun: dict[str, float] = {}
        self._workers = 0
        self._folders: frozenset[Path] = frozenset()
        self._asking: dict[Path, float] = {}
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
        loops += [("relief", self._relief_loop), ("posters", self._poster_loop)]
        self._threads = [
            threading.Thread(target=loop, name=f"watcher-{name}") for name, loop in loops
        ]
        for thread in self._threads:
            thread.start()
        self._workers = 0
        for _ in range(_WORKERS):
            self._add_worker()

    def stop(self) -> None:
        """End; returns when files under way are sealed and every thread has ended."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        while self._threads:  # others may be added until the last of them has seen the end
            self._threads.pop(0).join()
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
        folders = frozenset(Path(each.drop_folder) for each in cameras)
        with self._changed:
            self._folders = folders
            # What waits through a stop may have become wanted meanwhile.
            self._ready = [(self._urgency.rank(each), n, each) for _, n, each in self._ready]
            heapq.heapify(self._ready)
            self._left = {
                path: left for path, left in self._left.items() if self._folder_of(path) in folders
            }
        if self._observer is not None and not self._observer.is_alive():
            self._end_observer()
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        for camera in cameras:
            if self._stop.is_set():
                return
            folder = Path(camera.drop_folder)
            if is_network(filesystem_of(folder)):
                self._ask_apart(camera.code, folder)
            else:
                self._look_into(camera.code, folder, notices=True)
        with self._changed:
            self._scanned_at = monotonic()

    def _ask_apart(self, code: str, folder: Path) -> None:
        """Look into a folder on a share in a thread of its own, which waits where that hangs."""
        asked = self._asking.get(folder)
        if asked is not None:
            if monotonic() - asked > _UNANSWERED_S and code not in self._missing:
                self._missing.add(code)
                _LOG.warning(
                    "the drop folder of camera %s has not been listed for a minute: its share does "
                    "not answer; nothing arrives from it until it does",
                    code,
                )
            return

        def ask() -> None:
            try:
                self._guarded(lambda: self._look_into(code, folder, notices=False))
            finally:
                del self._asking[folder]

        self._asking[folder] = monotonic()
        # A share that never answers must not keep the vault from ending.
        threading.Thread(target=ask, name=f"watcher-share-{code}", daemon=True).start()

    def _look_into(self, code: str, folder: Path, *, notices: bool) -> None:
        """Submit what lies in a drop folder; with ``notices`` the kernel gives more, from now."""
        if self._is_there(code, folder) and notices:
            self._watch(code, folder)
        seen: set[Path] = set()
        for path in walk(folder):
            if self._stop.is_set():
                return
            seen.add(path)
            if not self._is_left_alone(path):
                self.submit(path)
        with self._changed:
            self._left = {
                path: left
                for path, left in self._left.items()
                if path in seen or not path.is_relative_to(folder)
            }

    def _watch(self, code: str, folder: Path) -> None:
        """Ask the kernel for notices of a folder that is new, or was made anew."""
        observer = self._observer
        if observer is None:
            return
        try:
            inode = folder.stat().st_ino
            known = self._watches.get(folder)
            if known and known[1] == inode:
                return
            if known:
                observer.unschedule(known[0])
            watch = observer.schedule(_Handler(self), folder, recursive=True, event_filter=_FILTER)
            self._watches[folder] = (watch, inode)
        except OSError as error:
            # Too many folders for the kernel's watches, or a folder that cannot be read:
            # the scan still finds what arrives there.
            _LOG.warning(
                "the drop folder of camera %s gives no notices: %s",
                code,
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

    def _add_worker(self) -> None:
        self._workers += 1
        name = f"watcher-intake-{next(self._number)}"
        thread = threading.Thread(target=self._work_loop, name=name)
        self._threads.append(thread)
        thread.start()

    def _work_loop(self) -> None:
        name = threading.current_thread().name
        while True:
            mine: set[Path] = set()
            paths = self._next(mine)
            if not paths:
                return
            with self._changed:
                self._begun[name] = monotonic()
            try:
                self._guarded(lambda paths=paths: self._offer(paths))  # type: ignore[misc]
                self._guarded(self._enter_gathered)
            finally:
                with self._changed:
                    del self._begun[name]
                    self._leave(mine)
                    is_spare = self._workers - self._slow_ones() > _WORKERS
                    self._workers -= is_spare
            if is_spare:
                return

    def _relief_loop(self) -> None:
        """Begin another worker where files wait and each has been at its own for too long."""
        while not self._stop.wait(_SLOW_S / 4):
            with self._changed:
                waits = bool(self._ready) or bool(self._due and self._due[0][0] <= monotonic())
                if waits and self._workers == self._slow_ones() < _MOST_WORKERS:
                    self._add_worker()

    def _slow_ones(self) -> int:
        return sum(monotonic() - begun >= _SLOW_S for begun in self._begun.values())

    def _next(self, mine: set[Path]) -> list[Path]:
        """The next file whose time has come, by its urgency; none when the watcher ends.

        A small one takes those with it that come next, as long as they are small, too. ``mine``
        gets the folders that the worker is counted for until it leaves them.
        """
        path: Path | None = None
        with self._changed:
            while not self._stop.is_set():
                now = monotonic()
                while self._due and self._due[0][0] <= now:
                    self._make_ready(heapq.heappop(self._due)[2])
                if now >= self._paused_until and (path := self._popped(mine)) is not None:
                    break
                at = self._due[0][0] if self._due else None
                if self._ready:
                    at = self._paused_until
                elif at is not None:
                    at = max(at, self._paused_until)
                self._changed.wait(None if at is None else max(0.0, at - now))
        return [] if path is None else self._with_others(path, mine)

    def _make_ready(self, path: Path) -> None:
        heapq.heappush(self._ready, (self._urgency.rank(path), next(self._number), path))

    def _popped(self, mine: set[Path]) -> Path | None:
        """The most urgent file, of a folder of ours or one that keeps few other workers."""
        while self._ready:
            path = heapq.heappop(self._ready)[2]
            folder = self._folder_of(path)
            if folder in mine or self._at_work[folder] < _OF_ONE_CAMERA:
                self._at_work[folder] += folder not in mine
                mine.add(folder)
                return path
            self._parked.setdefault(folder, []).append(path)
        return None

    def _leave(self, folders: Iterable[Path]) -> None:
        """Note that a worker has done with folders; what waited for that is ready again."""
        for folder in folders:
            self._at_work[folder] -= 1
            for each in self._parked.pop(folder, ()):
                self._make_ready(each)
        self._changed.notify_all()

    def _folder_of(self, path: Path) -> Path:
        """The drop folder a file lies in, of those that were known at the last scan."""
        return next((each for each in path.parents if each in self._folders), path.parent)

    def _with_others(self, first: Path, mine: set[Path]) -> list[Path]:
        """A file with small ones that come next, where it is small.

        Their sizes are asked for without the lock: a share that hangs holds up nobody else.
        """
        taken, together = [first], small_size(first)
        while together and len(taken) < TOGETHER:
            with self._changed:
                path = self._popped(mine)
            if path is None:
                break
            size = small_size(path)
            if not size or together + size > TOGETHER_BYTES:
                with self._changed:
                    self._make_ready(path)
                    self._changed.notify()
                break
            together += size
            taken.append(path)
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
