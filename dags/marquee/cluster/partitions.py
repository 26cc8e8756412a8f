"""Put a load's finished files in place of the batch's partitions: all or none.

A load writes to `_attempts/<table>/batch_id=<batch>`. When every table is complete, the load writes the list of
tables to the commit file, then renames one folder after the other. A load that is killed before the commit leaves the
earlier partitions untouched. If it is killed after the commit, the task's next attempt finishes the work from the
list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from marquee import settings
from marquee.cluster.programs import Log


def partition(table: str, batch_id: str) -> str:
    """Return the folder of a table's partition."""
    return f"{settings.WAREHOUSE}/{table}/batch_id={batch_id}"


def attempt(table: str, batch_id: str) -> str:
    """Return the folder that a load of the partition writes to."""
    return f"{settings.ATTEMPTS}/{table}/batch_id={batch_id}"


def commit_file(batch_id: str) -> str:
    """Return the file that lists a batch's complete tables until all are in place."""
    return f"{settings.ATTEMPTS}/commit-{batch_id}.json"


def start_load(client: Any, batch_id: str, tables: Sequence[str], log: Log) -> None:
    """Finish an earlier attempt's commit; remove the files that it did not commit."""
    if client.status(commit_file(batch_id), strict=False) is not None:
        log.warning(
            "An earlier attempt was stopped while it put its tables in place. This attempt finishes that first."
        )
        put_in_place(client, batch_id)
    for table in tables:
        client.delete(attempt(table, batch_id), recursive=True)


def commit_load(client: Any, batch_id: str, tables: Sequence[str]) -> None:
    """Put the complete tables in place of the batch's partitions.

    A table that the load did not write, because the data set has no such file, gets an empty partition.
    """
    written = {table: client.status(attempt(table, batch_id), strict=False) is not None for table in tables}
    fresh = f"{commit_file(batch_id)}.part"
    client.write(fresh, data=json.dumps(written), encoding="utf-8", overwrite=True)
    client.rename(fresh, commit_file(batch_id))
    put_in_place(client, batch_id)


def put_in_place(client: Any, batch_id: str) -> None:
    """Replace the partition of each table in the commit file; a rerun continues."""
    with client.read(commit_file(batch_id), encoding="utf-8") as reader:
        written: dict[str, bool] = json.load(reader)
    for table, has_files in written.items():
        final = partition(table, batch_id)
        if not has_files:
            client.delete(final, recursive=True)
            client.makedirs(final)
        elif client.status(attempt(table, batch_id), strict=False) is not None:
            client.delete(final, recursive=True)
            client.makedirs(final.rsplit("/", 1)[0])
            client.rename(attempt(table, batch_id), final)
    client.delete(commit_file(batch_id))
