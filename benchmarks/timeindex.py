"""The time index as the archive grows: a camera-day, a list of gaps, a transaction of intake.

    .venv/bin/python benchmarks/timeindex.py [--folder DIR] [--sizes N …] [--database URL]

Fills the index of a vault with rows (no footage lies behind them): 32 cameras, a recording every
five minutes without end, one missing of every 97, so that more of them is a longer time and not a
denser one. Those of the last 30 days are kept by a grant, the older ones have expired, as it is in
a vault that has run for years. Then asks what the pages ask, a random camera and day each time, and
takes in small pictures for the transaction. Prints a table in Markdown; the last figures, with what
they mean, are in README.md. With ``--database`` one size only, in an empty PostgreSQL database.
"""

import argparse
import os
import platform
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from sqlalchemy import Connection, Engine, create_engine, event, text

from cctv_vault.clock import SystemClock
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault

CAMERAS: Final = 32
EVERY: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=30)
NOW: Final = SystemClock().now().replace(microsecond=0)
DAY: Final = timedelta(days=1)
ASKED: Final = 1000
TAKEN_IN: Final = 200
SYSTEM: Final = system_actor()
PERSON: Final = Actor(
    "u-1", "Eva", "password", frozenset({Role.MANAGER}), cleared=False, is_person=True
)


@dataclass
class Figures:
    """Milliseconds of one kind of question, as often as it was asked."""

    name: str
    ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)

    def took(self, seconds: float, processor_s: float) -> None:
        """Note one more."""
        self.ms.append(seconds * 1000)
        self.processor_ms.append(processor_s * 1000)

    @staticmethod
    def at(share: float, of: list[float]) -> float:
        """The time within which this share of them was answered."""
        return sorted(of)[min(len(of) - 1, int(share * len(of)))]

    def row(self) -> str:
        """Its columns of the table."""
        return " | ".join(
            f"{self.at(share, of):.2f}"
            for of in (self.ms, self.processor_ms)
            for share in (0.5, 0.99)
        )


def main() -> None:
    """Fill, ask, tell, one size after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--database")
    options = parser.parse_args()
    if options.database and len(options.sizes) > 1:
        parser.error("one empty database holds one size")
    found: list[tuple[int, list[Figures]]] = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="timeindex-", dir=options.folder) as name:
            found.append((size, measure(Path(name), size, options.database)))
    report(found, "PostgreSQL" if options.database else "SQLite")


def measure(folder: Path, size: int, database: str | None) -> list[Figures]:
    """The figures of an archive of this size."""
    settings = Settings(
        home=folder / "home",
        keys=folder / "home-keys",
        user=None,
        token=None,
        database_url=database,
        s3_bucket=None,
        settle_s=0.0,
    )
    vault = Vault.create(settings, "", controller="benchmark", zone="Europe/Stockholm")
    try:
        for number in range(CAMERAS):
            vault.register.add_camera(
                SYSTEM,
                camera(number),
                drop=folder / f"drop-{number}",
                purpose="to measure",
                view="nothing",
                sound="no",
            )
        began = time.perf_counter()
        fill(vault, size)
        tell(f"{size} recordings written in {time.perf_counter() - began:.0f} s")
        days = min(size // CAMERAS * EVERY // DAY, KEPT // DAY) - 1
        oldest = size // CAMERAS * EVERY // DAY - 1
        figures = [
            asked("a camera-day as a lane", days, lambda code, day: lane(vault, code, day)),
            asked("a camera-day as a list", days, lambda code, day: listed(vault, code, day)),
            asked("gaps of a day, kept", days, lambda code, day: gaps(vault, code, day)),
            asked("gaps of a day, any age", oldest, lambda code, day: gaps(vault, code, day)),
            asked("a minute of all cameras", days, lambda _, day: minute(vault, day)),
        ]
        figures += taken_in(vault, folder)
    finally:
        vault.close()
    return figures


def camera(number: int) -> str:
    """The code of a camera."""
    return f"camera-{number:02}"


# --- filling --------------------------------------------------------------------------------------

NUMBERS: Final = {
    "sqlite": "WITH RECURSIVE of(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM of WHERE n < :size"
    " - 1) SELECT n FROM of",
    "postgresql": "SELECT n FROM generate_series(0, :size - 1) AS of(n)",
}
SPELLED: Final[dict[str, dict[str, str]]] = {
    "sqlite": {
        "id": "substr(lower(hex(randomblob(10))), 1, 20)",
        "hash": "randomblob(32)",
        "at": "strftime('%Y-%m-%d %H:%M:%S.000000', '{oldest}', '+' || ({s}) || ' seconds')",
        "code": "printf('camera-%02d', n % {cameras})",
        "no": "0",
        "json": "'[]'",
    },
    "postgresql": {
        "id": "substr(md5(random()::text || n), 1, 20)",
        "hash": "sha256((random()::text || n)::bytea)",
        "at": "timestamptz '{oldest}+00' + ({s}) * interval '1 second'",
        "code": "'camera-' || lpad((n % {cameras})::text, 2, '0')",
        "no": "false",
        "json": "'[]'::json",
    },
}


def fill(vault: Vault, size: int) -> None:
    """Write the rows with the engine's own means; indices are built once all are there."""
    dialect = vault.database.dialect
    spelled = SPELLED[dialect]
    step = int(EVERY.total_seconds())
    oldest = (NOW - (size // CAMERAS) * EVERY).strftime("%Y-%m-%d %H:%M:%S")
    kept_from = max(0, size - int(KEPT / EVERY) * CAMERAS)

    def at(seconds: str) -> str:
        return spelled["at"].format(oldest=oldest, s=seconds)

    begun, ended = f"n / {CAMERAS} * {step}", f"n / {CAMERAS} * {step} + {step}"
    columns = {
        "id": spelled["id"],
        "camera_code": spelled["code"].format(cameras=CAMERAS),
        "kind": "'video'",
        "origin": "'surveillance'",
        "state": f"CASE WHEN n < {kept_from} THEN 'expired' ELSE 'kept' END",
        "started_at": at(begun),
        "ended_at": at(ended),
        "span_class": "9",
        "uncertainty_s": "2",
        "time_source": "'name'",
        "original_started": "'2026-03-01T08:00:00'",
        "clock_offset_s": "0",
        "disagreements": spelled["json"],
        "original_name": f"CASE WHEN n < {kept_from} THEN '' ELSE 'kassa_20260301080000.mp4' END",
        "arrived_at": at(ended),
        "sealed_at": at(ended),
        "size": "75000000",
        "sha256": spelled["hash"],
        "ciphertext_size": "75001200",
        "segment_root": spelled["hash"],
        "container": "'mov'",
        "codec": "'h264'",
        "width": "1920",
        "height": "1080",
        "fps": "15",
        "duration_s": str(step),
        "has_audio": spelled["no"],
        "faults": spelled["json"],
        "source_state": "'removed'",
    }
    grants = {
        "recording_id": "id",
        "purpose": "'prevention'",
        "purpose_key_id": f"CASE WHEN state = 'kept' THEN '{'k' * 20}' END",
        "wrapped_key": f"CASE WHEN state = 'kept' THEN {spelled['hash']} END",
        "since": "sealed_at",
        "until": spelled["at"].format(oldest=NOW.strftime("%Y-%m-%d %H:%M:%S"), s="86400"),
        "reason": "'72 hours after it was recorded'",
        "statute": "'GDPR 6.1 f'",
        "policy_version": "1",
        "ended_at": "CASE WHEN state = 'kept' THEN NULL ELSE sealed_at END",
        "about_staff": spelled["no"],
    }
    # n stands in the columns of the grants' source only by what it wrote there.
    grants = {name: value.replace(" || n)", " || id)") for name, value in grants.items()}
    own = create_engine(vault.database.url)
    with own.begin() as connection:
        if dialect == "sqlite":
            # Keys come in no order: without room they would be sorted on the disk.
            connection.execute(text("PRAGMA cache_size = -4000000"))
            connection.execute(text("PRAGMA synchronous = OFF"))
        with rebuilt(connection, dialect, ("recording", "recording_grant")):
            connection.execute(
                text(
                    f"INSERT INTO recording ({', '.join(columns)})"  # noqa: S608 - all of it ours
                    f" SELECT {', '.join(columns.values())} FROM ({NUMBERS[dialect]}) AS numbers"
                    " WHERE n % 97 <> 0"
                ),
                {"size": size},
            )
            connection.execute(
                text(
                    f"INSERT INTO recording_grant ({', '.join(grants)})"  # noqa: S608
                    f" SELECT {', '.join(grants.values())} FROM recording"
                )
            )
        if dialect == "sqlite":
            connection.execute(text("ANALYZE"))
    with own.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if dialect == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
        else:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    own.dispose()


@contextmanager
def rebuilt(connection: Connection, dialect: str, tables: tuple[str, ...]) -> Iterator[None]:
    """Without the indices of these tables, which are built anew afterwards."""
    if dialect == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :of"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :of"
    dropped = []
    for of in tables:
        for name, made in connection.execute(text(query), {"of": of}).all():
            if made is not None and str(name).startswith("ix_"):
                connection.execute(text(f"DROP INDEX {name}"))
                dropped.append(str(made))
    yield
    for made in dropped:
        connection.execute(text(made))


# --- asking ---------------------------------------------------------------------------------------


def asked(name: str, days: int, ask: Callable[[str, datetime], int]) -> Figures:
    """Ask about random cameras and days, a few times beforehand and then with the watch running."""
    figures = Figures(name)
    answers = 0
    for turn in range(ASKED + 20):
        code = camera(secrets.randbelow(CAMERAS))
        day = NOW.replace(hour=0, minute=0, second=0) - (1 + secrets.randbelow(days)) * DAY
        began, worked = time.perf_counter(), time.thread_time()
        answers += ask(code, day)
        if turn >= 20:  # noqa: PLR2004 - the first ones only warm up
            figures.took(time.perf_counter() - began, time.thread_time() - worked)
    tell(f"{name}: {answers / (ASKED + 20):.0f} rows an answer, {figures.row()}")
    return figures


def lane(vault: Vault, code: str, day: datetime) -> int:
    """A camera-day as Tidslinje draws it: what is there until when, and what not and why."""
    drawn = vault.catalogue.lane(PERSON, camera=code, start=day, end=day + DAY)
    return len(drawn.stretches) + len(drawn.gaps)


def listed(vault: Vault, code: str, day: datetime) -> int:
    """A camera-day, every recording of it with all that a list says of it."""
    return sum(1 for _ in vault.catalogue.list(PERSON, cameras=(code,), start=day, end=day + DAY))


def gaps(vault: Vault, code: str, day: datetime) -> int:
    """The gaps of a camera-day, with their causes."""
    return len(vault.catalogue.gaps(PERSON, cameras=(code,), start=day, end=day + DAY))


def minute(vault: Vault, day: datetime) -> int:
    """What all cameras show in one minute."""
    start = day + secrets.randbelow(86_000) * timedelta(seconds=1)
    return sum(1 for _ in vault.catalogue.list(PERSON, start=start, end=start + DAY / 1440))


# --- taking in ------------------------------------------------------------------------------------


def taken_in(vault: Vault, folder: Path) -> list[Figures]:
    """Take small pictures in, with a watch on the transactions that index them."""
    whole = Figures("intake: the transaction, begin to committed")
    engine_part = Figures("intake: of that, in the engine")
    drop = folder / "pictures"
    drop.mkdir()
    watch = Watch()
    with watch.on():
        for number in range(TAKEN_IN + 5):
            moment = NOW - (number + 1) * timedelta(seconds=7)
            path = drop / f"kassa_{moment:%Y%m%d%H%M%S}.jpg"
            path.write_bytes(picture(number))
            outcome = vault.ingest.offer(SYSTEM, path, camera=camera(0), keep_source=True)
            if outcome.outcome != "sealed":
                sys.exit(f"a picture was not sealed: {outcome.reason}")
            taken = watch.indexing.pop()
            if number >= 5:  # noqa: PLR2004 - the first ones only warm up
                whole.took(*taken[0])
                engine_part.took(*taken[1])
    for each in (whole, engine_part):
        tell(f"{each.name}: {each.row()}")
    return [whole, engine_part]


Spent = tuple[float, float]
"""Seconds by the clock and of the processor."""


def clocks() -> Spent:
    """Both clocks now."""
    return time.perf_counter(), time.thread_time()


def since(then: Spent) -> Spent:
    """What both clocks say has passed."""
    now = clocks()
    return now[0] - then[0], now[1] - then[1]


class Watch:
    """Times transactions from begin to commit, and what of that the engine took."""

    def __init__(self) -> None:
        self.indexing: list[tuple[Spent, Spent]] = []
        self._began = self._at = clocks()
        self._in_engine: Spent = (0.0, 0.0)
        self._indexes = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Listen to every engine of this process."""
        hooks: list[tuple[Any, str, Callable[..., None]]] = [
            (Engine, "begin", self._begin),
            (Engine, "before_cursor_execute", self._before),
            (Engine, "after_cursor_execute", self._after),
        ]
        for each in hooks:
            event.listen(*each)
        original = Connection._commit_impl  # noqa: SLF001 - no event follows a commit

        def commit(connection: Connection) -> None:
            began = clocks()
            original(connection)
            self._add(since(began))
            if self._indexes:
                self.indexing.append((since(self._began), self._in_engine))

        Connection._commit_impl = commit  # type: ignore[assignment, method-assign]  # noqa: SLF001
        try:
            yield
        finally:
            Connection._commit_impl = original  # type: ignore[method-assign]  # noqa: SLF001
            for each in hooks:
                event.remove(*each)

    def _add(self, spent: Spent) -> None:
        self._in_engine = (self._in_engine[0] + spent[0], self._in_engine[1] + spent[1])

    def _begin(self, _connection: Connection) -> None:
        self._began, self._in_engine, self._indexes = clocks(), (0.0, 0.0), False

    def _before(self, *_: object) -> None:
        self._at = clocks()

    def _after(self, _connection: object, _cursor: object, sql: str, *_: object) -> None:
        self._add(since(self._at))
        self._indexes = self._indexes or sql.startswith("INSERT INTO recording ")


def picture(number: int) -> bytes:
    """A small JPEG, another for each number."""
    codec = av.VideoCodecContext.create("mjpeg", "w")
    if not isinstance(codec, av.VideoCodecContext):
        raise TypeError("mjpeg is no coding of pictures")
    codec.width, codec.height, codec.pix_fmt = 64, 48, "yuvj420p"
    codec.framerate = Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 256, np.uint8), "rgb24")
    shown = frame.reformat(format="yuvj420p")
    data = b"".join(bytes(packet) for packet in [*codec.encode(shown), *codec.encode(None)])
    return data[:2] + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + data[2:]


# --- the report -----------------------------------------------------------------------------------


def report(found: list[tuple[int, list[Figures]]], engine: str) -> None:
    """The table, in Markdown."""
    print(f"{os.cpu_count()} cores ({platform.machine()}), {engine}:\n")
    print("| | recordings | p50 ms | p99 ms | p50 of processor | p99 of processor |")
    print("|---|---:|---:|---:|---:|---:|")
    for number in range(len(found[0][1])):
        for size, figures in found:
            each = figures[number]
            print(f"| {each.name} | {size:,} | {each.row()} |")


def tell(line: str) -> None:
    """Progress, beside the table."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
