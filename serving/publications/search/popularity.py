"""How often each movie is rated: what decides between titles that fit a search alike."""

from __future__ import annotations

import json
import sqlite3


def ratings_by_movie(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the number of ratings by movie id, as far as a publication knows it.

    One without the table of statistics knows it of popular movies only.
    """
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "movie_statistics" in tables:
        return dict(connection.execute("SELECT movie_id, ratings FROM movie_statistics"))
    lists = connection.execute("SELECT items FROM popular_movies")
    return {movie_id: ratings for (items,) in lists for movie_id, _, ratings in json.loads(items)}
