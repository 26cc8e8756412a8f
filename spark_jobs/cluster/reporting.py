"""A job's output: progress on standard error, the result on standard output."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from cluster.hadoop_files import HadoopFiles

_STARTED = time.monotonic()


def progress(message: str) -> None:
    """Print a message on standard error, with the seconds since the job started.

    Standard output carries the result alone.
    """
    print(f"[{time.monotonic() - _STARTED:7.1f} s] {message}", file=sys.stderr, flush=True)


def report(result: dict[str, Any], destination: str | None, spark: SparkSession | None = None) -> None:
    """Print the result as one JSON object, and write it to `destination` if given.

    The destination is a local path. With a session, it may also be any URI that Hadoop knows.
    """
    text = json.dumps(result, sort_keys=True)
    if destination and "://" in destination:
        if spark is None:
            raise ValueError(f"{destination} is not a local path. This job can write its result to a local path only.")
        HadoopFiles(spark).write_text(destination, text + "\n")
    elif destination:
        path = Path(destination)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    print(text, flush=True)
