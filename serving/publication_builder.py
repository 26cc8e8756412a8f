"""Build a publication from exported tables: check every list, then write a database with reproducible bytes."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from serving.durable_files import fsync_folder, write_file
from serving.export_files import read_export
from serving.publication_format import (
    APPLICATION_ID,
    DATABASE_NAME,
    MANIFEST_NAME,
    MAX_ID,
    SCHEMA,
    SCHEMA_VERSION,
    Manifest,
    PublicationError,
    check_publication_id,
    parse_time,
    sha256_of,
)

# The columns that each export must have, in order: the last four are what hql/export_*.hql writes.
EXPORT_COLUMNS = {
    "movies": ("movie_id", "title", "release_year", "genres"),
    "recommendations": ("user_id", "rank", "movie_id", "score", "reason_movie_ids"),
    "similar_movies": ("movie_id", "rank", "similar_movie_id", "score"),
    "popular_movies": ("scope", "rank", "movie_id", "score", "ratings"),
}
ITEM_FACTORS_COLUMNS = ("movie_id", "factors")
# Served scores have six decimals; a list may break its order by rounding alone.
SCORE_DECIMALS = 6
_ORDER_TOLERANCE = 10**-SCORE_DECIMALS

Row = tuple[Any, ...]


@dataclass(frozen=True)
class BuildOptions:
    """What a complete publication means.

    With `full_lists`, every user's list must be as long as the longest one, and so must every movie's; a catalogue of
    few movies, most of them rated, cannot fill them.
    """

    full_lists: bool = True


def build_publication(
    exports: Path, lineage: dict[str, Any], batch_id: str, output: Path, options: BuildOptions | None = None
) -> Manifest:
    """Write `output`/publication.sqlite and manifest.json from `exports`/<table>/ and return the manifest.

    Replaces what an earlier build left in `output`. Raises PublicationError, and leaves `output` as it was, if any
    list is not one that may be served.
    """
    check_publication_id(batch_id)
    options = options or BuildOptions()
    data_through = parse_time(lineage.get("data_through"), "data_through in the lineage")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as scratch_folder:
        scratch = Path(scratch_folder)
        database = scratch / DATABASE_NAME
        with closing(_staged(exports, scratch / "staging.sqlite")) as staging:
            rows = _write_database(staging, database, options)
        _fsync_file(database)
        manifest = Manifest(batch_id, sha256_of(database), database.stat().st_size, rows, lineage, data_through)
        # The manifest goes first and returns last: a build that was killed leaves no manifest beside another database.
        (output / MANIFEST_NAME).unlink(missing_ok=True)
        database.replace(output / DATABASE_NAME)
        write_file(output / MANIFEST_NAME, manifest.to_json().encode())
    fsync_folder(output)
    return manifest


def _fsync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _staged(exports: Path, path: Path) -> sqlite3.Connection:
    """Load the exports into a scratch database, which then sorts them: they may be larger than memory."""
    staging = sqlite3.connect(path, isolation_level=None)
    try:
        # A fixed cache and files for sorting: ten million rows stay below 200 MB of memory.
        staging.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-65536;"
        )
        parsers: dict[str, Callable[[str, list[str | None]], Row]] = {
            "movies": _movie,
            "recommendations": _recommendation,
            "similar_movies": _similar,
            "popular_movies": _popular,
        }
        for table, columns in EXPORT_COLUMNS.items():
            _stage(staging, table, columns, exports / table, parsers[table])
        factors = exports / "item_factors"
        staging.execute("CREATE TABLE item_factors (movie_id, factors)")
        if factors.is_dir():
            staging.execute("DROP TABLE item_factors")
            _stage(staging, "item_factors", ITEM_FACTORS_COLUMNS, factors, _item_factors)
    except BaseException:
        staging.close()
        raise
    return staging


def _stage(
    staging: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    folder: Path,
    parse: Callable[[str, list[str | None]], Row],
) -> None:
    print(f"Reading {table} ...", file=sys.stderr)
    staging.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    rows = (parse(place, fields) for place, fields in read_export(folder, len(columns)))
    staging.execute("BEGIN")
    staging.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608
    staging.execute("COMMIT")


# --- one row each ------------------------------------------------------------------------------------------------


def _integer(place: str, column: str, text: str | None, low: int, high: int) -> int:
    try:
        value = int(text or "")
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise PublicationError(f"{place}: {column} is {text!r}, not a whole number from {low} to {high}.")
    return value


def _identifier(place: str, column: str, text: str | None) -> int:
    return _integer(place, column, text, 1, MAX_ID)


def _score(place: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PublicationError(f"{place}: score is {text!r}, not a finite number.")
    # Adding zero turns -0.0 into 0.0.
    return round(value, SCORE_DECIMALS) + 0.0


def _movie(place: str, fields: list[str | None]) -> Row:
    movie_id, title, year, genres = fields
    if not title:
        raise PublicationError(f"{place}: title is empty.")
    release_year = None if year is None else _integer(place, "release_year", year, 1800, 2999)
    return _identifier(place, "movie_id", movie_id), title, release_year, genres or ""


def _recommendation(place: str, fields: list[str | None]) -> Row:
    user_id, rank, movie_id, score, reasons = fields
    reason_ids = [_identifier(place, "reason_movie_ids", text) for text in (reasons or "").split(",") if text]
    return (
        _identifier(place, "user_id", user_id),
        _identifier(place, "rank", rank),
        _identifier(place, "movie_id", movie_id),
        _score(place, score),
        json.dumps(reason_ids),
    )


def _similar(place: str, fields: list[str | None]) -> Row:
    movie_id, rank, similar_movie_id, score = fields
    return (
        _identifier(place, "movie_id", movie_id),
        _identifier(place, "rank", rank),
        _identifier(place, "similar_movie_id", similar_movie_id),
        _score(place, score),
    )


def _popular(place: str, fields: list[str | None]) -> Row:
    scope, rank, movie_id, score, ratings = fields
    if not scope:
        raise PublicationError(f"{place}: scope is empty.")
    return (
        scope,
        _identifier(place, "rank", rank),
        _identifier(place, "movie_id", movie_id),
        _score(place, score),
        _integer(place, "ratings", ratings, 0, 2**53),
    )


def _item_factors(place: str, fields: list[str | None]) -> Row:
    movie_id, text = fields
    try:
        factors = array("f", (float(value) for value in (text or "").split(",")))
    except (ValueError, OverflowError):
        raise PublicationError(f"{place}: factors are not comma-joined numbers.") from None
    if not all(map(math.isfinite, factors)):
        raise PublicationError(f"{place}: factors are not all finite.")
    if sys.byteorder == "big":
        factors.byteswap()
    return _identifier(place, "movie_id", movie_id), factors.tobytes()


# --- whole lists -------------------------------------------------------------------------------------------------


def _write_database(staging: sqlite3.Connection, path: Path, options: BuildOptions) -> dict[str, int]:
    rows = {}
    for table in (*EXPORT_COLUMNS, "item_factors"):
        rows[table] = staging.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        if not rows[table] and table != "item_factors":
            raise PublicationError(f"The export of {table} has no rows: look at the task that fills the table.")
    if not rows["item_factors"]:
        del rows["item_factors"]
    movie_ids = _unique_movie_ids(staging)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # Everything that decides the file's bytes is fixed here: page size, encoding, layout and one transaction with
        # the rows in key order. Without a journal nothing of the run is left in the file.
        database.executescript(
            "PRAGMA page_size=4096; PRAGMA encoding='UTF-8'; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=OFF; "
            f"PRAGMA synchronous=OFF; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
        )
        database.executescript(f"BEGIN; {SCHEMA}")
        movies = staging.execute("SELECT movie_id, title, release_year, genres FROM movies ORDER BY movie_id")
        database.executemany("INSERT INTO movies VALUES (?, ?, ?, ?)", movies)
        print("Checking and writing the lists ...", file=sys.stderr)
        length = _longest(staging, "recommendations", "user_id") if options.full_lists else None
        database.executemany("INSERT INTO recommendations VALUES (?, ?)", _user_lists(staging, movie_ids, length))
        length = _longest(staging, "similar_movies", "movie_id") if options.full_lists else None
        database.executemany("INSERT INTO similar_movies VALUES (?, ?)", _movie_lists(staging, movie_ids, length))
        database.executemany("INSERT INTO popular_movies VALUES (?, ?)", _popular_lists(staging, movie_ids))
        database.executemany("INSERT INTO item_factors VALUES (?, ?)", _factors(staging, movie_ids))
        if not database.execute("SELECT 1 FROM popular_movies WHERE scope = 'all'").fetchone():
            raise PublicationError("popular_movies has no scope 'all': it is what users without a list are shown.")
        database.execute("COMMIT")
    return rows


def _unique_movie_ids(staging: sqlite3.Connection) -> frozenset[int]:
    twice = staging.execute("SELECT movie_id FROM movies GROUP BY 1 HAVING count(*) > 1 ORDER BY 1").fetchone()
    if twice:
        raise PublicationError(f"movies holds movie {twice[0]} more than once: look at the load of the movies table.")
    return frozenset(row[0] for row in staging.execute("SELECT movie_id FROM movies"))


def _longest(staging: sqlite3.Connection, table: str, key: str) -> int:
    query = f"SELECT max(entries) FROM (SELECT count(*) AS entries FROM {table} GROUP BY {key})"  # noqa: S608
    return int(staging.execute(query).fetchone()[0])


def _check_list(name: str, entries: list[Row], movie_ids: frozenset[int], length: int | None) -> None:
    """Check entries of (key, rank, movie_id, score, ...) in rank order."""
    ranks = [entry[1] for entry in entries]
    if ranks != list(range(1, len(entries) + 1)):
        wrong = next(rank for position, rank in enumerate(ranks, 1) if rank != position)
        raise PublicationError(f"The list of {name} is not ranked 1 to {len(entries)}: it has a rank {wrong} instead.")
    if length is not None and len(entries) != length:
        raise PublicationError(
            f"The list of {name} has {len(entries)} of {length} entries: look at the task that fills the table, or "
            "build with --allow-short-lists if the catalogue is too small."
        )
    listed = [entry[2] for entry in entries]
    if len(set(listed)) != len(listed):
        twice = next(movie_id for movie_id in listed if listed.count(movie_id) > 1)
        raise PublicationError(f"The list of {name} holds movie {twice} more than once.")
    if not movie_ids.issuperset(listed):
        unknown = next(movie_id for movie_id in listed if movie_id not in movie_ids)
        raise PublicationError(f"The list of {name} holds movie {unknown}, which the movies table does not have.")
    for above, below in pairwise(entries):
        if below[3] > above[3] + _ORDER_TOLERANCE:
            raise PublicationError(f"The list of {name} has a higher score at rank {below[1]} than at {above[1]}.")


def _lists(query: Iterable[Row]) -> Iterator[tuple[Any, list[Row]]]:
    for key, entries in groupby(query, key=itemgetter(0)):
        yield key, list(entries)


def _user_lists(staging: sqlite3.Connection, movie_ids: frozenset[int], length: int | None) -> Iterator[Row]:
    query = "SELECT user_id, rank, movie_id, score, reason_movie_ids FROM recommendations ORDER BY 1, 2, 3"
    for user_id, entries in _lists(staging.execute(query)):
        name = f"user {user_id}"
        _check_list(name, entries, movie_ids, length)
        reasons = [json.loads(entry[4]) for entry in entries]
        rated = {movie_id for movies in reasons for movie_id in movies}
        if not movie_ids.issuperset(rated):
            unknown = min(rated - movie_ids)
            raise PublicationError(f"The list of {name} gives movie {unknown} as a reason, which movies does not have.")
        # A reason is a movie that the user has rated, so it can never be recommended to the same user.
        seen = rated.intersection(entry[2] for entry in entries)
        if seen:
            raise PublicationError(f"The list of {name} recommends movie {min(seen)}, which the user has rated.")
        items = [[entry[2], entry[3], because] for entry, because in zip(entries, reasons, strict=True)]
        yield user_id, _compact(items)


def _movie_lists(staging: sqlite3.Connection, movie_ids: frozenset[int], length: int | None) -> Iterator[Row]:
    query = "SELECT movie_id, rank, similar_movie_id, score FROM similar_movies ORDER BY 1, 2, 3"
    for movie_id, entries in _lists(staging.execute(query)):
        name = f"movies similar to {movie_id}"
        _check_list(name, entries, movie_ids, length)
        if movie_id not in movie_ids:
            raise PublicationError(f"There is a list of {name}, which the movies table does not have.")
        if any(entry[2] == movie_id for entry in entries):
            raise PublicationError(f"The list of {name} holds the movie itself.")
        yield movie_id, _compact([[entry[2], entry[3]] for entry in entries])


def _popular_lists(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    query = "SELECT scope, rank, movie_id, score, ratings FROM popular_movies ORDER BY 1, 2, 3"
    for scope, entries in _lists(staging.execute(query)):
        _check_list(f"popular movies in {scope}", entries, movie_ids, None)
        yield scope, _compact([[entry[2], entry[3], entry[4]] for entry in entries])


def _factors(staging: sqlite3.Connection, movie_ids: frozenset[int]) -> Iterator[Row]:
    size = None
    previous = None
    for movie_id, factors in staging.execute("SELECT movie_id, factors FROM item_factors ORDER BY 1"):
        if movie_id == previous or movie_id not in movie_ids:
            raise PublicationError(f"item_factors holds movie {movie_id} twice, or movies does not have it.")
        size = size or len(factors)
        if len(factors) != size:
            raise PublicationError(f"item_factors of movie {movie_id} have another length than the others.")
        previous = movie_id
        yield movie_id, factors


def _compact(items: list[list[Any]]) -> str:
    return json.dumps(items, separators=(",", ":"))
