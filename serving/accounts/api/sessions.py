"""Signing in and out, refreshing tokens, and the sessions of a user."""

from __future__ import annotations

from serving.accounts.api.endpoints import Api, principal
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY, OWNER, OWNER_OR_ADMIN, USER
from serving.accounts.domain.registration import known_user
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.sign_in import sign_in
from serving.accounts.domain.tokens import ACCESS_SECONDS, Tokens, open_sessions, revoke_session, revoke_sessions
from serving.web.replies import client_address


def session_routes(api: Api) -> None:
    """Declare the endpoints of sessions."""
    _tokens(api)
    _sessions(api)


def _tokens(api: Api) -> None:
    service = api.service
    factory = service.transactions

    @api.endpoint(
        "POST",
        "/accounts/v1/login",
        EVERYBODY,
        "Sign in: begins a session.",
        tag="signing in",
        body=schemas.Credentials,
        answer=schemas.TokenPair,
        kinds=(problems.WRONG_CREDENTIALS, problems.TOO_MANY_ATTEMPTS),
    )
    def login(*, body: schemas.Credentials) -> schemas.TokenPair:
        user = sign_in(factory, service.limit, body.name, body.password, client_address())
        with factory.begin() as database:
            return _token_pair(service.tokens.begin_for_user(database, user))

    @api.endpoint(
        "POST",
        "/accounts/v1/refresh",
        EVERYBODY,
        "Exchange a refresh token for new tokens of the same session.",
        tag="signing in",
        body=schemas.RefreshRequest,
        answer=schemas.TokenPair,
        kinds=(problems.BAD_REFRESH_TOKEN,),
    )
    def refresh(*, body: schemas.RefreshRequest) -> schemas.TokenPair:
        return _token_pair(service.tokens.refresh(factory, body.refresh_token))

    @api.endpoint("POST", "/accounts/v1/logout", USER, "Sign out: ends the session.", tag="signing in", status=204)
    def logout() -> None:
        with factory.begin() as database:
            revoke_session(database, principal().session_id)


def _sessions(api: Api) -> None:
    factory = api.service.transactions

    @api.endpoint(
        "GET",
        "/accounts/v1/users/<id:user>/sessions",
        OWNER,
        "The sessions that have not ended.",
        tag="signing in",
        answer=schemas.Sessions,
    )
    def sessions(user: int) -> schemas.Sessions:
        with factory() as database:
            return schemas.Sessions(items=open_sessions(database, user, principal().session_id))

    @api.endpoint(
        "DELETE",
        "/accounts/v1/users/<id:user>/sessions",
        OWNER_OR_ADMIN,
        "End all sessions of a user, this one too.",
        tag="signing in",
        status=204,
    )
    def end_sessions(user: int) -> None:
        with factory.begin() as database:
            known_user(database, user)
            revoke_sessions(database, user)


def _token_pair(tokens: Tokens) -> schemas.TokenPair:
    return schemas.TokenPair(
        user_id=tokens.user_id or 0,
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the type's name
        expires_in=ACCESS_SECONDS,
        refresh_token=tokens.refresh_token or "",
    )
