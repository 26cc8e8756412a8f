"""Every endpoint x who asks. The table is held against the application's address map: a new endpoint needs a row."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from serving.accounts.application import create_app
from serving.accounts.database.changes import now
from serving.accounts.database.engine import migrate, open_database, transactions
from serving.accounts.database.models import Client, Session, User
from serving.accounts.domain import registration, tokens
from serving.accounts.domain.catalogue import load_catalogue, movie_row
from serving.accounts.domain.ratings import rate
from serving.accounts.domain.tokens import TokenMaker, revoke_session

from ..conftest import FIRST_USER, MOVIES, PASSWORD, SECRET

USERS = {"owner": "Ada", "other": "Bob", "admin": "Root"}
CLIENT = "0123456789abcdef"


class Row(NamedTuple):
    """The status for each who asks; `body` is JSON, `form` a form."""

    nobody: int
    owner: int
    other: int
    admin: int
    movies_client: int
    ratings_client: int
    users_client: int
    body: Any = None
    form: Any = None


def everybody(status: int, body: Any = None, form: Any = None) -> Row:
    return Row(status, status, status, status, status, status, status, body, form)


def owner(status: int, body: Any = None) -> Row:
    return Row(401, status, 403, 403, 403, 403, 403, body)


def owner_or_admin(status: int) -> Row:
    return Row(401, status, 403, status, 403, 403, 403)


def admin(status: int, body: Any = None) -> Row:
    return Row(401, 403, 403, status, 403, 403, 403, body)


def catalogue(status: int, body: Any = None) -> Row:
    return Row(401, 403, 403, status, status, 403, 403, body)


U = "/accounts/v1/users/{user}"
MATRIX = {
    "GET /accounts/health": everybody(200),
    "GET /accounts/ready": everybody(200),
    "GET /accounts/metrics": everybody(200),
    "GET /accounts/openapi.json": everybody(200),
    "GET /accounts/docs": everybody(200),
    "POST /accounts/v1/login": everybody(200, {"name": "Ada", "password": PASSWORD}),
    "POST /accounts/v1/refresh": everybody(401, {"refresh_token": "unknown"}),
    "POST /accounts/v1/logout": Row(401, 204, 204, 204, 403, 403, 403),
    "POST /accounts/v1/users": everybody(201, {"name": "Eve", "password": PASSWORD}),
    "GET /accounts/v1/users": Row(401, 403, 403, 200, 403, 403, 200),
    "GET /accounts/v1/me": Row(401, 200, 200, 200, 403, 403, 403),
    f"GET {U}": owner_or_admin(200),
    f"DELETE {U}": owner_or_admin(204),
    f"PUT {U}/password": owner(204, {"current_password": PASSWORD, "new_password": "nine yellow kettles"}),
    f"GET {U}/export": owner(200),
    f"GET {U}/sessions": owner(200),
    f"DELETE {U}/sessions": owner_or_admin(204),
    f"PUT {U}/role": admin(200, {"role": "admin"}),
    f"GET {U}/ratings": owner(200),
    f"GET {U}/ratings/{{movie}}": owner(200),
    f"PUT {U}/ratings/{{movie}}": owner(200, {"rating": 1.5}),
    f"DELETE {U}/ratings/{{movie}}": owner(204),
    "GET /accounts/v1/ratings": Row(401, 403, 403, 200, 403, 200, 403),
    "GET /accounts/v1/movies": everybody(200),
    "GET /accounts/v1/movies/{movie}": everybody(200),
    "POST /accounts/v1/movies": catalogue(201, {"title": "Kettles"}),
    "PUT /accounts/v1/movies/{movie}": catalogue(200, {"title": "Kettles"}),
    "DELETE /accounts/v1/movies/{movie}": catalogue(204),
    "GET /accounts/v1/clients": admin(200),
    "POST /accounts/v1/clients": admin(201, {"name": "Nightly", "scopes": ["ratings:read"]}),
    "DELETE /accounts/v1/clients/{client}": admin(204),
    "POST /accounts/oauth/token": everybody(
        200, form={"grant_type": "password", "username": "Ada", "password": PASSWORD}
    ),
    "POST /accounts/oauth/revoke": everybody(200, form={"token": "unknown"}),
}
WHO = (*Row._fields[:7], "expired", "tampered", "another key", "no algorithm", "revoked", "deleted user", "malformed")


@dataclass(frozen=True)
class Prepared:
    """A database with three users, three clients and a rating, and a token of each kind."""

    database: Path
    tokens: dict[str, str | None]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("access") / "accounts.sqlite"
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    factory = transactions(engine)
    load_catalogue(factory, "test", (movie_row(*movie) for movie in MOVIES))
    maker = TokenMaker(SECRET)
    made: dict[str, str | None] = {"nobody": None, "malformed": "not.a.token"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.accounts.domain.passwords.hash_password", lambda password: "-")
        for who, name in {**USERS, "deleted user": "Zoe"}.items():
            user = registration.register(factory, name, PASSWORD, "admin" if who == "admin" else "user")
            with factory.begin() as database:
                made[who] = maker.begin_for_user(database, user).access_token
        registration.register(factory, "Second root", PASSWORD, "admin")
    with factory.begin() as database:
        database.delete(database.query(User).filter_by(name="Zoe").one())
        for who, client_id, scope in (
            ("movies_client", CLIENT, "movies:write"),
            ("ratings_client", "fedcba9876543210", "ratings:read"),
            ("users_client", "aaaabbbbccccdddd", "users:read"),
        ):
            client = Client(client_id=client_id, name=who, secret_sha256="-", scopes=scope, created_at=now())
            database.add(client)
            database.flush()
            made[who] = maker.begin_for_client(database, client, scope).access_token
        owner_of = database.query(User).filter_by(name="Ada").one()
        revoked = maker.begin_for_user(database, owner_of)
        made["revoked"] = revoked.access_token
        session_id = maker.session_of(revoked.access_token)
        assert session_id is not None
        revoke_session(database, session_id)
        live = database.query(Session).filter_by(user_id=owner_of.user_id, revoked_at=None).one()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tokens, "now", lambda: now() - 601)
            made["expired"] = maker.access_token(live)
        made["another key"] = TokenMaker(secrets.token_hex(32)).access_token(live)
    token = str(made["owner"])
    # Another letter in the middle of the signature: the last one holds bits that do not count.
    place = token.rindex(".") + 10
    made["tampered"] = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    claims = jwt.decode(token, options={"verify_signature": False})
    made["no algorithm"] = jwt.encode(claims, "", "none")
    rate(factory, FIRST_USER, 1, 9)
    engine.dispose()
    return Prepared(path, made)


@pytest.fixture(scope="session")
def one_app(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    copy = tmp_path_factory.mktemp("access-app") / "accounts.sqlite"
    app = create_app(
        {
            "MARQUEE_ACCOUNTS_SECRET": SECRET,
            "MARQUEE_ACCOUNTS_DATABASE": f"sqlite:///{copy}",
            "MARQUEE_SERVING_LOG_LEVEL": "warning",
        }
    )
    yield app, copy
    app.extensions["marquee-engine"].dispose()


@pytest.fixture
def asked(prepared: Prepared, one_app: tuple[Flask, Path], monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application over a fresh copy of the database."""
    app, copy = one_app
    app.extensions["marquee-engine"].dispose()
    shutil.copy(prepared.database, copy)
    # How passwords are kept has tests of its own.
    monkeypatch.setattr("serving.accounts.domain.passwords.verify", lambda stored, password: password == PASSWORD)
    monkeypatch.setattr("serving.accounts.domain.passwords.needs_rehash", lambda stored: False)
    return app


def endpoints_of(app: Flask) -> set[str]:
    """Every method and address of an application, as the table writes them."""
    found = set()
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        found |= {f"{method} {address}" for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def ask(client: FlaskClient, endpoint: str, row: Row, token: str | None) -> Any:
    method, address = endpoint.split(" ")
    path = address.format(user=FIRST_USER, movie=1, client=CLIENT)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.open(path, method=method, json=row.body, data=row.form, headers=headers, buffered=True)


def test_every_endpoint_has_a_row(asked: Flask) -> None:
    # Those of the pages, which know no tokens, are held against test_pages.py's table.
    assert {name for name in endpoints_of(asked) if not re.match(r"\w+ /account(/|$)", name)} == set(MATRIX)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("endpoint", MATRIX)
def test_an_endpoint_answers_those_that_it_is_for(asked: Flask, prepared: Prepared, endpoint: str, who: str) -> None:
    row = MATRIX[endpoint]
    # A token that is not valid is worth as much as none.
    expected = getattr(row, who, row.nobody)
    response = ask(asked.test_client(), endpoint, row, prepared.tokens[who])
    assert response.status_code == expected, response.text
    if expected in (401, 403):
        assert response.mimetype == "application/problem+json"
    if expected == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="marquee"'


@pytest.mark.parametrize("endpoint", [name for name, row in MATRIX.items() if row.owner != row.other])
def test_another_users_refusal_does_not_tell_whether_the_thing_exists(
    asked: Flask, prepared: Prepared, endpoint: str
) -> None:
    method, address = endpoint.split(" ")
    headers = {"Authorization": f"Bearer {prepared.tokens['other']}"}
    answers = [
        asked.test_client().open(
            address.format(user=user, movie=movie), method=method, json=MATRIX[endpoint].body, headers=headers
        )
        for user, movie in ((FIRST_USER, 1), (FIRST_USER, 2), (2_000_000_000, 1))
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len({answer.get_json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic QWRhOng=", "Token {}", "{}"])
def test_only_the_bearer_scheme_signs_in(asked: Flask, prepared: Prepared, header: str) -> None:
    value = header.format(prepared.tokens["owner"])
    assert asked.test_client().get("/accounts/v1/me", headers={"Authorization": value}).status_code == 401


def test_the_scheme_may_be_in_any_case(asked: Flask, prepared: Prepared) -> None:
    header = {"Authorization": f"bearer {prepared.tokens['owner']}"}
    assert asked.test_client().get("/accounts/v1/me", headers=header).status_code == 200
