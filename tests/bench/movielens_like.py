"""Seeded sets of ratings that resemble MovieLens, at any size up to 100 million, in its layout and written in parallel.

    python tests/bench/movielens_like.py --rows 1000000 --output folder

People have taste, movies have an age, and both have long tails (tastes.py), so that a model can learn from them what popularity
cannot tell. Rows are sorted by user and movie, and a few in every thousand are dirty, unless --clean is given. Equal arguments give
equal bytes, however many processes write them.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv
from tastes import GENRES, YEAR, Array, World, activity, half_stars, movies_of, times

SEED = 20261124
HEADER = b"userId,movieId,rating,timestamp\n"
USERS_A_CHUNK = 1_000
STARS = pa.array([f"{half / 2:.1f}" for half in range(11)])
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


def write_set(
    folder: Path, rows: int, seed: int = SEED, *, dirty: bool = True, processes: int | None = None
) -> dict[str, int]:
    """Write ratings.csv and movies.csv into ``folder``; returns rows, bytes, users and movies."""
    folder.mkdir(parents=True, exist_ok=True)
    write_movies(folder / "movies.csv", rows, seed)
    return write_ratings(folder / "ratings.csv", rows, seed, dirty=dirty, processes=processes)


def write_ratings(
    path: Path, rows: int, seed: int = SEED, *, dirty: bool = True, processes: int | None = None
) -> dict[str, int]:
    """Write ``rows`` ratings and a header to ``path``; returns rows, bytes, users and movies.

    Memory is bounded by a few chunks of users, whatever ``rows`` is.
    """
    written = users = 0
    work = partial(_lines, rows=rows, seed=seed, dirty=dirty)
    chunks = _chunks(rows, seed)
    with path.open("wb") as file, get_context("spawn").Pool(min(processes or os.cpu_count() or 1, chunks)) as pool:
        file.write(HEADER)
        for block in pool.imap(work, range(chunks)):
            lines = block.split(b"\n")[: min(rows - written, block.count(b"\n"))]
            if not lines:  # the dirty rows of the chunks before it were enough
                break
            file.write(b"\n".join(lines) + b"\n")
            written += len(lines)
            users = int(lines[-1].lstrip(b"-").split(b",")[0])
    return {"rows": written, "bytes": path.stat().st_size, "users": users, "movies": len(_world(rows, seed).ids)}


def write_movies(path: Path, rows: int, seed: int = SEED) -> None:
    """Write the catalogue of the movies that ``write_ratings`` draws from with the same arguments."""
    world = _world(rows, seed)
    years = (1970 + world.released / YEAR).astype(int)
    kinds = zip(world.ids.tolist(), years.tolist(), world.topic.tolist(), world.second.tolist(), strict=True)
    lines = [f"{movie},Movie {movie} ({year}),{_genres(topic, second)}\n" for movie, year, topic, second in kinds]
    path.write_text("movieId,title,genres\n" + "".join(lines), encoding="utf-8")


def _genres(topic: int, second: int) -> str:
    names = sorted({*GENRES[topic].split("|"), *GENRES[second].split("|")} - {GENRES[-1]})
    return "|".join(names) or GENRES[-1]


@cache
def _world(rows: int, seed: int) -> World:
    return World.of(rows, seed)


def _chunks(rows: int, seed: int) -> int:
    """Return how many chunks of users give that many rows, dirty ones aside."""
    chunk = total = 0
    while total < rows:
        total += int(_wanted(chunk, rows, seed)[1].sum())
        chunk += 1
    return chunk


def _wanted(chunk: int, rows: int, seed: int) -> tuple[np.random.Generator, Array]:
    """Return a chunk's generator, and how many movies each of its people rates."""
    generator = np.random.default_rng([seed, 1 + chunk])
    return generator, activity(generator, USERS_A_CHUNK, len(_world(rows, seed).ids))


def _lines(chunk: int, rows: int, seed: int, dirty: bool) -> bytes:
    """Return the rows of a chunk of users, sorted by user and movie."""
    world = _world(rows, seed)
    generator, wanted = _wanted(chunk, rows, seed)
    person = np.repeat(np.arange(len(wanted)), wanted)
    when, at_first = times(generator, wanted)
    movie, liking = movies_of(generator, world, wanted, when, at_first)
    stars = half_stars(generator, world, person, len(wanted), movie, liking)
    order = np.lexsort((movie, person))
    user = 1 + chunk * USERS_A_CHUNK + person[order]
    columns = [user, world.ids[movie[order]], STARS.take(pa.array(stars[order])), when[order]]
    sink = pa.BufferOutputStream()
    csv.write_csv(
        pa.table(columns, names=list("umrt")), sink, csv.WriteOptions(include_header=False, quoting_style="none")
    )
    block = sink.getvalue().to_pybytes()
    return b"".join(_with_dirty_rows(generator, block.splitlines())) if dirty else block


def _with_dirty_rows(generator: np.random.Generator, lines: list[bytes]) -> Iterator[bytes]:
    """Yield the lines, and a dirty one, or a second rating of the same movie, behind some of them."""
    places = generator.choice(len(lines), len(lines) * DIRTY_IN_A_THOUSAND // 1000, replace=False)
    kinds = dict(zip(places.tolist(), generator.integers(0, len(BAD_ROWS), len(places)).tolist(), strict=True))
    for at, line in enumerate(lines):
        yield line + b"\n"
        if at in kinds:
            yield BAD_ROWS[kinds[at]](line) + b"\n"


def main() -> None:
    """Write a set and say what is in it."""
    parser = argparse.ArgumentParser(description="Write a seeded set of ratings that resembles MovieLens.")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--clean", action="store_true", help="without dirty rows")
    parser.add_argument("--processes", type=int, help="(default: all cores)")
    parser.add_argument("--ratings-only", action="store_true", help="--output is the file of the ratings")
    parser.add_argument("--output", type=Path, required=True, help="folder for ratings.csv and movies.csv")
    options = parser.parse_args()
    write = write_ratings if options.ratings_only else write_set
    figures = write(options.output, options.rows, options.seed, dirty=not options.clean, processes=options.processes)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
