"""Connections, transactions and locks of the index, on SQLite and PostgreSQL alike.

Owns how a transaction begins and who may write when. SQLite has one writer at a time, across
processes, by a lock file: version 3.40.1 has a bug where two connections checkpoint at once
(fixed in 3.51.3). On PostgreSQL a writer takes the advisory locks of the cameras it decides
about, in their order, before it reads.
"""

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from cctv_vault.errors import ConfigError, DamagedError, IntakeStoppedError

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_LOCK_SPACE: Final = b"cctv-vault/camera/"
_MIGRATION_LOCK: Final = 0x6363_7476
_WAIT_S: Final = 60
_SCRUB_TRIES: Final = 5
_SCRUB_PAUSE_S: Final = 0.1
_SCRUB_WAIT_MS: Final = 20


class Database:
    """The index of one vault."""

    def __init__(self, url: str) -> None:
        """``url`` is an SQLAlchemy URL: ``sqlite:////path`` or ``postgresql+psycopg://…``."""
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend not in {"sqlite", "postgresql"}:
            raise ConfigError(f"the database must be SQLite or PostgreSQL, not {backend}")
        self.url = url
        self.dialect: Literal["sqlite", "postgresql"] = (
            "sqlite" if backend == "sqlite" else "postgresql"
        )
        self._mutex = threading.Lock()
        self._lock_path: Path | None = None
        if self.dialect == "sqlite":
            if not parsed.database:
                raise ConfigError("the SQLite database must be a file")
            self._lock_path = Path(parsed.database + ".lock")
            # Both keep connections: a new one reads the whole schema before its first statement.
            self._writer = create_engine(url, pool_size=1, connect_args={"timeout": _WAIT_S})
            self._reader = create_engine(url, connect_args={"timeout": _WAIT_S})
            _prepare_sqlite(self._writer, begin="BEGIN IMMEDIATE", checkpoints=True)
            _prepare_sqlite(self._reader, begin="BEGIN", checkpoints=False)
        else:
            self._writer = create_engine(url, pool_pre_ping=True)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")
            event.listen(self._writer, "connect", _prepare_postgresql)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One snapshot of the index; nothing done in it is kept."""
        with _database_errors(), Session(self._reader, expire_on_commit=False) as session:
            yield session  # closing gives the transaction up and leaves what was read usable

    @contextmanager
    def write(self, cameras: Iterable[str] = ()) -> Iterator[Session]:
        """A transaction that commits at the end and rolls back on any error.

        ``cameras`` are the codes whose footage, holds or clock the body decides about: their
        locks are taken before anything is read, so that no interleaving leaves a held window
        without its grant. Not re-entrant.
        """
        wanted = sorted(set(cameras))
        with (
            self._one_writer(),
            _database_errors(),
            Session(self._writer, expire_on_commit=False) as session,
        ):
            if self.dialect == "postgresql":
                for code in wanted:
                    session.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(code)}
                    )
            try:
                yield session
                session.commit()
            except OperationalError:
                # Of a medium that failed, or was read-only, a new connection tells how it is now.
                session.invalidate()
                raise

    def migrate(self) -> None:
        """Bring the tables to the newest form; forward only."""
        with _database_errors():
            if not self._is_newest():
                self._migrate()

    def _is_newest(self) -> bool:
        newest = max(each.stem.partition("_")[0] for each in _MIGRATIONS.glob("versions/*.py"))
        with self._reader.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            held = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if held is not None and held > newest:
            raise ConfigError(
                f"the index was written by a newer version of the product (its tables are {held}, "
                f"this knows {newest}); run that version"
            )
        return bool(held == newest)

    def _migrate(self) -> None:
        # Alembic takes longer to load than most commands to run, and is seldom needed.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._one_writer(), self._writer.connect() as connection:
            if self.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
                connection.commit()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
                connection.commit()
            finally:
                if self.dialect == "postgresql":
                    connection.execute(
                        text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK}
                    )
                    connection.commit()

    def scrub_free_pages(self) -> None:
        """Overwrite what deleted rows left behind: truncate SQLite's WAL after a checkpoint.

        ``secure_delete`` zeroes freed pages; the WAL still holds their old images until it is
        truncated. On PostgreSQL dead rows stay until vacuum; they open nothing, because the
        root they were wrapped under is destroyed.

        Nobody writes while SQLite waits for a reader with an older snapshot to end, so it waits
        briefly, a few times. Where one reads on, the next sweep truncates: until then the WAL may
        hold keys as they were wrapped under a root that is destroyed.
        """
        if self.dialect == "sqlite" and not self._truncate_wal():
            for _ in range(_SCRUB_TRIES):
                time.sleep(_SCRUB_PAUSE_S)
                if self._truncate_wal():
                    break

    def _truncate_wal(self) -> bool:
        """Whether no reader was in the way."""
        with self._one_writer(), self._writer.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is None:
                return False
            raw.execute(f"PRAGMA busy_timeout={_SCRUB_WAIT_MS}").fetchall()
            try:
                ((busy, *_),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                raw.execute(f"PRAGMA busy_timeout={_WAIT_S * 1000}").fetchall()
            return not busy

    def close(self) -> None:
        """Give back all connections."""
        with self._one_writer():
            self._reader.dispose()
            self._writer.dispose()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self._lock_path is None:
            yield
            return
        with self._mutex:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)


def _lock_key(code: str) -> int:
    digest = hashlib.sha256(_LOCK_SPACE + code.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _prepare_sqlite(engine: Engine, *, begin: str, checkpoints: bool) -> None:
    def connect(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's
        connection.isolation_level = None  # SQLAlchemy's own BEGIN, below, not the driver's
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL does not sync at commit
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={1000 if checkpoints else 0}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin_transaction)


def _prepare_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


@contextmanager
def _database_errors() -> Iterator[None]:
    """Translate the driver's errors at the border, without the statement's values."""
    try:
        yield
    except OperationalError as error:
        words = str(error.orig).splitlines()[0] if error.orig else "no reason given"
        if any(sign in words for sign in ("full", "readonly", "read-only", "No space", "disk I/O")):
            raise IntakeStoppedError(
                f"the index cannot be written ({words}); mend the disk; nothing is lost"
            ) from None
        raise ConfigError(f"the index cannot be reached or used: {words}") from None
    except DatabaseError as error:
        words = str(error.orig).splitlines()[0] if error.orig else ""
        if "malformed" in words or "not a database" in words:
            raise DamagedError(
                f"the index is damaged ({words}); restore it from a backup"
            ) from None
        raise
