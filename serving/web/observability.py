"""Metrics, request ids and structured logs of the API.

With several workers each process writes its samples into PROMETHEUS_MULTIPROC_DIR (the server's start wipes it) and any
worker's /metrics adds them up.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
import time
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from serving.publications.reader import Publication
from serving.publications.times import parse_moment

_LOG_LEVELS = ("debug", "info", "warning", "error")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

REQUESTS = Counter("marquee_http_requests_total", "Requests answered.", ["route", "method", "status"])
LATENCY = Histogram(
    "marquee_http_request_seconds",
    "Time from the request's headers to its answer.",
    ["route"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LISTS = Counter("marquee_lists_total", "Lists answered, by policy.", ["policy"])
SWITCHES = Counter("marquee_publication_switches_total", "Publications that a worker began to serve.")
FAILURES = Counter("marquee_publication_failures_total", "Publications that a worker could not open: not sound.")
DEGRADED = Gauge(
    "marquee_publication_degraded",
    "1 where a worker serves another publication than the live one, because that is not sound.",
    multiprocess_mode="livemax",
)
PUBLICATION_TIME = Gauge(
    "marquee_publication_timestamp_seconds",
    "The batch time of the publication served, in Unix seconds, as the last worker to switch has it.",
    # Not the minimum: the server's own process, which serves nothing, would make it 0.
    multiprocess_mode="livemostrecent",
)
DATA_TIME = Gauge(
    "marquee_data_through_timestamp_seconds",
    "Time of the latest rating that the served lists have seen, in Unix seconds, as the last worker to switch has it.",
    # Not the minimum: the server's own process, which serves nothing, would make it 0.
    multiprocess_mode="livemostrecent",
)

access_log = logging.getLogger("marquee.serving.access")
error_log = logging.getLogger("marquee.serving")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; an exception's trace goes into the log only, never into an answer."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        document = {
            "at": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        document.update(getattr(record, "fields", {}))
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Send the API's own log to standard output as JSON lines; with level `warning` requests are not logged.

    Raises ValueError for another level than debug, info, warning or error.
    """
    if level not in _LOG_LEVELS:
        raise ValueError(f"MARQUEE_SERVING_LOG_LEVEL is {level!r}: give debug, info, warning or error.")
    root = logging.getLogger("marquee.serving")
    root.setLevel(level.upper())
    root.propagate = False
    if not root.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)


def publication_serves(publication: Publication) -> None:
    """Note that this worker begins to serve a publication."""
    SWITCHES.inc()
    PUBLICATION_TIME.set(parse_moment(publication.publication_id + "Z", "The publication id").timestamp())
    DATA_TIME.set(publication.manifest.data_through or 0)
    error_log.info("publication serves", extra={"fields": {"publication": publication.publication_id}})


def publication_failed(publication: str, reason: str) -> None:
    """Note that this worker could not open a publication."""
    FAILURES.inc()
    error_log.error("publication failed", extra={"fields": {"publication": publication, "reason": reason}})


def metrics_response() -> Response:
    """Return all workers' metrics in Prometheus's text format."""
    registry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def request_id_of(given: str) -> str:
    """Return the id that the client gave its request, if it can stand in a log, else a fresh one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def log_request(request_id: str, method: str, path: str, status: int, seconds: float, publication: str | None) -> None:
    """Write the access log's line of one request."""
    fields = {
        "request_id": request_id,
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(seconds * 1000, 3),
        "publication": publication,
    }
    access_log.info("request", extra={"fields": fields})


def _forget_dead_workers(folder: Path) -> None:
    """Take workers that ended out of the gauges: what they last said holds no more. Their counts go on counting."""
    for samples in folder.glob("gauge_live*_*.db"):
        pid = int(samples.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)


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
        if access_log.isEnabledFor(logging.INFO):
            publication = g.get("publication")
            log_request(g.request_id, request.method, request.path, response.status_code, seconds, publication)
        return response
