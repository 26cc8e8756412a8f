"""The model: a lookup and a sum for each n-gram of a text.

A language has views of a text (words, characters, letters), each with a sorted vocabulary and two numbers an n-gram:
its scale (what its presence counts, say a log-count ratio) and its weight. A view's score is the sum of weight times
scale, divided by the length of the row of scales; the language's score is the sum of its views and a bias.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from serving.reviews.model.judging import BATCH_CHARACTERS, ReadTexts, judge
from serving.reviews.model.languages import ENGLISH, OTHER, detect_language
from serving.reviews.model.normalising import normalise, words_of
from serving.reviews.model.views import LanguageModel

Label = Literal["positive", "negative"]
STRONGEST_TERMS = 10


class Term(NamedTuple):
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
class SentimentModel:
    """A model a language; predictions within `margin` of one half are not confident."""

    version: str
    languages: Mapping[str, LanguageModel]
    margin: float = 0.1
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, text: str, language: str | None = None) -> Prediction:
        """Return what the model says of a text; its language is found where none is given."""
        return self.predict_many([text], language)[0]

    def predict_many(
        self, texts: Iterable[str], language: str | None = None, *, with_terms: bool = True
    ) -> list[Prediction]:
        """Return a prediction for each text, in their order: the same as of each alone.

        Without terms it takes a quarter less time.
        """
        english = self.languages.get(ENGLISH)
        known_words = english.words if english else ()
        made: list[Prediction | None] = []
        waiting: dict[str, ReadTexts] = {}
        for place, text in enumerate(texts):
            normalised = normalise(text)
            words = words_of(normalised)
            found = language or detect_language(normalised, known_words, words)
            made.append(None)
            if found not in self.languages:
                made[place] = Prediction("positive", 0.5, False, language or OTHER, [], 0.0)
                continue
            batch = waiting.setdefault(found, ReadTexts())
            batch.add(place, normalised, words)
            if batch.characters >= BATCH_CHARACTERS:
                self._judge(waiting.pop(found), found, made, with_terms)
        for found, batch in waiting.items():
            self._judge(batch, found, made, with_terms)
        return [prediction for prediction in made if prediction is not None]

    def _judge(self, batch: ReadTexts, language: str, made: list[Prediction | None], with_terms: bool) -> None:
        """Put the predictions of some texts of one language in their places."""
        model = self.languages[language]
        for place, found in zip(batch.places, judge(model, batch, with_terms), strict=True):
            probability = model.probability(found.score)
            made[place] = Prediction(
                label="positive" if probability >= 0.5 else "negative",
                probability=probability,
                confident=found.known > 0 and abs(probability - 0.5) >= self.margin,
                language=language,
                terms=[Term(term, weight * model.slope) for term, weight in _strongest(found.terms)],
                known=found.known / found.seen if found.seen else 0.0,
            )


def _strongest(terms: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the terms of the largest sums, largest first."""
    sizes = sorted(map(abs, terms.values()), reverse=True)
    least = sizes[STRONGEST_TERMS - 1] if len(sizes) >= STRONGEST_TERMS else 0.0
    chosen = [item for item in terms.items() if item[1] and abs(item[1]) >= least]
    return sorted(chosen, key=lambda item: (-abs(item[1]), item[0]))[:STRONGEST_TERMS]
