"""A planned route answers as FastAPI's own does, with its dependencies put in order beforehand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Annotated, Any

import anyio
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict

from serving.reviews.api.planned_route import PlannedRoute
from serving.reviews.api.sentiment import INLINE_CHARACTERS

from .conftest import problem


class Given(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str


async def first(request: Request) -> str:
    request.app.state.calls.append("first")
    return request.headers.get("x-who", "nobody")


async def second(request: Request, who: Annotated[str, Depends(first)]) -> str:
    request.app.state.calls.append("second")
    return f"{who}!"


async def greet(body: Given, cried: Annotated[str, Depends(second)], said: Annotated[str, Depends(first)]) -> Response:
    return Response(f"{body.name} {cried} {said}")


def application() -> FastAPI:
    """Return an application with one planned route, which notes the dependencies that it asks."""
    router, app = APIRouter(route_class=PlannedRoute), FastAPI()
    app.state.calls = []
    router.post("/")(greet)
    app.include_router(router)
    return app


def test_each_dependency_is_asked_once_after_those_that_it_needs() -> None:
    app = application()
    answer = TestClient(app).post("/", json={"name": "Ada"}, headers={"X-Who": "Bob"})
    assert answer.text == "Ada Bob! Bob"
    assert app.state.calls == ["first", "second"]


def test_an_overridden_dependency_takes_the_place_of_the_planned_one() -> None:
    app = application()
    app.dependency_overrides[first] = lambda: "Eve"
    assert TestClient(app).post("/", json={"name": "Ada"}).text == "Ada Eve! Eve"


BODIES = {
    "plain": (b'{"name": "Ada"}', "application/json"),
    "with a parameter": (b'{"name": "Ada"}', "application/json; charset=utf-8"),
    "of a kind of JSON": (b'{"name": "Ada"}', "application/vnd.api+json"),
    "in UTF-16": ('{"name": "Ada"}'.encode("utf-16"), "application/json"),
    "with a member twice": (b'{"name": "Bob", "name": "Ada"}', "application/json"),
    "half of a pair": (b'{"name": "\\ud83d"}', "application/json"),
    "a number": (b'{"name": 1}', "application/json"),
    "cut off": (b'{"name": "A', "application/json"),
    "too deep": (b"[" * 100_000, "application/json"),
    "not a number": (b'{"name": NaN}', "application/json"),
    "other members": (b'{"name": "Ada", "age": 1}', "application/json"),
    "empty": (b"", "application/json"),
    "text": (b'{"name": "Ada"}', "text/plain"),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES)
def test_a_body_is_taken_or_refused_as_fastapi_does(body: bytes, kind: str) -> None:
    planned, own = application(), application()
    # With an override, which changes nothing, FastAPI's own way is taken.
    own.dependency_overrides[object] = object
    found, expected = (
        TestClient(app, raise_server_exceptions=False).post("/", content=body, headers={"Content-Type": kind})
        for app in (planned, own)
    )
    assert (found.status_code, found.content) == (expected.status_code, expected.content)


def _blocking() -> int:
    return 1


def _yielding() -> Iterator[int]:
    yield 1


async def _with_a_parameter(page: int) -> int:
    return page


@pytest.mark.parametrize("dependency", [_blocking, _yielding, _with_a_parameter])
def test_a_dependency_that_blocks_yields_or_reads_parameters_cannot_be_planned(dependency: Any) -> None:
    router = APIRouter(route_class=PlannedRoute)

    async def counting(body: Given, number: int = Depends(dependency)) -> Response:
        return Response(str(number))

    with pytest.raises(TypeError, match=r"cannot be planned\. Declare its route without PlannedRoute\."):
        router.post("/")(counting)


def test_a_client_that_goes_away_within_its_body_is_no_defect() -> None:
    app = application()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "root_path": ""}
    anyio.run(app, scope, receive, send)
    assert sent[0]["status"] == 400


def test_short_texts_are_predicted_on_the_loop_and_long_ones_by_another_thread(client: TestClient) -> None:
    live = client.app.state.service.live  # type: ignore[attr-defined]
    model = live.current.model
    names: list[str] = []
    real = type(model).predict

    def predict(self: Any, text: str, language: str | None = None) -> Any:
        names.append(threading.current_thread().name)
        return real(self, text, language)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model), "predict", predict)
        for length in (INLINE_CHARACTERS, INLINE_CHARACTERS + 1):
            assert client.post("/v1/sentiment", json={"text": "a" * length}).status_code == 200
    assert ["worker" in name for name in names] == [False, True]


def test_a_body_in_pieces_is_predicted(client: TestClient) -> None:
    body = json.dumps({"text": "This film is wonderful."}).encode()
    pieces = iter([body[:5], body[5:20], body[20:]])
    answer = client.post("/v1/sentiment", content=pieces, headers={"Content-Type": "application/json"})
    assert answer.json()["label"] == "positive"
    problem(
        client.post("/v1/sentiment", content=iter([b"{"]), headers={"Content-Type": "application/json"}),
        400,
        "not-json",
    )
