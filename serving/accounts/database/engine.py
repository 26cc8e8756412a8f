"""The connection to the database, and its migrations.

The platform has PostgreSQL; SQLite is the default where no database is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session as DatabaseSession
from sqlalchemy.orm import sessionmaker

from serving.accounts.database.errors import AccountsError
from serving.web.database.migrations import MigrationError, has_needed_tables, run_migrations

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_MIGRATION_LOCK: Final = 7305

Transactions = sessionmaker[DatabaseSession]


def open_database(url: str) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql+psycopg://...`.

    Raises AccountsError for another address.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise AccountsError(
            "The database's address is not a URL. Give sqlite:///path or postgresql+psycopg://..."
        ) from None
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise AccountsError(
            f"Databases of type {backend} are not supported. Give sqlite:///path or postgresql+psycopg://..."
        )
    # Errors are logged: they must not show names and digests of a statement that failed.
    engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=backend == "postgresql")
    if backend == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # Writers wait for each other, readers do not wait. Foreign keys are off by default.
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def transactions(engine: Engine) -> Transactions:
    """Return a factory of sessions.

    `with factory.begin() as database` commits at the end, or rolls back.
    """
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that reads one state, whatever commits meanwhile."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
    else:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection


def migrate(engine: Engine, revision: str = "head", *, down: bool = False, phase: str = "all") -> None:
    """Bring the tables up to a revision, or `down` to one (`base`: no tables).

    Raises AccountsError for tables that are not for this program.
    """
    try:
        run_migrations(engine, MIGRATIONS, _MIGRATION_LOCK, revision, down=down, phase=phase)
    except MigrationError as error:
        raise AccountsError(str(error)) from error


def is_current(engine: Engine) -> bool:
    """Return whether the tables have all that this program uses."""
    return has_needed_tables(engine, MIGRATIONS)
