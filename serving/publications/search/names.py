"""The names of all titles without spaces, so that it does not matter where a person writes them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.typos import KnownWords
from serving.publications.search.vocabulary import Titles, places_of


class Names:
    """Sorted names in one text. A name ends with a line end, which no name has."""

    def __init__(self, names: Iterable[tuple[int, list[str]]]) -> None:
        """Take each name as the number of its title, and its words."""
        ordered = sorted({("".join(words), title, tuple(map(len, words))) for title, words in names})
        self._known = KnownWords(name for name, _, _ in ordered)
        self._text = "".join(f"{name}\n" for name, _, _ in ordered)
        self._titles: Titles = np.fromiter((title for _, title, _ in ordered), np.int32, len(ordered))
        sizes = np.fromiter((len(name) + 1 for name, _, _ in ordered), np.int64, len(ordered))
        self._start = np.concatenate([[0], np.cumsum(sizes)])
        # Where a word begins, or a name ends.
        self._edges: NDArray[np.bool_] = np.zeros(len(self._text) + 1, np.bool_)
        edges = (np.cumsum((0, *lengths)) for _, _, lengths in ordered)
        for start, of_name in zip(self._start, edges, strict=False):
            self._edges[start + of_name] = True

    def equal(self, name: str) -> Titles:
        """Return the titles with a name."""
        return self._titles[self._at(f"{name}\n") : self._at(f"{name}\n\0")]

    def beginning(self, name: str) -> tuple[Titles, Titles]:
        """Return the titles whose name begins so: those where a word ends there, and all."""
        start, end = self._at(name), self._at(name + "\U0010ffff")
        titles = self._titles[start:end]
        return titles[self._edges[self._start[start:end] + len(name)]], titles

    def holding(self, part: str) -> Titles:
        """Return the titles with a name that has a part at the beginning of a word."""
        places = np.array(places_of(self._text, part), np.int64)
        places = places[self._edges[places]]
        return self._titles[np.searchsorted(self._start, places, side="right") - 1]

    def one_slip_away(self, name: str) -> Titles:
        """Return the titles whose name is one slip away."""
        return np.concatenate([self._titles[:0], *map(self.equal, set(self._known.one_slip_away(name)))])

    def _at(self, name: str) -> int:
        """Return how many names come before a text."""
        low, high = 0, len(self._titles)
        while low < high:
            middle = (low + high) // 2
            if self._text[int(self._start[middle]) : int(self._start[middle + 1])] < name:
                low = middle + 1
            else:
                high = middle
        return low
