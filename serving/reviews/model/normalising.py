"""One form of a text for training and for predictions."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*|!--.*?--)>", re.DOTALL)
# Control and format characters, lone surrogates, private use and unassigned code points.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_APOSTROPHE = "\u2019"
_RUN = re.compile(r"(.)\1{3,}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[!?]")


def normalise(text: str) -> str:
    """Return a text composed (NFC), in lower case, on one line and without HTML.

    Runs of one character are cut to three: they are as long as the writer's key press.
    """
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", text))
    text = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(letter) in _INVISIBLE else letter for letter in text)
    return _RUN.sub(r"\1\1\1", " ".join(text.split()))


def words_of(normalised: str) -> list[str]:
    """Return the words of a normalised text; `!` and `?` are words."""
    return _WORD.findall(normalised.replace(_APOSTROPHE, "'"))
