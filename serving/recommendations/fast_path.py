"""Answer the first page of a user's list before Flask sees the request.

It is the commonest request, and Flask's routing, contexts and hooks cost more than the list itself. The answers are
equal to Flask's to the byte, headers included: a test checks it. All other requests are left to Flask.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from serving.publications.format import MAX_ID, PublicationError
from serving.publications.reading.live import LivePublication
from serving.publications.reading.reader import Publication
from serving.recommendations.answers.asked import PUBLICATION, decoded
from serving.recommendations.answers.lists import Page, personal_text
from serving.recommendations.answers.metrics import LISTS
from serving.recommendations.answers.responses import GZIP_LEVEL, MIN_GZIP_BYTES, REVALIDATE, entity_tag, fixed_headers
from serving.web.access_log import access_log
from serving.web.http_metrics import LATENCY, REQUESTS
from serving.web.logs import request_id_of

# Own data has any text for an id; one with a slash is left to Flask.
_PATH = re.compile(r"/v1/users/([^/]{1,1024})/recommendations")
_NUMBER = re.compile(r"[0-9]{1,10}")
_ROUTE = "/v1/users/<user>/recommendations"

Headers = list[tuple[str, str]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class FastPath:
    """A WSGI application around Flask's."""

    def __init__(self, application: WsgiApplication, live: LivePublication, cors_origin: str | None) -> None:
        self._application = application
        self._live = live
        self._common = list(fixed_headers(cors_origin).items())
        vary = ["Accept-Encoding"] if cors_origin in (None, "*") else ["Origin", "Accept-Encoding"]
        self._common.append(("Vary", ", ".join(vary)))
        self._requests = REQUESTS.labels(_ROUTE, "GET", "200")
        self._latency = LATENCY.labels(_ROUTE)
        self._lists = LISTS.labels("personalised")
        self._of_publication: tuple[Publication, Headers] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, or pass on."""
        started = time.perf_counter()
        match = _PATH.fullmatch(environ["PATH_INFO"])
        encodings = environ.get("HTTP_ACCEPT_ENCODING", "")
        if (
            match is None
            or environ["REQUEST_METHOD"] != "GET"
            or environ.get("QUERY_STRING")
            or "HTTP_IF_NONE_MATCH" in environ
            # Only a parser can find out from weights whether gzip is wanted.
            or ";" in encodings
        ):
            return self._application(environ, start_response)
        try:
            publication = self._live.current()
        except PublicationError as error:
            environ[PUBLICATION] = error
            return self._application(environ, start_response)
        environ[PUBLICATION] = publication
        user_id, path = _asked(publication, match)
        text = personal_text(publication, user_id, Page(path)) if 1 <= user_id <= MAX_ID else None
        if text is None:
            return self._application(environ, start_response)
        body = text.encode()
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))
        headers = [*self._headers(publication), ("X-Request-ID", request_id)]
        if "gzip" in encodings.lower() and len(body) >= MIN_GZIP_BYTES:
            body = gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        seconds = time.perf_counter() - started
        self._requests.inc()
        self._latency.observe(seconds)
        self._lists.inc()
        if access_log.enabled:
            access_log.add(request_id, "GET", path, 200, seconds, publication.publication_id)
        start_response("200 OK", headers)
        return [body]

    def _headers(self, publication: Publication) -> Headers:
        """Return the headers that all answers from a publication share."""
        kept = self._of_publication
        if kept is None or kept[0] is not publication:
            headers = [
                ("Content-Type", "application/json"),
                ("Cache-Control", REVALIDATE),
                ("ETag", f'W/"{entity_tag(publication)}"'),
                *self._common,
            ]
            kept = (publication, headers)
            self._of_publication = kept
        return kept[1]


def _asked(publication: Publication, match: re.Match[str]) -> tuple[int, str]:
    """Return the number of the user that a path names, or 0, and the path for links."""
    if publication.own_ids is None:
        return (int(match[1]) if _NUMBER.fullmatch(match[1]) else 0), match[0]
    path = decoded(match[0])
    return publication.own_ids.user(decoded(match[1])) or 0, quote(path, safe="/")
