"""The forms of an account's name: which are allowed, which are one name, and which read alike.

The database's migrations and the rules of accounts both need them.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import cache
from typing import Final

from confusable_homoglyphs.confusables import confusables_data
from precis_i18n import get_profile

from serving.web.texts.visible import named

KEY_LENGTH: Final = 200
SKELETON_LENGTH: Final = 400

# RFC 8265: letters and digits of any script, no invisible character, and one direction of writing in a word.
_USERNAME: Final = get_profile("UsernameCasePreserved")
_WHY: Final = {
    "bidi_rule": "letters that are written from the right and from the left can't be in one word",
    "empty": "a name has single spaces, between words",
}
# In names that were registered before the check: they have no shape, though the rules count them as old letters.
_FILLERS: Final = ("\u115f", "\u1160")
# The library's data has these marks around letters that are written from the right.
_LEFT_TO_RIGHT_MARK: Final = "\u200e"


def allowed_name(name: str) -> str:
    """Return a name as it is kept: composed (NFC), full-width letters as plain ones.

    Raises ValueError, which names the character that may not be in a name.
    """
    parts = []
    for part in unicodedata.normalize("NFC", name).split(" "):
        try:
            parts.append(_USERNAME.enforce(part))
        except UnicodeEncodeError as error:
            reason = error.reason.rpartition("/")[2]
            if reason in _WHY:
                raise ValueError(_WHY[reason]) from None
            raise ValueError(f"{named(error.object[error.start])} can't be in a name") from None
    return " ".join(parts)


def name_key(name: str) -> str:
    """Return the form of a name that one signs in by: normalised, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def skeleton(name: str) -> str:
    """Return a form that is equal for names that read alike (UTS #39).

    Case does not matter. It is for comparing alone: nobody sees it.
    """
    drawn = _prototypes(unicodedata.normalize("NFKC", name))
    return _prototypes(drawn.casefold())[:SKELETON_LENGTH]


def _prototypes(text: str) -> str:
    table = _prototype_of_each()
    shown = (character for character in unicodedata.normalize("NFD", text) if not _is_ignorable(character))
    return unicodedata.normalize("NFD", "".join(table.get(character, character) for character in shown))


@cache
def _is_ignorable(character: str) -> bool:
    """Return whether a character has no shape of its own."""
    if character in _FILLERS:
        return True
    try:
        _USERNAME.enforce(character)
    except UnicodeEncodeError as error:
        kinds = ("precis_ignorable_properties", "zero_width_joiner", "zero_width_nonjoiner")
        return error.reason.rpartition("/")[2] in kinds
    return False


@cache
def _prototype_of_each() -> dict[str, str]:
    """Return the prototype of each character that can be taken for another.

    The library pairs each character with its prototype, in both directions. The one with several partners is the
    prototype. Of two that have only each other it is the longer text, else the lower code point.
    """
    partners: dict[str, set[str]] = defaultdict(set)
    for text, pairs in confusables_data.items():
        for pair in pairs:
            one, other = text.strip(_LEFT_TO_RIGHT_MARK), pair["c"].strip(_LEFT_TO_RIGHT_MARK)
            partners[one].add(other)
            partners[other].add(one)

    def rank(text: str) -> tuple[bool, int, str]:
        return len(partners[text]) == 1, -len(text), text

    return {
        text: min([text, *others], key=rank)
        for text, others in partners.items()
        if len(text) == 1 and min([text, *others], key=rank) != text
    }
