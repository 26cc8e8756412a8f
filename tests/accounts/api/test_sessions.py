"""Signing in and out, refresh tokens and their reuse, and the limit on failed attempts."""

import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update

from serving.accounts import application
from serving.accounts.application import create_app
from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import RefreshToken, Session, SignInAttempt, User
from serving.accounts.domain import passwords, sign_in, tokens
from serving.accounts.domain.registration import register
from serving.accounts.domain.tokens import ACCESS_SECONDS, SESSION_SECONDS, TokenMaker
from serving.accounts.names import name_key
from serving.web.problems import ProblemError

from ..conftest import PASSWORD, SECRET, SignIn, on_both_databases


def refreshed(client: FlaskClient, refresh_token: str) -> Any:
    return client.post("/accounts/v1/refresh", json={"refresh_token": refresh_token})


def kind(response: Any) -> str:
    return str(response.get_json()["type"]).removeprefix("/accounts/docs#problem-")


def test_one_registers_signs_in_and_is_known(client: FlaskClient) -> None:
    answer = client.post("/accounts/v1/users", json={"name": "  Ada Lovelace ", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.get_json() | {"created_at": ""} == {
        "user_id": 1_000_000_001,
        "name": "Ada Lovelace",
        "role": "user",
        "created_at": "",
    }
    pair = client.post("/accounts/v1/login", json={"name": "ADA LOVELACE", "password": PASSWORD}).get_json()
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 600)
    me = client.get("/accounts/v1/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert me.get_json() == answer.get_json()


def test_an_access_token_names_its_session_and_lives_ten_minutes(sign_in: SignIn) -> None:
    claims = jwt.decode(sign_in().access_token, options={"verify_signature": False})
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("marquee-accounts", "marquee-accounts", "1000000001")
    assert claims["exp"] - claims["iat"] == 600


def test_an_access_token_is_over_after_ten_minutes(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    real = now()
    monkeypatch.setattr(tokens, "now", lambda: real - ACCESS_SECONDS - 1)
    ada = sign_in()
    monkeypatch.undo()
    assert ada.request("GET", "/accounts/v1/me").status_code == 401


def test_a_refresh_gives_new_tokens_of_the_same_session(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    pair = refreshed(client, ada.refresh_token).get_json()
    assert pair["user_id"] == ada.user_id
    assert pair["refresh_token"] != ada.refresh_token
    sessions = client.get(ada.own("/sessions"), headers={"Authorization": f"Bearer {pair['access_token']}"}).get_json()
    assert [session["current"] for session in sessions["items"]] == [True]


def ended(client: FlaskClient, pair: Any) -> bool:
    """Whether the tokens of a pair are dead, the access token and the refresh token."""
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    me = client.get("/accounts/v1/me", headers=bearer).status_code
    return (me, refreshed(client, pair["refresh_token"]).status_code) == (401, 401)


@on_both_databases
def test_a_client_that_lost_the_answer_gets_the_same_token_again(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    lost, again = (refreshed(client, ada.refresh_token).get_json() for _ in range(2))
    assert again["refresh_token"] == lost["refresh_token"]
    following = refreshed(client, again["refresh_token"])
    assert following.status_code == 200
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    assert client.get("/accounts/v1/me", headers=bearer).status_code == 200


@on_both_databases
def test_refreshes_at_once_all_get_one_and_the_same_token_which_works(
    factory: Transactions, client: FlaskClient, sign_in: SignIn
) -> None:
    ada = sign_in()
    start = threading.Barrier(6)

    def tab(_: int) -> Any:
        start.wait()
        return refreshed(client.application.test_client(), ada.refresh_token)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(tab, range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    (token,) = {answer.get_json()["refresh_token"] for answer in answers}
    assert refreshed(client, token).status_code == 200
    with factory() as database:
        assert database.scalar(select(func.count()).select_from(RefreshToken)) == 3


@on_both_databases
def test_a_token_that_comes_again_after_the_grace_ends_the_session(
    client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = sign_in()
    real = now()
    monkeypatch.setattr(tokens, "now", lambda: real)
    following = refreshed(client, ada.refresh_token).get_json()
    monkeypatch.setattr(tokens, "now", lambda: real + 30)
    assert refreshed(client, ada.refresh_token).get_json()["refresh_token"] == following["refresh_token"]
    monkeypatch.setattr(tokens, "now", lambda: real + 31)
    again = refreshed(client, ada.refresh_token)
    assert (again.status_code, kind(again)) == (401, "bad-refresh-token")
    # Thief and owner both lose the session, whichever of them used the copy.
    assert ended(client, following)


@on_both_databases
def test_a_token_whose_next_one_is_used_too_was_copied_even_within_the_grace(
    client: FlaskClient, sign_in: SignIn
) -> None:
    ada = sign_in()
    second = refreshed(client, ada.refresh_token).get_json()
    third = refreshed(client, second["refresh_token"]).get_json()
    assert refreshed(client, ada.refresh_token).status_code == 401
    assert ended(client, third)


@pytest.mark.parametrize(
    "other",
    [
        {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}},
        {"headers": {"User-Agent": "another program"}},
    ],
)
def test_a_used_token_from_another_client_was_copied_even_within_the_grace(
    client: FlaskClient, sign_in: SignIn, other: dict[str, Any]
) -> None:
    ada = sign_in()
    following = refreshed(client, ada.refresh_token).get_json()
    copied = client.post("/accounts/v1/refresh", json={"refresh_token": ada.refresh_token}, **other)
    assert (copied.status_code, kind(copied)) == (401, "bad-refresh-token")
    assert ended(client, following)


def test_no_grace_brings_back_a_session_that_its_user_ended(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    following = refreshed(client, ada.refresh_token).get_json()
    bearer = {"Authorization": f"Bearer {following['access_token']}"}
    assert client.post("/accounts/v1/logout", headers=bearer).status_code == 204
    assert refreshed(client, ada.refresh_token).status_code == 401


def test_a_token_that_was_used_before_clients_were_kept_has_no_grace(
    factory: Transactions, client: FlaskClient, sign_in: SignIn
) -> None:
    ada = sign_in()
    with factory.begin() as database:
        database.execute(update(RefreshToken).values(used_at=now()))
    assert refreshed(client, ada.refresh_token).status_code == 401


def test_with_another_secret_nobody_makes_the_next_token_from_a_used_one(sign_in: SignIn, client: FlaskClient) -> None:
    ada = sign_in()
    following = refreshed(client, ada.refresh_token).get_json()["refresh_token"]
    other = TokenMaker("another secret, which is long enough too")
    assert other._following(ada.refresh_token) != following
    assert other._following(ada.refresh_token) != TokenMaker(SECRET).client_secret(ada.refresh_token)
    assert TokenMaker(SECRET)._following(ada.refresh_token) == following


def test_a_refresh_token_ends_with_its_session(
    client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = sign_in()
    real = now()
    monkeypatch.setattr(tokens, "now", lambda: real + SESSION_SECONDS)
    assert refreshed(client, ada.refresh_token).status_code == 401


def test_secrets_are_not_kept_as_they_are(factory: Transactions, sign_in: SignIn) -> None:
    ada = sign_in()
    with factory() as database:
        kept = [database.scalars(select(column)).one() for column in (RefreshToken.sha256, User.password_hash)]
    assert kept[0] != ada.refresh_token
    assert kept[1].startswith("$argon2id$")
    assert PASSWORD not in kept[1]


def test_signing_out_ends_this_session_and_no_other(client: FlaskClient, sign_in: SignIn) -> None:
    first, second = sign_in(), sign_in(register=False)
    assert first.request("POST", "/accounts/v1/logout").status_code == 204
    assert first.request("GET", "/accounts/v1/me").status_code == 401
    assert refreshed(client, first.refresh_token).status_code == 401
    assert second.request("GET", "/accounts/v1/me").status_code == 200


def test_all_sessions_can_be_ended_at_once(sign_in: SignIn) -> None:
    first, second = sign_in(), sign_in(register=False)
    assert first.request("DELETE", first.own("/sessions")).status_code == 204
    assert first.request("GET", "/accounts/v1/me").status_code == 401
    assert second.request("GET", "/accounts/v1/me").status_code == 401


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(sign_in: SignIn) -> None:
    ada, elsewhere = sign_in(), sign_in(register=False)
    change = {"current_password": "wrong kettles", "new_password": "nine yellow kettles"}
    refused = ada.request("PUT", ada.own("/password"), change)
    assert (refused.status_code, kind(refused)) == (401, "wrong-credentials")
    weak = ada.request("PUT", ada.own("/password"), {"current_password": PASSWORD, "new_password": "password1"})
    assert (weak.status_code, kind(weak)) == (422, "weak-password")
    change["current_password"] = PASSWORD
    assert ada.request("PUT", ada.own("/password"), change).status_code == 204
    assert ada.request("GET", "/accounts/v1/me").status_code == 200
    assert elsewhere.request("GET", "/accounts/v1/me").status_code == 401
    sign_in(password="nine yellow kettles", register=False)


def test_a_deleted_account_is_gone_with_its_sessions(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    assert ada.request("PUT", ada.own("/ratings/1"), {"rating": 4}).status_code == 201
    assert ada.request("DELETE", ada.own("")).status_code == 204
    assert ada.request("GET", "/accounts/v1/me").status_code == 401
    assert refreshed(client, ada.refresh_token).status_code == 401
    answer = client.post("/accounts/v1/login", json={"name": "Ada", "password": PASSWORD})
    assert kind(answer) == "wrong-credentials"


def test_the_last_administrator_stays(sign_in: SignIn) -> None:
    root = sign_in("Root", role="admin")
    assert kind(root.request("DELETE", root.own(""))) == "last-admin"
    assert kind(root.request("PUT", root.own("/role"), {"role": "user"})) == "last-admin"
    ada = sign_in()
    assert root.request("PUT", ada.own("/role"), {"role": "admin"}).get_json()["role"] == "admin"
    # At once, without signing in again.
    assert ada.request("DELETE", root.own("")).status_code == 204
    assert kind(ada.request("DELETE", ada.own(""))) == "last-admin"


def test_unknown_name_and_wrong_password_are_answered_alike(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in()
    answers = [
        client.post("/accounts/v1/login", json={"name": name, "password": password})
        for name, password in (("Nobody", PASSWORD), ("Ada", "wrong kettles"))
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].get_json() == answers[1].get_json()


@on_both_databases
def test_a_name_that_grows_when_normalised_is_nobodys_wherever_one_signs_in(client: FlaskClient) -> None:
    name = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 12
    assert len(name_key(name)) == 216
    login = client.post("/accounts/v1/login", json={"name": name, "password": PASSWORD})
    assert (login.status_code, kind(login)) == (401, "wrong-credentials")
    # OAuth's form takes longer names: 3,600 characters once normalised.
    form = {"grant_type": "password", "username": name[0] * 200, "password": PASSWORD}
    token = client.post("/accounts/oauth/token", data=form)
    assert (token.status_code, token.get_json()["error"]) == (400, "invalid_grant")
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/sign-in").text)
    assert csrf is not None
    page = client.post("/account/sign-in", data={"csrf_token": csrf[1], "name": name, "password": PASSWORD})
    assert page.status_code == 401


def test_an_unknown_name_costs_a_hash_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    hasher = passwords._hasher

    class Watched:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return hasher.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Watched())
    client.post("/accounts/v1/login", json={"name": "Nobody", "password": PASSWORD})
    assert len(verified) == 1


def attempts(client: FlaskClient, number: int, name: str = "Ada", address: str = "192.0.2.1") -> list[int]:
    return [
        client.post(
            "/accounts/v1/login",
            json={"name": name, "password": f"wrong kettle {turn}"},
            environ_base={"REMOTE_ADDR": address},
        ).status_code
        for turn in range(number)
    ]


@on_both_databases
def test_after_ten_wrong_passwords_from_an_address_the_right_one_has_to_wait(
    client: FlaskClient, factory: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(factory, "Ada", PASSWORD)
    assert attempts(client, 12) == [401] * 10 + [429] * 2
    right = {"name": "Ada", "password": PASSWORD}
    blocked = client.post("/accounts/v1/login", json=right, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert kind(blocked) == "too-many-attempts"
    assert 0 < int(blocked.headers["Retry-After"]) <= 900
    # The owner, elsewhere, is not locked out.
    assert client.post("/accounts/v1/login", json=right, environ_base={"REMOTE_ADDR": "192.0.2.2"}).status_code == 200
    real = now()
    monkeypatch.setattr(sign_in, "now", lambda: real + 900)
    assert client.post("/accounts/v1/login", json=right, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


@on_both_databases
def test_attempts_at_once_are_no_more_than_the_limit_allows(
    factory: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = sign_in._seconds_to_wait

    def slowly(*arguments: Any) -> int | None:
        wait = count(*arguments)
        # Time for the others to count the same.
        time.sleep(0.05)
        return wait

    monkeypatch.setattr(sign_in, "_seconds_to_wait", slowly)

    def attempt(turn: int) -> str:
        with pytest.raises(ProblemError) as refused:
            sign_in.sign_in(factory, sign_in.Limit(), "Ada", f"wrong kettle {turn}", "192.0.2.1")
        return refused.value.kind.name

    with ThreadPoolExecutor(14) as pool:
        kinds = sorted(pool.map(attempt, range(14)))
    assert kinds == ["too-many-attempts"] * 4 + ["wrong-credentials"] * 10


def test_one_address_may_try_a_hundred_times_whatever_the_names(client: FlaskClient) -> None:
    statuses = [attempts(client, 1, name=f"name {turn}")[0] for turn in range(101)]
    assert statuses == [401] * 100 + [429]


def test_one_name_may_be_tried_a_hundred_times_from_wherever(client: FlaskClient, factory: Transactions) -> None:
    register(factory, "Ada", PASSWORD)
    statuses = [attempts(client, 1, address=f"192.0.2.{turn}")[0] for turn in range(101)]
    assert statuses == [401] * 100 + [429]


def test_success_forgets_the_failures_of_this_name_and_address(client: FlaskClient, factory: Transactions) -> None:
    register(factory, "Ada", PASSWORD)
    for _ in range(3):
        assert attempts(client, 9) == [401] * 9
        right = {"name": "Ada", "password": PASSWORD}
        assert (
            client.post("/accounts/v1/login", json=right, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
        )
    with factory() as database:
        assert database.scalar(select(func.count()).select_from(SignInAttempt)) == 0


def test_the_limit_holds_for_oauth_and_for_changing_the_password(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in()
    form = {"grant_type": "password", "username": "Ada", "password": "wrong kettles"}
    statuses = [client.post("/accounts/oauth/token", data=form).status_code for _ in range(5)]
    change = {"current_password": "wrong kettles", "new_password": "nine yellow kettles"}
    statuses += [ada.request("PUT", ada.own("/password"), change).status_code for _ in range(6)]
    assert statuses == [400] * 5 + [401] * 5 + [429]


def test_old_sessions_are_cleared_away(factory: Transactions, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in()
    real = now()
    monkeypatch.setattr(tokens, "now", lambda: real + SESSION_SECONDS + 1)
    sign_in(register=False)
    with factory() as database:
        assert database.scalar(select(func.count()).select_from(Session)) == 1
        assert database.scalar(select(func.count()).select_from(RefreshToken)) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "MARQUEE_ACCOUNTS_SECRET is not set"),
        ({"MARQUEE_ACCOUNTS_SECRET": "short"}, "shorter than 32 characters"),
        ({"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_PROXIES": "one"}, "MARQUEE_ACCOUNTS_PROXIES is 'one'"),
        (
            {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_SERVING_LOG_LEVEL": "loud"},
            "MARQUEE_SERVING_LOG_LEVEL is 'loud': give debug, info, warning or error",
        ),
    ],
)
def test_the_service_does_not_start_with_a_setting_that_is_not_sound(settings: dict[str, str], message: str) -> None:
    with pytest.raises(AccountsError, match=message):
        create_app({"MARQUEE_ACCOUNTS_DATABASE": "sqlite://", **settings})


def test_an_empty_setting_stands_for_its_default(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    shutil.copy(engine.url.database or "", tmp_path / "marquee-accounts.sqlite")
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(application, "RecommendationClient", asked.append)
    app = create_app(
        {
            "MARQUEE_ACCOUNTS_SECRET": SECRET,
            "MARQUEE_API_URL": "",
            "MARQUEE_SERVING_LOG_LEVEL": "",
            "MARQUEE_GATEWAY_CERTIFICATE": "",
            "MARQUEE_ACCOUNTS_DATABASE": "",
            "MARQUEE_ACCOUNTS_PROXIES": "",
        }
    )
    assert app.test_client().get("/accounts/ready").get_json()["movies"] == 6
    assert asked == ["http://127.0.0.1:8000"]
    app.extensions["marquee-engine"].dispose()


def test_tokens_of_another_secret_are_nobodys(sign_in: SignIn) -> None:
    token = sign_in().access_token
    assert TokenMaker(SECRET).session_of(token) is not None
    assert TokenMaker(SECRET + "!").session_of(token) is None


@pytest.mark.parametrize(("proxies", "seen"), [("0", "10.0.0.9"), ("1", "203.0.113.7")])
def test_the_address_before_a_proxy_counts_only_where_a_proxy_is_set(
    factory: Transactions, database_url: str, proxies: str, seen: str
) -> None:
    settings = {"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_DATABASE": database_url}
    app = create_app({**settings, "MARQUEE_ACCOUNTS_PROXIES": proxies, "MARQUEE_SERVING_LOG_LEVEL": "warning"})
    app.test_client().post(
        "/accounts/v1/login",
        json={"name": "Ada", "password": "wrong kettles"},
        environ_base={"REMOTE_ADDR": "10.0.0.9"},
        # The client's own claim stands first; the proxy adds the address that it saw.
        headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"},
    )
    with factory() as database:
        assert database.scalars(select(SignInAttempt.address)).one() == seen
    app.extensions["marquee-engine"].dispose()
