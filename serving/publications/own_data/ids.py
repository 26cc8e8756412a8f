"""The ids of own data: a publication has numbers inside, and a person's own ids outside.

Users of the accounts service, and movies that were added there, have numbers from FIRST_ACCOUNT_NUMBER on and no other id. An own id
may be any text, such a number too. So the accounts' ids have a spelling of their own in publications of own data, see spelling.py.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from serving.publications.own_data.spelling import number_of_account, own_id_of, spelled, spelled_account

# Created in addition to format.SCHEMA where the data set has ids of its own.
SCHEMA: Final = (
    "CREATE TABLE user_ids (user_id INTEGER PRIMARY KEY, own_id TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE movie_ids (movie_id INTEGER PRIMARY KEY, own_id TEXT NOT NULL UNIQUE) STRICT",
)


class OwnIds:
    """The ids of one publication, as they are spelled outside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the movies' ids; those of users stay in the file."""
        self._connection = connection
        rows = connection.execute("SELECT movie_id, own_id FROM movie_ids")
        self.of_movies: dict[int, str] = {number: spelled(own_id) for number, own_id in rows}
        self._movies = {shown: number for number, shown in self.of_movies.items()}

    def user(self, shown: str) -> int | None:
        """Return a user's number, or None if no list is of a user with this id."""
        return number_of_account(shown) or self._number(
            "SELECT user_id FROM user_ids WHERE own_id = ?", own_id_of(shown)
        )

    def movie(self, shown: str) -> int | None:
        """Return a movie's number, or None if the catalogue has no such id."""
        return self._movies.get(shown) or number_of_account(shown)

    def shown_user(self, number: int) -> str:
        """Return a user's id as it is shown."""
        row = self._connection.execute("SELECT own_id FROM user_ids WHERE user_id = ?", (number,)).fetchone()
        return spelled(row[0]) if row else spelled_account(number)

    def shown_movie(self, number: int) -> str:
        """Return a movie's id as it is shown."""
        return self.of_movies.get(number) or spelled_account(number)

    def _number(self, query: str, own_id: str) -> int | None:
        try:
            row: tuple[Any, ...] | None = self._connection.execute(query, (own_id,)).fetchone()
        except UnicodeEncodeError:
            return None
        return row[0] if row else None


def own_ids_of_movies(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the own ids of movies by number, as the data has them.

    There are none for MovieLens.
    """
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'movie_ids'").fetchone()
    return dict(connection.execute("SELECT movie_id, own_id FROM movie_ids")) if table else {}
