"""Which texts are taken: any Unicode of up to 20,000 characters.

A text that other people read must be visible too.
"""

from __future__ import annotations

from typing import Final

from serving.web.texts.visible import invisible_in_lines, named

MAX_CHARACTERS: Final = 20_000


def fault_of(text: object) -> str | None:
    """Return what is wrong with a text, in sentences that help, or None."""
    if not isinstance(text, str):
        return "The text is not a string. Put it in quotation marks."
    if not text or text.isspace():
        return "The text is empty. Give one of at least one character."
    if len(text) > MAX_CHARACTERS:
        return f"The text has {len(text):,} characters. Give 20,000 at most, or cut it into several texts."
    if "\0" in text:
        return f"Character {text.index(chr(0)) + 1} of the text is a null byte. Remove it: no text has one."
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return (
            f"Character {error.start + 1} of the text is half of a surrogate pair. Send the whole character, or leave it "
            "out."
        )
    return None


def fault_of_shown(text: object) -> str | None:
    """Return what is wrong with a text that other people read, or None."""
    if (fault := fault_of(text)) or not isinstance(text, str):
        return fault
    if (place := invisible_in_lines(text)) is None:
        return None
    return (
        f"Character {place + 1:,} of the text is {named(text[place])}. It can't be seen, or it turns the direction of "
        "writing. Remove it."
    )
