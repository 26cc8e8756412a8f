from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import THIRD, BuildFrom, MakeClient, small_tables


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
    assert (
        f"Publication {THIRD} Policy personalised Latest rating seen 2016-10-16T17:57:24Z Model marquee-als 3" in text
    )
    assert '"git_commit": "3f1c2ab"' in text


def test_a_user_and_a_newcomer_see_a_second_shelf_of_less_known_movies(client: FlaskClient) -> None:
    heading = "Less known movies that may suit you"
    shelf = text_of(client.get("/?user=1").text).split(heading)[1]
    assert "Aliens (1986) Action, Horror Because of Alien Amélie" in shelf
    # The long tail is movies 2, 3 and 6, and the one that was rated is not listed.
    shelf = text_of(client.get("/rate?r6=5").text).split(heading)[1]
    assert "Heat (1995)" in shelf
    assert "Aliens (1986)" not in shelf
    assert heading not in client.get("/?movie=5").text


def test_a_publication_without_the_long_tail_has_one_shelf(build_from: BuildFrom, make_client: MakeClient) -> None:
    tables = {name: rows for name, rows in small_tables().items() if not name.startswith("discover")}
    folder, _ = build_from(THIRD, tables)
    store = PublicationStore(folder.parent / "store")
    pull(store, str(folder), THIRD, "marquee", "test")
    store.activate(THIRD, "test", "built without discoveries")
    client = make_client(store)
    for address in ("/?user=1", "/rate?r5=5"):
        assert "Less known" not in client.get(address).text


def test_a_movie_shows_similar_movies_and_the_start_shows_popular_ones(client: FlaskClient) -> None:
    assert "Similar to Alien" in text_of(client.get("/?movie=5").text)
    assert "Popular movies: of all time" in text_of(client.get("/").text)
    assert "Alien (1979) Horror 190 ratings" in text_of(client.get("/?scope=genre:Horror").text)


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/?user=2", 404, "There is no list for user 2: here are the popular movies instead."),
        ("/?user=2", 404, "Toy Story (1995) Animation, Comedy 247 ratings"),
        ("/rate?r5=6", 400, "'r5' is no rating of a movie from 0.5 to 5."),
        ("/rate?r99=5", 400, "'r99' is no rating of a movie"),
        ("/rate?stars=5", 400, "'stars' is no rating of a movie"),
        ("/rate?r²=5", 400, "'r²' is no rating of a movie"),
        ("/rate?r1234567890x=5", 400, "'r1234567890x' is no rating of a movie"),
        ("/rate?r12345678901=5", 400, "'r12345678901' is no rating of a movie"),
        ("/statistics?genre=x", 404, "There is no list of the best movies in 'x'."),
        ("/?user=<script>", 400, "The user id is '<script>'; give a whole number"),
        ("/?movie=99", 404, "There is no movie 99."),
        ("/?scope=x", 404, "There is no list of popular movies for 'x'."),
        ("/?user=", 200, "Popular movies: of all time"),
    ],
)
def test_what_cannot_be_shown_is_said_on_the_page(
    client: FlaskClient, address: str, status: int, sentence: str
) -> None:
    response = client.get(address)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert sentence in text_of(response.text)
    assert "<script" not in response.text


def test_movies_rated_on_the_page_give_a_list_with_reasons(client: FlaskClient) -> None:
    empty = text_of(client.get("/rate").text)
    assert "Rate a few movies you have seen." in empty
    assert "Recommended for you" not in empty
    page = client.get("/rate?r5=5&r1=").text
    text = text_of(page)
    assert "Policy folded in from the ratings on this page" in text
    assert "Recommended for you Aliens (1986) Action, Horror Because of Alien Score: 0.500 from your ratings" in text
    assert '<option value="5" selected>' in page
    assert "here is what is popular" in text_of(client.get("/rate?r4=5").text)


def test_movies_to_rate_are_found_by_title(client: FlaskClient) -> None:
    page = client.get("/rate?q=alien&r5=4.5").text
    assert "Movies found for “alien”" in page
    assert re.findall(r'<label for="r(\d+)"', page) == ["5", "6"]


def test_statistics_are_charts_with_a_table_and_row_accounting(client: FlaskClient) -> None:
    page = client.get("/statistics?genre=Horror").text
    assert page.count('<svg viewBox="0 0 640 240" role="img" aria-label=') == 2
    text = text_of(page)
    assert "Year Ratings Users Movies Mean rating 2015 300 40 5 3.50 2016 140 20 4 3.25" in text
    assert "Alien (1979) mean 4.10, 190 ratings Aliens (1986) mean 3.90, 80 ratings" in text
    assert "ratings.csv 450 440 6 4" in text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "address", ["/?user=1", "/?movie=5", "/?scope=all", "/rate?r5=5&q=a", "/statistics", "/?user=2"]
)
def test_each_page_is_there_in_each_language(client: FlaskClient, address: str, language: str) -> None:
    response = client.get(address + ("&" if "?" in address else "?") + f"lang={language}")
    assert response.status_code == (404 if address == "/?user=2" else 200)
    assert f'<html lang="{language}">' in response.text


def test_a_movies_page_has_its_own_ratings(client: FlaskClient) -> None:
    page = client.get("/?movie=5").text
    assert "Mean rating 4.11 of 190 ratings." in text_of(page)
    assert 'aria-label="Mean rating of this movie by year"' in page


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
