"""What a publication is: its identifier, its kind, its two files and the database schema.

A publication is a folder with two files that never change once published:

``publication.sqlite``  the lists and the catalogue. Identical exports give identical bytes, so it holds no batch id,
                        no lineage and no clock. A publication of kind `sentiment` has ``model.joblib`` instead.
``manifest.json``       what the data file is (SHA-256, size, rows) and where it comes from (lineage); see manifest.py.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCHEMA_VERSION: Final = 2
# Version 1 lacks the tables from movie_factors on. A version 2 of before discoveries lacks both of theirs. The API still
# serves them, so that an upgrade keeps every rollback target.
# Version 3 has the ids of own data, see own_ids.py. A program that does not know them would take numbers for ids.
OWN_IDS_SCHEMA_VERSION: Final = 3
READABLE_SCHEMA_VERSIONS: Final = frozenset({1, SCHEMA_VERSION, OWN_IDS_SCHEMA_VERSION})
DATABASE_NAME: Final = "publication.sqlite"
MANIFEST_NAME: Final = "manifest.json"


@dataclass(frozen=True)
class Kind:
    """What a publication holds: the name of its data file, and its schema.

    `readable` are the schema versions that this program reads.
    """

    name: str
    data_file: str
    schema_version: int
    readable: frozenset[int]


RECOMMENDATIONS: Final = Kind("recommendations", DATABASE_NAME, SCHEMA_VERSION, READABLE_SCHEMA_VERSIONS)
# joblib's file, which is a pickle: its SHA-256 is checked before it is read.
SENTIMENT: Final = Kind("sentiment", "model.joblib", 1, frozenset({1}))
KINDS: Final = {kind.name: kind for kind in (RECOMMENDATIONS, SENTIMENT)}
# "MARQ" in SQLite's application_id header field. By it file(1) and the reader recognise a publication.
APPLICATION_ID: Final = 0x4D415251
MAX_ID: Final = 2_147_483_647

PUBLICATION_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}")
_CHUNK_BYTES: Final = 1 << 20

# A list is stored whole under its key, so that an answer is one lookup. `items` is a JSON array in rank order, and the
# rank is the position + 1. Its entries are:
#   recommendations, discoveries  [movie_id, score, [reason_movie_id, ...]]
#   similar_movies         [movie_id, score]
#   popular_movies         [movie_id, score, ratings]
#   popular_by_genre       [movie_id, bayesian_mean, ratings]
#   movie_ratings_by_year  [rating_year, ratings, mean_rating], ordered by year
# Lists hold no titles, so that a million lists stay small. Blobs are little-endian. `factors` is float32, of one length
# in all rows. `neighbour_ids` is int32 and `weights` is float32, strongest first.
SCHEMA: Final = """
CREATE TABLE movies (
  movie_id INTEGER PRIMARY KEY, title TEXT NOT NULL, release_year INTEGER, genres TEXT NOT NULL
) STRICT;
CREATE TABLE recommendations (user_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE discoveries (user_id INTEGER PRIMARY KEY, items TEXT NOT NULL) STRICT;
CREATE TABLE discovery_prices (movie_id INTEGER PRIMARY KEY, price REAL NOT NULL) STRICT;
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
    """A publication or a store is not as it must be; the message says what to do next."""


def check_publication_id(text: str) -> str:
    """Return `text` if it is a publication id such as 20261123T190000.

    Raises PublicationError if it is not.
    """
    if PUBLICATION_ID.fullmatch(text):
        return text
    raise PublicationError(f"{text[:40]!r} is not a publication id. Give a UTC stamp such as 20261123T190000.")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, read in 1 MiB pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
