"""Read the rows of a large table between two values of the column that its files are in the order of.

Memory holds little more than these rows, however many rows the table has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd


class RowsInOrder:
    """A table that is read forwards.

    Where earlier rows are asked for, it is read from its start again.
    """

    def __init__(self, by: str, read: Callable[[], Iterator[pd.DataFrame]]) -> None:
        """Take the column ``by``, and what yields the table's rows from its start."""
        self._by, self._read = by, read
        self._start()

    def _start(self) -> None:
        self._left = self._read()
        self._held = pd.DataFrame({self._by: pd.Series(dtype="int64")})
        self._gone_below: int | None = None

    def between(self, low: int, high: int) -> pd.DataFrame:
        """Return the rows whose value is ``low`` to ``high``.

        Raise ValueError where the table is not in order.
        """
        if self._gone_below is not None and low < self._gone_below:
            self._start()
        while not len(self._held) or self._held[self._by].iloc[-1] <= high:
            frame = next(self._left, None)
            if frame is None:
                break
            wanted = self._held[self._held[self._by] >= low]
            whole = pd.concat([wanted, frame], ignore_index=True) if len(wanted) else frame
            if not whole[self._by].is_monotonic_increasing:
                raise ValueError(f"The files are not in the order of {self._by}. Clear the task that writes them.")
            self._held, self._gone_below = whole, low
        values = self._held[self._by]
        return self._held.iloc[values.searchsorted(low, side="left") : values.searchsorted(high, side="right")]
