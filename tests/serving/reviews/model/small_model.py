"""A model of a few words a language, made by hand: what the service's tests predict with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from serving.reviews.model.ngrams import Grams, character_grams, letter_grams, word_grams
from serving.reviews.model.normalising import normalise, words_of
from serving.reviews.model.sentiment import SentimentModel
from serving.reviews.model.views import LanguageModel, View

ENGLISH = {
    "a": 0.0, "the": 0.0, "this": 0.0, "is": 0.0, "was": 0.0, "i": 0.0, "it": 0.0, "film": 0.0, "movie": 0.0,
    "wonderful": 3.0, "good": 1.5, "great": 2.0, "love": 2.0, "dull": -2.5, "bad": -2.0, "boring": -3.0,
    "not good": -4.0,
}  # fmt: skip
KOREAN = {"재밌": 2.5, "최고": 3.0, "좋": 2.0, "지루": -3.0, "최악": -3.0, "별로": -2.5}


def _view(kind: str, longest: int, keys: dict[int, float]) -> View:
    order = sorted(keys)
    return View(
        kind=kind,  # type: ignore[arg-type]
        shortest=1,
        longest=longest,
        keys=np.array(order, dtype=np.uint64),
        scales=np.ones(len(order), dtype=np.float32),
        weights=np.array([keys[key] for key in order], dtype=np.float32),
    )


def small_model(version: str = "small") -> SentimentModel:
    """Return a model that knows the words above."""
    numbers = {word: number for number, word in enumerate((word for word in ENGLISH if " " not in word), 1)}
    numbers["not"] = len(numbers) + 1
    english = {
        int(word_grams(term.split(), numbers, range(len(term.split()), len(term.split()) + 1)).keys[0]): weight
        for term, weight in ENGLISH.items()
    }
    korean = {
        int(character_grams(term, range(len(term), len(term) + 1)).keys[0]): weight for term, weight in KOREAN.items()
    }
    return SentimentModel(
        version=version,
        languages={
            "en": LanguageModel(numbers, (_view("words", 2, english),), bias=0.0, slope=1.5, intercept=0.0),
            "ko": LanguageModel({}, (_view("characters", 2, korean),), bias=0.0, slope=1.5, intercept=0.0),
        },
        metadata={"made": "by hand"},
    )


def model_of_all_views(texts: list[str]) -> SentimentModel:
    """Return a model with every kind of view, which knows about two thirds of the n-grams of some texts."""
    normal = [normalise(text) for text in texts]
    words = sorted({word for text in normal for word in words_of(text)})
    numbers = {word: number for number, word in enumerate(words, 1)}
    rng = np.random.default_rng(1)

    def view(kind: str, lengths: range, read: Callable[[str], Grams], counts: bool = False) -> View:
        keys = np.unique(np.concatenate([read(text).keys for text in normal]))
        keys = keys[rng.random(len(keys)) < 2 / 3]
        scales, weights = rng.normal(size=(2, len(keys))).astype(np.float32)
        return View(kind, lengths.start, lengths.stop - 1, keys, scales, weights, counts)  # type: ignore[arg-type]

    pairs, letters, characters = range(1, 3), range(3, 7), range(1, 5)
    views = (
        view("words", pairs, lambda text: word_grams(words_of(text), numbers, pairs)),
        view("letters", letters, lambda text: letter_grams(f" {text} ", letters)),
        view("words", pairs, lambda text: word_grams(words_of(text), numbers, pairs), True),
        view("characters", characters, lambda text: character_grams(f" {text} ", characters), True),
    )
    languages = {code: LanguageModel(numbers, views, bias=0.1, slope=1.5, intercept=-0.2) for code in ("en", "ko")}
    return SentimentModel("all views", languages)
