"""Programs that sign in for themselves, for administrators."""

from __future__ import annotations

from serving.accounts.api.endpoints import Api
from serving.accounts.domain import clients as domain
from serving.accounts.domain.access import ADMIN
from serving.accounts.domain.schemas import clients as schemas


def client_routes(api: Api) -> None:
    """Declare the endpoints of clients."""
    factory = api.service.transactions

    @api.endpoint("GET", "/accounts/v1/clients", ADMIN, "All clients.", tag="administration", answer=schemas.Clients)
    def clients() -> schemas.Clients:
        with factory() as database:
            return domain.all_clients(database)

    @api.endpoint(
        "POST",
        "/accounts/v1/clients",
        ADMIN,
        "Register a client. Its secret is in this answer and nowhere else.",
        tag="administration",
        body=schemas.NewClient,
        answer=schemas.NewClientSecret,
        status=201,
    )
    def add_client(*, body: schemas.NewClient) -> schemas.NewClientSecret:
        return domain.add_client(factory, body.name, body.scopes)

    @api.endpoint(
        "DELETE",
        "/accounts/v1/clients/<hex:client>",
        ADMIN,
        "Remove a client; its tokens end.",
        tag="administration",
        status=204,
    )
    def remove_client(client: str) -> None:
        domain.remove_client(factory, client)
