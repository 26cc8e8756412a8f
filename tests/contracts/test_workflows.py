"""What .github/workflows run: make's targets alone, with pinned actions, few permissions and an end."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".github" / "workflows"
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):(?!=)", MAKEFILE, re.MULTILINE))
# The workflow that the others call for each job.
ONE_JOB = "make.yml"
# YAML 1.1 reads the key `on` as true.
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
JOBS = {(name, job): body for name, text in WORKFLOWS.items() for job, body in text["jobs"].items()}


def targets_of(words: str) -> list[str]:
    """Return the targets of make's command line, without arguments, which are NAME=value or an expression."""
    plain = re.sub(r"\$\{\{.*?\}\}", "", words)
    return [word for word in plain.split() if "=" not in word]


def test_the_workflows_are_these() -> None:
    assert set(WORKFLOWS) == {"ci.yml", "deploy.yml", "make.yml", "nightly.yml", "release.yml"}


@pytest.mark.parametrize("job", JOBS, ids="/".join)
def test_a_job_calls_make_by_the_one_workflow_and_the_target_exists(job: tuple[str, str]) -> None:
    body = JOBS[job]
    if job[0] == ONE_JOB:
        assert [step["run"] for step in body["steps"] if "run" in step] == ["make $TARGET"]
    elif body["uses"] == f"./.github/workflows/{ONE_JOB}":
        assert targets_of(body["with"]["target"])
        assert set(targets_of(body["with"]["target"])) <= TARGETS
    else:
        assert body["uses"].removeprefix("./.github/workflows/") in WORKFLOWS
    assert job[0] == ONE_JOB or "steps" not in body


@pytest.mark.parametrize("job", JOBS, ids="/".join)
def test_a_job_has_an_end_and_says_what_it_may_do(job: tuple[str, str]) -> None:
    body = JOBS[job]
    if job[0] == ONE_JOB:
        assert body["timeout-minutes"] == "${{ inputs.minutes }}"
    elif body["uses"].endswith(ONE_JOB):
        assert 0 < body["with"]["minutes"] <= 240
    assert body["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_grants_nothing_by_itself_and_runs_once_at_a_time(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    if set(workflow[True]) != {"workflow_call"}:
        assert workflow["concurrency"]["group"].startswith(Path(name).stem)
        assert "cancel-in-progress" in workflow["concurrency"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_action_is_pinned_by_its_commit_and_names_its_version(name: str) -> None:
    for line in re.findall(r"uses: (.*)", (FOLDER / name).read_text(encoding="utf-8")):
        assert re.fullmatch(r"\./\.github/workflows/[a-z]+\.yml|actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_secret_of_github_is_read(name: str) -> None:
    """Keys and passwords are files on the machine that deploys: none passes through a workflow, so none is in a log."""
    assert "secrets." not in (FOLDER / name).read_text(encoding="utf-8")


def called(name: str, *, without: str = "") -> set[str]:
    """Return the targets of a workflow's jobs."""
    jobs = WORKFLOWS[name]["jobs"].values()
    words = [job["with"]["target"] for job in jobs if job["uses"].endswith(ONE_JOB)]
    return {target for word in words for target in targets_of(word)} - {without}


def test_ci_runs_in_parallel_what_ci_run_runs_in_turn() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    local = set(re.findall(r"^make ([a-z-]+)", script, re.MULTILINE))
    (parts,) = re.findall(r"^test: (.*?) ##", MAKEFILE, re.MULTILINE)
    assert local == {"lint", "test", "audit"}
    # test-room asks for the memory that test-stack asks for again.
    assert called("ci.yml") == (local - {"test"}) | (set(parts.split()) - {"test-room"})


def test_what_is_released_is_made_without_a_cache_that_other_jobs_write() -> None:
    for job in WORKFLOWS["release.yml"]["jobs"].values():
        assert job["with"]["cache"] is False


def test_a_release_looks_up_its_images_before_it_publishes_them_to_the_registry_that_a_variable_names() -> None:
    job = WORKFLOWS["release.yml"]["jobs"]["images"]
    assert targets_of(job["with"]["target"]) == ["images", "audit-images", "publish-images"]
    assert "REGISTRY=${{ vars.REGISTRY }}" in job["with"]["target"]
    assert job["if"] == "vars.REGISTRY != ''"
    # The manifest of the package that is signed last names the images.
    assert job["needs"] == "package"


def test_a_green_push_to_main_alone_goes_to_staging() -> None:
    job = WORKFLOWS["ci.yml"]["jobs"]["staging"]
    assert set(job["needs"]) == set(WORKFLOWS["ci.yml"]["jobs"]) - {"staging"}
    assert job["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert job["uses"] == "./.github/workflows/deploy.yml"
    assert job["with"]["environment"] == "staging"
