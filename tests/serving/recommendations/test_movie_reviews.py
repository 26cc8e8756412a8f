"""A movie's page shows what the reviews service says, and stays as quick and as whole without it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.recommendations.application import create_app
from serving.recommendations.pages import reviews
from tests.local_server import local_server

LIVE = {"reviews": 4, "mean_probability": 0.7, "share_positive": 0.75, "months": []}
REVIEW = {"author": {"user_id": 1, "name": "Ada"}, "text": "Wonderful."}
AWAY = "Reviews can't be shown at the moment."


class Reviews(BaseHTTPRequestHandler):
    """Answers as the reviews service does, or as the test spoils it."""

    live: ClassVar[Any] = LIVE
    items: ClassVar[Any] = [REVIEW]
    spoil: ClassVar[str] = ""
    ending: ClassVar[threading.Event] = threading.Event()
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.spoil == "silent":
            self.ending.wait(10)
            return
        if self.spoil == "drips":
            self.send_response(200)
            self.end_headers()
            while not self.ending.wait(0.1):
                self.wfile.write(b" ")
                self.wfile.flush()
            return
        data = {"live": self.live} if self.path.endswith("/sentiment") else {"items": self.items, "next": None}
        body = {"garbage": b"<html>", "list": b"[]", "other": b'{"a": 1}'}.get(self.spoil, json.dumps(data).encode())
        self.send_response(500 if self.spoil == "500" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    Reviews.live, Reviews.items, Reviews.spoil, Reviews.asked = LIVE, [REVIEW], "", []
    Reviews.ending = threading.Event()
    with local_server(Reviews) as address:
        yield address
        Reviews.ending.set()


@pytest.fixture
def client(small_store: PublicationStore, address: str) -> FlaskClient:
    return client_of(small_store, address)


def client_of(store: PublicationStore, address: str) -> FlaskClient:
    settings = {"MARQUEE_PUBLICATION_STORE": str(store.root), "MARQUEE_SERVING_LOG_LEVEL": "error"}
    return create_app({**settings, "MARQUEE_REVIEWS_URL": address}).test_client()


def page_of(client: FlaskClient, path: str = "/?movie=5") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "Aliens" in answer.text
    return unescape(answer.text)


def test_a_movies_page_shows_the_share_of_positive_reviews_and_the_latest(client: FlaskClient) -> None:
    page = page_of(client)
    assert 'role="img" aria-label="75 % positive: 3 of 4 reviews"' in page
    assert "<p>75 % positive: 3 of 4 reviews" in page
    assert "<bdi>Ada</bdi>" in page
    assert "Wonderful." in page
    assert Reviews.asked == ["/v1/movies/5/sentiment", "/v1/movies/5/reviews?limit=3"]
    assert 'href="/account/movies/5/reviews"' in page
    korean = page_of(client, "/?movie=5&lang=ko")
    assert "긍정 75%: 리뷰 4개 가운데 3개" in korean
    assert 'href="/account/movies/5/reviews?lang=ko"' in korean


def test_no_other_page_asks_for_reviews(client: FlaskClient) -> None:
    for path in ("/", "/?user=1", "/?scope=all", "/?movie=999", "/rate", "/statistics"):
        assert "All reviews of this movie" not in client.get(path).text
    assert Reviews.asked == []


def test_a_movie_without_reviews_or_without_judged_ones_says_so(client: FlaskClient) -> None:
    Reviews.live, Reviews.items = {**LIVE, "reviews": 0, "mean_probability": None, "share_positive": None}, []
    page = page_of(client)
    assert "Nobody has reviewed this movie yet." in page
    assert "% positive" not in page
    Reviews.items = [REVIEW]
    page = page_of(client)
    assert "Wonderful." in page
    assert "% positive" not in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</div></section><h1>Gone</h1>",
        "{{ 7 * 7 }} %(reviews)s",
        "\u202egnorw\u202c \u200b\u200d",
        "\0 null",
        "가" * 20_000,
    ],
)
def test_a_hostile_text_is_shown_as_text_and_cut(client: FlaskClient, text: str) -> None:
    Reviews.items = [{"author": {"name": text[:40]}, "text": text}]
    raw = client.get("/?movie=5").text
    for tag in ("<script", "<img", "<h1>Gone"):
        assert tag not in raw
    assert text[:400] in unescape(raw).replace("\ufffd", "\0")
    assert len(raw) < 30_000


@pytest.mark.parametrize("spoil", ["silent", "drips", "500", "garbage", "list", "other"])
def test_a_service_that_fails_neither_breaks_nor_slows_a_movies_page(client: FlaskClient, spoil: str) -> None:
    page_of(client)
    Reviews.spoil = spoil
    started = time.perf_counter()
    page = page_of(client)
    first = time.perf_counter() - started
    assert AWAY in page
    assert "All reviews of this movie" in page
    assert "지금은 리뷰를 보여 드릴 수 없습니다." in page_of(client, "/?movie=5&lang=ko")
    # The pages after it don't even ask.
    asked = len(Reviews.asked)
    started = time.perf_counter()
    for _ in range(5):
        assert AWAY in page_of(client)
    assert len(Reviews.asked) == asked
    print(f"\n{spoil}: the first page took {first:.2f} s, five more {time.perf_counter() - started:.2f} s")
    assert first < 3


def test_nobody_at_the_address_is_no_failure_of_the_page(small_store: PublicationStore) -> None:
    for address in ("http://127.0.0.1:9", "http://no.such.host.invalid", "nonsense"):
        assert AWAY in page_of(client_of(small_store, address))


def test_reviews_come_back_by_themselves(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "_SILENT_SECONDS", 0.2)
    Reviews.spoil = "500"
    assert AWAY in page_of(client)
    Reviews.spoil = ""
    deadline = time.monotonic() + 20
    while AWAY in page_of(client):
        assert time.monotonic() < deadline
        time.sleep(0.05)
