"""Find the titles that a person means, the likeliest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.hangul import readings
from serving.publications.search.matching import NOT_AT_ALL, Matching, spellings
from serving.publications.search.names import Names
from serving.publications.search.numerals import tokens_of
from serving.publications.search.titles import names_of
from serving.publications.search.vocabulary import Vocabulary
from serving.publications.search.words import words_of

Ids = NDArray[np.int64]


class Title(NamedTuple):
    """A movie as searches see it; `popularity` is its number of ratings."""

    movie_id: int
    title: str
    release_year: int | None
    popularity: int


class SearchIndex:
    """The titles of a catalogue. It never changes; several threads may ask it."""

    def __init__(self, titles: Iterable[Title]) -> None:
        """Read all titles."""
        # Titles are numbered by popularity, so that sorting by how they fit is all.
        ordered = sorted(titles, key=lambda title: (-title.popularity, title.movie_id))
        self._ids = np.array([title.movie_id for title in ordered], np.int64)
        self._years = np.array([title.release_year or 0 for title in ordered], np.int32)
        titles_of: dict[str, list[int]] = defaultdict(list)
        names: list[tuple[int, tuple[str, ...]]] = []
        for number, title in enumerate(ordered):
            written = [words for name in names_of(title.title) if (words := words_of(name))]
            one_way = [[token.one_way for token in tokens_of(words)] for words in written]
            for word in set(chain(words_of(title.title), *written, *one_way)):
                titles_of[word].append(number)
            names += [(number, words) for words in set(chain(*map(spellings, written + one_way)))]
        self._vocabulary = Vocabulary(titles_of)
        self._names = Names(names)

    def find(self, text: str) -> Ids:
        """Return the ids of the movies that a text may mean, the likeliest first."""
        for reading in readings(text):
            fits = Matching(self._vocabulary, self._names, self._years).fits(words_of(reading))
            found = np.flatnonzero(fits < NOT_AT_ALL)
            if found.size:
                break
        return self._ids[found[np.argsort(fits[found], kind="stable")]]


def ids_behind(ids: Ids, after: int) -> Ids:
    """Return the ids behind one of them, all for 0; none where it is not among them."""
    if not after:
        return ids
    place = np.flatnonzero(ids == after)
    return ids[place[0] + 1 :] if place.size else ids[:0]
