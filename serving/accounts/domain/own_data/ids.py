"""Movies by the ids that people use.

The key of a movie's row is never shown for own data. The row has its data set and own id, so that ratings and reviews of it stay
true when another data set goes live. Movies of MovieLens have no data set here: their key is their id.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import CatalogueLoad, Movie
from serving.publications.format import MAX_ID
from serving.publications.own_data.spelling import number_of_account, own_id_of, spelled, spelled_account

_PLAIN: Final = re.compile(r"[1-9][0-9]{0,9}")


def live_dataset(database: DatabaseSession) -> str | None:
    """Return the name of the own data that is live, or None for MovieLens."""
    return database.scalar(select(CatalogueLoad.dataset))


def own_data_is_live(factory: Transactions) -> bool:
    """Return whether own data is live; False where the database does not answer."""
    try:
        with factory() as database:
            return live_dataset(database) is not None
    except SQLAlchemyError:
        # The request itself asks the database, and its answer says what is wrong.
        return False


def of_dataset(dataset: str | None) -> ColumnElement[bool]:
    """Return the condition for movies of a data set.

    Those that were added here while it was live are among them.
    """
    return Movie.dataset.is_(None) if dataset is None else Movie.dataset == dataset


def of_live(database: DatabaseSession) -> ColumnElement[bool]:
    """Return the condition for movies of the live data set."""
    return of_dataset(live_dataset(database))


def movie_named(database: DatabaseSession, shown: int | str) -> Movie | None:
    """Return the movie of the live data set that has an id, withdrawn or not."""
    dataset, shown = live_dataset(database), str(shown)
    number = number_of_account(shown) if dataset is not None else _plain(shown)
    if dataset is None or number is not None:
        query = select(Movie).where(Movie.movie_id == (number or 0), Movie.own_id.is_(None))
    else:
        query = select(Movie).where(Movie.own_id == own_id_of(shown))
    return database.scalar(query.where(of_dataset(dataset))) if "\0" not in shown else None


def shown_id(movie: Movie) -> int | str:
    """Return the id that people use for a movie."""
    if movie.dataset is None:
        return movie.movie_id
    return spelled_account(movie.movie_id) if movie.own_id is None else spelled(movie.own_id)


def shown_ids(movie: Movie) -> dict[str, Any]:
    """Return the members of an answer that say which movie it is about."""
    data_set = {} if movie.dataset is None else {"dataset": movie.dataset}
    return {"movie_id": shown_id(movie), **data_set}


def _plain(text: str) -> int | None:
    number = int(text) if _PLAIN.fullmatch(text) else 0
    return number if 1 <= number <= MAX_ID else None
