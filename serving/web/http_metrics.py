"""Metrics of HTTP requests, without any web framework.

With several workers, each process writes its samples into PROMETHEUS_MULTIPROC_DIR, which the server empties when it
starts. Any worker's /metrics adds them up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

REQUESTS = Counter("marquee_http_requests_total", "Requests answered.", ["route", "method", "status"])
LATENCY = Histogram(
    "marquee_http_request_seconds",
    "Time from the request's headers to its answer.",
    ["route"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

_counters: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time one request by its route, not by its path.

    One time series for all users.
    """
    # Anything can be sent as a method; only real ones become label values.
    key = (route, method if method in _METHODS else "other", status)
    counters = _counters.get(key)
    if counters is None:
        # Looking labels up costs more than counting.
        counters = _counters[key] = (REQUESTS.labels(route, key[1], str(status)).inc, LATENCY.labels(route).observe)
    count, time = counters
    count()
    time(seconds)


def metrics_text() -> bytes:
    """Return all workers' metrics in Prometheus's text format."""
    registry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    text: bytes = generate_latest(registry)
    return text


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that ended.

    Their last values no longer hold. Their counts are kept.
    """
    for samples in folder.glob("gauge_live*_*.db"):
        pid = int(samples.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)
