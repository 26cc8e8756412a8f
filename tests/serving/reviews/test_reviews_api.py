"""Reviews over HTTP: who may do what, in which order they come, and what a deleted account takes along."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from .conftest import FIRST, Accounts, Person, Start, problem

GOOD, BAD = "This film is wonderful.", "This film is boring."


def write(client: TestClient, person: Person, text: str = GOOD, movie: int = 1, **more: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/movies/{movie}/reviews", json={"text": text, **more}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/reviews/{answer.json()['review_id']}"
    found: dict[str, Any] = answer.json()
    return found


def test_a_review_is_written_read_changed_and_deleted_by_its_author(client: TestClient, accounts: Accounts) -> None:
    ada = accounts.sign_in("Ada")
    made = write(client, ada, GOOD, may_train=True)
    assert made["author"] == {"user_id": ada.user_id, "name": ada.name}
    assert (made["sentiment"]["label"], made["sentiment"]["publication"], made["may_train"]) == (
        "positive",
        FIRST,
        True,
    )
    path = f"/v1/reviews/{made['review_id']}"
    read = client.get(path).json()
    assert read == {name: value for name, value in made.items() if name not in ("may_train", "prediction")}
    changed = client.put(path, json={"text": BAD}, headers=ada.headers).json()
    assert (changed["text"], changed["sentiment"]["label"], changed["may_train"]) == (BAD, "negative", False)
    assert (changed["created_at"], changed["changed_at"] > made["changed_at"]) == (made["created_at"], True)
    assert client.delete(path, headers=ada.headers).status_code == 204
    problem(client.get(path), 404, "not-found")


def test_only_its_author_changes_a_review_and_only_an_account_writes(client: TestClient, accounts: Accounts) -> None:
    ada, bob, staff = accounts.sign_in("Ada"), accounts.sign_in("Bob"), accounts.sign_in("Eve", "admin")
    path = f"/v1/reviews/{write(client, ada)['review_id']}"
    for other in (bob, staff):
        problem(client.put(path, json={"text": BAD}, headers=other.headers), 403, "forbidden")
        problem(client.delete(path, headers=other.headers), 403, "forbidden")
    for method, address in (("PUT", path), ("POST", "/v1/movies/1/reviews")):
        problem(client.request(method, address, json={"text": BAD}), 401, "not-signed-in")
    problem(client.delete(path), 401, "not-signed-in")
    assert client.get(path).json()["text"] == GOOD


def test_a_program_of_a_client_has_no_account_to_write_with(client: TestClient, accounts: Accounts) -> None:
    import httpx

    form = {"grant_type": "client_credentials"}
    granted = httpx.post(f"{accounts.address}/accounts/oauth/token", data=form, auth=accounts.client("ratings:read"))
    headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    problem(client.post("/v1/movies/1/reviews", json={"text": GOOD}, headers=headers), 403, "forbidden")


def test_one_account_reviews_a_movie_once_even_at_the_same_moment(client: TestClient, accounts: Accounts) -> None:
    ada = accounts.sign_in("Ada")
    made = write(client, ada)
    again = client.post("/v1/movies/1/reviews", json={"text": BAD}, headers=ada.headers)
    assert problem(again, 409, "already-reviewed")["review"] == f"/v1/reviews/{made['review_id']}"

    def post(_: int) -> int:
        return client.post("/v1/movies/2/reviews", json={"text": GOOD}, headers=ada.headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(8))) == [201, *[409] * 7]


def test_a_movie_that_the_catalogue_has_not_is_not_reviewed(client: TestClient, accounts: Accounts) -> None:
    ada = accounts.sign_in("Ada")
    answer = client.post("/v1/movies/999/reviews", json={"text": GOOD}, headers=ada.headers)
    assert problem(answer, 404, "not-found")["detail"].startswith("There is no movie 999.")


def test_staff_hide_a_review_with_a_reason_that_its_author_sees(client: TestClient, accounts: Accounts) -> None:
    ada, bob, staff = accounts.sign_in("Ada"), accounts.sign_in("Bob"), accounts.sign_in("Eve", "admin")
    path = f"/v1/reviews/{write(client, ada)['review_id']}"
    problem(client.put(f"{path}/hidden", json={"reason": "no"}, headers=bob.headers), 403, "forbidden")
    problem(client.put(f"{path}/hidden", json={}, headers=staff.headers), 422, "bad-request")
    hidden = client.put(f"{path}/hidden", json={"reason": "Tells the end."}, headers=staff.headers).json()["hidden"]
    assert hidden["reason"] == "Tells the end."
    assert client.get("/v1/movies/1/reviews").json() == {"items": [], "next": None}
    problem(client.get(path), 404, "not-found")
    problem(client.get(path, headers=bob.headers), 404, "not-found")
    problem(client.put(f"{path}/helpful", headers=bob.headers), 404, "not-found")
    assert client.get(path, headers=ada.headers).json()["hidden"]["reason"] == "Tells the end."
    assert client.get("/v1/movies/1/sentiment").json()["live"]["reviews"] == 0
    assert client.delete(f"{path}/hidden", headers=staff.headers).json()["hidden"] is None
    assert client.get(path).status_code == 200


def pages(client: TestClient, order: str, limit: int) -> list[int]:
    ids: list[int] = []
    address: str | None = f"/v1/movies/1/reviews?order={order}&limit={limit}"
    while address is not None:
        page = client.get(address).json()
        assert len(page["items"]) <= limit
        ids += [review["review_id"] for review in page["items"]]
        address = page["next"]
    return ids


def test_reviews_come_newest_or_most_helpful_first_through_a_cursor(client: TestClient, accounts: Accounts) -> None:
    people = [accounts.sign_in("P") for _ in range(5)]
    ids = [write(client, person)["review_id"] for person in people]
    for voter, review in ((0, 2), (1, 2), (3, 2), (0, 4), (2, 4), (4, 0)):
        client.put(f"/v1/reviews/{ids[review]}/helpful", headers=people[voter].headers)
    for limit in (1, 2, 5, 100):
        assert pages(client, "newest", limit) == ids[::-1]
        assert pages(client, "helpful", limit) == [ids[2], ids[4], ids[0], ids[3], ids[1]]


def test_a_page_goes_on_where_the_one_before_ended_though_a_review_came_or_went(
    client: TestClient, accounts: Accounts
) -> None:
    people = [accounts.sign_in("P") for _ in range(5)]
    ids = [write(client, person)["review_id"] for person in people[:4]]
    first = client.get("/v1/movies/1/reviews?limit=2").json()
    write(client, people[4])
    client.delete(f"/v1/reviews/{ids[2]}", headers=people[2].headers)
    assert [review["review_id"] for review in client.get(first["next"]).json()["items"]] == [ids[1], ids[0]]


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "%00", "WyJuZXdlc3QiXQ", "WyJoZWxwZnVsIiwwLDFd", "bnVsbA", "W10", "\u00e9", "%ff", "W1tbW1tbW1tbW1tb"),
        *(
            "WyJuZXdlc3QiLCIyMDI2LTExLTIzIiwxXQ",
            "WyJuZXdlc3QiLDEsMV0",
            "WyJuZXdlc3QiLCIyMDI2LTExLTIzVDAwOjAwOjAwWiIsIngiXQ",
        ),
    ],
)
def test_a_text_that_is_no_cursor_of_the_list_is_refused(client: TestClient, cursor: str) -> None:
    problem(client.get(f"/v1/movies/1/reviews?order=newest&cursor={cursor}"), 422, "bad-cursor")


def test_a_vote_counts_once_is_taken_back_and_is_not_for_ones_own_review(
    client: TestClient, accounts: Accounts
) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    path = f"/v1/reviews/{write(client, ada)['review_id']}/helpful"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.put(path, headers=bob.headers), range(8)))
    assert client.put(path, headers=bob.headers).json()["helpful"] == 1
    assert [client.delete(path, headers=bob.headers).json()["helpful"] for _ in range(2)] == [0, 0]
    problem(client.put(path, headers=ada.headers), 409, "own-review")


def test_the_figures_of_a_movie_add_up_its_reviews_by_month(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    empty = {"reviews": 0, "mean_probability": None, "share_positive": None, "months": []}
    assert client.get("/v1/movies/1/sentiment").json() == {"movie_id": 1, "live": empty, "mart": None}
    made = [write(client, accounts.sign_in("P"), text) for text in (GOOD, GOOD, BAD)]
    with engine.begin() as connection:
        moment = f"'2026-01-31T23:59:59Z' WHERE review_id = {made[0]['review_id']}"
        connection.exec_driver_sql(f"UPDATE reviews SET created_at = {moment}")
    live = client.get("/v1/movies/1/sentiment").json()["live"]
    assert (live["reviews"], live["share_positive"]) == (3, pytest.approx(2 / 3))
    mean = sum(review["sentiment"]["probability"] for review in made) / 3
    assert live["mean_probability"] == pytest.approx(mean)
    assert (live["months"][0]["month"], live["months"][0]["reviews"]) == ("2026-01", 1)
    assert sum(month["reviews"] for month in live["months"]) == 3


def test_without_a_model_a_review_is_kept_and_judged_when_it_is_changed(
    start: Start, accounts: Accounts, client: TestClient
) -> None:
    ada = accounts.sign_in("Ada")
    made = write(start(MARQUEE_SENTIMENT_STORE="/nonexistent"), ada)
    assert (made["sentiment"], made["prediction"]) == (None, None)
    changed = client.put(f"/v1/reviews/{made['review_id']}", json={"text": GOOD}, headers=ada.headers).json()
    assert changed["sentiment"]["label"] == "positive"


def test_the_author_of_a_review_may_say_that_its_sentiment_is_wrong(client: TestClient, accounts: Accounts) -> None:
    ada = accounts.sign_in("Ada")
    made = write(client, ada)
    path = f"/v1/sentiment/{made['prediction']}/feedback"
    noted = client.post(path, json={"right": False, "text": GOOD, "may_train": True}, headers=ada.headers).json()
    assert (noted["truth"], noted["trains"]) == ("negative", True)


def test_html_in_a_review_is_returned_as_the_text_that_it_is(client: TestClient, accounts: Accounts) -> None:
    text = "<script>alert('1')</script> \U0001f3ac &amp; wonderful"
    made = write(client, accounts.sign_in("Ada"), text)
    assert client.get(f"/v1/reviews/{made['review_id']}").json()["text"] == text


def test_a_review_with_a_character_that_cannot_be_seen_is_refused_by_its_name(
    client: TestClient, accounts: Accounts
) -> None:
    ada, staff = accounts.sign_in("Ada"), accounts.sign_in("Eve", "admin")
    said = "Character 5 of the text is U+202E RIGHT-TO-LEFT OVERRIDE. It can't be seen, or it turns the direction of writing."
    for method, path, who, body in (
        ("POST", "/v1/movies/1/reviews", ada, {"text": "Good\u202e."}),
        ("PUT", "/v1/reviews/1", ada, {"text": "Good\u202e."}),
        ("PUT", "/v1/reviews/1/hidden", staff, {"reason": "Good\u202e."}),
    ):
        refused = problem(client.request(method, path, json=body, headers=who.headers), 422, "bad-request")
        assert said in str(refused["errors"])
    family = write(client, ada, "Lines,\n\ttabs and \U0001f468\u200d\U0001f469\u200d\U0001f467 stay.")
    assert family["text"] == "Lines,\n\ttabs and \U0001f468\u200d\U0001f469\u200d\U0001f467 stay."
    assert client.post("/v1/sentiment", json={"text": "Good\u202e."}).status_code == 200


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "2147483648", "99999999999999999999", "%00", "1e3"])
def test_a_movie_or_review_that_is_no_id_is_refused(client: TestClient, number: str) -> None:
    # Any text may be a movie's id while own data is live: with MovieLens it is that of no movie.
    problem(client.get(f"/v1/movies/{number}/reviews"), 404, "not-found")
    problem(client.get(f"/v1/movies/{number}/sentiment"), 404, "not-found")
    answer = client.get(f"/v1/reviews/{number}")
    if number == "2147483648":
        problem(answer, 404, "not-found")
    else:
        problem(answer, 422, "bad-request")


def test_one_reads_ones_own_review_of_a_movie_though_it_is_hidden(client: TestClient, accounts: Accounts) -> None:
    ada, bob, staff = accounts.sign_in("Ada"), accounts.sign_in("Bob"), accounts.sign_in("Eve", "admin")
    mine = "/v1/movies/1/reviews/mine"
    problem(client.get(mine, headers=ada.headers), 404, "not-found")
    made = write(client, ada, may_train=True)
    write(client, ada, BAD, movie=2)
    assert client.get(mine, headers=ada.headers).json() == made
    client.put(f"/v1/reviews/{made['review_id']}/hidden", json={"reason": "Tells the end."}, headers=staff.headers)
    assert client.get(mine, headers=ada.headers).json()["hidden"]["reason"] == "Tells the end."
    problem(client.get(mine, headers=bob.headers), 404, "not-found")
    problem(client.get(mine), 401, "not-signed-in")


def test_the_list_says_which_reviews_the_account_that_asks_finds_helpful(
    client: TestClient, accounts: Accounts
) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    first, second = write(client, ada)["review_id"], write(client, accounts.sign_in("Cid"))["review_id"]
    client.put(f"/v1/reviews/{first}/helpful", headers=bob.headers)
    client.put(f"/v1/reviews/{second}/helpful", headers=ada.headers)

    def voted(**options: Any) -> dict[int, bool | None]:
        items = client.get("/v1/movies/1/reviews", **options).json()["items"]
        return {item["review_id"]: item["voted"] for item in items}

    assert voted(headers=bob.headers) == {second: False, first: True}
    assert voted(headers=ada.headers) == {second: True, first: False}
    assert voted() == {second: None, first: None}
    problem(client.get("/v1/movies/1/reviews", headers={"Authorization": "Bearer x"}), 401, "not-signed-in")


def test_staff_list_the_shown_and_the_hidden_reviews_of_all_movies(client: TestClient, accounts: Accounts) -> None:
    ada, staff = accounts.sign_in("Ada"), accounts.sign_in("Eve", "admin")
    hidden, shown = write(client, ada)["review_id"], write(client, ada, BAD, movie=2)["review_id"]
    newest = write(client, staff, GOOD, movie=2)["review_id"]
    client.put(f"/v1/reviews/{hidden}/hidden", json={"reason": "Spam."}, headers=staff.headers)

    def listed(path: str) -> tuple[list[int], str | None]:
        page = client.get(path, headers=staff.headers).json()
        return [item["review_id"] for item in page["items"]], page["next"]

    assert listed("/v1/reviews") == ([newest, shown], None)
    assert listed("/v1/reviews?hidden=true") == ([hidden], None)
    first, following = listed("/v1/reviews?limit=1")
    assert (first, following is not None) == ([newest], True)
    assert listed(str(following)) == ([shown], None)
    problem(client.get("/v1/reviews", headers=ada.headers), 403, "forbidden")
    problem(client.get("/v1/reviews"), 401, "not-signed-in")
    problem(client.get("/v1/reviews?cursor=x", headers=staff.headers), 422, "bad-cursor")
