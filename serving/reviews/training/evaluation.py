"""The record of an evaluation: figures of all test texts, and by language, length and corpus."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from serving.reviews.corpora.reviews import Review
from serving.reviews.model.sentiment import Prediction
from serving.reviews.training.metrics import Labels, Probabilities, confusion, figures, reliability

# Characters; the last bucket has no end.
LENGTHS = (0, 20, 60, 200, 1_000)


def length_bucket(text: str) -> str:
    """Return the range of lengths that a text belongs to."""
    for low, high in itertools.pairwise(LENGTHS):
        if len(text) < high:
            return f"{low}-{high - 1}"
    return f"{LENGTHS[-1]}+"


SLICES: dict[str, Callable[[Review], str]] = {
    "language": lambda review: review.language,
    "length": lambda review: length_bucket(review.text),
    "corpus": lambda review: review.corpus,
}


def confidence(labels: Labels, predictions: Sequence[Prediction]) -> dict[str, float | int | None]:
    """Return which share of predictions is confident.

    Also how often these and the others are right.
    """
    confident = np.array([prediction.confident for prediction in predictions], dtype=bool)
    right = np.array([prediction.label == "positive" for prediction in predictions], dtype=bool) == (labels == 1)
    return {
        "share": float(confident.mean()),
        "accuracy": float(right[confident].mean()) if confident.any() else None,
        "accuracy_of_others": float(right[~confident].mean()) if not confident.all() else None,
    }


def record(reviews: Sequence[Review], probabilities: Probabilities) -> dict[str, Any]:
    """Return figures, confusion and reliability of some predictions.

    And figures of each slice.
    """
    labels: Labels = np.array([review.label for review in reviews], dtype=np.int64)
    slices: dict[str, dict[str, Any]] = {}
    for name, slice_of in SLICES.items():
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, review in enumerate(reviews):
            places[slice_of(review)].append(place)
        slices[name] = {key: figures(labels[inside], probabilities[inside]) for key, inside in sorted(places.items())}
    return {
        "all": figures(labels, probabilities),
        "confusion": confusion(labels, probabilities),
        "reliability": [
            {"probability": mean, "positive_share": share, "texts": size}
            for mean, share, size in reliability(labels, probabilities)
        ],
        "by": slices,
    }
