"""The few requests of Airflow's REST API (v2) that the pipeline client makes."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any

from infra.pipeline.http_json import ServiceError, request_json

DAG_ID, SENTIMENT_DAG_ID = "build_recommendations", "train_sentiment"
DAG_IDS = (DAG_ID, SENTIMENT_DAG_ID, "build_movie_sentiment", "drop_old_batches", "tune_als", "watch_sentiment")
TASK_THAT_CLAIMS = "wait_for_other_runs"
SECONDS_FOR_PARSING = 120.0
UNAUTHORISED, NOT_FOUND, CONFLICT = 401, 404, 409


class AirflowApi:
    """A logged-in connection to a DAG of Airflow. Every method raises ServiceError."""

    def __init__(self, url: str, user: str, password: str, dag_id: str = DAG_ID) -> None:
        self.url = url.rstrip("/")
        self.dag_id = dag_id
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def unpause(self, seconds: float = SECONDS_FOR_PARSING) -> None:
        """Unpause the DAG; wait for it if Airflow has not read it yet."""
        self._once_read("PATCH", f"/dags/{self.dag_id}?update_mask=is_paused", {"is_paused": False}, seconds)

    def trigger(self, conf: dict[str, Any], logical_date: str | None) -> dict[str, Any]:
        """Start a run and return it.

        If that date has a run already, it is cleared, and all its tasks run again. It keeps the parameters that it was
        started with, and ServiceError is raised if `conf` has others.
        """
        try:
            body = {"logical_date": logical_date, "conf": conf}
            run: dict[str, Any] = self._call("POST", f"/dags/{self.dag_id}/dagRuns", body)
        except ServiceError as error:
            earlier = self._run_of(logical_date) if error.status == CONFLICT and logical_date else None
            if earlier is None:
                raise
            kept = earlier["conf"] or {}
            if conf and conf != kept:
                raise ServiceError(
                    f"The run of {logical_date} keeps its parameters {json.dumps(kept)} when it is run again, and you asked for "
                    f"{json.dumps(conf)}. Give another --batch-date, or leave --dataset, --archive and --conf out."
                ) from None
            return self.run_again(earlier["dag_run_id"])
        return run

    def run_again(self, run_id: str) -> dict[str, Any]:
        """Clear all tasks of a run, so that they run again for its batch; return it."""
        try:
            self._call("POST", f"{self._run_path(run_id)}/clear", {"dry_run": False, "only_failed": False})
        except ServiceError as error:
            raise self._without_run(run_id, error) from None
        return self.run(run_id)

    def going(self, seconds: float = SECONDS_FOR_PARSING) -> list[dict[str, Any]]:
        """Return the runs that have not ended: the running ones first, then by age.

        Waits for the DAG if Airflow has not read it yet.
        """
        path = f"/dags/{self.dag_id}/dagRuns?state=running&state=queued&limit=100"
        found = self._once_read("GET", path, None, seconds)["dag_runs"]
        return sorted(found, key=lambda run: (run["state"] != "running", run["run_after"] or "", run["dag_run_id"]))

    def run(self, run_id: str) -> dict[str, Any]:
        """Return the run: `state`, `logical_date`, `run_after` and more."""
        try:
            run: dict[str, Any] = self._call("GET", self._run_path(run_id))
        except ServiceError as error:
            raise self._without_run(run_id, error) from None
        return run

    def batch_id(self, run_id: str) -> str | None:
        """Return the batch id that the run has claimed, None before that."""
        path = f"{self._run_path(run_id)}/taskInstances/{TASK_THAT_CLAIMS}/xcomEntries/return_value"
        try:
            return str(self._call("GET", path)["value"]).strip('"')
        except ServiceError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def result(self, run_id: str, task_id: str) -> dict[str, Any]:
        """Return the object that a task returned, an empty one where it returned none."""
        path = f"{self._run_path(run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            value = self._call("GET", path)["value"]
        except ServiceError as error:
            if error.status != NOT_FOUND:
                raise
            return {}
        try:
            found = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def end(self, run_id: str) -> None:
        """End a run as failed, whatever its tasks are doing."""
        self._call("PATCH", self._run_path(run_id), {"state": "failed"})

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """Return the run's task instances.

        Each has `task_id`, `state`, `try_number`, `start_date`, `end_date` and `duration`.
        """
        found: list[dict[str, Any]] = self._call("GET", f"{self._run_path(run_id)}/taskInstances?limit=200")[
            "task_instances"
        ]
        return found

    def log_lines(self, run_id: str, task_id: str, attempt: int) -> list[str]:
        """Return the lines of an attempt's log."""
        path = f"{self._run_path(run_id)}/taskInstances/{task_id}/logs/{attempt}?full_content=true"
        lines: list[str] = []
        for entry in self._call("GET", path)["content"]:
            lines += _lines_of(entry)
        return lines

    def _run_of(self, logical_date: str) -> dict[str, Any] | None:
        wanted = urllib.parse.urlencode({"logical_date_gte": logical_date, "logical_date_lte": logical_date})
        runs: list[dict[str, Any]] = self._call("GET", f"/dags/{self.dag_id}/dagRuns?{wanted}")["dag_runs"]
        return runs[0] if runs else None

    def _without_run(self, run_id: str, error: ServiceError) -> ServiceError:
        """Return what to say if Airflow does not know the run, else the error itself."""
        if error.status != NOT_FOUND:
            return error
        names = ", ".join(run["dag_run_id"] for run in self.going()) or "none"
        return ServiceError(f"Airflow has no run {run_id}. Check the name. Runs that are going: {names}.", NOT_FOUND)

    def _run_path(self, run_id: str) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"

    def _once_read(self, method: str, path: str, body: Any, seconds: float) -> Any:
        """Send a request; wait while Airflow, just started, has not read the DAG yet."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._call(method, path, body)
            except ServiceError as error:
                if error.status != NOT_FOUND or time.monotonic() > deadline:
                    raise ServiceError(f"{error} {self._import_errors()}".rstrip(), error.status) from None
            time.sleep(2)

    def _import_errors(self) -> str:
        errors = self._call("GET", "/importErrors")["import_errors"]
        return " ".join(f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        if self._token is None:
            answer = request_json("POST", f"{self.url}/auth/token", body=self._login, service="Airflow")
            if not isinstance(answer, dict) or "access_token" not in answer:
                raise ServiceError(f"What answers at {self.url} is not Airflow. Is it up? See `make status`.")
            self._token = answer["access_token"]
        try:
            return request_json(method, f"{self.url}/api/v2{path}", body=body, token=self._token, service="Airflow")
        except ServiceError as error:
            if error.status == UNAUTHORISED:
                self._token = None  # It has expired, and the next call logs in again.
            raise


def _lines_of(entry: Any) -> list[str]:
    """Return the text of one log entry.

    An entry is a line, or an event with the errors that belong to it.
    """
    if isinstance(entry, str):
        return entry.splitlines()
    lines = str(entry.get("event", "")).splitlines()
    for error in entry.get("error_detail") or []:
        lines.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
    return [line for text in lines for line in text.splitlines()]
