"""How long it takes from a folder of ratings to a warehouse that is loaded, accounted for and validated, at several sizes.

    python -m infra.control exec -- python tests/bench/warehouse_scale.py --rows 1000000 25000000

Runs the DAG of the running platform on generated ratings (movielens_like) up to validate_warehouse, then ends the run.
Prints a row a size: seconds by task, and the most memory that the processes of Airflow's tasks held together. Take a
platform of its own: the batches stay in its warehouse until retention drops them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from movielens_like import write_set

from infra.pipeline.airflow_api import AirflowApi
from infra.pipeline.http_json import ServiceError

TASKS = ("ingest_movielens", "mr_clean_ratings", "mr_clean_movies", "load_warehouse", "validate_warehouse")
MIB = 1024 * 1024


def task_memory() -> int:
    """Return the bytes that tasks of Airflow and what they started hold now; what several share counts once (PSS)."""
    held: dict[int, int] = {}
    for process in psutil.process_iter():
        try:
            if process.cmdline()[:1] and process.cmdline()[0].startswith("airflow worker -- "):
                for part in (process, *process.children(recursive=True)):
                    held[part.pid] = part.memory_full_info().pss
        except psutil.Error:
            continue  # it ended meanwhile
    return sum(held.values())


def run_to_validation(api: AirflowApi, archive: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """Run the DAG on a folder until the warehouse is validated; return the tasks by name and the most memory, bytes.

    Raises RuntimeError when one of the tasks fails.
    """
    run = api.trigger({"dataset": "ml-latest", "archive": str(archive)}, None)
    most = 0
    try:
        while True:
            most = max(most, task_memory())
            tasks = {task["task_id"]: task for task in api.tasks(run["dag_run_id"])}
            states = {name: tasks[name]["state"] for name in TASKS}
            if set(states.values()) & {"failed", "upstream_failed", "up_for_retry"}:
                raise RuntimeError(f"run {run['dag_run_id']}: {states}")
            if states["validate_warehouse"] == "success":
                return tasks, most
            time.sleep(0.5)
    finally:
        api.end(run["dag_run_id"])
        # The profile there is what the next batch's drift is measured against: another size would be an error.
        stamp = datetime.fromisoformat(run["run_after"]).strftime("%Y%m%dT%H%M%S")
        shutil.rmtree(Path(os.environ["MARQUEE_DATA_DOCS"]) / stamp, ignore_errors=True)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    sizes = parser.parse_args().rows
    login = (os.environ[f"MARQUEE_AIRFLOW_{part}"] for part in ("URL", "USER", "PASSWORD"))
    api = AirflowApi(*login)
    api.unpause()
    print(f"| rows | {' | '.join(TASKS)} | all | memory, MiB |\n{'|---' * (len(TASKS) + 3)}|", flush=True)
    for rows in sizes:
        folder = Path(tempfile.mkdtemp(prefix="movielens-", dir=os.environ["TMPDIR"]))
        try:
            write_set(folder, rows)
            tasks, most = run_to_validation(api, folder)
        finally:
            shutil.rmtree(folder)
        begun = min(datetime.fromisoformat(task["start_date"]) for task in tasks.values() if task["start_date"])
        ended = datetime.fromisoformat(tasks["validate_warehouse"]["end_date"])
        figures = [*(tasks[name]["duration"] for name in TASKS), (ended - begun).total_seconds()]
        print(f"| {rows:,} | {' | '.join(f'{f:.1f}' for f in figures)} | {most // MIB} |", flush=True)


if __name__ == "__main__":
    try:
        main()
    except ServiceError as error:
        sys.exit(f"bench: {error}")
