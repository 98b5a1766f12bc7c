"""What every room's tests may ask for: real camera files, Debian's programs, a real PostgreSQL.

A test that asks for a system program is marked ``service`` here, so no test marks itself. Where a
program is missing the test is skipped, except when ``CCTV_VAULT_REQUIRE_SERVICES`` is set (a full
``./test`` with every package in place sets it): then it fails, because a suite that silently left
itself out proves nothing. ``CCTV_VAULT_WITHOUT_SERVICES`` (``./test --quick`` sets it) leaves them
out even where they are.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial, wraps
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import Dialect, Engine, create_engine, event, inspect, make_url

from cctv_vault.database import Database
from cctv_vault.disclosure.codes import CodeHasher
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.credentials import Credentials
from cctv_vault.vault import Vault
from tests.postgres import PostgresServer, running
from tests.shop import ENGINES, Furnish, Lay, open_shop

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
def _statements_compiled_once() -> Iterator[None]:
    """Let every index use what one before it made of a statement.

    SQLAlchemy turns statements into SQL once for each engine, and every vault here has new ones:
    that is a good part of what a test takes. What is compiled is kept by dialect, so the engines
    share that, too, from the first that has connected and so knows its database.
    """
    known = dict[str, tuple[Dialect, Any]]()

    def alike(url: str, **options: object) -> Engine:
        engine = create_engine(url, **options)
        name = engine.dialect.name
        if name in known:
            engine.dialect, engine._compiled_cache = known[name]
        else:
            compiled = engine.dialect, engine._compiled_cache
            event.listen(engine, "connect", lambda *_: known.setdefault(name, compiled))
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cctv_vault.database.create_engine", alike)
        yield


@pytest.fixture(scope="session", autouse=True)
def _tables_made_once(
    _statements_compiled_once: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let every new index on SQLite be a copy of one that the migrations made.

    tests/test_database.py has the migrations themselves, as what is wrapped here.
    """
    original = Database(f"sqlite:///{tmp_path_factory.mktemp('tables')}/index.db")
    original.migrate()
    original.close()
    migrate = Database._migrate

    @wraps(migrate)
    def copied(index: Database) -> None:
        with index.read() as session:
            is_new = not inspect(session.connection()).get_table_names()
        if index.dialect != "sqlite" or not is_new:
            migrate(index)
            return
        with (
            closing(connect(_file_of(original))) as source,
            closing(connect(_file_of(index))) as target,
        ):
            source.backup(target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_migrate", copied)
        yield


@pytest.fixture(scope="session", autouse=True)
def _codes_hashed_quickly() -> Iterator[None]:
    """Let vaults hash codes and credentials at little cost: the real one is dearer than most acts.

    What it is stands in tests/people/test_credentials.py and tests/disclosure/test_codes.py.
    """
    with pytest.MonkeyPatch.context() as patch:
        for room in ("casefiles", "desk", "letters"):
            patch.setattr(f"cctv_vault.disclosure.{room}.CodeHasher", _QuickCodes)
        patch.setattr("cctv_vault.people.service.Credentials", partial(Credentials, memory_kib=64))
        yield


class _QuickCodes(CodeHasher):
    def __init__(self) -> None:
        super().__init__()
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


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


def _file_of(index: Database) -> str:
    return make_url(index.url).database or ""


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


@pytest.fixture(scope="session")
def postgres_server(program: Callable[[str, str], Path]) -> Iterator[PostgresServer]:
    """Debian's PostgreSQL, started for this test process and removed with it."""
    with running(program("/usr/lib/postgresql/*/bin/postgres", "postgresql")) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, empty and gone afterwards."""
    with postgres_server.database("template1") as url:
        yield url


@pytest.fixture(scope="session")
def with_tables(postgres_server: PostgresServer) -> str:
    """The name of a database with the newest tables: copying it is quicker than migrating."""
    name = "with_tables"
    postgres_server.copy("template1", name)
    database = Database(postgres_server.url(name))
    database.migrate()
    database.close()
    return name


@pytest.fixture(scope="session")
def lay(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lay:
    """Lays a furnished vault into a folder and gives its database's address.

    It is furnished once on each engine, by the function given, and copied: what its cameras' rows
    say of drop folders is where it was first.
    """
    furnished: dict[tuple[Furnish, str], tuple[Path, str | None]] = {}

    def original(furnish: Furnish, engine: str) -> tuple[Path, str | None]:
        folder, name, url = tmp_path_factory.mktemp("furnished"), None, None
        if engine == "postgresql":
            server = request.getfixturevalue("postgres_server")
            name = f"furnished_{len(furnished)}"
            server.copy(request.getfixturevalue("with_tables"), name)
            url = server.url(name)
        furnish(folder, url).close()
        return folder, name

    @contextmanager
    def laid(furnish: Furnish, engine: str, folder: Path) -> Iterator[str | None]:
        if (furnish, engine) not in furnished:
            furnished[furnish, engine] = original(furnish, engine)
        source, name = furnished[furnish, engine]
        for each in ("home", "keys"):
            shutil.copytree(source / each, folder / each)
        if name is None:
            yield None
            return
        with request.getfixturevalue("postgres_server").database(name) as url:
            yield url

    return laid


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Both engines in turn, as the settings name them: None for SQLite in the home."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgres_server")
    with server.database(request.getfixturevalue("with_tables")) as url:
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
