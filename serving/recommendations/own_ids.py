"""Let addresses name users and movies by the ids of own data.

Inside, a publication has numbers. This application around Flask's puts them into the path and the query, so that all that follows reads
numbers. What a request asked for is kept for links and messages. A publication of MovieLens has no ids of its own: nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from serving.publications.format import MAX_ID, PublicationError
from serving.publications.live import LivePublication
from serving.publications.own_data.ids import OwnIds
from serving.publications.reader import Publication
from serving.recommendations.answers.asked import PATH, QUERY, UNKNOWN, decoded

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# The server has decoded the path, so that an id may have any character, slashes too.
_USER = re.compile(r"(/v1/users/)(.+?)(/recommendations)(?:(/)(.+))?", re.DOTALL)
_MOVIE = re.compile(r"(/v1/movies/|/v1/marts/movie_statistics/)(.+)", re.DOTALL)
_CURSOR = re.compile(r"([0-9]{8}T[0-9]{6})\.[0-9]{1,10}")
# No list is of this number.
_NOBODY = MAX_ID


class OwnIdsPath:
    """A WSGI application around the API and the pages."""

    def __init__(self, application: WsgiApplication, live: LivePublication) -> None:
        self._application = application
        self._live = live

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Put numbers in place of ids, and pass on."""
        publication = self._publication(environ.get("QUERY_STRING", ""))
        if publication is not None and publication.own_ids is not None:
            environ = _with_numbers(environ, publication.own_ids)
        return self._application(environ, start_response)

    def _publication(self, query: str) -> Publication | None:
        """Return the publication that a request will be answered from, if it is sound."""
        try:
            if "as_of=" in query or "cursor=" in query:
                given = dict(parse_qsl(query))
                cursor = _CURSOR.fullmatch(given.get("cursor", ""))
                if name := given.get("as_of") or (cursor[1] if cursor else None):
                    return self._live.named(name)
            return self._live.current()
        except PublicationError:
            return None


def _with_numbers(environ: dict[str, Any], ids: OwnIds) -> dict[str, Any]:
    """Return the environment of a request with numbers, and what was asked for."""
    changed = {}
    path, unknown = _path(decoded(environ["PATH_INFO"]), ids)
    if path is not None:
        changed = {"PATH_INFO": path, PATH: quote(decoded(environ["PATH_INFO"]), safe="/")}
    query = environ.get("QUERY_STRING", "")
    if any(f"{name}=" in query for name in ("user", "movie", "exclude")):
        pairs = []
        for name, value in parse_qsl(query, keep_blank_values=True):
            number, missing = _query_value(name, value, ids)
            unknown = missing or unknown
            pairs.append((name, number))
        changed |= {"QUERY_STRING": urlencode(pairs), QUERY: query}
    return {**environ, **changed, UNKNOWN: unknown} if changed else environ


def _path(path: str, ids: OwnIds) -> tuple[str | None, str]:
    """Return a path with numbers, or None where it names nobody; and an unknown id."""
    if match := _USER.fullmatch(path):
        number, movie = ids.user(match[2]), match[5] and ids.movie(match[5])
        unknown = "" if number else match[2]
        further = f"/{movie or _NOBODY}" if match[5] else ""
        if match[5] and number and not movie:
            unknown = match[5]
        return f"{match[1]}{number or _NOBODY}{match[3]}{further}", unknown
    if match := _MOVIE.fullmatch(path):
        number = ids.movie(match[2])
        return f"{match[1]}{number or _NOBODY}", "" if number else match[2]
    return None, ""


def _query_value(name: str, value: str, ids: OwnIds) -> tuple[str, str]:
    """Return a parameter with numbers, and an unknown id."""
    if name == "exclude":
        numbers = [ids.movie(one) for one in value.split(",")]
        return ",".join(str(number) for number in numbers if number) or str(_NOBODY), ""
    if name not in ("user", "movie") or not value.strip():
        return value, ""
    # The accounts service's pages link to the page of a movie by its number.
    number = ids.user(value.strip()) if name == "user" else ids.movie(value.strip()) or ids.numbered(value.strip())
    return str(number or _NOBODY), "" if number else value.strip()
