"""The connection to the PostgreSQL database, and its migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from serving.reviews.database.errors import DatabaseError
from serving.web.database.migrations import MigrationError, has_needed_tables, run_migrations

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# The thread pool has 40 threads. A request that finds no connection for so long is answered with 503.
_POOL_SIZE: Final = 10
_POOL_OVERFLOW: Final = 20
_POOL_SECONDS: Final = 10
_MIGRATION_LOCK: Final = 7306

Transactions = sessionmaker[Session]


def open_database(url: str) -> Engine:
    """Return an engine for `postgresql+psycopg://...`.

    Raises DatabaseError for another address.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError("The database's address is not a URL. Give postgresql+psycopg://...") from None
    if parsed.drivername != "postgresql+psycopg":
        raise DatabaseError(
            f"Databases of type {parsed.drivername} are not supported. Give postgresql+psycopg://... instead."
        )
    return create_engine(
        parsed,
        # Errors are logged: they must not show the texts of a statement that failed.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_OVERFLOW,
        pool_timeout=_POOL_SECONDS,
        connect_args={"connect_timeout": 5},
    )


def transactions(engine: Engine) -> Transactions:
    """Return a factory of sessions.

    `with factory.begin() as database` commits at the end, or rolls back.
    """
    return sessionmaker(engine, expire_on_commit=False)


def migrate(engine: Engine, revision: str = "head", *, down: bool = False, phase: str = "all") -> None:
    """Bring the tables up to a revision, or `down` to one (`base`: no tables).

    Raises DatabaseError for tables that are not for this program.
    """
    try:
        run_migrations(engine, MIGRATIONS, _MIGRATION_LOCK, revision, down=down, phase=phase)
    except MigrationError as error:
        raise DatabaseError(str(error)) from error


def is_current(engine: Engine) -> bool:
    """Return whether the tables have all that this program uses."""
    return has_needed_tables(engine, MIGRATIONS)
