"""What a request does that comes again, because its answer was lost or it was sent twice: on both databases, at once too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import Client, IdempotencyKey, Movie, Rating, Session, SignInAttempt, User
from serving.accounts.domain import retries

from ..conftest import PASSWORD, SignedIn, SignIn, on_both_databases

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
NEXT_PASSWORD = "nine yellow kettles"
ADA = {"name": "Ada", "password": PASSWORD}
KETTLE = {"title": "Kettles", "release_year": 2026, "genres": ["Drama"]}
READER = {"name": "Reads", "scopes": ["ratings:read"]}


def with_key(client: FlaskClient, path: str, body: Any, key: str = KEY, token: str = "") -> Any:
    headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {token}"} if token else {})
    return client.post(path, json=body, headers=headers)


def at_once(times: int, ask: Callable[[], Any]) -> list[Any]:
    start = threading.Barrier(times)

    def wait_and_ask(_: int) -> Any:
        start.wait()
        return ask()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(wait_and_ask, range(times)))


def counted(factory: Transactions, table: Any) -> int:
    with factory() as database:
        return int(database.scalar(select(func.count()).select_from(table)) or 0)


def kind(answer: Any) -> str:
    return str(answer.get_json()["type"]).removeprefix("/accounts/docs#problem-")


@pytest.fixture
def admin(sign_in: SignIn) -> SignedIn:
    return sign_in("Root", role="admin")


@on_both_databases
def test_a_registration_that_comes_again_with_its_key_gets_the_same_answer(
    client: FlaskClient, factory: Transactions
) -> None:
    first, again = (with_key(client, "/accounts/v1/users", ADA) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert counted(factory, User) == 1


@on_both_databases
def test_registrations_at_once_with_one_key_all_get_the_one_account(client: FlaskClient, factory: Transactions) -> None:
    answers = at_once(6, lambda: with_key(client.application.test_client(), "/accounts/v1/users", ADA))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.get_json()["user_id"] for answer in answers}) == 1
    assert counted(factory, User) == 1


def test_without_a_key_a_second_registration_is_refused_as_before(client: FlaskClient) -> None:
    statuses = [client.post("/accounts/v1/users", json=ADA).status_code for _ in range(2)]
    assert statuses == [201, 409]


@pytest.mark.parametrize(
    "other", [{"name": "Bob", "password": PASSWORD}, {"name": "Ada", "password": "nine yellow kettles"}]
)
def test_a_key_that_comes_with_another_registration_is_refused(client: FlaskClient, other: dict[str, str]) -> None:
    with_key(client, "/accounts/v1/users", ADA)
    answer = with_key(client, "/accounts/v1/users", other)
    assert (answer.status_code, kind(answer)) == (422, "key-reused")


def test_a_taken_name_is_refused_with_a_key_too(client: FlaskClient) -> None:
    client.post("/accounts/v1/users", json=ADA)
    for _ in range(2):
        assert kind(with_key(client, "/accounts/v1/users", ADA)) == "name-taken"


@on_both_databases
def test_a_movie_that_comes_again_with_its_key_is_added_once(
    client: FlaskClient, factory: Transactions, admin: SignedIn
) -> None:
    answers = at_once(
        6,
        lambda: with_key(client.application.test_client(), "/accounts/v1/movies", KETTLE, token=admin.access_token),
    )
    assert [answer.status_code for answer in answers] == [201] * 6
    assert {answer.get_json()["movie_id"] for answer in answers} == {1_000_000_001}
    assert {answer.headers["Location"] for answer in answers} == {"/accounts/v1/movies/1000000001"}
    assert counted(factory, Movie) == 7


@on_both_databases
def test_a_client_that_comes_again_with_its_key_has_one_id_and_one_secret_that_works(
    client: FlaskClient, factory: Transactions, admin: SignedIn
) -> None:
    answers = at_once(
        6,
        lambda: with_key(client.application.test_client(), "/accounts/v1/clients", READER, token=admin.access_token),
    )
    assert [answer.status_code for answer in answers] == [201] * 6
    (given,) = {(answer.get_json()["client_id"], answer.get_json()["client_secret"]) for answer in answers}
    assert counted(factory, Client) == 1
    form = {"grant_type": "client_credentials", "client_id": given[0], "client_secret": given[1]}
    assert client.post("/accounts/oauth/token", data=form).status_code == 200
    with factory() as database:
        (kept,) = database.scalars(select(IdempotencyKey))
        assert given[1] not in (kept.sha256, kept.request_sha256, kept.made)


def test_a_retry_whose_client_or_movie_is_gone_is_told_so(client: FlaskClient, admin: SignedIn) -> None:
    made = with_key(client, "/accounts/v1/clients", READER, token=admin.access_token).get_json()
    admin.request("DELETE", f"/accounts/v1/clients/{made['client_id']}")
    assert kind(with_key(client, "/accounts/v1/clients", READER, token=admin.access_token)) == "not-found"
    movie = with_key(client, "/accounts/v1/movies", KETTLE, token=admin.access_token).get_json()
    admin.request("DELETE", f"/accounts/v1/movies/{movie['movie_id']}")
    assert kind(with_key(client, "/accounts/v1/movies", KETTLE, token=admin.access_token)) == "not-found"


def test_one_key_stands_for_each_operation_and_each_account_alone(
    client: FlaskClient, sign_in: SignIn, admin: SignedIn
) -> None:
    other = sign_in("Rot", role="admin")
    answers = [
        with_key(client, path, body, token=token)
        for path, body in (("/accounts/v1/movies", KETTLE), ("/accounts/v1/clients", READER))
        for token in (admin.access_token, other.access_token)
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert answers[0].get_json()["movie_id"] != answers[1].get_json()["movie_id"]
    assert answers[2].get_json()["client_id"] != answers[3].get_json()["client_id"]


def test_a_programs_key_holds_over_its_tokens(client: FlaskClient, admin: SignedIn) -> None:
    program = admin.request("POST", "/accounts/v1/clients", {"name": "Adds", "scopes": ["movies:write"]}).get_json()
    form = {"grant_type": "client_credentials"} | {name: program[name] for name in ("client_id", "client_secret")}
    tokens = [client.post("/accounts/oauth/token", data=form).get_json()["access_token"] for _ in range(2)]
    made = [with_key(client, "/accounts/v1/movies", KETTLE, token=token).get_json()["movie_id"] for token in tokens]
    assert made == [1_000_000_001] * 2


def test_a_key_is_kept_for_a_day_and_then_deleted(
    client: FlaskClient, factory: Transactions, admin: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_key(client, "/accounts/v1/movies", KETTLE, token=admin.access_token)
    with factory.begin() as database:
        database.execute(update(IdempotencyKey).values(created_at=now() - retries.KEPT_SECONDS))
    later = with_key(client, "/accounts/v1/movies", KETTLE, token=admin.access_token)
    assert later.get_json()["movie_id"] == 1_000_000_002
    assert counted(factory, IdempotencyKey) == 1


@pytest.mark.parametrize("key", ["", "short", "x" * 101, 'a"' * 10, "with blanks in between", "\u00e9" * 20, '"' + KEY])
def test_a_key_that_is_none_is_refused_by_its_name(client: FlaskClient, factory: Transactions, key: str) -> None:
    answer = with_key(client, "/accounts/v1/users", ADA, key)
    assert (answer.status_code, [error["field"] for error in answer.get_json()["errors"]]) == (400, ["Idempotency-Key"])
    assert counted(factory, User) == 0


def test_a_key_in_quotation_marks_is_the_same_key(client: FlaskClient) -> None:
    statuses = [with_key(client, "/accounts/v1/users", ADA, key).status_code for key in (KEY, f'"{KEY}"')]
    assert statuses == [201, 201]


@on_both_databases
def test_a_change_of_password_that_comes_again_is_no_failed_attempt(factory: Transactions, sign_in: SignIn) -> None:
    ada = sign_in()
    change = {"current_password": PASSWORD, "new_password": NEXT_PASSWORD}
    assert [ada.request("PUT", ada.own("/password"), change).status_code for _ in range(12)] == [204] * 12
    assert counted(factory, SignInAttempt) == 0
    sign_in(password=NEXT_PASSWORD, register=False)


def test_a_change_of_password_needs_one_of_the_two_right(factory: Transactions, sign_in: SignIn) -> None:
    ada = sign_in()
    change = {"current_password": "wrong kettles", "new_password": NEXT_PASSWORD}
    assert ada.request("PUT", ada.own("/password"), change).status_code == 401
    assert counted(factory, SignInAttempt) == 1


@on_both_databases
def test_the_same_rating_at_once_is_one_change(factory: Transactions, sign_in: SignIn) -> None:
    ada = sign_in()
    answers = at_once(6, lambda: ada.request("PUT", ada.own("/ratings/1"), {"rating": 4}))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.get_json()["change"] for answer in answers}) == 1
    assert counted(factory, Rating) == 1


@on_both_databases
def test_deletions_at_once_delete_once_and_the_rest_find_it_gone(
    client: FlaskClient, sign_in: SignIn, admin: SignedIn
) -> None:
    ada = sign_in()
    ada.request("PUT", ada.own("/ratings/1"), {"rating": 4})
    made = admin.request("POST", "/accounts/v1/clients", READER).get_json()
    for who, path in (
        (ada, ada.own("/ratings/1")),
        (admin, "/accounts/v1/movies/5"),
        (admin, f"/accounts/v1/clients/{made['client_id']}"),
        (admin, ada.own("")),
    ):
        answers = at_once(4, lambda who=who, path=path: who.request("DELETE", path))  # type: ignore[misc]
        assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404], path


def test_ending_ones_own_account_or_session_again_says_not_signed_in(sign_in: SignIn) -> None:
    for method, path in (("POST", "/accounts/v1/logout"), ("DELETE", "/sessions"), ("DELETE", "")):
        ada = sign_in(register=path == "/accounts/v1/logout")
        address = path if path.startswith("/accounts") else ada.own(path)
        assert [ada.request(method, address).status_code for _ in range(2)] == [204, 401]


def test_a_lost_answer_to_signing_in_leaves_a_session_that_can_be_ended(factory: Transactions, sign_in: SignIn) -> None:
    sign_in()
    ada = sign_in(register=False)
    assert counted(factory, Session) == 2
    assert len(ada.request("GET", ada.own("/sessions")).get_json()["items"]) == 2


def test_a_revocation_that_comes_again_is_no_error(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    for _ in range(2):
        assert client.post("/accounts/oauth/revoke", data={"token": ada.refresh_token}).status_code == 200


def test_a_role_or_a_movie_written_again_is_as_it_was_asked(sign_in: SignIn, admin: SignedIn) -> None:
    ada = sign_in()
    for method, path, body in (
        ("PUT", ada.own("/role"), {"role": "admin"}),
        ("PUT", "/accounts/v1/movies/1", KETTLE),
    ):
        first, again = (admin.request(method, path, body) for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.get_json() == again.get_json()
