"""What the API and the pages work with."""

from __future__ import annotations

from dataclasses import dataclass

from serving.accounts.database.engine import Transactions
from serving.accounts.domain.sign_in import Limit
from serving.accounts.domain.tokens import TokenMaker


@dataclass(frozen=True)
class Service:
    """Transactions, the maker of tokens, and the limit on failed attempts to sign in."""

    transactions: Transactions
    tokens: TokenMaker
    limit: Limit
