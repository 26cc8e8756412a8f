"""What a person sends as a review, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request

from serving.web.texts.visible import invisible_in_lines, named, without_invisible
from serving.web.translations import gettext

# The reviews service's limits; a test holds both together.
MAX_CHARACTERS: Final = 20_000
MAX_REASON: Final = 500
# A form may hold far more than the longest review: the page that says so keeps the text.
MAX_FORM_BYTES: Final = 1 << 20
# By the names of faults and of the reviews service's problems. The English text is the key of its translation.
FAULTS: Final = {
    "empty": "The review is empty. Write a word at least.",
    "too-long": "The review has %(count)s characters. Shorten it to %(most)s.",
    "null-byte": "Character %(place)s of the review is a null byte. Remove it.",
    "invisible": "Character %(place)s of the review, %(name)s, can't be seen, or it turns the direction of writing. Remove it.",
    "already-reviewed": "You have reviewed this movie already. Your text is below. Save it to replace that review.",
    "not-found": "Your review was deleted meanwhile. Your text is below. Save it to write a new one.",
    "not-signed-in": "You are signed out. Your text is below. Copy it, sign in, and send it again.",
    "unreachable": "The review is not saved: the reviews service does not answer. Your text is below. Try again shortly.",
    "other": "The review is not saved. Your text is below. Try again shortly.",
    "no-reason": "The reason is empty. Write one: the author reads it.",
    "long-reason": "The reason has %(count)s characters. Shorten it to %(most)s.",
    "invisible-reason": "Character %(place)s of the reason, %(name)s, can't be seen, or it turns the direction of writing. Remove it.",
}


@dataclass(frozen=True)
class Draft:
    """A review as the form has it.

    `review_id` is that of the review that it replaces.
    """

    text: str
    may_train: bool
    review_id: int | None = None


def sent_draft() -> Draft:
    """Return the draft that the request's form holds."""
    given = request.form.get("review", "")
    review_id = int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else None
    return Draft(_lines(request.form.get("text", "")), "may_train" in request.form, review_id)


def _lines(text: str) -> str:
    """Return a form's text without blanks around it, lines ended as programs do."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def sentence(fault: str, **values: object) -> str:
    """Return what is wrong, in the visitor's language."""
    return gettext(FAULTS.get(fault, FAULTS["other"]), **values)


def fault_of(text: str) -> str | None:
    """Return what is wrong with a review's text, in a sentence, or None."""
    if len(text) > MAX_CHARACTERS:
        return sentence("too-long", count=f"{len(text):,}", most=f"{MAX_CHARACTERS:,}")
    if "\0" in text:
        return sentence("null-byte", place=f"{text.index(chr(0)) + 1:,}")
    # What can't be seen is no review.
    if not without_invisible(text).strip():
        return sentence("empty")
    return _fault_of_invisible("invisible", text)


def fault_of_reason(reason: str) -> str | None:
    """Return what is wrong with the reason to hide a review, in a sentence, or None."""
    if len(reason) > MAX_REASON:
        return sentence("long-reason", count=f"{len(reason):,}", most=MAX_REASON)
    if not without_invisible(reason.replace("\0", "")).strip():
        return sentence("no-reason")
    return _fault_of_invisible("invisible-reason", reason)


def _fault_of_invisible(fault: str, text: str) -> str | None:
    place = invisible_in_lines(text)
    return None if place is None else sentence(fault, place=f"{place + 1:,}", name=named(text[place]))
