"""What a whole run costs at several sizes, from the archive to what is live, on the running platform.

    python -m infra.control exec -- python tests/bench/pipeline_scale.py --rows 1000000 --results pipeline.jsonl --sets sets

Generates ratings (movielens_like), and runs the DAG on them to its end. A line of the results is a task: wall seconds as
Airflow counts them, and processor seconds and memory of what Airflow's tasks and YARN's containers ran meanwhile, by kind
of process. Daemons, HiveServer2's among them, are not counted. scale_report.py makes tables and a plot of the results.
Take a platform of its own: the batches stay in its warehouse until retention drops them. The number of executors is a
setting, MARQUEE_SPARK_EXECUTORS: start the platform again to change it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from movielens_like import write_set
from process_usage import Usage, Watch, family
from scale_report import line

from infra.pipeline.airflow_api import AirflowApi
from infra.pipeline.http_json import ServiceError

ENDED = {"success", "failed", "skipped", "upstream_failed", "removed"}
INSTANCES = re.compile(r"^spark\.executor\.instances\s+(\d+)", re.MULTILINE)


def processes_of_tasks() -> Iterator[psutil.Process]:
    """Yield the processes of this platform's Airflow tasks and YARN containers: another may run as well.

    All are below its supervisord.
    """
    supervisor = int((Path(os.environ["MARQUEE_INSTANCE_DIR"]) / "run" / "supervisord.pid").read_text(encoding="ascii"))
    seen = set()
    for process in family(psutil.Process(supervisor)):
        try:
            words = process.cmdline()[:1]
            wanted = "appcache" in Path(process.cwd()).parts or (words and words[0].startswith("airflow worker -- "))
        except psutil.Error:
            continue  # it ended meanwhile
        if wanted:
            for part in family(process):
                if part.pid not in seen:
                    seen.add(part.pid)
                    yield part


class Run:
    """A run of the DAG, and which of its tasks is at work."""

    def __init__(self, api: AirflowApi, archive: Path) -> None:
        self._api = api
        self.run_id = api.trigger({"dataset": "ml-latest", "archive": str(archive)}, None)["dag_run_id"]
        self.tasks: list[dict[str, Any]] = []

    def now(self) -> str | None:
        """Return the first task that runs, of several that run side by side."""
        running = [task for task in self.tasks if task["state"] == "running"]
        return str(min(running, key=lambda task: task["start_date"])["task_id"]) if running else None

    def to_its_end(self) -> dict[str, Usage]:
        """Wait for the end; return what each task used. Raises RuntimeError if one failed."""
        watch = Watch(processes_of_tasks, self.now)
        watch.start()
        try:
            while not self.tasks or {task["state"] for task in self.tasks} - ENDED:
                self.tasks = self._api.tasks(self.run_id)
                failed = [task["task_id"] for task in self.tasks if task["state"] in ("failed", "up_for_retry")]
                if failed:
                    raise RuntimeError(f"{', '.join(failed)} failed in run {self.run_id}. See the log there.")
                time.sleep(1)
        finally:
            used = watch.stop()
            if {task["state"] for task in self.tasks} - ENDED:
                self._api.end(self.run_id)
        return used


def executors() -> int:
    """Return how many executors the platform's Spark jobs have."""
    found = INSTANCES.search((Path(os.environ["SPARK_CONF_DIR"]) / "spark-defaults.conf").read_text(encoding="utf-8"))
    return int(found[1]) if found else 0


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def generated(sets: Path, rows: int) -> Path:
    """Return the folder of a generated set, which is written once: 25 million rows take minutes."""
    folder = sets / str(rows)
    if not folder.exists():
        sets.mkdir(parents=True, exist_ok=True)
        print(f"Generating {rows:,} ratings ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix=".generating-", dir=sets) as scratch:
            write_set(Path(scratch) / "set", rows)
            (Path(scratch) / "set").rename(folder)
    return folder


def measure(api: AirflowApi, rows: int, sets: Path) -> list[dict[str, Any]]:
    """Run the DAG on so many ratings; return the results of its tasks."""
    store = Path(os.environ["MARQUEE_PUBLICATION_STORE"])
    before = size_of(store)
    run = Run(api, generated(sets, rows))
    used = run.to_its_end()
    # The profile there is what the next batch's drift is measured against: another size would be an error.
    stamp = datetime.fromisoformat(api.run(run.run_id)["run_after"]).strftime("%Y%m%dT%H%M%S")
    shutil.rmtree(Path(os.environ["MARQUEE_DATA_DOCS"]) / stamp, ignore_errors=True)
    results = []
    for task in sorted(run.tasks, key=lambda task: task["start_date"] or ""):
        if task["state"] != "success":
            continue
        found = line(rows, executors(), task["task_id"], used.get(task["task_id"], Usage()))
        results.append(found | {"seconds": round(task["duration"], 1)})
    published = (size_of(store) - before) >> 20
    live = {task["task_id"]: task["state"] for task in run.tasks}.get("publish") == "success"
    results[-1]["remark"] = f"{published} MiB published" if live else "the gate refused the model"
    return results


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--results", type=Path, required=True, help="file of JSON lines to add to")
    parser.add_argument("--sets", type=Path, required=True, help="folder that keeps the generated sets")
    options = parser.parse_args()
    login = (os.environ[f"MARQUEE_AIRFLOW_{part}"] for part in ("URL", "USER", "PASSWORD"))
    api = AirflowApi(*login)
    api.unpause()
    for rows in options.rows:
        for found in measure(api, rows, options.sets):
            with options.results.open("a", encoding="utf-8") as results:
                results.write(json.dumps(found) + "\n")
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ServiceError, RuntimeError) as error:
        sys.exit(f"bench: {error}")
