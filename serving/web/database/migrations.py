"""Bring a service's tables to the version of its program, by Alembic.

A revision says its `phase`. `expand` adds, so that programs of the version before go on; `contract` removes what they use, and
comes once none of them serves. The table `migrations_run` says which have run, for a program that does not know the newest.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine

EXPAND: Final = "expand"
CONTRACT: Final = "contract"
RUN: Final = sa.Table(
    "migrations_run",
    sa.MetaData(),
    sa.Column("revision", sa.String(32), primary_key=True),
    # Empty for revisions that were made before phases were.
    sa.Column("phase", sa.String(8), nullable=False),
)


class MigrationError(Exception):
    """These tables are not for this program; the message says what to do."""


def _configuration(folder: Path) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(folder).replace("%", "%%"))
    return configuration


def _chain(folder: Path) -> list[Script]:
    """Return the revisions that the program knows, oldest first."""
    return list(ScriptDirectory.from_config(_configuration(folder)).walk_revisions())[::-1]


def _phase(script: Script) -> str:
    return str(getattr(script.module, "phase", ""))


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def run_migrations(
    engine: Engine, folder: Path, lock: int, revision: str = "head", *, down: bool = False, phase: str = "all"
) -> None:
    """Bring the tables up to a revision, or `down` to one (`base`: no tables).

    A migration happens whole or not at all. Running it again has no effect. `lock` is the service's number among
    PostgreSQL's advisory locks: if two programs migrate at once, the second waits and finds nothing to do. With the phase
    `expand`, tables that exist are only expanded. Raises MigrationError where these tables are not for this program.
    """
    configuration = _configuration(folder)
    postgresql = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})" if postgresql else "BEGIN IMMEDIATE")
        configuration.attributes["connection"] = connection
        chain = _chain(folder)
        target = revision if down else _target(connection, chain, revision, phase)
        if target is None:
            return
        (command.downgrade if down else command.upgrade)(configuration, target)
        _record(connection, chain)


def _target(connection: Connection, chain: list[Script], revision: str, phase: str) -> str | None:
    """Return up to which revision to go, None where nothing is to be done."""
    present, names = _present(connection), [script.revision for script in chain]
    if present is not None and present not in names:
        if _newer_tables_serve(connection, chain, present):
            return None
        raise MigrationError(
            f"The tables are of revision {present}, which this program does not know, and they may lack what it uses. "
            "Run the newer program, or restore a backup of before."
        )
    if revision != "head" or phase != EXPAND or present is None:
        return revision
    pending = chain[names.index(present) + 1 :]
    if unsaid := [script.revision for script in pending if not _phase(script)]:
        raise MigrationError(f"Revision {unsaid[0]} says no phase. Stop the service and run all migrations.")
    expanding = list(takewhile(lambda script: _phase(script) == EXPAND, pending))
    return expanding[-1].revision if expanding else None


def _newer_tables_serve(connection: Connection, chain: list[Script], present: str) -> bool:
    """Return whether a newer program's tables have all that this one uses."""
    if not sa.inspect(connection).has_table(RUN.name):
        return False
    run = {row.revision: row.phase for row in connection.execute(sa.select(RUN.c.revision, RUN.c.phase))}
    removed = {revision for revision, phase in run.items() if phase == CONTRACT}
    needed = {script.revision for script in chain if _phase(script) != CONTRACT}
    return present in run and needed <= set(run) and removed <= {script.revision for script in chain}


def _record(connection: Connection, chain: list[Script]) -> None:
    """Keep which revisions have run, with their phases."""
    present = _present(connection)
    if present is None:
        RUN.drop(connection, checkfirst=True)
        return
    RUN.create(connection, checkfirst=True)
    names = [script.revision for script in chain]
    run = chain[: names.index(present) + 1]
    connection.execute(sa.delete(RUN).where(RUN.c.revision.in_(names)))
    connection.execute(sa.insert(RUN), [{"revision": script.revision, "phase": _phase(script)} for script in run])


def has_needed_tables(engine: Engine, folder: Path) -> bool:
    """Return whether the tables have all that this program uses.

    They may still have what its own contract removes, and what a newer program has added.
    """
    chain = _chain(folder)
    names = [script.revision for script in chain]
    with engine.connect() as connection:
        present = _present(connection)
        if present is None:
            return False
        if present not in names:
            return _newer_tables_serve(connection, chain, present)
    return all(_phase(script) == CONTRACT for script in chain[names.index(present) + 1 :])
