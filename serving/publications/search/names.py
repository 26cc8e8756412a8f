"""The names of all titles without spaces, so that it does not matter where a person writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.sorted_lines import SortedLines, places_of
from serving.publications.search.typos import KnownWords
from serving.publications.search.vocabulary import Titles


class Names:
    """Sorted names, each with its title and where its words begin."""

    def __init__(self, names: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take each name as the number of its title, and its words."""
        ordered = sorted({("".join(words), title, tuple(map(len, words))) for title, words in names})
        self._known = KnownWords(name for name, _, _ in ordered)
        self._names = SortedLines(name for name, _, _ in ordered)
        self._titles: Titles = np.fromiter((title for _, title, _ in ordered), np.int32, len(ordered))
        # Where a word begins, or a name ends.
        self._edges: NDArray[np.bool_] = np.zeros(len(self._names.text) + 1, np.bool_)
        edges = (np.cumsum((0, *lengths)) for _, _, lengths in ordered)
        for start, of_name in zip(self._names.starts, edges, strict=False):
            self._edges[start + of_name] = True

    def equal(self, name: str) -> Titles:
        """Return the titles with a name."""
        return self._titles[self._names.equal(name)]

    def beginning(self, name: str) -> tuple[Titles, Titles]:
        """Return the titles whose name begins so: those where a word ends there, and all."""
        begun = self._names.beginning(name)
        titles = self._titles[begun]
        return titles[self._edges[self._names.starts[begun] + len(name)]], titles

    def holding(self, part: str) -> Titles:
        """Return the titles with a name that has a part at the beginning of a word."""
        places = np.array(places_of(self._names.text, part), np.int64)
        return self._titles[self._names.at(places[self._edges[places]])]

    def one_slip_away(self, name: str) -> Titles:
        """Return the titles whose name is one slip away."""
        return np.concatenate([self._titles[:0], *map(self.equal, set(self._known.one_slip_away(name)))])
