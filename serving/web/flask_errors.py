"""Problems as Flask's responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from serving.web.problems import MEDIA_TYPE, ProblemKind, problem_document


def problem_response(kind: ProblemKind, detail: str, instance: str, extra: dict[str, Any] | None = None) -> Response:
    """Return the problem as a response that no cache keeps.

    `retry_after` in `extra`, in seconds, is also sent as a header.
    """
    body = json.dumps(problem_document(kind, detail, instance, extra), ensure_ascii=False)
    response = Response(body + "\n", status=kind.status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    wait = (extra or {}).get("retry_after", 30 if kind.status == HTTPStatus.SERVICE_UNAVAILABLE else None)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def refusal(error: HTTPException, path: str, kinds: Mapping[str, ProblemKind], otherwise: ProblemKind) -> Response:
    """Return the problem for a request that Flask itself refused.

    The problem is one of the service's own `kinds`; `otherwise` is the kind of any other error below 500.
    """
    by_status = {
        HTTPStatus.NOT_FOUND: kinds["not-found"],
        HTTPStatus.METHOD_NOT_ALLOWED: kinds["method-not-allowed"],
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: kinds["too-large"],
    }
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    kind = by_status.get(status, otherwise if status < 500 else kinds["internal"])
    response = problem_response(kind, kind.meaning, path)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response
