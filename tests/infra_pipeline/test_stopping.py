"""A run is stopped, watched again and joined: what goes on is said, with the command that ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.control.given.arguments import TABLE
from infra.control.settings import REPOSITORY
from infra.pipeline.__main__ import main
from infra.pipeline.airflow_api import DAG_IDS, AirflowApi
from infra.pipeline.stopping import Stopper
from tests.infra_pipeline.conftest import RUN_ID, Double, task

RUN = "/api/v2/dags/build_recommendations/dagRuns"
PATH = f"{RUN}/manual__2026-11-23T19%3A00%3A00%2B00%3A00"
APPS = "/ws/v1/cluster/apps"


def run(run_id: str = RUN_ID, state: str = "running", **other: Any) -> dict[str, Any]:
    return {"dag_run_id": run_id, "state": state, "run_type": "manual", "run_after": "2026", "conf": {}} | other


def apps(*names: str) -> dict[str, Any]:
    return {"apps": {"app": [{"id": name} for name in names]} if names else None}


@pytest.fixture
def training(airflow: Double, monkeypatch: pytest.MonkeyPatch) -> Double:
    """A run that trains, with one application on YARN that ends at the second look."""
    monkeypatch.setenv("MARQUEE_YARN_RM_URL", airflow.url)
    monkeypatch.setattr("infra.pipeline.stopping.SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr("infra.pipeline.stopping.SECONDS_TO_SUBMIT", 0.0)
    airflow.answer("GET", RUN, {"dag_runs": [run()]}, {"dag_runs": []})
    airflow.answer("GET", PATH, run())
    airflow.answer("PATCH", PATH, run(state="failed"))
    tasks = [task("ingest_movielens", "success", 0, 2.0), task("train_als", "running", 3), task("publish", None)]
    airflow.answer("GET", f"{PATH}/taskInstances", {"task_instances": tasks})
    claimed = f"{PATH}/taskInstances/wait_for_other_runs/xcomEntries/return_value"
    airflow.answer("GET", claimed, {"key": "return_value", "value": "20261123T190000"})
    airflow.answer("GET", APPS, apps("application_1_0007"), apps())
    return airflow


def changes(double: Double) -> list[tuple[str, str, Any]]:
    return [request for request in double.requests if request[0] != "GET" and request[1] != "/auth/token"]


def test_the_run_that_is_going_is_stopped_and_its_work_on_yarn_has_ended(
    training: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stop"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Airflow has marked run {RUN_ID} as failed. Tasks that it ends: train_als.",
        "Applications that YARN has ended: application_1_0007.",
        "What is live stays live. To run the batch again, clear the run in Airflow. `make run` starts a new one.",
    ]
    assert changes(training) == [("PATCH", PATH, {"state": "failed"})]
    asked = [path for _, path, _ in training.requests if path.startswith(APPS)]
    assert len(asked) == 2
    assert "applicationTags=marquee-20261123t190000-train_als&states=NEW%2CNEW_SAVING%2CSUBMITTED" in asked[0]


def test_a_queued_run_that_starts_next_is_named_with_its_command(
    training: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    queued = run("scheduled__2026-11-24", "queued")
    training.answer("GET", RUN, {"dag_runs": [queued, run()]}, {"dag_runs": [queued]})
    assert main(["stop"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "Run scheduled__2026-11-24 is queued. To stop it too: make stop-run RUN=scheduled__2026-11-24"


def test_a_run_before_its_turn_has_nothing_on_yarn(training: Double, capsys: pytest.CaptureFixture[str]) -> None:
    del training.routes["GET", f"{PATH}/taskInstances/wait_for_other_runs/xcomEntries/return_value"]
    training.answer("GET", f"{PATH}/taskInstances", {"task_instances": [task("wait_for_other_runs", "scheduled")]})
    assert main(["stop", "--run", RUN_ID]) == 0
    assert "Tasks that it ends: none was running." in capsys.readouterr().out
    assert not any(path.startswith(APPS) for _, path, _ in training.requests)


def test_without_a_run_nothing_is_stopped(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("GET", RUN, {"dag_runs": []})
    assert main(["stop"]) == 0
    assert capsys.readouterr().out == "No run is going, so nothing was stopped.\n"
    assert changes(airflow) == []


def test_a_run_that_has_ended_stays_as_it_is(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("GET", PATH, run(state="success"))
    assert main(["stop", "--run", RUN_ID]) == 0
    assert capsys.readouterr().out == f"Run {RUN_ID} has ended before (success), so nothing was stopped.\n"
    assert changes(airflow) == []


def test_two_running_runs_are_named_and_none_is_stopped(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("GET", RUN, {"dag_runs": [run("backfill__1"), run("manual__2"), run("manual__3", "queued")]})
    assert main(["stop"]) == 1
    assert capsys.readouterr().err == (
        "infra.pipeline: 2 runs are running. Name the one to stop:\n"
        "  make stop-run RUN=backfill__1\n  make stop-run RUN=manual__2\n"
    )
    assert changes(airflow) == []


def test_an_unknown_run_is_refused_with_those_that_are_going(
    airflow: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.answer("GET", RUN, {"dag_runs": [run()]})
    assert main(["stop", "--run", "manual__9"]) == 1
    assert capsys.readouterr().err == (
        f"infra.pipeline: Airflow has no run manual__9. Check the name. Runs that are going: {RUN_ID}.\n"
    )


def test_an_application_that_goes_on_is_status_1_with_the_command_that_ends_it(training: Double) -> None:
    training.answer("GET", APPS, apps("application_1_0007"))
    now, lines = [0.0], []

    def sleep(_: float) -> None:
        now[0] += 30.0

    api = AirflowApi(training.url, "admin", "secret")
    assert Stopper(api, lines.append, lambda: now[0], sleep).stop(None) is False
    assert lines[1] == ("YARN still runs application_1_0007 after 90 s. End each by `yarn application -kill ID`.")


def test_an_application_that_a_task_submits_after_the_stop_is_waited_for(
    training: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.pipeline.stopping.SECONDS_TO_SUBMIT", 15.0)
    training.answer("GET", APPS, apps(), apps("application_1_0007"), apps())
    now: list[float] = [0.0]
    lines: list[str] = []

    def sleep(_: float) -> None:
        now[0] += 5.0

    api = AirflowApi(training.url, "admin", "secret")
    assert Stopper(api, lines.append, lambda: now[0], sleep).stop(None) is True
    assert lines[1] == "Applications that YARN has ended: application_1_0007."
    assert now == [15.0]


def test_a_yarn_that_does_not_answer_is_said_and_the_run_is_stopped_all_the_same(
    training: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_YARN_RM_URL", "http://127.0.0.1:9")
    assert main(["stop"]) == 1
    assert "Whether applications of the run go on is unknown: see `yarn application -list`." in capsys.readouterr().out
    assert changes(training) == [("PATCH", PATH, {"state": "failed"})]


@pytest.fixture
def watching(airflow: Double) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Returns a function that starts the client in a process and waits until it watches."""
    airflow.answer("GET", PATH, run())
    airflow.answer("GET", RUN, {"dag_runs": [run()]})
    airflow.answer("GET", f"{PATH}/taskInstances", {"task_instances": [task("train_als", "running")]})
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-m", "infra.pipeline", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        deadline = time.monotonic() + 30
        while not any(path.startswith(f"{PATH}/task") for _, path, _ in airflow.requests):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["run", "watch"])
def test_who_ends_the_client_reads_that_the_run_goes_on_and_how_to_stop_it(
    watching: Callable[..., subprocess.Popen[str]], number: signal.Signals, command: str
) -> None:
    process = watching(command)
    os.kill(process.pid, number)
    out, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "")
    assert out.splitlines()[-3:] == [
        f"No longer watching. The run goes on: {os.environ['MARQUEE_AIRFLOW_URL']}/dags/build_recommendations/runs/{RUN_ID}",
        f"To stop it: make stop-run RUN={RUN_ID}",
        f"To watch it again: make watch-run RUN={RUN_ID}",
    ]


def test_a_reader_that_ends_leaves_no_traceback(
    watching: Callable[..., subprocess.Popen[str]], airflow: Double
) -> None:
    process = watching("watch")
    assert process.stdout is not None
    process.stdout.close()
    airflow.answer("GET", f"{PATH}/taskInstances", {"task_instances": [task("train_als", "success", 0, 1.0)]})
    assert process.stderr is not None
    error = process.stderr.read()
    assert (process.wait(30), error) == (1, "")


def test_an_interrupt_before_the_run_is_one_line(
    airflow: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AirflowApi, "unpause", interrupted)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == (
        "infra.pipeline: interrupted. If a run was started, it goes on: see `make watch-run`.\n"
    )


@pytest.fixture
def unpublished(airflow: Double, monkeypatch: pytest.MonkeyPatch) -> Double:
    monkeypatch.setenv("MARQUEE_API_URL", airflow.url)
    airflow.answer("GET", "/v1/publication", {"detail": "nothing is published"}, status=503)
    airflow.answer("GET", PATH, run(state="success"))
    tasks = [task("publish", "success", 0, 1.0)]
    airflow.answer("GET", f"{PATH}/taskInstances", {"task_instances": tasks})
    airflow.answer("GET", "/v1/users", {"items": []})
    return airflow


def triggers(double: Double) -> list[Any]:
    return [body for method, path, body in double.requests if (method, path) == ("POST", RUN)]


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_demo_joins_the_run_that_is_going(
    unpublished: Double, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    unpublished.answer("GET", RUN, {"dag_runs": [run(state=state)]})
    main(["demo"])
    out = capsys.readouterr().out
    assert out.startswith(f"A run is going already. This command joins it and starts none.\nRun {RUN_ID}: ")
    assert "publish                   succeeded in 1.0 s" in out
    assert triggers(unpublished) == []


def test_a_demo_joins_the_running_run_before_a_queued_one(unpublished: Double) -> None:
    queued = run("manual__a", "queued", run_after="2025")
    unpublished.answer("GET", RUN, {"dag_runs": [queued, run(conf=None)]})
    main(["demo"])
    assert any(path == PATH for _, path, _ in unpublished.requests)
    assert triggers(unpublished) == []


@pytest.mark.parametrize("going", [[], [run("backfill__1", run_type="backfill")]])
def test_a_demo_starts_a_run_if_none_is_going_that_can_go_live(unpublished: Double, going: list[Any]) -> None:
    unpublished.answer("GET", RUN, {"dag_runs": going})
    main(["demo"])
    assert triggers(unpublished) == [{"logical_date": None, "conf": {}}]


def test_a_demo_waits_for_a_dag_that_airflow_has_not_read_yet(unpublished: Double) -> None:
    answers = [(404, {"detail": "The Dag with ID: `build_recommendations` was not found"}), (200, {"dag_runs": []})]
    unpublished.routes[("GET", RUN)] = lambda _body: answers.pop(0)
    main(["demo"])
    assert triggers(unpublished) == [{"logical_date": None, "conf": {}}]


def test_a_demo_of_other_data_does_not_join(unpublished: Double, capsys: pytest.CaptureFixture[str]) -> None:
    unpublished.answer("GET", RUN, {"dag_runs": [run()]})
    assert main(["demo", "--dataset", "ml-1m"]) == 1
    assert capsys.readouterr().err == (
        f'infra.pipeline: Run {RUN_ID} is running with the parameters {{}}. You asked for {{"dataset": "ml-1m"}}. '
        f"Wait for its end, or stop it: make stop-run RUN={RUN_ID}\n"
    )
    assert triggers(unpublished) == []


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_run_of_any_dag_is_named_to_be_stopped(
    airflow: Double, dag_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.answer("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
    airflow.answer("GET", f"/api/v2/dags/{dag_id}/dagRuns", {"dag_runs": []})
    assert main(["stop", "--dag", dag_id]) == 0
    assert capsys.readouterr().out == "No run is going, so nothing was stopped.\n"


def test_every_dag_can_be_named() -> None:
    stems = {file.stem for file in (REPOSITORY / "dags").glob("*.py")}
    assert (set(DAG_IDS), set(TABLE["DAG"].choices)) == (stems, stems)


def test_a_run_of_a_dag_without_a_gate_succeeds_although_it_publishes_nothing(airflow: Double) -> None:
    dag = "/api/v2/dags/tune_als"
    run_path = f"{dag}/dagRuns/manual__2026-11-23T19%3A00%3A00%2B00%3A00"
    airflow.answer("PATCH", dag, {"is_paused": False})
    airflow.answer("GET", f"{dag}/dagRuns", {"dag_runs": [run()]})
    airflow.answer("GET", run_path, run(state="success"))
    airflow.answer("GET", f"{run_path}/taskInstances", {"task_instances": [task("tune_als", "success", 0, 5)]})
    assert main(["watch", "--dag", "tune_als"]) == 0


def test_nothing_to_watch_is_said(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("GET", RUN, {"dag_runs": []})
    assert main(["watch"]) == 0
    assert capsys.readouterr().out == "No run is going. `make run` starts one.\n"


def test_a_run_is_run_again_by_its_name(airflow: Double) -> None:
    airflow.answer("POST", f"{PATH}/clear", {})
    airflow.answer("GET", PATH, run(state="queued"))
    assert main(["run", "--no-follow", "--again", RUN_ID]) == 0
    assert changes(airflow)[1:] == [("POST", f"{PATH}/clear", {"dry_run": False, "only_failed": False})]


def test_a_run_that_airflow_has_lost_is_not_run_again(airflow: Double, capsys: pytest.CaptureFixture[str]) -> None:
    airflow.answer("GET", RUN, {"dag_runs": []})
    assert main(["run", "--again", RUN_ID]) == 1
    assert f"Airflow has no run {RUN_ID}. Check the name. Runs that are going: none." in capsys.readouterr().err


def test_a_run_that_ends_with_tasks_unrun_and_none_failed_says_how_to_go_on(
    airflow: Double, play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [task("train_als", "success", 0, 2.0, attempt=2), task("publish", "upstream_failed")]
    play(["failed"], [*looks, task("load_top_n", "upstream_failed")])
    assert main(["run"]) == 1
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"Run {RUN_ID} ended without these tasks, although no task failed: load_top_n, publish.",
        "A task was cleared so soon after its failure that Airflow had not yet marked the tasks after it.",
        "Clear them in Airflow with their downstream tasks, and the run goes on. See RunFailed in docs/runbook.md.",
    ]


def test_another_server_at_airflows_address_is_one_sentence(
    airflow: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.answer("POST", "/auth/token", ["not Airflow"])
    assert main(["stop"]) == 1
    assert "is not Airflow. Is it up? See `make status`." in capsys.readouterr().err
