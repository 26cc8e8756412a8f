"""Seeded ratings that look like MovieLens, at any size: long tails, half stars, a few dirty rows in every thousand.

    python tests/bench/movielens_like.py --rows 1000000 --output ratings.csv

Modelled on ml-25m (162,541 users, 59,047 movies): each user has at least 20 ratings and a log-normal number more, movies
are drawn by a Zipf-Mandelbrot law, a user's ratings follow one another in time, rows are sorted by user and movie.
Equal arguments give equal bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

HEADER = b"userId,movieId,rating,timestamp\n"
USERS_A_CHUNK = 2_000
FIRST_TIME, LAST_TIME = 825_638_400, 1_574_300_000  # 1996-03-01 to 2019-11-21, as ml-25m
STARS = pa.array([f"{half_stars / 2:.1f}" for half_stars in range(1, 11)])
STAR_SHARES = np.array([1.6, 3.1, 1.6, 6.6, 5.0, 19.6, 12.7, 26.5, 8.8, 14.5])
GENRES = ("Drama", "Comedy", "Action|Thriller", "Documentary", "Horror|Sci-Fi", "Children|Animation|Musical")
DIRTY_IN_A_THOUSAND = 3
# What becomes of a row; the last two are good rows that another one supersedes.
BAD_ROWS = (
    lambda row: row + b",extra",
    lambda row: row.rsplit(b",", 1)[0],
    lambda row: b"-" + row,
    lambda row: row.replace(b",", b",\xff", 1),
    lambda row: row.rsplit(b",", 2)[0] + b",NaN,1000000000",
    lambda row: row.rsplit(b",", 2)[0] + b",3.7,1000000000",
    lambda row: row.rsplit(b",", 1)[0] + b",99999999999",
    lambda row: row + b"\r",
    lambda row: row.rsplit(b",", 2)[0] + b",0.5,830000000",
)


def write_ratings(path: Path, rows: int, seed: int = 20261124) -> dict[str, int]:
    """Write ``rows`` ratings and a header to ``path``; returns rows, bytes, users and movies.

    Memory is bounded by a chunk of users, whatever ``rows`` is.
    """
    generator = np.random.default_rng(seed)
    movie_ids, popularity = _movies(generator, rows)
    written = users = 0
    with path.open("wb") as file:
        file.write(HEADER)
        while written < rows:
            lines = _chunk(generator, movie_ids, popularity, first_user=users + 1)
            lines = list(_with_dirty_rows(generator, lines))[: rows - written]
            file.write(b"\n".join(lines) + b"\n")
            written += len(lines)
            users += USERS_A_CHUNK
    return {"rows": written, "bytes": path.stat().st_size, "users": users, "movies": len(movie_ids)}


def write_movies(path: Path, rows: int, seed: int = 20261124) -> None:
    """Write the catalogue of the movies that ``write_ratings`` draws from with the same arguments."""
    ids, _ = _movies(np.random.default_rng(seed), rows)
    lines = [f"{movie},Movie {movie} ({1930 + movie % 90}),{GENRES[movie % len(GENRES)]}\n" for movie in ids.tolist()]
    path.write_text("movieId,title,genres\n" + "".join(lines), encoding="utf-8")


def _movies(generator: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ascending movie ids with gaps, and the cumulated share of ratings that each gets."""
    count = int(59_000 * (rows / 25_000_000) ** 0.34)
    ids = np.sort(generator.choice(np.arange(1, 4 * count), count, replace=False))
    shares = (np.arange(1, count + 1) + count / 300) ** -1.8
    return ids, np.cumsum(generator.permutation(shares / shares.sum()))


def _chunk(generator: np.random.Generator, ids: np.ndarray, popularity: np.ndarray, first_user: int) -> list[bytes]:
    """Return the rows of the next USERS_A_CHUNK users, sorted by user and movie."""
    wanted = 20 + generator.lognormal(3.93, 1.45, USERS_A_CHUNK).astype(np.int64)
    wanted = np.minimum(wanted, len(ids) // 4)
    user = np.repeat(np.arange(first_user, first_user + USERS_A_CHUNK), wanted)
    movie = np.searchsorted(popularity, generator.random(len(user)) * popularity[-1])
    pairs = np.unique(user * len(ids) + movie)  # a user rates a movie once
    user, movie = pairs // len(ids), pairs % len(ids)
    begun = generator.integers(FIRST_TIME, LAST_TIME, USERS_A_CHUNK)[user - first_user]
    time = np.minimum(begun + generator.exponential(2_000_000, len(user)).astype(np.int64), LAST_TIME)
    stars = generator.choice(10, len(user), p=STAR_SHARES / STAR_SHARES.sum())
    table = pa.table([user, ids[movie], STARS.take(pa.array(stars)), time], names=list("umrt"))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().to_pybytes().split(b"\n")[:-1]


def _with_dirty_rows(generator: np.random.Generator, lines: list[bytes]) -> Iterator[bytes]:
    """Yield the lines, and a dirty one, or a second rating of the same movie, behind some of them."""
    places = generator.choice(len(lines), len(lines) * DIRTY_IN_A_THOUSAND // 1000, replace=False)
    kinds = dict(zip(places.tolist(), generator.integers(0, len(BAD_ROWS), len(places)).tolist(), strict=True))
    for at, line in enumerate(lines):
        yield line
        if at in kinds:
            yield BAD_ROWS[kinds[at]](line)


def main() -> None:
    """Write a file and say what is in it."""
    parser = argparse.ArgumentParser(description="Write seeded ratings that look like MovieLens.")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    print(json.dumps(write_ratings(options.output, options.rows, options.seed)))


if __name__ == "__main__":
    main()
