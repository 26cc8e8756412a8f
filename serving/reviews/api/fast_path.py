"""Answer the plainest predictions before FastAPI sees the request.

They are the commonest requests, and FastAPI's routing, dependencies and checks cost more than the prediction. The answers
are equal to FastAPI's to the byte, headers, metrics and log included: a test checks it. All other requests, and whatever is
refused or fails, are left to FastAPI.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.reviews.api.requests import DATA_HEADERS, MAX_BODY_BYTES, NOT_STORED
from serving.reviews.api.schemas.sentiment import SentimentRequest
from serving.reviews.api.sentiment import INLINE_CHARACTERS, PREDICT, answer_of
from serving.reviews.api.service import Service
from serving.reviews.live_model import LoadedModel
from serving.web.access_log import access_log
from serving.web.http_metrics import observe
from serving.web.logs import error_log, request_id_of

_JSON: Final = b"application/json"
_HEADERS: Final = (*DATA_HEADERS, NOT_STORED)
# A request with one of these is FastAPI's: who asks is found out elsewhere, and other bodies are counted as they arrive.
_NOT_PLAIN: Final = (b"authorization", b"transfer-encoding")
_LONGEST_NUMBER: Final = len(str(MAX_BODY_BYTES))
_read: Final = SentimentRequest.__pydantic_validator__.validate_json


class FastPath:
    """An ASGI application around FastAPI's."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if (
            scope["type"] != "http"
            or scope["path"] != PREDICT
            or scope["method"] != "POST"
            or (given_id := _plain(scope["headers"])) is None
            or scope["app"].dependency_overrides
            or (loaded := self._service.live.current) is None
        ):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        message = await receive()
        body = self._answer(message, loaded)
        if body is None:
            await self._app(scope, _again(message, receive), send)
            return
        request_id = request_id_of(given_id.decode("latin-1"))
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", _JSON),
            (b"x-request-id", request_id.encode()),
            *_HEADERS,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - started
        observe(PREDICT, "POST", 200, seconds)
        if access_log.enabled:
            access_log.add(request_id, "POST", PREDICT, 200, seconds, loaded.publication)

    def _answer(self, message: Message, loaded: LoadedModel) -> bytes | None:
        """Return the answer to a whole body, or None where it is FastAPI's."""
        body = message.get("body", b"")
        if message["type"] != "http.request" or message.get("more_body") or len(body) > MAX_BODY_BYTES:
            return None
        try:
            given = _read(body)
        except ValidationError:
            return None
        if given.store or len(given.text) > INLINE_CHARACTERS:
            return None
        try:
            return answer_of(given, loaded, self._service)
        except Exception as error:  # noqa: BLE001 - FastAPI meets it too, and answers for it
            error_log.debug("the fast path failed", exc_info=error)
            return None


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the request's id, empty where it has none.

    None for headers that are FastAPI's to read.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in found:
            return None
        found[name] = value
    length = found.get(b"content-length", b"")
    if (
        found.get(b"content-type") != _JSON
        or not (length.isdigit() and len(length) <= _LONGEST_NUMBER and int(length) <= MAX_BODY_BYTES)
        or any(name in found for name in _NOT_PLAIN)
    ):
        return None
    return found.get(b"x-request-id", b"")


def _again(message: Message, receive: Receive) -> Receive:
    """Return a function that gives a message again, then what follows it."""
    following = iter([message])

    async def repeated() -> Message:
        first = next(following, None)
        return await receive() if first is None else first

    return repeated
