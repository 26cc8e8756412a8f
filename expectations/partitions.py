"""Read one batch's partition of a warehouse table over WebHDFS."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from hdfs import InsecureClient
from pyarrow import dataset

WAREHOUSE = "/marquee/warehouse"
ROWS_READ_AT_ONCE = 500_000


class MissingPartitionError(Exception):
    """Report a table without a partition of the batch."""


def read_partition(
    client: InsecureClient, table: str, batch_id: str, columns: list[str], only: list[str] | None = None
) -> pd.DataFrame:
    """Return the rows of the table's partition, in the order of its files.

    ``columns`` are the table's columns: if Hive wrote a partition without rows, it has no file that names them.
    ``only`` limits the read to these columns. Raise MissingPartitionError if the partition does not exist.
    """
    frames = list(read_rows(client, table, batch_id, columns, only))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def read_rows(
    client: InsecureClient, table: str, batch_id: str, columns: list[str], only: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield what ``read_partition`` returns, some of a file's rows at a time.

    Where there is no file, a frame without rows is all. A file is on the local disk while it is read.
    """
    folder = f"{WAREHOUSE}/{table}/batch_id={batch_id}"
    if client.status(folder, strict=False) is None:
        raise MissingPartitionError(f"{folder} does not exist. Load {table} for batch {batch_id} first.")
    any_file = False
    for name, status in sorted(client.list(folder, status=True)):
        if status["type"] != "FILE" or name.startswith((".", "_")) or status["length"] == 0:
            continue
        with tempfile.NamedTemporaryFile() as file:
            with client.read(f"{folder}/{name}") as reader:
                shutil.copyfileobj(reader, file, 1 << 20)
            file.flush()
            for frame in _frames(file.name, only):
                any_file = True
                yield frame
    if not any_file:
        yield pd.DataFrame(columns=only or columns)


def _frames(path: str, only: list[str] | None) -> Iterator[pd.DataFrame]:
    # A stripe may have ten million rows. A scanner reads it from the start, and holds no more than it yields.
    stored = dataset.dataset(path, format="orc")
    scanned = stored.to_batches(
        columns=only, batch_size=ROWS_READ_AT_ONCE, batch_readahead=0, fragment_readahead=0, use_threads=False
    )
    any_row = False
    for rows in scanned:
        any_row = True
        yield _to_pandas(pa.Table.from_batches([rows]))
        pa.default_memory_pool().release_unused()  # the rules need memory too
    if not any_row:
        yield _to_pandas(stored.schema.empty_table().select(only or stored.schema.names))


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
