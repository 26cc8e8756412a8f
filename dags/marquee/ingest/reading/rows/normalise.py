"""Check the columns of a block and turn them into rows of one form.

A converter looks at each different value of a column once. Ratings, items and users repeat, so a block of a hundred
thousand rows needs a few thousand calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marquee.ingest.reading.columns.ids import MISSING as NO_ID
from marquee.ingest.reading.columns.ids import read_id
from marquee.ingest.reading.columns.times import UNITS, read_time
from marquee.ingest.reading.columns.values import MISSING, to_number
from marquee.ingest.reading.mapping.schema import Mapping, Values
from marquee.ingest.reading.shapes.raw import Block, Numbers, Rejected

Array = np.ndarray[Any, Any]
NO_TIME = -1
# Ids that read_id returns unchanged.
USUAL_INTEGER = r"^(0|[1-9][0-9]{0,17})$"
USUAL_TEXT = r"^[!-~]{1,256}$"


@dataclass
class Rows:
    """Hold checked rows as columns, and the rejected ones.

    ``users`` and ``items`` are text. ``values`` is NaN where a row has no number. ``seen`` says that the row only tells
    that the user saw the item. ``times`` are Unix seconds, or -1. ``events`` is empty text without an event.
    ``numbers`` are the rows' numbers in their file.
    """

    users: Array
    items: Array
    values: Array
    seen: Array
    times: Array
    events: Array
    numbers: Numbers
    rejected: list[Rejected]

    def __len__(self) -> int:
        """Return the number of rows that are kept."""
        return len(self.numbers)


def normalise(block: Block, mapping: Mapping) -> Rows:
    """Return a block's rows in one form.

    A row that breaks a rule is among the rejected, with the first rule.
    """
    count = len(block.numbers)
    reasons = np.full(count, "", dtype=object)
    users = _ids(block, "user", mapping.integer_users, reasons)
    items = _ids(block, "item", mapping.integer_items, reasons)
    seen = np.zeros(count, dtype=bool)
    values = np.full(count, np.nan)
    if "value" in block.columns:
        numbers = _converted(block, "value", lambda text: _value(text, mapping.values), reasons)
        values = np.array([np.nan if number is None else number for number in numbers], dtype=float)
        for mark in mapping.values.seen:
            seen |= values == mark
        values[seen] = np.nan
    events = np.full(count, "", dtype=object)
    if "event" in block.columns:
        events = _converted(block, "event", lambda text: _event(text, mapping.events), reasons)
        weights = np.array([mapping.events.get(name, np.nan) for name in events], dtype=float)
        values = weights * values if "value" in block.columns else weights
        seen |= weights <= 0
        values[weights <= 0] = np.nan
    times = _times(block, mapping.time, reasons) if "time" in block.columns else np.full(count, NO_TIME, dtype=np.int64)
    kept = reasons == ""
    rejected = [
        *block.rejected,
        *(
            Rejected(int(block.numbers[place]), str(reasons[place]), block.text_of(int(block.numbers[place])))
            for place in np.flatnonzero(~kept)
        ),
    ]
    rejected.sort(key=lambda row: row.number)
    return Rows(
        users=users[kept],
        items=items[kept],
        values=values[kept],
        seen=seen[kept],
        times=times[kept],
        events=events[kept],
        numbers=block.numbers[kept],
        rejected=rejected,
    )


def _converted(block: Block, role: str, convert: Callable[[str], tuple[Any, str]], reasons: Array) -> Array:
    """Return a column's values by `convert`; set the reason of rejected rows."""
    encoded = block.columns[role].dictionary_encode()
    pairs = [convert(text) for text in encoded.dictionary.to_pylist()]
    pairs.append(convert(""))  # of a null
    codes = encoded.indices.fill_null(len(pairs) - 1).to_numpy(zero_copy_only=False)
    values, why = np.empty(len(pairs), dtype=object), np.empty(len(pairs), dtype=object)
    values[:] = [value for value, _ in pairs]
    why[:] = [reason for _, reason in pairs]
    if any(reason for _, reason in pairs):
        of_rows = why[codes]
        first = (reasons == "") & (of_rows != "")
        reasons[first] = of_rows[first]
    chosen: Array = values[codes]
    return chosen


def _ids(block: Block, role: str, integer: bool, reasons: Array) -> Array:
    """Return a column's ids; usual ones, which stay as they are, are found at once."""
    column = block.columns[role]
    usual = pc.match_substring_regex(column, USUAL_INTEGER if integer else USUAL_TEXT)
    if not integer:
        usual = pc.and_(usual, pc.invert(pc.is_in(column, pa.array(sorted(NO_ID)))))
    if pc.all(usual, skip_nulls=False).as_py():
        found: Array = column.to_numpy(zero_copy_only=False)
        return found
    return _converted(block, role, lambda text: read_id(text, role, integer=integer), reasons)


def _value(text: str, values: Values) -> tuple[float | None, str]:
    if text.strip() in MISSING:
        return None, "value_missing"
    number = to_number(text, values.decimal)
    if number is None:
        return None, "value_not_number"
    if number in values.seen:
        return number, ""
    if values.kind == "strength":
        return (number, "") if number >= 0 else (None, "value_below_zero")
    if not values.lowest <= number <= values.highest:
        return None, "value_outside_scale"
    if values.step:
        steps = (number - values.lowest) / values.step
        if abs(steps - round(steps)) > 1e-6:
            return None, "value_between_steps"
    return number, ""


def _event(text: str, events: dict[str, float]) -> tuple[str | None, str]:
    name = text.strip()
    if not name:
        return None, "event_missing"
    return (name, "") if name in events else (None, "event_unknown")


def _times(block: Block, unit: str, reasons: Array) -> Array:
    """Return Unix seconds; whole numbers, which nearly all differ, are read at once."""
    column = block.columns["time"]
    if unit in UNITS and not column.null_count:
        try:
            numbers = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            numbers = None
        if numbers is not None and len(numbers) and numbers.min() >= 0:
            seconds: Array = numbers // UNITS[unit]
            if seconds.max() <= 253_402_300_799:
                return seconds
    found = _converted(block, "time", lambda text: read_time(text, unit), reasons)
    return np.array([NO_TIME if time is None else time for time in found], dtype=np.int64)
