"""Delete what belongs to accounts that are gone.

Reviews, votes, kept texts, feedback and jobs.

The accounts service knows nothing of this one. So this one asks which of its people still have an account, and asks again
later: no message can be lost, and a database that was restored from a backup is put right too.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, func, select, text, union, update
from sqlalchemy.orm import Session

from serving.reviews.database.engine import Transactions
from serving.reviews.database.models import Feedback, HelpfulVote, Job, KeptText, Review
from serving.reviews.domain.accounts_client import AccountsClient

# One process at a time looks.
_SWEEP_LOCK: Final = 7308
# From so many people on, it is not believed that more than half have left since the last look.
_MANY: Final = 10


class UnbelievableError(Exception):
    """So many accounts are gone that another database seems to answer."""


def sweep(factory: Transactions, accounts: AccountsClient, *, waiting: bool = False) -> list[int]:
    """Delete what belongs to accounts that are gone, and return their ids.

    Where another process looks, it returns at once, or after that one if it is `waiting`. Raises UnbelievableError, and
    deletes nothing, where more than half of ten or more accounts are gone. Raises the problem unavailable.
    """
    with factory.begin() as database:
        if waiting:
            database.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SWEEP_LOCK})
        elif not database.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _SWEEP_LOCK}):
            return []
        known = _people(database)
        gone = _missing(known, accounts)
        if len(known) >= _MANY and len(gone) * 2 > len(known):
            raise UnbelievableError(
                f"{len(gone)} of {len(known)} accounts with reviews are gone. Nothing was deleted. Check that "
                "MARQUEE_ACCOUNTS_URL leads to the right service, and that its database was restored whole."
            )
        if gone:
            _delete(database, gone)
        return gone


def _people(database: Session) -> list[int]:
    columns = (
        *(Review.author_id, Review.hidden_by, HelpfulVote.user_id),
        *(KeptText.owner_id, Feedback.user_id, Job.owner_id),
    )
    return sorted(database.scalars(union(*(select(column).where(column.is_not(None)) for column in columns))))


def _missing(known: list[int], accounts: AccountsClient) -> list[int]:
    """Return which of the ids, in their order, have no account.

    A page of accounts answers for many.
    """
    gone: list[int] = []
    left = known
    while left:
        present, covered = accounts.users_from(left[0])
        gone += [user_id for user_id in left if user_id <= covered and user_id not in present]
        left = [user_id for user_id in left if user_id > covered]
    return gone


def _delete(database: Session, gone: list[int]) -> None:
    votes = delete(HelpfulVote).where(HelpfulVote.user_id.in_(gone)).returning(HelpfulVote.review_id)
    taken = votes.cte("taken")
    counts = select(taken.c.review_id, func.count().label("votes")).group_by(taken.c.review_id).subquery()
    database.execute(
        update(Review).where(Review.review_id == counts.c.review_id).values(helpful=Review.helpful - counts.c.votes)
    )
    database.execute(delete(Review).where(Review.author_id.in_(gone)))
    # What staff hid stays hidden, and no longer says by whom.
    database.execute(update(Review).where(Review.hidden_by.in_(gone)).values(hidden_by=None))
    database.execute(delete(KeptText).where(KeptText.owner_id.in_(gone)))
    database.execute(delete(Feedback).where(Feedback.user_id.in_(gone)))
    database.execute(delete(Job).where(Job.owner_id.in_(gone)))
