"""Which rows are reviews: each row is clean or rejected with one reason, and nothing is lost in between.

rows in = clean + quarantined + superseded. Superseded rows are good reviews that a newer or a test copy replaces.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from serving.reviews.corpora.reviews import RawReview, Rejected, Review
from serving.reviews.model.languages import OTHER, detect_language
from serving.reviews.model.normalising import normalise

LONGEST_TEXT = 20_000
LABELS = {
    **dict.fromkeys(("1", "1.0", "positive", "pos", "true", "긍정"), 1),
    **dict.fromkeys(("0", "0.0", "-1", "negative", "neg", "false", "부정"), 0),
}
EMPTY, TOO_LONG, WRONG_LABEL, NOT_UTF8 = "empty", "too_long", "wrong_label", "not_utf8"
QUARANTINE_REASONS = (EMPTY, TOO_LONG, WRONG_LABEL, NOT_UTF8)
DUPLICATE_OF_TEST, NEAR_DUPLICATE_OF_TEST = "duplicate_of_test", "near_duplicate_of_test"
SUPERSEDED_REASONS = (DUPLICATE_OF_TEST, NEAR_DUPLICATE_OF_TEST)

_MARKUP = re.compile(r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>|</?[a-zA-Z][^<>]*>", re.DOTALL | re.IGNORECASE)
_CONTROL = {"Cc", "Cf", "Cs", "Cn", "Co"}
# Format characters that belong to a text: they join emoji and letters of some scripts.
_JOINERS = "\u200c\u200d"


@dataclass
class Cleaned:
    """Clean reviews, rejected rows, and how many rows came in.

    `changed` counts repairs of rows that stayed.
    """

    reviews: list[Review] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def accounting(self) -> dict[str, int]:
        """Return rows, clean, quarantined and superseded."""
        reasons = Counter(row.reason for row in self.rejected)
        return {
            "rows": self.rows,
            "clean": len(self.reviews),
            "quarantined": sum(reasons[reason] for reason in QUARANTINE_REASONS),
            "superseded": sum(reasons[reason] for reason in SUPERSEDED_REASONS),
        }

    def reasons(self) -> dict[str, int]:
        """Return how many rows were rejected for each reason."""
        return dict(sorted(Counter(row.reason for row in self.rejected).items()))


def clean(rows: Iterable[RawReview]) -> Cleaned:
    """Return what is clean and what is rejected of some rows."""
    result = Cleaned()
    for row in rows:
        result.rows += 1
        review, changes = clean_row(row)
        if isinstance(review, Rejected):
            result.rejected.append(review)
            continue
        result.changed.update(changes)
        result.reviews.append(review)
    return result


def clean_row(row: RawReview) -> tuple[Review | Rejected, list[str]]:
    """Return a row as a clean review, or rejected, and what cleaning took out of it."""
    text, changes = without_markup(row.text)
    reason = _reason(row, text)
    if reason:
        return Rejected(reason, row), []
    language = row.language or detect_language(normalise(text), _Everything())
    label = LABELS[row.label.strip().lower()]
    return Review(text, label, language or OTHER, row.corpus, row.file, row.line), changes


def without_markup(text: str) -> tuple[str, list[str]]:
    """Return a text without HTML and control characters, and which of the two it had."""
    changes = []
    if "<" in text or "&" in text:
        plain = html.unescape(_MARKUP.sub(" ", text))
        if plain != text:
            changes.append("html")
            text = plain
    if not text.isprintable():
        plain = "".join(
            " " if unicodedata.category(letter) in _CONTROL and letter not in _JOINERS else letter for letter in text
        )
        if plain.split() != text.split():
            changes.append("control_characters")
        text = plain
    return " ".join(text.split()), changes


def _reason(row: RawReview, text: str) -> str | None:
    """Return why a row is rejected, or None."""
    # Files are read with their wrong bytes as lone surrogates.
    if any("\ud800" <= letter <= "\udfff" for letter in row.text + row.label):
        return NOT_UTF8
    if row.label.strip().lower() not in LABELS:
        return WRONG_LABEL
    if not any(letter.isalnum() or unicodedata.category(letter)[0] == "S" for letter in text):
        return EMPTY
    return TOO_LONG if len(row.text) > LONGEST_TEXT else None


class _Everything:
    """A set of all words: a corpus is cleaned before a model knows any."""

    def __contains__(self, word: object) -> bool:
        return True
