"""The product's own services in staging: PostgreSQL, the three APIs and the gateway, deployed next to each other under load."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.control.install import _ENVIRONMENTS, _digest
from infra.control.settings import Settings
from infra.deploy.environments.deployment import deploy, roll_back, stop
from infra.deploy.environments.environment import Environment
from infra.deploy.environments.migrations import VERSIONS, revisions
from infra.deploy.environments.software import software_of
from infra.release.errors import ReleaseError
from infra.release.package import make_package
from serving.publications.store import PublicationStore
from tests.infra_deploy.conftest import Place, ended, free_offset, gateway, ledger
from tests.infra_deploy.visitors import Visits, visitors
from tests.serving.conftest import build_from, small_store

__all__ = ["build_from", "small_store"]  # fixtures that are asked for by name

pytestmark = [pytest.mark.deployments, pytest.mark.timeout(1200)]

REPOSITORY = Path(__file__).resolve().parents[2]
ASKED = [
    *("/health", "/v1/popular?limit=5", "/v1/users/1/recommendations", "/", "/v1/movies/5/reviews"),
    *("/accounts/health", "/accounts/v1/movies?limit=5", "/account/sign-in"),
]
SETTINGS = """MARQUEE_PORT_OFFSET={}
MARQUEE_DEPLOY_WATCH_SECONDS=12
MARQUEE_DEPLOY_BATCH=no
MARQUEE_GATEWAY_RATE=5000
MARQUEE_GATEWAY_SIGN_IN_RATE=1000
MARQUEE_API_WORKERS=1
MARQUEE_ACCOUNTS_WORKERS=1
MARQUEE_REVIEWS_WORKERS=1
"""
# The check of the files does not see what it does: it refuses the name of a smoke test's person.
HIDDEN = """DO $$ BEGIN EXECUTE 'AL' || 'TER TABLE users ADD CHECK (length(name) < 12)'; END $$"""
REVISION = '''"""{title}."""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{after}"
branch_labels = None
depends_on = None
phase = "{phase}"


def upgrade() -> None:
    """Make the change."""
    {change}


def downgrade() -> None:
    """Keep it."""
'''


def lend_software(release: Path, state: Path) -> None:
    """Let the environment use this checkout's installed software, which must be that of the same locks.

    Else the deployment would install it, which takes minutes, into what other tests use.
    """
    software = Settings.load().software.resolve()
    for part, (venv, _) in _ENVIRONMENTS.items():
        lock = _digest(release / "requirements" / f"{part}.txt")
        with_tests = _digest(*(release / "requirements" / f"{name}.txt" for name in ("platform", "dev")))
        stamp = (software / f"{venv}.installed").read_text(encoding="ascii")
        assert stamp in (lock, with_tests), f"{venv} is of other locks. Run `make test-environment` first."
    lent = software_of(state, release)
    lent.parent.mkdir(parents=True)
    lent.symlink_to(software)


@pytest.fixture
def real(tmp_path: Path, small_store: PublicationStore) -> Iterator[Place]:
    """Return a clone of this checkout's commit, live in staging with a publication."""
    repository, state = tmp_path / "repository", tmp_path / "state"
    subprocess.run(["git", "clone", "-q", "--no-local", str(REPOSITORY), str(repository)], check=True)
    made = Place(repository, state, Environment("staging", state), Environment("production", state))
    made.staging.folder.mkdir(parents=True)
    (made.staging.folder / ".env").write_text(SETTINGS.format(free_offset()), encoding="ascii")
    lend_software(repository, state)
    store = made.staging.part("data").instance / "data" / "serving"
    store.parent.mkdir(parents=True)
    shutil.copytree(small_store.root, store, symlinks=True)
    try:
        deploy(made.staging, packaged(made), "the first")
        yield made
    finally:
        stop(made.staging)


def packaged(place: Place) -> str:
    commit = place.git("rev-parse", "HEAD")
    make_package(place.repository, place.state, commit)
    return commit


def changed(place: Place, file: str, old: str, new: str) -> str:
    """Commit a version with one change, and return its packaged commit."""
    path = place.repository / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    place.git("commit", "-qam", f"change {file}")
    return packaged(place)


def migrated(place: Place, name: str, after: str, phase: str, change: str) -> str:
    """Commit a version with one more revision of the accounts service, and return its packaged commit."""
    file = place.repository / "serving/accounts/database/migrations/versions" / f"{name}_drill.py"
    file.write_text(
        REVISION.format(title="A drill", name=name, after=after, phase=phase, change=change), encoding="utf-8"
    )
    place.git("add", "-A")
    place.git("commit", "-qm", f"revision {name}")
    return packaged(place)


def columns(place: Place) -> set[str]:
    """Return the columns of the table of users, and that of what ran."""
    data = place.staging.part("data")
    offset = int((place.staging.folder / ".env").read_text(encoding="ascii").splitlines()[0].partition("=")[2])
    password = (data.instance / "secrets" / "postgres-password").read_text(encoding="utf-8").strip()
    address = f"host=127.0.0.1 port={15432 + offset} user=accounts password={password} dbname=accounts"
    with psycopg.connect(address) as connection:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'users'"
        return {row[0] for row in connection.execute(query)}


def ready(place: Place) -> int:
    with urllib.request.urlopen(f"{gateway(place.staging)}/accounts/ready", timeout=10) as answer:
        assert json.load(answer)["movies"] == 6
        return int(answer.status)


def shown(title: str, visits: Visits, place: Place) -> None:
    last = ledger(place.staging)[-1]
    print(f"\ndrill  real services, {title}: {visits}; {last['result']}; {last.get('watched', '')}", flush=True)


def test_real_services_expand_their_tables_and_go_back_without_losing_a_request(real: Place) -> None:
    first = real.staging.live
    assert first is not None
    newest = revisions(real.repository / VERSIONS.replace("*", "accounts"))[-1].name
    with visitors(gateway(real.staging), ASKED) as visits:
        second = migrated(real, "9001", newest, "expand", 'op.add_column("users", sa.Column("shoe", sa.Integer()))')
        deploy(real.staging, second, "an expansion")
        assert "shoe" in columns(real)
        assert ready(real) == 200
    shown("an expansion", visits, real)
    assert visits.lost == []
    with visitors(gateway(real.staging), ASKED) as visits:
        assert roll_back(real.staging, "a rollback after a migration") == first
        assert "shoe" in columns(real)
        assert ready(real) == 200
    shown("a rollback after a migration", visits, real)
    assert visits.lost == []


def test_real_services_refuse_an_unsafe_migration_undo_a_failing_one_and_contract_after_the_watch(real: Place) -> None:
    first = real.staging.live
    assert first is not None
    newest = revisions(real.repository / VERSIONS.replace("*", "accounts"))[-1].name
    added = 'op.add_column("users", sa.Column("shoe", sa.Integer()))'
    with visitors(gateway(real.staging), ASKED) as visits:
        migrated(real, "9001", newest, "expand", added)
        unsafe = migrated(real, "9002", "9001", "expand", 'op.drop_column("users", "shoe")')
        with pytest.raises(
            ReleaseError, match=r"check migrations: accounts: 9002_drill\.py is not backward compatible"
        ):
            deploy(real.staging, unsafe, "it drops what the live version may use")
        failing = migrated(real, "9002", "9001", "expand", 'op.execute("UPDATE users SET no_such_column = 1")')
        tried = "It failed at try the version before on a migrated copy"
        with pytest.raises(ReleaseError, match=f"{tried}: `migrate`"):
            deploy(real.staging, failing, "a migration that fails")
        hidden = migrated(real, "9002", "9001", "expand", f'op.execute("""{HIDDEN}""")')
        with pytest.raises(ReleaseError, match=f"{tried}: The version before does not work on tables"):
            deploy(real.staging, hidden, "SQL that puts its rule together")
        assert real.staging.live == first
        assert "shoe" not in columns(real)
    shown("a refused, a failing and a hidden migration", visits, real)
    assert visits.lost == []
    with visitors(gateway(real.staging), ASKED) as visits:
        contracted = migrated(real, "9002", "9001", "contract", 'op.drop_column("users", "shoe")')
        deploy(real.staging, contracted, "a contract")
        assert "shoe" not in columns(real)
        assert ready(real) == 200
    shown("a contract", visits, real)
    assert visits.lost == []
    with pytest.raises(ReleaseError, match=r"9002_drill\.py has removed what this version uses"):
        deploy(real.staging, first, "too late")
    assert ended(real.staging)[-1] == (first, "undone")
    assert real.staging.live == contracted


def test_real_services_go_back_where_the_new_version_is_slow_or_does_not_start(real: Place) -> None:
    first = real.staging.live
    assert first is not None
    application = "serving/recommendations/server.py"
    slow = changed(
        real,
        application,
        "    app = create_app()\n",
        "    app = create_app()\n    import time\n    app.before_request(lambda: time.sleep(0.3))\n",
    )
    with visitors(gateway(real.staging), ASKED) as visits:
        with pytest.raises(ReleaseError, match=f"It failed at watch: the p99 of .* {first[:12]} serves on"):
            deploy(real.staging, slow, "p99 ten times up")
        assert ready(real) == 200
    shown("p99 ten times up", visits, real)
    assert visits.lost == []
    real.git("revert", "--no-edit", "HEAD")
    broken = changed(real, application, "    app = create_app()\n", "    raise SystemExit(3)\n    app = create_app()\n")
    with visitors(gateway(real.staging), ASKED) as visits:
        with pytest.raises(ReleaseError, match=f"It failed at start: .* {first[:12]} serves on"):
            deploy(real.staging, broken, "it does not start")
        assert ready(real) == 200
    shown("the API does not start", visits, real)
    assert visits.lost == []
    assert real.staging.live == first
