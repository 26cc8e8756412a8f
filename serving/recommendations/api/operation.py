"""Answer for the API itself: health, metrics and description."""

from __future__ import annotations

from flask import Flask, Response

from serving.publications.format import PublicationError
from serving.publications.reading.live import LivePublication, NothingPublishedError
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.metrics import DEGRADED
from serving.recommendations.answers.responses import REVALIDATE, unstored
from serving.recommendations.api import store_schemas
from serving.recommendations.api.conventions import SERVED
from serving.web.openapi import description_routes, openapi_document, problem_schema
from serving.web.operations import Operation, Operations
from serving.web.request_metrics import metrics_response

_INFO = {
    "title": "Marquee recommendations",
    "version": "1",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": "Read-only movie recommendations. Each list names the publication it comes from "
    "and its policy: `personalised`, `folded-in`, `similar`, `popular`, `statistics` or "
    "`catalogue`. Errors are problem+json (RFC 9457). Answers "
    "carry an ETag per publication; pages of one list stay with one publication.",
}


def health_operations(api: Operations, live: LivePublication) -> None:
    """Declare health and readiness."""

    @api.add(Operation("GET", "/health", "Whether the process answers.", "operation", answer=store_schemas.Health))
    def health() -> Response:
        return unstored({"status": "alive"})

    @api.add(
        Operation(
            "GET",
            "/ready",
            "Whether lists can be served; `degraded` while an earlier publication stands in for one that is not sound.",
            "operation",
            answer=store_schemas.Ready,
            kinds=SERVED,
        )
    )
    def ready() -> Response:
        publication = current(live)
        degraded = live.failure is not None
        answer = {
            "status": "degraded" if degraded else "ready",
            "publication": publication.publication_id,
            "live": live.store.live(),
            "data_through": publication.data_through,
        }
        if degraded:
            answer["detail"] = "The live publication failed verification; the last sound one is served. See the log."
        return unstored(answer)


def metrics_and_description(app: Flask, api: Operations, live: LivePublication) -> None:
    """Add the metrics, and the description as JSON and as a page."""

    @app.get("/metrics")
    def metrics() -> Response:
        try:
            live.current()
        except NothingPublishedError:
            # Another worker may answer for a long time after the first publication: a 1 from before would then page for nothing.
            DEGRADED.set(0)
        except PublicationError:
            DEGRADED.set(1)
        else:
            DEGRADED.set(live.failure is not None)
        return metrics_response()

    description_routes(
        app,
        "",
        lambda: openapi_document(api, _INFO, {"schemas": {"Problem": problem_schema()}}),
        problems.KINDS.values(),
        caching=REVALIDATE,
        links=("/openapi.json", "/metrics"),
        examples=True,
    )
