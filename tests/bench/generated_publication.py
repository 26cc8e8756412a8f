"""Exports of a publication of any size, from a formula: the same numbers give the same bytes, and no list repeats a movie."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# A prime, so that any step through the movies, modulo it, meets each movie once.
MOVIES = 9_973
GENRES = ("Action", "Comedy", "Drama", "Horror", "Sci-Fi")


def movie_of(user_id: int, place: int, count: int = MOVIES) -> int:
    """Return the movie at a place of a user's walk through all movies."""
    return (user_id * 7_919 + place * (1 + user_id % 97)) % count + 1


def write_exports(folder: Path, users: int, items: int, version: int = 0, count: int = MOVIES, rank: int = 0) -> Path:
    """Write the tables for `users` users with `items` movies each; every score is between `version` and `version` + 1.

    There are `count` movies, a prime number. With a `rank` above 0 they have so many factors.
    """
    _write(folder, "movies", movies(count))
    _write(folder, "recommendations", recommendations(users, items, version, count))
    ranks, ids = range(1, 11), ids_of(count)
    _write(folder, "similar_movies", ((m, at, (m + at - 1) % count + 1, 1 - at / 100) for m in ids for at in ranks))
    popular = ((scope, at, at, count - at, count - at) for scope in ("all", "recent") for at in range(1, 101))
    _write(folder, "popular_movies", popular)
    if rank:
        _write(folder, "movie_factors", factors(count, rank))
    return folder


def factors(count: int, rank: int) -> Iterator[tuple[object, ...]]:
    """Yield each movie's gain, prior and factors."""
    generator = np.random.default_rng(rank)
    for movie_id in ids_of(count):
        yield movie_id, 1.0, 0.01, base64.b64encode(generator.normal(size=rank).astype("<f4").tobytes()).decode()


def ids_of(count: int) -> range:
    """Return the ids of all movies."""
    return range(1, count + 1)


def movies(count: int) -> Iterator[tuple[object, ...]]:
    """Yield the catalogue."""
    for movie_id in ids_of(count):
        title = f"The Movie with the Number {movie_id}"
        yield movie_id, title, 1950 + movie_id % 70, f"{GENRES[movie_id % 5]}|{GENRES[(movie_id + 1) % 5]}"


def recommendations(users: int, items: int, version: int, count: int) -> Iterator[tuple[object, ...]]:
    """Yield the entries of all lists; reasons are the three movies that follow the list in the user's walk."""
    for user_id in range(1, users + 1):
        reasons = ",".join(str(movie_of(user_id, items + at, count)) for at in range(3))
        for rank in range(1, items + 1):
            yield user_id, rank, movie_of(user_id, rank - 1, count), version + 1 - rank / (items + 1), reasons


def _write(folder: Path, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    target = folder / table
    target.mkdir(parents=True)
    with (target / "000000_0").open("w", encoding="utf-8") as file:
        file.writelines("\t".join(map(str, row)) + "\n" for row in rows)
