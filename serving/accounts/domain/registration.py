"""Registering, changing and deleting accounts."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import next_change, now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import SignInAttempt, User
from serving.accounts.domain import passwords, problems
from serving.accounts.domain.retries import RequestKey, made_once
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.tokens import revoke_sessions
from serving.accounts.names import name_key, skeleton
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
    """Return a user. Raises the problem not-found."""
    user = database.get(User, user_id)
    if user is None:
        raise ProblemError(problems.NOT_FOUND, f"There is no account {user_id}.")
    return user


def users_after(database: DatabaseSession, after: int, limit: int) -> list[User]:
    """Return up to `limit` users by id, above `after`."""
    query = select(User).where(User.user_id > min(after, MAX_ID)).order_by(User.user_id)
    return list(database.scalars(query.limit(limit)))


def register(
    factory: Transactions, name: str, password: str, role: str = "user", *, key: RequestKey | None = None
) -> User:
    """Return a new user, or the one that an earlier request with this key made.

    Raises the problems weak-password, name-taken and key-reused.
    """
    passwords.check_allowed(password, name)

    def make(database: DatabaseSession) -> str:
        user = User(
            name=name,
            name_key=name_key(name),
            name_skeleton=skeleton(name),
            password_hash=passwords.hash_password(password),
            role=role,
            created_at=now(),
        )
        database.add(user)
        database.flush()
        return str(user.user_id)

    try:
        made = made_once(factory, key, make, is_account=True)
    except IntegrityError:
        raise ProblemError(problems.NAME_TAKEN, problems.NAME_TAKEN.meaning) from None
    with factory() as database:
        user = known_user(database, int(made.id))
    # The key's digest leaves the password out, so that no fast digest of a password is kept.
    if made.again and not passwords.verify(user.password_hash, password):
        raise ProblemError(problems.KEY_REUSED, problems.KEY_REUSED.meaning)
    return user


def change_password(factory: Transactions, user: User, session_id: str, new_password: str) -> None:
    """Set a password and end the user's other sessions.

    The same again changes nothing more. Raises the problem weak-password.
    """
    passwords.check_allowed(new_password, user.name)
    with factory.begin() as database:
        database.get_one(User, user.user_id).password_hash = passwords.hash_password(new_password)
        revoke_sessions(database, user.user_id, keep=session_id)


def change_role(factory: Transactions, user_id: int, role: str) -> schemas.Account:
    """Set a role and return the account.

    Raises the problems not-found and last-admin.
    """
    with factory.begin() as database:
        next_change(database)
        user = known_user(database, user_id)
        if role != "admin":
            _keep_an_admin(database, user)
        user.role = role
        return as_account(user)


def delete_account(factory: Transactions, user_id: int) -> None:
    """Delete an account with all that the database has of it.

    That is its ratings, sessions and keys, and attempts to sign in by its name. Raises the problems not-found and last-admin.
    """
    with factory.begin() as database:
        # The ratings leave the exports.
        next_change(database)
        user = known_user(database, user_id)
        _keep_an_admin(database, user)
        database.execute(delete(SignInAttempt).where(SignInAttempt.name_key == user.name_key))
        database.delete(user)


def _keep_an_admin(database: DatabaseSession, user: User) -> None:
    """Raise the problem last-admin if a user is the only administrator.

    The caller holds the change clock's lock, so two such changes come one after the other.
    """
    admins = select(func.count()).select_from(User).where(User.role == "admin")
    if user.role == "admin" and database.scalar(admins) == 1:
        raise ProblemError(problems.LAST_ADMIN, problems.LAST_ADMIN.meaning)
