"""A table that is in order is read forwards, and only what lies between two values is held."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.rows_in_order import RowsInOrder

USERS = [1, 1, 2, 4, 4, 4, 5, 9]
TABLE = pd.DataFrame({"user_id": USERS, "movie_id": range(len(USERS))})


class Parts:
    """Yields a table in parts, and counts those that were read."""

    def __init__(self, table: pd.DataFrame, rows: int) -> None:
        self.table, self.rows, self.read = table, rows, 0

    def __call__(self) -> Iterator[pd.DataFrame]:
        for start in range(0, max(len(self.table), 1), self.rows):
            self.read += 1
            yield self.table[start : start + self.rows]


def test_parts_beyond_the_values_are_not_read_and_those_before_them_are_not_kept() -> None:
    parts = Parts(TABLE, 2)
    table = RowsInOrder("user_id", parts)
    assert table.between(1, 2)["movie_id"].tolist() == [0, 1, 2]
    assert parts.read == 2
    assert table.between(4, 5)["movie_id"].tolist() == [3, 4, 5, 6]
    assert parts.read == 4
    # The rows of the users 1 and 2 are gone, so that the table is read again.
    assert table.between(2, 2)["movie_id"].tolist() == [2]
    assert parts.read == 6


@given(
    st.lists(st.integers(0, 12)).map(sorted),
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(-1, 14), st.integers(-1, 14)), max_size=6),
)
def test_whatever_is_asked_for_is_what_a_filter_finds(
    users: list[int], rows: int, asked: list[tuple[int, int]]
) -> None:
    whole = pd.DataFrame({"user_id": pd.Series(users, dtype="int64"), "movie_id": range(len(users))})
    table = RowsInOrder("user_id", Parts(whole, rows))
    for low, high in asked:
        expected = whole[(whole["user_id"] >= low) & (whole["user_id"] <= high)] if low <= high else whole[:0]
        assert table.between(low, high)["movie_id"].tolist() == expected["movie_id"].tolist()


@pytest.mark.parametrize("rows", [1, 3])
def test_a_table_out_of_order_is_refused(rows: int) -> None:
    table = RowsInOrder("user_id", Parts(TABLE[::-1], rows))
    with pytest.raises(ValueError, match="not in the order of user_id"):
        table.between(1, 20)
