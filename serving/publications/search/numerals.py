"""Write numbers and abbreviations in one way: `seven`, `VII` and `7` are the same word."""
# ruff: noqa: SIM905 - a row of words is easier to read than a list of them

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_UNITS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ROMAN: Final = "ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
_SMALL: Final = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
}
_ONE_WORD: Final = {
    **{word: f"{value}th" for value, word in enumerate(_ORDINALS, 1)},
    **{word: str(value) for value, word in enumerate(_ROMAN, 2)},
    **dict(
        zip("doctor mister versus saint volume junior pt n".split(), "dr mr vs st vol jr part and".split(), strict=True)
    ),
}
_ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)")
_SCALES: Final = {"hundred": 100, "thousand": 1000}


@dataclass(frozen=True)
class Token:
    """One word or one number: in the one way, and as it was written."""

    one_way: str
    written: tuple[str, ...]


def tokens_of(words: list[str]) -> list[Token]:
    """Return words as tokens; the words of one number are one token."""
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        end, value = _number(words, at)
        if end == at:
            end, value = at + 1, _one_way(words[at])
        tokens.append(Token(value, tuple(words[at:end])))
        at = end
    return tokens


def _one_way(word: str) -> str:
    if ordinal := _ORDINAL.fullmatch(word):
        return f"{ordinal[1]}th"
    return _ONE_WORD.get(word, word)


def _number(words: list[str], at: int) -> tuple[int, str]:
    """Return where the number that begins at a word ends, and its digits.

    Where there is no number, it ends where it begins.
    """
    total, current, end = 0, None, at
    while end < len(words):
        word = words[end]
        # one hundred AND one
        joins = word == "and" and end > at and words[end - 1] in _SCALES and end + 1 < len(words)
        if joins and words[end + 1] in _SMALL:
            end += 1
            continue
        if word in _SMALL and _continues(current, _SMALL[word]):
            current = (current or 0) + _SMALL[word]
        elif word in _SCALES and current and current < _SCALES[word]:
            current *= _SCALES[word]
            if word == "thousand":
                total, current = total + current, 0
        else:
            break
        end += 1
    return end, str(total + (current or 0))


def _continues(current: int | None, value: int) -> bool:
    """Return whether a number goes on with this one: `twenty one`."""
    if current is None:
        return True
    return current % 100 == 0 if value >= 10 else current % 10 == 0 and current % 100 != 10 and value > 0
