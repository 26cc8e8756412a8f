"""The names that a title gives its movie."""
# ruff: noqa: RUF001 - catalogues write either apostrophe

from __future__ import annotations

import re
from typing import Final

_ALSO_KNOWN_AS: Final = re.compile(r"\ba\.?k\.?a\b\.?", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
# Catalogues write an article last.
_ARTICLE_LAST: Final = re.compile(
    r"(.+), (the|an?|l[aeo]s?|l['’]|un[ae]?|el|il|i|gli|das|der|die|den|det|ein|eine|het|os?|as?)", re.IGNORECASE
)


def names_of(title: str) -> list[str]:
    """Return the names of a title: the first, and those in brackets or after `a.k.a.`.

    Articles stand first.
    """
    # Brackets at the beginning belong to the name: (500) Days of Summer.
    start = title.find(")") + 1 if title.startswith("(") else 0
    outside = title[:start].strip("()") + _IN_BRACKETS.sub(" ", title[start:])
    parts = [outside, *_IN_BRACKETS.findall(title[start:])]
    names = [name.strip(" ,") for part in parts for name in _ALSO_KNOWN_AS.split(part)]
    return [_article_first(name) for name in names if name]


def _article_first(name: str) -> str:
    last = _ARTICLE_LAST.fullmatch(name)
    if last is None:
        return name
    return f"{last[2]}{'' if last[2][-1] in {chr(39), '’'} else ' '}{last[1]}"
