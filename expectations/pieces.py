"""Validate a table that grows with the users, some users' rows at a time.

Its suite names the column in ``meta.in_pieces_by``: the table's files are in this column's order. Every rule but that of the row count
is judged for each piece, shares and means too. So memory holds one piece, however many users there are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pandas as pd

# Great Expectations needs some 300 MB for so many rows of lists.
ROWS_AT_ONCE = 1_000_000
EXAMPLES = 5


def pieces(frames: Iterator[pd.DataFrame], by: str, rows: int = ROWS_AT_ONCE) -> Iterator[pd.DataFrame]:
    """Yield the rows in pieces of at least ``rows``.

    A piece has all rows of each of its values of ``by``. The last piece may be smaller. Raise ValueError where a piece has a value that is
    not above those of the piece before it.
    """
    held: list[pd.DataFrame] = []
    highest: Any = None
    for frame in frames:
        if by not in frame.columns:  # which the suite's first rule reports
            yield frame
            return
        held.append(frame)
        if sum(map(len, held)) < rows:
            continue
        whole = pd.concat(held, ignore_index=True)
        # More rows of the last value may follow.
        goes_on = whole[by] == whole[by].iloc[-1]
        piece, held = whole[~goes_on], [whole[goes_on]]
        if len(piece):
            highest = _above(piece, by, highest)
            yield piece
    whole = pd.concat(held, ignore_index=True)
    _above(whole, by, highest)
    yield whole


def _above(piece: pd.DataFrame, by: str, highest: Any) -> Any:
    if highest is not None and not piece[by].min() > highest:
        raise ValueError(
            f"The files are not in the order of {by}: {highest} comes again. Clear the task that writes them."
        )
    return piece[by].max()


class KeptColumns:
    """The columns that drift is measured of, kept while a table's rows pass by.

    They take 4 or 8 bytes a value.
    """

    def __init__(self, names: Collection[str]) -> None:
        """Take the columns' names."""
        self._parts: dict[str, list[pd.Series[Any]]] = {name: [] for name in names}

    def of(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yield the frames as they are."""
        for frame in frames:
            for name, parts in self._parts.items():
                if name in frame.columns:
                    # A copy, since a column keeps its whole frame alive. Half stars are the same in 32 bits.
                    part = frame[name]
                    parts.append(part.astype("float32") if part.dtype.kind == "f" else part.copy())
            yield frame

    def frame(self, rows: int) -> pd.DataFrame:
        """Return the columns that were there, of so many rows."""
        columns = {}
        for name in list(self._parts):
            if parts := self._parts.pop(name):
                columns[name] = pd.concat(parts, ignore_index=True)
        return pd.DataFrame(columns, index=pd.RangeIndex(rows), copy=False)


def outcome_of_pieces(
    found: Iterator[pd.DataFrame], outcome: Callable[[pd.DataFrame, bool], dict[str, Any]]
) -> dict[str, Any]:
    """Return the outcomes of all pieces as one.

    ``outcome(piece, shown)`` is that of ``validate_frame``. ``shown`` is true for the one piece that data docs show: the first that fails,
    or the last.
    """
    whole: dict[str, Any] | None = None
    shown = False
    following = next(found, None)
    while following is not None:
        piece, following = following, next(found, None)
        is_last = following is None
        part = outcome(piece, is_last and not shown)
        if not shown and not is_last and not part["success"]:
            shown = True
            outcome(piece, True)
        whole = part if whole is None else _both(whole, part)
    if whole is None:
        raise ValueError("There is no piece to validate.")
    return whole


def _both(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    rows, success = whole["rows"] + part["rows"], whole["success"] and part["success"]
    faults = {kind: _joined([*whole[kind], *part[kind]]) for kind in ("failed", "warnings")}
    return {**whole, "rows": rows, "success": success, **faults}


def _joined(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each rule's faults once: their numbers added up, its first examples."""
    by_rule: dict[str, dict[str, Any]] = {}
    for fault in faults:
        rule = json.dumps([fault["expectation"], fault["kwargs"]], sort_keys=True, default=str)
        if rule in by_rule:
            before = by_rule[rule]
            counts = [count for count in (before["unexpected"], fault["unexpected"]) if count is not None]
            examples = [*before["examples"], *fault["examples"]][:EXAMPLES]
            by_rule[rule] = {**before, "unexpected": sum(counts) if counts else None, "examples": examples}
        else:
            by_rule[rule] = fault
    return list(by_rule.values())
