"""Movies and ratings over HTTP; the catalogue's loading; odd input."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import CatalogueLoad, Movie, Rating
from serving.accounts.domain.catalogue import (
    live_publication,
    load_catalogue,
    load_live,
    movie_row,
    rows_of_export,
    rows_of_publication,
)
from serving.recommendations.application import create_app as create_recommendation_app

from ...serving.conftest import build_from, small_store, small_tables, write_exports
from ..conftest import MOVIES, SignIn, on_both_databases

__all__ = ["build_from", "small_store"]  # fixtures that tests here ask for by name


def titles(answer: Any) -> list[str]:
    return [movie["title"] for movie in answer.get_json()["items"]]


SEARCHES = [
    ("", ["Toy Story", "Amélie (Fabuleux destin d'Amélie Poulain, Le)", "Heat", "Untitled", "Alien", "Aliens"]),
    ("?q=ALIEN", ["Alien", "Aliens"]),
    ("?q=amelie%20LE", ["Amélie (Fabuleux destin d'Amélie Poulain, Le)"]),
    ("?q=%25", []),
    ("?q=_", []),
    ("?limit=2", ["Toy Story", "Amélie (Fabuleux destin d'Amélie Poulain, Le)"]),
    ("?after=5", ["Aliens"]),
    ("?after=9007199254740992", []),
]


@on_both_databases
def test_movies_are_found_by_words_of_their_titles(client: FlaskClient) -> None:
    found = [(query, titles(client.get(f"/accounts/v1/movies{query}"))) for query, _ in SEARCHES]
    assert found == SEARCHES


def test_following_next_gives_every_movie_once(client: FlaskClient) -> None:
    address, found = "/accounts/v1/movies?limit=1&q=a", []
    while address:
        answer = client.get(address).get_json()
        found += [movie["movie_id"] for movie in answer["items"]]
        address = answer["next"]
    assert found == [2, 5, 6]


def test_a_movie_shows_its_genres(client: FlaskClient) -> None:
    assert client.get("/accounts/v1/movies/4").get_json() == {
        "movie_id": 4,
        "title": "Untitled",
        "release_year": None,
        "genres": [],
    }
    assert client.get("/accounts/v1/movies/1").get_json()["genres"] == ["Animation", "Comedy"]


@on_both_databases
def test_an_administrator_adds_changes_and_withdraws_a_movie(client: FlaskClient, sign_in: SignIn) -> None:
    admin = sign_in("Root", role="admin")
    body = {"title": "Kettles", "release_year": 2026, "genres": ["Drama", "Drama", "War"]}
    made = admin.request("POST", "/accounts/v1/movies", body)
    assert made.headers["Location"] == "/accounts/v1/movies/1000000001"
    expected = {"movie_id": 1_000_000_001, "title": "Kettles", "release_year": 2026, "genres": ["Drama", "War"]}
    assert made.get_json() == client.get(made.headers["Location"]).get_json() == expected
    changed = admin.request("PUT", made.headers["Location"], {"title": "More Kettles"})
    assert changed.get_json() == {**expected, "title": "More Kettles", "release_year": None, "genres": []}
    assert admin.request("DELETE", made.headers["Location"]).status_code == 204
    for method, json in (("GET", None), ("PUT", body), ("DELETE", None)):
        assert admin.request(method, made.headers["Location"], json).status_code == 404
    assert titles(client.get("/accounts/v1/movies?q=kettles")) == []
    # An id is not given twice.
    again = admin.request("POST", "/accounts/v1/movies", body)
    assert again.get_json()["movie_id"] == 1_000_000_002


@on_both_databases
def test_one_rates_rates_anew_and_takes_back(sign_in: SignIn) -> None:
    ada = sign_in()
    path = ada.own("/ratings/5")
    assert ada.request("GET", path).status_code == 404
    first = ada.request("PUT", path, {"rating": 4.5})
    assert first.status_code == 201
    assert first.get_json() | {"rated_at": ""} == {
        "movie_id": 5,
        "title": "Alien",
        "rating": 4.5,
        "rated_at": "",
        "change": 1,
    }
    assert ada.request("GET", path).get_json() == first.get_json()
    again = ada.request("PUT", path, {"rating": 3})
    assert (again.status_code, again.get_json()["rating"], again.get_json()["change"]) == (200, 3.0, 2)
    assert ada.request("DELETE", path).status_code == 204
    assert ada.request("DELETE", path).status_code == 404
    assert ada.request("GET", ada.own("/ratings")).get_json() == {"items": [], "next": None}


def test_the_same_rating_again_is_no_change(sign_in: SignIn) -> None:
    ada = sign_in()
    first = ada.request("PUT", ada.own("/ratings/1"), {"rating": 4})
    again = ada.request("PUT", ada.own("/ratings/1"), {"rating": 4.0})
    assert (again.status_code, again.get_json()) == (200, first.get_json())


def test_own_ratings_come_the_latest_first_in_pages(sign_in: SignIn) -> None:
    ada = sign_in()
    for movie_id in (3, 1, 5, 2, 1):
        ada.request("PUT", ada.own(f"/ratings/{movie_id}"), {"rating": 1 if movie_id == 3 else 4})
    ada.request("PUT", ada.own("/ratings/3"), {"rating": 2})
    address, found = ada.own("/ratings?limit=3"), []
    while address:
        answer = ada.request("GET", address).get_json()
        found.append([rating["movie_id"] for rating in answer["items"]])
        address = answer["next"]
    assert found == [[3, 2, 5], [1]]


def test_ratings_by_change_go_on_where_the_last_page_ended(sign_in: SignIn) -> None:
    ada, admin = sign_in(), sign_in("Root", role="admin")
    for movie_id in (3, 1, 5):
        ada.request("PUT", ada.own(f"/ratings/{movie_id}"), {"rating": 4})
    first = admin.request("GET", "/accounts/v1/ratings?limit=2").get_json()
    assert [(entry["user_id"], entry["movie_id"], entry["change"]) for entry in first["items"]] == [
        (ada.user_id, 3, 1),
        (ada.user_id, 1, 2),
    ]
    assert first["watermark"] == 2
    second = admin.request("GET", first["next"]).get_json()
    assert ([entry["movie_id"] for entry in second["items"]], second["watermark"], second["next"]) == ([5], 3, None)
    ada.request("DELETE", ada.own("/ratings/5"))
    assert admin.request("GET", "/accounts/v1/ratings?after=3").get_json() == {
        "items": [],
        "watermark": 4,
        "next": None,
    }


def test_a_withdrawn_movie_can_not_be_rated_and_keeps_its_ratings(sign_in: SignIn) -> None:
    ada, admin = sign_in(), sign_in("Root", role="admin")
    ada.request("PUT", ada.own("/ratings/1"), {"rating": 4})
    assert admin.request("DELETE", "/accounts/v1/movies/1").status_code == 204
    assert ada.request("PUT", ada.own("/ratings/1"), {"rating": 5}).status_code == 404
    assert ada.request("GET", ada.own("/ratings/1")).get_json()["rating"] == 4
    assert ada.request("DELETE", ada.own("/ratings/1")).status_code == 204


def test_exported_data_holds_everything_and_comes_as_a_file(sign_in: SignIn) -> None:
    ada = sign_in()
    ada.request("PUT", ada.own("/ratings/1"), {"rating": 4})
    answer = ada.request("GET", ada.own("/export"))
    # No reviews service answers here. The file and its name say so.
    name = "marquee-account-1000000001-without-reviews.json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    data = answer.get_json()
    assert data["reviews"] is None
    assert data["missing"] == (
        "The reviews service did not answer. This file lacks reviews, votes, feedback on predictions, kept texts and jobs. "
        "Download it again later."
    )
    assert (data["account"]["name"], len(data["sessions"])) == ("Ada", 1)
    assert [(rating["movie_id"], rating["rating"]) for rating in data["ratings"]] == [(1, 4.0)]


ODD_RATINGS = [0, 0.4, 5.5, 4.25, -1, "4", True, None, [4], 1e308, float("nan"), float("inf")]


@pytest.mark.parametrize("rating", ODD_RATINGS, ids=str)
def test_what_is_no_rating_is_refused_and_named(sign_in: SignIn, rating: object) -> None:
    ada = sign_in()
    answer = ada.request("PUT", ada.own("/ratings/1"), {"rating": rating})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.get_json()["errors"]] == ["rating"]


@pytest.mark.parametrize(
    "movie", ["0", "-1", "999", "2147483647", "2147483648", "9" * 30, "1.0", "NaN", "😀", "x" * 999]
)
def test_what_is_no_movie_is_not_found(sign_in: SignIn, movie: str) -> None:
    ada = sign_in()
    answer = ada.request("PUT", ada.own(f"/ratings/{movie}"), {"rating": 4})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


ODD_BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b'{"name": "Ada"}', 400),
    (b'{"name": "Ada", "password": "seven green kettles", "role": "admin"}', 400),
    (b'{"name": "A\\u0000da", "password": "seven green kettles"}', 400),
    (b'{"name": "A\\nda", "password": "seven green kettles"}', 400),
    (b'{"name": "<script>", "password": "seven green kettles"}', 400),
    (b'{"name": "Ad", "password": "seven green kettles"}', 400),
    (b'{"name": "' + b"A" * 41 + b'", "password": "seven green kettles"}', 400),
    (b'{"name": "' + "ﷺ".encode() * 12 + b'", "password": "seven green kettles"}', 400),
    (b'{"name": "Ada", "password": "\\ud800 green kettles"}', 400),
    (b'{"name": "Ada", "password": "' + b"x" * 201 + b'"}', 400),
    (b'{"name": "Ada", "password": "seven"}', 422),
    (b"\xff\xfe", 400),
    (b" " * 65_537, 413),
    (b"[" * 60_000, 400),
    ('{"name": "에이다", "password": "seven green kettles"}'.encode(), 201),
    (b'{"name": "Bob", "password": "seven\\u0000green kettles"}', 201),
]


@on_both_databases
def test_odd_bodies_are_refused_by_name_and_never_a_defect(client: FlaskClient) -> None:
    for body, status in ODD_BODIES:
        answer = client.post("/accounts/v1/users", data=body, content_type="application/json")
        assert answer.status_code == status, (body[:60], answer.text)
        assert "kettles" not in answer.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_must_be_json(client: FlaskClient, media_type: str) -> None:
    # Which a form of another site can't send without asking: no request forged there is obeyed.
    answer = client.post("/accounts/v1/users", data=b'{"name": "Ada"}', content_type=media_type)
    assert answer.status_code == 415


ODD_PARAMETERS = [
    "limit=0",
    "limit=101",
    "limit=x",
    "limit=",
    "after=-1",
    "after=1e3",
    "q=%00",
    "q=a%0Ab",
    "Q=x",
    "q=&q=",
]


@on_both_databases
def test_odd_parameters_are_refused(client: FlaskClient) -> None:
    assert [client.get(f"/accounts/v1/movies?{query}").status_code for query in ODD_PARAMETERS] == [400] * 10


@pytest.mark.parametrize(
    "movie",
    [
        {"title": ""},
        {"title": "  "},
        {"title": "a\nb"},
        {"title": "x" * 201},
        {"title": "Heat", "release_year": 1869},
        {"title": "Heat", "release_year": "1995"},
        {"title": "Heat", "genres": ["Action|Crime"]},
        {"title": "Heat", "genres": ["x"] * 9},
        {"title": "Heat", "genres": "Action"},
        {"title": "Heat", "movie_id": 7},
    ],
)
def test_an_odd_movie_is_refused(sign_in: SignIn, movie: dict[str, Any]) -> None:
    admin = sign_in("Root", role="admin")
    assert admin.request("POST", "/accounts/v1/movies", movie).status_code == 400


# --- loading


def movies_in(factory: Transactions) -> dict[int, tuple[str, int | None, str]]:
    with factory() as database:
        query = select(Movie).where(Movie.withdrawn_at.is_(None))
        return {movie.movie_id: (movie.title, movie.release_year, movie.genres) for movie in database.scalars(query)}


@on_both_databases
def test_loading_adds_and_changes_and_leaves_what_administrators_did(factory: Transactions, sign_in: SignIn) -> None:
    admin = sign_in("Root", role="admin")
    admin.request("POST", "/accounts/v1/movies", {"title": "Kettles"})
    admin.request("PUT", "/accounts/v1/movies/3", {"title": "Heat, edited"})
    admin.request("DELETE", "/accounts/v1/movies/5")
    loaded = [(2, "Amélie", 2001, "Comedy"), (3, "Heat", 1995, ""), (5, "Alien", 1979, ""), (7, "Seven", 1995, "Crime")]
    assert load_catalogue(factory, "next", (movie_row(*movie) for movie in loaded)) == 4
    assert movies_in(factory) == {
        1: ("Toy Story", 1995, "Animation|Comedy"),
        2: ("Amélie", 2001, "Comedy"),
        3: ("Heat, edited", None, ""),
        4: ("Untitled", None, ""),
        6: ("Aliens", 1986, "Action|Horror"),
        7: ("Seven", 1995, "Crime"),
        1_000_000_001: ("Kettles", None, ""),
    }
    with factory() as database:
        load = database.get_one(CatalogueLoad, 1)
        assert (load.source, load.movies) == ("next", 4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "next has no movies"), ([(0, "None", None, "")], "next has the movie id 0. Correct the source")],
)
def test_a_source_that_can_not_be_right_changes_nothing(
    factory: Transactions, rows: list[tuple[Any, ...]], message: str
) -> None:
    before = movies_in(factory)
    with pytest.raises(AccountsError, match=message):
        load_catalogue(factory, "next", (movie_row(*row) for row in [(1, "Changed", None, ""), *rows] if rows))
    assert movies_in(factory) == before
    with factory() as database:
        assert database.get_one(CatalogueLoad, 1).source == "20261123T190000"


@on_both_databases
def test_a_movie_added_here_that_comes_back_with_the_publication_is_left_as_it_is(
    factory: Transactions, sign_in: SignIn
) -> None:
    admin = sign_in("Root", role="admin")
    for title in ("Kettles", "Pans"):
        admin.request("POST", "/accounts/v1/movies", {"title": title})
    admin.request("DELETE", "/accounts/v1/movies/1000000002")
    before = movies_in(factory)
    back = [*MOVIES, (1_000_000_001, "Kettles, as exported", 2026, "Drama"), (1_000_000_002, "Pans", None, "")]
    assert load_catalogue(factory, "next", (movie_row(*movie) for movie in back)) == 6
    assert movies_in(factory) == before
    assert before[1_000_000_001] == ("Kettles", None, "")
    with factory() as database:
        load = database.get_one(CatalogueLoad, 1)
        assert (load.source, load.movies) == ("next", 6)


def test_hives_export_and_the_live_publication_hold_the_same_catalogue(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    published_in = request.getfixturevalue("small_store").root
    exported = list(rows_of_export(write_exports(tmp_path / "hive", {"movies": small_tables()["movies"]}) / "movies"))
    assert live_publication(published_in) == "20261123T190000"
    published = list(rows_of_publication(published_in, "20261123T190000"))
    assert exported == [movie_row(*movie) for movie in MOVIES]
    # Only a publication knows how often each movie is rated.
    ratings = {1: 247, 5: 190}
    assert published == [movie_row(*movie, ratings.get(movie[0], 0)) for movie in MOVIES]


def test_the_live_publication_is_loaded_once(
    factory: Transactions, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    published_in = request.getfixturevalue("small_store").root
    assert load_live(factory, tmp_path / "no store") is None
    with factory.begin() as database:
        database.get_one(CatalogueLoad, 1).source = "20261122T190000"
    assert load_live(factory, published_in) == "20261123T190000"
    assert load_live(factory, published_in) is None


def test_an_export_that_is_not_of_movies_is_refused_with_its_place(tmp_path: Path) -> None:
    folder = write_exports(tmp_path, {"movies": [(1, "Toy Story", 1995, ""), ("one", "Heat", 1995, "")]}) / "movies"
    with pytest.raises(AccountsError, match="movies/000000_0:2 has an id or a year that is not a whole number"):
        list(rows_of_export(folder))
    with pytest.raises(AccountsError, match=r"is missing\. Run the table's export first"):
        list(rows_of_export(tmp_path / "elsewhere"))


def test_a_publication_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccountsError, match="Publication 20261123T190000 cannot be read"):
        list(rows_of_publication(tmp_path, "20261123T190000"))


@on_both_databases
def test_loads_at_once_come_one_after_the_other(factory: Transactions) -> None:
    def load(name: str) -> int:
        return load_catalogue(factory, name, (movie_row(*movie) for movie in MOVIES))

    with factory.begin() as database:
        # As it is before the first load.
        database.query(CatalogueLoad).delete()
    with ThreadPoolExecutor(4) as pool:
        assert [loaded.result() for loaded in [pool.submit(load, f"load {turn}") for turn in range(4)]] == [6] * 4
    with factory() as database:
        assert database.get_one(CatalogueLoad, 1).movies == 6


@on_both_databases
def test_loading_beside_raters_neither_fails(factory: Transactions, engine: Engine, sign_in: SignIn) -> None:
    ada = sign_in()
    for turn in range(3):
        load_catalogue(factory, f"load {turn}", (movie_row(*movie) for movie in MOVIES))
        assert ada.request("PUT", ada.own(f"/ratings/{turn + 1}"), {"rating": 3}).status_code == 201
    with factory() as database:
        assert len(list(database.scalars(select(Rating)))) == 3


def test_both_services_find_the_same_movies_in_the_same_order(
    client: FlaskClient, factory: Transactions, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue("small_store").root
    load_catalogue(factory, "again", rows_of_publication(store, "20261123T190000"))
    api = create_recommendation_app({"MARQUEE_PUBLICATION_STORE": str(store)}).test_client()
    for query in ("alien", "a", "heat 1995", "story toy", "le fabuleux", "alein", "t", "untiled", "1995", "zzz"):
        here, there = (
            [
                movie["movie_id"]
                for movie in app.get(f"{prefix}/v1/movies", query_string={"q": query}).get_json()["items"]
            ]
            for app, prefix in ((client, "/accounts"), (api, ""))
        )
        assert here == there, query
    # Toy Story has more ratings than Heat.
    assert titles(client.get("/accounts/v1/movies?q=1995")) == ["Toy Story", "Heat"]


@on_both_databases
def test_a_search_follows_every_change_of_the_catalogue(client: FlaskClient, sign_in: SignIn) -> None:
    def found(query: str) -> list[str]:
        return titles(client.get(f"/accounts/v1/movies?q={query}"))

    admin = sign_in("Root", role="admin")
    assert found("ketles") == []
    admin.request("POST", "/accounts/v1/movies", {"title": "Seven Kettles"})
    assert found("ketles") == found("7 kettles") == ["Seven Kettles"]
    admin.request("PUT", "/accounts/v1/movies/1000000001", {"title": "Eight Pans"})
    assert (found("ketles"), found("8 pans")) == ([], ["Eight Pans"])
    admin.request("DELETE", "/accounts/v1/movies/1000000001")
    assert found("8 pans") == []
    # A page goes on behind a movie that was withdrawn meanwhile.
    assert found("alien") == ["Alien", "Aliens"]
    admin.request("DELETE", "/accounts/v1/movies/5")
    assert found("alien&after=5") == found("alien") == ["Aliens"]
    assert found("alien&after=1") == []
