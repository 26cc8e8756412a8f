"""The model: a lookup and a sum for each n-gram of a text.

A language has views of a text (words, characters, letters), each with a sorted vocabulary and two numbers an n-gram:
its scale (what its presence counts, say a log-count ratio) and its weight. A view's score is the sum of weight times
scale, divided by the length of the row of scales; the language's score is the sum of its views and a bias.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.languages import ENGLISH, OTHER, detect_language
from serving.reviews.model.ngrams import Grams, Keys, character_grams, letter_grams, word_grams
from serving.reviews.model.normalising import normalise, words_of

Label = Literal["positive", "negative"]
Kind = Literal["words", "characters", "letters"]
STRONGEST_TERMS = 10


@dataclass(frozen=True, slots=True)
class Term:
    """A word or an n-gram of words, and what it adds to the log-odds of positive."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one text.

    `probability` is that of positive. `known` is the share of the text's n-grams that the model knows.
    `language` is the one that was given, or the one that was found (`other` where there is no model for it).
    """

    label: Label
    probability: float
    confident: bool
    language: str
    terms: list[Term]
    known: float


@dataclass(frozen=True)
class View:
    """One way to see a text: sorted `keys`, `scales` and `weights` in their order."""

    kind: Kind
    shortest: int
    longest: int
    keys: Keys
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]
    # Whether an n-gram that comes n times counts 1 + log n times; it counts once otherwise.
    counts: bool = False

    @cached_property
    def lengths(self) -> range:
        """Return the lengths of its n-grams."""
        return range(self.shortest, self.longest + 1)

    @cached_property
    def products(self) -> NDArray[np.float32]:
        """Return weight times scale of each n-gram."""
        return self.weights * self.scales

    @cached_property
    def squares(self) -> NDArray[np.float32]:
        """Return the square of each n-gram's scale."""
        return self.scales**2

    def contributions(self, grams: Grams) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return which n-grams of a text are known, and what each adds."""
        places = np.searchsorted(self.keys, grams.keys)
        places[places == len(self.keys)] = 0
        found = np.flatnonzero(self.keys[places] == grams.keys) if len(self.keys) else np.empty(0, np.intp)
        if not len(found):
            return found, np.empty(0)
        places = places[found]
        _, inverse, count = np.unique(places, return_inverse=True, return_counts=True)
        count = count[inverse]
        times = 1.0 + np.log(count) if self.counts else np.ones(len(count))
        # An n-gram that comes n times stands here n times: each has the n-th part.
        length = math.sqrt(float((self.squares[places] * times**2 / count).sum()))
        return found, self.products[places] * times / count / (length or 1.0)


@dataclass(frozen=True)
class LanguageModel:
    """The views of one language, and the calibration of their sum.

    probability = sigmoid(slope * score + intercept)
    """

    # Words by their number, from 1 on: the letters of the n-grams of words.
    words: Mapping[str, int]
    views: tuple[View, ...]
    bias: float
    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Return the calibrated probability of positive for a score."""
        odds = self.slope * score + self.intercept
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0


@dataclass(frozen=True)
class SentimentModel:
    """A model a language; predictions within `margin` of one half are not confident."""

    version: str
    languages: Mapping[str, LanguageModel]
    margin: float = 0.1
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, text: str, language: str | None = None) -> Prediction:
        """Return what the model says of a text; its language is found where none is given."""
        normalised = normalise(text)
        english = self.languages.get(ENGLISH)
        found = language or detect_language(normalised, english.words if english else ())
        model = self.languages.get(found)
        if model is None:
            return Prediction("positive", 0.5, False, language or OTHER, [], 0.0)
        return self._predict(model, normalised, found)

    def predict_many(self, texts: Iterable[str]) -> list[Prediction]:
        """Return a prediction for each text, in their order."""
        return [self.predict(text) for text in texts]

    def _predict(self, model: LanguageModel, normalised: str, language: str) -> Prediction:
        words = words_of(normalised)
        padded = f" {normalised} "
        score, seen, known = model.bias, 0, 0
        terms: dict[str, float] = {}
        # Views of the same n-grams (say with ratios and with idf) share them.
        shared: dict[tuple[Kind, range], Grams] = {}
        for view in model.views:
            key = (view.kind, view.lengths)
            grams = shared.get(key)
            if grams is None:
                grams = shared[key] = _read(view, model, words, padded)
            seen += (
                sum(max(0, len(words) - length + 1) for length in view.lengths)
                if view.kind == "words"
                else len(grams.keys)
            )
            found, parts = view.contributions(grams)
            known += len(found)
            score += float(parts.sum())
            if view.kind == "words":
                _add_word_terms(terms, words, grams, found, parts)
            else:
                _add_character_terms(terms, padded, grams, found, parts)
        probability = model.probability(score)
        strongest = sorted((item for item in terms.items() if item[1]), key=lambda item: (-abs(item[1]), item[0]))[
            :STRONGEST_TERMS
        ]
        return Prediction(
            label="positive" if probability >= 0.5 else "negative",
            probability=probability,
            confident=known > 0 and abs(probability - 0.5) >= self.margin,
            language=language,
            terms=[Term(term, weight * model.slope) for term, weight in strongest],
            known=known / seen if seen else 0.0,
        )


def _read(view: View, model: LanguageModel, words: list[str], padded: str) -> Grams:
    """Return the n-grams of a text that a view is made of."""
    if view.kind == "words":
        return word_grams(words, model.words, view.lengths)
    return (character_grams if view.kind == "characters" else letter_grams)(padded, view.lengths)


def _add_word_terms(
    terms: dict[str, float], words: list[str], grams: Grams, found: NDArray[np.intp], parts: NDArray[np.float64]
) -> None:
    """Add each n-gram of words with what it contributed."""
    middles, lengths = grams.middles[found].tolist(), grams.lengths[found].tolist()
    for middle, length, part in zip(middles, lengths, parts.tolist(), strict=True):
        start = middle - (length - 1) // 2
        term = " ".join(words[start : start + length])
        terms[term] = terms.get(term, 0.0) + part


def _add_character_terms(
    terms: dict[str, float], text: str, grams: Grams, found: NDArray[np.intp], parts: NDArray[np.float64]
) -> None:
    """Add what n-grams of characters gave to the words of their middles."""
    pieces = text.split()
    if not pieces:
        return
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    # The text begins with a space: a character's piece is the number of spaces up to it, less one; the last space is its word's.
    owners = np.minimum(np.cumsum(points == ord(" ")) - 1, len(pieces) - 1)
    sums = np.bincount(owners[grams.middles[found]], weights=parts, minlength=len(pieces))
    for piece, part in zip(pieces, sums.tolist(), strict=True):
        if part:
            terms[piece] = terms.get(piece, 0.0) + part
