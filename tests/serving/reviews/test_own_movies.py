"""While own data is live, reviews are reached by its ids; each review keeps of which data set its movie is."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from serving.accounts.domain.catalogue import load_catalogue, movie_row
from serving.reviews.domain import named_movies
from tests.serving.reviews.conftest import FIRST, Accounts, Start, problem

SLASHES = "tt,1/2 ü?"
MOVIELENS = [movie_row(1, "Toy Story", 1995, ""), movie_row(2, "Heat", 1995, "")]
# The id of the second is a movie's of MovieLens too.
BOOKS = [
    movie_row(20_000_001, "Heat, the book", None, "", 0, SLASHES),
    movie_row(20_000_002, "The second", 0, "", 0, "2"),
]
for book in BOOKS:
    book["release_year"] = None


def address(own_id: str, rest: str = "reviews") -> str:
    return f"/v1/movies/{quote(own_id, safe='')}/{rest}"


@pytest.fixture
def books(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let own data be live, and MovieLens again at the end."""
    monkeypatch.setattr(named_movies, "_KEPT_SECONDS", 0.0)
    load_catalogue(accounts.factory, "20261125T190000", BOOKS, "my-books")
    yield
    load_catalogue(accounts.factory, FIRST, MOVIELENS)


def test_a_review_of_own_data_is_written_and_read_by_its_own_id(start: Start, accounts: Accounts, books: None) -> None:
    client, ada = start(), accounts.sign_in("Ada")
    made = client.post(address(SLASHES), json={"text": "wonderful"}, headers=ada.headers)
    assert made.status_code == 201
    assert (made.json()["movie_id"], made.json()["dataset"]) == (SLASHES, "my-books")
    (listed,) = client.get(address(SLASHES)).json()["items"]
    assert (listed["movie_id"], listed["dataset"]) == (SLASHES, "my-books")
    assert client.get(address(SLASHES, "reviews/mine"), headers=ada.headers).json()["movie_id"] == SLASHES
    figures = client.get(address(SLASHES, "sentiment")).json()
    assert (figures["movie_id"], figures["live"]["reviews"]) == (SLASHES, 1)
    problem(client.get(address("20000001")), 404, "not-found")
    problem(client.get(address("nothing", "sentiment")), 404, "not-found")
    problem(client.post(address("1"), json={"text": "wonderful"}, headers=ada.headers), 404, "not-found")


def test_a_page_of_reviews_leads_to_the_next_by_the_own_id(start: Start, accounts: Accounts, books: None) -> None:
    client = start()
    for name in ("Ada", "Bob", "Cy"):
        client.post(address(SLASHES), json={"text": f"good, says {name}"}, headers=accounts.sign_in(name).headers)
    first = client.get(address(SLASHES), params={"limit": 2}).json()
    assert first["next"].startswith(address(SLASHES) + "?")
    second = client.get(first["next"]).json()
    assert [one["text"] for one in (*first["items"], *second["items"])] == [
        "good, says Cy",
        "good, says Bob",
        "good, says Ada",
    ]


def test_reviews_stay_those_of_the_data_set_that_was_live(
    start: Start, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_movies, "_KEPT_SECONDS", 0.0)
    client, ada = start(), accounts.sign_in("Ada")
    client.post(address("2"), json={"text": "a fine film"}, headers=ada.headers)
    load_catalogue(accounts.factory, "20261125T190000", BOOKS, "my-books")
    try:
        assert client.get(address("2")).json()["items"] == []
        # It is no second review of the same movie.
        written = client.post(address("2"), json={"text": "a fine book"}, headers=ada.headers)
        assert (written.status_code, written.json()["movie_id"]) == (201, "2")
        assert [one["text"] for one in client.get(address("2")).json()["items"]] == ["a fine book"]
    finally:
        load_catalogue(accounts.factory, FIRST, MOVIELENS)
    (film,) = client.get(address("2")).json()["items"]
    assert (film["text"], film["movie_id"], "dataset" in film) == ("a fine film", 2, False)
    kept = client.get("/v1/reviews/export", headers=ada.headers).json()["reviews"]
    assert [(one["movie_id"], one.get("dataset")) for one in kept] == [(2, None), ("2", "my-books")]


def test_reviews_of_movielens_are_read_without_the_accounts_service(start: Start) -> None:
    client = start(MARQUEE_ACCOUNTS_URL="http://127.0.0.1:9")
    assert client.get("/v1/movies/1/reviews").status_code == 200
    assert client.get("/v1/movies/1/sentiment").json()["movie_id"] == 1
    problem(client.get("/v1/movies/0/reviews"), 404, "not-found")
    problem(client.get("/v1/movies/2147483648/reviews"), 404, "not-found")
