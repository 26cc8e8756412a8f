"""Exports of a publication of any size, from a formula: the same numbers give the same bytes, and no list repeats a movie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# A prime, so that any step through the movies, modulo it, meets each movie once.
MOVIES = 9_973
GENRES = ("Action", "Comedy", "Drama", "Horror", "Sci-Fi")


def movie_of(user_id: int, place: int) -> int:
    """Return the movie at a place of a user's walk through all movies."""
    return (user_id * 7_919 + place * (1 + user_id % 97)) % MOVIES + 1


def write_exports(folder: Path, users: int, items: int, version: int = 0) -> Path:
    """Write the tables for `users` users with `items` movies each; every score is between `version` and `version` + 1."""
    _write(folder, "movies", movies())
    _write(folder, "recommendations", recommendations(users, items, version))
    similar = (
        (m, rank, (m + rank - 1) % MOVIES + 1, 1 - rank / 100) for m in range(1, MOVIES + 1) for rank in range(1, 11)
    )
    _write(folder, "similar_movies", similar)
    popular = (
        (scope, rank, rank, MOVIES - rank, MOVIES - rank) for scope in ("all", "recent") for rank in range(1, 101)
    )
    _write(folder, "popular_movies", popular)
    return folder


def movies() -> Iterator[tuple[object, ...]]:
    """Yield the catalogue."""
    for movie_id in range(1, MOVIES + 1):
        title = f"The Movie with the Number {movie_id}"
        yield movie_id, title, 1950 + movie_id % 70, f"{GENRES[movie_id % 5]}|{GENRES[(movie_id + 1) % 5]}"


def recommendations(users: int, items: int, version: int) -> Iterator[tuple[object, ...]]:
    """Yield the entries of all lists; reasons are the three movies that follow the list in the user's walk."""
    for user_id in range(1, users + 1):
        reasons = ",".join(str(movie_of(user_id, items + at)) for at in range(3))
        for rank in range(1, items + 1):
            yield user_id, rank, movie_of(user_id, rank - 1), version + 1 - rank / (items + 1), reasons


def _write(folder: Path, table: str, rows: Iterator[tuple[object, ...]]) -> None:
    target = folder / table
    target.mkdir(parents=True)
    with (target / "000000_0").open("w", encoding="utf-8") as file:
        file.writelines("\t".join(map(str, row)) + "\n" for row in rows)
