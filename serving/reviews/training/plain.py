"""The row to beat: lower case, no punctuation, CountVectorizer, LogisticRegression, joblib."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def without_punctuation(text: str) -> str:
    """Return a text in lower case and without ASCII's punctuation."""
    return text.lower().translate(_WITHOUT_PUNCTUATION)


def fit_plain(texts: Sequence[str], labels: Sequence[int]) -> Pipeline:
    """Return the fitted plain recipe."""
    pipeline = make_pipeline(
        CountVectorizer(preprocessor=without_punctuation), LogisticRegression(solver="liblinear", max_iter=1000)
    )
    return pipeline.fit(list(texts), list(labels))


def plain_probabilities(pipeline: Pipeline, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability of positive of each text."""
    return np.asarray(pipeline.predict_proba(list(texts))[:, 1], dtype=np.float64)


def save_plain(pipelines: dict[str, Pipeline], path: Path) -> None:
    """Write the plain recipes of all languages."""
    joblib.dump(pipelines, path, compress=("zlib", 6))
