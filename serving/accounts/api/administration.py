"""All accounts, and their roles, for administrators."""

from __future__ import annotations

from serving.accounts.api.conventions import AccountOperations
from serving.accounts.api.pagination import next_address
from serving.accounts.domain import problems
from serving.accounts.domain.access import ADMIN, ADMIN_OR_USERS
from serving.accounts.domain.registration import as_account, change_role, users_after
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.schemas.bases import Page
from serving.web.operations import Operation


def administration_routes(api: AccountOperations) -> None:
    """Declare the endpoints over all accounts."""
    factory = api.service.transactions

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/users",
            "All accounts, by id.",
            "administration",
            access=ADMIN_OR_USERS,
            query=Page,
            answer=schemas.Accounts,
        )
    )
    def accounts(*, query: Page) -> schemas.Accounts:
        with factory() as database:
            users = users_after(database, query.after, query.limit + 1)
        shown = users[: query.limit]
        following = next_address(query, shown[-1].user_id) if len(users) > query.limit else None
        return schemas.Accounts(items=[as_account(user) for user in shown], next=following)

    @api.add(
        Operation(
            "PUT",
            "/accounts/v1/users/<id:user>/role",
            "Make a user an administrator, or no longer.",
            "administration",
            access=ADMIN,
            body=schemas.RoleChange,
            answer=schemas.Account,
            kinds=(problems.LAST_ADMIN,),
        )
    )
    def set_role(user: int, *, body: schemas.RoleChange) -> schemas.Account:
        return change_role(factory, user, body.role)
