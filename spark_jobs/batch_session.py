"""The Spark session of a job: everything about where it runs comes from spark-submit and spark-defaults.conf."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from hadoop_files import HadoopFiles
from pyspark.sql import SparkSession

_STARTED = time.monotonic()


def start_session(name: str, *, hive: bool = True) -> SparkSession:
    """Return the session, with this folder's modules sent to the executors."""
    builder = SparkSession.builder.appName(name)
    if hive:
        builder = builder.enableHiveSupport()
    spark = builder.getOrCreate()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        spark.sparkContext.addPyFile(str(module))
    # Rows between the JVM and pandas go as Arrow columns; without it they are pickled one by one.
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    return spark


def progress(message: str) -> None:
    """Say on stderr what the job is doing, with the seconds since it started; stdout carries the result alone."""
    print(f"[{time.monotonic() - _STARTED:7.1f} s] {message}", file=sys.stderr, flush=True)


def report(result: dict[str, Any], destination: str | None, spark: SparkSession | None = None) -> None:
    """Print the result as stdout's last line, one JSON object, and write the same to `destination` when given.

    The destination is a local path, or any URI that Hadoop knows when a session is given.
    """
    text = json.dumps(result, sort_keys=True)
    if destination and "://" in destination:
        if spark is None:
            raise ValueError(f"{destination} is not a local path: this job writes its result to local paths only")
        HadoopFiles(spark).write_text(destination, text + "\n")
    elif destination:
        path = Path(destination)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    print(text, flush=True)
