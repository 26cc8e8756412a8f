"""Two versions of a service over the same tables: which migrations run, and whether each version finds what it uses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect

from serving.web.database.migrations import MigrationError, has_needed_tables, run_migrations

ENVIRONMENT = """
from alembic import context
context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
"""
STEPS = {
    "1": ("", "op.create_table('films', sa.Column('id', sa.Integer), sa.Column('old', sa.Text))"),
    "2": ("expand", "op.add_column('films', sa.Column('new', sa.Text))"),
    "3": ("contract", "op.drop_column('films', 'old')"),
    "4": ("expand", "op.add_column('films', sa.Column('newest', sa.Text))"),
}


def version(folder: Path, *names: str) -> Path:
    """Return the migrations of a version that knows these revisions."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT, encoding="ascii")
    for before, name in zip((None, *names), names, strict=False):
        phase, change = STEPS[name]
        said = f"phase = {phase!r}\n" if phase else ""
        text = (
            f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {name!r}\ndown_revision = {before!r}\n{said}"
        )
        text += f"def upgrade():\n    {change}\ndef downgrade():\n    pass\n"
        (folder / "versions" / f"{name}.py").write_text(text, encoding="ascii")
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path / 'films.sqlite'}")
    yield made
    made.dispose()


def columns(engine: Engine) -> list[str]:
    return [column["name"] for column in inspect(engine).get_columns("films")]


def test_expanded_tables_serve_both_versions_and_contracted_ones_the_newer_alone(
    engine: Engine, tmp_path: Path
) -> None:
    old, new = version(tmp_path / "old", "1"), version(tmp_path / "new", "1", "2", "3")
    run_migrations(engine, old, 1)
    assert not has_needed_tables(engine, new)
    run_migrations(engine, new, 1, phase="expand")
    assert columns(engine) == ["id", "old", "new"]
    assert has_needed_tables(engine, old)
    assert has_needed_tables(engine, new)
    # The way back: the version before starts, and leaves the tables as they are.
    run_migrations(engine, old, 1)
    run_migrations(engine, old, 1, phase="expand")
    run_migrations(engine, new, 1, phase="all")
    assert columns(engine) == ["id", "new"]
    assert has_needed_tables(engine, new)
    assert not has_needed_tables(engine, old)
    with pytest.raises(MigrationError, match="revision 3, which this program does not know, and they may lack"):
        run_migrations(engine, old, 1)


def test_an_expansion_behind_a_contract_waits_with_it(engine: Engine, tmp_path: Path) -> None:
    run_migrations(engine, version(tmp_path / "old", "1", "2"), 1)
    new = version(tmp_path / "new", "1", "2", "3", "4")
    run_migrations(engine, new, 1, phase="expand")
    assert columns(engine) == ["id", "old", "new"]
    assert not has_needed_tables(engine, new)


def test_a_database_without_tables_gets_them_all(engine: Engine, tmp_path: Path) -> None:
    run_migrations(engine, version(tmp_path / "new", "1", "2", "3", "4"), 1, phase="expand")
    assert columns(engine) == ["id", "new", "newest"]


def test_tables_of_a_version_that_kept_no_phases_are_brought_up_and_remembered(engine: Engine, tmp_path: Path) -> None:
    old, new = version(tmp_path / "old", "1"), version(tmp_path / "new", "1", "2")
    run_migrations(engine, old, 1)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE migrations_run")
    run_migrations(engine, new, 1, phase="expand")
    assert has_needed_tables(engine, old)


def test_a_revision_without_phase_does_not_run_while_another_version_serves(engine: Engine, tmp_path: Path) -> None:
    new = version(tmp_path / "new", "1", "2")
    file = new / "versions" / "2.py"
    file.write_text(file.read_text(encoding="ascii").replace("phase = 'expand'\n", ""), encoding="ascii")
    run_migrations(engine, version(tmp_path / "old", "1"), 1)
    with pytest.raises(MigrationError, match="Revision 2 says no phase"):
        run_migrations(engine, new, 1, phase="expand")
    run_migrations(engine, new, 1)
    assert columns(engine) == ["id", "old", "new"]
