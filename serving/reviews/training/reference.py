"""What live predictions of a language are compared with: shares of the test texts.

The texts that a model was fitted to would not do: it knows all their n-grams and is too sure of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.reviews.model.sentiment import Prediction

QUANTILE_BINS = 10


def reference(predictions: Sequence[Prediction], labels: Sequence[int]) -> dict[str, Any]:
    """Return number, shares, accuracy and bins of one language's test texts.

    `labels` has 1 for each text that is positive. There is at least one text.
    """
    positive = [prediction.label == "positive" for prediction in predictions]
    return {
        "texts": len(predictions),
        "positive_share": sum(positive) / len(predictions),
        "confident_share": sum(prediction.confident for prediction in predictions) / len(predictions),
        "accuracy": sum(said == (label == 1) for said, label in zip(positive, labels, strict=True)) / len(predictions),
        "bins": {
            "probability": tenths([prediction.probability for prediction in predictions]),
            "known": tenths([prediction.known for prediction in predictions]),
        },
    }


def tenths(values: Sequence[float]) -> dict[str, list[float] | list[int]]:
    """Return bins that hold a tenth of the values each: their edges, and their counts.

    A bin holds what is above the edge before it, up to its own edge. Equal values share a bin, so there may be fewer.
    """
    found = np.quantile(values, np.arange(1, QUANTILE_BINS) / QUANTILE_BINS, method="inverted_cdf")
    edges = np.unique(found[found < max(values)])
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
