"""A task that is stopped ends what it began, and what it wrote is never published.

Most tests stop load_warehouse in another way while its first statement runs, and start the next try at once. The last
two stop a task of each kind: marked failed and cleared at once, or with its scheduler killed. The file's name sorts
after test_platform.py, which counts the first run's applications on YARN. `make test` has one of them, and
`make faults` all.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.airflow_api import AirflowApi
from tests.e2e.test_tasks_killed_in_a_backfill import task_processes
from tests.e2e.warehouse import airflow, partition_bytes
from tests.faults.faults import kill
from tests.stack import BATCH, BATCH_DATE, Stack, published_bytes

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
DAG, TASK = "build_recommendations", "load_warehouse"
ATTEMPTS = "/marquee/warehouse/_attempts"
FIRST_STATEMENT = "INSERT OVERWRITE TABLE marquee_attempt.ratings"
# Without a cancellation the statement went on for 44 s. A signal, the call and Tez take a few.
SECONDS_TO_END = 20.0


# Seconds that a task of each other kind works before it is stopped.
OTHERS = {
    "ingest_movielens": 1.0,
    "mr_clean_ratings": 12.0,
    "validate_warehouse": 3.0,
    "train_als": 20.0,
    "recommend_top_n": 20.0,
    "decide_promotion": 1.0,
    "export_tables": 4.0,
    "build_publication": 2.0,
    "publish": 1.0,
}


class Stopped:
    """A task of the first run that a test stops, and what Hive runs."""

    def __init__(self, stack: Stack, task_id: str = TASK) -> None:
        self.stack = stack
        self.task_id = task_id
        self.api: AirflowApi = airflow(stack)
        (run,) = self.api._call(
            "GET", f"/dags/{DAG}/dagRuns?logical_date_gte={BATCH_DATE}&logical_date_lte={BATCH_DATE}"
        )["dag_runs"]
        self.run_id: str = run["dag_run_id"]

    def task(self) -> dict[str, Any]:
        (task,) = [task for task in self.api.tasks(self.run_id) if task["task_id"] == self.task_id]
        return task

    def clear(self) -> None:
        """Start another try, and no task after it.

        Airflow's scheduler may end the run by what it read before the task was cleared (apache/airflow, issue 18628).
        The task then has no state and never starts, until a person clears it once more.
        """

        def it_begins() -> bool:
            if self.task()["state"] is not None:
                return True
            if self.api.run(self.run_id)["state"] in ("success", "failed"):
                self._clear_once()
            return False

        self._clear_once()
        wait_until("the cleared task is scheduled", it_begins)

    def _clear_once(self) -> None:
        body = {"dry_run": False, "only_failed": False, "dag_run_id": self.run_id, "task_ids": [self.task_id]}
        self.api._call("POST", f"/dags/{DAG}/clearTaskInstances", body | {"include_downstream": False})

    def begin(self, seconds: float) -> dict[str, Any]:
        """Start another try; return it once it has worked so long."""
        self.clear()
        wait_until("the task runs", lambda: bool(self.task()["state"] == "running"))
        time.sleep(seconds)
        return self.task()

    def mark_failed(self) -> None:
        path = f"/dags/{DAG}/dagRuns/{self.run_id}/taskInstances/{self.task_id}"
        self.api._call("PATCH", path, {"new_state": "failed"})

    def loads(self) -> list[str]:
        """Return what HiveServer2 says of the first statements that it runs now."""
        address = f"{self.stack.variables['MARQUEE_HIVESERVER2_URL']}/api/v1/queries/active"
        return [text for text in map(json.dumps, self.stack.get(address)) if FIRST_STATEMENT in text]

    def on_yarn(self, attempt: str) -> bool:
        """Return whether YARN has an application of a try that has not ended."""
        query = f"applicationTags=marquee-{attempt}&states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
        return bool(self.stack.get(f"{self.stack.variables['MARQUEE_YARN_RM_URL']}/ws/v1/cluster/apps?{query}")["apps"])

    def work_until_the_first_statement(self) -> tuple[str, int]:
        """Start a try; return its name and its process once Hive works for it."""
        self.clear()
        wait_until("Hive runs the first load", lambda: bool(self.loads()))
        time.sleep(3)
        task = self.task()
        (pid,) = [pid for pid, instance in task_processes().items() if instance == task["id"]]
        return f"{task['try_number']}-{task['id']}", pid

    def wrote(self, attempt: str) -> list[str]:
        """Return the tables into which a try's statements have moved files."""
        partition = f"batch_id={BATCH}-{attempt}"
        folders = [f"{ATTEMPTS}/{table}" for table in ("ratings", "movies")]
        # A statement begins with a hidden folder in the partition's folder.
        return [folder for folder in folders if partition in self.names(folder) and self.names(f"{folder}/{partition}")]

    def names(self, folder: str) -> list[str]:
        return self.stack.hdfs_names(folder)

    def succeed(self) -> None:
        """Wait until the task's newest try has succeeded."""
        wait_until("the task has ended", lambda: self.task()["state"] in ("success", "failed"), 900)
        assert self.task()["state"] == "success"

    def wait_for_the_run(self) -> None:
        wait_until("the run has ended", lambda: self.api.run(self.run_id)["state"] in ("success", "failed"), 900)


def wait_until(what: str, is_so: Callable[[], bool], seconds: float = 120) -> float:
    """Return how long it took until the condition held."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + seconds, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return time.monotonic() - began


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.fixture
def load(stack: Stack, first_run: str) -> Iterator[Stopped]:
    made = Stopped(stack)
    yield made
    made.wait_for_the_run()


@pytest.mark.faults
def test_a_worker_that_is_killed_takes_its_statement_with_it(stack: Stack, load: Stopped) -> None:
    before = partition_bytes(stack, BATCH)
    attempt, pid = load.work_until_the_first_statement()
    os.kill(pid, signal.SIGKILL)
    # This test comes first, because Airflow waits longer before each retry.
    seconds = wait_until("Hive has ended the statement", lambda: not load.loads(), SECONDS_TO_END)
    print(f"the statement ended {seconds:.1f} s after the process was killed", flush=True)
    load.succeed()
    assert partition_bytes(stack, BATCH) == before
    assert load.wrote(attempt) == []


def test_a_task_that_is_marked_failed_ends_its_statement_and_moves_nothing(stack: Stack, load: Stopped) -> None:
    before = partition_bytes(stack, BATCH)
    attempt, pid = load.work_until_the_first_statement()
    load.mark_failed()
    seconds = wait_until("Hive has ended the statement", lambda: not load.loads(), SECONDS_TO_END)
    print(f"the statement ended {seconds:.1f} s after the task was marked failed", flush=True)
    wait_until("the task's process has ended", lambda: not Path(f"/proc/{pid}").exists(), 20)
    wait_until("YARN has ended the application", lambda: not load.on_yarn(attempt), SECONDS_TO_END)
    assert load.wrote(attempt) == []
    # A statement that went on would have moved its result within this time.
    time.sleep(45)
    assert load.wrote(attempt) == []
    assert partition_bytes(stack, BATCH) == before
    load.clear()
    load.succeed()
    assert partition_bytes(stack, BATCH) == before


@pytest.mark.faults
def test_a_task_that_is_marked_failed_and_cleared_at_once_is_replaced_by_its_next_try(
    stack: Stack, load: Stopped
) -> None:
    before = partition_bytes(stack, BATCH)
    attempt, _ = load.work_until_the_first_statement()
    load.mark_failed()
    load.clear()
    wait_until("YARN has ended the application", lambda: not load.on_yarn(attempt), SECONDS_TO_END)
    load.succeed()
    assert partition_bytes(stack, BATCH) == before
    assert load.wrote(attempt) == []
    assert load.names(f"{ATTEMPTS}/{TASK}/{BATCH}") == []


@pytest.mark.faults
def test_a_worker_that_sleeps_until_the_next_try_has_ended_changes_nothing(stack: Stack, load: Stopped) -> None:
    before = partition_bytes(stack, BATCH)
    attempt, pid = load.work_until_the_first_statement()
    # Its supervisor would end it. Stopped together they are a machine that has lost its network for a while.
    processes = (parent(pid), pid)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        load.mark_failed()
        load.clear()
        load.succeed()
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)
    wait_until("the late process has ended", lambda: not Path(f"/proc/{pid}").exists(), 60)
    assert load.names(f"{ATTEMPTS}/{TASK}/{BATCH}") == []
    assert partition_bytes(stack, BATCH) == before
    print(f"the late try had written {load.wrote(attempt)}", flush=True)


@pytest.mark.faults
@pytest.mark.parametrize("task_id", OTHERS)
def test_a_task_of_any_kind_that_is_marked_failed_and_cleared_at_once_gives_the_same_bytes(
    stack: Stack, first_run: str, task_id: str
) -> None:
    before = partition_bytes(stack, BATCH), published_bytes(stack, BATCH)
    stopped = Stopped(stack, task_id)
    late = stopped.begin(OTHERS[task_id])
    stopped.mark_failed()
    stopped.clear()
    stopped.succeed()
    stopped.wait_for_the_run()
    again = stopped.task()
    print(f"{task_id}: {late['state']} in try {late['try_number']}, success in try {again['try_number']}", flush=True)
    assert again["try_number"] > late["try_number"]
    assert (partition_bytes(stack, BATCH), published_bytes(stack, BATCH)) == before


@pytest.mark.faults
@pytest.mark.parametrize("task_id", [*OTHERS, TASK])
def test_a_task_of_any_kind_whose_scheduler_is_killed_starts_again_and_gives_the_same_bytes(
    stack: Stack, first_run: str, task_id: str
) -> None:
    before = partition_bytes(stack, BATCH), published_bytes(stack, BATCH)
    stopped = Stopped(stack, task_id)
    late = stopped.begin(OTHERS.get(task_id, 8.0))
    kill("airflow-scheduler")(stack)
    # The next scheduler looks for orphaned tasks each minute. Until then this one counts as running.
    stopped.succeed()
    stopped.wait_for_the_run()
    again = stopped.task()
    print(f"{task_id}: try {late['try_number']} was {late['state']}, try {again['try_number']} succeeded", flush=True)
    assert again["try_number"] > late["try_number"] or late["state"] == "success"
    assert (partition_bytes(stack, BATCH), published_bytes(stack, BATCH)) == before
