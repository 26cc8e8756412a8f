"""Split titles and queries into words that compare equal where people write them differently."""
# ruff: noqa: RUF001 - it is about letters that look like others

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Their titles are found with and without them, and wherever they stand.
OPTIONAL: Final = frozenset({"the", "a", "an", "and"})

_APOSTROPHES: Final = dict.fromkeys(map(ord, "'’‘‛ʼʻ`´ʹ′＇"))
_SIGNS: Final = str.maketrans({"&": " and ", "+": " and "})
# Letters that Unicode does not decompose.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
# Alien³ is "alien 3" and 8½ is "8 1 2", not "alien3" and "81 2".
_RAISED: Final = re.compile(r"(?=[²³¹⁰⁴-⁹¼-¾])")
# E.T., L.A. and M*A*S*H are words.
_INITIALS: Final = re.compile(r"(?<!\w)[^\W\d_](?:[.*][^\W\d_])+(?!\w)")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_WORD: Final = re.compile(r"[^\W_]+")

# A keyboard shows a consonant first as the end of a syllable and then, with the next vowel, as a beginning. Both are one
# letter here, so that a half-typed word is the beginning of the whole one.
_INITIAL_OF_FINAL: Final = (
    *("ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ"),
    *("ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ", "ㅎ"),
)
_FINALS: Final = {0x11A8 + at: unicodedata.normalize("NFKD", letters) for at, letters in enumerate(_INITIAL_OF_FINAL)}


def words_of(text: str) -> list[str]:
    """Return the words of a text, without case, accents and apostrophes.

    Hangul comes apart into its letters.
    """
    text = text.translate(_APOSTROPHES).translate(_SIGNS)
    if not text.isascii():
        text = _RAISED.sub(" ", text)
        text = unicodedata.normalize("NFKD", text.casefold()).translate(_FINALS).translate(_LETTERS)
        text = "".join(_plain(letter) for letter in text)
    text = _INITIALS.sub(lambda found: found[0].replace(".", "").replace("*", ""), text.casefold())
    return _WORD.findall(_THOUSANDS.sub("", text))


def _plain(letter: str) -> str:
    """Return a letter, a digit as 0 to 9, or nothing for an accent or a hidden sign."""
    if unicodedata.combining(letter) or unicodedata.category(letter) == "Cf":
        return ""
    return str(unicodedata.decimal(letter, letter))


def without_optional(words: list[str]) -> list[str]:
    """Return the words that a title is known by; all of them where none other is left."""
    return [word for word in words if word not in OPTIONAL] or words
