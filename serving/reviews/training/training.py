"""One training: the split, a model and a plain recipe a language, and what both say of the test texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from serving.reviews.corpora.reviews import CorpusError, Review
from serving.reviews.corpora.splitting import Split, class_counts
from serving.reviews.model.sentiment import Prediction, SentimentModel
from serving.reviews.model.views import LanguageModel
from serving.reviews.training.data import digest
from serving.reviews.training.fitting import RECIPES, LanguageRecipe, calibrated, fit_language, scores
from serving.reviews.training.metrics import Probabilities
from serving.reviews.training.plain import fit_plain, plain_probabilities
from serving.reviews.training.reference import reference

# Fewer of a label say nothing of a language.
LEAST_OF_A_LABEL = 10


@dataclass(frozen=True)
class Trained:
    """A model with its test.

    Predictions and the plain recipe's probabilities are in the order of `test`.
    """

    model: SentimentModel
    plain: dict[str, Pipeline]
    parts: Split
    test: list[Review]
    predictions: list[Prediction]
    plain_probabilities: Probabilities

    @property
    def probabilities(self) -> Probabilities:
        """Return the model's probability of positive of each test text."""
        return np.array([prediction.probability for prediction in self.predictions])


def train(parts: Split, seed: int, recipes: Mapping[str, LanguageRecipe] = RECIPES) -> Trained:
    """Return the model of some clean reviews, which were split with the seed.

    The same reviews, seed and recipes give the same model. Raises CorpusError without enough reviews of a language.
    """
    reviews = [*parts.training, *parts.calibration, *parts.validation, *parts.test]
    languages: dict[str, LanguageModel] = {}
    plain: dict[str, Pipeline] = {}
    sizes: dict[str, Any] = {}
    for language, recipe in recipes.items():
        fitted, calibration, test = (
            [review for review in part if review.language == language]
            # The recipes were chosen on validation texts of the embedded corpora; the model itself learns from them too.
            for part in ([*parts.training, *parts.validation], parts.calibration, parts.test)
        )
        if not any(review.language == language for review in reviews):
            continue
        for name, part in (("train on", fitted), ("calibrate with", calibration), ("test on", test)):
            if min(class_counts(part).values()) < LEAST_OF_A_LABEL:
                raise CorpusError(
                    f"There are too few reviews in {language!r} to {name}: {class_counts(part)}, and each label needs "
                    f"{LEAST_OF_A_LABEL}. Add reviews, or add the corpus {'embedded'!r}."
                )
        texts, labels = [review.text for review in fitted], [review.label for review in fitted]
        fresh = fit_language(texts, labels, recipe)
        score = scores(fresh, recipe, [review.text for review in calibration])
        languages[language] = calibrated(fresh, score, [review.label for review in calibration])
        plain[language] = fit_plain(texts, labels)
        sizes[language] = {"training": len(fitted), "calibration": len(calibration), "test": len(test)}
    if not languages:
        raise CorpusError(f"There is no review in {' or '.join(recipes)}. Name the language with --language.")
    data = digest(reviews)
    test = [review for review in parts.test if review.language in languages]
    version = hashlib.sha256(f"{data}:{seed}:{sorted(recipes.items())}".encode()).hexdigest()[:12]
    untested = SentimentModel(version, languages)
    predictions = [untested.predict(review.text, review.language) for review in test]
    model = SentimentModel(
        version,
        languages,
        metadata={
            "data_sha256": data,
            "seed": seed,
            "reviews": sizes,
            "recipes": {language: repr(recipes[language]) for language in languages},
            "reference": {language: _reference(language, predictions, test) for language in languages},
        },
    )
    return Trained(model, plain, parts, test, predictions, _of_plain(plain, test))


def _of_plain(plain: Mapping[str, Pipeline], test: Sequence[Review]) -> Probabilities:
    """Return the plain recipe's probability of each test text."""
    found = np.empty(len(test))
    for language, pipeline in plain.items():
        places = [place for place, review in enumerate(test) if review.language == language]
        found[places] = plain_probabilities(pipeline, [test[place].text for place in places])
    return found


def _reference(language: str, predictions: Sequence[Prediction], test: Sequence[Review]) -> dict[str, Any]:
    """Return what live predictions of a language are compared with."""
    chosen = [
        (said, review.label) for said, review in zip(predictions, test, strict=True) if review.language == language
    ]
    return reference([said for said, _ in chosen], [label for _, label in chosen])
