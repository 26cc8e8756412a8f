"""Count a data set of MovieLens in its source, before any cleaning, in blocks of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from marquee.ingest.inspection import DataFile
from marquee.ingest.movielens import SNAPSHOT_ROLES
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping, Table
from marquee.ingest.reading.rows.reader import read_blocks

# The columns of the roles in a mapping, as the page names them.
COLUMNS = {
    "user": "user_id",
    "item": "movie_id",
    "value": "rating",
    "imdb": "imdb_id",
    "tmdb": "tmdb_id",
    "postcode": "zip_code",
}
KEYS = {
    "ratings": ["user_id", "movie_id"],
    "movies": ["movie_id"],
    "tags": ["user_id", "movie_id", "tag"],
    "links": ["movie_id"],
    "users": ["user_id"],
}
NO_GENRES = "(no genres listed)"
YEAR = r"\((\d{4})(?:\s*[-\u2013]\s*(?:\d{4})?)?\)\s*$"


@dataclass
class FileMeasures:
    """Hold a file's rows, malformed rows, missing values by column and repeated keys.

    A malformed row has the wrong number of fields.
    """

    name: str
    rows: int = 0
    malformed: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    repeated: int = 0


@dataclass
class Measures:
    """Hold the measures of a data set.

    A series has counts by its index: rating, month (first day), user, movie, year or genre.
    """

    files: dict[str, FileMeasures]
    ratings: pd.Series[int]
    ratings_by_month: pd.Series[int]
    mean_by_month: pd.Series[float]
    ratings_by_user: pd.Series[int]
    ratings_by_movie: pd.Series[int]
    movies_by_year: pd.Series[int]
    movies_by_genre: pd.Series[int]
    not_half_stars: int = 0
    movies_unrated: int = 0
    ratings_of_unknown_movies: int = 0

    @property
    def density(self) -> float:
        """Return the share of (user, movie) pairs that have a rating."""
        pairs = len(self.ratings_by_user) * len(self.ratings_by_movie)
        return float(self.ratings.sum()) / pairs if pairs else 0.0


def gini(counts: pd.Series[int]) -> float:
    """Return the Gini coefficient: 0 if all counts are equal, near 1 if one has all."""
    ordered = np.sort(counts.to_numpy(dtype=float))
    total = ordered.sum()
    if not total:
        return 0.0
    places = np.arange(1, len(ordered) + 1)
    return float((2 * (places * ordered).sum()) / (len(ordered) * total) - (len(ordered) + 1) / len(ordered))


def head_share(counts: pd.Series[int], share: float) -> float:
    """Return the part of the total that the greatest `share` of the counts holds.

    A share of .1 is the top tenth.
    """
    ordered = counts.sort_values(ascending=False).to_numpy(dtype=float)
    return float(ordered[: max(1, round(len(ordered) * share))].sum() / ordered.sum()) if ordered.sum() else 0.0


def frames(member: Member, table: Table, found: FileMeasures) -> Iterator[pd.DataFrame]:
    """Yield a file's rows in blocks; add its rows and malformed rows to `found`.

    A value is text or missing.
    """
    columns = {**COLUMNS, "time": "rated_at" if table.role == "ratings" else "tagged_at"}
    for block in read_blocks(member, table):
        found.rows += len(block.numbers) + len(block.rejected)
        found.malformed += len(block.rejected)
        frame = pd.DataFrame({role: column.to_pandas() for role, column in block.columns.items()}, dtype=object)
        yield frame.replace({"": None}).rename(columns=columns)


def measure(files: Sequence[DataFile], mapping: Mapping) -> Measures:
    """Return the measures of a data set of MovieLens.

    It keeps 8 bytes of each rating in memory, to find repeated ones.
    """
    tables = {SNAPSHOT_ROLES.get(role, role): table for role, table in mapping.tables.items()}
    members = {file.role: file.member for file in files if file.role in tables}
    found = {file.role: FileMeasures(file.name) for file in files if file.role in tables}
    ratings = Ratings()
    for frame in frames(members["ratings"], tables["ratings"], found["ratings"]):
        _count_missing(frame, found["ratings"])
        ratings.add(frame)
    movies = _whole(members["movies"], tables["movies"], found["movies"], KEYS["movies"])
    for role in ("tags", "links", "users"):
        if role in members:
            _whole(members[role], tables[role], found[role], KEYS[role])
    found["ratings"].repeated = ratings.repeated()
    titles = movies["title"].fillna("")
    known = pd.to_numeric(movies["movie_id"], errors="coerce").dropna().astype("int64")
    rated = ratings.by_movie
    return Measures(
        files=found,
        ratings=ratings.by_value,
        ratings_by_month=ratings.by_month,
        mean_by_month=ratings.sum_by_month / ratings.by_month,
        ratings_by_user=ratings.by_user,
        ratings_by_movie=rated,
        movies_by_year=titles.str.extract(YEAR)[0].dropna().astype(int).value_counts().sort_index(),
        movies_by_genre=_genres(movies, tables["movies"]),
        not_half_stars=ratings.not_half_stars,
        movies_unrated=int((~known.isin(rated.index)).sum()),
        ratings_of_unknown_movies=int(rated[~rated.index.isin(known)].sum()),
    )


def _genres(movies: pd.DataFrame, table: Table) -> pd.Series[int]:
    if not table.genre_columns:
        names = movies["genres"].dropna().str.split(table.genre_separator).explode()
        return names[names != NO_GENRES].value_counts()
    flags = (movies[[f"genre {place}" for place in range(len(table.genre_columns))]] == "1").sum()
    flags.index = pd.Index(table.genre_names)
    return flags[flags > 0].sort_values(ascending=False)


def _count_missing(frame: pd.DataFrame, found: FileMeasures) -> None:
    for column, count in frame.isna().sum().items():
        found.missing[str(column)] = found.missing.get(str(column), 0) + int(count)


def _whole(member: Member, table: Table, found: FileMeasures, key: list[str]) -> pd.DataFrame:
    """Return a small file's rows, and count its missing values and repeated keys."""
    # A file that has only a header has no block.
    nothing = pd.DataFrame(columns=[COLUMNS.get(role, role) for role in table.columns], dtype=object)
    frame = pd.concat([nothing, *frames(member, table, found)], ignore_index=True)
    _count_missing(frame, found)
    found.repeated = int(frame.duplicated(key).sum())
    return frame


class Ratings:
    """Sum up the blocks of a ratings file."""

    def __init__(self) -> None:
        empty: pd.Series[int] = pd.Series(dtype="int64")
        self.by_value = self.by_user = self.by_movie = self.by_month = empty
        self.sum_by_month: pd.Series[float] = pd.Series(dtype="float64")
        self.not_half_stars = 0
        self._pairs: list[np.ndarray] = []

    def add(self, frame: pd.DataFrame) -> None:
        """Add a block; a value that is not a number leaves out only itself."""
        numbers = frame.apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan)
        rating = numbers["rating"]
        self.not_half_stars += int((~(rating * 2).isin(range(1, 11)) & rating.notna()).sum())
        self.by_value = _plus(self.by_value, rating)
        self.by_user = _plus(self.by_user, numbers["user_id"])
        self.by_movie = _plus(self.by_movie, numbers["movie_id"])
        dated = numbers[numbers["rated_at"].between(0, 4_102_444_800) & rating.notna()]
        month = pd.to_datetime(dated["rated_at"], unit="s").dt.to_period("M").dt.to_timestamp()
        sums = dated["rating"].groupby(month).agg(["size", "sum"])
        self.by_month = self.by_month.add(sums["size"], fill_value=0)
        self.sum_by_month = self.sum_by_month.add(sums["sum"], fill_value=0)
        pairs = numbers[["user_id", "movie_id"]].dropna()
        self._pairs.append((pairs["user_id"].astype("int64").to_numpy() << 32) | pairs["movie_id"].astype("int64"))

    def repeated(self) -> int:
        """Return the number of ratings that repeat an earlier one's user and movie."""
        pairs = np.concatenate(self._pairs) if self._pairs else np.empty(0, dtype="int64")
        pairs.sort()
        return int((pairs[1:] == pairs[:-1]).sum())


def _plus(counts: pd.Series[int], values: pd.Series[float]) -> pd.Series[int]:
    return counts.add(values.value_counts(), fill_value=0).astype("int64").sort_index()
