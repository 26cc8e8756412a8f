"""What happens around each request.

Its id, its log line, its metrics, its headers, and the limit of its body.

Plain ASGI: Starlette's BaseHTTPMiddleware would cost a task and two queues a request.
"""

from __future__ import annotations

import re
import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.reviews.api.problem_responses import problem_response
from serving.reviews.domain import problems
from serving.web.access_log import access_log
from serving.web.headers import DATA_POLICY
from serving.web.http_metrics import observe
from serving.web.logs import request_id_of

MAX_BODY_BYTES: Final = 256 << 10
MAX_BATCH_BYTES: Final = 8 << 20
_BATCH: Final = "/v1/sentiment/batch"
_JOBS: Final = "/v1/sentiment/jobs"
_DOCS: Final = re.compile(r"/docs(/.*)?|/static-offline-docs/.*")
_PAGE_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
DATA_HEADERS: Final = (*_PAGE_HEADERS, (b"content-security-policy", DATA_POLICY.encode()))
NOT_STORED: Final = (b"cache-control", b"no-store")


def _header(scope: Scope, name: bytes) -> str:
    """Return a header of a request, or nothing.

    A server gives the names in lower case.
    """
    for given, value in scope["headers"]:
        if given == name:
            found: str = value.decode("latin-1")
            return found
    return ""


class ObservedRequests:
    """Gives each request an id, times it, counts it and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = request_id_of(_header(scope, b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        added = _PAGE_HEADERS if _DOCS.fullmatch(scope["path"]) is not None else DATA_HEADERS
        status = 500

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id.encode()), *added]
                if added is DATA_HEADERS and not any(name == b"cache-control" for name, _ in message["headers"]):
                    headers.append(NOT_STORED)
                message["headers"] = headers
            await send(message)

        try:
            await self._app(scope, receive, finish)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            observe(route, scope["method"], status, seconds)
            if access_log.enabled:
                publication = scope["state"].get("publication")
                access_log.add(request_id, scope["method"], scope["path"], status, seconds, publication)


class LimitedBodies:
    """Refuses a body that is larger than its address takes.

    A body without a declared length is refused when too much of it has arrived.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int) -> None:
        """Take the limit of an uploaded file."""
        self._app = app
        # A form has its boundaries and headers around the file.
        self._limits = {_BATCH: MAX_BATCH_BYTES, _JOBS: upload_bytes + MAX_BODY_BYTES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = self._limits.get(path, MAX_BODY_BYTES)
        declared = _header(scope, b"content-length") or "0"
        if len(declared) > 15 or not declared.isdecimal() or int(declared) > limit:
            request = Request(scope)
            detail = f"This address takes {limit >> 10} KiB. Send less, or several requests."
            await problem_response(request, problems.TOO_LARGE, detail)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                if arrived > limit:
                    raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
