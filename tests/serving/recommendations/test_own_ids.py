"""A publication of own data speaks the person's own ids: in addresses, bodies, answers and pages."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.publications.format import DATABASE_NAME, PublicationError
from serving.publications.own_data.spelling import number_of_account, own_id_of, spelled, spelled_account
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from tests.serving.conftest import SECOND, THIRD, BuildFrom, MakeClient, small_tables

USERS = {1: "A2SU/AM1 J?&#%", 7: "Jürgen"}
MOVIES = {1: "0155061224", 2: "tt,1/2", 3: "Heat?", 4: "x%2Fy", 5: "9223372036854775807", 6: "7"}
NEW_USER = 1_000_000_001
WORDS = {"user_id": USERS[1], "movie_id": MOVIES[3]}


def own_tables() -> dict[str, list[tuple[Any, ...]]]:
    ids = [("user", number, own) for number, own in USERS.items()]
    ids += [("item", number, own) for number, own in MOVIES.items()]
    # The dictionary holds what other batches had.
    ids += [("user", 2, "gone"), ("item", 99, "gone too")]
    tables = small_tables()
    lists = [(NEW_USER, *row[1:]) for row in tables["recommendations"] if row[0] == 7]
    return {**tables, "recommendations": tables["recommendations"] + lists, "ids": ids}


@pytest.fixture
def own_store(tmp_path: Path, build_from: BuildFrom) -> PublicationStore:
    store = PublicationStore(tmp_path / "store")
    folder, _ = build_from(THIRD, own_tables())
    pull(store, str(folder), THIRD, "marquee", "test")
    store.activate(THIRD, "test", "own data")
    return store


@pytest.fixture
def own(own_store: PublicationStore, make_client: MakeClient) -> FlaskClient:
    return make_client(own_store)


def path_of(own_id: str) -> str:
    return quote(own_id, safe="")


def test_a_list_is_asked_for_and_answered_by_own_ids(own: FlaskClient) -> None:
    answer = own.get(f"/v1/users/{path_of(USERS[1])}/recommendations?limit=2")
    assert answer.status_code == 200
    body = answer.json
    assert body["user_id"] == "A2SU/AM1 J?&#%"
    assert [item["movie_id"] for item in body["items"]] == ["Heat?", "tt,1/2"]
    assert body["items"][1]["because"] == [
        {"movie_id": "0155061224", "title": "Toy Story"},
        {"movie_id": "9223372036854775807", "title": "Alien"},
    ]
    assert body["next"] == f"/v1/users/A2SU/AM1%20J%3F%26%23%25/recommendations?limit=2&cursor={THIRD}.2"
    following = own.get(body["next"]).json
    assert [item["movie_id"] for item in following["items"]] == ["x%2Fy"]


def test_the_first_page_is_the_same_with_and_without_the_fast_path(own: FlaskClient) -> None:
    address = f"/v1/users/{path_of('Jürgen')}/recommendations"
    fast, slow = own.get(address), own.get(address, headers={"Accept-Encoding": "identity;q=1"})
    assert fast.json["user_id"] == "Jürgen"
    assert fast.data == slow.data


def test_every_user_and_every_movie_is_reached_by_the_address_of_its_id(own: FlaskClient) -> None:
    assert own.get("/v1/users").json["items"] == [*USERS.values(), "account:1000000001"]
    for user in (*USERS.values(), "account:1000000001"):
        assert own.get(f"/v1/users/{path_of(user)}/recommendations").json["user_id"] == user
    assert [item["movie_id"] for item in own.get("/v1/movies").json["items"]] == list(MOVIES.values())
    for movie in MOVIES.values():
        assert own.get(f"/v1/movies/{path_of(movie)}").json["movie"]["movie_id"] == movie
    statistics = own.get(f"/v1/marts/movie_statistics/{path_of(MOVIES[5])}").json
    assert (statistics["movie"]["movie_id"], statistics["statistics"]["ratings"]) == ("9223372036854775807", 190)


def test_an_explanation_names_own_ids(own: FlaskClient) -> None:
    answer = own.get(f"/v1/users/{path_of(USERS[1])}/recommendations/{path_of(MOVIES[2])}").json
    assert (answer["user_id"], answer["movie"]["movie_id"], answer["rank"]) == (USERS[1], MOVIES[2], 2)
    assert [reason["movie_id"] for reason in answer["because"]] == [MOVIES[1], MOVIES[5]]
    other = own.get(f"/v1/users/{path_of(USERS[1])}/recommendations/{path_of(MOVIES[6])}").json
    assert other["detail"].startswith("Movie 7 is not among the 3 of user A2SU/AM1 J?&#%:")


@pytest.mark.parametrize(
    ("address", "kind", "detail"),
    [
        ("/v1/users/nobody/recommendations", "unknown-user", "There is no list for user nobody: see the popular"),
        # Inside, user 1 is A2SU...: a number is no id here.
        ("/v1/users/1/recommendations", "unknown-user", "There is no list for user 1: see the popular"),
        ("/v1/users/gone/recommendations", "unknown-user", "There is no list for user gone: see"),
        ("/v1/users/J%C3%BCrgen/recommendations/none", "unknown-movie", "There is no movie none."),
        ("/v1/movies/none", "unknown-movie", "There is no movie none."),
        ("/v1/movies/1", "unknown-movie", "There is no movie 1."),
        ("/v1/marts/movie_statistics/%00", "unknown-movie", "There is no movie \0."),
        ("/v1/users/%FF/recommendations", "unknown-user", "There is no list for user \ufffd: see"),
        ("/v1/users/2147483647/recommendations", "unknown-user", "There is no list for user 2147483647: see"),
        # An account has a list, and this is an id of the data: no spelling of a number is that of an account.
        ("/v1/users/1000000001/recommendations", "unknown-user", "There is no list for user 1000000001: see"),
        ("/v1/users/1000000001/recommendations/", "unknown-user", "There is no list for user 1000000001: see"),
        # Inside, user 7 has a list. A slash too many and a name in capitals are still no numbers.
        ("/v1/users/7/recommendations/", "unknown-user", "There is no list for user 7: see"),
        ("/v1/movies/1000000001", "unknown-movie", "There is no movie 1000000001."),
        ("/v1/marts/movie_statistics/5", "unknown-movie", "There is no movie 5."),
        ("/v1/users/account%3A7/recommendations", "unknown-user", "There is no list for user account:7: see"),
    ],
)
def test_an_unknown_id_is_named_as_it_was_asked_for(own: FlaskClient, address: str, kind: str, detail: str) -> None:
    answer = own.get(address)
    assert answer.status_code == 404
    assert answer.json["type"].endswith(kind)
    assert answer.json["detail"].startswith(detail)


def test_movies_are_left_out_by_own_ids_and_the_next_page_keeps_them(own: FlaskClient) -> None:
    address = f"/v1/users/J%C3%BCrgen/recommendations?limit=1&exclude=0155061224,none&as_of={THIRD}"
    body = own.get(address).json
    assert [item["movie_id"] for item in body["items"]] == [MOVIES[5]]
    assert "exclude=0155061224%2Cnone" in body["next"]
    assert [item["movie_id"] for item in own.get(body["next"]).json["items"]] == [MOVIES[2]]


def test_a_newcomer_rates_movies_by_own_ids(own: FlaskClient) -> None:
    ratings = [{"movie_id": MOVIES[6], "rating": 5}, {"movie_id": "none", "rating": 1}, {"movie_id": "6", "rating": 2}]
    answer = own.post("/v1/recommendations", json={"ratings": ratings, "exclude": [MOVIES[3]]})
    assert answer.status_code == 200
    assert sorted(answer.json["ignored"]) == ["6", "none"]
    shown = [item["movie_id"] for item in answer.json["items"]]
    assert MOVIES[5] in shown
    assert {MOVIES[3], MOVIES[6]} & set(shown) == set()
    wrong = own.post("/v1/recommendations", json={"ratings": [{"movie_id": None, "rating": 5}]})
    assert wrong.status_code == 400
    assert wrong.json["type"].endswith("bad-body")


def test_a_number_in_a_body_is_an_own_id_and_never_a_number_of_the_dictionary(own: FlaskClient) -> None:
    ratings = [{"movie_id": 7, "rating": 5}, {"movie_id": 6, "rating": 5}]
    answer = own.post("/v1/recommendations", json={"ratings": ratings, "exclude": [9223372036854775807]}).json
    # The movie with the number 6 has the id 7.
    assert answer["ignored"] == ["6"]
    shown = {item["movie_id"] for item in answer["items"]}
    assert {MOVIES[5], MOVIES[6]} & shown == set()
    assert {(item["movie_id"], item["number"]) for item in answer["items"]} <= {(own, n) for n, own in MOVIES.items()}
    assert own.get("/?movie=5").status_code == 404
    assert "Similar to Aliens" in own.get("/?movie=7").get_data(as_text=True)


def test_an_account_has_a_list_by_its_own_spelling(own: FlaskClient) -> None:
    answer = own.get(f"/v1/users/account:{NEW_USER}/recommendations").json
    assert (answer["user_id"], [item["number"] for item in answer["items"]]) == (f"account:{NEW_USER}", [1, 5, 2])
    following = own.get(f"/v1/users/account:{NEW_USER}/recommendations?limit=1").json["next"]
    assert [item["number"] for item in own.get(following).json["items"]] == [5]
    page = own.get(f"/?user=account:{NEW_USER}&lang=en").get_data(as_text=True)
    assert f"For user account:{NEW_USER}" in page


def test_a_publication_of_movielens_knows_an_account_by_both_spellings(
    build_from: BuildFrom, tmp_path: Path, make_client: MakeClient
) -> None:
    tables = {name: rows for name, rows in own_tables().items() if name != "ids"}
    store = PublicationStore(tmp_path / "movielens")
    folder, _ = build_from(THIRD, tables)
    pull(store, str(folder), THIRD, "marquee", "test")
    store.activate(THIRD, "test", "MovieLens")
    client = make_client(store)
    plain, spelled_out = (
        client.get(f"/v1/users/{user}/recommendations?limit=2").json for user in (NEW_USER, f"account:{NEW_USER}")
    )
    assert plain["user_id"] == NEW_USER
    assert plain == spelled_out
    assert client.get("/v1/users/account:7/recommendations").status_code == 400


def test_an_own_id_that_reads_like_an_account_is_another_user(
    build_from: BuildFrom, tmp_path: Path, make_client: MakeClient
) -> None:
    tables = own_tables()
    alike = {1: f"account:{NEW_USER}", 7: str(NEW_USER)}
    tables["ids"] = [
        (kind, number, alike[number] if kind == "user" and number in alike else own)
        for kind, number, own in tables["ids"]
    ]
    store = PublicationStore(tmp_path / "alike")
    folder, _ = build_from(THIRD, tables)
    pull(store, str(folder), THIRD, "marquee", "test")
    store.activate(THIRD, "test", "own data")
    client = make_client(store)
    shown = client.get("/v1/users").json["items"]
    assert shown == [f"~account:{NEW_USER}", f"{NEW_USER}", f"account:{NEW_USER}"]
    lists = [client.get(f"/v1/users/{user}/recommendations").json for user in shown]
    assert [one["user_id"] for one in lists] == shown
    assert [[item["number"] for item in one["items"]] for one in lists] == [[3, 2, 4], [1, 5, 2], [1, 5, 2]]


@given(st.from_regex(r"~{0,3}(account:)?[0-9]{0,12}", fullmatch=True) | st.text(max_size=20))
def test_no_two_ids_are_spelled_alike(own_id: str) -> None:
    shown = spelled(own_id)
    assert own_id_of(shown) == own_id
    assert number_of_account(shown) is None


@pytest.mark.parametrize(
    ("number", "shown"), [(1_000_000_001, "account:1000000001"), (2_147_483_647, "account:2147483647")]
)
def test_an_account_is_spelled_by_its_number(number: int, shown: str) -> None:
    assert (spelled_account(number), number_of_account(shown)) == (shown, number)


@pytest.mark.parametrize(
    "shown", ["account:", "account:1", "account:1000000000", "account:2147483648", "Account:1000000001", "1000000001"]
)
def test_what_no_account_is_spelled_like_is_none(shown: str) -> None:
    assert number_of_account(shown) is None


def test_pages_take_and_show_own_ids(own: FlaskClient) -> None:
    page = own.get("/", query_string={"user": USERS[1]})
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "For user A2SU/AM1 J?&amp;#%" in text
    assert 'href="/?movie=Heat?"' in text
    assert '<option value="Jürgen">' in text
    assert 'maxlength="256"' in text
    movie = own.get("/", query_string={"movie": "9223372036854775807"}).get_data(as_text=True)
    assert "Similar to Alien" in movie
    unknown = own.get("/?user=nobody&lang=en")
    assert unknown.status_code == 404
    assert "There is no list for user nobody" in unknown.get_data(as_text=True)


def test_a_publication_of_movielens_in_the_same_store_keeps_its_addresses(
    own_store: PublicationStore, build_from: BuildFrom, make_client: MakeClient
) -> None:
    folder, _ = build_from(SECOND)
    pull(own_store, str(folder), SECOND, "marquee", "test")
    client = make_client(own_store)
    old = client.get(f"/v1/users/1/recommendations?as_of={SECOND}").json
    assert (old["user_id"], [item["movie_id"] for item in old["items"]]) == (1, [3, 2, 4])
    assert client.get(f"/v1/users/nobody/recommendations?as_of={SECOND}").json["type"].endswith("bad-id")
    assert client.get(f"/v1/users/1/recommendations?as_of={THIRD}").status_code == 404


def test_the_file_holds_the_ids_it_needs_and_equal_exports_give_equal_bytes(
    build_from: BuildFrom, tmp_path: Path
) -> None:
    folder, manifest = build_from(THIRD, own_tables())
    grown = own_tables()
    grown["ids"] = [*grown["ids"], ("user", 3, "later")]
    _, again = build_from(SECOND, grown)
    assert manifest.sha256 == again.sha256
    assert (manifest.schema_version, manifest.rows["ids"]) == (3, 8)
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as database:
        assert database.execute("SELECT user_id, own_id FROM user_ids").fetchall() == list(USERS.items())
        assert database.execute("SELECT movie_id, own_id FROM movie_ids").fetchall() == list(MOVIES.items())
    _, plain = build_from(SECOND)
    assert (plain.schema_version, "ids" in plain.rows) == (2, False)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([("user", 1, "a"), ("item", 1, "x")], "The dictionary has no id for user 7"),
        ([("user", 1, "a"), ("user", 7, "b")], "The dictionary has no id for item 1"),
        ([("movie", 1, "a")], "'movie' 'a' is no id of a user or an item"),
        ([("user", 0, "a")], "number is '0', not a whole number"),
    ],
)
def test_a_dictionary_that_lacks_an_id_is_refused(
    build_from: BuildFrom, ids: list[tuple[str, int, str]], says: str
) -> None:
    with pytest.raises(PublicationError, match=says):
        build_from(THIRD, {**small_tables(), "ids": ids})


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own_id=TEXT)
def test_any_text_is_answered_as_an_unknown_id_and_never_as_a_defect(own: FlaskClient, own_id: str) -> None:
    for address in (f"/v1/users/{path_of(own_id)}/recommendations", f"/v1/movies/{path_of(own_id)}"):
        assert own.get(address).status_code in (200, 301, 308, 404), own_id


@pytest.mark.parametrize("name", ["%00", "..%2F..%2Fetc", "%2Fetc", "20260101T000000%2F..", "x" * 5000, "%ED%A0%80"])
def test_a_publication_that_is_no_id_is_refused_before_it_is_a_path(client: FlaskClient, name: str) -> None:
    for address in (f"/v1/users/1/recommendations?as_of={name}", f"/v1/movies/1?as_of={name}"):
        assert client.get(address).status_code == 400
