"""What the endpoints work with, made once a process."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from serving.reviews.database.engine import Transactions
from serving.reviews.domain.accounts_client import AccountsClient
from serving.reviews.domain.named_movies import NamedMovies
from serving.reviews.domain.prediction_ids import PredictionIds
from serving.reviews.live_model import LiveModel
from serving.reviews.settings import Settings


@dataclass(frozen=True)
class Service:
    """The live model, the database, the accounts service and the maker of ids."""

    settings: Settings
    live: LiveModel
    engine: Engine
    transactions: Transactions
    accounts: AccountsClient
    movies: NamedMovies
    ids: PredictionIds
