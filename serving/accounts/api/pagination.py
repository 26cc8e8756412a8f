"""Addresses of next pages."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request

from serving.accounts.domain.schemas.bases import Page


def next_address(query: Page, after: int) -> str:
    """Return the address of the page that follows the entry `after`."""
    return f"{request.path}?{urlencode({**query.model_dump(exclude_defaults=True), 'after': after})}"
