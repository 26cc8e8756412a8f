"""Signing in and out, refreshing tokens, and the sessions of a user."""

from __future__ import annotations

from serving.accounts.api.conventions import AccountOperations, principal
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY, OWNER, OWNER_OR_ADMIN, USER
from serving.accounts.domain.registration import known_user
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.sign_in import sign_in
from serving.accounts.domain.tokens import ACCESS_SECONDS, Tokens, open_sessions, revoke_session, revoke_sessions
from serving.web.operations import Operation
from serving.web.replies import client_address, client_program


def session_routes(api: AccountOperations) -> None:
    """Declare the endpoints of sessions."""
    _tokens(api)
    _sessions(api)


def _tokens(api: AccountOperations) -> None:
    service = api.service
    factory = service.transactions

    @api.add(
        Operation(
            "POST",
            "/accounts/v1/login",
            "Sign in: begins a session.",
            "signing in",
            access=EVERYBODY,
            body=schemas.Credentials,
            answer=schemas.TokenPair,
            kinds=(problems.WRONG_CREDENTIALS, problems.TOO_MANY_ATTEMPTS),
        )
    )
    def login(*, body: schemas.Credentials) -> schemas.TokenPair:
        user = sign_in(factory, service.limit, body.name, body.password, client_address())
        with factory.begin() as database:
            return _token_pair(service.tokens.begin_for_user(database, user))

    @api.add(
        Operation(
            "POST",
            "/accounts/v1/refresh",
            "Exchange a refresh token for new tokens of the same session. A client that asks again within seconds gets the "
            "same refresh token.",
            "signing in",
            access=EVERYBODY,
            body=schemas.RefreshRequest,
            answer=schemas.TokenPair,
            kinds=(problems.BAD_REFRESH_TOKEN,),
        )
    )
    def refresh(*, body: schemas.RefreshRequest) -> schemas.TokenPair:
        return _token_pair(service.tokens.refresh(factory, body.refresh_token, client_program()))

    @api.add(
        Operation("POST", "/accounts/v1/logout", "Sign out: ends the session.", "signing in", access=USER, status=204)
    )
    def logout() -> None:
        with factory.begin() as database:
            revoke_session(database, principal().session_id)


def _sessions(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/users/<id:user>/sessions",
            "The sessions that have not ended.",
            "signing in",
            access=OWNER,
            answer=schemas.Sessions,
        )
    )
    def sessions(user: int) -> schemas.Sessions:
        with factory() as database:
            return schemas.Sessions(items=open_sessions(database, user, principal().session_id))

    @api.add(
        Operation(
            "DELETE",
            "/accounts/v1/users/<id:user>/sessions",
            "End all sessions of a user, this one too.",
            "signing in",
            access=OWNER_OR_ADMIN,
            status=204,
        )
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
