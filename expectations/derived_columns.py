"""Add the derived columns of a suite, for rules that need more than one column.

A suite declares them under ``meta.derived_columns``, by name, each with one of:

* ``{"sum_of": [column, ...]}``: the sum of columns of the row;
* ``{"count_over": [column, ...]}``: the number of rows that share these columns' values;
* ``{"differ": [column, column]}``: whether the row's two values differ (Great Expectations compares them in Python);
* ``{"exists_in": table, "columns": {column: its name there, ...}}``: whether the other table has such a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

ReadTable = Callable[[str, Sequence[str]], pd.DataFrame]


def add_derived_columns(
    frame: pd.DataFrame, declared: Mapping[str, Mapping[str, Any]], read_table: ReadTable
) -> pd.DataFrame:
    """Return ``frame`` with the declared columns added.

    ``read_table(table, columns)`` reads columns of another table's partition of the same batch. Raise ValueError
    for an unknown kind of declaration.
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
            derived[name] = _exists(frame, dict(rule["columns"]), rule["exists_in"], read_table)
        else:
            raise ValueError(
                f"Derived column {name!r} has no sum_of, count_over, differ or exists_in. Correct the suite."
            )
    return derived


def _exists(frame: pd.DataFrame, columns: dict[str, str], table: str, read_table: ReadTable) -> pd.Series[bool]:
    other = read_table(table, list(columns.values()))
    if len(columns) == 1:  # an index of one level would copy the column three times
        ((name, name_there),) = columns.items()
        return frame[name].isin(other[name_there])
    first, first_there = next(iter(columns.items()))
    if len(frame) and other[first_there].is_monotonic_increasing:
        # Of a table in this order, only what lies between the frame's values is looked at.
        begin = other[first_there].searchsorted(frame[first].min(), side="left")
        end = other[first_there].searchsorted(frame[first].max(), side="right")
        other = other.iloc[begin:end]
    known = pd.MultiIndex.from_frame(other[list(columns.values())])
    return pd.Series(pd.MultiIndex.from_frame(frame[list(columns)]).isin(known), index=frame.index)
