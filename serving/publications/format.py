"""What a publication is: its identifier, its two files, the database schema and the manifest.

A publication is a folder with two files that never change once published:

``publication.sqlite``  the lists and the catalogue. Identical exports give identical bytes, so it holds neither the
                        batch id nor any lineage or clock.
``manifest.json``       what the database is (SHA-256, size, rows) and where it comes from (lineage).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

SCHEMA_VERSION: Final = 2
# Version 1 lacks the tables from movie_factors on. It is still served, so that an upgrade leaves every rollback target.
READABLE_SCHEMA_VERSIONS: Final = frozenset({1, SCHEMA_VERSION})
DATABASE_NAME: Final = "publication.sqlite"
MANIFEST_NAME: Final = "manifest.json"
# "MARQ", in SQLite's application_id header field: file(1) and our reader tell the file from any other database.
APPLICATION_ID: Final = 0x4D415251
MAX_ID: Final = 2_147_483_647

PUBLICATION_ID: Final = re.compile(r"\d{8}T\d{6}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES: Final = 1 << 20

# A list is stored whole under its key, so that an answer is one lookup. `items` is a JSON array in rank order (rank =
# position + 1) of: recommendations [movie_id, score, [reason_movie_id, ...]], similar_movies [movie_id, score],
# popular_movies [movie_id, score, ratings], popular_by_genre [movie_id, bayesian_mean, ratings]; of movie_ratings_by_year
# [rating_year, ratings, mean_rating] by year. Titles are not repeated in each list: a million lists stay small.
# Blobs are little-endian: `factors` float32, all of one length; `neighbour_ids` int32 and `weights` float32, strongest
# first.
SCHEMA: Final = """
CREATE TABLE movies (
  movie_id INTEGER PRIMARY KEY, title TEXT NOT NULL, release_year INTEGER, genres TEXT NOT NULL
) STRICT;
CREATE TABLE recommendations (user_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE similar_movies (movie_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE popular_movies (scope TEXT PRIMARY KEY, items TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE movie_factors (
  movie_id INTEGER PRIMARY KEY, gain REAL NOT NULL, prior REAL NOT NULL, factors BLOB NOT NULL
) STRICT;
CREATE TABLE movie_neighbours (
  movie_id INTEGER PRIMARY KEY, neighbour_ids BLOB NOT NULL, weights BLOB NOT NULL
) STRICT;
CREATE TABLE ratings_by_year (
  rating_year INTEGER PRIMARY KEY, ratings INTEGER NOT NULL, users INTEGER NOT NULL, movies INTEGER NOT NULL,
  mean_rating REAL NOT NULL
) STRICT;
CREATE TABLE popular_by_genre (genre TEXT PRIMARY KEY, items TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE movie_ratings_by_year (movie_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE movie_statistics (
  movie_id INTEGER PRIMARY KEY, ratings INTEGER NOT NULL, mean_rating REAL NOT NULL, bayesian_mean REAL NOT NULL,
  first_rated_at INTEGER NOT NULL, last_rated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE row_accounting (
  source_file TEXT PRIMARY KEY, rows_in INTEGER NOT NULL, rows_clean INTEGER NOT NULL,
  rows_quarantined INTEGER NOT NULL, rows_superseded INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


class PublicationError(Exception):
    """A publication or a store is not as it must be; the message is one sentence for the person who has to act."""


@dataclass(frozen=True)
class Manifest:
    """Description of one publication.

    `rows` counts the rows of each export table (list entries, not lists). `data_through` is the time of the latest
    rating that the lists have seen, in Unix seconds UTC, or None where the lineage does not tell. `figures` are what the
    build's own expectations measured, see list_checks.py; version 1 has none.
    """

    batch_id: str
    sha256: str
    size_bytes: int
    rows: dict[str, int]
    lineage: dict[str, Any]
    data_through: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Render with a fixed key order: the same publication always has the same manifest bytes."""
        document = {
            "schema_version": self.schema_version,
            "batch_id": self.batch_id,
            "sha256": self.sha256,
            "bytes": self.size_bytes,
            "rows": self.rows,
            "data_through": format_time(self.data_through),
            "lineage": self.lineage,
        }
        if self.schema_version > 1:
            document["figures"] = self.figures
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Manifest:
        """Parse and check a manifest; `where` names its place in errors. Raises PublicationError."""
        try:
            document = json.loads(text)
        except ValueError as error:
            raise PublicationError(f"{where} is not JSON ({error}): fetch or build the publication again.") from None
        if not isinstance(document, dict):
            raise PublicationError(f"{where} is not a JSON object: fetch or build the publication again.")
        version = document.get("schema_version")
        if not isinstance(version, int) or version not in READABLE_SCHEMA_VERSIONS:
            readable = " and ".join(map(str, sorted(READABLE_SCHEMA_VERSIONS)))
            raise PublicationError(
                f"{where} has schema version {version!r}, this program reads {readable}: "
                "use the matching version of Marquee."
            )
        batch_id, sha256, size = document.get("batch_id"), document.get("sha256"), document.get("bytes")
        rows, lineage, figures = document.get("rows"), document.get("lineage"), document.get("figures", {})
        if not (
            isinstance(batch_id, str)
            and PUBLICATION_ID.fullmatch(batch_id)
            and isinstance(sha256, str)
            and _SHA256.fullmatch(sha256)
            and isinstance(size, int)
            and isinstance(rows, dict)
            and isinstance(lineage, dict)
            and isinstance(figures, dict)
        ):
            raise PublicationError(f"{where} lacks a valid batch_id, sha256, bytes, rows or lineage: build it again.")
        data_through = parse_time(document.get("data_through"), f"data_through of {where}")
        return cls(batch_id, sha256, size, rows, lineage, data_through, figures, version)


def check_publication_id(text: str) -> str:
    """Return `text` if it is a publication id such as 20261123T190000, else raise PublicationError."""
    if PUBLICATION_ID.fullmatch(text):
        return text
    raise PublicationError(f"{text[:40]!r} is not a publication id: give a UTC stamp such as 20261123T190000.")


def format_time(seconds: int | None) -> str | None:
    """Render Unix seconds as ISO 8601 UTC, `2016-10-17T03:37:41Z`."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(value: object, what: str) -> int | None:
    """Read Unix seconds or an ISO 8601 time (UTC unless it says otherwise); None stays None.

    Raises PublicationError for anything else; `what` names the value in the message.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 253_402_300_800:
        return value
    if isinstance(value, str):
        return int(parse_moment(value, what).timestamp())
    raise PublicationError(f"{what} is {value!r}: give Unix seconds or an ISO 8601 time such as 2016-10-17T03:37:41Z.")


def parse_moment(text: str, what: str) -> datetime:
    """Read an ISO 8601 time, in UTC unless it says otherwise. Raises PublicationError; `what` names it there."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PublicationError(
            f"{what} is {text[:40]!r}: give an ISO 8601 time such as 2016-10-17T03:37:41Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, reading it in 1 MiB pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
