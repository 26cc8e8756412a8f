"""Add the derived columns of a suite, for rules that need more than one column.

A suite declares them under ``meta.derived_columns``, by name, each with one of:

* ``{"sum_of": [column, ...]}``: the sum of columns of the row;
* ``{"count_over": [column, ...]}``: the number of rows that share these columns' values;
* ``{"differ": [column, column]}``: whether the row's two values differ (Great Expectations compares them in Python);
* ``{"exists_in": table, "columns": {column: its name there, ...}}``: whether the other table has such a row. With
  ``"in_order": true``, the other table is in the order of the first column, and only rows in its range here are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd


class ReadTable(Protocol):
    """What reads another table's partition of the same batch."""

    def __call__(self, table: str, columns: Sequence[str], between: tuple[int, int] | None, /) -> pd.DataFrame:
        """Return the columns, of the rows alone whose first one is ``between`` two values."""
        ...


def add_derived_columns(
    frame: pd.DataFrame, declared: Mapping[str, Mapping[str, Any]], read_table: ReadTable
) -> pd.DataFrame:
    """Return ``frame`` with the declared columns added.

    Raise ValueError for an unknown kind of declaration.
    """
    derived = frame.copy(deep=False)  # columns are added, never changed
    for name, rule in declared.items():
        if "sum_of" in rule:
            derived[name] = frame[list(rule["sum_of"])].sum(axis=1)
        elif "count_over" in rule:
            keys = list(rule["count_over"])
            derived[name] = frame.groupby(keys, sort=False)[keys[0]].transform("size")
        elif "differ" in rule:
            one, other = rule["differ"]
            derived[name] = frame[one] != frame[other]
        elif "exists_in" in rule:
            derived[name] = _exists(frame, rule, read_table)
        else:
            raise ValueError(
                f"Derived column {name!r} has no sum_of, count_over, differ or exists_in. Correct the suite."
            )
    return derived


def _exists(frame: pd.DataFrame, rule: Mapping[str, Any], read_table: ReadTable) -> pd.Series[bool]:
    columns = dict(rule["columns"])
    first = next(iter(columns))
    between = None
    if rule.get("in_order"):
        known = frame[first].dropna()
        between = (int(known.min()), int(known.max())) if len(known) else (0, -1)
    other = read_table(rule["exists_in"], list(columns.values()), between)
    if len(columns) == 1:  # an index of one level would copy the column three times
        found = frame[first].isin(other[columns[first]])
    else:
        found = pd.MultiIndex.from_frame(frame[list(columns)]).isin(pd.MultiIndex.from_frame(other))
    return pd.Series(found, index=frame.index, dtype=bool)
