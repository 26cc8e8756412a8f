"""Define how each family of MovieLens archives, and a snapshot of own data, writes its tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """Describe one file of a data set: its role, first line and number of fields."""

    role: str
    name: str
    header: str | None
    delimiter: str
    fields: int
    required: bool = False


@dataclass(frozen=True)
class Layout:
    """Describe how a family of archives writes its tables.

    ``name`` is the value of the cleaning jobs' --layout.
    """

    name: str
    encoding: str
    files: tuple[DataFile, ...]

    def file_of_role(self, role: str) -> DataFile | None:
        """Return the file of ``role``, e.g. 'ratings', or None if it has no file."""
        return next((data_file for data_file in self.files if data_file.role == role), None)


CSV = Layout(
    "csv",
    "utf-8",
    (
        DataFile("ratings", "ratings.csv", "userId,movieId,rating,timestamp", ",", 4, required=True),
        DataFile("movies", "movies.csv", "movieId,title,genres", ",", 3, required=True),
        DataFile("tags", "tags.csv", "userId,movieId,tag,timestamp", ",", 4),
        DataFile("links", "links.csv", "movieId,imdbId,tmdbId", ",", 3),
    ),
)
DOUBLE_COLON_1M = Layout(
    "double_colon",
    "latin-1",
    (
        DataFile("ratings", "ratings.dat", None, "::", 4, required=True),
        DataFile("movies", "movies.dat", None, "::", 3, required=True),
        DataFile("users", "users.dat", None, "::", 5),
    ),
)
DOUBLE_COLON_10M = Layout(
    "double_colon",
    "utf-8",
    (
        DataFile("ratings", "ratings.dat", None, "::", 4, required=True),
        DataFile("movies", "movies.dat", None, "::", 3, required=True),
        DataFile("tags", "tags.dat", None, "::", 4),
    ),
)
TAB = Layout(
    "tab",
    "latin-1",
    (
        DataFile("ratings", "u.data", None, "\t", 4, required=True),
        DataFile("movies", "u.item", None, "|", 24, required=True),
        DataFile("users", "u.user", None, "|", 5),
    ),
)


def rows_layout(name: str) -> Layout:
    """Return the layout of a snapshot of own data, which ingest itself writes.

    ``name`` is 'rows' for ratings, of which the latest of a pair counts, or 'strengths', which are summed.
    A row that was rejected has its reason behind an exclamation mark, its file, its number and its text.
    """
    return Layout(
        name,
        "utf-8",
        (
            DataFile("ratings", "ratings.tsv", None, "\t", 4, required=True),
            DataFile("movies", "movies.tsv", None, "\t", 4, required=True),
        ),
    )
