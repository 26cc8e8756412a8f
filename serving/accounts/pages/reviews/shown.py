"""Reviews and their figures as the templates show them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

# Of a long review this much is seen at first; the rest is one click away.
_CHARACTERS: Final = 600
_LINES: Final = 12
# A cut looks back so far for the end of a word.
_WORD: Final = 40
_JOINERS: Final = "\u200d\ufe0e\ufe0f"
LANGUAGES: Final = ("en", "ko")


@dataclass(frozen=True)
class Shown:
    """A review: what the service gave, and its text in two parts.

    The second part may be empty.
    """

    given: dict[str, Any]
    beginning: str
    rest: str

    @property
    def percent(self) -> int:
        """How probable the model finds what it says, from 50."""
        probability = float(self.given["sentiment"]["probability"])
        return round(100 * max(probability, 1 - probability))

    @property
    def language(self) -> str | None:
        """The text's language, where a browser should know it."""
        found = (self.given["sentiment"] or {}).get("language")
        return found if found in LANGUAGES else None


@dataclass(frozen=True)
class Share:
    """How many of some reviews are positive; `month` is empty for all of them."""

    reviews: int
    positive: int
    month: str = ""

    @property
    def percent(self) -> int:
        """The share of positive ones."""
        return round(100 * self.positive / self.reviews)


def shown(review: dict[str, Any]) -> Shown:
    """Return a review as it is shown."""
    text = review["text"]
    place = _cut(text)
    return Shown(review, text[:place].rstrip(), text[place:].lstrip())


def shares(live: dict[str, Any]) -> tuple[Share | None, list[Share]]:
    """Return the share of positive reviews, and that of each month, the latest first.

    None and nothing where the model has read none.
    """
    months = [_share(month, month["month"]) for month in reversed(live["months"]) if month["reviews"]]
    return (_share(live) if live["reviews"] else None), months


def _share(figures: dict[str, Any], month: str = "") -> Share:
    return Share(figures["reviews"], round(figures["reviews"] * figures["share_positive"]), month)


def _cut(text: str) -> int:
    """Return where the beginning of a text ends: at its end, or behind a word."""
    place = min(len(text), _CHARACTERS)
    lines = [at for at, character in enumerate(text[:place]) if character == "\n"]
    if len(lines) >= _LINES:
        return lines[_LINES - 1]
    if place == len(text):
        return place
    for back in range(place, place - _WORD, -1):
        if text[back].isspace():
            return back
    # Not inside a character that is drawn from several.
    while place > 1 and _joined(text, place):
        place -= 1
    return place


def _joined(text: str, place: int) -> bool:
    here, before = text[place], text[place - 1]
    skin = "\U0001f3fb" <= here <= "\U0001f3ff"
    return skin or unicodedata.category(here) in ("Mn", "Me", "Mc") or here in _JOINERS or before == "\u200d"
