"""While own data is live, the service speaks its ids; ratings stay those of the data set that they were given for."""

import csv
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import Movie, Rating
from serving.accounts.domain.catalogue import load_catalogue, movie_row
from serving.accounts.export import export_ratings
from tests.accounts.conftest import FIRST_USER, OWN_MOVIES, SignIn, load_movielens, load_own_data, on_both_databases

SLASHES = "tt,1/2 ü?"


def path_of(own_id: str) -> str:
    return quote(own_id, safe="")


@on_both_databases
def test_the_catalogue_is_that_of_the_live_data_set(client: FlaskClient, factory: Transactions) -> None:
    load_own_data(factory)
    listed = client.get("/accounts/v1/movies").json
    assert [movie["movie_id"] for movie in listed["items"]] == ["0155061224", SLASHES, "3", "~account:1000000001"]
    assert listed["items"][0] == {
        "movie_id": "0155061224",
        "title": "Toy Story, the book",
        "release_year": 1995,
        "genres": [],
        "dataset": "my-books",
        "number": 20_000_001,
    }
    assert [movie["title"] for movie in client.get("/accounts/v1/movies?q=heat").json["items"]] == ["Heat, the book"]
    assert client.get("/accounts/ready").json["movies"] == 4
    load_movielens(factory)
    assert [movie["movie_id"] for movie in client.get("/accounts/v1/movies?q=heat").json["items"]] == [3]
    assert client.get("/accounts/v1/movies/3").json == {
        "movie_id": 3,
        "title": "Heat",
        "release_year": 1995,
        "genres": ["Action", "Crime"],
    }


@on_both_databases
def test_every_movie_is_reached_by_its_own_id_and_by_no_number(client: FlaskClient, factory: Transactions) -> None:
    load_own_data(factory)
    for shown, title in (
        ("0155061224", "Toy Story, the book"),
        (SLASHES, "Heat, the book"),
        ("3", "The third"),
        ("~account:1000000001", "The fourth"),
    ):
        answer = client.get(f"/accounts/v1/movies/{path_of(shown)}")
        assert (answer.status_code, answer.json["title"], answer.json["movie_id"]) == (200, title, shown)
    for other in ("1", "20000001", "155061224", "account:1000000001", "0155061224/", "%30155061224", "\0", "x" * 300):
        assert client.get(f"/accounts/v1/movies/{path_of(other)}").status_code == 404, other


@on_both_databases
def test_ratings_stay_those_of_the_data_set_that_they_were_given_for(
    client: FlaskClient, sign_in: SignIn, factory: Transactions
) -> None:
    ada = sign_in("Ada")
    assert ada.request("PUT", ada.own("/ratings/3"), {"rating": 5}).status_code == 201
    load_own_data(factory)
    assert ada.request("GET", ada.own("/ratings")).json["items"] == []
    assert ada.request("GET", ada.own("/ratings/3")).status_code == 404
    assert ada.request("DELETE", ada.own("/ratings/3")).status_code == 404
    given = ada.request("PUT", ada.own("/ratings/3"), {"rating": 1})
    assert (given.status_code, given.json["movie_id"], given.json["title"]) == (201, "3", "The third")
    slashes = ada.own(f"/ratings/{path_of(SLASHES)}")
    assert ada.request("PUT", slashes, {"rating": 2.5}).status_code == 201
    assert ada.request("PUT", slashes, {"rating": 2.5}).status_code == 200
    mine = ada.request("GET", ada.own("/ratings")).json["items"]
    assert [(one["movie_id"], one["rating"], one["dataset"]) for one in mine] == [
        (SLASHES, 2.5, "my-books"),
        ("3", 1.0, "my-books"),
    ]
    load_movielens(factory)
    kept = ada.request("GET", ada.own("/ratings")).json["items"]
    assert [(one["movie_id"], one["rating"], "dataset" in one) for one in kept] == [(3, 5.0, False)]
    assert ada.request("PUT", ada.own(f"/ratings/{path_of(SLASHES)}"), {"rating": 1}).status_code == 404
    exported = ada.request("GET", ada.own("/export")).json["ratings"]
    assert [(one["movie_id"], one.get("dataset")) for one in exported] == [
        (SLASHES, "my-books"),
        ("3", "my-books"),
        (3, None),
    ]
    with factory() as database:
        rows = database.execute(select(Rating.movie_id, Rating.half_stars).order_by(Rating.movie_id)).all()
    assert [tuple(row) for row in rows] == [(3, 10), (20_000_002, 5), (20_000_003, 2)]


@on_both_databases
def test_a_movie_that_is_added_belongs_to_the_data_set_that_is_live(
    client: FlaskClient, sign_in: SignIn, factory: Transactions
) -> None:
    load_own_data(factory)
    root = sign_in("Root", role="admin")
    made = root.request("POST", "/accounts/v1/movies", {"title": "The Third Kettle"})
    assert (made.status_code, made.json["movie_id"]) == (201, "account:1000000001")
    assert made.headers["Location"] == "/accounts/v1/movies/account%3A1000000001"
    assert client.get(made.headers["Location"]).json["title"] == "The Third Kettle"
    changed = root.request("PUT", f"/accounts/v1/movies/{path_of(SLASHES)}", {"title": "Changed"})
    assert (changed.json["movie_id"], changed.json["title"]) == (SLASHES, "Changed")
    assert root.request("DELETE", "/accounts/v1/movies/0155061224").status_code == 204
    load_own_data(factory, "again")
    titles = [movie["title"] for movie in client.get("/accounts/v1/movies").json["items"]]
    assert titles == ["Changed", "The third", "The fourth", "The Third Kettle"]
    load_movielens(factory)
    assert client.get("/accounts/v1/movies/1000000001").status_code == 404


@on_both_databases
def test_a_number_that_another_data_set_has_by_now_leaves_the_old_ratings_alone(
    client: FlaskClient, sign_in: SignIn, factory: Transactions
) -> None:
    load_own_data(factory)
    ada = sign_in("Ada")
    ada.request("PUT", ada.own("/ratings/0155061224"), {"rating": 4})
    # The dictionary was made again: the numbers go to other ids.
    turned = [
        movie_row(20_000_001, "Heat, the book", None, "", 0, SLASHES),
        movie_row(20_000_002, "Toy Story, the book", 1995, "", 0, "0155061224"),
    ]
    load_catalogue(factory, "turned", turned, "my-books")
    assert ada.request("GET", ada.own("/ratings")).json["items"][0]["movie_id"] == "0155061224"
    # The range was given to another data set.
    load_catalogue(factory, "shop", [movie_row(20_000_001, "A kettle", None, "", 0, "0155061224")], "my-shop")
    kettle = client.get("/accounts/v1/movies/0155061224").json
    assert (kettle["title"], kettle["number"]) == ("A kettle", 980_000_001)
    assert ada.request("GET", ada.own("/ratings/0155061224")).status_code == 404
    load_own_data(factory, "back")
    assert ada.request("GET", ada.own("/ratings/0155061224")).json["title"] == "Toy Story, the book"


def test_movies_of_before_get_their_data_set_when_it_is_loaded(client: FlaskClient, factory: Transactions) -> None:
    with factory.begin() as database:
        database.add(Movie(**movie_row(20_000_001, "Toy Story, the book", 1995, ""), dataset=""))
    assert client.get("/accounts/v1/movies/20000001").status_code == 404
    load_own_data(factory)
    assert client.get("/accounts/v1/movies/0155061224").json["number"] == 20_000_001


def test_movielens_with_a_key_of_own_data_is_refused(factory: Transactions) -> None:
    load_own_data(factory)
    with pytest.raises(AccountsError, match="has the movie id 20000001, which belongs to the data set my-books"):
        load_catalogue(factory, "next", [movie_row(20_000_001, "A movie", None, "")])


def test_programs_get_the_ratings_of_all_data_sets_each_with_its_own_ids(
    sign_in: SignIn, factory: Transactions
) -> None:
    ada, root = sign_in("Ada"), sign_in("Root", role="admin")
    ada.request("PUT", ada.own("/ratings/3"), {"rating": 5})
    load_own_data(factory)
    ada.request("PUT", ada.own("/ratings/3"), {"rating": 1})
    found = root.request("GET", "/accounts/v1/ratings").json["items"]
    assert [(one["user_id"], one["movie_id"], one.get("dataset")) for one in found] == [
        (FIRST_USER, 3, None),
        (FIRST_USER, "3", "my-books"),
    ]


def test_the_keys_of_the_tests_are_those_that_a_dictionary_gives() -> None:
    assert [movie[0] for movie in OWN_MOVIES] == [20_000_001, 20_000_002, 20_000_003, 20_000_004]


@on_both_databases
def test_an_export_has_the_ratings_of_one_data_set(
    sign_in: SignIn, factory: Transactions, database_url: str, tmp_path: Path
) -> None:
    ada, root = sign_in("Ada"), sign_in("Root", role="admin")
    ada.request("PUT", ada.own("/ratings/3"), {"rating": 5})
    root.request("POST", "/accounts/v1/movies", {"title": "The Third Kettle"})
    ada.request("PUT", ada.own("/ratings/1000000001"), {"rating": 3})
    load_own_data(factory)
    ada.request("PUT", ada.own("/ratings/3"), {"rating": 1})
    ada.request("PUT", ada.own(f"/ratings/{path_of(SLASHES)}"), {"rating": 2.5})
    root.request("POST", "/accounts/v1/movies", {"title": "The Fourth Kettle"})
    ada.request("PUT", ada.own("/ratings/account:1000000002"), {"rating": 3})

    def exported(batch_id: str, own_data: str | None) -> tuple[list[list[str]], str, object]:
        manifest = export_ratings(database_url, tmp_path, batch_id, own_data=own_data)
        folder = tmp_path / batch_id
        rows = list(csv.reader((folder / "ratings.csv").read_text(encoding="utf-8").splitlines()))
        return (
            [row[:3] for row in rows[1:]],
            (folder / "movies.csv").read_text().split("\n", 1)[1],
            manifest.get("own_data"),
        )

    user = str(FIRST_USER)
    assert exported("20991123T190000", None) == (
        [[user, "3", "5.0"], [user, "1000000001", "3.0"]],
        "1000000001,The Third Kettle,(no genres listed)\n",
        None,
    )
    assert exported("20991124T190000", "my-books") == ([[user, SLASHES, "2.5"], [user, "3", "1.0"]], "", "my-books")
    assert exported("20991125T190000", "my-shop") == ([], "", "my-shop")
    with pytest.raises(AccountsError, match="has the ratings of my-books, not of MovieLens"):
        exported("20991124T190000", None)
