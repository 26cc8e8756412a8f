"""One GET of a JSON document from a service of the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

SECONDS = 5.0


def get_json(url: str, token: str | None = None, **parameters: str | list[str]) -> Any:
    """Return the decoded answer. Raises requests.RequestException for no answer, an error status or no JSON."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = requests.get(url, params=parameters, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
    return answer.json()


def unix_seconds(moment: str) -> float:
    """Return an ISO 8601 time, UTC where it names no zone, in Unix seconds. Raises ValueError."""
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
