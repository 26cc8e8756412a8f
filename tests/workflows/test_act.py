"""The workflows of .github run on this machine, by act, as GitHub's runner would run them.

WORKFLOW_TESTS names tests for a short run of ci. Without it ci runs whole, the stack and the deployment to staging included.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import Settings
from infra.deploy.environments import ledger
from infra.deploy.environments.deployment import stop
from infra.deploy.environments.environment import Environment
from infra.release.package import verified_manifest
from tests.infra_deploy.conftest import Place, place
from tests.stack import run_and_show

__all__ = ["place"]

pytestmark = [pytest.mark.workflows, pytest.mark.timeout(3 * 3600)]

REPOSITORY = Path(__file__).resolve().parents[2]
STATE = Settings.load().state.resolve()
ACT = STATE / "software" / "workflows-venv" / "bin" / "act"
CACHE = "actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830"
# act gives its jobs a terminal, and pytest colours what it prints there.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SHORT = os.environ.get("WORKFLOW_TESTS", "")


def act(folder: Path, state: Path, event: str, workflow: str, *arguments: str, check: bool = True) -> str:
    """Run a workflow of a checkout, print its output and return it.

    Fails where a job does, unless `check` is false.
    """
    command = [
        str(ACT),
        event,
        "--workflows",
        f".github/workflows/{workflow}",
        "--platform",
        "ubuntu-latest=-self-hosted",
    ]
    command += ["--local-repository", f"{CACHE}={REPOSITORY / 'tests/workflows/cache'}", "--no-cache-server"]
    command += ["--concurrent-jobs", "1", "--env", f"MARQUEE_STATE={state}", *arguments]
    left_out = ("MAKE", "MARQUEE_", "PYTEST_", "GIT_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return run_and_show(["env", "-C", str(folder), *command], environ, check=check)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of this checkout's commit, on the branch main."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-local", str(REPOSITORY), str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "-B", "main"], check=True)
    return folder


def head(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(not SHORT, reason="the whole ci runs")
def test_a_short_ci_is_green(clone: Path) -> None:
    shown = act(clone, STATE, "workflow_dispatch", "ci.yml", "--input", f"tests={SHORT}")
    assert shown.count("Job succeeded") == 3
    assert "cache Linux-" in shown


@pytest.mark.skipif(bool(SHORT), reason="a short ci runs")
def test_a_push_to_main_is_tested_and_goes_to_staging(clone: Path) -> None:
    staging = Environment("staging", STATE)
    try:
        act(clone, STATE, "push", "ci.yml")
        assert ledger.was_live(staging.ledger, head(clone))
    finally:
        # A version that did not go live has left PostgreSQL and the gateway.
        if staging.folder.exists():
            stop(staging)


# A test that fails, and a module that no contract allows: it imports an API's code into a DAG's package.
A_TEST = ("tests/audit/test_commits.py", "\n\ndef test_it_is_broken() -> None:\n    assert 1 == 2\n")
A_CONTRACT = ("dags/marquee/schedules.py", "\n\nfrom serving.recommendations import server  # noqa: E402, F401\n")


@pytest.mark.parametrize(
    ("broken", "asked", "stopped_by"),
    [
        (A_TEST, "tests/audit/test_commits.py", "tests/audit/test_commits.py::test_it_is_broken"),
        (A_CONTRACT, "tests/contracts", "tests/contracts/test_import_boundaries.py"),
    ],
    ids=["test", "contract"],
)
def test_a_commit_that_breaks_a_test_or_a_contract_stops_ci_and_reaches_no_staging(
    clone: Path, broken: tuple[str, str], asked: str, stopped_by: str
) -> None:
    name, line = broken
    file = clone / name
    file.write_text(file.read_text(encoding="utf-8") + line)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", str(clone), *identity, "commit", "-qam", "tests: break one\n\nA drill."], check=True)
    arguments = ("--job", "test-fast", "--input", f"tests={asked}")
    shown = COLOURS.sub("", act(clone, STATE, "workflow_dispatch", "ci.yml", *arguments, check=False))
    assert f"FAILED {stopped_by}" in shown
    assert "1 failed" in shown
    assert "Job succeeded" not in shown
    assert not ledger.was_live(Environment("staging", STATE).ledger, head(clone))


def test_a_tag_gives_a_signed_package_with_its_bill_of_materials(clone: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(clone), "tag", "v99.0.0"], check=True)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"ref": "refs/tags/v99.0.0"}), encoding="ascii")
    act(clone, STATE, "push", "release.yml", "--eventpath", str(event))
    manifest = verified_manifest(STATE, head(clone))
    assert {"serving.cdx.json", "platform.cdx.json"} <= set(manifest["materials"])


def test_a_version_goes_to_staging_and_by_promotion_to_production(place: Place) -> None:
    place.add_real_programs()
    commit = place.version("1")

    def deploy(environment: str, version: str) -> None:
        inputs = ("--input", f"environment={environment}", "--input", f"version={version}")
        act(place.repository, place.state, "workflow_dispatch", "deploy.yml", *inputs)

    with pytest.raises(AssertionError, match="exited 1"):
        deploy("production", commit)
    assert place.answers(place.production) is None
    deploy("staging", commit)
    deploy("production", commit)
    assert place.answers(place.production) == "1"
    broken = place.version("2", "broken")
    with pytest.raises(AssertionError, match="exited 1"):
        deploy("staging", broken)
    with pytest.raises(AssertionError, match="exited 1"):
        deploy("production", broken)
    assert (place.answers(place.staging), place.answers(place.production)) == ("1", "1")
