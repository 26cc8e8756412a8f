"""The end of a load test: its table of percentiles, its report and its exit status."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from locust.env import Environment
from thresholds import Row, complaints_of, in_all, row, table_of  # next to this file, where locust looks


def rows_of(environment: Environment) -> list[Row]:
    """Return a row for each kind of request that was made, but for the setup."""
    return [
        row(str(entry.name), entry.num_requests, entry.num_failures, entry.get_response_time_percentile)
        for entry in sorted(environment.stats.entries.values(), key=lambda entry: str(entry.name))
        if entry.name != "(setup)"
    ]


def judge(environment: Environment, **_: object) -> None:
    """Print the table, write the report, and set the exit status."""
    rows = rows_of(environment)
    complaints = complaints_of(rows)
    stats = environment.stats.total
    print("\n".join(["", *table_of(rows), "", in_all(rows, (stats.last_request_timestamp or 0) - stats.start_time)]))
    for complaint in complaints:
        print(f"MISSED  {complaint}")
    if path := os.environ.get("LOAD_REPORT"):
        seed = int(os.environ.get("LOAD_SEED", "20261124"))
        report = {"seed": seed, "requests": [asdict(found) for found in rows], "missed": complaints}
        Path(path).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    environment.process_exit_code = 1 if complaints else 0
