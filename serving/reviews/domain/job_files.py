"""The rows of a job as the database keeps them, and the result's file."""

from __future__ import annotations

import csv
import io
import json
import zlib
from typing import Any, Final

from serving.reviews.domain.uploads import ANSWER_COLUMNS, Row

CHUNK_ROWS: Final = 500
# A chunk of long texts is cut earlier, so that a worker holds some megabytes at most.
CHUNK_CHARACTERS: Final = 1_000_000


def packed(rows: list[Any]) -> bytes:
    """Return rows as compressed JSON in ASCII.

    It holds null bytes and half surrogates, which text columns of PostgreSQL do not.
    """
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode("ascii"), 1)


def unpacked(content: bytes) -> list[Any]:
    """Return the rows of such bytes."""
    rows: list[Any] = json.loads(zlib.decompress(content))
    return rows


def first_line(file_format: str, columns: list[str]) -> bytes:
    """Return the result's header; JSON Lines has none."""
    return _csv_lines([[*columns, *ANSWER_COLUMNS]]) if file_format == "csv" else b""


def result_lines(file_format: str, columns: list[str], rows: list[Row], answers: list[Row]) -> bytes:
    """Return a chunk of the result.

    The rows as they were uploaded, and the answers' columns.
    """
    if file_format == "csv":
        return _csv_lines(
            [
                [*(row[name] for name in columns), *(_cell(answer[name]) for name in ANSWER_COLUMNS)]
                for row, answer in zip(rows, answers, strict=True)
            ]
        )
    return b"".join(_json_line({**row, **answer}) for row, answer in zip(rows, answers, strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | float) else str(value)


def _csv_lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _json_line(document: Row) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8; its escape was uploaded, and its escape goes back.
        return json.dumps(document).encode() + b"\n"
