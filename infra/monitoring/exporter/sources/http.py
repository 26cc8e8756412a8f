"""Requests for JSON documents of the platform's services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

SECONDS = 5.0
OK, UNAUTHORISED, NOT_FOUND, SERVICE_UNAVAILABLE = 200, 401, 404, 503


def get_json(url: str, token: str | None = None, **parameters: str | list[str]) -> Any:
    """Return the decoded answer.

    Raises requests.RequestException for a missing answer, an error status or a body that is not JSON.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = requests.get(url, params=parameters, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
    return answer.json()


def unix_seconds(moment: str) -> float:
    """Return an ISO 8601 time in Unix seconds.

    A time without a zone counts as UTC. Raises ValueError.
    """
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
