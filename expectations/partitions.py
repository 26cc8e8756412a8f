"""Read one batch's partition of a warehouse table over WebHDFS."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from hdfs import InsecureClient
from pyarrow import orc

WAREHOUSE = "/marquee/warehouse"


class MissingPartitionError(Exception):
    """Report a table without a partition of the batch."""


def read_partition(
    client: InsecureClient, table: str, batch_id: str, columns: list[str], only: list[str] | None = None
) -> pd.DataFrame:
    """Return the rows of the table's partition, in the order of its files.

    ``columns`` are the table's columns: if Hive wrote a partition without rows, it has no file that names them.
    ``only`` limits the read to these columns. Raise MissingPartitionError if the partition does not exist.
    """
    frames = list(read_files(client, table, batch_id, columns, only))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def read_files(
    client: InsecureClient, table: str, batch_id: str, columns: list[str], only: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield what ``read_partition`` returns, a file at a time.

    Where there is no file, a frame without rows is all.
    """
    folder = f"{WAREHOUSE}/{table}/batch_id={batch_id}"
    if client.status(folder, strict=False) is None:
        raise MissingPartitionError(f"{folder} does not exist. Load {table} for batch {batch_id} first.")
    any_file = False
    for name, status in sorted(client.list(folder, status=True)):
        if status["type"] != "FILE" or name.startswith((".", "_")) or status["length"] == 0:
            continue
        with client.read(f"{folder}/{name}") as reader:
            content = reader.read()
        frame = _to_pandas(orc.read_table(io.BytesIO(content), columns=only))
        del content
        pa.default_memory_pool().release_unused()  # the rules need memory too: a big table's rows are hundreds of MB
        any_file = True
        yield frame
    if not any_file:
        yield pd.DataFrame(columns=only or columns)


def _to_pandas(rows: pa.Table) -> pd.DataFrame:
    """Return the rows with all numbers as 64 bits.

    Great Expectations compares other numbers one by one, in Python.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for name in rows.column_names:  # one by one, so that memory holds only one column twice
        column = rows.column(name)
        wide = pa.int64() if pa.types.is_integer(column.type) else pa.float64()
        number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        columns[name] = (column.cast(wide) if number else column).to_pandas()
    return pd.DataFrame(columns)
