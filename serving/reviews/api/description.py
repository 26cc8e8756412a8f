"""The service's description (OpenAPI 3.1), as FastAPI makes it and the project writes it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.reviews.api.schemas.problem import Problem
from serving.reviews.domain import problems

# What FastAPI describes for its own refusals, which this service never sends.
_UNUSED = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Describe problems in the application's document, not FastAPI's own errors."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    kinds = "\n".join(
        f'- <a id="problem-{kind.name}"></a>`{kind.name}` ({kind.status}, {kind.title}): {kind.meaning}'
        for kind in problems.KINDS.values()
    )
    made = get_openapi(
        title=app.title,
        version="1",
        description=(
            "Whether a film review is positive, in English and Korean; and the reviews of the platform's movies.\n\n"
            "Reading and predicting are open to everybody. What is kept belongs to an account: send an access token of the "
            f"accounts service. Errors are application/problem+json (RFC 9457):\n\n{kinds}"
        ),
        routes=app.routes,
        servers=[{"url": app.root_path or "/"}],
    )
    schemas = made["components"]["schemas"]
    for name in _UNUSED:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas[Problem.__name__] = problem
    return made
