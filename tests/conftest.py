"""What every room's tests may ask for: real camera files, Debian's programs, a real PostgreSQL.

A test that asks for a system program is marked ``service`` here, so no test marks itself. Where a
program is missing the test is skipped, except when ``CCTV_VAULT_REQUIRE_SERVICES`` is set (a full
``./test`` with every package in place sets it): then it fails, because a suite that silently left
itself out proves nothing. ``CCTV_VAULT_WITHOUT_SERVICES`` (``./test --quick`` sets it) leaves them
out even where they are.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from cctv_vault.database import Database
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.vault import Vault
from tests.shop import open_shop

# No deadlines: how long an example takes says something about the machine, not about the vault.
# In continuous integration the examples are the same in every run of the same code.
settings.register_profile(
    "vault",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("vault")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "program" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.service)


@pytest.fixture(autouse=True)
def _no_vault_of_the_person_at_the_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "KEYS", "USER", "TOKEN"):
        monkeypatch.delenv(f"CCTV_VAULT_{name}", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _media_workers_in_common() -> Iterator[None]:
    """Let all vaults of a test process use the same media workers, one for each niceness.

    A vault has six of its own, and starting one is dearer than most tests; the jobs, each in a
    process of its own, are the same ones. tests/media and the vaults that run as a program have
    workers of their own.
    """
    shared: dict[int, MediaSandbox] = {}

    def common(*, nice: int = 0) -> MediaSandbox:
        return shared.setdefault(nice, _Kept(nice=nice))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cctv_vault.vault.MediaSandbox", common)
        yield
    for each in shared.values():
        MediaSandbox.close(each)


class _Kept(MediaSandbox):
    """Outlives the vault that closes it."""

    def close(self) -> None:
        """Nothing: the last test is not over."""


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top folder of the clone."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def media(repository: Path) -> Path | None:
    """The folder of real camera files, or None where there is none: then draw some instead."""
    named = os.environ.get("CCTV_VAULT_MEDIA")
    folder = Path(named) if named else repository.parent / "shared" / "media"
    if named and not folder.is_dir():
        pytest.fail(f"CCTV_VAULT_MEDIA names no folder: {named}")
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], Path]:
    """Finds a system program: ``program("chromium", "chromium")`` gives its path.

    The second argument is the Debian package that brings it. A name with a slash is a pattern from
    the root; the last match wins, which of several versions is the newest.
    """

    def find(name: str, package: str) -> Path:
        if os.environ.get("CCTV_VAULT_WITHOUT_SERVICES"):
            pytest.skip(f"{name} is a system program, and those were left out by wish")
        if "/" in name:
            found = [str(path) for path in sorted(Path("/").glob(name.lstrip("/")))][-1:]
        else:
            search = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
            found = [path for path in (shutil.which(name, path=search),) if path]
        if found:
            return Path(found[0])
        missing = f"{name} is missing (Debian package {package})"
        if os.environ.get("CCTV_VAULT_REQUIRE_SERVICES"):
            pytest.fail(missing)
        pytest.skip(missing)

    return find


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


@pytest.fixture(scope="session")
def postgres_server(program: Callable[[str, str], Path]) -> Iterator[PostgresServer]:
    """Debian's PostgreSQL, started for this test process and removed with it."""
    postgres = program("/usr/lib/postgresql/*/bin/postgres", "postgresql")
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
        with _running(postgres, folder, user, password) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(
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


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, empty and gone afterwards."""
    with _database(postgres_server, "template1") as url:
        yield url


@pytest.fixture(scope="session")
def _with_tables(postgres_server: PostgresServer) -> str:
    """The name of a database with the newest tables: copying it is quicker than migrating."""
    name = "with_tables"
    postgres_server.administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(postgres_server.url(name))
    database.migrate()
    database.close()
    return name


@contextmanager
def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(8)}"
    server.administer(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    yield server.url(name)
    server.administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)],
)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Both engines in turn, as the settings name them: None for SQLite in the home."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres_server")
    with _database(server, request.getfixturevalue("_with_tables")) as url:
        yield url


@pytest.fixture
def vault(database_url: str | None, tmp_path: Path) -> Iterator[Vault]:
    """The shop's vault, once on each engine."""
    made = open_shop(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
def quick_vault(tmp_path: Path) -> Iterator[Vault]:
    """The shop's vault on SQLite alone, for what no database decides."""
    made = open_shop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """The drop folder of ``kassa``."""
    return tmp_path / "drop" / "kassa"
