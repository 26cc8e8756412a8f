"""The words of all titles, and which titles have each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.sorted_lines import SortedLines, places_of
from serving.publications.search.typos import KnownWords

Titles = NDArray[np.int32]


class Vocabulary:
    """Sorted words.

    The titles of all words stand in one array, so that those of a range of words are one slice.
    """

    def __init__(self, titles_of: Mapping[str, Sequence[int]]) -> None:
        """Take the titles' numbers by word."""
        words = sorted(titles_of)
        counts = [len(titles_of[word]) for word in words]
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._titles: Titles = np.fromiter(
            (title for word in words for title in titles_of[word]), np.int32, int(self._first[-1])
        )
        self._known = KnownWords(words)
        self._words = SortedLines(words)

    def with_word(self, word: str) -> Titles:
        """Return the titles with a word."""
        return self._of(self._words.equal(word))

    def with_beginning(self, beginning: str) -> Titles:
        """Return the titles with a word that begins so. A title may come twice."""
        return self._of(self._words.beginning(beginning))

    def with_part(self, part: str) -> Titles:
        """Return the titles with a word that has a part. A title may come twice."""
        places = places_of(self._words.text, part)
        if not places:
            return self._titles[:0]
        return np.concatenate([self._of(slice(at, at + 1)) for at in np.unique(self._words.at(places))])

    def with_slip(self, word: str) -> Titles:
        """Return the titles with a word that is one slip away. A title may come twice."""
        return np.concatenate([self._titles[:0], *map(self.with_word, set(self._known.one_slip_away(word)))])

    def _of(self, words: slice) -> Titles:
        return self._titles[self._first[words.start] : self._first[words.stop]]
