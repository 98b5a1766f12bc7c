"""Hold, index and sweep, interleaved at every statement, on both engines.

One act is stopped before its n-th statement, the other runs until it is done or waits for a lock,
then the first goes on; for every n, for every pair, either way round. Afterwards no held window is
without its grant, nothing granted is destroyed, and what had expired stays so.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from cctv_vault.custody.events import Event
from cctv_vault.schema import PurposeKey, table
from tests.retention.conftest import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BLOCKED_S = 0.15
LONG_S = 60.0
ACTS = ("hold", "index", "sweep", "release")


class Stopper:
    """Stops the thread it is set on before its n-th statement, until told to go on."""

    def __init__(self, world: World) -> None:
        self._database = world.home.database
        self._local = threading.local()
        self._stop_at = 0
        self.reached, self.go_on = threading.Event(), threading.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        # PostgreSQL's reader is the writer with another isolation level: one of them reports both.
        engines = [self._database._writer]
        if self._database.dialect == "sqlite":
            engines.append(self._database._reader)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", self._before)
        try:
            yield
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", self._before)

    def arm(self, statement: int) -> None:
        self._stop_at = statement
        self.reached.clear()
        self.go_on.clear()

    def watch_this_thread(self) -> None:
        self._local.count = 0

    def _before(self, *_arguments: object) -> None:
        count = getattr(self._local, "count", None)
        if count is None:
            return
        self._local.count = count + 1
        if self._local.count == self._stop_at:
            self.reached.set()
            assert self.go_on.wait(LONG_S)


@dataclass
class Scene:
    """What one interleaving is about, a week after the one before it in the same vault."""

    world: World
    gone: str = ""
    kept: str = ""
    dropped: str = ""
    arriving: list[str] = field(default_factory=list)
    old_hold: str = ""
    placed: list[str] = field(default_factory=list)
    released: bool = False

    def prepare(self) -> None:
        """Something due, something a hold keeps, something that hold was narrowed away from."""
        world, start = self.world, self.world.now()
        self.gone = world.record("entre", start - HOUR)
        self.kept = world.record("kassa", start - HOUR)
        self.dropped = world.record("kassa", start - 3 * HOUR)
        self.old_hold = world.claim("kassa", start - 4 * HOUR, start)
        world.at(start + 6 * DAY)
        with world.home.ledger.act(Event.HOLD_CHANGED, world.officer, cameras=["kassa"]) as act:
            world.holds.change(act, self.old_hold, windows=(("kassa", start - HOUR, start),))
        self._start = start

    def hold(self) -> None:
        """A new hold over all of it, past and still arriving."""
        placed = self.world.claim("kassa", self._start - 4 * HOUR, self.world.now())
        self.placed.append(placed)

    def index(self) -> None:
        """Footage of the held window and of just now arrives."""
        self.arriving.append(self.world.record("kassa", self._start - 30 * timedelta(minutes=1)))
        self.arriving.append(self.world.record("kassa", self.world.now() - HOUR))

    def sweep(self) -> None:
        report = self.world.sweeper.run(self.world.manager)
        assert report.alarm is None

    def release(self) -> None:
        self.world.holds.release_as(self.world.officer, self.old_hold, "klart")
        self.released = True

    def check(self) -> None:
        """What must hold whatever the order was; and again after one more sweep."""
        world = self.world
        for _ in range(2):
            assert not world.readable(self.gone)
            assert not world.readable(self.dropped)
            for each in self.arriving:
                holds = {grant.hold_id for grant in world.live(each)}
                assert holds >= set(self.placed)
                assert self.released == (self.old_hold not in holds) or each != self.arriving[0]
                # What only the released hold kept is refused; all else that arrives is kept.
                assert world.readable(each) == bool(holds)
                assert holds or (self.released and each == self.arriving[0])
            held = {grant.hold_id for grant in world.live(self.kept)}
            assert world.readable(self.kept) == bool(held)
            if not self.released:
                assert self.old_hold in held
                assert held >= set(self.placed)
            else:
                assert self.old_hold not in held
            with world.home.database.read() as session:
                rows = session.execute(select(table(PurposeKey))).all()
            assert all(world.home.keyring.opens(row) for row in rows)
            world.sweeper.run(world.manager)
        assert world.row(self.gone).state == world.row(self.dropped).state == "expired"
        for each in (*self.placed, *(() if self.released else (self.old_hold,))):
            world.holds.release_as(world.officer, each, "slut")
        world.at(world.now() + 6 * DAY)
        world.sweeper.run(world.manager)


def run(act: Callable[[], None], failures: list[BaseException], before: Callable[[], None]) -> None:
    before()
    try:
        act()
    except BaseException as error:  # noqa: BLE001 - told to the thread that asserts
        failures.append(error)


def interleave(scene: Scene, first: str, second: str, statement: int, stopper: Stopper) -> bool:
    """Run the pair, the first stopped before a statement; False when it has no so many."""
    failures: list[BaseException] = []
    stopper.arm(statement)
    acts: dict[str, Any] = {name: getattr(scene, name) for name in (first, second)}
    threads = [
        threading.Thread(target=run, args=(acts[first], failures, stopper.watch_this_thread)),
        threading.Thread(target=run, args=(acts[second], failures, lambda: None)),
    ]
    threads[0].start()
    while not stopper.reached.wait(0.002) and threads[0].is_alive():
        pass
    reached = stopper.reached.is_set()
    threads[1].start()
    if reached:
        threads[1].join(BLOCKED_S)
        stopper.go_on.set()
    for each in threads:
        each.join(LONG_S)
        assert not each.is_alive(), "the two wait for each other"
    assert failures == []
    return reached


def walk(world: World, first: str, second: str, step: int) -> int:
    """Every ``step``-th statement of the first; returns how many interleavings there were."""
    stopper = Stopper(world)
    count = 0
    with stopper.listening():
        for statement in itertools.count(1, step):
            scene = Scene(world)
            scene.prepare()
            reached = interleave(scene, first, second, statement, stopper)
            scene.check()
            count += 1
            if not reached:
                break
    assert world.home.log.verify().sound
    return count


PAIRS = [pair for pair in itertools.permutations(ACTS, 2) if "release" not in pair] + [
    ("release", "sweep"),
    ("sweep", "release"),
    ("index", "release"),
    ("release", "hold"),
]


@pytest.mark.parametrize(
    ("first", "second"), [("hold", "sweep"), ("sweep", "hold"), ("sweep", "index")]
)
def test_some_interleavings_of_hold_index_and_sweep(world: World, first: str, second: str) -> None:
    assert walk(world, first, second, step=40) >= 2


@pytest.mark.long
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_interleaving_of_hold_index_and_sweep(world: World, first: str, second: str) -> None:
    assert walk(world, first, second, step=1) >= 10
