"""The version before is started on a migrated copy before a table of the environment is touched."""

from dataclasses import replace

import pytest

from infra.deploy.environments.deployment import deploy
from infra.deploy.environments.trial import PORTS
from infra.release.errors import ReleaseError
from tests.infra_deploy.conftest import Place, ended, gateway, ledger, steps
from tests.infra_deploy.visitors import visitors

STEP = "try the version before on a migrated copy"
VERSIONS = "serving/accounts/database/migrations/versions"


def migrated(place: Place, name: str, behaviour: str = "good") -> str:
    """Commit a version with one more revision, which reads as an expansion, and return its packaged commit."""
    folder = place.repository / VERSIONS
    folder.mkdir(parents=True, exist_ok=True)
    after = max((file.stem for file in folder.glob("*.py")), default=None)
    text = f'revision = "{name}"\ndown_revision = {after!r}\nphase = "expand"\n'
    (folder / f"{name}.py").write_text(text, encoding="ascii")
    return place.version(name, behaviour)


@pytest.mark.deployments
def test_the_version_before_is_tried_on_a_copy_only_where_there_is_something_to_migrate(place: Place) -> None:
    deploy(place.staging, migrated(place, "1"), "")
    with visitors(gateway(place.staging), ["/health"]) as visits:
        deploy(place.staging, migrated(place, "2"), "")
    assert visits.lost == []
    assert ledger(place.staging)[-1]["tried"].endswith(" s")
    assert not (place.staging.folder / "trial").exists()
    deploy(place.staging, place.version("3"), "")
    assert "tried" not in ledger(place.staging)[-1]


def test_a_migration_that_breaks_the_version_before_is_stopped_before_anything_is_touched(place: Place) -> None:
    first = migrated(place, "1")
    deploy(place.staging, first, "")
    bad = migrated(place, "2", "refusing")
    said = f"It failed at {STEP}: The version before does not work on tables that this version has migrated: `exec` of"
    with visitors(gateway(place.staging), ["/health"]) as visits, pytest.raises(ReleaseError, match=said):
        deploy(place.staging, bad, "")
    assert visits.lost == []
    assert ended(place.staging)[-1] == (bad, "undone")
    assert not list(place.staging.folder.glob("**/refuses"))
    assert "2 serving migrate" not in steps(place.staging)
    assert not (place.staging.folder / "trial").exists()
    assert place.answers(place.staging) == "1"


def test_a_migration_that_fails_is_stopped_on_the_copy(place: Place) -> None:
    deploy(place.staging, migrated(place, "1"), "")
    with pytest.raises(ReleaseError, match=f"It failed at {STEP}: `migrate` of"):
        deploy(place.staging, migrated(place, "2", "migrate"), "")
    assert "2 serving migrate" not in steps(place.staging)


@pytest.mark.deployments
def test_a_deployment_that_is_killed_in_the_trial_leaves_none_of_it(place: Place) -> None:
    first = migrated(place, "1")
    deploy(place.staging, first, "")
    second = migrated(place, "2")
    with visitors(gateway(place.staging), ["/health"]) as visits:
        assert place.kill_at(STEP, "deploy", "--environment", "staging", "--version", second)
        deploy(place.staging, second, "once more")
    assert visits.lost == []
    assert ended(place.staging) == [(first, "live"), (second, "undone"), (second, "live")]
    assert not (place.staging.folder / "trial").exists()


def test_a_copy_has_ports_of_its_own_above_those_that_the_environment_chose(place: Place) -> None:
    for chosen in ("MARQUEE_PORT_OFFSET=12000\n", ""):
        (place.staging.folder / ".env").write_text(chosen, encoding="ascii")
        part = place.staging.part("data")
        whole = int(part.variables(None)["MARQUEE_PORT_OFFSET"]) if not chosen else 12000
        assert replace(part, shift=PORTS).variables(None)["MARQUEE_PORT_OFFSET"] == str(whole + 300)
