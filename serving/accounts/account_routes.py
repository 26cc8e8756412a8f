"""Registering, signing in and out, and what belongs to an account."""

from __future__ import annotations

from flask import Response
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts import passwords, problems, schemas
from serving.accounts.database import Transactions, next_change, now
from serving.accounts.endpoints import (
    ADMIN,
    EVERYBODY,
    OWNER,
    OWNER_OR_ADMIN,
    USER,
    Api,
    answered,
    client_address,
    principal,
)
from serving.accounts.models import Session, User
from serving.accounts.pagination import next_address
from serving.accounts.rating_routes import all_ratings
from serving.accounts.sign_in import sign_in
from serving.accounts.tokens import ACCESS_SECONDS, Tokens, revoke_session, revoke_sessions
from serving.publications.format import MAX_ID
from serving.publications.times import format_time
from serving.web.problems import ProblemError


def as_account(user: User) -> schemas.Account:
    """Return an account as answers show it."""
    created = format_time(user.created_at) or ""
    return schemas.Account.model_validate(
        {"user_id": user.user_id, "name": user.name, "role": user.role, "created_at": created}
    )


def known_user(database: DatabaseSession, user_id: int) -> User:
    """Return a user, or raise the problem not-found."""
    user = database.get(User, user_id)
    if user is None:
        raise ProblemError(problems.NOT_FOUND, f"There is no account {user_id}.")
    return user


def register(factory: Transactions, name: str, password: str, role: str = "user") -> User:
    """Make an account. Raises the problems weak-password and name-taken."""
    passwords.check_allowed(password, name)
    user = User(
        name=name,
        name_key=passwords.name_key(name),
        password_hash=passwords.hash_password(password),
        role=role,
        created_at=now(),
    )
    try:
        with factory.begin() as database:
            database.add(user)
    except IntegrityError:
        raise ProblemError(problems.NAME_TAKEN, problems.NAME_TAKEN.meaning) from None
    return user


def change_password(factory: Transactions, user: User, session_id: str, new_password: str) -> None:
    """Set a password and end the user's other sessions. Raises the problem weak-password."""
    passwords.check_allowed(new_password, user.name)
    with factory.begin() as database:
        database.get_one(User, user.user_id).password_hash = passwords.hash_password(new_password)
        revoke_sessions(database, user.user_id, keep=session_id)


def delete_account(factory: Transactions, user_id: int) -> None:
    """Delete an account with its ratings and sessions. Raises the problems not-found and last-admin."""
    with factory.begin() as database:
        # The ratings leave the exports.
        next_change(database)
        user = known_user(database, user_id)
        _keep_an_admin(database, user)
        database.delete(user)


def _keep_an_admin(database: DatabaseSession, user: User) -> None:
    """Raise the problem last-admin if a user is the only one. The clock's lock makes two at once come one by one."""
    admins = select(func.count()).select_from(User).where(User.role == "admin")
    if user.role == "admin" and database.scalar(admins) == 1:
        raise ProblemError(problems.LAST_ADMIN, problems.LAST_ADMIN.meaning)


def _open_sessions(database: DatabaseSession, user_id: int, current: str | None) -> list[schemas.SignedInSession]:
    query = select(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > now())
    return [
        schemas.SignedInSession(
            session_id=session.session_id,
            created_at=format_time(session.created_at) or "",
            expires_at=format_time(session.expires_at) or "",
            current=session.session_id == current,
        )
        for session in database.scalars(query.order_by(Session.created_at.desc(), Session.session_id))
    ]


def export_account(database: DatabaseSession, user_id: int, current: str | None) -> schemas.ExportedAccount:
    """Return all that is kept about a user."""
    return schemas.ExportedAccount(
        account=as_account(known_user(database, user_id)),
        ratings=all_ratings(database, user_id),
        sessions=_open_sessions(database, user_id, current),
    )


def _token_pair(tokens: Tokens) -> schemas.TokenPair:
    return schemas.TokenPair(
        user_id=tokens.user_id or 0,
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the type's name
        expires_in=ACCESS_SECONDS,
        refresh_token=tokens.refresh_token or "",
    )


def account_routes(api: Api) -> None:
    """Declare the endpoints."""
    _session_endpoints(api)
    _own_account_endpoints(api)
    _administration_endpoints(api)


def _session_endpoints(api: Api) -> None:
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
            return schemas.Sessions(items=_open_sessions(database, user, principal().session_id))

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


def _own_account_endpoints(api: Api) -> None:
    service = api.service
    factory = service.transactions

    @api.endpoint(
        "POST",
        "/accounts/v1/users",
        EVERYBODY,
        "Register.",
        tag="accounts",
        body=schemas.NewAccount,
        answer=schemas.Account,
        status=201,
        kinds=(problems.NAME_TAKEN, problems.WEAK_PASSWORD),
    )
    def register_account(*, body: schemas.NewAccount) -> schemas.Account:
        return as_account(register(factory, body.name, body.password))

    @api.endpoint(
        "GET", "/accounts/v1/me", USER, "The account that is signed in.", tag="accounts", answer=schemas.Account
    )
    def me() -> schemas.Account:
        with factory() as database:
            return as_account(known_user(database, principal().user_id or 0))

    @api.endpoint(
        "GET",
        "/accounts/v1/users/<id:user>",
        OWNER_OR_ADMIN,
        "An account.",
        tag="accounts",
        answer=schemas.Account,
    )
    def account(user: int) -> schemas.Account:
        with factory() as database:
            return as_account(known_user(database, user))

    @api.endpoint(
        "DELETE",
        "/accounts/v1/users/<id:user>",
        OWNER_OR_ADMIN,
        "Delete an account with its ratings and sessions.",
        tag="accounts",
        status=204,
        kinds=(problems.LAST_ADMIN,),
    )
    def remove_account(user: int) -> None:
        delete_account(factory, user)

    @api.endpoint(
        "PUT",
        "/accounts/v1/users/<id:user>/password",
        OWNER,
        "Change the password; ends the other sessions.",
        tag="accounts",
        body=schemas.PasswordChange,
        status=204,
        kinds=(problems.WRONG_CREDENTIALS, problems.WEAK_PASSWORD, problems.TOO_MANY_ATTEMPTS),
    )
    def set_password(user: int, *, body: schemas.PasswordChange) -> None:
        with factory() as database:
            name = known_user(database, user).name
        found = sign_in(factory, service.limit, name, body.current_password, client_address())
        change_password(factory, found, principal().session_id, body.new_password)

    @api.endpoint(
        "GET",
        "/accounts/v1/users/<id:user>/export",
        OWNER,
        "All that is kept about an account, as a file.",
        tag="accounts",
        answer=schemas.ExportedAccount,
    )
    def export(user: int) -> Response:
        with factory() as database:
            response = answered(export_account(database, user, principal().session_id), 200)
        response.headers["Content-Disposition"] = f'attachment; filename="marquee-account-{user}.json"'
        return response


def _administration_endpoints(api: Api) -> None:
    factory = api.service.transactions

    @api.endpoint(
        "GET",
        "/accounts/v1/users",
        ADMIN,
        "All accounts, by id.",
        tag="administration",
        query=schemas.Page,
        answer=schemas.Accounts,
    )
    def accounts(*, query: schemas.Page) -> schemas.Accounts:
        found = select(User).where(User.user_id > min(query.after, MAX_ID)).order_by(User.user_id)
        with factory() as database:
            users = list(database.scalars(found.limit(query.limit + 1)))
        shown = users[: query.limit]
        following = next_address(query, shown[-1].user_id) if len(users) > query.limit else None
        return schemas.Accounts(items=[as_account(user) for user in shown], next=following)

    @api.endpoint(
        "PUT",
        "/accounts/v1/users/<id:user>/role",
        ADMIN,
        "Make a user an administrator, or no longer.",
        tag="administration",
        body=schemas.RoleChange,
        answer=schemas.Account,
        kinds=(problems.LAST_ADMIN,),
    )
    def set_role(user: int, *, body: schemas.RoleChange) -> schemas.Account:
        with factory.begin() as database:
            next_change(database)
            found = known_user(database, user)
            if body.role != "admin":
                _keep_an_admin(database, found)
            found.role = body.role
            return as_account(found)
