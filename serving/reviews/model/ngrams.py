"""N-grams as whole numbers: exact, so that no two n-grams share one, and made without a loop over letters.

A key has 64 bits: three words of 21 bits, four characters of 16 or eight letters of 8. No letter and no word is zero,
so n-grams of different lengths never meet. Zero (NUL, an unknown word) is in no n-gram: many texts with NUL between
them are read at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]

WORD_BITS, CHARACTER_BITS, LETTER_BITS = 21, 16, 8
# The number of a word that no vocabulary has.
UNKNOWN_WORD = (1 << WORD_BITS) - 1
_LAST_POINT, _PRIVATE_USE, _PRIVATE_USE_SIZE = 0xFFFF, 0xE000, 0x1900
_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_VOWELS, _FINALS = 21, 28
# Letters of one syllable: initials from 128 on, vowels and finals behind them.
_INITIAL_CODE, _VOWEL_CODE, _FINAL_CODE, _OTHER_CODE = 128, 147, 168, 196
_BREAK = 256


@dataclass(frozen=True)
class Grams:
    """The n-grams of a text: keys, and the unit (word or character) in each middle."""

    keys: Keys
    middles: Positions
    lengths: Positions


@dataclass(frozen=True)
class Codes:
    """A row of codes, zero for an unknown one.

    `units` has the word or character that each code came from. It is None where each unit has one code.
    """

    codes: Keys
    bits: int
    units: Positions | None = None

    def unit_of(self, positions: Positions) -> Positions:
        """Return the unit of the code at each position."""
        return positions if self.units is None else self.units.take(positions)

    def keys(self, lengths: range) -> list[Keys]:
        """Return the keys of the n-grams that begin at each code.

        There is an array for each length, as far as the row is long enough. An n-gram with an unknown code is zero.
        """
        present = self.codes != 0
        known, all_known = present, bool(present.all())
        keys, rows, bits = self.codes, [], np.uint64(self.bits)
        for length in range(1, min(lengths.stop - 1, len(self.codes)) + 1):
            if length > 1:
                keys = (keys[:-1] << bits) | self.codes[length - 1 :]
                known = known if all_known else known[:-1] & present[length - 1 :]
            if length in lengths:
                rows.append(keys if all_known else keys * known)
        return rows

    def grams(self, lengths: range) -> Grams:
        """Return the n-grams; one with an unknown code is left out."""
        parts, middles, sizes = [], [], []
        for length, row in zip(lengths, self.keys(lengths), strict=False):
            starts = np.flatnonzero(row)
            parts.append(row[starts])
            middles.append(self.unit_of(starts + (length - 1) // 2))
            sizes.append(np.full(len(starts), length))
        if not parts:
            return Grams(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
        return Grams(np.concatenate(parts), np.concatenate(middles), np.concatenate(sizes))


def _letter_table() -> NDArray[np.uint16]:
    """Return three letters for each code point of 16 bits, zero for none."""
    points = np.arange(1 << 16)
    syllable = (points >= _FIRST_SYLLABLE) & (points <= _LAST_SYLLABLE)
    offset = points[syllable] - _FIRST_SYLLABLE
    final = offset % _FINALS
    table = np.zeros((len(points), 3), dtype=np.uint16)
    table[:, 0] = np.where(points < 128, points, _OTHER_CODE + points % (256 - _OTHER_CODE))
    table[syllable, 0] = _INITIAL_CODE + offset // (_VOWELS * _FINALS)
    table[syllable, 1] = _VOWEL_CODE + offset // _FINALS % _VOWELS
    table[syllable, 2] = np.where(final > 0, _FINAL_CODE + final, 0)
    # NUL parts texts, and stays.
    table[0, 0] = _BREAK
    return table


_LETTERS = _letter_table()


def word_codes(words: Sequence[str], numbers: Mapping[str, int]) -> Codes:
    """Return the numbers of words; those without a number are unknown."""
    return Codes(np.array([numbers.get(word, 0) for word in words], dtype=np.uint64), WORD_BITS)


def character_codes(text: str) -> Codes:
    """Return a text's code points in 16 bits.

    Those beyond 65,535 (emoji, old scripts) are folded into the range for private use.
    """
    return Codes(_code_points(text).astype(np.uint64), CHARACTER_BITS)


def letter_codes(text: str) -> Codes:
    """Return the letters of a text, Korean syllables taken apart.

    A unit is a character of the text.
    """
    if text.isascii():
        return Codes(_code_points(text).astype(np.uint64), LETTER_BITS)
    letters = _LETTERS.take(_code_points(text), axis=0).ravel()
    taken = np.flatnonzero(letters)
    codes = letters.take(taken)
    codes[codes == _BREAK] = 0
    return Codes(codes.astype(np.uint64), LETTER_BITS, taken // 3)


def _code_points(text: str) -> NDArray[np.uint8] | NDArray[np.uint32]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if points.max() > _LAST_POINT:
        points = np.where(points > _LAST_POINT, _PRIVATE_USE + points % _PRIVATE_USE_SIZE, points)
    return points


@dataclass(frozen=True)
class Row:
    """The keys of all n-grams of a row of codes.

    `keys` has a row for each code and a column for each length. A key that reaches beyond the row, or over an unknown code,
    is in no vocabulary, since it has a code of zero. `units` is as that of `Codes`.
    """

    keys: NDArray[np.uint64]
    units: Positions | None = None


def word_row(numbers: list[int], lengths: range) -> Row:
    """Return the n-grams of words by their numbers; zero parts texts."""
    longest = lengths.stop - 1
    codes = np.array([*numbers, *[0] * (longest - 1)], dtype=np.uint64)
    count, keys = len(numbers), codes[: len(numbers)]
    for place in range(1, longest):
        keys = keys << np.uint64(WORD_BITS) | codes[place : place + count]
    cut = _cut(keys, WORD_BITS, longest, lengths)
    cut[codes[:count] == 0] = 0
    return Row(cut)


def text_row(text: str, letters: bool, lengths: range) -> Row:
    """Return the n-grams of a text's letters or characters; NUL parts texts."""
    units, size = None, 1 if letters else 2
    codes: NDArray[np.uint8] | NDArray[np.uint32] = _code_points(text)
    if letters and not text.isascii():
        read = letter_codes(text)
        codes, units = read.codes.astype(np.uint8), read.units
    content = codes.astype(">u1" if letters else ">u2").tobytes() + bytes(8)
    # Eight bytes from each code on, as one number whose first code is the highest.
    keys = np.ndarray((len(codes),), ">u8", content, strides=(size,)).astype(np.uint64)
    keys = _cut(keys, 8 * size, 8 // size, lengths)
    if "\0" in text:
        keys[codes == 0] = 0
    return Row(keys, units)


def _cut(keys: Keys, bits: int, longest: int, lengths: range) -> NDArray[np.uint64]:
    """Return the first codes of n-grams that have `longest`, for each length.

    A zero at the beginning is lost, so the caller leaves out what begins with one.
    """
    return keys[:, None] >> _shifts(bits, longest, lengths)


@cache
def _shifts(bits: int, longest: int, lengths: range) -> NDArray[np.uint64]:
    return np.array([bits * (longest - length) for length in lengths], dtype=np.uint64)


def word_grams(words: Sequence[str], numbers: Mapping[str, int], lengths: range) -> Grams:
    """Return the n-grams of known words; a unit is a word."""
    return word_codes(words, numbers).grams(lengths)


def character_grams(text: str, lengths: range) -> Grams:
    """Return the n-grams of characters; a unit is a character of the text."""
    return character_codes(text).grams(lengths)


def letter_grams(text: str, lengths: range) -> Grams:
    """Return the n-grams of letters, Korean syllables taken apart.

    A unit is a character of the text.
    """
    return letter_codes(text).grams(lengths)
