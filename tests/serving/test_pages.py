from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from serving.publication_store import PublicationStore

from .conftest import THIRD, MakeClient


def text_of(page: str) -> str:
    pieces: list[str] = []

    class Text(HTMLParser):
        def handle_data(self, data: str) -> None:
            pieces.append(data)

    Text().feed(page)
    return " ".join(" ".join(pieces).split())


def test_a_user_sees_titles_reasons_and_where_they_come_from(client: FlaskClient) -> None:
    text = text_of(client.get("/?user=1").text)
    assert "For user 1" in text
    assert "Heat (1995) Action, Crime Because of Toy Story" in text
    assert f"Publication {THIRD} Policy personalised Latest rating seen 2016-10-16T17:57:24Z" in text
    assert '"git_commit": "3f1c2ab"' in text


def test_a_movie_shows_similar_movies_and_the_start_shows_popular_ones(client: FlaskClient) -> None:
    assert "Similar to Alien" in text_of(client.get("/?movie=5").text)
    assert "Popular: all" in text_of(client.get("/").text)
    assert "Alien (1979) Horror 190 ratings" in text_of(client.get("/?scope=genre:Horror").text)


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/?user=2", 404, "There is no list for user 2: here are the popular movies instead. Toy Story"),
        ("/?user=<script>", 400, "The user id is '<script>'; give a whole number"),
        ("/?movie=99", 404, "There is no movie 99."),
        ("/?scope=x", 404, "There is no list of popular movies for 'x'."),
        ("/?user=", 200, "Popular: all"),
    ],
)
def test_what_cannot_be_shown_is_said_on_the_page(
    client: FlaskClient, address: str, status: int, sentence: str
) -> None:
    response = client.get(address)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert sentence in text_of(response.text)
    assert "<script" not in response.text


def test_before_the_first_publication_the_page_says_so(store: PublicationStore, make_client: MakeClient) -> None:
    response = make_client(store).get("/")
    assert response.status_code == 503
    assert "Nothing published yet" in text_of(response.text)


def test_every_field_has_a_label_and_the_page_a_language(client: FlaskClient) -> None:
    page = client.get("/?user=1").text
    fields = set(re.findall(r'<(?:input|select)[^>]*\bid="(\w+)"', page))
    assert fields == {"user", "scope"}
    assert fields == set(re.findall(r'<label for="(\w+)"', page))
    assert '<html lang="en">' in page
    with client.get("/static/pages.css") as styles:
        assert styles.mimetype == "text/css"
