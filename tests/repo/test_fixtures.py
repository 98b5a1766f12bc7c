"""The shared fixtures themselves: what other rooms' evidence stands on."""

import psycopg


def test_each_test_gets_an_empty_postgresql_database_of_its_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
        connection.execute("CREATE TABLE left_behind (id int)")

    assert row == (0,)


def test_what_a_test_left_behind_is_gone_for_the_next(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT to_regclass('left_behind')").fetchone()

    assert row == (None,)
