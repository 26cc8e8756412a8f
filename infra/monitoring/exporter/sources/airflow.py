"""Samples of Airflow and of the pipeline's latest run, from its REST API (v2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

from infra.monitoring.exporter.sources.batch import batch_samples
from infra.monitoring.exporter.sources.dags import RUN_STATES, dag_samples
from infra.monitoring.exporter.sources.http import NOT_FOUND, SECONDS, UNAUTHORISED, get_json, unix_seconds
from infra.monitoring.exporter.sources.samples import Sample

DAG_ID = "build_recommendations"


class AirflowSource:
    """Reads Airflow after logging in. `read` raises requests.RequestException."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def read(self) -> Iterator[Sample]:
        """Yield Airflow's health, the schedules, the latest runs' states, and tasks."""
        yield from self._health()
        yield from dag_samples(self._get, but=DAG_ID)
        try:
            dag = self._get(f"/dags/{DAG_ID}")
        except requests.HTTPError as error:
            if error.response.status_code == NOT_FOUND:
                return  # Airflow has not read the DAG yet.
            raise
        yield Sample("marquee_airflow_dag_paused", float(dag["is_paused"]))
        if dag["next_dagrun_run_after"]:
            yield Sample("marquee_run_next_timestamp_seconds", unix_seconds(dag["next_dagrun_run_after"]))
        # A queued run sorts before the running one that it waits for. Report the running one, which may hang.
        runs = self._runs(limit="1", state="running") or self._runs(limit="1")
        if runs:
            yield from self._latest_run(runs[0])
            successes = self._runs(limit="1", state="success")
            if successes:
                yield Sample("marquee_run_last_success_timestamp_seconds", unix_seconds(successes[0]["end_date"]))

    def _health(self) -> Iterator[Sample]:
        for component, found in self._get("/monitor/health").items():
            if found["status"] is None:
                continue  # This component has never run here.
            label = {"component": component}
            yield Sample("marquee_airflow_component_healthy", float(found["status"] == "healthy"), label)
            beat = found.get(f"latest_{component}_heartbeat")
            if beat:
                yield Sample("marquee_airflow_heartbeat_timestamp_seconds", unix_seconds(beat), label)
        yield Sample("marquee_airflow_import_errors", self._get("/importErrors", limit="1")["total_entries"])

    def _latest_run(self, run: dict[str, Any]) -> Iterator[Sample]:
        for state in RUN_STATES:
            yield Sample("marquee_run_state", float(run["state"] == state), {"state": state})
        begun = run["start_date"] or run["queued_at"]
        yield Sample("marquee_run_start_timestamp_seconds", unix_seconds(begun))
        if run["end_date"]:
            yield Sample("marquee_run_seconds", run["duration"])
        path = f"/dags/{DAG_ID}/dagRuns/{quote(run['dag_run_id'], safe='')}/taskInstances"
        tasks = self._get(path, limit="200")["task_instances"]
        # A cleared task keeps the times of its earlier attempt, so count only tasks that have a state.
        ended = {task["task_id"]: task["duration"] for task in tasks if task["state"] in ("success", "failed")}
        for task_id, seconds in sorted(ended.items()):
            yield Sample("marquee_task_seconds", seconds or 0.0, {"task": task_id})
        for state, number in sorted(Counter(task["state"] or "none" for task in tasks).items()):
            yield Sample("marquee_run_tasks", number, {"state": state})
        succeeded = {task["task_id"] for task in tasks if task["state"] == "success"}
        yield Sample("marquee_gate_refused", float("record_refusal" in succeeded))
        if {"ingest_movielens", "validate_warehouse"} <= succeeded:
            snapshot = self._result(path, "ingest_movielens")
            yield from batch_samples("latest", snapshot, self._result(path, "validate_warehouse")["tables"])

    def _runs(self, **parameters: str) -> list[dict[str, Any]]:
        """Return runs, latest start first, queued runs before all others.

        Backfills are left out, because they publish nothing.
        """
        found: list[dict[str, Any]] = self._get(
            f"/dags/{DAG_ID}/dagRuns", order_by="-start_date", run_type=["scheduled", "manual"], **parameters
        )["dag_runs"]
        return found

    def _result(self, tasks_path: str, task_id: str) -> dict[str, Any]:
        value: dict[str, Any] = self._get(f"{tasks_path}/{task_id}/xcomEntries/return_value")["value"]
        return value

    def _get(self, path: str, **parameters: str | list[str]) -> Any:
        if self._token is None:
            answer = requests.post(f"{self._url}/auth/token", json=self._login, timeout=SECONDS)
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
        try:
            return get_json(f"{self._url}/api/v2{path}", self._token, **parameters)
        except requests.HTTPError as error:
            if error.response.status_code == UNAUTHORISED:
                self._token = None  # The token has expired. The next reading logs in again.
            raise
