"""What the API and the pages work with, and all that is kept about a person, here and in the reviews service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import Session
from serving.accounts.domain.ratings import all_ratings
from serving.accounts.domain.registration import as_account, known_user
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.sign_in import Limit
from serving.accounts.domain.tokens import TokenMaker, open_sessions

# What the reviews service keeps about who has an access token; None if it does not answer.
KeptReviews = Callable[[str], dict[str, Any] | None]
WITHOUT_REVIEWS: Final = (
    "The reviews service did not answer. This file lacks reviews, votes, feedback on predictions, kept texts and jobs. "
    "Download it again later."
)


@dataclass(frozen=True)
class Service:
    """Transactions, tokens, the limit on attempts to sign in, and what reviews keep."""

    transactions: Transactions
    tokens: TokenMaker
    limit: Limit
    kept_reviews: KeptReviews


def exported_account(service: Service, user_id: int, session_id: str) -> tuple[schemas.ExportedAccount, str]:
    """Return all that is kept about a user, and the name of its file.

    `session_id` is the session that asks. Where the reviews service does not answer, the file and its name say so. Raises
    the problem not-found.
    """
    with service.transactions() as database:
        token = service.tokens.access_token(database.get_one(Session, session_id))
    # It asks this service in turn, so that no transaction may be open.
    reviews = service.kept_reviews(token)
    with service.transactions() as database:
        found = schemas.ExportedAccount(
            account=as_account(known_user(database, user_id)),
            ratings=all_ratings(database, user_id),
            sessions=open_sessions(database, user_id, session_id),
            reviews=reviews,
            missing=WITHOUT_REVIEWS if reviews is None else None,
        )
    return found, f"marquee-account-{user_id}{'-without-reviews' if reviews is None else ''}.json"
