"""Requests that make something, and their retries (draft-ietf-httpapi-idempotency-key-header).

A client that gives a key may ask again after a lost answer: it gets the answer of the first request, and nothing is made
twice. The key is kept for a day, in the transaction that makes the thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import IdempotencyKey
from serving.accounts.domain import problems
from serving.web.problems import ProblemError

KEPT_SECONDS: Final = 86_400


@dataclass(frozen=True)
class RequestKey:
    """A request's key, as digests.

    One is of who asks for what under which key, the other of the body without secrets.
    `user_id` is the account that the key goes with, where there is one already.
    """

    sha256: str
    request_sha256: str
    user_id: int | None = None


@dataclass(frozen=True)
class Made:
    """The id of what a request made, and whether this is a retry of that request."""

    id: str
    again: bool


def made_once(
    factory: Transactions,
    key: RequestKey | None,
    make: Callable[[DatabaseSession], str],
    *,
    is_account: bool = False,
) -> Made:
    """Make something, unless a request with this key made it before.

    One transaction makes it and keeps the key. `make` returns the new thing's id; `is_account` says that this is the
    account that the key goes with. Of requests that come at once, one makes it, and the others wait for that one. Raises
    the problem key-reused if the key came before with another body, and what `make` raises.
    """
    if key is None:
        with factory.begin() as database:
            return Made(make(database), again=False)
    before = _made_before(factory, key)
    if before is not None:
        return Made(before, again=True)
    try:
        with factory.begin() as database:
            made = make(database)
            database.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now() - KEPT_SECONDS))
            owner = int(made) if is_account else key.user_id
            database.add(
                IdempotencyKey(
                    sha256=key.sha256,
                    request_sha256=key.request_sha256,
                    made=made,
                    user_id=owner,
                    created_at=now(),
                )
            )
    except IntegrityError:
        # Another request with this key was first, or the thing itself is refused.
        before = _made_before(factory, key)
        if before is None:
            raise
        return Made(before, again=True)
    return Made(made, again=False)


def _made_before(factory: Transactions, key: RequestKey) -> str | None:
    with factory() as database:
        kept = database.get(IdempotencyKey, key.sha256)
    if kept is None or kept.created_at <= now() - KEPT_SECONDS:
        return None
    if kept.request_sha256 != key.request_sha256:
        raise ProblemError(problems.KEY_REUSED, problems.KEY_REUSED.meaning)
    return kept.made
