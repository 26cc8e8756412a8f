"""Follows one run: a line for each change of a task, a table at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from infra.pipeline.http_json import ServiceError

SECONDS_BETWEEN_LOOKS = 1.5
SECONDS_OF_SILENCE = 90.0
SECONDS_BETWEEN_SIGNS = 30.0
LOG_LINES = 30
ENDED = ("success", "failed")
SKIPPED = "skipped"
TASKS_THAT_PUBLISH = ("publish", "publish_model")


class Api(Protocol):
    """What following a run needs of Airflow."""

    dag_id: str

    def run(self, run_id: str) -> dict[str, Any]:
        """Return the run."""

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """Return its task instances."""

    def log_lines(self, run_id: str, task_id: str, attempt: int) -> list[str]:
        """Return an attempt's log."""


@dataclass
class Follower:
    """Watches a run and says what changes.

    `say` gets plain lines; `clock` and `sleep` are exchanged in tests.
    """

    api: Api
    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _seen: dict[str, tuple[str, int]] = field(default_factory=dict)
    _started: float = 0.0
    _last_line: float = 0.0

    def follow(self, run_id: str) -> str:
        """Return the run's final state, `success` or `failed`.

        Raises ServiceError if Airflow stays away too long.
        """
        self._started = self._last_line = self.clock()
        last_answer = self.clock()
        while True:
            try:
                state: str = self.api.run(run_id)["state"]
                self.show(self.api.tasks(run_id))
                last_answer = self.clock()
            except ServiceError:
                if self.clock() - last_answer > SECONDS_OF_SILENCE:
                    raise
                self._line("Airflow does not answer; trying again.")
            else:
                if state in ENDED:
                    return state
                self._sign_of_life(state)
            self.sleep(SECONDS_BETWEEN_LOOKS)

    def show(self, tasks: list[dict[str, Any]]) -> None:
        """Print what has changed since the last look."""
        for task in sorted(tasks, key=_start):
            now = (task["state"] or "", task["try_number"])
            before = self._seen.get(task["task_id"])
            if now == before:
                continue
            self._seen[task["task_id"]] = now
            text = _sentence(task, started_before=before is not None and before[0] == "running")
            if text:
                self._line(f"{task['task_id']:<26}{text}")

    def _sign_of_life(self, state: str) -> None:
        if self.clock() - self._last_line < SECONDS_BETWEEN_SIGNS:
            return
        running = sorted(name for name, (task_state, _) in self._seen.items() if task_state == "running")
        if running:
            self._line(f"still running: {', '.join(running)}")
        elif state == "queued":
            self._line("queued: another run is in progress, and one runs at a time (to stop that one: make stop-run)")
        else:
            self._line("waiting for Airflow to start the next task")

    def _line(self, text: str) -> None:
        self._last_line = self.clock()
        self.say(f"[{self.clock() - self._started:7.1f} s] {text}")


def _sentence(task: dict[str, Any], started_before: bool) -> str:
    state, attempt = task["state"], task["try_number"]
    seconds = f"{task['duration'] or 0:.1f} s"
    again = f", attempt {attempt}" if attempt > 1 else ""
    sentences = {
        "running": f"started{again}",
        "success": f"succeeded in {seconds}{again}",
        "failed": f"FAILED after {seconds}{again}",
        "up_for_retry": f"failed after {seconds}, is retried (attempt {attempt} of {task['max_tries'] + 1})",
        "upstream_failed": "not run, since a task before it failed",
        SKIPPED: "skipped",
    }
    return sentences.get(state or "", "")


def _start(task: dict[str, Any]) -> tuple[str, str]:
    return (task["start_date"] or "9", task["task_id"])


def was_published(tasks: list[dict[str, Any]]) -> bool:
    """Return whether the run brought its publication to the serving store."""
    return any(task["task_id"] in TASKS_THAT_PUBLISH and task["state"] == "success" for task in tasks)


def failure_report(api: Api, run_id: str, tasks: list[dict[str, Any]]) -> list[str]:
    """Return the name, the log's place and its last 30 lines of each failed task."""
    lines = []
    for task in sorted((task for task in tasks if task["state"] == "failed"), key=_start):
        name, attempt = task["task_id"], task["try_number"]
        lines += [
            "",
            f"Task {name} failed at attempt {attempt}. Its log: {log_path(api.dag_id, run_id, name, attempt)}",
        ]
        try:
            lines += [f"  | {line}" for line in api.log_lines(run_id, name, attempt)[-LOG_LINES:]]
        except ServiceError as error:
            lines.append(f"  (Airflow does not give the log: {error})")
    return lines


def what_next(run_id: str, tasks: list[dict[str, Any]]) -> list[str]:
    """Return how to go on after a run that failed.

    Airflow can leave tasks unrun although no task has failed: a task that is cleared within about a second of its
    failure runs again, while the scheduler still marks those after it.
    """
    unrun = sorted(task["task_id"] for task in tasks if task["state"] == "upstream_failed")
    if unrun and not any(task["state"] == "failed" for task in tasks):
        return [
            f"\nRun {run_id} ended without these tasks, although no task failed: {', '.join(unrun)}.",
            "A task was cleared so soon after its failure that Airflow had not yet marked the tasks after it.",
            "Clear them in Airflow with their downstream tasks, and the run goes on. See RunFailed in docs/runbook.md.",
        ]
    return [f"\nRun {run_id} failed. Fix the cause, then clear the failed task, or start a new run."]


def log_path(dag_id: str, run_id: str, task_id: str, attempt: int) -> Path:
    """Return where Airflow keeps the log of an attempt."""
    base = os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER")
    folder = Path(base) if base else Path(os.environ.get("MARQUEE_INSTANCE_DIR", ".")) / "logs" / "airflow"
    return folder / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}" / f"attempt={attempt}.log"


def duration_table(tasks: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of the tasks and their times.

    Its columns: task, state, attempts, seconds, and start counted from the first task's start.
    """
    begun = sorted((task for task in tasks if task["start_date"]), key=_start)
    if not begun:
        return []
    origin = _moment(begun[0]["start_date"])
    lines = [f"{'task':<26}{'state':<16}{'attempts':>8}{'seconds':>10}{'started at':>12}"]
    for task in begun:
        offset = (_moment(task["start_date"]) - origin).total_seconds()
        lines.append(
            f"{task['task_id']:<26}{task['state'] or '':<16}{task['try_number']:>8}"
            f"{task['duration'] or 0:>10.1f}{offset:>10.1f} s"
        )
    ends = [_moment(task["end_date"]) for task in begun if task["end_date"]]
    if ends:
        total, wall = sum(task["duration"] or 0 for task in begun), (max(ends) - origin).total_seconds()
        lines.append(f"{'all tasks':<26}{'':<24}{total:>10.1f}   first start to last end: {wall:.1f} s")
    return lines


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
