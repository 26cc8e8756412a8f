"""Read a table of an archive by its mapping, block by block; one reader for every shape."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.limits import MAX_COLUMNS, refuse_many_columns
from marquee.ingest.reading.mapping.schema import Mapping, Table
from marquee.ingest.reading.rows.normalise import Rows, normalise
from marquee.ingest.reading.shapes.delimited import Delimited
from marquee.ingest.reading.shapes.item_blocks import ItemBlocks
from marquee.ingest.reading.shapes.json_lines import JsonLines
from marquee.ingest.reading.shapes.matrix import unfolded
from marquee.ingest.reading.shapes.parquet import parquet_blocks
from marquee.ingest.reading.shapes.raw import Block
from marquee.ingest.reading.text.dialects import Dialect, rows_of, split_line
from marquee.ingest.reading.text.lines import line_blocks


def members_of(table: Table, members: list[Member]) -> list[Member]:
    """Return the files that a table's `files` names; raise IngestError if none.

    A name without a folder means a file in any folder, as long as there is one.
    """
    found = named_by(table, members)
    if not found:
        names = ", ".join(member.name for member in members[:12])
        raise IngestError(
            f"The archive has no file {table.files!r} for [{table.role}]. It holds: {names}. Correct the mapping's files."
        )
    if len(found) > 1 and "*" not in table.files and "?" not in table.files:
        raise IngestError(
            f"The archive has {len(found)} files named {table.files!r}: {', '.join(member.name for member in found[:6])}. "
            "Write the folder in the mapping's files too."
        )
    return found


def named_by(table: Table, members: list[Member]) -> list[Member]:
    """Return the files that a table's `files` names, which may be none."""
    found = [member for member in members if fnmatchcase(member.name, table.files)]
    if not found and "/" not in table.files:
        found = [member for member in members if fnmatchcase(member.base, table.files)]
    return found


def has_members(table: Table, members: list[Member]) -> bool:
    """Return whether a table has a file."""
    return bool(named_by(table, members))


def read_rows(members: list[Member], mapping: Mapping) -> Iterator[tuple[str, Rows]]:
    """Yield checked rows with their file's name, in the files' order.

    Equal archives and mappings give equal rows. Memory holds one block of about 4 MiB.
    """
    for member in members_of(mapping.ratings, members):
        for block in read_blocks(member, mapping.ratings):
            yield member.name, normalise(block, mapping)


def read_blocks(member: Member, table: Table) -> Iterator[Block]:
    """Yield one file's rows as columns of text by role."""
    if table.shape == "parquet":
        yield from parquet_blocks(member, {role: str(name) for role, name in table.columns.items()})
        return
    with member.open() as stream:
        yield from blocks_of_lines(line_blocks(stream, table.encoding, member.name), table, member.name)


def blocks_of_lines(lines: Iterable[bytes], table: Table, where: str) -> Iterator[Block]:
    """Yield rows of blocks of whole UTF-8 lines; the first begins the file."""
    lines = iter(lines)
    head = next(lines, b"")
    if not head:
        return

    def again() -> Iterator[bytes]:
        yield head
        yield from lines

    if table.shape == "json-lines":
        yield from JsonLines({role: str(name) for role, name in table.columns.items()}).blocks(again())
        return
    dialect = Dialect(table.delimiter, table.quote, table.escape)
    if table.shape == "item-blocks":
        places = {role: _place(name, [], table, where) for role, name in table.columns.items() if role != "item"}
        width = table.width or max(places.values()) + 1
        yield from ItemBlocks(dialect, width, places).blocks(again())
        return
    names = first_fields(head, dialect, where)
    if table.shape == "matrix":
        yield from _matrix(again(), table, dialect, names, where)
        return
    width = table.width or (len(names) if table.header else 0) or _usual_width(head, dialect)
    places = {role: _place(name, names if table.header else [], table, where) for role, name in table.columns.items()}
    for number, name in enumerate(table.genre_columns):
        places[f"genre {number}"] = int(name) - 1 if name.isdecimal() else _place(name, names, table, where)
    too_far = max(places.values(), default=0) + 1
    if too_far > width:
        raise IngestError(
            f"{where} has {width} columns, but the mapping's [{table.role}.columns] names column {too_far}. Correct it, "
            f"or the delimiter {table.delimiter!r}."
        )
    yield from Delimited(dialect, width, places, header=table.header, rest=table.rest).blocks(again())


def first_fields(head: bytes, dialect: Dialect, where: str) -> list[str]:
    """Return the fields of the first line; raise IngestError for far too many."""
    line = head.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace")
    if line.count(dialect.delimiter) >= MAX_COLUMNS:
        refuse_many_columns(where, line.count(dialect.delimiter) + 1)
    try:
        return [name.strip() for name in split_line(line, dialect)]
    except csv.Error as error:
        raise IngestError(f"{where}: its first line cannot be split ({error}). Correct the mapping's quote.") from error


def first_row(member: Member, table: Table) -> list[str]:
    """Return the fields of a file's first line, as a mapping reads it."""
    with member.open() as stream:
        head = next(line_blocks(stream, table.encoding, member.name, block_bytes=1), b"")
    return first_fields(head, Dialect(table.delimiter, table.quote, table.escape), member.name)


def _usual_width(head: bytes, dialect: Dialect) -> int:
    """Return the number of fields that most of the first lines have."""
    lines = [
        line.rstrip("\r") for line in head[: 256 << 10].decode("utf-8", "replace").split("\n")[:200] if line.strip()
    ]
    widths = [len(row) for row in rows_of(lines, dialect) if row is not None]
    return max(sorted(set(widths)), key=widths.count) if widths else 1


def _place(name: str | int, names: list[str], table: Table, where: str) -> int:
    if isinstance(name, int):
        return name - 1
    places = [place for place, found in enumerate(names) if found == name]
    if not places:
        raise IngestError(
            f"{where} has no column {name!r} for [{table.role}.columns]. It has: {', '.join(names[:20])}. "
            "Correct the mapping."
        )
    if len(places) > 1:
        raise IngestError(
            f"{where} has {len(places)} columns named {name!r}. Write the column's number from 1 instead: "
            f"{' or '.join(str(place + 1) for place in places)}."
        )
    return places[0]


def _matrix(lines: Iterator[bytes], table: Table, dialect: Dialect, names: list[str], where: str) -> Iterator[Block]:
    first = table.first_item - 1
    width = table.width or len(names)
    if first >= width:
        raise IngestError(f"{where} has {width} columns, but first_item is {table.first_item}. Correct the mapping.")
    items = names[first:width] if table.header else [str(place - first + 1) for place in range(first, width)]
    places = {str(place - first): place for place in range(first, width)}
    if "user" in table.columns:
        places["user"] = _place(table.columns["user"], names if table.header else [], table, where)
    blocks = Delimited(dialect, width, places, header=table.header).blocks(lines)
    yield from unfolded(blocks, items, frozenset(table.none) | {""})
