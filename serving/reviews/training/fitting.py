"""From labelled texts to a model of one language: views, one logistic regression over them, calibration."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from serving.reviews.model.ngrams import Keys
from serving.reviews.model.normalising import normalise
from serving.reviews.model.views import LanguageModel, View
from serving.reviews.training.features import ViewRecipe, rows_of, vocabulary, word_numbers


@dataclass(frozen=True)
class LanguageRecipe:
    """Views of a language, and the inverse strength of the regression's penalty."""

    views: tuple[ViewRecipe, ...]
    penalty: float


# Chosen on validation texts, see docs/reviews.md.
ENGLISH_RECIPE = LanguageRecipe(
    (ViewRecipe("words", 1, 2), ViewRecipe("letters", 3, 6, least=2), ViewRecipe("words", 1, 2, "idf", least=2)), 4.0
)
KOREAN_RECIPE = LanguageRecipe(
    (ViewRecipe("words", 1, 2), ViewRecipe("characters", 1, 4, least=2), ViewRecipe("letters", 3, 7, least=3)), 8.0
)
RECIPES = {"en": ENGLISH_RECIPE, "ko": KOREAN_RECIPE}


def fit_language(texts: Sequence[str], labels: Sequence[int], recipe: LanguageRecipe) -> LanguageModel:
    """Return the model of some texts, not yet calibrated.

    Its probability is the regression's own.
    """
    normalised = [normalise(text) for text in texts]
    target = np.asarray(labels, dtype=np.int64)
    words = word_numbers(normalised) if any(view.kind == "words" for view in recipe.views) else {}
    fitted: list[tuple[ViewRecipe, Keys, NDArray[np.float32]]] = []
    blocks = []
    for view in recipe.views:
        keys, scales = vocabulary(normalised, target, view, words)
        fitted.append((view, keys, scales))
        blocks.append(rows_of(normalised, view, words, keys, scales))
    matrix = sparse.hstack(blocks, format="csr") if len(blocks) > 1 else blocks[0]
    del blocks
    # The primal solver is deterministic: it draws no random numbers.
    regression = LogisticRegression(C=recipe.penalty, solver="liblinear", dual=False, max_iter=200, tol=1e-3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn")
        regression.fit(matrix, target)
    weights = np.split(regression.coef_[0], np.cumsum([len(keys) for _, keys, _ in fitted])[:-1])
    return LanguageModel(
        words=words,
        views=tuple(
            View(view.kind, view.shortest, view.longest, keys, scales, part.astype(np.float32), view.counts)
            for (view, keys, scales), part in zip(fitted, weights, strict=True)
        ),
        bias=float(regression.intercept_[0]),
        slope=1.0,
        intercept=0.0,
    )


def scores(model: LanguageModel, recipe: LanguageRecipe, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the score of each text, before calibration."""
    normalised = [normalise(text) for text in texts]
    total = np.full(len(texts), model.bias)
    for view, fitted in zip(recipe.views, model.views, strict=True):
        total += rows_of(normalised, view, model.words, fitted.keys, fitted.scales) @ fitted.weights
    return total


def probabilities(model: LanguageModel, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the calibrated probability of positive of each score."""
    return 1 / (1 + np.exp(-np.clip(model.slope * score + model.intercept, -500, 500)))


def calibrated(model: LanguageModel, score: NDArray[np.float64], labels: Sequence[int]) -> LanguageModel:
    """Return a model with a slope and an intercept (Platt 1999).

    The scores are of texts that the model was not fitted to.
    """
    regression = LogisticRegression(C=1e6, solver="lbfgs", max_iter=1000)
    regression.fit(score[:, None], np.asarray(labels))
    return replace(model, slope=float(regression.coef_[0, 0]), intercept=float(regression.intercept_[0]))
