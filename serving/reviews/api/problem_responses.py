"""Answer every error of the service as application/problem+json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from serving.reviews.api.addresses import described
from serving.reviews.api.schemas.problem import Problem
from serving.reviews.domain import problems
from serving.web.logs import error_log
from serving.web.problems import MEDIA_TYPE, ProblemError, ProblemKind, problem_document

# So many wrong fields are named: a body may have a million.
_MOST_ERRORS = 20


def answers(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """Return the description of an operation's problems, by status."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, problems.BAD_REQUEST, problems.INTERNAL, problems.UNAVAILABLE):
        content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}, "examples": {}}
        answer = described.setdefault(kind.status, {"description": "", "content": {MEDIA_TYPE: content}})
        meaning = f"{kind.title}: {kind.meaning}"
        if meaning not in answer["description"]:
            answer["description"] = f"{answer['description']} {meaning}".strip()
        example = problem_document(kind, kind.meaning, "/")
        answer["content"][MEDIA_TYPE]["examples"][kind.name] = {"summary": kind.title, "value": example}
    return described


def problem_response(
    request: Request, kind: ProblemKind, detail: str, extra: dict[str, Any] | None = None, **headers: str
) -> Response:
    """Return a problem as a response."""
    document = problem_document(described(request, kind), detail, request.url.path, extra)
    return Response(
        json.dumps(document).encode(),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )


def answer_errors(app: FastAPI) -> None:
    """Add the handlers of every kind of error."""
    app.add_exception_handler(ProblemError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(error, _unavailable)
    app.add_exception_handler(Exception, _defect)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - it is registered for these
    headers = {}
    if error.kind is problems.NOT_SIGNED_IN:
        headers["WWW-Authenticate"] = 'Bearer realm="marquee"'
    extra = dict(error.extra)
    if "retry_after" in extra:
        headers["Retry-After"] = str(extra["retry_after"])
    return problem_response(request, error.kind, error.detail, extra, **headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem_response(
            request, problems.NOT_JSON, "The body is not JSON. Check its quotation marks and commas."
        )
    if any(tuple(one["loc"]) == ("body",) for one in found) and not _is_json(request.headers):
        return problem_response(request, problems.WRONG_MEDIA_TYPE, problems.WRONG_MEDIA_TYPE.meaning)
    # Neither the value, which may be a text or a password, nor anything else of the request.
    named = [
        {"field": ".".join(_shown(part) for part in one["loc"]), "message": _sentence(one["msg"])}
        for one in found[:_MOST_ERRORS]
    ]
    detail = named[0]["message"] if len(named) == 1 else problems.BAD_REQUEST.meaning
    return problem_response(request, problems.BAD_REQUEST, detail, {"errors": named})


def _is_json(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _shown(part: int | str) -> str:
    """Return a part of a place, readable whatever the client named it."""
    return str(part).encode("ascii", "backslashreplace").decode()[:60]


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ").encode("utf-8", "backslashreplace").decode()
    return text if text.endswith(".") else f"{text}."


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            return problem_response(request, problems.NOT_FOUND, problems.NOT_FOUND.meaning)
        case 405:
            return problem_response(
                request, problems.METHOD_NOT_ALLOWED, problems.METHOD_NOT_ALLOWED.meaning, None, **headers
            )
        case 413:
            return problem_response(request, problems.TOO_LARGE, problems.TOO_LARGE.meaning)
        case _:
            # FastAPI's and Starlette's own refusals: a body or a form that cannot be read.
            return problem_response(request, problems.NOT_JSON, problems.NOT_JSON.meaning)


async def _unavailable(request: Request, error: Exception) -> Response:
    error_log.error("database", exc_info=error, extra={"fields": {"request_id": _id_of(request)}})
    return problem_response(
        request, problems.UNAVAILABLE, "The database does not answer. Try again shortly.", None, **{"Retry-After": "5"}
    )


async def _defect(request: Request, error: Exception) -> Response:
    error_log.error("defect", exc_info=error, extra={"fields": {"request_id": _id_of(request)}})
    return problem_response(request, problems.INTERNAL, problems.INTERNAL.meaning)


def _id_of(request: Request) -> str | None:
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found
