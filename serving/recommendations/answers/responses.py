"""Finish answers: entity tags, headers for security, caches and origins, gzip."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from serving.publications.reading.catalogue import compact_json
from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import asked_path
from serving.recommendations.answers.chosen import Chosen
from serving.web.addresses import lead_on
from serving.web.flask_errors import problem_response, refusal
from serving.web.headers import DATA_POLICY, PAGE_POLICY
from serving.web.logs import error_log
from serving.web.problems import ProblemError

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "public, max-age=0, must-revalidate"
# Below one network packet, compressing saves nothing.
MIN_GZIP_BYTES = 1400
GZIP_LEVEL = 3
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, If-None-Match, X-Request-ID",
    "Access-Control-Max-Age": "600",
}


def entity_tag(publication: Publication) -> str:
    """Return the tag of every answer that its address and this publication determine."""
    return f"{publication.publication_id}-{publication.manifest.sha256[:16]}"


def json_answer(answer: dict[str, Any] | str, chosen: Chosen[Any] | None = None) -> Response:
    """Return JSON, from data or from text.

    Give `chosen` where the address and the publication determine the answer.
    """
    body = answer if isinstance(answer, str) else compact_json(answer) + "\n"
    response = Response(body, mimetype="application/json")
    if chosen is None:
        response.headers["Cache-Control"] = "no-cache"
        return response
    response.headers["Cache-Control"] = IMMUTABLE if chosen.fixed else REVALIDATE
    # The tag is the same with and without compression, hence weak.
    response.set_etag(entity_tag(chosen.publication), weak=True)
    response.make_conditional(request)
    return response


def unstored(answer: dict[str, Any]) -> Response:
    """Return JSON that no cache may keep: it is of this moment, or of one person."""
    response = json_answer(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


def fixed_headers(cors_origin: str | None, page: bool = False) -> dict[str, str]:
    """Return the headers that each answer has."""
    headers = {
        "Content-Security-Policy": PAGE_POLICY if page else DATA_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin" if cors_origin is None else "cross-origin",
    }
    if cors_origin is not None:
        headers["Access-Control-Allow-Origin"] = cors_origin
        headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Request-ID"
    return headers


def finish_responses(app: Flask, cors_origin: str | None) -> None:
    """Give each answer its fixed headers, and compress the large ones."""

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(fixed_headers(cors_origin, page=response.mimetype == "text/html"))
        if cors_origin is not None:
            if cors_origin != "*":
                response.vary.add("Origin")
            if request.method == "OPTIONS":
                response.headers.update(_PREFLIGHT)
        if request.path != "/metrics":
            _compress(response)
        return response


def _compress(response: Response) -> None:
    response.vary.add("Accept-Encoding")
    if (
        response.status_code == HTTPStatus.NOT_MODIFIED
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or "gzip" not in request.headers.get("Accept-Encoding", "").lower()
        or request.accept_encodings.quality("gzip") <= 0
    ):
        return
    body = response.get_data()
    if len(body) >= MIN_GZIP_BYTES:
        response.set_data(gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def answer_errors(app: Flask) -> None:
    """Answer every error as a problem.

    A defect is written to the log. The answer says nothing of it.
    """

    @app.errorhandler(ProblemError)
    def known(error: ProblemError) -> Response:
        return problem_response(error.kind, error.detail, asked_path(), error.extra)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> AnyResponse:
        return lead_on(error) or refusal(error, asked_path(), problems.KINDS, problems.BAD_PARAMETER)

    @app.errorhandler(Exception)
    def defect(error: Exception) -> Response:
        error_log.error("defect", exc_info=error, extra={"fields": {"request_id": g.get("request_id")}})
        return problem_response(problems.INTERNAL, problems.INTERNAL.meaning, asked_path())
