"""Fetch the queries of a mapping from a database, as files that the reader of own data reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marquee.ingest.connections import Connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.sources.databases import Database, checked_query, reading, shown
from marquee.ingest.own_data.sources.rows_file import digest_of, write_sorted
from marquee.ingest.own_data.sources.since import Mark, Since
from marquee.ingest.reading.mapping.schema import QUERY_FILE_SUFFIX, Mapping

LOGGER = logging.getLogger(__name__)
ROWS_OF_A_SAMPLE = 20_000
RATINGS = "ratings"


@dataclass(frozen=True)
class Fetched:
    """Describe what was fetched: a digest of its rows, and how far it reaches.

    ``goes_on`` says that the rows are only those after an earlier mark.
    """

    sha256: str
    mark: Mark | None = None
    goes_on: bool = False


def fetch_samples(connection: Connection, queries: dict[str, str], folder: Path) -> None:
    """Write the first rows of each query, for `make inspect`."""
    with reading(connection) as database:
        for role, query in queries.items():
            sql = checked_query(query)
            names = database.columns(sql)
            _refuse_no_rows(write_sorted(_file(folder, role), names, database.first_rows(sql, ROWS_OF_A_SAMPLE)), sql)


def fetch_queries(
    connection: Connection,
    queries: dict[str, str],
    mapping: Mapping | None,
    folder: Path,
    since: Since | None = None,
    earlier: Mark | None = None,
) -> Fetched:
    """Write the rows of each table's query into ``folder``, all from one transaction.

    With ``earlier``, only rows above that mark are fetched, unless rows up to it came or went since then: then all are.
    """
    mark, goes_on = None, False
    with reading(connection) as database:
        for role, query in queries.items():
            sql = checked_query(query)
            names = database.columns(sql)
            _check_columns(role, names, mapping)
            if role != RATINGS or since is None:
                rows = database.rows(sql)
            else:
                mark, after = _after(database, sql, names, since, earlier)
                goes_on = earlier is not None and after == earlier.until
                rows = database.rows(sql, (since.column, after) if after else None)
            count = write_sorted(_file(folder, role), names, rows)
            LOGGER.info("%s rows of %s were read", count, role)
            if role == RATINGS and not goes_on:
                _refuse_no_rows(count, sql, since)
    return Fetched(digest_of((file.name, file) for file in folder.glob(f"*{QUERY_FILE_SUFFIX}")), mark, goes_on)


def _after(
    database: Database, sql: str, names: Sequence[str], since: Since, earlier: Mark | None
) -> tuple[Mark | None, str]:
    """Return the mark of all rows now, and the value above which rows are read."""
    if since.column not in names:
        raise IngestError(
            f"SINCE names the column {since.column!r}, and the query has: {', '.join(names)}. Name one of them."
        )
    mark, before = database.mark(sql, since.column, earlier.until if earlier else "")
    if earlier is None:
        return mark, since.value
    if before != earlier.rows:
        LOGGER.warning(
            "The source has %s rows up to %s %s, and had %s. Rows came late or were deleted, so that all rows are read",
            before,
            since.column,
            earlier.until,
            earlier.rows,
        )
        return mark, ""
    return mark, earlier.until


def _check_columns(role: str, names: Sequence[str], mapping: Mapping | None) -> None:
    """Raise IngestError if the mapping names a column that the query lacks."""
    if mapping is None:
        return
    for meaning, column in mapping.tables[role].columns.items():
        if str(column) not in names and str(column).split(".")[0] not in names:
            raise IngestError(
                f"The query of [{role}] has no column {str(column)!r}, which the mapping names as {meaning}. It has: "
                f"{', '.join(names)}. Correct [{role}.columns], or name the column by AS in the query."
            )


def _refuse_no_rows(count: int, sql: str, since: Since | None = None) -> None:
    if not count:
        newer = f" with {since.column} above {since.value}" if since and since.value else ""
        raise IngestError(f"The query returns no rows{newer}: {shown(sql)}. Check its conditions and run again.")


def _file(folder: Path, role: str) -> Path:
    return folder / f"{role}{QUERY_FILE_SUFFIX}"
