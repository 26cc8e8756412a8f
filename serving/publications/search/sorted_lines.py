"""Sorted lines in one text, to look up by how they begin and by what they hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_LAST = "\U0010ffff"


class SortedLines:
    """Lines that ascend. None holds a line end; a line may come several times.

    They are one text, since a string for each takes more memory than its letters, and keeps what was freed around it from
    going back to the system.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        """Take all lines, which ascend."""
        self.text = "".join(f"{line}\n" for line in lines)
        ends = [at + 1 for at in places_of(self.text, "\n")]
        # Where each line starts, and the last one ends.
        self.starts: NDArray[np.int64] = np.array([0, *ends], np.int64)

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.starts) - 1

    def equal(self, line: str) -> slice:
        """Return which lines are equal to one."""
        return slice(self._before(f"{line}\n"), self._before(f"{line}\n\0"))

    def beginning(self, text: str) -> slice:
        """Return which lines begin with a text."""
        return slice(self._before(text), self._before(text + _LAST))

    def at(self, places: Iterable[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the line at each place of the text."""
        return np.searchsorted(self.starts, np.asarray(places), side="right") - 1

    def _before(self, line: str) -> int:
        """Return how many lines come before one."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.text[int(self.starts[middle]) : int(self.starts[middle + 1])] < line:
                low = middle + 1
            else:
                high = middle
        return low


def places_of(text: str, part: str) -> list[int]:
    """Return where a part begins in a text, each place once."""
    places, at = [], text.find(part)
    while at >= 0:
        places.append(at)
        at = text.find(part, at + 1)
    return places
