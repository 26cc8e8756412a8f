"""The fast path answers what FastAPI answers, to the byte, and leaves it whatever is not plain."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import ANY

import anyio
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from serving.publications.store import PublicationStore
from serving.reviews.api.fast_path import FastPath
from serving.reviews.api.sentiment import INLINE_CHARACTERS, PREDICT
from serving.web.access_log import access_log

from .conftest import SECOND, Accounts, problem

JSON = "application/json"
PLAIN = b'{"text": "This film is wonderful."}'
WORDS = (
    "wonderful",
    "film",
    "not good",
    "boring",
    "\uc815\ub9d0 \uc7ac\ubc0c\ub294 \uc601\ud654",
    "le film est",
    "\U0001f600",
    "\0",
    "\ud83d",
)
Log = list[tuple[Any, ...]]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Stops the clock of predictions' ids, and returns what is logged."""
    lines: Log = []
    monkeypatch.setattr("serving.reviews.domain.prediction_ids.time.time", lambda: 1_700_000_000.0)
    monkeypatch.setattr(access_log, "enabled", True)
    monkeypatch.setattr(access_log, "add", lambda *entry: lines.append((*entry[:4], *entry[5:])))
    return lines


@contextmanager
def fastapi_alone(client: TestClient) -> Iterator[None]:
    """Let FastAPI answer everything: with an override, which changes nothing, the fast path passes on."""
    client.app.dependency_overrides[object] = object  # type: ignore[attr-defined]
    yield
    client.app.dependency_overrides.clear()  # type: ignore[attr-defined]


def counted() -> dict[Any, float]:
    """All counters, without those of seconds."""
    return {
        (sample.name, *sample.labels.items()): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name.startswith("marquee_")
        and not sample.name.endswith(("_seconds_sum", "_seconds_bucket", "_created"))
    }


def both(client: TestClient, log: Log, body: Any, **headers: str) -> list[Any]:
    """Answer, headers, new counts and log lines by the fast path and by FastAPI."""
    given_headers = {"X-Request-ID": "abc-1", "Content-Type": JSON, **headers}
    found = []

    def ask() -> None:
        before, lines = counted(), len(log)
        answer = client.post(PREDICT, content=body() if callable(body) else body, headers=given_headers)
        # What is summed in floats may differ in the last place.
        grown = {key: round(value - before.get(key, 0.0), 6) for key, value in counted().items()}
        found.append(
            (answer.status_code, answer.content, answer.headers.raw, {k: v for k, v in grown.items() if v}, log[lines:])
        )

    ask()
    with fastapi_alone(client):
        ask()
    return found


def taken_by_the_fast_path(client: TestClient, body: bytes, **headers: str) -> bool:
    """Whether the fast path answers a request itself."""
    passed: list[bool] = []
    stack: Any = client.app.middleware_stack  # type: ignore[attr-defined]
    front: Any = stack.app
    assert isinstance(front, FastPath)
    inner = front._app

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        passed.append(True)
        await inner(scope, receive, send)

    front._app = noting
    try:
        client.post(PREDICT, content=body, headers={"Content-Type": JSON, **headers})
    finally:
        front._app = inner
    return not passed


BODIES: dict[str, Any] = {
    "plain": PLAIN,
    "korean": json.dumps({"text": WORDS[4]}).encode(),
    "korean in utf-8": json.dumps({"text": WORDS[4]}, ensure_ascii=False).encode(),
    "with a language": b'{"language": "en", "text": "good"}',
    "in a language without a model": b'{"text": "un film magnifique", "language": "fr"}',
    "store is false": b'{"text": "good", "store": false}',
    "store, signed in by nobody": b'{"text": "good", "store": true}',
    "language is null": b'{"text": "good", "language": null}',
    "a member twice": b'{"text": "good", "text": "bad"}',
    "store twice": b'{"text": "good", "store": true, "store": false}',
    "space around": b' \n{"text": "good"}\t ',
    "in UTF-16": '{"text": "good"}'.encode("utf-16"),
    "with a byte order mark": b'\xef\xbb\xbf{"text": "good"}',
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "half of a pair": b'{"text": "\\ud83d"}',
    "a null byte": b'{"text": "a\\u0000b"}',
    "a number": b'{"text": 1}',
    "a member that is not known": b'{"text": "good", "texts": []}',
    "cut off": b'{"text": "go',
    "two values": b'{"text": "good"} {}',
    "not a number": b'{"text": NaN}',
    "a huge number": b'{"text": "good", "store": 1' + b"0" * 5000 + b"}",
    "too deep": b"[" * 100_000,
    "empty": b"",
    "empty text": b'{"text": ""}',
    "white space": b'{"text": " \\n"}',
    "language in words": b'{"text": "good", "language": "English"}',
    "long": json.dumps({"text": "good " * 300}).encode(),
    "as long as the loop takes": json.dumps({"text": "a" * INLINE_CHARACTERS}).encode(),
    "too long": json.dumps({"text": "a" * 20_001}).encode(),
    "10 MB": b'{"text": "' + b"a" * 10_000_000 + b'"}',
    "padded beyond the limit": b'{"text": "good"}' + b" " * (256 << 10),
    "in pieces": lambda: iter([PLAIN[:5], PLAIN[5:]]),
    "too much in pieces": lambda: iter([PLAIN] * 20_000),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_gets_the_same_answer_headers_counts_and_log_line(client: TestClient, still: Log, name: str) -> None:
    fast, own = both(client, still, BODIES[name])
    assert fast == own


HEADERS: dict[str, dict[str, str]] = {
    "an id that is not safe": {"X-Request-ID": "a b"},
    "a kind of JSON": {"Content-Type": "application/vnd.api+json"},
    "a parameter": {"Content-Type": "application/json; charset=utf-8"},
    "capitals": {"Content-Type": "Application/JSON"},
    "plain text": {"Content-Type": "text/plain"},
    "no kind": {"Content-Type": ""},
    "a token": {"Authorization": "Bearer x"},
    "no token": {"Authorization": "Basic x"},
    "a length that is too large": {"Content-Length": "300000"},
    "a length that is no number": {"Content-Length": "many"},
    "a cookie and a language": {"Cookie": "a=1", "Accept-Language": "ko", "Accept": "text/html"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_change_neither_way_alone(
    client: TestClient, still: Log, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("serving.web.logs.secrets.token_hex", lambda _: "0" * 32)
    fast, own = both(client, still, PLAIN, **HEADERS[name])
    assert fast == own


texts = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=40).map(" ".join)
bodies = st.one_of(
    st.fixed_dictionaries(
        {"text": texts},
        optional={"language": st.sampled_from(["en", "ko", "fr", "", "e", None, 1]), "store": st.booleans()},
    ).map(lambda body: json.dumps(body).encode()),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "store", "x"]), inner, max_size=3)
        ),
    ).map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=60),
)


@given(bodies)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_gets_the_same_answer_counts_and_log_line(client: TestClient, still: Log, body: bytes) -> None:
    fast, own = both(client, still, body)
    assert fast == own


def test_only_plain_requests_are_taken(client: TestClient) -> None:
    assert taken_by_the_fast_path(client, PLAIN)
    assert taken_by_the_fast_path(client, PLAIN, **{"X-Request-ID": "abc"})
    assert taken_by_the_fast_path(client, b'{"text": "good", "store": false}')
    for body in (b"{}", b'{"text": ""}', b'{"text": "good", "store": true}', BODIES["long"], BODIES["10 MB"]):
        assert not taken_by_the_fast_path(client, body)
    for headers in ({"Authorization": "Bearer x"}, {"Content-Type": "text/plain"}):
        assert not taken_by_the_fast_path(client, PLAIN, **headers)


def test_other_methods_and_addresses_are_answered_as_before(client: TestClient) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        answer = client.request(method, PREDICT)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    for path in (f"{PREDICT}/", f"{PREDICT}s", "/V1/sentiment"):
        assert client.post(path, json={"text": "good"}, follow_redirects=False).status_code in (307, 404)
    assert client.post(f"{PREDICT}?a=1", json={"text": "good"}).status_code == 200
    assert client.get("/ready").json()["status"] == "ready"


def test_a_model_that_goes_live_answers_the_next_request(client: TestClient, models: PublicationStore) -> None:
    live = client.app.state.service.live  # type: ignore[attr-defined]
    assert client.post(PREDICT, json={"text": "good"}).json()["model_version"] == "1"
    models.activate(SECOND, "test", "the second model")
    live.follow()
    assert client.post(PREDICT, json={"text": "good"}).json()["model_version"] == "2"
    live.current = None
    problem(client.post(PREDICT, json={"text": "good"}), 503, "no-model")


def test_what_fails_in_the_fast_path_is_answered_logged_and_counted_by_fastapi(
    client: TestClient, still: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    live = client.app.state.service.live  # type: ignore[attr-defined]
    monkeypatch.setattr(type(live.current.model), "predict", broken)
    problem(client.post(PREDICT, content=PLAIN, headers={"Content-Type": JSON}), 500, "internal")
    assert still == [(ANY, "POST", PREDICT, 500, live.current.publication)]


def _asked(client: TestClient, messages: list[Any]) -> list[Any]:
    """Return what the application sends to a client that sends these messages."""
    waiting, sent = iter(messages), []

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(PLAIN))]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PREDICT,
        "query_string": b"",
        "headers": headers,
        "root_path": "",
    }
    anyio.run(client.app, scope, receive, send)
    return sent


def test_a_client_that_goes_away_within_its_body_is_no_defect(client: TestClient) -> None:
    gone = {"type": "http.disconnect"}
    part = {"type": "http.request", "body": PLAIN[:9], "more_body": True}
    assert _asked(client, [gone])[0]["status"] == 400
    assert _asked(client, [part, gone])[0]["status"] == 400


def test_a_body_whose_rest_comes_later_is_predicted(client: TestClient) -> None:
    first = {"type": "http.request", "body": PLAIN[:9], "more_body": True}
    sent = _asked(client, [first, {"type": "http.request", "body": PLAIN[9:]}])
    assert json.loads(sent[1]["body"])["label"] == "positive"


def test_short_texts_are_predicted_on_the_loop_and_long_ones_by_another_thread(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = client.app.state.service.live.current.model  # type: ignore[attr-defined]
    names: list[str] = []
    real = type(model).predict

    def predict(self: Any, text: str, language: str | None = None) -> Any:
        names.append(threading.current_thread().name)
        return real(self, text, language)

    monkeypatch.setattr(type(model), "predict", predict)
    for length in (INLINE_CHARACTERS, INLINE_CHARACTERS + 1):
        assert client.post(PREDICT, json={"text": "a" * length}).status_code == 200
    assert ["worker" in name for name in names] == [False, True]


def test_a_signed_in_person_keeps_a_text_as_before(client: TestClient, accounts: Accounts) -> None:
    person = accounts.sign_in("Ada")
    answer = client.post(PREDICT, json={"text": "good", "store": True}, headers=person.headers)
    assert answer.json()["stored"] is True
