"""A route whose dependencies are put in order once, when it is declared.

FastAPI walks the graph of dependencies, reads the body and opens its stacks for each request again, which takes longer than
a prediction. A planned route has the same signature, `Depends` and description. A request that is not plain (its body
is not valid, its media type is another, a test overrides a dependency) goes FastAPI's own way, and so do all refusals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

_JSON: Final = (b"content-type", b"application/json")
# A call, the name of its request if it takes one, and its other arguments: their names and the steps that give them.
_Step = tuple[Callable[..., Awaitable[Any]], str | None, tuple[tuple[str, int], ...]]


class PlannedRoute(APIRoute):
    """A route of an async endpoint with a JSON body and async dependencies."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Plan the dependencies. Raises TypeError for those that cannot be planned."""
        super().__init__(*arguments, **options)
        steps: list[_Step] = []
        places: dict[Any, int] = {}
        (self._body_name,) = (field.name for field in self.dependant.body_params)
        for one in self.dependant.dependencies:
            _plan(one, steps, places)
        self._steps = tuple(steps)
        self._endpoint: Callable[..., Awaitable[Response]] = self.endpoint
        _check(self.dependant)
        self._arguments = _arguments(self.dependant, places)
        body: Any = self.dependant.body_params[0].field_info.annotation
        self._read = TypeAdapter(body).validate_json
        self._ordinary = self.app
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages = await _messages(receive)
        body = messages[0]["body"] if len(messages) == 1 else b"".join(message["body"] for message in messages)
        if _JSON not in scope["headers"] or scope["app"].dependency_overrides:
            await self._ordinary(scope, _again(messages, receive), send)
            return
        try:
            given = self._read(body)
        except ValidationError:
            await self._ordinary(scope, _again(messages, receive), send)
            return
        request = Request(scope, receive, send)
        values: list[Any] = []
        for call, request_name, arguments in self._steps:
            named = {name: values[place] for name, place in arguments}
            if request_name is not None:
                named[request_name] = request
            values.append(await call(**named))
        named = {name: values[place] for name, place in self._arguments}
        named[self._body_name] = given
        response = await self._endpoint(**named)
        await response(scope, receive, send)


async def _messages(receive: Receive) -> list[Message]:
    """Return the messages of a body.

    Raises HTTPException where the client went away, as FastAPI does.
    """
    found = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HTTPException(400)
        message.setdefault("body", b"")
        found.append(message)
        if not message.get("more_body"):
            return found


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Return a function that gives messages again, then what follows them."""
    following = iter(messages)

    async def repeated() -> Message:
        message = next(following, None)
        return await receive() if message is None else message

    return repeated


def _plan(dependant: Dependant, steps: list[_Step], places: dict[Any, int]) -> None:
    """Add a dependency after those that it needs, unless it stands there."""
    if dependant.cache_key in places:
        return
    for needed in dependant.dependencies:
        _plan(needed, steps, places)
    _check(dependant)
    assert dependant.call is not None  # noqa: S101 - each dependency is a function
    places[dependant.cache_key] = len(steps)
    steps.append((dependant.call, dependant.request_param_name, _arguments(dependant, places)))


def _arguments(dependant: Dependant, places: dict[Any, int]) -> tuple[tuple[str, int], ...]:
    return tuple((needed.name, places[needed.cache_key]) for needed in dependant.dependencies if needed.name)


def _check(dependant: Dependant) -> None:
    others = (
        *(dependant.path_params, dependant.query_params, dependant.header_params, dependant.cookie_params),
        *(dependant.response_param_name, dependant.background_tasks_param_name, dependant.security_scopes_param_name),
    )
    if any(others) or not dependant.is_coroutine_callable:
        raise TypeError(f"{dependant.call} cannot be planned. Declare its route without PlannedRoute.")
