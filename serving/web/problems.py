"""Errors of the API as application/problem+json (RFC 9457), each kind written once.

A kind's `type` is a relative address that resolves to its description in the API's documentation page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import HTTPException

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of error: its name in `type`, its status and its title, which never vary."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """Return the problem's type: an address relative to the server's root."""
        return f"/docs#problem-{self.name}"


def _kind(name: str, status: HTTPStatus, title: str, meaning: str) -> ProblemKind:
    kind = ProblemKind(name, int(status), title, meaning)
    KINDS[name] = kind
    return kind


KINDS: dict[str, ProblemKind] = {}

UNKNOWN_USER = _kind(
    "unknown-user",
    HTTPStatus.NOT_FOUND,
    "Unknown user",
    "The publication has no list for this user: the user had too few ratings, or does not exist. `popular` links to "
    "what to show instead.",
)
UNKNOWN_MOVIE = _kind(
    "unknown-movie", HTTPStatus.NOT_FOUND, "Unknown movie", "The publication's catalogue has no movie with this id."
)
UNKNOWN_SCOPE = _kind(
    "unknown-scope",
    HTTPStatus.NOT_FOUND,
    "Unknown scope",
    "There is no list of popular movies for this scope; `scopes` has those there are.",
)
UNKNOWN_GENRE = _kind(
    "unknown-genre",
    HTTPStatus.NOT_FOUND,
    "Unknown genre",
    "There is no list of the best movies for this genre; `genres` has those there are.",
)
UNKNOWN_PUBLICATION = _kind(
    "unknown-publication",
    HTTPStatus.NOT_FOUND,
    "Unknown publication",
    "The store has no such publication, or it failed verification, or nothing was live at that time.",
)
NOT_RECOMMENDED = _kind(
    "not-recommended",
    HTTPStatus.NOT_FOUND,
    "Not in the list",
    "The user's list does not hold this movie: the user has rated it, or others score higher.",
)
NOT_IN_PUBLICATION = _kind(
    "not-in-publication",
    HTTPStatus.NOT_FOUND,
    "Not in the publication",
    "The publication was built without the table that this answer comes from.",
)
BAD_BODY = _kind(
    "bad-body", HTTPStatus.BAD_REQUEST, "Bad body", "The body is not the JSON object that the address takes."
)
BAD_ID = _kind(
    "bad-id", HTTPStatus.BAD_REQUEST, "Bad id", "An id in the path is not a whole number from 1 to 2147483647."
)
BAD_LIMIT = _kind(
    "bad-limit", HTTPStatus.BAD_REQUEST, "Bad limit", "`limit` is not a whole number in the range allowed."
)
BAD_PARAMETER = _kind(
    "bad-parameter",
    HTTPStatus.BAD_REQUEST,
    "Bad parameter",
    "Another parameter has a value that it cannot have, is given twice, or does not exist for this address.",
)
NOTHING_PUBLISHED = _kind(
    "nothing-published",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Nothing published yet",
    "No publication has been activated: try again after the first pipeline run.",
)
NO_SOUND_PUBLICATION = _kind(
    "no-sound-publication",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "No sound publication",
    "The live publication failed verification and there is no earlier one that passes.",
)
NOT_FOUND = _kind("not-found", HTTPStatus.NOT_FOUND, "Not found", "There is nothing at this address.")
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed", "See the `Allow` header for what is."
)
TOO_LARGE = _kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large", "The body is larger than 64 KiB.")
UNSUPPORTED_MEDIA_TYPE = _kind(
    "unsupported-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "Unsupported media type",
    "The body must be sent as application/json.",
)
TOO_MANY = _kind(
    "too-many-requests",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many requests",
    "This address has sent more requests than the server's setting allows; `Retry-After` says when to go on.",
)
INTERNAL = _kind(
    "internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "A defect; the request id finds it in the log."
)


@dataclass
class ProblemError(Exception):
    """Ends a request with a problem; `extra` holds members beyond those of RFC 9457."""

    kind: ProblemKind
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)


def problem_document(
    kind: ProblemKind, detail: str, instance: str, extra: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the problem as JSON data; `instance` is the path that was asked."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
        **(extra or {}),
    }


def problem_response(kind: ProblemKind, detail: str, instance: str, extra: dict[str, Any] | None = None) -> Response:
    """Return the problem as a response that no cache keeps; `retry_after` in `extra`, in seconds, is also a header."""
    body = json.dumps(problem_document(kind, detail, instance, extra), ensure_ascii=False)
    response = Response(body + "\n", status=kind.status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    wait = (extra or {}).get("retry_after", 30 if kind.status == HTTPStatus.SERVICE_UNAVAILABLE else None)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def refusal(error: HTTPException, path: str, kinds: Mapping[str, ProblemKind], otherwise: ProblemKind) -> Response:
    """Return the problem of what Flask itself refused, in the service's own `kinds`; `otherwise` is any other below 500."""
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
