"""A migrated SQLite database with six movies, and clients that are signed in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine

from serving.accounts.application import create_app
from serving.accounts.database.engine import Transactions, migrate, open_database, transactions
from serving.accounts.domain import passwords, registration
from serving.accounts.domain.catalogue import load_catalogue, movie_row
from tests.postgresql import running_postgresql

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


@pytest.fixture(scope="session", autouse=True)
def quick_pages(templates_compiled_once: None) -> None:
    """Each test makes an application of its own, of the same templates."""


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with the least work: one test looks at the real parameters."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_NOBODY", quick.hash("a password that nobody has"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL of its own on a socket in a temporary folder; yields the folder."""
    with running_postgresql() as folder:
        yield folder


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: SQLite, or what an indirect parameter says."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    url = f"postgresql+psycopg://postgres@/postgres?host={request.getfixturevalue('postgresql')}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


OWN_MOVIES = [
    (20_000_001, "Toy Story, the book", 1995, "", 9, "0155061224"),
    (20_000_002, "Heat, the book", None, "Crime", 4, "tt,1/2 \u00fc?"),
    # An id of MovieLens, and one that reads like an account's.
    (20_000_003, "The third", 2001, "", 0, "3"),
    (20_000_004, "The fourth", 2001, "", 0, "account:1000000001"),
]


def load_own_data(factory: Transactions, source: str = "20261124T190000", dataset: str = "my-books") -> None:
    """Let own data go live."""
    load_catalogue(factory, source, (movie_row(*movie) for movie in OWN_MOVIES), dataset)


def load_movielens(factory: Transactions, source: str = "20261125T190000") -> None:
    """Let MovieLens go live again."""
    load_catalogue(factory, source, (movie_row(*movie) for movie in MOVIES))


on_both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def filled(url: str) -> Engine:
    """The engine of a database with its tables and six movies."""
    engine = open_database(url)
    migrate(engine)
    load_catalogue(transactions(engine), "20261123T190000", (movie_row(*movie) for movie in MOVIES))
    return engine


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "accounts.sqlite"
    filled(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture
def engine(database_url: str, filled_file: Path) -> Iterator[Engine]:
    if database_url.startswith("sqlite"):
        shutil.copy(filled_file, database_url.removeprefix("sqlite:///"))
        engine = open_database(database_url)
    else:
        engine = filled(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def factory(engine: Engine) -> Transactions:
    return transactions(engine)


@pytest.fixture
def app(engine: Engine, database_url: str) -> Iterator[Flask]:
    app = create_app(
        {
            "MARQUEE_ACCOUNTS_SECRET": SECRET,
            "MARQUEE_ACCOUNTS_DATABASE": database_url,
            "MARQUEE_SERVING_LOG_LEVEL": "warning",
        }
    )
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
            registration.register(factory, name, password, role)
        answer = client.post("/accounts/v1/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        pair = answer.get_json()
        return SignedIn(client, pair["user_id"], pair["access_token"], pair["refresh_token"])

    return enter
