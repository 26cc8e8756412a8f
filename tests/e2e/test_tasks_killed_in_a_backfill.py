"""A backfill over two dates in which the process of every task of the first is killed once.

The first date is that of the first batch; the other is newer than what is live. One backfill serves all tests, because
a run takes minutes. The tests check that the bytes are the same and that the live publication does not move. They also
check that runs work one at a time and that each task starts again after its process was killed. `make faults` runs it;
`make test` has a backfill without kills (test_rerun_backfill.py).
"""

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.airflow_api import AirflowApi
from tests.e2e.backfills import backfilled, create_backfill, end_last_nights_run, unfinished
from tests.e2e.warehouse import airflow, partition_bytes
from tests.stack import BATCH, Stack, published_bytes

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(3600)]
DATES = ("2026-01-02T03:00:00Z", "2026-01-03T03:00:00Z")
BATCHES = (BATCH, "20260103T030000")
# Seconds that a task works before it is killed: far fewer than it takes on an idle machine.
SECONDS_OF_WORK = {
    **dict.fromkeys(("mr_clean_ratings", "mr_clean_movies", "load_warehouse"), 12.0),
    **dict.fromkeys(("train_als", "recommend_top_n"), 20.0),
    **dict.fromkeys(("validate_warehouse", "validate_top_n", "export_tables"), 3.0),
}
# These tasks take less than a second on an idle machine, and create_tables three: they may end before they are killed.
SHORT = {"wait_for_other_runs", "create_tables", "load_top_n", "decide_promotion"}
# Airflow puts the id of a task instance into the name of its process.
TASK_PROCESS = re.compile(rb"airflow worker -- ([0-9a-f-]{36})")


@dataclass
class Killer:
    """Kills the process of each task of one run once, long tasks during their work."""

    tasks: Callable[[], list[dict[str, Any]]]
    to_kill: set[str]
    after_kill: Callable[[str], None]
    killed: dict[str, float] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _seen: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Kill the processes that have worked for long enough."""
        for pid, instance in task_processes().items():
            if instance not in self._names:
                self._names |= {task["id"]: task["task_id"] for task in self.tasks()}
            name = self._names.get(instance)
            if name not in self.to_kill or name in self.killed:
                continue
            age = time.monotonic() - self._seen.setdefault(pid, time.monotonic())
            if age >= SECONDS_OF_WORK.get(name, 0.2):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:  # The process has ended since it was listed.
                    continue
                self.killed[name] = age
                print(f"killed {name} (pid {pid}) {age:.1f} s after it was seen", flush=True)
                self.after_kill(name)


def task_processes() -> dict[int, str]:
    """Return the ids of the task instances that processes work on, by pid."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            match = TASK_PROCESS.match((process / "cmdline").read_bytes())
        except OSError:
            continue
        if match:
            found[int(process.name)] = match[1].decode()
    return found


@dataclass
class Backfill:
    """The state before the backfill, the kills, and the runs when all have ended."""

    partitions: dict[str, str]
    published: dict[str, str]
    live: Path
    killer: Killer
    during_load: dict[str, str]
    runs: dict[str, dict[str, Any]]
    tasks: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def backfill(stack: Stack, first_run: str) -> Backfill:
    """Run the backfill to its end."""
    api = airflow(stack)
    during_load: dict[str, str] = {}

    def after_kill(task: str) -> None:
        if task == "load_warehouse":
            during_load.update(partition_bytes(stack, BATCH))

    (first,) = backfilled(api, *DATES).values()
    before = [task for task in api.tasks(first["dag_run_id"]) if task["state"] == "success"]
    killer = Killer(lambda: api.tasks(first["dag_run_id"]), {task["task_id"] for task in before}, after_kill)
    kept = partition_bytes(stack, BATCH), published_bytes(stack, BATCH), stack.store("live").resolve()
    create_backfill(stack, *DATES)
    try:
        kill_until_ended(killer, api)
    finally:
        # If the drill has failed, end its runs, because later tests need an idle platform.
        for run in unfinished(backfilled(api, *DATES)):
            api.end(run["dag_run_id"])
    ended = backfilled(api, *DATES)
    return Backfill(*kept, killer, during_load, ended, {d: api.tasks(run["dag_run_id"]) for d, run in ended.items()})


def kill_until_ended(killer: Killer, api: AirflowApi) -> None:
    """Kill tasks until the backfill's runs have ended."""
    deadline, next_look = time.monotonic() + 3300, 0.0
    while time.monotonic() < deadline:
        killer.look()
        if time.monotonic() > next_look:
            end_last_nights_run(api)
            now = backfilled(api, *DATES)
            if len(now) == len(DATES) and not unfinished(now):
                return
            next_look = time.monotonic() + 5
        time.sleep(0.1)
    raise AssertionError(f"the backfill did not end: {backfilled(api, *DATES)}")


def test_every_run_of_the_backfill_succeeds(backfill: Backfill) -> None:
    assert [(date, backfill.runs[date]["state"], backfill.runs[date]["run_type"]) for date in DATES] == [
        (date, "success", "backfill") for date in DATES
    ]


def test_every_task_was_killed_once_and_tried_again(backfill: Backfill) -> None:
    stages = {
        *("wait_for_other_runs", "ingest_movielens", "create_tables", "mr_clean_ratings", "mr_clean_movies"),
        *("load_warehouse", "validate_warehouse", "train_als", "recommend_top_n", "load_top_n", "validate_top_n"),
        *("decide_promotion", "export_tables", "build_publication", "publish"),
    }
    assert stages <= backfill.killer.to_kill
    assert backfill.killer.to_kill - set(backfill.killer.killed) <= SHORT
    again = {task["task_id"]: task for task in backfill.tasks[DATES[0]]}
    for name in backfill.killer.killed:
        # The first run was the first try, the killed process the second.
        assert (again[name]["state"], again[name]["try_number"] >= 3) == ("success", True), again[name]


def test_a_killed_load_left_the_batch_as_it_was(backfill: Backfill) -> None:
    assert backfill.during_load == backfill.partitions


def test_every_partition_and_publication_of_the_killed_run_has_the_same_bytes(stack: Stack, backfill: Backfill) -> None:
    assert partition_bytes(stack, BATCH) == backfill.partitions
    assert published_bytes(stack, BATCH) == backfill.published


def test_the_same_source_gives_every_date_the_same_bytes(stack: Stack, backfill: Backfill) -> None:
    assert partition_bytes(stack, BATCHES[1]) == backfill.partitions


def test_a_backfill_never_moves_what_is_live(stack: Stack, backfill: Backfill) -> None:
    assert stack.api("/v1/publication")["publication"] == BATCH
    assert stack.store("live").resolve() == backfill.live
    assert all(stack.store("publications", batch, "publication.sqlite").is_file() for batch in BATCHES)


def test_runs_work_one_at_a_time(backfill: Backfill) -> None:
    spans = []
    for date in DATES:
        work = [
            task for task in backfill.tasks[date] if task["start_date"] and task["task_id"] != "wait_for_other_runs"
        ]
        spans.append((min(task["start_date"] for task in work), max(task["end_date"] for task in work)))
    spans.sort()
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans)), spans
