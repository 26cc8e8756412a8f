"""The kinds of error that the accounts service answers with."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from serving.web.problems import ProblemKind


@dataclass(frozen=True)
class AccountProblem(ProblemKind):
    """A kind of error that this service's documentation describes."""

    @property
    def type(self) -> str:
        """Return the problem's type: an address relative to the server's root."""
        return f"/accounts/docs#problem-{self.name}"


KINDS: Final[dict[str, AccountProblem]] = {}


def _kind(name: str, status: HTTPStatus, title: str, meaning: str) -> AccountProblem:
    return KINDS.setdefault(name, AccountProblem(name, int(status), title, meaning))


BAD_REQUEST = _kind(
    "bad-request",
    HTTPStatus.BAD_REQUEST,
    "Bad request",
    "The body, a field of it or a parameter is not as described; `errors` names each.",
)
NOT_SIGNED_IN = _kind(
    "not-signed-in",
    HTTPStatus.UNAUTHORIZED,
    "Not signed in",
    "There is no access token, or it is expired, revoked or not one of ours: sign in, or refresh.",
)
WRONG_CREDENTIALS = _kind(
    "wrong-credentials",
    HTTPStatus.UNAUTHORIZED,
    "Wrong name or password",
    "The name and the password do not belong together. It is not said which of them is wrong.",
)
BAD_REFRESH_TOKEN = _kind(
    "bad-refresh-token",
    HTTPStatus.UNAUTHORIZED,
    "Refresh token not valid",
    "It is unknown, expired or used already. One that was used some time ago ends its session, because somebody else may have it: "
    "sign in again.",
)
FORBIDDEN = _kind("forbidden", HTTPStatus.FORBIDDEN, "Forbidden", "The account or client that asks may not do this.")
NOT_FOUND = _kind(
    "not-found", HTTPStatus.NOT_FOUND, "Not found", "There is no such address, movie, rating, account or client."
)
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed", "See the `Allow` header for what is."
)
NAME_TAKEN = _kind(
    "name-taken", HTTPStatus.CONFLICT, "Name taken", "Another account has this name, or one that reads alike."
)
KEY_REUSED = _kind(
    "key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Key used before",
    "This Idempotency-Key came before with another request: give each request a key of its own, and its retries the same.",
)
LAST_ADMIN = _kind(
    "last-admin",
    HTTPStatus.CONFLICT,
    "Last administrator",
    "The only administrator can't be deleted: name another first.",
)
WEAK_PASSWORD = _kind(
    "weak-password",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Password too weak",
    "The password is short, common, or easily guessed from the name; `suggestions` says what helps. Any characters are allowed.",
)
TOO_LARGE = _kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large", "The body is larger than 64 KiB.")
WRONG_MEDIA_TYPE = _kind(
    "wrong-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Wrong media type", "The body must be application/json."
)
TOO_MANY_ATTEMPTS = _kind(
    "too-many-attempts",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many attempts",
    "Too many failed attempts to sign in, for this name or from this address; `Retry-After` says when to try again.",
)
INTERNAL = _kind(
    "internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error", "A defect; the request id finds it in the log."
)
UNAVAILABLE = _kind(
    "unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable", "The database does not answer: try again shortly."
)
