"""N-grams as whole numbers: exact, so that no two n-grams share one, and made without a loop over letters.

A key has 64 bits: three words of 21 bits, four characters of 16 or eight letters of 8. No letter and no word is zero,
so n-grams of different lengths never meet. Zero (NUL, an unknown word) is in no n-gram: many texts with NUL between
them are read at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]

WORD_BITS, CHARACTER_BITS, LETTER_BITS = 21, 16, 8
_PRIVATE_USE, _PRIVATE_USE_SIZE = 0xE000, 0x1900
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


def _grams(codes: Keys, units: Positions, bits: int, lengths: range) -> Grams:
    """Return the n-grams of a row of codes.

    `units` says which unit of the text each code came from. An n-gram with an unknown code (zero) is left out.
    """
    parts, middles, sizes = [], [], []
    keys = np.zeros(len(codes), dtype=np.uint64)
    unknown = codes == 0
    for length in range(1, min(lengths.stop - 1, len(codes)) + 1):
        count = len(codes) - length + 1
        keys = (keys[:count] << np.uint64(bits)) | codes[length - 1 :]
        if length > 1:
            unknown = unknown[:count] | (codes[length - 1 :] == 0)
        if length in lengths:
            starts = np.flatnonzero(~unknown)
            parts.append(keys[starts])
            middles.append(units[starts + (length - 1) // 2])
            sizes.append(np.full(len(starts), length))
    if not parts:
        return Grams(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
    return Grams(np.concatenate(parts), np.concatenate(middles), np.concatenate(sizes))


def word_grams(words: Sequence[str], numbers: Mapping[str, int], lengths: range) -> Grams:
    """Return the n-grams of known words; a unit is a word.

    Words without a number belong to none.
    """
    codes = np.array([numbers.get(word, 0) for word in words], dtype=np.uint64)
    return _grams(codes, np.arange(len(words)), WORD_BITS, lengths)


def code_points(text: str) -> Keys:
    """Return a text's code points in 16 bits.

    Those beyond 65,535 (emoji, old scripts) are folded into the range for private use.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    if len(points) and points.max() > 0xFFFF:
        points = np.where(points > 0xFFFF, _PRIVATE_USE + points % _PRIVATE_USE_SIZE, points)
    return points


def character_grams(text: str, lengths: range) -> Grams:
    """Return the n-grams of characters; a unit is a character of the text."""
    codes = code_points(text)
    return _grams(codes, np.arange(len(codes)), CHARACTER_BITS, lengths)


def letter_grams(text: str, lengths: range) -> Grams:
    """Return the n-grams of letters, Korean syllables taken apart.

    A unit is a character of the text.
    """
    points = code_points(text).astype(np.int64)
    syllable = (points >= _FIRST_SYLLABLE) & (points <= _LAST_SYLLABLE)
    offset = points - _FIRST_SYLLABLE
    final = offset % _FINALS
    # Up to three letters a character, zero where there is none.
    table = np.zeros((len(points), 3), dtype=np.int64)
    table[:, 0] = np.where(points < 128, points, _OTHER_CODE + points % (256 - _OTHER_CODE))
    table[syllable, 0] = _INITIAL_CODE + offset[syllable] // (_VOWELS * _FINALS)
    table[syllable, 1] = _VOWEL_CODE + offset[syllable] // _FINALS % _VOWELS
    table[syllable, 2] = np.where(final[syllable] > 0, _FINAL_CODE + final[syllable], 0)
    # NUL parts texts, and stays.
    table[points == 0, 0] = _BREAK
    units, _ = np.nonzero(table)
    codes = table[table > 0]
    codes[codes == _BREAK] = 0
    return _grams(codes.astype(np.uint64), units, LETTER_BITS, lengths)
