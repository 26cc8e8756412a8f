"""Whether the service works, its metrics, and its description."""

from __future__ import annotations

from flask import Flask, Response

from serving.accounts.api.conventions import AccountOperations
from serving.accounts.api.openapi import openapi_document
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY
from serving.accounts.domain.readiness import readiness
from serving.accounts.domain.schemas import operation as schemas
from serving.web.openapi import description_routes
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


def metrics_and_description(app: Flask, api: AccountOperations) -> None:
    """Add the metrics, and the description as JSON and as a page."""
    description_routes(
        app,
        "/accounts",
        lambda: openapi_document(api),
        problems.KINDS.values(),
        caching="no-cache",
        links=("/accounts/openapi.json",),
        examples=False,
    )

    @app.get("/accounts/metrics")
    def metrics() -> Response:
        return metrics_response()
