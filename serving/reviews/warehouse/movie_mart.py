"""Load the mart movie_sentiment of a batch, which the API shows with the live figures.

The file is Hive's export: movie_id, month (`2026-11`, or `all`), reviews, mean_probability and share_positive, with tabs
between them. One transaction replaces the rows of the batch before: a reader sees one batch, whole. The same batch may be
loaded again. A batch that is older than the loaded one is held back, since a late run must not bring deleted reviews back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from serving.publications.batch_exports.manifests import moment_of
from serving.reviews.database.engine import Transactions
from serving.reviews.database.models import MartBatch, MovieSentiment
from serving.reviews.warehouse.stored_reviews import WarehouseError

MART_COLUMNS: Final = ("movie_id", "month", "reviews", "mean_probability", "share_positive")
_MONTH: Final = re.compile(r"all|[0-9]{4}-(0[1-9]|1[0-2])")
_MAX_ID: Final = 2_147_483_647
# One batch is loaded at a time.
_LOAD_LOCK: Final = 7309
_ROWS: Final = 1000


def load_mart(factory: Transactions, folder: Path, batch_id: str, publication: str) -> dict[str, Any]:
    """Replace the mart by a batch's files; return whether it was loaded, and its rows.

    Raises WarehouseError for files that are no such export, and BatchExportError for other ids; nothing is changed then.
    """
    moment_of(batch_id)
    moment_of(publication)
    rows = list(_rows(folder))
    with factory.begin() as database:
        database.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOAD_LOCK})
        present = database.scalar(select(MartBatch.batch_id))
        if present is not None and present > batch_id:
            return {"loaded": False, "batch_id": batch_id, "held_back_by": present}
        _replace(database, rows, batch_id, publication)
    movies = sum(row["month"] == "all" for row in rows)
    reviews = sum(row["reviews"] for row in rows if row["month"] == "all")
    return {"loaded": True, "batch_id": batch_id, "movies": movies, "reviews": reviews, "rows": len(rows)}


def _replace(database: Session, rows: list[dict[str, Any]], batch_id: str, publication: str) -> None:
    database.execute(delete(MovieSentiment))
    database.execute(delete(MartBatch))
    moment = datetime.now(UTC)
    database.execute(insert(MartBatch).values(batch_id=batch_id, publication=publication, loaded_at=moment))
    for start in range(0, len(rows), _ROWS):
        database.execute(insert(MovieSentiment), rows[start : start + _ROWS])


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of an export. Raises WarehouseError that names file and line."""
    seen = set()
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_"))):
        # Lines end with a line feed alone. An export without rows is an empty file.
        with path.open(encoding="utf-8", newline="\n") as lines:
            numbered = enumerate([line.removesuffix("\n") for line in lines], 1)
        for number, line in numbered:
            row = parsed_row(line)
            if row is None or (row["movie_id"], row["month"]) in seen:
                raise WarehouseError(
                    f"Line {number} of {path.name} is no row of movie_sentiment, or repeats one. Export the batch's table "
                    "again."
                )
            seen.add((row["movie_id"], row["month"]))
            yield row


def parsed_row(line: str) -> dict[str, Any] | None:
    """Return a line as a row, or None where it is none."""
    values = line.split("\t")
    if len(values) != len(MART_COLUMNS) or not _MONTH.fullmatch(values[1]):
        return None
    try:
        movie, reviews, mean, share = int(values[0]), int(values[2]), float(values[3]), float(values[4])
    except ValueError:
        return None
    # No comparison with NaN holds.
    if not (1 <= movie <= _MAX_ID and 1 <= reviews <= _MAX_ID and 0 <= mean <= 1 and 0 <= share <= 1):
        return None
    return dict(zip(MART_COLUMNS, (movie, values[1], reviews, mean, share), strict=True))
