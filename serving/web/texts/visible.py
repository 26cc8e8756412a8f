"""Texts that people write: each of their characters must be visible, or join visible ones.

Invisible characters, and those that turn the direction of writing, make a text read as another. Three uses are kept:
joiners between letters where a script needs them (Persian, the scripts of India; RFC 5892, appendix A), joiners between
pictures of an emoji, and the selector after a picture or a sign.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from precis_i18n import get_profile
from precis_i18n.context import context_rule_error
from precis_i18n.unicode import UnicodeData

_FREEFORM: Final = get_profile("FreeFormClass")
_UNICODE: Final = UnicodeData()
_ZERO_WIDTH_JOINER: Final = "\u200d"
_JOINERS: Final = ("\u200c", _ZERO_WIDTH_JOINER)
_SELECTORS: Final = ("\ufe0e", "\ufe0f")
# They have a shape by their category, and none on a screen: fillers and blanks.
_BLANK: Final = frozenset("\u115f\u1160\u2800\U00016fe4\U0001d159")
# Formatting characters that are drawn: signs before or around digits.
_DRAWN: Final = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_SIGNS_WITH_SELECTOR: Final = frozenset("\u203c\u2049\u3030")
_KEYCAP: Final = re.compile("[0-9#*]\ufe0f\u20e3")
_IN_LINES: Final = re.compile("[\t\n\r]")


def named(character: str) -> str:
    """Return a character's code point and its name in Unicode, for messages."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


def visible(text: str) -> str:
    """Return a text composed (NFC).

    Raises ValueError, which names the first character that is neither visible nor joins visible ones.
    """
    text = unicodedata.normalize("NFC", text)
    if refused := _invisible(text):
        which = named(text[refused[0]])
        raise ValueError(f"{which} is not allowed: it can't be seen, or it turns the direction of writing")
    return text


def invisible_in_lines(text: str) -> int | None:
    """Return where a text of several lines has its first invisible character.

    The result is None for a text that is visible. Tabs and the ends of lines are taken.
    """
    return next(iter(_invisible(_IN_LINES.sub(" ", text))), None)


def without_invisible(text: str) -> str:
    """Return a text composed (NFC), without the characters that `visible` refuses."""
    text = unicodedata.normalize("NFC", text)
    places = set(_invisible(text))
    return "".join(character for place, character in enumerate(text) if place not in places)


def _invisible(text: str) -> list[int]:
    return [place for place in range(len(text)) if not _is_drawn(text, place)]


def _is_drawn(text: str, place: int) -> bool:
    character = text[place]
    if character in _JOINERS:
        joins_letters = not context_rule_error(text, place, _UNICODE)
        return joins_letters or (character == _ZERO_WIDTH_JOINER and _joins_pictures(text, place))
    if character in _SELECTORS:
        before = text[place - 1 : place]
        return bool(before) and (_is_picture(before) or bool(_KEYCAP.fullmatch(text[place - 1 : place + 2])))
    return _has_shape(character)


@lru_cache(4096)
def _has_shape(character: str) -> bool:
    if character in _BLANK:
        return False
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return _DRAWN.fullmatch(character) is not None
    try:
        _FREEFORM.enforce(character)
    except UnicodeEncodeError as error:
        return not error.reason.endswith("precis_ignorable_properties")
    return True


def _is_picture(character: str) -> bool:
    # The block also has pictures and skin tones that are newer than this Python's Unicode.
    sign = unicodedata.category(character) in ("So", "Sm") or character in _SIGNS_WITH_SELECTOR
    return sign or "\U0001f000" <= character <= "\U0001faff"


def _joins_pictures(text: str, place: int) -> bool:
    before = text[:place].rstrip("\ufe0f")[-1:]
    after = text[place + 1 : place + 2]
    return bool(before and after) and _is_picture(before) and _is_picture(after)
