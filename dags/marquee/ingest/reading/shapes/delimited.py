"""Read rows of fields with a delimiter: fast where a block has no quotes, row by row where it has."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from marquee.ingest.reading.limits import MAX_LINE_BYTES
from marquee.ingest.reading.shapes.raw import Block, Rejected, block_of
from marquee.ingest.reading.text.dialects import STAND_IN, Dialect, split_line

MOST_LINES_OF_A_ROW = 50
Rows = list[tuple[int, tuple[str | None, ...], str]]


class Delimited:
    """Read the blocks of one file with a delimiter.

    ``places`` has the column of each role, from 0. ``width`` is the number of fields of a row. With ``rest``, the last
    field takes what is left of a line.
    """

    def __init__(
        self, dialect: Dialect, width: int, places: dict[str, int], *, header: bool, rest: bool = False
    ) -> None:
        self._dialect = dialect
        self._width = width
        self._rest = rest
        self._roles = tuple(places)
        self._places = tuple(places.values())
        self._next = 1
        self._skip = 1 if header else 0
        self._open: list[bytes] = []  # lines of a quoted field that the last block did not end

    def blocks(self, blocks: Iterable[bytes]) -> Iterator[Block]:
        """Yield a block of columns for each block of lines."""
        for lines in blocks:
            if self._skip:
                _, _, lines = lines.partition(b"\n")
                self._skip, self._next = 0, 2
                if not lines:
                    continue
            yield self._quickly(lines) or self._row_by_row(lines)
        if self._open:
            yield self._closed()

    def _quickly(self, lines: bytes) -> Block | None:
        """Return the block by pyarrow's reader, or None if only the slow way is safe."""
        delimiter = self._dialect.delimiter
        if (
            self._rest
            or self._open
            or (self._dialect.quote and self._dialect.quote.encode() in lines)
            or b"\0" in lines
        ):
            return None
        if b"\r" in lines:
            lines = lines.replace(b"\r\n", b"\n")
            if b"\r" in lines:
                return None
        if lines.startswith(b"\n") or b"\n\n" in lines:
            return None  # pyarrow takes an empty line for a row of empty fields
        text = lines
        if len(delimiter) > 1:
            if STAND_IN.encode() in lines:
                return None
            text, delimiter = lines.replace(delimiter.encode(), STAND_IN.encode()), STAND_IN
        rejected: list[Rejected] = []
        names = [str(place) for place in range(self._width)]
        first = self._next

        def reject(row: arrow_csv.InvalidRow) -> str:
            reason = "missing_fields" if row.actual_columns < row.expected_columns else "extra_fields"
            number = first + row.number - 1
            own = row.text.replace(STAND_IN, self._dialect.delimiter)
            rejected.append(Rejected(number, reason, own))
            return "skip"

        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
                arrow_csv.ParseOptions(
                    delimiter=delimiter, quote_char=False, ignore_empty_lines=False, invalid_row_handler=reject
                ),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=sorted({names[place] for place in self._places}),
                    strings_can_be_null=False,
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None  # a byte that is no UTF-8, which the slow way finds the row of
        count = lines.count(b"\n")
        if table.num_rows + len(rejected) != count:
            return None
        self._next += count
        numbers = np.arange(first, first + count, dtype=np.int64)
        if rejected:
            numbers = np.setdiff1d(numbers, [row.number for row in rejected], assume_unique=True)
        columns = {
            role: _one_array(table.column(names[place])) for role, place in zip(self._roles, self._places, strict=True)
        }
        return Block(columns, numbers, _line_getter(lines, first), rejected)

    def _row_by_row(self, lines: bytes) -> Block:
        rows: Rows = []
        rejected: list[Rejected] = []
        for line in lines.split(b"\n")[:-1]:
            self._open.append(line.removesuffix(b"\r"))
            self._try_row(rows, rejected)
        return block_of(rows, self._roles, rejected)

    def _try_row(self, rows: Rows, rejected: list[Rejected]) -> None:
        """Read the row of the open lines, unless it needs another line."""
        quote = self._dialect.quote.encode()
        while self._open:
            # A line without a quote closes no field that a line before it opened.
            if 1 < len(self._open) < MOST_LINES_OF_A_ROW and quote not in self._open[-1]:
                return
            raw = b"\n".join(self._open)
            reason, fields = self._split(raw)
            too_long = len(self._open) >= MOST_LINES_OF_A_ROW or len(raw) > MAX_LINE_BYTES
            if reason == "unfinished" and not too_long:
                return
            if reason == "unfinished":
                # The quote was no quote: its line alone is lost, not the rest of the file.
                self._give_up(rows, rejected)
                continue
            self._take(raw, reason, fields, rows, rejected)
            self._next += len(self._open)
            self._open = []

    def _give_up(self, rows: Rows, rejected: list[Rejected]) -> None:
        lines, self._open = self._open, []
        rejected.append(Rejected(self._next, "bad_quoting", lines[0].decode("utf-8", "replace")))
        self._next += 1
        for line in lines[1:]:
            self._open.append(line)
            raw = b"\n".join(self._open)
            reason, fields = self._split(raw)
            if reason != "unfinished":
                self._take(raw, reason, fields, rows, rejected)
                self._next += len(self._open)
                self._open = []

    def _take(self, raw: bytes, reason: str, fields: list[str], rows: Rows, rejected: list[Rejected]) -> None:
        text = raw.decode("utf-8", "replace")
        if reason:
            rejected.append(Rejected(self._next, reason, text))
        else:
            rows.append((self._next, tuple(fields[place] for place in self._places), text))

    def _split(self, raw: bytes) -> tuple[str, list[str]]:
        if not raw:
            return "empty_line", []
        try:
            fields = split_line(raw.decode("utf-8"), self._dialect)
        except UnicodeDecodeError:
            return "not_in_encoding", []
        except csv.Error as error:
            return ("unfinished" if "unexpected end of data" in str(error) else "bad_quoting"), []
        if self._rest and len(fields) > self._width:
            fields[self._width - 1 :] = [self._dialect.delimiter.join(fields[self._width - 1 :])]
        if len(fields) != self._width:
            return ("missing_fields" if len(fields) < self._width else "extra_fields"), []
        return "", fields

    def _closed(self) -> Block:
        """Return the rows of the lines that a quote left open at the file's end."""
        rows: Rows = []
        rejected: list[Rejected] = []
        while self._open:
            self._give_up(rows, rejected)
        return block_of(rows, self._roles, rejected)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _line_getter(lines: bytes, first: int) -> Callable[[int], str]:
    split: list[bytes] = []

    def text_of(number: int) -> str:
        if not split:
            split.extend(lines.split(b"\n"))
        return split[number - first].decode("utf-8", "replace")

    return text_of
