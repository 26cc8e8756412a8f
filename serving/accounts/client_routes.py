"""Programs that sign in for themselves, and OAuth2's token and revocation endpoints (RFC 6749, RFC 7009)."""

from __future__ import annotations

import hmac
import json
import secrets

from flask import Response, request
from sqlalchemy import select

from serving.accounts import problems, schemas
from serving.accounts.database import now
from serving.accounts.endpoints import ADMIN, EVERYBODY, Api, OAuthRefusal, client_address
from serving.accounts.models import Client, RefreshToken
from serving.accounts.sign_in import sign_in
from serving.accounts.tokens import ACCESS_SECONDS, Tokens, revoke_session, sha256
from serving.publications.times import format_time
from serving.web.problems import ProblemError


def _as_client(client: Client) -> dict[str, object]:
    created = format_time(client.created_at)
    return {"client_id": client.client_id, "name": client.name, "scopes": client.scopes.split(), "created_at": created}


def client_routes(api: Api) -> None:
    """Declare the endpoints for administrators."""
    factory = api.service.transactions

    @api.endpoint("GET", "/accounts/v1/clients", ADMIN, "All clients.", tag="administration", answer=schemas.Clients)
    def clients() -> schemas.Clients:
        with factory() as database:
            found = list(database.scalars(select(Client).order_by(Client.client_id)))
        return schemas.Clients.model_validate({"items": [_as_client(client) for client in found]})

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
        secret = secrets.token_urlsafe(32)
        client = Client(
            client_id=secrets.token_hex(8),
            name=body.name,
            secret_sha256=sha256(secret),
            scopes=" ".join(dict.fromkeys(body.scopes)),
            created_at=now(),
        )
        with factory.begin() as database:
            database.add(client)
        return schemas.NewClientSecret.model_validate({**_as_client(client), "client_secret": secret})

    @api.endpoint(
        "DELETE",
        "/accounts/v1/clients/<hex:client>",
        ADMIN,
        "Remove a client; its tokens end.",
        tag="administration",
        status=204,
    )
    def remove_client(client: str) -> None:
        with factory.begin() as database:
            found = database.get(Client, client)
            if found is None:
                raise ProblemError(problems.NOT_FOUND, f"There is no client {client}.")
            database.delete(found)


def oauth_refused(refusal: OAuthRefusal) -> Response:
    """Return a refusal as RFC 6749 (5.2) has it."""
    text = json.dumps({"error": refusal.error, "error_description": str(refusal)})
    response = Response(text + "\n", status=refusal.status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="marquee"'
    return response


def oauth_routes(api: Api) -> None:
    """Declare OAuth2's endpoints."""
    service = api.service
    factory = service.transactions

    def authenticated_client(form: schemas.TokenForm | schemas.RevocationForm) -> Client | None:
        """Return the client that the request names, or None where it names none. Raises OAuthRefusal."""
        basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
        if basic and form.client_secret:
            description = "The client's secret belongs in the header or in the form, not in both."
            raise OAuthRefusal("invalid_request", description)
        client_id = (basic.username if basic else form.client_id) or ""
        secret = (basic.password if basic else form.client_secret) or ""
        if not client_id and not secret:
            return None
        with factory() as database:
            client = database.get(Client, client_id) if client_id.isalnum() else None
        if client is None or not hmac.compare_digest(client.secret_sha256, sha256(secret)):
            raise OAuthRefusal("invalid_client", "The client's id and secret do not belong together.", 401)
        return client

    def granted(form: schemas.TokenForm) -> tuple[Tokens, str | None]:
        if form.grant_type == "client_credentials":
            client = authenticated_client(form)
            if client is None:
                raise OAuthRefusal("invalid_client", "Give client_id and client_secret.", 401)
            asked = form.scope.split() or client.scopes.split()
            if not set(asked) <= set(client.scopes.split()):
                raise OAuthRefusal("invalid_scope", f"The client may ask for: {client.scopes}.")
            scope = " ".join(dict.fromkeys(asked))
            with factory.begin() as database:
                return service.tokens.begin_for_client(database, client, scope), scope
        if form.grant_type not in ("password", "refresh_token"):
            raise OAuthRefusal("unsupported_grant_type", "grant_type is password, client_credentials or refresh_token.")
        authenticated_client(form)
        if form.scope:
            raise OAuthRefusal("invalid_scope", "A user's token has no scopes: it may do what the user may.")
        if form.grant_type == "password" and not (form.username and form.password):
            raise OAuthRefusal("invalid_request", "Give username and password.")
        if form.grant_type == "refresh_token" and not form.refresh_token:
            raise OAuthRefusal("invalid_request", "Give refresh_token.")
        try:
            if form.grant_type == "refresh_token":
                return service.tokens.refresh(factory, form.refresh_token), None
            user = sign_in(factory, service.limit, form.username, form.password, client_address())
        except ProblemError as error:
            if error.kind is problems.TOO_MANY_ATTEMPTS:
                raise
            raise OAuthRefusal("invalid_grant", error.detail) from None
        with factory.begin() as database:
            return service.tokens.begin_for_user(database, user), None

    @api.endpoint(
        "POST",
        "/accounts/oauth/token",
        EVERYBODY,
        "OAuth2 token: grants password, client_credentials and refresh_token.",
        tag="OAuth2",
        form=schemas.TokenForm,
        answer=schemas.OAuthToken,
        kinds=(problems.TOO_MANY_ATTEMPTS,),
    )
    def oauth_token(*, form: schemas.TokenForm) -> schemas.OAuthToken:
        tokens, scope = granted(form)
        optional = {"refresh_token": tokens.refresh_token, "scope": scope}
        return schemas.OAuthToken.model_validate(
            {
                "access_token": tokens.access_token,
                "token_type": "Bearer",
                "expires_in": ACCESS_SECONDS,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )

    @api.endpoint(
        "POST",
        "/accounts/oauth/revoke",
        EVERYBODY,
        "OAuth2 revocation: ends the session of a token. An unknown token is no error.",
        tag="OAuth2",
        form=schemas.RevocationForm,
    )
    def oauth_revoke(*, form: schemas.RevocationForm) -> Response:
        authenticated_client(form)
        with factory.begin() as database:
            kept = database.get(RefreshToken, sha256(form.token))
            session_id = kept.session_id if kept else service.tokens.session_of(form.token)
            if session_id is not None:
                revoke_session(database, session_id)
        return Response(status=200, headers={"Cache-Control": "no-store"})
