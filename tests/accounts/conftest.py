"""A migrated SQLite database with six movies, and clients that are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from serving.accounts import account_routes, passwords
from serving.accounts.application import create_app
from serving.accounts.catalogue import load_catalogue, movie_row
from serving.accounts.database import Transactions, migrate, open_database, transactions

SECRET = "a secret of the tests, long enough to be one"
PASSWORD = "seven green kettles"
FIRST_USER = 1_000_000_001
MOVIES = [
    (1, "Toy Story", 1995, "Animation|Comedy"),
    (2, "Amélie (Fabuleux destin d'Amélie Poulain, Le)", 2001, "Comedy|Romance"),
    (3, "Heat", 1995, "Action|Crime"),
    (4, "Untitled", None, ""),
    (5, "Alien", 1979, "Horror"),
    (6, "Aliens", 1986, "Action|Horror"),
]


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with the least work: one test looks at the real parameters."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'accounts.sqlite'}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    migrate(engine)
    load_catalogue(transactions(engine), "20261123T190000", (movie_row(*movie) for movie in MOVIES))
    yield engine
    engine.dispose()


@pytest.fixture
def factory(engine: Engine) -> Transactions:
    return transactions(engine)


@pytest.fixture
def app(engine: Engine, database_url: str) -> Iterator[Flask]:
    app = create_app({"MARQUEE_ACCOUNTS_SECRET": SECRET, "MARQUEE_ACCOUNTS_DATABASE": database_url})
    yield app
    app.extensions["marquee-engine"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass(frozen=True)
class SignedIn:
    """A user, the tokens, and requests made with the access token."""

    client: FlaskClient
    user_id: int
    access_token: str
    refresh_token: str

    def request(self, method: str, path: str, json: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        return self.client.open(path, method=method, json=json, headers=headers)

    def own(self, rest: str) -> str:
        return f"/accounts/v1/users/{self.user_id}{rest}"


SignIn = Callable[..., SignedIn]


@pytest.fixture
def sign_in(client: FlaskClient, factory: Transactions) -> SignIn:
    """Return a function that signs a user in, registering the name at its first use."""

    def enter(name: str = "Ada", password: str = PASSWORD, role: str = "user", register: bool = True) -> SignedIn:
        if register:
            account_routes.register(factory, name, password, role)
        answer = client.post("/accounts/v1/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        pair = answer.get_json()
        return SignedIn(client, pair["user_id"], pair["access_token"], pair["refresh_token"])

    return enter
