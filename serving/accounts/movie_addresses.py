"""Addresses that name a movie: own data has any text for an id, slashes too.

The server has decoded the path before Flask sees it. This application around Flask's encodes the id in it again, so that it is one part of
the path, and the converter decodes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

from werkzeug.routing import BaseConverter

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PATHS = (
    re.compile(r"(/accounts/v1/movies/)(.+)()", re.DOTALL),
    re.compile(r"(/accounts/v1/users/[0-9]+/ratings/)(.+)()", re.DOTALL),
    re.compile(r"(/account/ratings/)(.+)()", re.DOTALL),
    re.compile(r"(/account/movies/)(.+)(/reviews?)", re.DOTALL),
)


class MovieConverter(BaseConverter):
    """A movie's id in an address, percent-encoded."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the id."""
        return unquote(value)

    def to_url(self, value: object) -> str:
        """Return an id as it is in an address."""
        return quote(str(value), safe="")


class MovieAddresses:
    """A WSGI application around the API and the pages.

    `has_own_data` tells whether own data is live. Without it a slash is none of an id: it is one too many.
    """

    def __init__(self, application: WsgiApplication, has_own_data: Callable[[], bool]) -> None:
        self._application = application
        self._has_own_data = has_own_data

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Encode the id that a path has, and pass on."""
        path = environ.get("PATH_INFO", "")
        match = next(filter(None, (pattern.fullmatch(path) for pattern in _PATHS)), None)
        if match is not None:
            safe = "/" if "/" in match[2] and not self._has_own_data() else ""
            own_id = match[2].encode("latin-1").decode("utf-8", "replace")
            environ = {**environ, "PATH_INFO": f"{match[1]}{quote(own_id, safe=safe)}{match[3]}"}
        return self._application(environ, start_response)
