"""Read the columns of other tables that a suite's rules ask for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from hdfs import InsecureClient

from expectations.partitions import read_partition, read_rows
from expectations.rows_in_order import RowsInOrder


class OtherTables:
    """The other tables of a batch, each kept for the next rule and the next suite."""

    def __init__(self, client: InsecureClient, batch_id: str) -> None:
        """Take a client of HDFS and the batch."""
        self._client, self._batch_id = client, batch_id
        self._whole: dict[tuple[str, ...], pd.DataFrame] = {}
        self._in_order: dict[tuple[str, ...], RowsInOrder] = {}

    def __call__(self, table: str, columns: Sequence[str], between: tuple[int, int] | None, /) -> pd.DataFrame:
        """Return columns of a table's partition.

        With ``between``, those rows alone whose first column is between two values.

        Raise MissingPartitionError, ValueError, HdfsError and RequestException.
        """
        key, names = (table, *columns), list(columns)
        if between is not None:
            if key not in self._in_order:
                read = (self._client, table, self._batch_id, names, names)
                self._in_order[key] = RowsInOrder(names[0], lambda: read_rows(*read))
            return self._in_order[key].between(*between)
        if key not in self._whole:
            self._whole[key] = read_partition(self._client, table, self._batch_id, names, names)
        return self._whole[key]
