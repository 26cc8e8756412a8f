"""Each request of a Flask application gets an id, is timed, counted and logged."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST

from serving.web.access_log import access_log
from serving.web.http_metrics import metrics_text, observe
from serving.web.logs import request_id_of


def observe_requests(app: Flask) -> None:
    """Give each request an id, time it, count it and log it."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id_of(request.headers.get("X-Request-ID", ""))

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        route = request.url_rule.rule if request.url_rule else "unmatched"
        observe(route, request.method, response.status_code, seconds)
        response.headers["X-Request-ID"] = g.request_id
        if access_log.enabled:
            publication = g.get("publication")
            access_log.add(g.request_id, request.method, request.path, response.status_code, seconds, publication)
        return response


def metrics_response() -> Response:
    """Return all workers' metrics in Prometheus's text format."""
    return Response(metrics_text(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
