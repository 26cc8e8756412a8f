"""Find the known words that are one slip of the fingers away from a word."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

# Shorter words are too near to each other.
LEAST_LETTERS: Final = 4

_LATIN: Final = string.ascii_lowercase
_HANGUL: Final = "".join(map(chr, (*range(0x1100, 0x1113), *range(0x1161, 0x1176))))


class KnownWords:
    """Which words exist.

    A word costs eight bytes: its hash is kept. So it is sure only that a word is not known.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Take all words."""
        self._hashes = np.sort(np.fromiter(map(hash, words), np.int64))

    def one_slip_away(self, word: str) -> list[str]:
        """Return the known words that one slip makes of a word."""
        others = list(one_slip_away(word))
        if not others or not self._hashes.size:
            return []
        hashes = np.fromiter(map(hash, others), np.int64, len(others))
        places = np.minimum(np.searchsorted(self._hashes, hashes), self._hashes.size - 1)
        return [others[at] for at in np.flatnonzero(self._hashes[places] == hashes)]


def one_slip_away(word: str) -> Iterator[str]:
    """Yield words with a letter added, left out, replaced, or swapped with the next.

    Yields none for a short word and none for one with digits, which are never slips.
    """
    if len(word) < LEAST_LETTERS or not word.isalpha():
        return
    letters = _LATIN if word.isascii() else _LATIN + _HANGUL
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield from (before + letter + after for letter in letters)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
