"""Backfills of build_recommendations by Airflow's program, and what has become of their runs."""

from __future__ import annotations

from typing import Any

from infra.pipeline.airflow_api import DAG_ID, AirflowApi
from tests.stack import Stack


def create_backfill(stack: Stack, first: str, last: str) -> None:
    """Start a backfill over the nights from `first` to `last`, such as 2026-01-02T03:00:00Z."""
    stack.run(
        *("airflow", "backfill", "create", "--dag-id", DAG_ID, "--from-date", first, "--to-date", last),
        *("--reprocess-behavior", "completed", "--max-active-runs", "2"),
    )


def end_last_nights_run(api: AirflowApi) -> None:
    """End the run that Airflow adds.

    Airflow takes the first backfill of an installation for its last scheduled run.
    """
    for run in api._call("GET", f"/dags/{DAG_ID}/dagRuns?run_type=scheduled&state=running&state=queued")["dag_runs"]:
        api.end(run["dag_run_id"])


def backfilled(api: AirflowApi, first: str, last: str) -> dict[str, dict[str, Any]]:
    """Return the runs of the nights from `first` to `last`, by logical date."""
    between = f"logical_date_gte={first}&logical_date_lte={last}"
    return {run["logical_date"]: run for run in api._call("GET", f"/dags/{DAG_ID}/dagRuns?{between}")["dag_runs"]}


def unfinished(runs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for run in runs.values() if run["state"] in {"queued", "running"}]
