"""Shows a run to its end. The exit status says whether it published."""

from __future__ import annotations

from functools import partial

from infra.pipeline.airflow_api import DAG_ID, SENTIMENT_DAG_ID, AirflowApi
from infra.pipeline.http_json import ServiceError
from infra.pipeline.progress import Follower, duration_table, failure_report, was_published, what_next
from infra.pipeline.stopping import run_words, stop_command

GATES = {DAG_ID: "decide_promotion", SENTIMENT_DAG_ID: "pass_gate"}
PUBLISHED, FAILED, REFUSED, INTERRUPTED = 0, 1, 3, 130


def watch_run(api: AirflowApi, run_id: str | None) -> int:
    """Watch a run, by default the one that is going; return the exit status."""
    going = [run["dag_run_id"] for run in api.going()] if run_id is None else [api.run(run_id)["dag_run_id"]]
    if not going:
        print("No run is going. `make run` starts one.")
        return PUBLISHED
    return watch(api, going[0])


def watch(api: AirflowApi, run_id: str, follow: bool = True) -> int:
    """Show a run to its end, and return the exit status."""
    say = partial(print, flush=True)
    page = f"{api.url}/dags/{api.dag_id}/runs/{run_id}"
    say(f"Run {run_id}: {page}")
    if not follow:
        return PUBLISHED
    try:
        state = Follower(api, say).follow(run_id)
    except KeyboardInterrupt:
        say(f"\nNo longer watching. The run goes on: {page}")
        say(f"To stop it: {stop_command(api, run_id)}\nTo watch it again: make watch-run {run_words(api, run_id)}")
        return INTERRUPTED
    tasks = api.tasks(run_id)
    say("")
    for line in duration_table(tasks):
        say(line)
    if state != "success":
        for line in [*failure_report(api, run_id, tasks), *what_next(run_id, tasks)]:
            say(line)
        return FAILED
    # A DAG without a gate publishes nothing.
    if api.dag_id in GATES and not was_published(tasks):
        say(
            f"\nRun {run_id} succeeded, but its model was refused, so nothing new is published. See {GATES[api.dag_id]}."
        )
        for line in _verdict(api, run_id):
            say(line)
        return REFUSED
    return PUBLISHED


def _verdict(api: AirflowApi, run_id: str) -> list[str]:
    """Return the gate's verdict and reasons, nothing if Airflow lacks them."""
    try:
        decision = api.result(run_id, GATES[api.dag_id])
    except ServiceError as error:
        return [f"The gate's reasons can't be read: {error}"]
    if "verdict" not in decision:
        return []
    # A deployment reads this line (infra/deploy/environments/whole_run.py).
    reasons = "; ".join(str(reason) for reason in decision.get("reasons") or [])
    return [f"The gate's verdict is {decision['verdict']}, for its {decision.get('subject', 'model')}: {reasons}."]
