"""Registering, and what belongs to an account."""

from __future__ import annotations

from flask import Response

from serving.accounts.api.conventions import AccountOperations, principal
from serving.accounts.api.retry_keys import request_key
from serving.accounts.domain import problems
from serving.accounts.domain.access import EVERYBODY, OWNER, OWNER_OR_ADMIN, USER
from serving.accounts.domain.registration import (
    as_account,
    change_password,
    delete_account,
    known_user,
    register,
)
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.service import exported_account
from serving.accounts.domain.sign_in import sign_in
from serving.web.operations import Operation
from serving.web.replies import answered, client_address


def account_routes(api: AccountOperations) -> None:
    """Declare the endpoints of accounts."""
    _account(api)
    _password(api)
    _export(api)


def _account(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "POST",
            "/accounts/v1/users",
            "Register.",
            "accounts",
            access=EVERYBODY,
            body=schemas.NewAccount,
            answer=schemas.Account,
            status=201,
            kinds=(problems.NAME_TAKEN, problems.WEAK_PASSWORD),
            retry_key=True,
        )
    )
    def register_account(*, body: schemas.NewAccount) -> schemas.Account:
        key = request_key(api.service.tokens, None, body, {"password"})
        return as_account(register(factory, body.name, body.password, key=key))

    @api.add(
        Operation(
            "GET", "/accounts/v1/me", "The account that is signed in.", "accounts", access=USER, answer=schemas.Account
        )
    )
    def me() -> schemas.Account:
        with factory() as database:
            return as_account(known_user(database, principal().user_id or 0))

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/users/<id:user>",
            "An account.",
            "accounts",
            access=OWNER_OR_ADMIN,
            answer=schemas.Account,
        )
    )
    def account(user: int) -> schemas.Account:
        with factory() as database:
            return as_account(known_user(database, user))

    @api.add(
        Operation(
            "DELETE",
            "/accounts/v1/users/<id:user>",
            "Delete an account with its ratings and sessions. The next nightly run leaves the person out. Snapshots, publications, "
            "models and backups of before are dated records: docs/accounts.md says how long each is kept.",
            "accounts",
            access=OWNER_OR_ADMIN,
            status=204,
            kinds=(problems.LAST_ADMIN,),
        )
    )
    def remove_account(user: int) -> None:
        delete_account(factory, user)


def _password(api: AccountOperations) -> None:
    service = api.service
    factory = service.transactions

    @api.add(
        Operation(
            "PUT",
            "/accounts/v1/users/<id:user>/password",
            "Change the password; ends the other sessions.",
            "accounts",
            access=OWNER,
            body=schemas.PasswordChange,
            status=204,
            kinds=(problems.WRONG_CREDENTIALS, problems.WEAK_PASSWORD, problems.TOO_MANY_ATTEMPTS),
        )
    )
    def set_password(user: int, *, body: schemas.PasswordChange) -> None:
        with factory() as database:
            name = known_user(database, user).name
        current, following = body.current_password, body.new_password
        found = sign_in(factory, service.limit, name, current, client_address(), following=following)
        change_password(factory, found, principal().session_id, following)


def _export(api: AccountOperations) -> None:
    @api.add(
        Operation(
            "GET",
            "/accounts/v1/users/<id:user>/export",
            "All that is kept about an account, as a file; it says what it lacks where the reviews service is away.",
            "accounts",
            access=OWNER,
            answer=schemas.ExportedAccount,
        )
    )
    def export(user: int) -> Response:
        document, name = exported_account(api.service, user, principal().session_id)
        response = answered(document, 200)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
