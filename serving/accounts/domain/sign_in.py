"""Signing in by name and password, with a limit on failed attempts.

All workers share the limit: the attempts are kept in the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import SignInAttempt, User
from serving.accounts.domain import passwords, problems
from serving.accounts.names import KEY_LENGTH, name_key
from serving.web.problems import ProblemError

WINDOW_SECONDS: Final = 900


@dataclass(frozen=True)
class Limit:
    """How many failed attempts there may be within WINDOW_SECONDS."""

    # For a name from one address. It counts by address too, so that a stranger does not lock an account's owner out.
    per_name_and_address: int = 10
    # For a name from anywhere, against guessing from many addresses.
    per_name: int = 100
    # From one address, against trying one password with many names.
    per_address: int = 100


def sign_in(
    factory: Transactions, limit: Limit, name: str, password: str, address: str, *, following: str | None = None
) -> User:
    """Return the user of a name and a password.

    `following` is the next password of a change: it counts too, since a retry of the change comes when it is set
    already. Raises the problems wrong-credentials and too-many-attempts. The attempt is recorded before the password is verified,
    so that concurrent attempts count too.
    """
    # A name that no user could register may be longer, once normalised, than PostgreSQL takes.
    key = name_key(name)[:KEY_LENGTH]
    with factory.begin() as database:
        if database.get_bind().dialect.name == "postgresql":
            # Serialise concurrent attempts, so that each one sees those recorded before it. SQLite allows only one writer.
            database.execute(select(func.pg_advisory_xact_lock(7306)))
        database.execute(delete(SignInAttempt).where(SignInAttempt.at <= now() - WINDOW_SECONDS))
        wait = _seconds_to_wait(database, limit, key, address)
        if wait is None:
            database.add(SignInAttempt(name_key=key, address=address, at=now()))
    if wait is not None:
        raise ProblemError(problems.TOO_MANY_ATTEMPTS, f"Try again in {wait} seconds.", {"retry_after": wait})
    with factory() as database:
        user = database.scalar(select(User).where(User.name_key == key))
    stored = None if user is None else user.password_hash
    right = passwords.verify(stored, password) or (following is not None and passwords.verify(stored, following))
    if user is None or not right:
        raise ProblemError(problems.WRONG_CREDENTIALS, problems.WRONG_CREDENTIALS.meaning)
    with factory.begin() as database:
        database.execute(delete(SignInAttempt).where(SignInAttempt.name_key == key, SignInAttempt.address == address))
        if following is None and passwords.needs_rehash(user.password_hash):
            database.get_one(User, user.user_id).password_hash = passwords.hash_password(password)
    return user


def _seconds_to_wait(database: DatabaseSession, limit: Limit, key: str, address: str) -> int | None:
    """Return the seconds to wait after too many attempts, or None if there are fewer.

    The wait ends when the oldest attempt is forgotten.
    """
    of_name, of_address = SignInAttempt.name_key == key, SignInAttempt.address == address
    for allowed, conditions in (
        (limit.per_name_and_address, (of_name, of_address)),
        (limit.per_name, (of_name,)),
        (limit.per_address, (of_address,)),
    ):
        count, oldest = database.execute(select(func.count(), func.min(SignInAttempt.at)).where(*conditions)).one()
        if count >= allowed:
            return max(1, int(oldest) + WINDOW_SECONDS - now())
    return None
