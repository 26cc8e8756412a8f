"""Read uploaded files of texts row by row.

CSV with a header, or JSON Lines, both in UTF-8.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Literal, NoReturn

from serving.reviews.domain import problems
from serving.web.problems import ProblemError

Format = Literal["csv", "jsonl"]
MAX_ROWS: Final = 100_000
# A text of 20,000 characters, written as JSON's escapes, and its neighbours.
_MAX_LINE_BYTES: Final = 1 << 20
_MAX_COLUMNS: Final = 200
ANSWER_COLUMNS: Final = (
    "predicted_label",
    "predicted_probability",
    "predicted_confident",
    "predicted_language",
    "predicted_publication",
    "predicted_error",
)

Row = dict[str, Any]


def _refuse(detail: str) -> NoReturn:
    raise ProblemError(problems.BAD_UPLOAD, detail)


def _lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file with their ends; a byte order mark is left out."""
    number = 0
    while line := file.readline(_MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > _MAX_LINE_BYTES:
            _refuse(f"Line {number} is longer than 1 MiB. Cut its text, or check that lines end with a line feed.")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            yield line.decode()
        except UnicodeDecodeError:
            _refuse(f"Line {number} is not UTF-8. Save the file as UTF-8.")


def format_of(file_name: str, content_type: str) -> Format:
    """Return the format of a file by its name, else by its media type.

    Raises the problem bad-upload.
    """
    name, kind = file_name.lower(), content_type.partition(";")[0].strip().lower()
    if name.endswith(".csv") or (kind == "text/csv" and not name.endswith((".jsonl", ".ndjson"))):
        return "csv"
    if name.endswith((".jsonl", ".ndjson")) or kind in ("application/jsonl", "application/x-ndjson"):
        return "jsonl"
    _refuse("The file's name ends neither with .csv nor with .jsonl. Name it after its format.")


class Upload:
    """The rows of a file. `columns` is a CSV file's header, and empty for JSON Lines."""

    def __init__(self, file: BinaryIO, format: Format, text_column: str) -> None:
        """Read the header. Raises the problem bad-upload."""
        self.format, self.text_column = format, text_column
        self.columns: list[str] = []
        self._lines = _lines(file)
        if format == "csv":
            self._reader = csv.reader(self._lines, strict=True)
            self.columns = self._header()

    def rows(self) -> Iterator[Row]:
        """Yield each row by its columns' names.

        Raises the problem bad-upload, which names the line.
        """
        number = 0
        for row in self._csv_rows() if self.format == "csv" else self._json_rows():
            number += 1
            if number > MAX_ROWS:
                _refuse(f"The file has more than {MAX_ROWS:,} texts. Cut it into several files.")
            yield row
        if number == 0:
            _refuse("The file has no rows. Send at least one text.")

    def _header(self) -> list[str]:
        try:
            columns = next(self._reader, [])
        except csv.Error as error:
            _refuse(f"The header is not CSV: {error}. Check its quotation marks.")
        if len(columns) > _MAX_COLUMNS:
            _refuse(f"The header has {len(columns)} columns. Send {_MAX_COLUMNS} at most.")
        if len(set(columns)) != len(columns):
            _refuse("The header names a column twice. Give each its own name.")
        if any("\0" in name for name in columns):
            _refuse("The header has a null byte. Save the file as text in UTF-8.")
        self._check_columns(columns, "The header")
        return columns

    def _check_columns(self, columns: list[str], where: str) -> None:
        if self.text_column not in columns:
            _refuse(f"{where} has no column {self.text_column[:60]!r}. Name the column of the texts in `text_column`.")
        if taken := sorted(set(columns) & set(ANSWER_COLUMNS)):
            _refuse(f"{where} has the column {taken[0]}, which the result adds. Rename it.")

    def _csv_rows(self) -> Iterator[Row]:
        while True:
            try:
                values = next(self._reader, None)
            except csv.Error as error:
                _refuse(f"Line {self._reader.line_num} is not CSV: {error}. Check its quotation marks.")
            if values is None:
                return
            if not values:
                continue
            if len(values) != len(self.columns):
                _refuse(
                    f"The row that ends on line {self._reader.line_num} has {len(values)} columns, the header has "
                    f"{len(self.columns)}. Put texts with commas in quotation marks."
                )
            yield dict(zip(self.columns, values, strict=True))

    def _json_rows(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_constant=_no_number)
            except (ValueError, RecursionError):
                _refuse(f"Line {number} is not JSON. Write one object a line.")
            if not isinstance(row, dict):
                _refuse(f"Line {number} is not a JSON object. Write one object a line.")
            self._check_columns(list(row), f"Line {number}")
            yield row


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
