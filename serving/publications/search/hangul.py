"""Read Hangul as Latin letters: typed with the wrong keyboard, or romanised."""
# ruff: noqa: SIM905 - a row of words is easier to read than a list of them

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

from serving.publications.search.words import words_of

_HANGUL: Final = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
# The keys of the Korean keyboard, by the letters that words_of leaves.
_CONSONANT_KEYS: Final = "rrseefaqqttdwwczxvg"
_VOWEL_KEYS: Final = "k o i o j p u p h hk ho hl y n nj np nl b m ml l".split()
_KEYS: Final = {
    **{0x1100 + at: key for at, key in enumerate(_CONSONANT_KEYS)},
    **{0x1161 + at: key for at, key in enumerate(_VOWEL_KEYS)},
}
# Revised Romanisation, the official one.
_INITIALS: Final = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"]
_VOWELS: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_FINALS: Final = ["", *"k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()]
# A final consonant before a vowel sounds as an initial one.
_BEFORE_VOWEL: Final = {1: "g", 2: "kk", 7: "d", 8: "r", 17: "b", 19: "s", 20: "ss", 22: "j", 23: "ch"}
_SILENT: Final = 11


def readings(text: str) -> list[str]:
    """Return a text and, where it has Hangul, two readings in Latin letters.

    The first is what its keys write on a Latin keyboard, the second is the romanisation.
    """
    if not _HANGUL.search(text):
        return [text]
    return [text, " ".join(words_of(text)).translate(_KEYS), _romanised(text)]


def _romanised(text: str) -> str:
    syllables = unicodedata.normalize("NFC", text)
    return "".join(_syllable(one, following) for one, following in pairwise([*syllables, " "]))


def _syllable(letter: str, following: str) -> str:
    code = ord(letter) - 0xAC00
    if not 0 <= code <= 0xD7A3 - 0xAC00:
        return letter
    initial, vowel, final = code // 588, code % 588 // 28, code % 28
    silent = (ord(following) - 0xAC00) // 588 == _SILENT
    ending = _BEFORE_VOWEL.get(final, _FINALS[final]) if silent else _FINALS[final]
    return _INITIALS[initial] + _VOWELS[vowel] + ending
