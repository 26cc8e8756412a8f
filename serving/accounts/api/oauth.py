"""OAuth2's endpoints for tokens and revocation (RFC 6749, RFC 7009).

Each grant has one function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from flask import Response, request

from serving.accounts.api.conventions import AccountOperations, OAuthRefusal
from serving.accounts.database.models import Client
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY
from serving.accounts.domain.clients import client_with_secret
from serving.accounts.domain.schemas import oauth as schemas
from serving.accounts.domain.service import Service
from serving.accounts.domain.sign_in import sign_in
from serving.accounts.domain.tokens import ACCESS_SECONDS, Tokens
from serving.web.operations import Operation
from serving.web.problems import ProblemError
from serving.web.replies import client_address, client_program

# The tokens of a grant and their scope; a user's tokens have none.
Granted = tuple[Tokens, str | None]


def oauth_refused(refusal: OAuthRefusal) -> Response:
    """Return a refusal as RFC 6749 (5.2) has it."""
    text = json.dumps({"error": refusal.error, "error_description": str(refusal)})
    response = Response(text + "\n", status=refusal.status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="marquee"'
    return response


def oauth_routes(api: AccountOperations) -> None:
    """Declare OAuth2's endpoints."""
    service = api.service

    @api.add(
        Operation(
            "POST",
            "/accounts/oauth/token",
            "OAuth2 token: grants password, client_credentials and refresh_token.",
            "OAuth2",
            access=EVERYBODY,
            form=schemas.TokenForm,
            answer=schemas.OAuthToken,
            kinds=(problems.TOO_MANY_ATTEMPTS,),
        )
    )
    def oauth_token(*, form: schemas.TokenForm) -> schemas.OAuthToken:
        grant = _GRANTS.get(form.grant_type)
        if grant is None:
            raise OAuthRefusal("unsupported_grant_type", "grant_type is password, client_credentials or refresh_token.")
        tokens, scope = grant(service, form)
        optional = {"refresh_token": tokens.refresh_token, "scope": scope}
        return schemas.OAuthToken.model_validate(
            {
                "access_token": tokens.access_token,
                "token_type": "Bearer",
                "expires_in": ACCESS_SECONDS,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )

    @api.add(
        Operation(
            "POST",
            "/accounts/oauth/revoke",
            "OAuth2 revocation: ends the session of a token. An unknown token is no error.",
            "OAuth2",
            access=EVERYBODY,
            form=schemas.RevocationForm,
        )
    )
    def oauth_revoke(*, form: schemas.RevocationForm) -> Response:
        _authenticated_client(service, form)
        service.tokens.revoke(service.transactions, form.token)
        return Response(status=200, headers={"Cache-Control": "no-store"})


def _by_password(service: Service, form: schemas.TokenForm) -> Granted:
    """Return the tokens of a new session of a user (RFC 6749, 4.3)."""
    _check_users_grant(service, form)
    if not (form.username and form.password):
        raise OAuthRefusal("invalid_request", "Give username and password.")
    with _problems_as_refusals():
        user = sign_in(service.transactions, service.limit, form.username, form.password, client_address())
    with service.transactions.begin() as database:
        return service.tokens.begin_for_user(database, user), None


def _by_refresh_token(service: Service, form: schemas.TokenForm) -> Granted:
    """Return the next tokens of a user's session (RFC 6749, 6)."""
    _check_users_grant(service, form)
    if not form.refresh_token:
        raise OAuthRefusal("invalid_request", "Give refresh_token.")
    with _problems_as_refusals():
        return service.tokens.refresh(service.transactions, form.refresh_token, client_program()), None


def _by_client_credentials(service: Service, form: schemas.TokenForm) -> Granted:
    """Return a token of a new session of a client (RFC 6749, 4.4)."""
    client = _authenticated_client(service, form)
    if client is None:
        raise OAuthRefusal("invalid_client", "Give client_id and client_secret.", 401)
    asked = form.scope.split() or client.scopes.split()
    if not set(asked) <= set(client.scopes.split()):
        raise OAuthRefusal("invalid_scope", f"The client may ask for: {client.scopes}.")
    scope = " ".join(dict.fromkeys(asked))
    with service.transactions.begin() as database:
        return service.tokens.begin_for_client(database, client, scope), scope


_GRANTS: Final[dict[str, Callable[[Service, schemas.TokenForm], Granted]]] = {
    "password": _by_password,
    "refresh_token": _by_refresh_token,
    "client_credentials": _by_client_credentials,
}


def _check_users_grant(service: Service, form: schemas.TokenForm) -> None:
    """Raise OAuthRefusal for a wrong client, or for a scope.

    A user's token never has scopes.
    """
    _authenticated_client(service, form)
    if form.scope:
        raise OAuthRefusal("invalid_scope", "A user's token has no scopes: it may do what the user may.")


def _authenticated_client(service: Service, form: schemas.TokenForm | schemas.RevocationForm) -> Client | None:
    """Return the client that the request names, or None where it names none.

    Raises OAuthRefusal.
    """
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    if basic and form.client_secret:
        raise OAuthRefusal("invalid_request", "The client's secret belongs in the header or in the form, not in both.")
    client_id = (basic.username if basic else form.client_id) or ""
    secret = (basic.password if basic else form.client_secret) or ""
    if not client_id and not secret:
        return None
    client = client_with_secret(service.transactions, client_id, secret)
    if client is None:
        raise OAuthRefusal("invalid_client", "The client's id and secret do not belong together.", 401)
    return client


@contextmanager
def _problems_as_refusals() -> Iterator[None]:
    """Raise problems as OAuth2's refusals.

    Too many attempts stay a problem: OAuth2 has no error for them.
    """
    try:
        yield
    except ProblemError as error:
        if error.kind is problems.TOO_MANY_ATTEMPTS:
            raise
        raise OAuthRefusal("invalid_grant", error.detail) from None
