"""Give each movie of own data the key that its row has or gets.

A publication numbers its movies by the data set's dictionary, and a new row gets that number for its key. A dictionary may have been made
again, or its range given to another data set. Then a number is taken by another movie, and the row gets a key that no dictionary has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import FIRST_OWN_ID, Movie

# Dictionaries end below it.
FIRST_SPARE_KEY: Final = 980_000_001
# Migration 0005 gives it to movies that own data brought before: the next publication that has them says whose they are.
UNNAMED: Final = ""

Row = dict[str, Any]


def with_keys(database: DatabaseSession, dataset: str, batch: list[Row]) -> list[Row]:
    """Return rows of own data with their keys in the database."""
    known = select(Movie.own_id, Movie.movie_id).where(Movie.dataset == dataset)
    keys: dict[str | None, int] = {
        row.own_id: row.movie_id
        for row in database.execute(known.where(Movie.own_id.in_([row["own_id"] for row in batch])))
    }
    numbers = [row["movie_id"] for row in batch if row["own_id"] not in keys]
    present = select(Movie.movie_id, Movie.dataset, Movie.own_id).where(Movie.movie_id.in_(numbers))
    # A row without a name is of before, or of an earlier version of this program: it is this movie.
    taken = {row.movie_id for row in database.execute(present) if row.dataset or row.own_id is not None}
    for row in batch:
        if row["own_id"] not in keys:
            number = row["movie_id"]
            keys[row["own_id"]] = _spare_key(database, keys.values()) if number in taken else number
    return [{**row, "movie_id": keys[row["own_id"]], "dataset": dataset} for row in batch]


def refuse_taken(database: DatabaseSession, source: str, batch: list[Row]) -> None:
    """Raise AccountsError if a movie of MovieLens has the key of own data's movie."""
    numbers = [row["movie_id"] for row in batch]
    unnamed = update(Movie).where(Movie.movie_id.in_(numbers), Movie.dataset == UNNAMED).values(dataset=None)
    database.execute(unnamed)
    taken = select(Movie.movie_id, Movie.dataset).where(Movie.movie_id.in_(numbers), Movie.dataset.is_not(None))
    if row := database.execute(taken.order_by(Movie.movie_id)).first():
        raise AccountsError(
            f"{source} has the movie id {row.movie_id}, which belongs to the data set {row.dataset}. Ids of MovieLens are below "
            "20,000,001. Give the data a name of its own and a mapping."
        )


def _spare_key(database: DatabaseSession, given: Iterable[int]) -> int:
    spare = Movie.movie_id.between(FIRST_SPARE_KEY, FIRST_OWN_ID - 2)
    highest: int = database.scalar(select(func.max(Movie.movie_id)).where(spare)) or FIRST_SPARE_KEY - 1
    return max([highest, *(key for key in given if FIRST_SPARE_KEY <= key < FIRST_OWN_ID)]) + 1
