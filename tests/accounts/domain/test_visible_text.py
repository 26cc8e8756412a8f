"""Texts that people write: titles, genres and searches, with emoji and joiners where a script needs them."""

from __future__ import annotations

import unicodedata

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from serving.web.texts.visible import visible, without_invisible

from ..conftest import SignIn
from .test_names import INVISIBLE


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Wall·E",
            "8½",
            "Amélie",
            "기생충",
            "千と千尋の神隠し",
            "خانه\u200cی دوست کجاست",
            "क्\u200dषमा",
            "№ 9",
            "Se7en™",
        ),
        *(
            "👩\u200d❤\ufe0f\u200d👩",
            "❤\ufe0f",
            "🏳\ufe0f\u200d🌈",
            "🧑🏽\u200d🚀",
            "1\ufe0f\u20e3",
            "🫨",
            "‼\ufe0f",
            "カ・カ",
        ),
        *("١٢٣ و ۴", "a\u3000b", "\u0600\u0661"),
    ],
)
def test_titles_of_any_script_and_emoji_are_kept(sign_in: SignIn, title: str) -> None:
    answer = sign_in("Root", role="admin").request("POST", "/accounts/v1/movies", {"title": title})
    assert (answer.status_code, answer.get_json().get("title")) == (201, title)


@pytest.mark.parametrize(("text", "character"), INVISIBLE)
def test_a_title_or_a_genre_with_an_invisible_character_is_refused_by_its_code_point(
    sign_in: SignIn, text: str, character: str
) -> None:
    admin = sign_in("Root", role="admin")
    for body, field in (
        ({"title": text}, "title"),
        ({"title": "Kettles", "genres": ["Drama", text]}, "genres.1"),
    ):
        for method, path in (("POST", "/accounts/v1/movies"), ("PUT", "/accounts/v1/movies/1")):
            answer = admin.request(method, path, body)
            assert answer.status_code == 400
            (error,) = answer.get_json()["errors"]
            assert error["field"] == field
            assert character in error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "a\u200db",
        "\u200d👩",
        "👩\u200d",
        "👩\u200dx",
        "❤\ufe0f\ufe0f",
        "a\ufe0f",
        "\ufe0f",
        "1\ufe0f",
        "\u0627\u200c",
        "👩\u200d\u200d👩",
    ],
)
def test_a_joiner_that_joins_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^U\+(200[CD]|FE0F) .* is not allowed"):
        visible(text)


@pytest.mark.parametrize("query", ["ali\u200ben", "\u202ealien", "al\u00adien", "\ufeffAlien", "A\u2060LIEN"])
def test_a_search_drops_what_is_not_seen(client: FlaskClient, query: str) -> None:
    answer = client.get("/accounts/v1/movies", query_string={"q": query})
    assert [movie["movie_id"] for movie in answer.get_json()["items"]] == [5, 6]


@given(st.text())
def test_what_is_left_of_any_text_is_visible(text: str) -> None:
    try:
        kept = visible(text)
    except ValueError:
        assert without_invisible(text) != unicodedata.normalize("NFC", text)
    else:
        assert without_invisible(text) == kept == unicodedata.normalize("NFC", text)
