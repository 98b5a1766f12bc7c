"""How long a sweep takes to make a million recordings unreadable, and how long it locks others out.

Lays a vault down with its index rows alone: purpose keys that are real and wrapped, recordings with
their grants as rows, and no ciphertext (removing files is the file system's work, told apart by
benchmarks of its own). Then it sweeps as the product does and says, step by step, how long it took
and how long each transaction held SQLite's one write lock. A second sweep, of a smaller vault, is
the everyday case.
"""

import argparse
import contextlib
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from cctv_vault.ids import long_id
from cctv_vault.people.actors import system_actor
from cctv_vault.schema import PurposeKey, table
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from storage.secret import SecretKey

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DUE = START + timedelta(days=20)
QUARTER = timedelta(minutes=15)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expired", type=int, default=1_000_000, help="recordings that are due")
    parser.add_argument("--keys", type=int, default=1_000, help="purpose keys they lie under")
    parser.add_argument("--surviving", type=int, default=50_000, help="purpose keys that stay")
    parser.add_argument("--folder", type=Path, help="where; a temporary folder if unset")
    parser.add_argument("--until-certified", action="store_true", help="leave rows where they are")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        vault = _vault(Path(folder) / "vault")
        try:
            began = time.perf_counter()
            _fill(vault, chosen.expired, chosen.keys, chosen.surviving)
            # What was laid down without waiting for the disk is not the sweep's to write.
            os.sync()
            print(f"laid down in {time.perf_counter() - began:.1f} s")
            vault.set_clock(system_actor(), DUE)
            _sweep(vault, stop_at="certified" if chosen.until_certified else None)
        finally:
            vault.close()


class _StopError(Exception):
    pass


def _sweep(vault: Vault, stop_at: str | None) -> None:
    steps: dict[str, tuple[float, float]] = {}

    def tell(step: str, _done: int, _total: int) -> None:
        steps[step] = time.perf_counter() - began[0], time.process_time() - began[1]
        if step == "certified":
            (view,) = vault.certificates.list(system_actor())
            size = len(vault.certificates.document(system_actor(), view.id))
            tell(f"its file ({size} bytes: statement, entries, proofs, signed checkpoint)", 1, 1)
        if step == stop_at:
            raise _StopError

    with _locks(vault) as held:
        began = time.perf_counter(), time.process_time()
        with contextlib.suppress(_StopError):
            report = vault.sweeper.run(system_actor(), progress=tell)
            print(f"{report.recordings} recordings, {report.keys_destroyed} keys")
    print(f"{'s':>9} {'s of CPU':>9}  after")
    for step, (wall, processor) in steps.items():
        print(f"{wall:9.3f} {processor:9.3f}  {step}")
    for name, times in (("", [x[0] for x in held]), (" of CPU", [x[1] for x in held])):
        times.sort()
        print(
            f"{len(times)} transactions held the write lock, ms{name}: median "
            f"{statistics.median(times) * 1000:.1f}, 99th percentile "
            f"{times[int(len(times) * 0.99)] * 1000:.1f}, longest {times[-1] * 1000:.1f}"
        )


@contextlib.contextmanager
def _locks(vault: Vault) -> Iterator[list[tuple[float, float]]]:
    """How long the write lock was held, each time, and how much of it was this process's work."""
    held: list[tuple[float, float]] = []
    database: Any = vault.database
    locked = database._one_writer  # noqa: SLF001 - the lock itself, which no service hands out

    @contextlib.contextmanager
    def timed() -> Iterator[None]:
        with locked():
            began, worked = time.perf_counter(), time.thread_time()
            try:
                yield
            finally:
                held.append((time.perf_counter() - began, time.thread_time() - worked))

    database._one_writer = timed  # noqa: SLF001
    try:
        yield held
    finally:
        database._one_writer = locked  # noqa: SLF001


# --- laying down ------------------------------------------------------------------------------


def _vault(home: Path) -> Vault:
    vault = Vault.create(
        Settings(home=home),
        "benchmark",
        controller="Butiken AB",
        zone="Europe/Stockholm",
        simulated_clock=START,
    )
    vault.register.add_camera(system_actor(), "kassa", drop=home.parent / "drop")
    return vault


def _fill(vault: Vault, expired: int, keys: int, surviving: int) -> None:
    """Rows alone, written past the product; every purpose key is real."""
    going = [("prevention", DUE - (keys - n) * QUARTER) for n in range(keys)]
    staying = [("prevention", DUE + (n + 1) * QUARTER) for n in range(surviving)]
    with vault.database.write() as session:
        keys_of = [_key(vault, code, at) for code, at in going + staying]
        session.execute(insert(table(PurposeKey)), keys_of)
    ids = [each["id"] for each in keys_of]
    path = str(vault.database.url).removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as index:
        index.execute("PRAGMA synchronous=OFF")
        shape = _recording(index)
        for first in range(0, expired, 50_000):
            numbers = range(first, min(first + 50_000, expired))
            made = [(n, long_id(), going[n % keys][1], ids[n % keys]) for n in numbers]
            _insert(index, "recording", [shape | _varied(one, end) for _n, one, end, _key in made])
            _insert(index, "recording_grant", [_grant(one, end, key) for _n, one, end, key in made])
            index.commit()
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _key(vault: Vault, purpose: str, expires: datetime) -> dict[str, Any]:
    key_id = long_id()
    return {
        "id": key_id,
        "slot": f"{purpose}/{expires:%Y-%m-%dT%H:%MZ}",
        "purpose": purpose,
        "expires_at": expires,
        "root_epoch": 1,
        "wrapped": vault.keyring._wrap_purpose(SecretKey.generate(), key_id, 1),  # noqa: SLF001
        "created_at": START,
        "retiring": False,
    }


def _recording(index: sqlite3.Connection) -> dict[str, Any]:
    """A row with something in every column that must have something."""
    shape: dict[str, Any] = {}
    for _n, name, kind, needed, _default, _key in index.execute("PRAGMA table_info(recording)"):
        if needed:
            shape[name] = {"BLOB": b"\0" * 32, "JSON": "[]"}.get(
                kind, "" if kind.startswith(("VARCHAR", "TEXT")) else 0
            )
    return shape | {"camera_code": "kassa", "kind": "video", "origin": "surveillance"}


def _varied(recording_id: str, end: datetime) -> dict[str, Any]:
    started = _stored(end - timedelta(days=5))
    return {
        "id": recording_id,
        "state": "kept",
        "started_at": started,
        "ended_at": started,
        "arrived_at": started,
        "sealed_at": started,
        "original_name": "kassa_20260302_080000.mp4",
        "sha256": secrets.token_bytes(32),
        "source_state": "removed",
    }


def _grant(recording_id: str, end: datetime, key: str) -> dict[str, Any]:
    return {
        "recording_id": recording_id,
        "purpose": "prevention",
        "purpose_key_id": key,
        # As long as a wrapped key; nothing of a sweep opens what is due.
        "wrapped_key": b"\x01" + SecretKey.generate().reveal() + b"\0" * 28,
        "since": _stored(end - timedelta(days=5)),
        "until": _stored(end),
        "reason": "72 h from the recording",
        "statute": "GDPR 6.1 f",
        "policy_version": 1,
    }


def _insert(index: sqlite3.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    index.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - names of columns
        [tuple(each.values()) for each in rows],
    )


def _stored(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


if __name__ == "__main__":
    main()
