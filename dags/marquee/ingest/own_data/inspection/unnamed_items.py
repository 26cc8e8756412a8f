"""Find the table of the items among files without a header.

Netflix's titles, MovieLens's u.item and movies.dat have no names of columns. Their first column has the ids that the
ratings have, each once.
"""

from __future__ import annotations

from marquee.ingest.own_data.inspection.tables import FoundTable
from marquee.ingest.reading.columns.profiles import Column
from marquee.ingest.reading.columns.roles import Role
from marquee.ingest.reading.columns.years import four_digit_numbers, is_year

LEAST_SHARED = 0.5
LEAST_DISTINCT = 0.8
GENRE_MARK = "|"
MOST_GENRES = 200
LONGEST_DATE, LEAST_YEARS = 30, 0.9


def find_unnamed_items(ids: Column, tables: list[FoundTable]) -> tuple[FoundTable, dict[str, Role]] | None:
    """Return the table that describes the items of these ids, and its roles, or None."""
    rated = {_plain(value) for value in ids.present}
    shared = {
        number: len(rated & {_plain(value) for value in table.columns[0].present})
        for number, table in enumerate(tables)
    }
    for number in sorted(shared, key=lambda number: -shared[number]):
        table = tables[number]
        # The sample of a long file has not all of its ids.
        least = LEAST_SHARED * (
            len(rated) if table.sample.is_whole_file else min(len(rated), table.columns[0].distinct)
        )
        if not table.header and table.shape == "delimited" and shared[number] >= least:
            roles = _roles(table)
            if roles:
                return table, roles
    return None


def _roles(table: FoundTable) -> dict[str, Role]:
    """Return the roles of a table with an id first and a title, or none."""
    first, *others = table.columns
    title = next((column for column in others if _is_title(column)), None)
    if first.distinct != len(first.present) or title is None:
        return {}
    roles = {
        "item": Role(first, sure=False, why="its ids are those of the ratings, each once"),
        "title": Role(title, sure=False, why="its texts differ"),
    }
    rest = [column for column in others if column is not title and column.present]
    for role, fits in (("genres", _is_genres), ("year", _is_year)):
        found = next((column for column in rest if fits(column)), None)
        if found is not None:
            roles[role] = Role(found, sure=False, why=f"its values look like {role}")
    return roles


def is_title_last(found: FoundTable, roles: dict[str, Role]) -> bool:
    """Return whether titles end the lines, so that a delimiter in one ends nothing."""
    if found.header or found.shape != "delimited" or found.dialect.dialect.quote or "title" not in roles:
        return False
    return roles["title"].column.place == found.dialect.fields - 1


def _plain(value: str) -> str:
    return value.removesuffix(".0")


def _is_title(column: Column) -> bool:
    return (
        column.share_numbers < 0.5
        and column.unit is None
        and column.distinct >= LEAST_DISTINCT * max(len(column.present), 1)
    )


def _is_genres(column: Column) -> bool:
    parts = {part for value in column.present for part in value.split(GENRE_MARK)}
    return (
        column.share_numbers < 0.1 and any(GENRE_MARK in value for value in column.present) and len(parts) < MOST_GENRES
    )


def _is_year(column: Column) -> bool:
    """Return whether nearly all values are years, or dates, of any time."""
    found = sum(len(value) <= LONGEST_DATE and any(map(is_year, four_digit_numbers(value))) for value in column.present)
    return found >= LEAST_YEARS * len(column.present)
