"""Count a person's own data, read by a mapping, as MovieLens's files are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from marquee.explore.measure import FileMeasures, Measures, Ratings
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.rows.reader import read_blocks, read_rows

MALFORMED = frozenset(
    {"empty_line", "missing_fields", "extra_fields", "bad_quoting", "not_in_encoding", "bad_json", "no_json_object"}
)


class Numbers:
    """Give each id a number, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, ids: Iterable[str]) -> list[int]:
        """Return the number of each id."""
        numbers = self._numbers
        return [numbers.setdefault(one, len(numbers)) for one in ids]

    def known(self, one: str) -> int | None:
        """Return an id's number, or None if no rating has it."""
        return self._numbers.get(one)


def measure_own_data(members: list[Member], mapping: Mapping) -> Measures:
    """Return the measures of an archive by its mapping."""
    users, items, ratings = Numbers(), Numbers(), Ratings()
    found = FileMeasures(mapping.ratings.files)
    reasons: Counter[str] = Counter()
    for _, rows in read_rows(members, mapping):
        found.rows += len(rows) + len(rows.rejected)
        reasons.update(row.reason for row in rows.rejected)
        ratings.add(
            pd.DataFrame(
                {
                    "user_id": users.of(rows.users),
                    "movie_id": items.of(rows.items),
                    "rating": rows.values,
                    "rated_at": np.where(rows.times >= 0, rows.times, np.nan),
                }
            )
        )
    found.malformed = sum(count for reason, count in reasons.items() if reason in MALFORMED)
    found.missing = {reason: count for reason, count in sorted(reasons.items()) if reason not in MALFORMED}
    found.repeated = ratings.repeated()
    files = {"ratings": found}
    listed, years, genres = _items(members, mapping, files)
    known = {number for one in listed if (number := items.known(one)) is not None}
    rated = ratings.by_movie
    return Measures(
        files=files,
        ratings=ratings.by_value,
        ratings_by_month=ratings.by_month,
        mean_by_month=ratings.sum_by_month / ratings.by_month,
        ratings_by_user=ratings.by_user,
        ratings_by_movie=rated,
        movies_by_year=pd.Series(Counter(years), dtype="int64").sort_index(),
        movies_by_genre=pd.Series(Counter(genres), dtype="int64").sort_values(ascending=False, kind="stable"),
        not_half_stars=ratings.not_half_stars,
        movies_unrated=len(listed) - len(known),
        ratings_of_unknown_movies=int(rated[~rated.index.isin(known)].sum()) if listed else 0,
    )


def _items(
    members: list[Member], mapping: Mapping, files: dict[str, FileMeasures]
) -> tuple[set[str], list[int], list[str]]:
    """Return ids, years and genres of the items' table, if the mapping has one."""
    listed: set[str] = set()
    years: list[int] = []
    genres: list[str] = []
    table = mapping.tables.get("items")
    if table is None:
        return listed, years, genres
    found = files["movies"] = FileMeasures(table.files)
    for member in members:
        if member.base != table.files and member.name != table.files:
            continue
        for block in read_blocks(member, table):
            found.rows += len(block.numbers) + len(block.rejected)
            found.malformed += len(block.rejected)
            for one in block.columns["item"].to_pylist():
                if one in listed:
                    found.repeated += 1
                listed.add(one or "")
            if "year" in block.columns:
                texts = pd.Series(block.columns["year"].to_pylist(), dtype=object).astype(str)
                years += texts.str.extract(r"(\d{4})")[0].dropna().astype(int).to_list()
            if "genres" in block.columns:
                for text in block.columns["genres"].to_pylist():
                    genres += [name.strip() for name in (text or "").split(table.genre_separator) if name.strip()]
    return listed, years, genres
