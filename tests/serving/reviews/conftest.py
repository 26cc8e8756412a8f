"""The reviews service over PostgreSQL, a store with a small model, and a real accounts service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from werkzeug.serving import make_server

from serving.accounts.application import create_app as create_accounts
from serving.accounts.database.engine import migrate as migrate_accounts
from serving.accounts.database.engine import open_database as open_accounts
from serving.accounts.database.engine import transactions as account_transactions
from serving.accounts.domain import passwords
from serving.accounts.domain.catalogue import load_catalogue, movie_row
from serving.accounts.domain.clients import add_client
from serving.accounts.domain.registration import delete_account, register
from serving.accounts.domain.tokens import TokenMaker
from serving.publications.building.build_model import build_model_publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.reviews.application import create_app
from serving.reviews.database.engine import migrate, open_database
from serving.reviews.database.models import Base
from serving.reviews.model.files import save_model
from tests.postgresql import running_postgresql

from .model.small_model import small_model

FIRST, SECOND = "20261123T190000", "20261124T190000"
PASSWORD = "seven green kettles"
SECRET = "a secret of the tests, long enough to be one"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with running_postgresql() as folder:
        yield folder


@pytest.fixture(scope="session")
def migrated(postgresql: str) -> Iterator[Engine]:
    engine = open_database(f"postgresql+psycopg://postgres@/postgres?host={postgresql}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(migrated: Engine) -> Engine:
    """A database with empty tables."""
    tables = ", ".join(Base.metadata.tables)
    with migrated.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    return migrated


def publish(store: PublicationStore, work: Path, publication: str, version: str, content: bytes | None = None) -> None:
    """Put a model into a store; `content` stands in for its bytes."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / f"{version}.joblib"
    if content is None:
        save_model(small_model(version), file)
    else:
        file.write_bytes(content)
    lineage = {"model": {"name": "marquee-sentiment", "version": version}}
    build_model_publication(file, lineage, publication, work / "built" / publication)
    pull(store, str(work / "built"), publication, "marquee", "test")


@pytest.fixture
def models(tmp_path: Path) -> PublicationStore:
    """A store whose first model is live; a second one waits."""
    store = PublicationStore(tmp_path / "models")
    publish(store, tmp_path / "work", FIRST, "1")
    publish(store, tmp_path / "work", SECOND, "2")
    store.activate(FIRST, "test", "the first model")
    return store


@dataclass(frozen=True)
class Person:
    """A signed-in account."""

    user_id: int
    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Accounts:
    """A real accounts service on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = f"sqlite:///{folder / 'accounts.sqlite'}"
        engine = open_accounts(self.database)
        migrate_accounts(engine)
        self.factory = account_transactions(engine)
        load_catalogue(self.factory, FIRST, [movie_row(1, "Toy Story", 1995, ""), movie_row(2, "Heat", 1995, "")])
        app = create_accounts(
            {
                "MARQUEE_ACCOUNTS_SECRET": SECRET,
                "MARQUEE_ACCOUNTS_DATABASE": self.database,
                "MARQUEE_SERVING_LOG_LEVEL": "warning",
            }
        )
        self._numbers = count(1)
        self._engines = [engine, app.extensions["marquee-engine"]]
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def sign_in(self, name: str, role: str = "user") -> Person:
        # One service serves all tests, and an account's name is given once.
        name = f"{name} {next(self._numbers)}"
        user = register(self.factory, name, PASSWORD, role)
        given = {"name": name, "password": PASSWORD}
        pair = httpx.post(f"{self.address}/accounts/v1/login", json=given).json()
        return Person(user.user_id, name, pair["access_token"])

    def delete(self, person: Person) -> None:
        delete_account(self.factory, person.user_id)

    def client(self, *scopes: str) -> tuple[str, str]:
        made = add_client(self.factory, TokenMaker(SECRET), "reviews", scopes)
        return made.client_id, made.client_secret

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for engine in self._engines:
            engine.dispose()


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", quick)
        patch.setattr(passwords, "_NOBODY", quick.hash("a password that nobody has"))
        running = Accounts(tmp_path_factory.mktemp("accounts"))
        yield running
        running.stop()


@pytest.fixture
def environment(engine: Engine, models: PublicationStore, accounts: Accounts) -> dict[str, str]:
    return {
        "MARQUEE_REVIEWS_DATABASE": engine.url.render_as_string(hide_password=False),
        "MARQUEE_SENTIMENT_STORE": str(models.root),
        "MARQUEE_REVIEWS_SECRET": SECRET,
        "MARQUEE_ACCOUNTS_URL": accounts.address,
        "MARQUEE_SERVING_LOG_LEVEL": "error",
        "MARQUEE_REVIEWS_WATCH_SECONDS": "0.05",
        "MARQUEE_REVIEWS_JOB_THREADS": "0",
    }


Start = Callable[..., TestClient]


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Return a function that starts the application with settings of its own."""
    running: list[TestClient] = []

    def begin(**settings: str) -> TestClient:
        client = TestClient(create_app(environment | settings), raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        return client

    yield begin
    for client in running:
        client.__exit__(None, None, None)


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


def problem(response: Any, status: int, name: str) -> dict[str, Any]:
    """Return a problem document after checking that it is one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert (document["status"], document["type"]) == (status, f"/docs#problem-{name}")
    assert document["detail"].endswith(".")
    return document
