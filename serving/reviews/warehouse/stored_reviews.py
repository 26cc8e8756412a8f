"""Export the reviews that everybody may read, for scoring.

A folder with `reviews.jsonl`, one object a review with review_id, movie_id, created_at (Unix seconds, UTC), text and
language, by id. Hidden reviews are left out. It is for one scoring alone: a text that is deleted or hidden must not stay
anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, select

from serving.publications.durable_files import write_new_file
from serving.reviews.database.models import Review

REVIEWS: Final = "reviews.jsonl"
_ROWS: Final = 1000


class WarehouseError(Exception):
    """An export or a load that was not made; the message says what to do."""


def export_reviews(engine: Engine, output: Path) -> dict[str, Any]:
    """Write an export into a new folder; return its rows, bytes and SHA-256."""
    output.mkdir(mode=0o700, parents=True)
    counted: list[int] = []
    path = output / REVIEWS
    digest = write_new_file(path, _lines(engine, counted))
    return {"rows": sum(counted), "bytes": path.stat().st_size, "sha256": digest}


def _lines(engine: Engine, counted: list[int]) -> Iterator[bytes]:
    """Yield the file in pieces, and note how many rows each has."""
    names = ("review_id", "movie_id", "created_at", "text", "language")
    columns = (Review.review_id, Review.movie_id, Review.created_at, Review.text, Review.language)
    visible = select(*columns).where(Review.hidden_at.is_(None)).order_by(Review.review_id)
    # One statement reads one state of the table.
    with engine.connect().execution_options(yield_per=_ROWS) as connection:
        for rows in connection.execute(visible).partitions():
            counted.append(len(rows))
            documents = [dict(zip(names, (*row[:2], int(row[2].timestamp()), *row[3:]), strict=True)) for row in rows]
            # In ASCII, so that no program takes a line separator within a text for the line's end.
            yield "".join(f"{json.dumps(document)}\n" for document in documents).encode("ascii")
