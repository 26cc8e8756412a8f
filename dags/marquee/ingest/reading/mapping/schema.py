"""Define what a mapping says: where the rows are, what the columns mean, how values read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

SHAPES = ("delimited", "json-lines", "matrix", "item-blocks", "parquet")
TABLES = ("ratings", "items", "tags", "links", "users")
# The file that holds the rows of a table's query: ratings.jsonl.
QUERY_FILE_SUFFIX = ".jsonl"
# The roles of each table's columns; the first ones are necessary.
ROLES = {
    "ratings": ("user", "item", "value", "time", "event"),
    "items": ("item", "title", "genres", "year"),
    "tags": ("user", "item", "tag", "time"),
    "links": ("item", "imdb", "tmdb"),
    "users": ("user", "gender", "age", "occupation", "postcode"),
}
NECESSARY = {
    "ratings": ("user", "item"),
    "items": ("item",),
    "tags": ("user", "item", "tag"),
    "links": ("item",),
    "users": ("user",),
}


@dataclass(frozen=True)
class Table:
    """Describe the files of one table.

    ``files`` is a name or a pattern with ``*``. ``columns`` gives the column of each role: a name, or a number from 1
    where the file has no header. ``width`` is the number of fields without a header, 0 if it is what the first row has.
    ``genre_columns`` are the columns that say by 1 that an item has a genre, and ``genre_names`` the genres, if not their names.
    ``query`` is the SELECT of a table that a database holds.
    """

    role: str
    files: str
    shape: str = "delimited"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = ""
    escape: str = "doubled"
    header: bool = True
    columns: dict[str, str | int] = field(default_factory=dict)
    width: int = 0
    # Whether the last column takes what is left of a line, with its delimiters: titles with commas.
    rest: bool = False
    required: bool = True
    # A wide matrix: the first column that is an item, and the marks of a cell without a rating.
    first_item: int = 1
    none: tuple[str, ...] = ()
    genre_separator: str = "|"
    genre_columns: tuple[str, ...] = ()
    genre_names: tuple[str, ...] = ()
    query: str = ""


@dataclass(frozen=True)
class Values:
    """Describe what the number of a row means.

    A 'rating' has a scale with ends and a step. A 'strength', such as a number of plays, has none. ``seen`` are values
    that say the user saw the item and did not rate it.
    """

    kind: str = "rating"
    lowest: float = 0.5
    highest: float = 5.0
    step: float = 0.5
    seen: tuple[float, ...] = ()
    decimal: str = "."

    @property
    def has_scale(self) -> bool:
        """Return whether values have an upper end."""
        return self.kind == "rating" and math.isfinite(self.highest)


@dataclass(frozen=True)
class Mapping:
    """Describe how an archive is read.

    ``time`` is a unit, 'iso' or a pattern of strptime. ``events`` gives a weight by name; a weight of 0 means seen, and
    an event below it is a mark that the item is not wanted. ``integer_users`` and ``integer_items`` say that ids are
    whole numbers.
    """

    tables: dict[str, Table]
    values: Values = Values()
    time: str = "seconds"
    events: dict[str, float] = field(default_factory=dict)
    integer_users: bool = False
    integer_items: bool = False

    @property
    def ratings(self) -> Table:
        """Return the table of what users did."""
        return self.tables["ratings"]
