"""Addresses of these pages that a form may lead back to."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException

_PAGES: Final = {"home", "sign_in_form", "sign_up_form", "ratings", "settings", "movie_reviews", "staff_reviews"}
_PARAMETERS: Final = {"order", "cursor", "hidden"}


def own_page(address: str, anchor: str | None = None) -> str | None:
    """Return the address of a page that a text from outside names, or None.

    It is built here, so that it leads to no other site, whatever the text is.
    """
    adapter = current_app.create_url_adapter(request)
    path, _, query = address.partition("?")
    if adapter is None:
        return None
    try:
        endpoint, values = adapter.match(path, "GET")
    except HTTPException:
        return None
    if endpoint.removeprefix("pages.") not in _PAGES:
        return None
    kept: dict[str, Any] = {name: value for name, value in parse_qsl(query) if name in _PARAMETERS}
    return url_for(endpoint, **values, **kept, _anchor=anchor)
