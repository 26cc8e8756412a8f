"""The kinds of error that the reviews service answers with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from serving.web import problems as shared
from serving.web.problems import ProblemKinds

KINDS: Final = ProblemKinds("/docs")

NOT_JSON = KINDS.add(
    "not-json", HTTPStatus.BAD_REQUEST, "Not readable", "The body is not JSON in UTF-8, or not a form with a file."
)
BAD_REQUEST = KINDS.add(
    "bad-request",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Not as described",
    "The body, a field of it or a parameter is not as described; `errors` names each.",
)
BAD_TEXT = KINDS.add(
    "bad-text",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Text refused",
    "The text is empty, longer than 20,000 characters, or holds what no text holds.",
)
BAD_CURSOR = KINDS.add(
    "bad-cursor",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Not a cursor",
    "The cursor is not one of this list: begin without a cursor, and follow `next`.",
)
BAD_UPLOAD = KINDS.add(
    "bad-upload",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "File refused",
    "The file is not CSV or JSON Lines in UTF-8 with a column of texts; `detail` names the line.",
)
OTHER_TEXT = KINDS.add(
    "other-text",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Not the text of the prediction",
    "The feedback's text is missing, or is another one than was predicted.",
)
NOT_SIGNED_IN = KINDS.add(
    "not-signed-in",
    HTTPStatus.UNAUTHORIZED,
    "Not signed in",
    "There is no access token, or it is expired or revoked: sign in at the accounts service.",
)
FORBIDDEN = KINDS.add(
    "forbidden", HTTPStatus.FORBIDDEN, "Forbidden", "The account or client that asks may not do this."
)
NOT_FOUND = KINDS.share(shared.NOT_FOUND)
METHOD_NOT_ALLOWED = KINDS.share(shared.METHOD_NOT_ALLOWED)
WRONG_MEDIA_TYPE = KINDS.add(
    "wrong-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "Wrong media type",
    "The body must be application/json; a file comes as multipart/form-data.",
)
TOO_LARGE = KINDS.add(
    "too-large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "Body too large",
    "The body is larger than this address takes: 256 KiB, 8 MiB of a batch, or 64 MiB of a file.",
)
ALREADY_REVIEWED = KINDS.add(
    "already-reviewed",
    HTTPStatus.CONFLICT,
    "Already reviewed",
    "This account has reviewed this movie: change that review, whose address is `review`.",
)
NOT_FINISHED = KINDS.add(
    "not-finished",
    HTTPStatus.CONFLICT,
    "Not finished",
    "The job's result is there when all of its texts are answered: ask for its state until then.",
)
OWN_REVIEW = KINDS.add(
    "own-review", HTTPStatus.CONFLICT, "Own review", "A vote for one's own review does not count and is refused."
)
QUEUE_FULL = KINDS.add(
    "queue-full",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Queue full",
    "Too many jobs wait; `Retry-After` says when to try again.",
)
INTERNAL = KINDS.share(shared.INTERNAL)
UNAVAILABLE = KINDS.add(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Unavailable",
    "The database or the accounts service does not answer: try again shortly.",
)
NO_MODEL = KINDS.add(
    "no-model",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "No model",
    "No sentiment model is live yet: train one, or see /ready for why one was refused.",
)
