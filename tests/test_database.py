"""Transactions, locks and migrations, on both engines."""

import inspect
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from cctv_vault.database import Database
from cctv_vault.errors import ConfigError, DamagedError, IntakeStoppedError
from cctv_vault.schema import RefusalTally
from cctv_vault.views import parse_time

NOW = parse_time("2026-03-02T08:00:00Z", "")


@pytest.fixture(autouse=True)
def _really_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere new tables are a copy of what the migrations made once."""
    monkeypatch.setattr(Database, "_migrate", inspect.unwrap(Database._migrate))


@pytest.fixture
def database(tmp_path: Path, database_url: str | None) -> Iterator[Database]:
    made = Database(database_url or f"sqlite:///{tmp_path}/index.db")
    made.migrate()
    yield made
    made.close()


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM refusal_tally")).scalar_one())


def tally(key: str) -> RefusalTally:
    return RefusalTally(key=key, entered_at=NOW, uncounted=0)


def test_the_migrations_lead_to_exactly_the_tables_of_the_schema(database: Database) -> None:
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)

    assert differences == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()

    assert count(database) == 0


def test_what_fails_leaves_nothing_and_what_ends_stays(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.add(tally("lost"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write() as session:
        session.add(tally("kept"))

    with database.read() as session:
        assert session.get(RefusalTally, "kept") is not None
        assert session.get(RefusalTally, "lost") is None


def test_a_read_sees_one_moment_however_long_it_lasts(database: Database) -> None:
    with database.read() as session:
        before = session.execute(text("SELECT count(*) FROM refusal_tally")).scalar_one()
        with database.write() as writing:
            writing.add(tally("later"))
        after = session.execute(text("SELECT count(*) FROM refusal_tally")).scalar_one()

    assert (before, after, count(database)) == (0, 0, 1)


def test_two_who_decide_about_one_camera_take_turns(database: Database) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        with database.write(["entre", "kassa"]):
            order.append("second")

    thread = threading.Thread(target=second)
    with database.write(["kassa"]):
        thread.start()
        inside.wait(0.3)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


def test_locks_taken_in_any_order_never_block_each_other_for_good(database: Database) -> None:
    def work(codes: list[str]) -> None:
        for _ in range(20):
            with database.write(codes) as session:
                session.execute(text("SELECT 1"))

    threads = [
        threading.Thread(target=work, args=(codes,))
        for codes in (["a", "b", "c"], ["c", "b", "a"], ["b", "a"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)


def test_sqlite_syncs_at_every_commit_and_zeroes_what_it_frees(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/index.db")
    database.migrate()
    with database.write() as session:
        assert session.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert session.execute(text("PRAGMA secure_delete")).scalar_one() == 1
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    with database.write() as session:
        session.add(tally("a-needle-to-look-for"))
    with database.write() as session:
        session.execute(text("DELETE FROM refusal_tally"))

    database.scrub_free_pages()

    files = [each.read_bytes() for each in tmp_path.iterdir()]
    assert not any(b"a-needle-to-look-for" in content for content in files)
    database.close()


def test_a_writer_that_met_a_failing_medium_begins_anew(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/index.db")
    database.migrate()

    def fail() -> None:
        with database.write() as session:
            session.execute(text("PRAGMA query_only=ON"))
            session.add(tally("lost"))

    with pytest.raises(IntakeStoppedError, match="readonly"):
        fail()
    with database.write() as session:
        session.add(tally("kept"))

    assert count(database) == 1
    database.close()


def test_who_writes_waits_for_others_as_long_after_a_scrub_as_before(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/index.db")
    database.migrate()
    waits = []
    for _ in range(2):
        with database.write() as session:
            waits.append(session.execute(text("PRAGMA busy_timeout")).scalar_one())
        database.scrub_free_pages()

    assert waits == [60_000, 60_000]
    database.close()


def test_a_file_that_is_no_database_is_named_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"not a database at all, " * 100)
    database = Database(f"sqlite:///{tmp_path}/index.db")

    with pytest.raises(DamagedError, match="restore it from a backup"):
        database.migrate()

    database.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ConfigError, match="SQLite or PostgreSQL"):
        Database("mysql://user:secret@localhost/vault")
