"""Check whole lists as they are read from the staged exports, in key order.

Movies are known, ranks have no gaps, scores are in order, and no movie comes twice. Lists of users and of similar movies
are full, unless short ones are allowed. A user's list holds no movie that is among the user's reasons, all of which the
user has rated. Other ratings cannot be checked, since the exports hold none.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from serving.publications.building.export_rows import SCORE_DECIMALS, Row
from serving.publications.format import PublicationError

_ORDER_TOLERANCE = 10**-SCORE_DECIMALS
_REPAIR = "Look at the task that fills the table."


def longest(staging: sqlite3.Connection, table: str, key: str) -> int:
    """Return the length of the table's longest list."""
    query = f"SELECT max(entries) FROM (SELECT count(*) AS entries FROM {table} GROUP BY {key})"  # noqa: S608
    return int(staging.execute(query).fetchone()[0])


def _check_list(name: str, entries: list[Row], movie_ids: frozenset[int], length: int | None) -> None:
    """Check entries of (key, rank, movie_id, score, ...) in rank order."""
    ranks = [entry[1] for entry in entries]
    if ranks != list(range(1, len(entries) + 1)):
        wrong = next(rank for position, rank in enumerate(ranks, 1) if rank != position)
        raise PublicationError(
            f"The list of {name} is not ranked 1 to {len(entries)}: it has a rank {wrong}. {_REPAIR}"
        )
    if length is not None and len(entries) != length:
        raise PublicationError(
            f"The list of {name} has {len(entries)} of {length} entries. Look at the task that fills the table, or build "
            "with --allow-short-lists if the catalogue is too small."
        )
    listed = [entry[2] for entry in entries]
    if len(set(listed)) != len(listed):
        twice = next(movie_id for movie_id in listed if listed.count(movie_id) > 1)
        raise PublicationError(f"The list of {name} holds movie {twice} more than once. {_REPAIR}")
    if not movie_ids.issuperset(listed):
        unknown = next(movie_id for movie_id in listed if movie_id not in movie_ids)
        raise PublicationError(
            f"The list of {name} holds movie {unknown}, which the movies table does not have. {_REPAIR}"
        )
    for above, below in pairwise(entries):
        if below[3] > above[3] + _ORDER_TOLERANCE:
            raise PublicationError(
                f"The list of {name} has a higher score at rank {below[1]} than at {above[1]}. {_REPAIR}"
            )


def _lists(query: Iterable[Row]) -> Iterator[tuple[Any, list[Row]]]:
    for key, entries in groupby(query, key=itemgetter(0)):
        yield key, list(entries)


def user_lists(
    staging: sqlite3.Connection, movie_ids: frozenset[int], length: int | None, table: str = "recommendations"
) -> Iterator[Row]:
    """Yield (user_id, items) of recommendations, or of another table like it."""
    query = f"SELECT user_id, rank, movie_id, score, reason_movie_ids FROM {table} ORDER BY 1, 2, 3"  # noqa: S608
    for user_id, entries in _lists(staging.execute(query)):
        name = f"user {user_id}" if table == "recommendations" else f"{table} of user {user_id}"
        _check_list(name, entries, movie_ids, length)
        reasons = {movie_id for entry in entries for movie_id in entry[4][1:-1].split(",")}
        rated = {int(movie_id) for movie_id in reasons if movie_id}
        if not movie_ids.issuperset(rated):
            unknown = min(rated - movie_ids)
            raise PublicationError(
                f"The list of {name} gives movie {unknown} as a reason, which movies does not have. {_REPAIR}"
            )
        # A reason is a movie that the user has rated, so it may not be recommended to this user.
        seen = rated.intersection(entry[2] for entry in entries)
        if seen:
            raise PublicationError(
                f"The list of {name} recommends movie {min(seen)}, which the user has rated. {_REPAIR}"
            )
        yield user_id, f"[{','.join([f'[{movie},{score},{because}]' for _, _, movie, score, because in entries])}]"


def movie_lists(staging: sqlite3.Connection, movie_ids: frozenset[int], length: int | None) -> Iterator[Row]:
    """Yield (movie_id, items) of similar_movies."""
    query = "SELECT movie_id, rank, similar_movie_id, score FROM similar_movies ORDER BY 1, 2, 3"
    for movie_id, entries in _lists(staging.execute(query)):
        name = f"movies similar to {movie_id}"
        _check_list(name, entries, movie_ids, length)
        if movie_id not in movie_ids:
            raise PublicationError(f"There is a list of {name}, which the movies table does not have. {_REPAIR}")
        if any(entry[2] == movie_id for entry in entries):
            raise PublicationError(f"The list of {name} holds the movie itself. {_REPAIR}")
        yield movie_id, _compact([[entry[2], entry[3]] for entry in entries])


def popular_lists(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    """Yield (scope, items) of popular_movies."""
    query = "SELECT scope, rank, movie_id, score, ratings FROM popular_movies ORDER BY 1, 2, 3"
    for scope, entries in _lists(staging.execute(query)):
        _check_list(f"popular movies in {scope}", entries, movie_ids, None)
        yield scope, _compact([[entry[2], entry[3], entry[4]] for entry in entries])


def genre_lists(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    """Yield (genre, items) of popular_by_genre."""
    query = "SELECT genre, rank, movie_id, bayesian_mean, ratings FROM popular_by_genre ORDER BY 1, 2, 3"
    for genre, entries in _lists(staging.execute(query)):
        _check_list(f"the best movies in {genre}", entries, movie_ids, None)
        yield genre, _compact([list(entry[2:]) for entry in entries])


def years_of_movies(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    """Yield (movie_id, items) of movie_ratings_by_year, each year once."""
    query = "SELECT movie_id, rating_year, ratings, mean_rating FROM movie_ratings_by_year ORDER BY 1, 2, 3, 4"
    for movie_id, entries in _lists(staging.execute(query)):
        years = [entry[1] for entry in entries]
        if movie_id not in movie_ids or len(set(years)) != len(years):
            raise PublicationError(
                f"movie_ratings_by_year has a year of movie {movie_id} twice, or movies does not have it. {_REPAIR}"
            )
        yield movie_id, _compact([list(entry[1:]) for entry in entries])


def factors(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    """Yield the rows of movie_factors by movie, all with the same number of factors."""
    size = None
    for row in rows_by_key(staging, "movie_factors", movie_ids):
        size = size or len(row[-1])
        if len(row[-1]) != size:
            raise PublicationError(f"movie_factors of movie {row[0]} have another length than the others. {_REPAIR}")
        yield row


def neighbours(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    """Yield (movie_id, neighbour_ids, weights) of movie_neighbours.

    Both are little-endian bytes, strongest first.
    """
    query = "SELECT movie_id, rank, neighbour_id, weight FROM movie_neighbours ORDER BY 1, 2, 3"
    for movie_id, entries in _lists(staging.execute(query)):
        ids = [entry[2] for entry in entries]
        if [entry[1] for entry in entries] != list(range(1, len(entries) + 1)) or len(set(ids)) != len(ids):
            raise PublicationError(
                f"The neighbours of movie {movie_id} are not ranked 1 to {len(entries)}, each once. {_REPAIR}"
            )
        if movie_id in ids or not movie_ids.issuperset([movie_id, *ids]):
            raise PublicationError(
                f"movie_neighbours of movie {movie_id} holds itself, or a movie that movies lacks. {_REPAIR}"
            )
        weights = struct.pack(f"<{len(ids)}f", *(entry[3] for entry in entries))
        yield movie_id, struct.pack(f"<{len(ids)}i", *ids), weights


def rows_by_key(staging: sqlite3.Connection, table: str, keys: frozenset[int] | None = None) -> Iterator[Row]:
    """Yield a table's rows by its first column, which must be unique.

    Where `keys` is given, the column must also be one of them.
    """
    previous = None
    for row in staging.execute(f"SELECT * FROM {table} ORDER BY 1"):  # noqa: S608
        if row[0] == previous:
            raise PublicationError(f"{table} holds {row[0]} twice. {_REPAIR}")
        if keys is not None and row[0] not in keys:
            raise PublicationError(f"{table} holds movie {row[0]}, which the movies table does not have. {_REPAIR}")
        previous = row[0]
        yield row


def figures(staging: sqlite3.Connection) -> dict[str, float]:
    """Return figures of the users' lists: users, coverage and explained entries.

    `coverage` is the share of the catalogue's movies that are in a user's list, and `coverage_at_10` the share in the
    first ten of one. `explained` is the share of entries with a reason. Six decimals give the same figures for the same
    exports.
    """
    users, listed, listed_at_10, explained, movies = staging.execute(
        "SELECT count(DISTINCT user_id), count(DISTINCT movie_id), "
        "count(DISTINCT CASE WHEN rank <= 10 THEN movie_id END), avg(reason_movie_ids != '[]'), "
        "(SELECT count(*) FROM movies) FROM recommendations"
    ).fetchone()
    return {
        "users": users,
        "coverage": round(listed / movies, 6),
        "coverage_at_10": round(listed_at_10 / movies, 6),
        "explained": round(explained, 6),
    }


def _compact(items: list[list[Any]]) -> str:
    return json.dumps(items, separators=(",", ":"))
