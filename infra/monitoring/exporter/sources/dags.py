"""Samples of the DAGs next to the nightly one: their schedules and their latest runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from infra.monitoring.exporter.sources.http import unix_seconds
from infra.monitoring.exporter.sources.samples import Sample

RUN_STATES = ("queued", "running", "success", "failed")
# Backfills are left out, because they publish nothing.
_RUN_TYPES = ["scheduled", "manual", "operator_triggered", "asset_triggered"]
# Runs that wait stand before the one that works. No more than one of a DAG works at a time, and few wait.
_RUNS = "10"

Get = Callable[..., Any]


def dag_samples(get: Get, but: str) -> Iterator[Sample]:
    """Yield each DAG's schedule and latest run, without those of the DAG `but`.

    `get` answers a path of Airflow's API with its JSON. It raises requests.RequestException.
    """
    for dag in get("/dags", limit="100")["dags"]:
        name = dag["dag_id"]
        if name == but:
            continue
        label = {"dag": name}
        yield Sample("marquee_dag_paused", float(dag["is_paused"]), label)
        # A user who pauses a DAG expects no run of it.
        if dag["next_dagrun_run_after"] and not dag["is_paused"]:
            yield Sample("marquee_dag_next_timestamp_seconds", unix_seconds(dag["next_dagrun_run_after"]), label)
        path = f"/dags/{quote(name, safe='')}/dagRuns"
        runs = get(path, order_by="-start_date", run_type=_RUN_TYPES, limit=_RUNS)["dag_runs"]
        if runs:
            run = next((run for run in runs if run["state"] == "running"), runs[0])
            for state in RUN_STATES:
                yield Sample("marquee_dag_run_state", float(run["state"] == state), {**label, "state": state})
            begun = run["start_date"] or run["queued_at"]
            yield Sample("marquee_dag_run_start_timestamp_seconds", unix_seconds(begun), label)
