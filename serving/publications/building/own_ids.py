"""Give a publication of own data the ids of the users and movies that it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from serving.publications.format import PublicationError
from serving.publications.own_data.ids import SCHEMA
from serving.publications.own_data.spelling import FIRST_ACCOUNT_NUMBER

# The dictionary's kind, the table, and the numbers that the publication has.
_TABLES = (
    ("user", "user_ids", "SELECT DISTINCT user_id AS number FROM recommendations"),
    ("item", "movie_ids", "SELECT movie_id AS number FROM movies"),
)


def write_own_ids(staging: sqlite3.Connection, database: sqlite3.Connection) -> int:
    """Write the tables of ids, and return how many rows they have.

    The dictionary may have more: it holds what all batches of the data set had. Raises PublicationError for a number
    without an id.
    """
    for statement in SCHEMA:
        database.execute(statement)
    rows = 0
    for kind, table, used in _TABLES:
        entries = list(used_ids(staging, kind, used))
        database.executemany(f"INSERT INTO {table} VALUES (?, ?)", entries)  # noqa: S608
        rows += len(entries)
    return rows


def used_ids(staging: sqlite3.Connection, kind: str, used: str) -> Iterator[tuple[int, str]]:
    """Yield (number, own id) of the numbers that a publication has, by number.

    `used` is a query for these numbers. Raises PublicationError for a number without an id.
    """
    query = (
        f"SELECT used.number, ids.own_id FROM ({used}) AS used "  # noqa: S608 - written in this package
        "LEFT JOIN ids ON ids.kind = ? AND ids.number = used.number ORDER BY used.number"
    )
    for number, own_id in staging.execute(query, (kind,)):
        if own_id is not None:
            yield number, own_id
        elif number < FIRST_ACCOUNT_NUMBER:
            raise PublicationError(
                f"The dictionary has no id for {kind} {number}. Look at the files of the data set below /marquee/ids."
            )
