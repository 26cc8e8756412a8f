"""Migrations, ids and the change clock, on SQLite and on a real PostgreSQL."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, delete, inspect, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions, is_current, migrate, open_database, transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import Base, Rating, User
from serving.accounts.domain.ratings import rate
from serving.accounts.domain.registration import delete_account, register
from serving.accounts.export import export_ratings
from serving.web.database.migrations import RUN
from serving.web.problems import ProblemError

from ..conftest import FIRST_USER, PASSWORD, on_both_databases

TABLES = {
    "alembic_version",
    "migrations_run",
    "catalogue_load",
    "change_clock",
    "clients",
    "idempotency_keys",
    "movies",
    "ratings",
    "refresh_tokens",
    "sessions",
    "sign_in_attempts",
    "users",
}


@on_both_databases
def test_migrations_go_up_down_and_up_again(database_url: str) -> None:
    engine = open_database(database_url)
    assert not is_current(engine)
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == TABLES
    assert is_current(engine)
    migrate(engine)
    migrate(engine, "base", down=True)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert not is_current(engine)
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == TABLES
    engine.dispose()


@on_both_databases
def test_an_error_that_is_logged_does_not_show_what_its_statement_was_about(database_url: str) -> None:
    engine = open_database(database_url)
    for statement in ("SELECT :name FROM no_such_table", "INSERT INTO no_such_table VALUES (:name)"):
        with engine.connect() as connection, pytest.raises(SQLAlchemyError) as raised:
            connection.execute(text(statement), {"name": "Ada Zwetschge"})
        assert "Ada Zwetschge" not in str(raised.value)
        assert "hide_parameters" in str(raised.value)
    engine.dispose()


@on_both_databases
def test_a_movie_added_before_its_moment_was_kept_stays_in_every_export_and_going_back_keeps_ratings(
    database_url: str, tmp_path: Path
) -> None:
    engine = open_database(database_url)
    migrate(engine, "0001")
    with engine.begin() as connection:
        for movie_id in (5, 1_000_000_001):
            connection.exec_driver_sql(
                "INSERT INTO movies (movie_id, title, genres, search_text, edited) "
                f"VALUES ({movie_id}, 'Kettles', '', 'kettles', true)"
            )
        connection.exec_driver_sql(
            "INSERT INTO users (user_id, name, name_key, password_hash, role, created_at) "
            "VALUES (1000000001, 'Ada', 'ada', '-', 'user', 1)"
        )
        connection.exec_driver_sql("INSERT INTO ratings VALUES (1000000001, 1000000001, 9, 1, 1)")
    migrate(engine)
    export_ratings(database_url, tmp_path, "19700102T000000")
    exported = (tmp_path / "19700102T000000" / "movies.csv").read_text(encoding="utf-8")
    assert exported == "movieId,title,genres\n1000000001,Kettles,(no genres listed)\n"
    migrate(engine, "0001", down=True)
    assert "created_at" not in {column["name"] for column in inspect(engine).get_columns("movies")}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ratings").scalar() == 1
    engine.dispose()


@on_both_databases
def test_a_catalogue_loaded_before_popularity_was_kept_is_loaded_again_and_an_export_stays(database_url: str) -> None:
    engine = open_database(database_url)
    for source, kept in (("20261123T190000", []), ("exports/movies", ["exports/movies"])):
        migrate(engine, "0002")
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM catalogue_load")
            connection.exec_driver_sql(f"INSERT INTO catalogue_load VALUES (1, '{source}', 1, 1)")
            connection.exec_driver_sql("DELETE FROM movies")
            connection.exec_driver_sql(
                "INSERT INTO movies (movie_id, title, genres, search_text, edited) VALUES (5, 'Kettles', '', 'x', false)"
            )
        migrate(engine)
        with engine.connect() as connection:
            assert list(connection.exec_driver_sql("SELECT source FROM catalogue_load").scalars()) == kept
            assert connection.exec_driver_sql("SELECT popularity FROM movies").scalar() == 0
        migrate(engine, "0002", down=True)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT search_text FROM movies").scalar() == "kettles"
    engine.dispose()


@on_both_databases
def test_accounts_of_before_keep_their_names_and_the_oldest_of_those_that_read_alike_stands_for_them(
    database_url: str,
) -> None:
    names = ["Ada", "A\u200dda", "\u0410da", "Bob", "\u3164\u3164\u3164", "\u115f\u1160\u200b"]
    engine = open_database(database_url)
    migrate(engine, "0002")
    with engine.begin() as connection:
        for user_id, name in enumerate(names, FIRST_USER):
            connection.execute(
                text(
                    "INSERT INTO users (user_id, name, name_key, password_hash, role, created_at) "
                    "VALUES (:id, :name, :key, '-', 'user', 1)"
                ),
                {"id": user_id, "name": name, "key": name.casefold()},
            )
    migrate(engine)
    factory = transactions(engine)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT name, name_key, name_skeleton FROM users ORDER BY user_id").all()
    assert [name for name, _, _ in kept] == names
    assert [key for _, key, _ in kept] == [name.casefold() for name in names]
    assert [form for _, _, form in kept] == ["ada", None, None, "bob", "", None]
    # Nobody gets a third name that reads so.
    with pytest.raises(ProblemError) as refused:
        register(factory, "\u0410d\u0430", PASSWORD)
    assert refused.value.kind.name == "name-taken"
    migrate(engine, "0002", down=True)
    assert "name_skeleton" not in {column["name"] for column in inspect(engine).get_columns("users")}
    engine.dispose()


@on_both_databases
def test_the_migrated_tables_are_those_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert [change for change in compare_metadata(context, Base.metadata) if change[1].name != RUN.name] == []


@on_both_databases
def test_two_programs_that_migrate_at_once_both_succeed(database_url: str) -> None:
    engine = open_database(database_url)
    with ThreadPoolExecutor(4) as pool:
        # A failure of one comes out of its result.
        assert [migrating.result() for migrating in [pool.submit(migrate, engine) for _ in range(4)]] == [None] * 4
    assert is_current(engine)
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER)"))
    with pytest.raises(Exception, match="table users already exists"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["users"]
    engine.dispose()


@on_both_databases
def test_ids_begin_above_those_of_movielens_and_are_never_given_twice(factory: Transactions) -> None:
    assert [register(factory, name, PASSWORD).user_id for name in ("Ada", "Bob")] == [FIRST_USER, FIRST_USER + 1]
    delete_account(factory, FIRST_USER + 1)
    assert register(factory, "Bob", PASSWORD).user_id == FIRST_USER + 2


@on_both_databases
def test_an_id_of_movielens_can_not_be_a_users(factory: Transactions) -> None:
    with pytest.raises(IntegrityError), factory.begin() as database:
        database.add(User(user_id=671, name="Eve", name_key="eve", password_hash="-", role="user", created_at=0))


@on_both_databases
def test_the_database_itself_refuses_a_rating_off_the_grid(factory: Transactions) -> None:
    user = register(factory, "Ada", PASSWORD)
    for half_stars in (0, 11):
        with pytest.raises(IntegrityError), factory.begin() as database:
            database.add(
                Rating(user_id=user.user_id, movie_id=1, half_stars=half_stars, rated_at=0, change=half_stars + 1)
            )


@on_both_databases
def test_deleting_a_user_deletes_the_ratings(factory: Transactions) -> None:
    user = register(factory, "Ada", PASSWORD)
    rate(factory, user.user_id, 1, 9)
    with factory.begin() as database:
        database.execute(delete(User))
    with factory() as database:
        assert database.query(Rating).count() == 0


@on_both_databases
def test_changes_that_come_at_once_are_numbered_in_the_order_of_their_commits(factory: Transactions) -> None:
    user = register(factory, "Ada", PASSWORD)
    numbers: list[int] = []

    def change() -> None:
        for movie_id in range(1, 7):
            rating, _ = rate(factory, user.user_id, movie_id, 1 + (threading.get_native_id() + movie_id) % 10)
            numbers.append(rating.change)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with factory.begin() as database:
        last = next_change(database).number
        kept = [rating.change for rating in database.query(Rating)]
    assert len(kept) == 6
    assert set(kept) <= set(numbers)
    assert last == max(numbers) + 1


@on_both_databases
def test_a_change_that_does_not_commit_leaves_no_gap(factory: Transactions) -> None:
    with factory.begin() as database:
        assert next_change(database).number == 1
    with factory() as database:
        assert next_change(database).number == 2
        database.rollback()
    with factory.begin() as database:
        assert next_change(database).number == 2


@on_both_databases
def test_the_moment_of_changes_never_goes_back(factory: Transactions, monkeypatch: pytest.MonkeyPatch) -> None:
    for clock, moment in (
        (1_700_000_000, 1_700_000_000),
        (1_600_000_000, 1_700_000_000),
        (1_700_000_005, 1_700_000_005),
    ):
        monkeypatch.setattr("serving.accounts.database.changes.now", lambda clock=clock: clock)
        with factory.begin() as database:
            assert next_change(database).moment == moment


@pytest.mark.parametrize(
    ("url", "message"),
    [("nonsense", "is not a URL"), ("mysql://localhost/x", "Databases of type mysql are not supported")],
)
def test_another_database_is_refused(url: str, message: str) -> None:
    with pytest.raises(AccountsError, match=message):
        open_database(url)


def test_sqlite_waits_for_other_writers_and_knows_foreign_keys(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10000
    engine.dispose()
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
