"""Two runs of the pipeline, started at once, whose services die under them. They must give what an undisturbed run gives.

A task killed at each stage stands in tests/e2e/test_rerun_backfill.py, a cleaning job's client in test_cleaning_restarts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from serving.publication_store import PublicationStore
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
)
from tests.faults.striker import Strike, Striker
from tests.stack import BATCH, Stack, published_bytes

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200), needs_root]
SECONDS_FOR_A_RUN = 2400
DATES = {"20260103T030000": "2026-01-03T03:00:00Z", "20260104T030000": "2026-01-04T03:00:00Z"}
PUBLICATIONS = "/marquee/publications"


def _killed(drill: str, task: str, after: float, *names: str) -> Strike:
    done = f"kill -9 of {' and '.join(names)} {after:g} s into {task}"
    return Strike(drill, done, task, after, kill(*names), lambda stack: serve(stack, *names))


STRIKES = {
    "20260103T030000": (
        _killed("NameNode killed", "mr_clean_ratings", 12, "namenode"),
        _killed("HiveServer2 and metastore killed", "load_warehouse", 12, "hiveserver2", "metastore"),
        _killed("NodeManager killed in ALS", "train_als", 20, "nodemanager"),
        Strike(
            *("MLflow down", "MLflow stopped for 40 s, 5 s into recommend_top_n", "recommend_top_n", 5),
            *(stop("mlflow"), lambda stack: serve(stack, "mlflow"), start("mlflow"), 40),
        ),
        Strike(
            *(
                "HDFS full",
                f"no space left by quota in {PUBLICATIONS} until build_publication failed",
                "export_tables",
                1,
            ),
            *(set_quota(PUBLICATIONS), lambda stack: True, clear_quota(PUBLICATIONS), None, "build_publication"),
        ),
    ),
    "20260104T030000": (
        _killed("NodeManager killed in mrjob", "mr_clean_ratings", 12, "nodemanager"),
        _killed("PostgreSQL killed", "train_als", 20, "postgres"),
        _killed("scheduler killed", "recommend_top_n", 15, "airflow-scheduler"),
        Strike(
            *("local disk full", "64 KiB for temporary files until build_publication failed", "build_publication", 0),
            *(fill_temporary_folder, lambda stack: True, free_temporary_folder, None),
        ),
    ),
}


@dataclass
class Runs:
    """Both runs when they had ended."""

    undisturbed: dict[str, str]
    states: dict[str, str]
    outcomes: dict[str, list[Outcome]]
    spans: list[tuple[str, str]]
    reader: Reader


def bytes_of(stack: Stack, batch: str) -> dict[str, str]:
    """Returns the SHA-256 of a batch's partitions and exports; the publication's file names its batch, so it has its own."""
    published = published_bytes(stack, batch)
    del published["publication"]
    return partition_bytes(stack, batch) | published


@pytest.fixture(scope="module")
def runs(stack: Stack, first_run: str) -> Runs:
    api = airflow(stack)
    undisturbed = bytes_of(stack, BATCH)
    started = {batch: api.trigger({}, date)["dag_run_id"] for batch, date in DATES.items()}
    states, outcomes, spans = {}, {}, []
    with Reader(stack.variables["MARQUEE_API_URL"], stack.store(), range(1, 672)) as reader:
        for batch, run_id in started.items():
            states[batch], outcomes[batch] = Striker(stack, api, run_id, STRIKES[batch]).follow(SECONDS_FOR_A_RUN)
            work = [
                task for task in api.tasks(run_id) if task["start_date"] and task["task_id"] != "wait_for_other_runs"
            ]
            spans.append((min(task["start_date"] for task in work), max(task["end_date"] for task in work)))
    return Runs(undisturbed, states, outcomes, spans, reader)


def accounted(stack: Stack, batch: str) -> str:
    files = stack.api(f"/v1/publications/{batch}")["lineage"]["snapshot"]["files"]
    columns = "source_file, rows_in, rows_clean, rows_quarantined, rows_superseded"
    accounting: Any = stack.hive(f"SELECT {columns} FROM marquee.row_accounting WHERE batch_id = '{batch}'")
    clean = {}
    for name in ("ratings", "movies"):
        ((clean[f"{name}.csv"],),) = stack.hive(f"SELECT COUNT(*) FROM marquee.{name} WHERE batch_id = '{batch}'")
    return rows_lost(accounting, {file["name"]: file["rows"] for file in files}, clean)


@pytest.mark.parametrize("batch", DATES)
def test_a_run_whose_services_die_gives_what_an_undisturbed_run_gives(
    stack: Stack, runs: Runs, batch: str, judge: Callable[[Outcome], None]
) -> None:
    store = PublicationStore(stack.store())
    ledger = [entry.as_dict() for entry in store.ledger.entries()]
    whole = Outcome(f"run {batch}", f"all {len(STRIKES[batch])} faults of this run together")
    whole.wrong[1] = runs.reader.wrong()
    whole.wrong[2] = accounted(stack, batch)
    whole.wrong[3] = bytes_differing(runs.undisturbed, bytes_of(stack, batch))
    whole.wrong[4] = not_one_publication(store, ledger, batch, live=max(DATES))
    whole.wrong[5] = "" if runs.states[batch] == "success" else runs.states[batch]
    whole.note = runs.reader.summary()
    judge(whole)


@pytest.mark.parametrize(
    ("batch", "drill"), [(batch, strike.drill) for batch, strikes in STRIKES.items() for strike in strikes]
)
def test_what_was_struck_comes_back(runs: Runs, batch: str, drill: str, judge: Callable[[Outcome], None]) -> None:
    (outcome,) = [outcome for outcome in runs.outcomes[batch] if outcome.drill == drill]
    judge(outcome)


def test_two_runs_started_at_once_work_one_after_the_other(runs: Runs, judge: Callable[[Outcome], None]) -> None:
    (_, ended), (begun, _) = runs.spans
    outcome = Outcome("two runs at once", "both runs were triggered in the same second")
    outcome.wrong[4] = "" if ended <= begun else f"the second began at {begun}, before the first ended at {ended}"
    outcome.note = f"first ended {ended[11:19]}, second began {begun[11:19]}"
    judge(outcome)
