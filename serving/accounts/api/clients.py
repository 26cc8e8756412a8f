"""Programs that sign in for themselves, for administrators."""

from __future__ import annotations

from serving.accounts.api.conventions import AccountOperations, principal
from serving.accounts.api.retry_keys import request_key
from serving.accounts.domain import clients as domain
from serving.accounts.domain.access import ADMIN
from serving.accounts.domain.schemas import clients as schemas
from serving.web.operations import Operation


def client_routes(api: AccountOperations) -> None:
    """Declare the endpoints of clients."""
    factory = api.service.transactions

    @api.add(
        Operation("GET", "/accounts/v1/clients", "All clients.", "administration", access=ADMIN, answer=schemas.Clients)
    )
    def clients() -> schemas.Clients:
        with factory() as database:
            return domain.all_clients(database)

    @api.add(
        Operation(
            "POST",
            "/accounts/v1/clients",
            "Register a client. Its secret is in this answer and nowhere else.",
            "administration",
            access=ADMIN,
            body=schemas.NewClient,
            answer=schemas.NewClientSecret,
            status=201,
            retry_key=True,
        )
    )
    def add_client(*, body: schemas.NewClient) -> schemas.NewClientSecret:
        tokens = api.service.tokens
        key = request_key(tokens, principal(), body, set())
        return domain.add_client(factory, tokens, body.name, body.scopes, key)

    @api.add(
        Operation(
            "DELETE",
            "/accounts/v1/clients/<hex:client>",
            "Remove a client; its tokens end.",
            "administration",
            access=ADMIN,
            status=204,
        )
    )
    def remove_client(client: str) -> None:
        domain.remove_client(factory, client)
