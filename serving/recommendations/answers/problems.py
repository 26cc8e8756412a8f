"""Declare the kinds of error that the recommendation API answers with."""

from __future__ import annotations

from http import HTTPStatus

from serving.web import problems
from serving.web.problems import ProblemKinds

KINDS = ProblemKinds("/docs")

UNKNOWN_USER = KINDS.add(
    "unknown-user",
    HTTPStatus.NOT_FOUND,
    "Unknown user",
    "The publication has no list for this user: the user had too few ratings, or does not exist. `popular` links to "
    "what to show instead.",
)
UNKNOWN_MOVIE = KINDS.add(
    "unknown-movie", HTTPStatus.NOT_FOUND, "Unknown movie", "The publication's catalogue has no movie with this id."
)
UNKNOWN_SCOPE = KINDS.add(
    "unknown-scope",
    HTTPStatus.NOT_FOUND,
    "Unknown scope",
    "There is no list of popular movies for this scope; `scopes` has those there are.",
)
UNKNOWN_GENRE = KINDS.add(
    "unknown-genre",
    HTTPStatus.NOT_FOUND,
    "Unknown genre",
    "There is no list of the best movies for this genre; `genres` has those there are.",
)
UNKNOWN_PUBLICATION = KINDS.add(
    "unknown-publication",
    HTTPStatus.NOT_FOUND,
    "Unknown publication",
    "The store has no such publication, or it failed verification, or nothing was live at that time.",
)
NOT_RECOMMENDED = KINDS.add(
    "not-recommended",
    HTTPStatus.NOT_FOUND,
    "Not in the list",
    "The user's list does not hold this movie: the user has rated it, or others score higher.",
)
NOT_IN_PUBLICATION = KINDS.add(
    "not-in-publication",
    HTTPStatus.NOT_FOUND,
    "Not in the publication",
    "The publication was built without the table that this answer comes from.",
)
BAD_BODY = KINDS.add(
    "bad-body", HTTPStatus.BAD_REQUEST, "Bad body", "The body is not the JSON object that the address takes."
)
BAD_ID = KINDS.add(
    "bad-id", HTTPStatus.BAD_REQUEST, "Bad id", "An id in the path is not a whole number from 1 to 2147483647."
)
BAD_LIMIT = KINDS.add(
    "bad-limit", HTTPStatus.BAD_REQUEST, "Bad limit", "`limit` is not a whole number in the range allowed."
)
BAD_PARAMETER = KINDS.add(
    "bad-parameter",
    HTTPStatus.BAD_REQUEST,
    "Bad parameter",
    "Another parameter has a value that it cannot have, is given twice, or does not exist for this address.",
)
NOTHING_PUBLISHED = KINDS.add(
    "nothing-published",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Nothing published yet",
    "No publication has been activated: try again after the first pipeline run.",
)
NO_SOUND_PUBLICATION = KINDS.add(
    "no-sound-publication",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "No sound publication",
    "The live publication failed verification and there is no earlier one that passes.",
)
NOT_FOUND = KINDS.share(problems.NOT_FOUND)
METHOD_NOT_ALLOWED = KINDS.share(problems.METHOD_NOT_ALLOWED)
TOO_LARGE = KINDS.share(problems.TOO_LARGE)
UNSUPPORTED_MEDIA_TYPE = KINDS.add(
    "unsupported-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "Unsupported media type",
    "The body must be sent as application/json.",
)
INTERNAL = KINDS.share(problems.INTERNAL)
