"""Accounts, signing in, and all that is kept about a person."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from serving.accounts.domain.schemas.bases import Answer, Body
from serving.accounts.domain.schemas.fields import LINE, Moment, Name, Password, Token
from serving.accounts.domain.schemas.ratings import OwnRating


class NewAccount(Body):
    """A name and a password."""

    name: Name
    password: Password


class Credentials(Body):
    """A name and a password, as they were registered."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=LINE), Field(examples=["Ada"])]
    password: Password


class RefreshRequest(Body):
    """A refresh token."""

    refresh_token: Token


class PasswordChange(Body):
    """The password of now, and the next."""

    current_password: Password
    new_password: Password


class RoleChange(Body):
    """A role."""

    role: Annotated[Literal["user", "admin"], Field(examples=["admin"])]


class Account(Answer):
    """An account, without secrets."""

    user_id: Annotated[int, Field(examples=[1_000_000_001])]
    name: str
    role: Literal["user", "admin"]
    created_at: Moment


class Accounts(Answer):
    """A page of accounts, by id."""

    items: list[Account]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class TokenPair(Answer):
    """What signing in or a refresh gives."""

    user_id: int
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds.")]
    refresh_token: Annotated[str, Field(description="Good for one refresh, and for its retry within 30 seconds.")]


class SignedInSession(Answer):
    """A session that has not ended."""

    session_id: str
    created_at: Moment
    expires_at: Moment
    current: Annotated[bool, Field(description="It is the one that asks.")]


class Sessions(Answer):
    """The sessions that have not ended, the latest first."""

    items: list[SignedInSession]


class ExportedAccount(Answer):
    """All that is kept about a person."""

    account: Account
    ratings: list[OwnRating]
    sessions: list[SignedInSession]
    reviews: Annotated[
        dict[str, Any] | None,
        Field(description="What GET /v1/reviews/export of the reviews service answers; null: it did not answer."),
    ]
    missing: Annotated[str | None, Field(description="What the file lacks, and why; null: nothing.")]
