"""Reading one batch's partition of a warehouse table over WebHDFS."""

from __future__ import annotations

import io

import pandas as pd
from hdfs import InsecureClient
from pyarrow import orc

WAREHOUSE = "/marquee/warehouse"


class MissingPartitionError(Exception):
    """The table has no partition of the batch."""


def read_partition(
    client: InsecureClient, table: str, batch_id: str, columns: list[str], only: list[str] | None = None
) -> pd.DataFrame:
    """Return the rows of the table's partition, in the order of its files.

    ``columns`` are the table's columns: a partition that Hive wrote without rows has no file to take them from.
    ``only`` limits what is read to these columns. Raises MissingPartitionError where there is no such partition.
    """
    folder = f"{WAREHOUSE}/{table}/batch_id={batch_id}"
    if client.status(folder, strict=False) is None:
        raise MissingPartitionError(f"{folder} does not exist; load {table} for batch {batch_id} first.")
    frames: list[pd.DataFrame] = []
    for name, status in sorted(client.list(folder, status=True)):
        if status["type"] != "FILE" or name.startswith((".", "_")) or status["length"] == 0:
            continue
        with client.read(f"{folder}/{name}") as reader:
            content = reader.read()
        frames.append(orc.read_table(io.BytesIO(content), columns=only).to_pandas())
    if not frames:
        return pd.DataFrame(columns=only or columns)
    return pd.concat(frames, ignore_index=True)
