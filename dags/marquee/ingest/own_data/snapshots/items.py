"""Write the items of a snapshot: number, title, year and genres."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from marquee.ingest.own_data.snapshots.dictionary import Numbers
from marquee.ingest.own_data.snapshots.rejected import rejected_line
from marquee.ingest.reading.columns.ids import read_id
from marquee.ingest.reading.columns.years import four_digit_numbers, is_year
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping, Table
from marquee.ingest.reading.rows.reader import has_members, members_of, read_blocks
from marquee.ingest.reading.shapes.raw import Block, Rejected

# expectations/movies.json and the accounts' catalogue refuse longer titles.
LONGEST_TITLE = 300
CONTROL = re.compile(r"[\x00-\x1f\x7f\s]+")


def item_lines(members: list[Member], mapping: Mapping, numbers: Numbers) -> Iterator[tuple[int, bytes]]:
    """Yield each row of the items' table as its item's number and its line.

    The number is 0 for a rejected row. A row that repeats what an earlier row says of its item is left out: a table of
    ratings with titles has many.
    """
    table = mapping.tables.get("items")
    if table is None or not (table.required or has_members(table, members)):
        return
    said: dict[int, int] = {}
    for member in members_of(table, members):
        for block in read_blocks(member, table):
            for rejected in block.rejected:
                yield 0, rejected_line(member.name, rejected)
            for number, own_id, fields in _rows(block, table):
                item, reason = read_id(own_id, "item", integer=mapping.integer_items)
                if item is None:
                    yield 0, rejected_line(member.name, Rejected(number, reason, block.text_of(number)))
                    continue
                key = numbers.number(item)
                line = item_line(key, item, *fields)
                if said.get(key) != hash(line):
                    said[key] = hash(line)
                    yield key, line


def item_line(number: int, own_id: str, title: str, year: str, genres: list[str]) -> bytes:
    """Return an item's line; an item without a title is shown by its id."""
    shown = CONTROL.sub(" ", title).strip()
    if not shown or shown == "\\N":
        shown = own_id
    if len(shown) > LONGEST_TITLE:
        shown = shown[: LONGEST_TITLE - 3].rstrip() + "..."
    # Of several numbers the first decides.
    released = "".join(str(number) for number in four_digit_numbers(year)[:1] if is_year(number))
    names = [CONTROL.sub(" ", name.replace("|", "/")).strip() for name in genres]
    joined = "|".join(dict.fromkeys(name for name in names if name))
    return f"{number}\t{shown}\t{released}\t{joined}\n".encode("utf-8", "replace")


def _rows(block: Block, table: Table) -> Iterator[tuple[int, str, tuple[str, str, list[str]]]]:
    """Yield each row's number, id, and title, year and genres."""
    count = len(block.numbers)

    def column(name: str) -> list[str]:
        found: pa.Array | None = block.columns.get(name)
        return [text or "" for text in found.to_pylist()] if found is not None else [""] * count

    ids, titles, years, genres = (column(name) for name in ("item", "title", "year", "genres"))
    flags = [(name, column(f"genre {place}")) for place, name in enumerate(table.genre_names or table.genre_columns)]
    for place in range(count):
        names = genres[place].split(table.genre_separator) if genres[place] else []
        names += [name for name, values in flags if values[place].strip() in ("1", "1.0", "True", "true")]
        yield int(block.numbers[place]), ids[place], (titles[place], years[place], names)
