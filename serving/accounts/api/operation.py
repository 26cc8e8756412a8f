"""Whether the service works, its metrics, and its description."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Flask, Response, render_template

from serving.accounts.api.conventions import AccountOperations
from serving.accounts.api.openapi import openapi_document
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY
from serving.accounts.domain.readiness import readiness
from serving.accounts.domain.schemas import operation as schemas
from serving.web.operations import Operation
from serving.web.request_metrics import metrics_response


def operation_routes(api: AccountOperations) -> None:
    """Declare the endpoints of operation."""

    @api.add(
        Operation(
            "GET",
            "/accounts/health",
            "Whether the process answers.",
            "operation",
            access=EVERYBODY,
            answer=schemas.Health,
        )
    )
    def health() -> schemas.Health:
        return schemas.Health(status="alive")

    @api.add(
        Operation(
            "GET",
            "/accounts/ready",
            "Whether the database answers and is migrated.",
            "operation",
            access=EVERYBODY,
            answer=schemas.Ready,
        )
    )
    def ready() -> schemas.Ready:
        return readiness(api.service.transactions)


def description_routes(app: Flask, api: AccountOperations) -> None:
    """Add the description of the declared endpoints, its page, and the metrics."""

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(api)

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
