"""What a request asked for, where own data's ids were replaced by numbers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import request

from serving.publications.format import MAX_ID, PublicationError
from serving.publications.own_data.ids import OwnIds
from serving.publications.reading.live import LivePublication
from serving.publications.reading.reader import Publication

# Keys of a request's environment, see serving/recommendations/own_ids.py.
PATH, QUERY, UNKNOWN = "marquee.asked_path", "marquee.asked_query", "marquee.unknown_id"
# The publication that a request is answered from, or the error of looking it up.
PUBLICATION = "marquee.publication"
_UNKNOWN_RATED = "marquee.unknown_rated"
_LONGEST_SHOWN = 40


def decoded(text: str) -> str:
    """Return text that WSGI hands over as Latin-1."""
    return text.encode("latin-1").decode("utf-8", "replace")


def looked_up(live: LivePublication, name: str | None = None) -> Publication:
    """Return the publication of the request, which was looked up once.

    It is the live one, or that of the id `name`. Raises PublicationError. Another one may have gone live meanwhile: it has other numbers.
    """
    found: Publication | PublicationError | None = request.environ.get(PUBLICATION)
    if isinstance(found, PublicationError):
        raise found
    if found is not None and name in (None, found.publication_id):
        return found
    return live.current() if name is None else live.named(name)


def asked_path() -> str:
    """Return the path as the caller wrote it, percent-encoded where it names own ids."""
    path: str = request.environ.get(PATH, request.path)
    return path


def asked_address() -> tuple[str, list[tuple[str, str]]]:
    """Return the path and the query's parameters as the caller wrote them."""
    query = request.environ.get(QUERY)
    return asked_path(), list(request.args.items()) if query is None else parse_qsl(query)


def asked_user(publication: Publication, user_id: int) -> int | str:
    """Return a user's id for a message, also that of a user whom nobody knows."""
    return _unknown() or publication.shown_user(user_id)


def asked_movie(publication: Publication, movie_id: int) -> int | str:
    """Return a movie's id for a message, also an unknown one."""
    return _unknown() or publication.shown_movie(movie_id)


def with_numbers(body: Any, ids: OwnIds) -> Any:
    """Return the body of a newcomer's request with numbers for own ids.

    An own id that is a whole number may be a JSON number too. Unknown movies get the highest numbers, which no movie has: they are
    ignored, as those of MovieLens are.
    """
    unknown: dict[int, str] = request.environ.setdefault(_UNKNOWN_RATED, {})

    def number(own_id: Any) -> Any:
        if not isinstance(own_id, str | int) or isinstance(own_id, bool):
            return own_id
        text = str(own_id)
        known = ids.movie(text)
        if known is None:
            known = MAX_ID - len(unknown)
            unknown[known] = text
        return known

    if not isinstance(body, dict):
        return body
    ratings, exclude = body.get("ratings"), body.get("exclude")
    changed = dict(body)
    if isinstance(ratings, list):
        changed["ratings"] = [
            {**one, "movie_id": number(one["movie_id"])} if isinstance(one, dict) and "movie_id" in one else one
            for one in ratings
        ]
    if isinstance(exclude, list):
        changed["exclude"] = [number(one) for one in exclude]
    return changed


def rated_movie(publication: Publication, movie_id: int) -> int | str:
    """Return the id of a movie that a newcomer rated, also of an unknown one."""
    unknown: dict[int, str] = request.environ.get(_UNKNOWN_RATED, {})
    return unknown.get(movie_id) or publication.shown_movie(movie_id)


def _unknown() -> str:
    unknown: str = request.environ.get(UNKNOWN, "")
    return unknown[:_LONGEST_SHOWN]
