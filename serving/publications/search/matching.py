"""How each title of a catalogue fits the words of one search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from serving.publications.search.names import Names
from serving.publications.search.numerals import Token, tokens_of
from serving.publications.search.typos import LEAST_LETTERS
from serving.publications.search.vocabulary import Vocabulary
from serving.publications.search.words import OPTIONAL, without_optional

# How a title fits, the best first. Popular titles come first among those that fit alike.
NAME, NAME_BEGINS, WORDS, BEGINNINGS, PARTS, SLIPS, NOT_AT_ALL = range(7)
# How words are looked for, each one where those before it found too little.
AS_TYPED, ACROSS_SPACES, WITH_SLIPS = range(3)
_ENOUGH: Final = 10
_FEW: Final = 3
_LEAST_PART: Final = 3
_YEARS: Final = (1870, 2100)

Fits = NDArray[np.uint8]


class Matching:
    """One search.

    It keeps how titles fit each word, since it asks for a word several times.
    """

    def __init__(self, vocabulary: Vocabulary, names: Names, years: NDArray[np.int32]) -> None:
        """Search titles by their words, their names and their years, 0 where unknown."""
        self._vocabulary = vocabulary
        self._names = names
        self._years = years
        self._kept: dict[tuple[str, int], Fits] = {}

    def fits(self, words: list[str]) -> Fits:
        """Return how each title fits the words, with or without a year among them."""
        fits = self._fits_with_year(words, AS_TYPED)
        if np.count_nonzero(fits < NOT_AT_ALL) < _ENOUGH:
            for some in (words, *_joined(words)):
                np.minimum(fits, self._fits_with_year(some, ACROSS_SPACES), out=fits)
        if np.count_nonzero(fits < NOT_AT_ALL) < _FEW and not np.any(fits <= WORDS):
            np.minimum(fits, self._fits_with_year(words, WITH_SLIPS), out=fits)
        return fits

    def _fits_with_year(self, words: list[str], effort: int) -> Fits:
        fits = self._fits_words(words, effort)
        for at, word in enumerate(words):
            unit = _unit_of_year(word, last=at == len(words) - 1)
            if unit is None:
                continue
            others = words[:at] + words[at + 1 :]
            of_others = self._fits_words(others, effort) if others else np.full_like(fits, PARTS)
            of_year = self._years // unit == int(word)
            best = NAME if unit == 1 else WORDS
            np.minimum(fits, np.where(of_year, np.maximum(of_others, best), NOT_AT_ALL), out=fits)
        return fits

    def _fits_words(self, words: list[str], effort: int) -> Fits:
        """Return how each title fits all the words."""
        if not words:
            return self._nowhere()
        tokens = tokens_of(words)
        needed = [token for token in tokens if token.one_way not in OPTIONAL] or tokens
        fits = self._fits_token(needed[0], effort)
        for token in needed[1:]:
            np.maximum(fits, self._fits_token(token, effort), out=fits)
        for name in map("".join, {*spellings(words), tuple(token.one_way for token in needed)}):
            begun, begins = self._names.beginning(name)
            if effort == WITH_SLIPS:
                _improve(fits, self._names.one_slip_away(name), SLIPS)
            _improve(fits, begins, BEGINNINGS)
            _improve(fits, begun, NAME_BEGINS)
            _improve(fits, self._names.equal(name), NAME)
        return fits

    def _fits_token(self, token: Token, effort: int) -> Fits:
        parts = [self._fits_word(word, effort) for word in token.written]
        fits: Fits = np.maximum.reduce(parts)
        fits[self._vocabulary.with_word(token.one_way)] = WORDS
        return fits

    def _fits_word(self, word: str, effort: int) -> Fits:
        if (word, effort) not in self._kept:
            self._kept[word, effort] = self._look_for(word, effort)
        return self._kept[word, effort]

    def _look_for(self, word: str, effort: int) -> Fits:
        fits, vocabulary = self._nowhere(), self._vocabulary
        if effort == WITH_SLIPS:
            fits[vocabulary.with_slip(word)] = SLIPS
        if effort >= ACROSS_SPACES and len(word) >= LEAST_LETTERS:
            fits[self._names.holding(word)] = PARTS
        if len(word) >= _LEAST_PART:
            fits[vocabulary.with_part(word)] = PARTS
        fits[vocabulary.with_beginning(word)] = BEGINNINGS
        fits[vocabulary.with_word(word)] = WORDS
        return fits

    def _nowhere(self) -> Fits:
        return np.full(len(self._years), NOT_AT_ALL, np.uint8)


def spellings(words: list[str]) -> set[tuple[str, ...]]:
    """Return a name without optional words, and with those inside it."""
    inside = words[1:] if words[0] in OPTIONAL and len(words) > 1 else words
    return {tuple(without_optional(words)), tuple(inside)}


def _joined(words: list[str]) -> Iterator[list[str]]:
    """Yield the words with two neighbours written as one."""
    for at in range(len(words) - 1):
        yield [*words[:at], words[at] + words[at + 1], *words[at + 2 :]]


def _improve(fits: Fits, titles: NDArray[np.integer], fit: int) -> None:
    fits[titles] = np.minimum(fits[titles], fit)


def _unit_of_year(word: str, *, last: bool) -> int | None:
    """Return 1 for a year, 10 or 100 for a last one that is half typed, else None."""
    if not (word.isascii() and word.isdecimal() and (len(word) == 4 or (last and len(word) in (2, 3)))):
        return None
    unit: int = 10 ** (4 - len(word))
    return unit if _YEARS[0] <= int(word) * unit <= _YEARS[1] else None
