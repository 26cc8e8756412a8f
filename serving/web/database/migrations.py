"""Bring a service's tables to the version of its program, by Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def _configuration(folder: Path) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(folder).replace("%", "%%"))
    return configuration


def run_migrations(engine: Engine, folder: Path, lock: int, revision: str = "head", *, down: bool = False) -> None:
    """Bring the tables up to a revision, or `down` to one (`base`: no tables).

    A migration happens whole or not at all. Running it again has no effect. `lock` is the service's number among
    PostgreSQL's advisory locks: if two programs migrate at once, the second waits and finds nothing to do.
    """
    configuration = _configuration(folder)
    postgresql = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})" if postgresql else "BEGIN IMMEDIATE")
        configuration.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(configuration, revision)


def has_newest_revision(engine: Engine, folder: Path) -> bool:
    """Return whether the tables are those of the newest migration in a folder."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(_configuration(folder)).get_current_head()
