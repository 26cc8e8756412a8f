"""Lead addresses as people type them to those that exist: a slash too many, or capital letters."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from flask import current_app, redirect, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response

# What may stand in a path and in a query (RFC 3986) besides letters and digits.
_IN_PATH = "/:@!$&'()*+,;=~"
_IN_QUERY = _IN_PATH + "?%"


def lead_on(error: HTTPException, others: Mapping[str, str] | None = None) -> Response | None:
    """Return a redirect to the address that is meant, or None where there is none.

    It is asked when no route fits, and so costs other requests nothing. `others` are addresses of further names. The
    method, the body and the query are kept.
    """
    if not isinstance(error, NotFound) or request.url_rule is not None:
        return None
    adapter = current_app.create_url_adapter(request)
    meant = _meant(request.path, adapter, others or {}) if adapter else None
    if meant is None:
        return None
    query = f"?{quote(request.query_string, _IN_QUERY)}" if request.query_string else ""
    return redirect(quote(meant, _IN_PATH) + query, HTTPStatus.PERMANENT_REDIRECT)


def _meant(path: str, adapter: MapAdapter, others: Mapping[str, str]) -> str | None:
    typed = path.rstrip("/").split("/")
    for rule, address in [*((one.rule, "") for one in adapter.map.iter_rules()), *others.items()]:
        names = rule.rstrip("/").split("/")
        if len(names) != len(typed):
            continue
        # Capital letters may matter where a rule has a variable.
        variable = [name.startswith("<") for name in names]
        if all(free or name.lower() == word.lower() for free, name, word in zip(variable, names, typed, strict=True)):
            parts = (word if free else name for free, name, word in zip(variable, names, typed, strict=True))
            meant = address or "/".join(parts) or "/"
            if meant != path and adapter.test(meant, request.method):
                return meant
    return None
