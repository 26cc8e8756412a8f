"""Programs that sign in for themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.accounts.domain.schemas.bases import Answer, Body
from serving.accounts.domain.schemas.fields import Moment, Name, Scope


class NewClient(Body):
    """A program that signs in for itself."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, examples=[["ratings:read"]])]


class RegisteredClient(Answer):
    """A client, without its secret."""

    client_id: str
    name: str
    scopes: list[Scope]
    created_at: Moment


class NewClientSecret(RegisteredClient):
    """A new client with its secret, which is shown this once."""

    client_secret: str


class Clients(Answer):
    """All clients."""

    items: list[RegisteredClient]
