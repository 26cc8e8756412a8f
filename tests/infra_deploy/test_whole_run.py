"""Staging runs the whole DAG with a version before it is live there, and production takes only what passed it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from marquee.ingest.datasets import EMBEDDED

from infra.deploy.environments.deployment import deploy, roll_back
from infra.deploy.environments.environment import Environment
from infra.deploy.environments.whole_run import DATASET, RUN
from infra.pipeline.__main__ import main
from infra.release.errors import ReleaseError
from tests.infra_deploy.conftest import Place, ended, gateway, ledger, steps
from tests.infra_deploy.visitors import visitors
from tests.infra_pipeline.conftest import RUN_ID, Double, airflow, double, play, task

__all__ = ["airflow", "double", "play"]  # fixtures that are asked for by name


def setting(environment: Environment, old: str, new: str) -> None:
    file = environment.folder / ".env"
    text = file.read_text(encoding="ascii")
    assert old in text
    file.write_text(text.replace(old, new), encoding="ascii")


@pytest.fixture
def strict(place: Place) -> Place:
    """Return the place with a batch side in staging, and a production that wants its run."""
    setting(place.staging, "BATCH=no", "BATCH=yes")
    setting(place.production, "WITHOUT_RUN=yes", "WITHOUT_RUN=no")
    return place


def test_staging_runs_the_whole_dag_after_the_batch_side_and_production_then_takes_the_version(strict: Place) -> None:
    commit = strict.version("1")
    deploy(strict.staging, commit, "")
    assert steps(strict.staging)[-3:] == ["1 batch up", "1 batch exec", "1 serving migrate"]
    assert [entry["result"] for entry in ledger(strict.staging)] == ["started", "ran", "live"]
    assert ledger(strict.staging)[-1]["run"] == "published by manual__1"
    deploy(strict.production, commit, "")
    assert strict.answers(strict.production) == "1"
    # Production's own nightly data are not touched.
    assert [line for line in steps(strict.production) if " batch " in line] == []
    assert "(published by manual__1)" in strict.program("list").stdout


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("dag", r"The run manual__1 failed: the task train_als, whose log is /logs/task_id=train_als/attempt=3\.log\."),
        ("endless", r"The run manual__1 did not end within 2 s \(MARQUEE_DEPLOY_RUN_SECONDS\)\. It is stopped\."),
        ("refused", r"The gate refused the model of manual__1: worse than before\. Read the log of decide_promotion\."),
    ],
)
def test_a_version_whose_run_does_not_pass_goes_back_with_the_task_and_its_log(
    strict: Place, behaviour: str, cause: str
) -> None:
    first = strict.version("1")
    deploy(strict.staging, first, "")
    (strict.staging.folder / "log").unlink()
    setting(strict.staging, "MARQUEE_DEPLOY_BATCH=yes\n", "MARQUEE_DEPLOY_BATCH=yes\nMARQUEE_DEPLOY_RUN_SECONDS=2\n")
    bad = strict.version("2", behaviour)
    said = f"It failed at run the whole DAG: {cause} {first[:12]} serves on"
    with visitors(gateway(strict.staging), ["/health"]) as visits, pytest.raises(ReleaseError, match=said):
        deploy(strict.staging, bad, "")
    assert visits.lost == []
    assert strict.answers(strict.staging) == "1"
    assert ended(strict.staging)[-1] == (bad, "undone")
    assert "run the whole DAG" in ledger(strict.staging)[-1]["cause"]
    # The second `exec` stops the run, before the version before starts.
    batch = [line for line in steps(strict.staging) if " batch " in line]
    assert batch[-5:] == ["2 batch up", "2 batch exec", "2 batch exec", "2 batch down", "1 batch up"]
    with pytest.raises(ReleaseError, match="has not passed in staging"):
        deploy(strict.production, bad, "")


def test_a_model_that_is_refused_for_its_data_alone_lets_the_version_pass(strict: Place) -> None:
    commit = strict.version("1", "spam")
    deploy(strict.staging, commit, "")
    assert ledger(strict.staging)[-1]["run"] == "not published by manual__1, for its data alone: worse than before."
    deploy(strict.production, commit, "")
    assert strict.answers(strict.production) == "1"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("BATCH=yes", "BATCH=no", "not run: there is no batch side (MARQUEE_DEPLOY_BATCH=no)"),
        ("BATCH=yes", "BATCH=yes\nMARQUEE_DEPLOY_RUN=no", "not run: MARQUEE_DEPLOY_RUN=no"),
    ],
)
def test_a_run_that_is_left_out_is_in_the_ledger_and_production_has_to_allow_it(
    strict: Place, old: str, new: str, why: str
) -> None:
    setting(strict.staging, old, new)
    commit = strict.version("1")
    deploy(strict.staging, commit, "")
    assert ledger(strict.staging)[-1]["run"] == why
    with pytest.raises(ReleaseError, match="without a run of the whole DAG, so production does not get it"):
        deploy(strict.production, commit, "")
    assert not strict.production.ledger.exists()
    setting(strict.production, "WITHOUT_RUN=no", "WITHOUT_RUN=yes")
    deploy(strict.production, commit, "")
    assert strict.answers(strict.production) == "1"
    allowed = "not run in staging, which MARQUEE_DEPLOY_WITHOUT_RUN=yes allows"
    assert ledger(strict.production)[-1]["run"] == allowed


@pytest.mark.deployments
def test_a_rollback_waits_for_no_run_and_production_goes_back_to_what_it_had(strict: Place) -> None:
    first, second = strict.version("1"), strict.version("2")
    for commit in (first, second):
        deploy(strict.staging, commit, "")
        deploy(strict.production, commit, "")
    (strict.staging.folder / "log").unlink()
    assert roll_back(strict.staging, "slow lists") == first
    assert "1 batch exec" not in steps(strict.staging)
    assert ledger(strict.staging)[-1]["run"] == "not run: this is a rollback"
    # A ledger of an earlier program knows no runs.
    lines = strict.staging.ledger.read_text(encoding="utf-8").splitlines(keepends=True)
    strict.staging.ledger.write_text("".join(line for line in lines if '"ran"' not in line), encoding="utf-8")
    assert roll_back(strict.production, "slow lists") == first
    assert strict.answers(strict.production) == "1"


@pytest.mark.deployments
def test_a_deployment_that_is_killed_in_the_run_goes_back_and_stops_the_run(strict: Place) -> None:
    first = strict.version("1")
    deploy(strict.staging, first, "")
    endless = strict.version("2", "endless")
    with visitors(gateway(strict.staging), ["/health"]) as visits:
        assert strict.kill_at("run the whole DAG", "deploy", "--environment", "staging", "--version", endless)
        third = strict.version("3")
        deploy(strict.staging, third, "")
    assert visits.lost == []
    assert ended(strict.staging) == [(first, "live"), (endless, "undone"), (third, "live")]


@pytest.mark.deployments
def test_a_deployment_that_is_killed_after_the_run_keeps_what_ran(strict: Place) -> None:
    first = strict.version("1")
    assert strict.kill_at("contract", "deploy", "--environment", "staging", "--version", first)
    deploy(strict.staging, strict.version("2"), "")
    assert [entry.get("run") for entry in ledger(strict.staging) if entry["commit"] == first] == [
        *(None, "published by manual__1", "published by manual__1"),
    ]
    deploy(strict.production, first, "")


def test_the_run_reads_the_embedded_set_whatever_the_environments_own_data_are(
    airflow: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EMBEDDED.name == DATASET
    for name in ("ARCHIVE", "SOURCE", "QUERY"):
        monkeypatch.setenv(f"MARQUEE_{name}", "own")
    monkeypatch.setenv("MARQUEE_DATASET", DATASET)
    assert main([*RUN[5:], "--no-follow"]) == 0
    (conf,) = [body["conf"] for method, path, body in airflow.requests if method == "POST" and "dagRuns" in path]
    nothing = {"archive": None, "mapping": None, "source": None, "query": None, "since": None}
    assert conf == {"dataset": "movielens-embedded", **nothing}


def test_the_client_says_what_a_deployment_reads(
    airflow: Double, play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentences of tests/infra_deploy/small_platform.py are the client's own."""
    path = "/api/v2/dags/build_recommendations/dagRuns/manual__2026-11-23T19%3A00%3A00%2B00%3A00/taskInstances"
    decision = {"promoted": False, "verdict": "refuse", "reasons": ["spam", "less data"], "subject": "data"}
    airflow.answer("GET", f"{path}/decide_promotion/xcomEntries/return_value", {"value": decision})
    play(["success"], [task("record_refusal", "success", 0, 1.0), task("publish", "skipped")])
    assert main(["run"]) == 3
    out = capsys.readouterr().out
    assert out.startswith(f"Run {RUN_ID}: http://")
    assert out.endswith("\nThe gate's verdict is refuse, for its data: spam; less data.\n")
