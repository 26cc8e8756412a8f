"""Forms and answers of OAuth2 (RFC 6749, RFC 7009)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.accounts.domain.passwords import MAX_LENGTH
from serving.accounts.domain.schemas.bases import Answer, Form
from serving.accounts.domain.schemas.fields import FormText


class TokenForm(Form):
    """A token request.

    Its grant is `password` with username and password, `client_credentials`, or `refresh_token`.
    """

    grant_type: Annotated[str, Field(examples=["password"])]
    username: FormText = ""
    password: Annotated[str, Field(max_length=MAX_LENGTH)] = ""
    refresh_token: FormText = ""
    client_id: FormText = ""
    client_secret: FormText = ""
    scope: FormText = ""


class RevocationForm(Form):
    """A token to revoke, of either kind."""

    token: Annotated[str, Field(max_length=2000, examples=["the token"])]
    token_type_hint: FormText = ""
    client_id: FormText = ""
    client_secret: FormText = ""


class OAuthToken(Answer):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str | None = None
    scope: str | None = None


class OAuthError(Answer):
    """RFC 6749, 5.2."""

    error: str
    error_description: str
