"""Faults that hit the tasks of one pipeline run, and how the tasks recover."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.pipeline.airflow_api import AirflowApi
from infra.pipeline.http_json import ServiceError
from tests.faults.checker import Outcome
from tests.faults.faults import Act
from tests.stack import Stack

ENDED = ("success", "failed")


@dataclass(frozen=True)
class Strike:
    """One fault of a run: `act` after `after` seconds of `task`'s work since `ready`.

    If a task is too short to hit, `task` is the one before it, and `hits` is the task that meets the fault. `repair` runs
    when that task has worked for `away` seconds or, if `away` is None, has failed. `back` returns whether the fault is over.
    """

    drill: str
    done: str
    task: str
    after: float
    act: Act
    back: Callable[[Stack], bool] = lambda stack: True
    repair: Act | None = None
    away: float | None = 0.0
    hits: str = ""
    ready: Callable[[Stack], bool] = lambda stack: True

    @property
    def victim(self) -> str:
        """Return the task that must recover."""
        return self.hits or self.task


@dataclass
class _Struck:
    strike: Strike
    at: float
    repaired: bool
    missed: bool = False
    met: float | None = None
    back: float | None = None
    ended: float | None = None


@dataclass
class Striker:
    """Follows a run from task to task. `struck` holds the strikes that were made."""

    stack: Stack
    api: AirflowApi
    run_id: str
    strikes: Sequence[Strike]
    struck: dict[str, _Struck] = field(default_factory=dict)
    _seen: dict[str, float] = field(default_factory=dict)

    def follow(self, seconds: float) -> tuple[str, list[Outcome]]:
        """Return the run's final state, and an outcome for each strike.

        Raises AssertionError if the run does not end.
        """
        deadline = time.monotonic() + seconds
        state = "running"
        try:
            while state not in ENDED:
                assert time.monotonic() < deadline, f"the run did not end within {seconds} s: {self._tasks()}"
                self._look(self._tasks())
                state = self._state(state)
                time.sleep(0.25)
            self._look(self._tasks())
        finally:
            for struck in self.struck.values():
                if not struck.repaired and struck.strike.repair is not None:
                    struck.strike.repair(self.stack)
        return state, [self._outcome(strike) for strike in self.strikes]

    def _state(self, last: str) -> str:
        try:
            return str(self.api.run(self.run_id)["state"])
        except ServiceError:
            return last

    def _tasks(self) -> dict[str, dict[str, Any]]:
        """Return the run's tasks by name, and none while Airflow does not answer."""
        try:
            return {task["task_id"]: task for task in self.api.tasks(self.run_id)}
        except ServiceError:
            return {}

    def _look(self, tasks: dict[str, dict[str, Any]]) -> None:
        now = time.monotonic()
        for struck in self.struck.values():
            self._go_on(struck, tasks.get(struck.strike.victim), now)
        # Allow one fault at a time, in the order of the list.
        if any(struck.back is None for struck in self.struck.values()):
            return
        states = {name: task["state"] for name, task in tasks.items()}
        left = (each for each in self.strikes if each.drill not in self.struck and states.get(each.task) not in ENDED)
        strike = next(left, None)
        if strike is None:
            return
        if states.get(strike.task) != "running" or not strike.ready(self.stack):
            self._seen.pop(strike.drill, None)
        elif now - self._seen.setdefault(strike.drill, now) >= strike.after:
            print(f"[{time.strftime('%H:%M:%S')}] {strike.drill}: {strike.done}", flush=True)
            strike.act(self.stack)
            self.struck[strike.drill] = _Struck(strike, time.monotonic(), strike.repair is None)

    def _go_on(self, struck: _Struck, task: dict[str, Any] | None, now: float) -> None:
        strike = struck.strike
        state = None if task is None else task["state"]
        if struck.met is None and state in ("running", *ENDED):
            struck.met = now
        failed = state in ("up_for_retry", "failed")
        due = failed if strike.away is None else struck.met is not None and now - struck.met >= strike.away
        if strike.repair is not None and not struck.repaired and due:
            strike.repair(self.stack)
            struck.repaired = True
            struck.missed = state == "success"
        # Killed programs seem to serve until the kernel has closed their ports.
        if struck.repaired and struck.back is None and now - struck.at > 2 and strike.back(self.stack):
            struck.back = time.monotonic()
            print(
                f"[{time.strftime('%H:%M:%S')}] {strike.drill}: back after {struck.back - struck.at:.1f} s", flush=True
            )
        if struck.ended is None and state in ENDED:
            struck.ended = time.monotonic()

    def _outcome(self, strike: Strike) -> Outcome:
        outcome = Outcome(strike.drill, strike.done)
        struck = self.struck.get(strike.drill)
        if struck is None:
            outcome.wrong[5] = f"{strike.task} ended before the fault could hit it"
            return outcome
        task = self._tasks()[strike.victim]
        outcome.seconds = None if struck.back is None else struck.back - struck.at
        outcome.wrong[5] = (
            "" if struck.back is not None and task["state"] == "success" else f"{strike.victim}: {task['state']}"
        )
        if struck.missed:
            outcome.wrong[5] = f"{strike.victim} ended before the fault was repaired, and never met it"
        rest = "?" if struck.ended is None else f"{struck.ended - struck.at:.0f}"
        outcome.note = f"{strike.victim} succeeded in attempt {task['try_number']}, {rest} s after the fault"
        return outcome
