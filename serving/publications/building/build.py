"""Build a publication from exported tables: check each list, and write a database with reproducible bytes."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.publications.building import list_checks
from serving.publications.building.export_files import read_export
from serving.publications.building.export_rows import EXPORT_COLUMNS, OPTIONAL_COLUMNS, PARSERS
from serving.publications.building.own_ids import write_own_ids
from serving.publications.durable_files import fsync_file, fsync_folder, write_file
from serving.publications.format import (
    APPLICATION_ID,
    DATABASE_NAME,
    MANIFEST_NAME,
    OWN_IDS_SCHEMA_VERSION,
    SCHEMA,
    SCHEMA_VERSION,
    PublicationError,
    check_publication_id,
    sha256_of,
)
from serving.publications.manifest import Manifest
from serving.publications.times import parse_time


@dataclass(frozen=True)
class BuildOptions:
    """Options that decide which exports make a complete publication.

    With `full_lists`, each user's list must be as long as the longest one, and so must each movie's. A catalogue of few
    movies, most of them rated, cannot fill the lists.
    """

    full_lists: bool = True


def build_publication(
    exports: Path, lineage: dict[str, Any], batch_id: str, output: Path, options: BuildOptions | None = None
) -> Manifest:
    """Return the manifest of a publication built from `exports`/<table>/.

    Writes publication.sqlite and manifest.json to `output` and replaces those of an earlier build. Raises
    PublicationError, and leaves `output` unchanged, if a list may not be served.
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
            figures = list_checks.figures(staging)
        fsync_file(database)
        digest, size = sha256_of(database), database.stat().st_size
        version = OWN_IDS_SCHEMA_VERSION if "ids" in rows else SCHEMA_VERSION
        manifest = Manifest(batch_id, digest, size, rows, lineage, data_through, figures, version)
        # The old manifest is removed first and the new one comes last, so that a killed build leaves no manifest next to
        # another database.
        (output / MANIFEST_NAME).unlink(missing_ok=True)
        database.replace(output / DATABASE_NAME)
        write_file(output / MANIFEST_NAME, manifest.to_json().encode())
    fsync_folder(output)
    return manifest


def _staged(exports: Path, path: Path) -> sqlite3.Connection:
    """Return a scratch database that holds the exports.

    It sorts them, since they may be larger than memory.
    """
    staging = sqlite3.connect(path, isolation_level=None)
    try:
        # With a fixed cache and files for sorting, ten million rows stay below 200 MB of memory.
        staging.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-65536;"
        )
        for table, columns in EXPORT_COLUMNS.items():
            _stage(staging, table, columns, exports / table)
        for table, columns in OPTIONAL_COLUMNS.items():
            _stage(staging, table, columns, exports / table if (exports / table).is_dir() else None)
    except BaseException:
        staging.close()
        raise
    return staging


def _stage(staging: sqlite3.Connection, table: str, columns: tuple[str, ...], folder: Path | None) -> None:
    staging.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    if folder is None:
        return
    print(f"Reading {table} ...", file=sys.stderr)
    parse = PARSERS[table]
    rows = (parse(place, fields) for place, fields in read_export(folder, len(columns)))
    staging.execute("BEGIN")
    staging.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608
    staging.execute("COMMIT")


def _write_database(staging: sqlite3.Connection, path: Path, options: BuildOptions) -> dict[str, int]:
    rows = {}
    for table in (*EXPORT_COLUMNS, *OPTIONAL_COLUMNS):
        count = staging.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        if count:
            rows[table] = count
        elif table in EXPORT_COLUMNS:
            raise PublicationError(f"The export of {table} has no rows. Look at the task that fills the table.")
    movie_ids = _unique_movie_ids(staging)
    version = OWN_IDS_SCHEMA_VERSION if "ids" in rows else SCHEMA_VERSION
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # All that decides the file's bytes is fixed here: page size, encoding, layout and one transaction with the rows
        # in key order. Without a journal the file keeps no trace of the run.
        database.executescript(
            "PRAGMA page_size=4096; PRAGMA encoding='UTF-8'; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=OFF; "
            f"PRAGMA synchronous=OFF; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version};"
        )
        database.executescript(f"BEGIN; {SCHEMA}")
        print("Checking and writing the lists ...", file=sys.stderr)
        users = list_checks.longest(staging, "recommendations", "user_id") if options.full_lists else None
        similar = list_checks.longest(staging, "similar_movies", "movie_id") if options.full_lists else None
        contents = {
            "movies": list_checks.rows_by_key(staging, "movies"),
            "recommendations": list_checks.user_lists(staging, movie_ids, users),
            # A short tail may not fill the lists of those who rated most of it.
            "discoveries": list_checks.user_lists(staging, movie_ids, None, "discoveries"),
            "discovery_prices": list_checks.rows_by_key(staging, "discovery_prices", movie_ids),
            "similar_movies": list_checks.movie_lists(staging, movie_ids, similar),
            "popular_movies": list_checks.popular_lists(staging, movie_ids),
            "movie_factors": list_checks.factors(staging, movie_ids),
            "movie_neighbours": list_checks.neighbours(staging, movie_ids),
            "ratings_by_year": list_checks.rows_by_key(staging, "ratings_by_year"),
            "popular_by_genre": list_checks.genre_lists(staging, movie_ids),
            "movie_ratings_by_year": list_checks.years_of_movies(staging, movie_ids),
            "movie_statistics": list_checks.rows_by_key(staging, "movie_statistics", movie_ids),
            "row_accounting": list_checks.rows_by_key(staging, "row_accounting"),
        }
        for table, entries in contents.items():
            columns = len(database.execute(f"PRAGMA table_info({table})").fetchall())
            database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", entries)  # noqa: S608
        if "ids" in rows:
            rows["ids"] = write_own_ids(staging, database)
        if not database.execute("SELECT 1 FROM popular_movies WHERE scope = 'all'").fetchone():
            raise PublicationError(
                "popular_movies has no scope 'all', which users without a list see. Look at the task that fills the table."
            )
        database.execute("COMMIT")
    return rows


def _unique_movie_ids(staging: sqlite3.Connection) -> frozenset[int]:
    return frozenset(row[0] for row in list_checks.rows_by_key(staging, "movies"))
