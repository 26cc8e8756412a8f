"""The ids of own data: a publication has numbers inside, and a person's own ids outside.

Users of the accounts service, and movies that were added there, have numbers from FIRST_ACCOUNT_NUMBER on. They have no other id.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from serving.publications.format import MAX_ID

FIRST_ACCOUNT_NUMBER: Final = 1_000_000_000
# Created in addition to format.SCHEMA where the data set has ids of its own.
SCHEMA: Final = (
    "CREATE TABLE user_ids (user_id INTEGER PRIMARY KEY, own_id TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE movie_ids (movie_id INTEGER PRIMARY KEY, own_id TEXT NOT NULL UNIQUE) STRICT",
)


class OwnIds:
    """The ids of one publication."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the movies' ids; those of users stay in the file."""
        self._connection = connection
        rows = connection.execute("SELECT movie_id, own_id FROM movie_ids")
        self.of_movies: dict[int, str] = dict(rows)
        self._movies = {own_id: number for number, own_id in self.of_movies.items()}

    def user(self, own_id: str) -> int | None:
        """Return a user's number, or None if no list is of a user with this id."""
        return self._number("SELECT user_id FROM user_ids WHERE own_id = ?", own_id) or _of_accounts(own_id)

    def movie(self, own_id: str) -> int | None:
        """Return a movie's number, or None if the catalogue has no such id."""
        return self._movies.get(own_id) or _of_accounts(own_id)

    def numbered(self, text: str) -> int | None:
        """Return the number that a text is, if it is a movie's."""
        is_number = text.isascii() and text.isdecimal() and len(text) <= 10
        return int(text) if is_number and int(text) in self.of_movies else None

    def shown_user(self, number: int) -> str:
        """Return a user's own id."""
        row = self._connection.execute("SELECT own_id FROM user_ids WHERE user_id = ?", (number,)).fetchone()
        return row[0] if row else str(number)

    def shown_movie(self, number: int) -> str:
        """Return a movie's own id."""
        return self.of_movies.get(number, str(number))

    def _number(self, query: str, own_id: str) -> int | None:
        try:
            row: tuple[Any, ...] | None = self._connection.execute(query, (own_id,)).fetchone()
        except UnicodeEncodeError:
            return None
        return row[0] if row else None


def _of_accounts(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if is_number and FIRST_ACCOUNT_NUMBER < int(text) <= MAX_ID else None
