"""The words of all titles, and which titles have each."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.typos import KnownWords

Titles = NDArray[np.int32]

_LAST = "\U0010ffff"


def places_of(text: str, part: str) -> list[int]:
    """Return where a part begins in a text, each place once."""
    places, at = [], text.find(part)
    while at >= 0:
        places.append(at)
        at = text.find(part, at + 1)
    return places


class Vocabulary:
    """Sorted words.

    The titles of all words stand in one array, so that those of a range of words are one slice.
    """

    def __init__(self, titles_of: dict[str, list[int]]) -> None:
        """Take the titles' numbers by word."""
        self._words = sorted(titles_of)
        counts = [len(titles_of[word]) for word in self._words]
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._titles: Titles = np.fromiter(
            (title for word in self._words for title in titles_of[word]), np.int32, int(self._first[-1])
        )
        self._known = KnownWords(self._words)
        self._text = "\n".join(self._words)
        lengths = np.fromiter((len(word) + 1 for word in self._words), np.int64, len(self._words))
        self._place = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if self._words else lengths

    def with_word(self, word: str) -> Titles:
        """Return the titles with a word."""
        at = bisect_left(self._words, word)
        found = at < len(self._words) and self._words[at] == word
        return self._slice(at, at + found)

    def with_beginning(self, beginning: str) -> Titles:
        """Return the titles with a word that begins so. A title may come twice."""
        return self._slice(bisect_left(self._words, beginning), bisect_left(self._words, beginning + _LAST))

    def with_part(self, part: str) -> Titles:
        """Return the titles with a word that has a part. A title may come twice."""
        places = places_of(self._text, part)
        if not places:
            return self._titles[:0]
        words = np.unique(np.searchsorted(self._place, places, side="right") - 1)
        return np.concatenate([self._slice(at, at + 1) for at in words])

    def with_slip(self, word: str) -> Titles:
        """Return the titles with a word that is one slip away. A title may come twice."""
        return np.concatenate([self._titles[:0], *map(self.with_word, set(self._known.one_slip_away(word)))])

    def _slice(self, start: int, end: int) -> Titles:
        return self._titles[self._first[start] : self._first[end]]
