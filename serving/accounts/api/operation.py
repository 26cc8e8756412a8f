"""Whether the service works, its metrics, and its description."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Flask, Response, render_template

from serving.accounts.api.endpoints import Api
from serving.accounts.api.openapi import openapi_document
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY
from serving.accounts.domain.readiness import readiness
from serving.accounts.domain.schemas import operation as schemas
from serving.web.request_metrics import metrics_response


def operation_routes(api: Api) -> None:
    """Declare the endpoints of operation."""

    @api.endpoint(
        "GET", "/accounts/health", EVERYBODY, "Whether the process answers.", tag="operation", answer=schemas.Health
    )
    def health() -> schemas.Health:
        return schemas.Health(status="alive")

    @api.endpoint(
        "GET",
        "/accounts/ready",
        EVERYBODY,
        "Whether the database answers and is migrated.",
        tag="operation",
        answer=schemas.Ready,
    )
    def ready() -> schemas.Ready:
        return readiness(api.service.transactions)


def description_routes(app: Flask, api: Api) -> None:
    """Add the description of the declared endpoints, its page, and the metrics."""

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(api.endpoints)

    @app.get("/accounts/openapi.json")
    def openapi() -> Response:
        text = json.dumps(document(), ensure_ascii=False)
        return Response(text, mimetype="application/json", headers={"Cache-Control": "no-cache"})

    @app.get("/accounts/docs")
    def docs() -> str:
        return render_template("accounts_docs.html", api=document(), kinds=problems.KINDS.values())

    @app.get("/accounts/metrics")
    def metrics() -> Response:
        return metrics_response()
