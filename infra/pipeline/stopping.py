"""Stops a run and waits until YARN has ended its applications."""

from __future__ import annotations

import os
import shlex
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.pipeline.airflow_api import DAG_ID, AirflowApi
from infra.pipeline.http_json import ServiceError, request_json
from infra.pipeline.progress import ENDED

SECONDS_BETWEEN_LOOKS = 2.0
# Airflow's supervisor of a task learns of the stop at its next heartbeat, then gives the task's programs 10 seconds.
SECONDS_TO_STOP = 90.0
# Until then, a task that was running can still submit an application.
SECONDS_TO_SUBMIT = 15.0
WORKING = ("running", "queued", "up_for_retry", "restarting", "deferred")
GOING_ON_YARN = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"


def run_words(api: AirflowApi, run_id: str) -> str:
    """Return how make's commands name a run."""
    dag = "" if api.dag_id == DAG_ID else f" DAG={api.dag_id}"
    return f"RUN={shlex.quote(run_id)}{dag}"


def stop_command(api: AirflowApi, run_id: str) -> str:
    """Return the command that stops a run."""
    return f"make stop-run {run_words(api, run_id)}"


def run_to_stop(api: AirflowApi, wanted: str | None) -> dict[str, Any] | None:
    """Return the run to stop: the wanted one, or the one that is going.

    Returns None if no run is going. Raises ServiceError if there are several to choose from.
    """
    if wanted is not None:
        return api.run(wanted)
    going = api.going()
    candidates = [run for run in going if run["state"] == "running"] or going
    if len(candidates) > 1:
        lines = "".join(f"\n  {stop_command(api, run['dag_run_id'])}" for run in candidates)
        raise ServiceError(f"{len(candidates)} runs are {candidates[0]['state']}. Name the one to stop:{lines}")
    return candidates[0] if candidates else None


@dataclass
class Stopper:
    """Stops a run and says what was done; `clock` and `sleep` are exchanged in tests."""

    api: AirflowApi
    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def stop(self, wanted: str | None) -> bool:
        """Return whether nothing of the run goes on. Raises ServiceError."""
        run = run_to_stop(self.api, wanted)
        if run is None:
            self.say("No run is going, so nothing was stopped.")
            return True
        run_id = run["dag_run_id"]
        if run["state"] in ENDED:
            self.say(f"Run {run_id} has ended before ({run['state']}), so nothing was stopped.")
            return True
        running = [task for task in self.api.tasks(run_id) if task["state"] in WORKING]
        batch_id = self.api.batch_id(run_id)
        self.api.end(run_id)
        names = ", ".join(sorted(task["task_id"] for task in running if task["state"] == "running"))
        self.say(f"Airflow has marked run {run_id} as failed. Tasks that it ends: {names or 'none was running'}.")
        stopped = batch_id is None or self._wait_for_yarn(batch_id, [task["task_id"] for task in running])
        self.say(
            "What is live stays live. To run the batch again, clear the run in Airflow. `make run` starts a new one."
        )
        for other in self.api.going():
            self.say(
                f"Run {other['dag_run_id']} is {other['state']}. To stop it too: {stop_command(self.api, other['dag_run_id'])}"
            )
        return stopped

    def _wait_for_yarn(self, batch_id: str, tasks: Sequence[str]) -> bool:
        """Return whether YARN has ended all applications of the tasks."""
        seen: set[str] = set()
        begun = self.clock()
        while True:
            try:
                going = applications(batch_id, tasks)
            except ServiceError as error:
                self.say(f"{error} Whether applications of the run go on is unknown: see `yarn application -list`.")
                return False
            seen |= set(going)
            if not going and (not tasks or self.clock() - begun >= SECONDS_TO_SUBMIT):
                self.say(f"Applications that YARN has ended: {', '.join(sorted(seen)) or 'the run had none'}.")
                return True
            if going and self.clock() - begun > SECONDS_TO_STOP:
                self.say(
                    f"YARN still runs {', '.join(going)} after {SECONDS_TO_STOP:.0f} s. End each by `yarn application -kill ID`."
                )
                return False
            self.sleep(SECONDS_BETWEEN_LOOKS)


def applications(batch_id: str, tasks: Sequence[str]) -> list[str]:
    """Return the ids of the tasks' applications that have not ended."""
    url = os.environ.get("MARQUEE_YARN_RM_URL", "").rstrip("/")
    if not url or not tasks:
        return []
    tags = ",".join(f"marquee-{batch_id}-{task}".lower() for task in tasks)
    query = urllib.parse.urlencode({"applicationTags": tags, "states": GOING_ON_YARN})
    answer = request_json("GET", f"{url}/ws/v1/cluster/apps?{query}", service="YARN")
    return [application["id"] for application in ((answer or {}).get("apps") or {}).get("app", [])]
