"""The n-grams of a model that weigh most, in letters again."""

from __future__ import annotations

import numpy as np

from serving.reviews.model.ngrams import CHARACTER_BITS, WORD_BITS
from serving.reviews.model.views import LanguageModel, View


def strongest_terms(model: LanguageModel, count: int = 20) -> list[tuple[str, float]]:
    """Return so many n-grams that speak against and for positive.

    The most negative comes first.

    Those of the first view of words or characters; letters of syllables taken apart are not for reading.
    """
    view = next((view for view in model.views if view.kind != "letters"), None)
    if view is None:
        return []
    order = np.argsort(view.products, kind="stable")
    places = order if len(order) <= 2 * count else np.concatenate([order[:count], order[-count:]])
    return [(_text(int(view.keys[place]), view, model), float(view.products[place])) for place in places]


def _text(key: int, view: View, model: LanguageModel) -> str:
    bits = WORD_BITS if view.kind == "words" else CHARACTER_BITS
    codes: list[int] = []
    while key:
        codes.insert(0, key & ((1 << bits) - 1))
        key >>= bits
    if view.kind == "words":
        words = list(model.words)
        return " ".join(words[code - 1] for code in codes)
    return "".join(map(chr, codes))
