"""A real PostgreSQL for tests: Debian's, on a folder of its own that goes with it."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql


@dataclass(frozen=True)
class PostgresServer:
    """A throw-away server on the loopback address, with a superuser ``vault``."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """The address of one of its databases, as SQLAlchemy reads it."""
        return f"{driver}://vault:{self.password}@127.0.0.1:{self.port}/{database}"

    def administer(self, statement: sql.SQL | sql.Composed) -> None:
        """Runs one statement outside a transaction."""
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(statement)

    def copy(self, template: str, name: str) -> None:
        """Makes a database as another is that nobody uses now."""
        self.administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """The address of a database like another, gone afterwards."""
        name = f"test_{secrets.token_hex(8)}"
        self.copy(template, name)
        yield self.url(name)
        self.administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running(postgres: Path) -> Iterator[PostgresServer]:
    """A server of that program, gone afterwards with all its databases."""
    # The server refuses to run as root, and the folders pytest makes are closed to anyone else.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="cctv-vault-postgres-"))
    password = secrets.token_hex(16)
    try:
        secret = folder / "password"
        secret.write_text(password)
        if user:
            shutil.chown(folder, user)
            shutil.chown(secret, user)
        subprocess.run(
            [
                *(postgres.with_name("initdb"), "--pgdata", folder / "data", "--username", "vault"),
                *("--auth", "scram-sha-256", "--pwfile", secret, "--no-sync"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8"),
            ],
            cwd=folder,
            user=user,
            check=True,
            capture_output=True,
        )
        with _started(postgres, folder, user, password) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(
    postgres: Path, folder: Path, user: str | None, password: str
) -> Iterator[PostgresServer]:
    """The server process of one data folder, on a port nobody else has."""
    # Between choosing a port and the server taking it another process may: then the next one.
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            server = PostgresServer(probe.getsockname()[1], password)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(postgres, "-D", folder / "data", "-p", str(server.port)),
                    *("-h", "127.0.0.1", "-k", folder, "-F"),
                ],
                cwd=folder,
                user=user,
                stdout=log,
                stderr=log,
            )
        try:
            if _answers(server, process):
                yield server
                return
        finally:
            # SIGINT ends the sessions that a failed test left open; SIGTERM would wait for them.
            process.send_signal(signal.SIGINT)
            process.wait()
    pytest.fail("PostgreSQL did not start:\n" + (folder / "log").read_text())


def _answers(server: PostgresServer, process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None:
        try:
            server.administer(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False
