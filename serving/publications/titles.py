"""Titles as searches compare them."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return text for searching, without case, accents and repeated spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())
