"""Read blocks as of the Netflix Prize: a line ``item:``, then a line for each of its ratings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from marquee.ingest.reading.shapes.raw import Block, Rejected, block_of
from marquee.ingest.reading.text.dialects import Dialect, split_line

HEADING = re.compile(rb"\s*([^,;\t\s:][^,;\t:]*):\s*")


class ItemBlocks:
    """Read the blocks of one file.

    ``places`` has the column of each role but the item, from 0.
    """

    def __init__(self, dialect: Dialect, width: int, places: dict[str, int]) -> None:
        self._dialect = dialect
        self._width = width
        self._roles = ("item", *places)
        self._places = tuple(places.values())

    def blocks(self, blocks: Iterable[bytes]) -> Iterator[Block]:
        """Yield a block of columns for each block of lines; a heading is no row."""
        number, item = 0, None
        for lines in blocks:
            rows: list[tuple[int, tuple[str | None, ...], str]] = []
            rejected: list[Rejected] = []
            for raw in lines.split(b"\n")[:-1]:
                number += 1
                if heading := HEADING.fullmatch(raw):
                    item = heading[1].decode("utf-8", "replace").strip()
                    continue
                text = raw.removesuffix(b"\r").decode("utf-8", "replace")
                fields = split_line(text, self._dialect) if text else []
                reason = self._reason(fields, item)
                if reason:
                    rejected.append(Rejected(number, reason, text))
                else:
                    rows.append((number, (item, *(fields[place] for place in self._places)), text))
            yield block_of(rows, self._roles, rejected)

    def _reason(self, fields: list[str], item: str | None) -> str:
        if not fields:
            return "empty_line"
        if len(fields) != self._width:
            return "missing_fields" if len(fields) < self._width else "extra_fields"
        return "" if item is not None else "no_heading_before"
