"""What a load test asks of the answers' times, and its table of percentiles."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields

# By what a request costs; a name that is not listed reads.
KINDS = {
    "POST register": "PASSWORD",
    "POST login": "PASSWORD",
    "PUT rating": "WRITE",
    "POST refresh": "WRITE",
    "POST logout": "WRITE",
    "POST review": "WRITE",
    "PUT review": "WRITE",
    "DELETE review": "WRITE",
    "POST feedback": "WRITE",
    "POST batch": "BATCH",
}
# Milliseconds that 95 of 100 requests may take, on two cores that the load generator shares.
DEFAULTS = {"READ": 100.0, "WRITE": 250.0, "PASSWORD": 1000.0, "BATCH": 500.0}
# Share of requests that may fail.
DEFAULT_FAILURES = 0.001


@dataclass(frozen=True)
class Row:
    """One kind of request: how many, how many failed, percentiles and the threshold of p95 in milliseconds."""

    request: str
    number: int
    failures: int
    p50: float
    p90: float
    p95: float
    p99: float
    p95_may_be: float


def row(name: str, number: int, failures: int, percentile: Callable[[float], float]) -> Row:
    """Return the row of a request; `percentile` gives the time that a share (0 to 1) of the requests took at most."""
    kind = KINDS.get(name, "READ")
    threshold = float(os.environ.get(f"LOAD_P95_{kind}", DEFAULTS[kind]))
    return Row(name, number, failures, *(percentile(share) for share in (0.5, 0.9, 0.95, 0.99)), threshold)


def complaints_of(rows: list[Row]) -> list[str]:
    """Return a sentence for each threshold that is missed."""
    number, failures = sum(found.number for found in rows), sum(found.failures for found in rows)
    most = float(os.environ.get("LOAD_FAILURES", DEFAULT_FAILURES))
    missed = [
        f"{found.request}: p95 {found.p95:.0f} ms is over {found.p95_may_be:.0f} ms."
        for found in rows
        if found.p95 > found.p95_may_be
    ]
    if number == 0:
        missed.append("No request was made.")
    elif failures > most * number:
        missed.append(f"{failures} of {number} requests failed; {most:.1%} may.")
    return missed


def table_of(rows: list[Row]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = [field.name for field in fields(Row)]
    lines = [f"| {' | '.join(names)} |", "|---" + "|---:" * (len(names) - 1) + "|"]
    for found in rows:
        name, *numbers = astuple(found)
        lines.append(f"| {name} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
    return lines


def in_all(rows: list[Row], seconds: float) -> str:
    """Return the line below the table."""
    number = sum(found.number for found in rows)
    return f"{number} requests in {seconds:.0f} s, {number / max(seconds, 1):.0f} a second; times in milliseconds."
