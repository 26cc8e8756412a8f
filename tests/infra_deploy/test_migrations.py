"""Which migrations may run while the version before serves: read from their files."""

from pathlib import Path

import pytest

from infra.deploy.environments.migrations import VERSIONS, check_migrations, faults, faults_of_expand, revisions
from infra.release.errors import ReleaseError

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = VERSIONS.replace("*", "accounts")
COLUMN = "op.add_column('users', sa.Column('shoe', sa.Integer(){}))"


def revision(release: Path, name: str, phase: str | None, change: str = "pass", after: str | None = None) -> Path:
    """Write a revision and return its version's folder."""
    folder = release / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    said = f"phase = {phase!r}\n" if phase else ""
    text = f"revision = {name!r}\ndown_revision = {after!r}\n{said}def upgrade():\n    {change}\n"
    text += "def downgrade():\n    op.drop_column('users', 'shoe')\n"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return release


def two(tmp_path: Path, change: str, phase: str | None = "expand") -> list[str]:
    """Return the faults of a version that adds one revision to the live one."""
    live, new = revision(tmp_path / "live", "1", None), revision(tmp_path / "new", "1", None)
    return faults(revision(new, "2", phase, change, "1"), live)


@pytest.mark.parametrize(
    "change",
    [
        "op.drop_column('users', 'name')",
        "op.drop_table('ratings')",
        "op.drop_constraint('uq', 'users')",
        "op.drop_index('ix', 'users')",
        "op.rename_table('users', 'people')",
        "op.alter_column('users', 'name', nullable=False)",
        "op.alter_column('users', 'name', new_column_name='called')",
        "with op.batch_alter_table('users') as batch: batch.drop_column('name')",
        "op.create_unique_constraint('uq', 'users', ['name'])",
        "op.create_check_constraint('ck', 'users', 'name <> 1')",
        "op.create_foreign_key('fk', 'ratings', 'movies', ['a'], ['b'])",
        "op.create_index('ix', 'users', ['name'], unique=True)",
        COLUMN.format(", nullable=False"),
        COLUMN.format(", primary_key=True"),
        "op.add_column('users', column)",
        "op.execute('DROP TABLE users')",
        "op.execute('alter table users drop column name')",
        "op.execute(sa.text('TRUNCATE users'))",
        "op.execute('DELETE FROM users')",
        "op.execute('CREATE UNIQUE INDEX x ON users (name)')",
        "op.execute(f'DROP {thing}')",
        "op.execute(sa.delete(users))",
        "op.get_bind().exec_driver_sql('DROP TABLE users')",
        "getattr(op, 'drop_' + 'table')('users')",
    ],
)
def test_what_the_version_before_would_notice_is_refused(tmp_path: Path, change: str) -> None:
    (fault,) = two(tmp_path, change)[:1]
    assert fault.startswith("accounts: 2.py is not backward compatible: line 5: ")


@pytest.mark.parametrize(
    "change",
    [
        COLUMN.format(""),
        COLUMN.format(", nullable=True"),
        COLUMN.format(", nullable=False, server_default='0'"),
        "op.create_index('ix', 'users', ['name'])",
        "op.create_table('new', sa.Column('id', sa.Integer(), nullable=False)); "
        "op.create_unique_constraint('uq', 'new', ['id']); op.create_index('ix', 'new', ['id'], unique=True)",
        "op.execute('UPDATE users SET shoe = 1')",
        "op.execute(sa.update(users).values(shoe=1))",
        "op.execute('INSERT INTO new VALUES (1)')",
    ],
)
def test_what_only_adds_is_taken(tmp_path: Path, change: str) -> None:
    assert two(tmp_path, change) == []


def test_a_contract_may_remove(tmp_path: Path) -> None:
    assert two(tmp_path, "op.drop_column('users', 'name')", "contract") == []


@pytest.mark.parametrize("phase", [None, "both", ""])
def test_a_revision_without_a_phase_is_refused(tmp_path: Path, phase: str | None) -> None:
    (fault,) = two(tmp_path, "pass", phase)
    assert fault.startswith("accounts: 2.py says no phase.")


def test_an_expansion_after_a_contract_of_the_same_version_is_refused(tmp_path: Path) -> None:
    live, new = revision(tmp_path / "live", "1", None), revision(tmp_path / "new", "1", None)
    revision(new, "2", "contract", after="1")
    revision(new, "3", "expand", after="2")
    with pytest.raises(ReleaseError, match=r"3\.py expands after 2\.py.* Deploy a version that ends with 2\.py first"):
        check_migrations(new, live)
    check_migrations(revision(tmp_path / "other", "2", "expand"), None)


def test_there_is_no_way_back_over_a_contract_and_one_over_an_expansion(tmp_path: Path) -> None:
    old, live = revision(tmp_path / "old", "1", None), revision(tmp_path / "live", "1", None)
    revision(live, "2", "expand", after="1")
    check_migrations(old, live)
    revision(live, "3", "contract", after="2")
    with pytest.raises(ReleaseError, match=r"3\.py has removed what this version uses"):
        check_migrations(old, live)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def", "is no Python"),
        ("x = 1", "does not say which revision it is"),
        ("revision = '2'\ndown_revision = None", "follow the same one"),
        ("revision = '2'\ndown_revision = '9'", "follow none that is there"),
    ],
)
def test_a_file_that_is_no_chain_of_revisions_is_named(tmp_path: Path, text: str, why: str) -> None:
    release = revision(tmp_path, "1", None)
    (release / FOLDER / "2.py").write_text(text, encoding="ascii")
    with pytest.raises(ReleaseError, match=why):
        revisions(release / FOLDER)


def test_this_repositorys_own_revisions_keep_the_rules() -> None:
    for folder in REPOSITORY.glob(VERSIONS):
        # These were made before there were phases.
        later = [
            each for each in revisions(folder) if each.name > {"accounts": "0004", "reviews": "0002"}[folder.parts[-4]]
        ]
        for each in later:
            assert each.phase in ("expand", "contract"), each.file
            assert each.phase == "contract" or faults_of_expand(each) == []
