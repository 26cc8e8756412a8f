"""Measure a column of a sample: what it holds, and what it could be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from marquee.ingest.reading.columns import ids, times, values
from marquee.ingest.reading.columns.names import INDEX_NAMES, plain, role_of_name


@dataclass(frozen=True)
class Column:
    """Hold a column of the sample: name, place and values.

    Without a header, the name is the number from 1.
    """

    name: str
    place: int
    values: list[str]

    @cached_property
    def present(self) -> list[str]:
        """Return the values that are there."""
        return [value.strip() for value in self.values if value.strip() not in ids.MISSING]

    @cached_property
    def distinct(self) -> int:
        """Return the number of different values."""
        return len(set(self.present))

    @cached_property
    def share_missing(self) -> float:
        """Return which part of the values is missing."""
        return 1 - len(self.present) / len(self.values) if self.values else 1.0

    @cached_property
    def decimal(self) -> str:
        """Return the mark before a number's fraction."""
        return values.decimal_mark(self.present)

    @cached_property
    def share_numbers(self) -> float:
        """Return which part of the present values are numbers."""
        found = sum(values.to_number(value, self.decimal) is not None for value in self.present)
        return found / len(self.present) if self.present else 0.0

    @cached_property
    def unit(self) -> tuple[str, bool] | None:
        """Return the unit of time, or None if the values are no times."""
        return times.unit_of_times(self.present)

    @cached_property
    def id_kind(self) -> str:
        """Return what the values look like as ids."""
        return ids.kind_of_ids(self.present)

    @cached_property
    def known_as(self) -> tuple[str, int] | None:
        """Return the role that the name speaks of, and its place among that role's names."""
        return None if self.name.isdecimal() else role_of_name(self.name)

    @cached_property
    def is_index(self) -> bool:
        """Return whether it only numbers the rows, as pandas writes it."""
        if not self.present or len(self.present) < 2 or plain(self.name) not in INDEX_NAMES:
            return False
        if not all(value.isdecimal() and len(value) < 18 for value in self.present):
            return False
        numbers = [int(value) for value in self.present]
        return all(later > earlier for earlier, later in pairwise(numbers))
