"""Let addresses name users and movies by the ids of own data.

Inside, a publication has numbers. This application around Flask's puts them into the path and the query, so that all that follows reads
numbers. What a request asked for is kept for links and messages. A publication of MovieLens has no ids of its own: nothing changes.

It also looks up the publication of a request, once, and hands it on: another one may go live before Flask answers, and has other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from serving.publications.format import MAX_ID, PublicationError
from serving.publications.own_data.ids import OwnIds
from serving.publications.own_data.spelling import number_of_account
from serving.publications.reading.live import LivePublication
from serving.publications.reading.reader import Publication
from serving.recommendations.answers.asked import PATH, PUBLICATION, QUERY, UNKNOWN, decoded

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# The server has decoded the path, so that an id may have any character, slashes too.
_USER = re.compile(r"(/v1/users/)(.+?)(/recommendations)(?:/(.*))?", re.DOTALL)
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
        query = environ.get("QUERY_STRING", "")
        pairs = parse_qsl(query, keep_blank_values=True) if query else []
        found = environ.get(PUBLICATION) or self._looked_up(environ["PATH_INFO"], dict(pairs))
        if isinstance(found, Publication) and found.own_ids:
            changed = _with_numbers(environ, pairs, found.own_ids)
        else:
            changed = _plain_account(environ["PATH_INFO"])
        environ[PUBLICATION] = found
        return self._application({**environ, **changed} if changed else environ, start_response)

    def _looked_up(self, path: str, given: dict[str, str]) -> Publication | PublicationError:
        """Return the publication that answers a request, or why there is none."""
        try:
            # Pages are of the live publication, whatever their address says.
            if path.startswith("/v1/"):
                cursor = _CURSOR.fullmatch(given.get("cursor", ""))
                if name := given.get("as_of") or (cursor[1] if cursor else None):
                    return self._live.named(name)
            return self._live.current()
        except PublicationError as error:
            return error


def _with_numbers(environ: dict[str, Any], given: list[tuple[str, str]], ids: OwnIds) -> dict[str, Any]:
    """Return what changes in a request: numbers, and what was asked for."""
    changed: dict[str, Any] = {}
    path, unknown = _path(decoded(environ["PATH_INFO"]), ids)
    if path is not None:
        changed = {"PATH_INFO": path, PATH: quote(decoded(environ["PATH_INFO"]), safe="/")}
    if any(name in ("user", "movie", "exclude") for name, _ in given):
        pairs = []
        for name, value in given:
            number, missing = _query_value(name, value, ids)
            unknown = missing or unknown
            pairs.append((name, number))
        changed |= {"QUERY_STRING": urlencode(pairs), QUERY: environ["QUERY_STRING"]}
    return {**changed, UNKNOWN: unknown} if changed else changed


def _plain_account(path: str) -> dict[str, Any]:
    """Return what changes where an address spells an account as with own data.

    In a publication of MovieLens an account has its plain number.
    """
    match = _USER.fullmatch(path) if "/account:" in path else None
    number = number_of_account(match[2]) if match else None
    return {"PATH_INFO": path.replace(f"account:{number}", str(number), 1)} if number else {}


def _path(path: str, ids: OwnIds) -> tuple[str | None, str]:
    """Return a path with numbers, or None where it names nobody; and an unknown id."""
    if match := _USER.fullmatch(path):
        number, movie = ids.user(match[2]), match[4] and ids.movie(match[4])
        unknown = "" if number else match[2]
        further = f"/{movie or _NOBODY}" if match[4] else ""
        if match[4] and number and not movie:
            unknown = match[4]
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
    number = ids.user(value.strip()) if name == "user" else ids.movie(value.strip())
    return str(number or _NOBODY), "" if number else value.strip()
