"""A run whose services die one by one gives what an undisturbed run gives.

tests/e2e/test_tasks_killed_in_a_backfill.py kills a task at each stage. test_cleaning_restarts.py there kills a cleaning job's client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from serving.publications.store import PublicationStore
from tests.e2e.warehouse import airflow, partition_bytes
from tests.faults.checker import Outcome, Reader, bytes_differing, not_one_publication, rows_lost
from tests.faults.conftest import needs_root
from tests.faults.faults import (
    clear_quota,
    fill_temporary_folder,
    free_temporary_folder,
    kill,
    serve,
    set_quota,
    start,
    stop,
    wait_until,
    works_on_yarn,
)
from tests.faults.striker import Strike, Striker
from tests.stack import BATCH, Stack, published_bytes

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200), needs_root]
SECONDS_FOR_A_RUN = 3600
BATCH_STRUCK, DATE_STRUCK = "20260113T030000", "2026-01-13T03:00:00Z"
DATE_OF_OTHER = "2026-01-14T03:00:00Z"
PUBLICATIONS = "/marquee/publications"


# Containers that a task has while YARN does its work. A small MapReduce job runs inside its application master (uber
# mode). Spark has one executor: its driver is the application master.
CONTAINERS = {"mr_clean_ratings": 1, "train_als": 1}


def _killed(drill: str, task: str, after: float, *names: str) -> Strike:
    done = f"kill -9 of {' and '.join(names)} {after:g} s into {task}"
    on_yarn = task in CONTAINERS
    ready = works_on_yarn(BATCH_STRUCK, task, CONTAINERS[task]) if on_yarn else lambda stack: True
    done += " on YARN" if on_yarn else ""
    return Strike(drill, done, task, after, kill(*names), lambda stack: serve(stack, *names), ready=ready)


STRIKES = (
    _killed("NameNode killed", "mr_clean_ratings", 0, "namenode"),
    _killed("NodeManager killed in mrjob", "mr_clean_ratings", 0, "nodemanager"),
    _killed("HiveServer2 and metastore killed", "load_warehouse", 12, "hiveserver2", "metastore"),
    _killed("PostgreSQL killed", "validate_warehouse", 4, "postgres"),
    _killed("NodeManager killed in ALS", "train_als", 20, "nodemanager"),
    _killed("scheduler killed", "validate_top_n", 4, "airflow-scheduler"),
    Strike(
        *("HDFS full", f"no space left by quota in {PUBLICATIONS} until build_publication failed", "export_tables", 1),
        *(set_quota(PUBLICATIONS), lambda stack: True, clear_quota(PUBLICATIONS), None, "build_publication"),
    ),
    Strike(
        *("local disk full", "64 KiB for temporary files until build_publication failed", "build_publication", 0),
        *(fill_temporary_folder, lambda stack: True, free_temporary_folder, None),
    ),
    Strike(
        *("MLflow down", "MLflow stopped until publish had worked for 40 s", "build_publication", 0),
        *(stop("mlflow"), lambda stack: serve(stack, "mlflow"), start("mlflow"), 40, "publish"),
    ),
)


@dataclass
class Struck:
    """The ended run, and the other run when it had begun."""

    undisturbed: dict[str, str]
    state: str
    outcomes: dict[str, Outcome]
    ended: str
    other_began: str
    reader: Reader


def bytes_of(stack: Stack, batch: str) -> dict[str, str]:
    """Return the SHA-256 of a batch's partitions and exports.

    The publication's file is left out: it contains the id of its batch, so it differs for each batch.
    """
    published = published_bytes(stack, batch)
    del published["publication"]
    return partition_bytes(stack, batch) | published


@pytest.fixture(scope="module")
def struck(stack: Stack, first_run: str) -> Struck:
    """Start two runs at once, strike the first, and end the second once it works."""
    api = airflow(stack)
    undisturbed = bytes_of(stack, BATCH)
    run_id, other = (api.trigger({}, date)["dag_run_id"] for date in (DATE_STRUCK, DATE_OF_OTHER))

    def worked(run: str) -> list[dict[str, Any]]:
        return [task for task in api.tasks(run) if task["start_date"] and task["task_id"] != "wait_for_other_runs"]

    with Reader(stack.variables["MARQUEE_API_URL"], stack.store(), range(1, 672)) as reader:
        state, outcomes = Striker(stack, api, run_id, STRIKES).follow(SECONDS_FOR_A_RUN)
        wait_until("the other run works", lambda: bool(worked(other)), pause=2)
        other_began = min(task["start_date"] for task in worked(other))
        api.end(other)
    ended = max(task["end_date"] for task in worked(run_id) if task["end_date"])
    return Struck(undisturbed, state, {each.drill: each for each in outcomes}, ended, other_began, reader)


def accounted(stack: Stack, batch: str) -> str:
    files = stack.api(f"/v1/publications/{batch}")["lineage"]["snapshot"]["files"]
    columns = "source_file, rows_in, rows_clean, rows_quarantined, rows_superseded"
    accounting: Any = stack.hive(f"SELECT {columns} FROM marquee.row_accounting WHERE batch_id = '{batch}'")
    clean = {}
    for name in ("ratings", "movies"):
        ((clean[f"{name}.csv"],),) = stack.hive(f"SELECT COUNT(*) FROM marquee.{name} WHERE batch_id = '{batch}'")
    return rows_lost(accounting, {file["name"]: file["rows"] for file in files}, clean)


def test_a_run_whose_services_die_gives_what_an_undisturbed_run_gives(
    stack: Stack, struck: Struck, judge: Callable[[Outcome], None]
) -> None:
    store = PublicationStore(stack.store())
    whole = Outcome("the whole run", f"all {len(STRIKES)} faults below in one run")
    whole.wrong[1] = struck.reader.wrong()
    whole.wrong[2] = accounted(stack, BATCH_STRUCK)
    whole.wrong[3] = bytes_differing(struck.undisturbed, bytes_of(stack, BATCH_STRUCK))
    whole.wrong[4] = not_one_publication(store, BATCH_STRUCK)
    whole.wrong[5] = "" if struck.state == "success" else struck.state
    whole.note = f"{struck.reader.summary()}; {len(struck.undisturbed)} files compared"
    judge(whole)


@pytest.mark.parametrize("drill", [strike.drill for strike in STRIKES])
def test_what_was_struck_comes_back(struck: Struck, drill: str, judge: Callable[[Outcome], None]) -> None:
    judge(struck.outcomes[drill])


def test_two_runs_started_at_once_work_one_after_the_other(struck: Struck, judge: Callable[[Outcome], None]) -> None:
    outcome = Outcome("two runs at once", "a second run triggered with the first")
    began, ended = struck.other_began, struck.ended
    outcome.wrong[4] = "" if ended <= began else f"the second worked at {began}, before the first ended at {ended}"
    outcome.note = f"first ended at {ended[11:19]}, second worked from {began[11:19]}"
    judge(outcome)
