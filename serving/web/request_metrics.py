"""Metrics of requests: each is counted, timed and logged under an id.

With several workers, each process writes its samples into PROMETHEUS_MULTIPROC_DIR, which the server empties when it
starts. Any worker's /metrics adds them up.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from serving.web.access_log import access_log
from serving.web.logs import request_id_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

REQUESTS = Counter("marquee_http_requests_total", "Requests answered.", ["route", "method", "status"])
LATENCY = Histogram(
    "marquee_http_request_seconds",
    "Time from the request's headers to its answer.",
    ["route"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


def observe_requests(app: Flask) -> None:
    """Give each request an id, time it, count it and log it."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id_of(request.headers.get("X-Request-ID", ""))

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        # The route, not the path: one time series for all users.
        route = request.url_rule.rule if request.url_rule else "unmatched"
        # Anything can be sent as a method; only real ones become label values.
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        LATENCY.labels(route).observe(seconds)
        response.headers["X-Request-ID"] = g.request_id
        if access_log.enabled:
            publication = g.get("publication")
            access_log.add(g.request_id, request.method, request.path, response.status_code, seconds, publication)
        return response


def metrics_response() -> Response:
    """Return all workers' metrics in Prometheus's text format."""
    registry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that ended.

    Their last values no longer hold. Their counts are kept.
    """
    for samples in folder.glob("gauge_live*_*.db"):
        pid = int(samples.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)
