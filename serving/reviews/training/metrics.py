"""Figures of binary predictions, from labels (0, 1) and the probabilities of 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
BINS = 10
# A probability of zero for what came true would cost infinitely much.
_LEAST_PROBABILITY = 1e-15


def accuracy(labels: Labels, probabilities: Probabilities) -> float:
    """Return the share of right labels; one half counts as positive."""
    return float(((probabilities >= 0.5) == (labels == 1)).mean())


def f1(labels: Labels, probabilities: Probabilities) -> float:
    """Return the harmonic mean of precision and recall of positive.

    It is 0 without a positive.
    """
    predicted, real = probabilities >= 0.5, labels == 1
    both = int((predicted & real).sum())
    total = int(predicted.sum() + real.sum())
    return 2 * both / total if total else 0.0


def roc_auc(labels: Labels, probabilities: Probabilities) -> float | None:
    """Return how often a positive is above a negative, ties counted half.

    It is None with one class alone.
    """
    positives = int((labels == 1).sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    # The middle of the ranks that equal probabilities share.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean negative log of the probability of what came true."""
    right = np.where(labels == 1, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(right, _LEAST_PROBABILITY, 1)).mean())


def reliability(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Return mean probability, share of positives and size of each bin.

    Bins have equal width; one without a text is left out.
    """
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        (float(probabilities[inside].mean()), float(labels[inside].mean()), int(inside.sum()))
        for inside in (places == place for place in range(bins))
        if inside.any()
    ]


def expected_calibration_error(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> float:
    """Return the mean distance of probability and share of positives.

    The mean is over bins of equal width, by their size.
    """
    return sum(abs(mean - share) * size for mean, share, size in reliability(labels, probabilities, bins)) / len(labels)


def confusion(labels: Labels, probabilities: Probabilities) -> dict[str, int]:
    """Return how many texts of each label were given each label."""
    predicted, real = probabilities >= 0.5, labels == 1
    return {
        "true_positive": int((predicted & real).sum()),
        "false_positive": int((predicted & ~real).sum()),
        "true_negative": int((~predicted & ~real).sum()),
        "false_negative": int((~predicted & real).sum()),
    }


def figures(labels: Labels, probabilities: Probabilities) -> dict[str, float | int | None]:
    """Return all figures of some predictions, of which there is at least one."""
    return {
        "texts": len(labels),
        "positive_share": float(labels.mean()),
        "accuracy": accuracy(labels, probabilities),
        "f1": f1(labels, probabilities),
        "roc_auc": roc_auc(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
    }
