"""Choose the files of a storage that are newer than those of the batch before, by their names.

A file has no order of rows that a storage could be asked for: ingest would read all of them to find the newer ones. Parts
get names that grow, such as day=2026-11-28/part-0.parquet, so that the names say which parts are new.
"""

from __future__ import annotations

import hashlib
import json
import logging
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.sources.objects import Listing
from marquee.ingest.own_data.sources.since import Mark, Since
from marquee.ingest.reading.containers.packed import without_suffix
from marquee.ingest.reading.mapping.schema import Mapping, Table

LOGGER = logging.getLogger(__name__)
NAME = "name"
RATINGS = "ratings"


def check_since_of_files(since: Since) -> None:
    """Raise IngestError for a column, which only a database can be asked for."""
    if since.column != NAME:
        raise IngestError(
            f"SINCE is {str(since)[:80]!r}, and files cannot be asked for the newer rows of a column: ingest would read all of "
            "them. Give SINCE=name, which reads the files whose names come after those of the batch before, or leave it out."
        )


def choose_files(
    listing: Listing, since: Since, earlier: Mark | None, mapping: Mapping | None
) -> tuple[Listing, Mark, bool]:
    """Return the files to read, how far they reach, and whether they go on.

    If a file up to the mark came, went or changed since then, all are read. Files of other tables are read each time.
    """
    names = sorted(listing)
    after = since.value
    goes_on = earlier is not None and _digest(listing, earlier.until) == earlier.listing
    if earlier is not None and goes_on:
        after = earlier.until
    elif earlier is not None:
        LOGGER.warning("Files up to %s came late, were deleted or changed, so that all files are read", earlier.until)
    chosen = {name: listing[name] for name in names if name > after or _describes(name, mapping)}
    if not goes_on and not any(name > after for name in names):
        raise IngestError(f"No file has a name after {after!r}. The last one is {names[-1]!r}. Correct SINCE.")
    until = max(names[-1], after)
    return chosen, Mark(until, len(names), _digest(listing, until)), goes_on


def _digest(listing: Listing, until: str) -> str:
    """Return a digest of names, lengths and times of the files up to a name."""
    files = [[name, size, str(changed)] for name, (_, size, changed) in sorted(listing.items()) if name <= until]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def _describes(name: str, mapping: Mapping | None) -> bool:
    """Return whether a file is of another table than the ratings."""
    if mapping is None or _fits(name, mapping.ratings):
        return False
    return any(_fits(name, table) for role, table in mapping.tables.items() if role != RATINGS)


def _fits(name: str, table: Table) -> bool:
    names = {name, without_suffix(name)}
    return any(fnmatchcase(one, table.files) or fnmatchcase(PurePosixPath(one).name, table.files) for one in names)
