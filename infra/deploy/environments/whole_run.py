"""One run of the whole DAG on the embedded data set, which staging makes with a version before production may have it.

It is the run of `make run`, by the version's own client, so its lines show how far it is. Production's data are not touched.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence

from infra.deploy.environments.parts import Part
from infra.release.errors import ReleaseError

DATASET = "movielens-embedded"
# What the environment's .env says of its own data is not the embedded set's.
_CONF = dict.fromkeys(("archive", "mapping", "source", "query", "since"))
_CLIENT = ("exec", "--", "python3", "-m", "infra.pipeline")
RUN = (*_CLIENT, "run", "--dataset", DATASET, "--conf", json.dumps(_CONF))
# The client's exit status for a model that the gate refused (infra/pipeline/watching.py).
_REFUSED = 3
_RUN = re.compile(r"^Run (\S+): ")
_FAILED_TASK = re.compile(r"^Task (\S+) failed at attempt \d+\. Its log: (.+)$")
_VERDICT = re.compile(r"^The gate's verdict is (\w+), for its (\w+): (.*)$")


def run_whole_dag(batch: Part, slot: Part, seconds: int) -> str:
    """Run the DAG in the batch part and return how it ended, for the ledger.

    Raises ReleaseError with the failed tasks and their logs, and where the run takes longer than `seconds`.
    """
    status, lines = batch.follow(*RUN, slot=slot, seconds=seconds)
    run = next((found[1] for line in lines if (found := _RUN.match(line))), "")
    if status is None:
        raise ReleaseError(
            f"The run {run or 'of the DAG'} did not end within {seconds} s (MARQUEE_DEPLOY_RUN_SECONDS). It is stopped."
        )
    if status == 0:
        return f"published by {run}"
    if status == _REFUSED:
        return _refused(run, lines)
    raise ReleaseError(f"The run {run or 'of the DAG'} failed{_tasks(lines)}")


def _refused(run: str, lines: Sequence[str]) -> str:
    verdict = next((found for line in lines if (found := _VERDICT.match(line))), None)
    reasons = verdict[3] if verdict else "its reasons were not shown."
    # The embedded set is the same each time: what is held against the model is held against the version.
    if verdict and verdict[2] == "data":
        return f"not published by {run}, for its data alone: {reasons}"
    raise ReleaseError(f"The gate refused the model of {run}: {reasons} Read the log of decide_promotion.")


def _tasks(lines: Sequence[str]) -> str:
    failed = [found for line in lines if (found := _FAILED_TASK.match(line))]
    if not failed:
        return f": {lines[-1].strip()}" if lines else "."
    return ": " + "; ".join(f"the task {task[1]}, whose log is {task[2]}" for task in failed) + "."


def stop_runs(batch: Part, slot: Part) -> None:
    """Stop the run that is going, which another version would go on with.

    One that can't be stopped is left.
    """
    with contextlib.suppress(ReleaseError):
        batch.control(*_CLIENT, "stop", slot=slot)
