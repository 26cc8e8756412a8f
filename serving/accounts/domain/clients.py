"""Programs that sign in for themselves: their ids, secrets and scopes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import Client
from serving.accounts.domain import problems
from serving.accounts.domain.retries import RequestKey, made_once
from serving.accounts.domain.schemas import clients as schemas
from serving.accounts.domain.tokens import TokenMaker, sha256
from serving.publications.times import format_time
from serving.web.problems import ProblemError


def _as_client(client: Client) -> dict[str, object]:
    created = format_time(client.created_at)
    return {"client_id": client.client_id, "name": client.name, "scopes": client.scopes.split(), "created_at": created}


def all_clients(database: DatabaseSession) -> schemas.Clients:
    """Return all clients by id, without their secrets."""
    clients = database.scalars(select(Client).order_by(Client.client_id))
    return schemas.Clients.model_validate({"items": [_as_client(client) for client in clients]})


def add_client(
    factory: Transactions, tokens: TokenMaker, name: str, scopes: Sequence[str], key: RequestKey | None = None
) -> schemas.NewClientSecret:
    """Return a new client with its secret, of which only the SHA-256 is kept.

    A retry with the same key gets the same client and secret. Raises the problem key-reused, and not-found for a retry
    whose client has been removed.
    """
    client_id = secrets.token_hex(8)

    def make(database: DatabaseSession) -> str:
        client = Client(
            client_id=client_id,
            name=name,
            secret_sha256=sha256(secret),
            scopes=" ".join(dict.fromkeys(scopes)),
            created_at=now(),
        )
        database.add(client)
        return client_id

    secret = secrets.token_urlsafe(32) if key is None else tokens.client_secret(client_id)
    made = made_once(factory, key, make)
    with factory() as database:
        client = _known_client(database, made.id)
    if made.again:
        secret = tokens.client_secret(client.client_id)
    return schemas.NewClientSecret.model_validate({**_as_client(client), "client_secret": secret})


def _known_client(database: DatabaseSession, client_id: str) -> Client:
    client = database.get(Client, client_id)
    if client is None:
        raise ProblemError(problems.NOT_FOUND, f"There is no client {client_id}.")
    return client


def set_client(factory: Transactions, client_id: str, name: str, scopes: Sequence[str], secret: str) -> None:
    """Make a client of a given id and secret, or give a present one these.

    It is for programs of the platform, whose secrets the platform keeps.
    """
    with factory.begin() as database:
        client = database.get(Client, client_id) or Client(client_id=client_id, created_at=now())
        client.name, client.secret_sha256, client.scopes = name, sha256(secret), " ".join(dict.fromkeys(scopes))
        database.add(client)


def remove_client(factory: Transactions, client_id: str) -> None:
    """Remove a client, which ends its tokens. Raises the problem not-found."""
    with factory.begin() as database:
        # One statement: of requests that come at once, one removes the client, and the others find it gone.
        removed = database.scalar(delete(Client).where(Client.client_id == client_id).returning(Client.client_id))
    if removed is None:
        raise ProblemError(problems.NOT_FOUND, f"There is no client {client_id}.")


def client_with_secret(factory: Transactions, client_id: str, secret: str) -> Client | None:
    """Return the client that has this id and this secret, or None."""
    with factory() as database:
        client = database.get(Client, client_id) if client_id.isalnum() else None
    if client is None or not hmac.compare_digest(client.secret_sha256, sha256(secret)):
        return None
    return client
