"""Texts to predict, and scikit-learn's transform of them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from serving.reviews.corpora.cleaning import clean
from serving.reviews.corpora.embedded import read_embedded

_FITTED = 20_000


def short_texts(count: int) -> list[str]:
    """Return so many short Korean reviews and English sentences, in turns of both; some come again."""
    korean, english = (
        [review.text for review in clean(read_embedded(name)).reviews] for name in ("nsmc", "sentence_polarity")
    )
    both = [text for pair in zip(korean, english, strict=False) for text in pair]
    return [both[number % len(both)] for number in range(count)]


def twenty_words() -> list[str]:
    """Return English sentences of 20 words."""
    sentences = (review.text for review in clean(read_embedded("sentence_polarity")).reviews)
    return [text for text in sentences if len(text.split()) == 20]


def sklearn_rate(texts: list[str]) -> dict[str, float]:
    """Return texts a second and a core of scikit-learn's transform, of the plainer recipe: words 1-2 and characters 1-4."""
    views = FeatureUnion(
        [
            ("words", CountVectorizer(ngram_range=(1, 2))),
            ("characters", CountVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2)),
        ]
    ).fit(texts[:_FITTED])
    started, before = time.monotonic(), time.process_time()
    for start in range(0, len(texts), 1000):
        views.transform(texts[start : start + 1000])
    seconds, cpu = time.monotonic() - started, time.process_time() - before
    return {"per_second": round(len(texts) / seconds, 1), "a_core": round(len(texts) / cpu, 1)}
