"""One JSON request over HTTP, with errors that say what to do."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

SECONDS = 30
# A proxy of the caller does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServiceError(Exception):
    """A service can't be reached or refuses a request.

    `status` is its HTTP status, None if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def request_json(
    method: str, url: str, *, body: Any = None, token: str | None = None, service: str = "The server"
) -> Any:
    """Return the decoded JSON answer.

    Raises ServiceError; its message ends with the server's own explanation.
    """
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, method=method, data=data, headers=headers)  # noqa: S310 - our own services
    try:
        with _DIRECTLY.open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            detail = explanation_of(error.read())
        raise ServiceError(
            f"{service} answers {error.code} to {method} {url}: {detail or error.reason}.", error.code
        ) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(f"{service} at {url} can't be reached ({reason}). Is it up? See `make status`.") from None


def explanation_of(content: bytes) -> str:
    """Return what an error's body explains, else nothing.

    That is `detail` of Airflow's answers and of problem+json.

    Of several paragraphs the first one: a schema that Airflow quotes after it says the same at length.
    """
    try:
        detail = json.loads(content).get("detail", "")
    except (ValueError, AttributeError):
        return ""
    return (detail.partition("\n")[0] if isinstance(detail, str) else json.dumps(detail)).rstrip(".")
