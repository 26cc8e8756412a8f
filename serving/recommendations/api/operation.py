"""What operators and programs ask about the API itself: health, metrics and its description."""

from __future__ import annotations

import json
from functools import cache

from flask import Flask, Response, render_template

from serving.publications.format import PublicationError
from serving.publications.live import LivePublication
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.metrics import DEGRADED
from serving.recommendations.answers.responses import REVALIDATE, unstored
from serving.recommendations.api.openapi import openapi_document
from serving.web.request_metrics import metrics_response


@cache
def _openapi_text() -> str:
    return json.dumps(openapi_document(), ensure_ascii=False)


def operation_routes(app: Flask, live: LivePublication) -> None:
    """Add them."""

    @app.get("/health")
    def health() -> Response:
        return unstored({"status": "alive"})

    @app.get("/ready")
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

    @app.get("/metrics")
    def metrics() -> Response:
        try:
            live.current()
        except PublicationError:
            DEGRADED.set(1)
        else:
            DEGRADED.set(live.failure is not None)
        return metrics_response()

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(_openapi_text(), mimetype="application/json", headers={"Cache-Control": REVALIDATE})

    @app.get("/docs")
    def docs() -> str:
        return render_template("docs.html", api=openapi_document(), kinds=problems.KINDS.values())
