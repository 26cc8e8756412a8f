"""What training and lists cost at several sizes, on local files: no daemons.

    python tests/bench/training_scale.py --rows 100000 1000000 --executors 1 2 --results training-scale.jsonl

Generates ratings (movielens_like) and puts them into a warehouse of its own. train_als and recommend_top_n then run as
on YARN, but on executors of this machine (Spark's local-cluster, or local with --executors 0), and with MLflow on a
file. The gate judges the model in between. scale_report.py makes tables and a plot of the results. The SHA-256 of the
model and of the lists are the same for every number of executors; the bench fails when they are not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from movielens_like import write_set
from process_usage import Usage, Watch, family
from promotion.gate import Rule, decide_on_record
from scale_report import line

BATCH = "20261124T030000"
JOBS = Path(__file__).resolve().parents[2] / "spark_jobs"
LOADER = Path(__file__).with_name("load_generated.py")


class Bench:
    """A folder with a warehouse of generated ratings, and the programs that work on it."""

    def __init__(self, folder: Path, heap: str) -> None:
        self.folder, self._heap = folder, heap
        self._environment = {
            **os.environ,
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "SPARK_CONF_DIR": str(folder),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": f"{folder}/spark",
            "TMPDIR": str(folder),
            "OPENBLAS_NUM_THREADS": "1",
            "SPARK_WORKER_DIR": f"{folder}/executors",
        }

    def _submit(self, executors: int, events: Path) -> list[str]:
        megabytes = int(self._heap.removesuffix("m"))
        master = f"local-cluster[{executors},1,{megabytes}]" if executors else "local[2]"
        settings = {
            "spark.ui.enabled": "false",
            "spark.executor.memory": self._heap,
            "spark.sql.warehouse.dir": f"{self.folder}/warehouse",
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self.folder}/metastore;create=true",
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={self.folder} -Xss4m -XX:+UseSerialGC",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": f"file://{events}",
        }
        given = [argument for name, value in settings.items() for argument in ("--conf", f"{name}={value}")]
        submit = str(Path(sys.executable).with_name("spark-submit"))
        return [submit, "--master", master, "--driver-memory", self._heap, *given]

    def run(self, name: str, executors: int, program: Path, *arguments: str) -> tuple[Usage, int]:
        """Run a Spark program; return its usage, and how many bytes it shuffled.

        Raises SystemExit when it fails.
        """
        events, log = self.folder / f"events-{name}-{executors}", self.folder / f"{name}-{executors}.log"
        events.mkdir()
        command = [*self._submit(executors, events), str(program), *arguments]
        with log.open("wb") as output:
            running = psutil.Popen(
                command, env=self._environment, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT
            )
        watch = Watch(lambda: family(running), lambda: name)
        watch.start()
        status = running.wait()
        usage = watch.stop()[name]
        if status != 0:
            raise SystemExit(f"{name} ended with status {status}. Its output is in {log}.")
        return usage, shuffled(events)


def shuffled(events: Path) -> int:
    """Return how many bytes the tasks of Spark's event logs wrote to shuffles."""
    written = 0
    for file in events.rglob("events_*"):
        for text in file.read_text(encoding="utf-8").splitlines():
            event = json.loads(text)
            metrics = event.get("Task Metrics") or {}
            written += (metrics.get("Shuffle Write Metrics") or {}).get("Shuffle Bytes Written", 0)
    return written


def digest_of(folder: Path) -> str:
    """Return the SHA-256 of all files of tables, by their names."""
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("part-*")):
        whole.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return whole.hexdigest()


def measure(bench: Bench, rows: int, executors: int) -> list[dict[str, Any]]:
    """Return the results of training, gate and lists."""
    model, lists = bench.folder / f"model-{executors}", bench.folder / f"lists-{executors}"
    tracking = ["--batch-id", BATCH, "--tracking-uri", f"sqlite:///{bench.folder}/mlflow-{executors}.db"]
    trained_json = bench.folder / f"trained-{executors}.json"
    usage, bytes_shuffled = bench.run(
        "train_als",
        executors,
        JOBS / "train_als.py",
        *tracking,
        *("--model-path", f"file://{model}", "--result", str(trained_json)),
    )
    trained = json.loads(trained_json.read_text())
    record: Any = json.loads((model / "evaluation.json").read_text())
    decision = decide_on_record(record, Rule())
    remark = f"{decision.verdict}, {len({row['window'] for row in record['windows']})} windows"
    results = [
        line(rows, executors, "train_als", usage, remark=remark, sha256=trained["factors_sha256"])
        | {"shuffled_mib": bytes_shuffled >> 20}
    ]
    usage, bytes_shuffled = bench.run(
        "recommend_top_n",
        executors,
        JOBS / "recommend_top_n.py",
        *tracking,
        *("--model-version", trained["model_version"], "--warehouse", f"file://{lists}"),
    )
    size = sum(file.stat().st_size for file in lists.rglob("*.orc")) >> 20
    found = line(rows, executors, "recommend_top_n", usage, remark=f"{size} MiB of lists", sha256=digest_of(lists))
    return [*results, found | {"shuffled_mib": bytes_shuffled >> 20}]


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--executors", type=int, nargs="+", default=[0], help="0 is one process (default: %(default)s)")
    parser.add_argument("--heap", default="1024m", help="of the driver, and of each executor (default: %(default)s)")
    parser.add_argument("--results", type=Path, required=True, help="file of JSON lines to add to")
    options = parser.parse_args()
    digests: dict[tuple[int, str], str] = {}
    for rows in options.rows:
        folder = Path(tempfile.mkdtemp(prefix="training-scale-"))
        bench = Bench(folder, options.heap)
        write_set(folder / "set", rows, dirty=False)
        bench.run("load", 0, LOADER, str(folder / "set"), BATCH)
        shutil.rmtree(folder / "set")
        for executors in options.executors:
            for found in measure(bench, rows, executors):
                with options.results.open("a", encoding="utf-8") as results:
                    results.write(json.dumps(found) + "\n")
                print(json.dumps(found), flush=True)
                first = digests.setdefault((rows, found["task"]), found["sha256"])
                if first != found["sha256"]:
                    sys.exit(
                        f"bench: {found['task']} has other bytes with {executors} executors. They are in {folder}."
                    )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
