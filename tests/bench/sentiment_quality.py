"""Accuracy of the sentiment recipes next to the plain recipe, on held-out texts of the embedded corpora.

    OMP_NUM_THREADS=1 python tests/bench/sentiment_quality.py [sentences] [reviews] [korean]

sentences: English sentences, 9:1, five seeds. reviews: full-length reviews, half of movie_reviews each, trained on the
other half and the sentences. korean: a random tenth of the Korean reviews, one twentieth calibrates.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from serving.reviews.corpora.cleaning import clean
from serving.reviews.corpora.embedded import read_embedded
from serving.reviews.corpora.reviews import Review
from serving.reviews.training.fitting import RECIPES, calibrated, fit_language, probabilities, scores
from serving.reviews.training.metrics import accuracy, expected_calibration_error
from serving.reviews.training.plain import fit_plain, plain_probabilities

SEEDS = (1, 2, 3, 4, 5)
# Training, calibration, test.
Parts = tuple[list[Review], list[Review], list[Review]]


def reviews_of(corpus: str) -> list[Review]:
    return clean(read_embedded(corpus)).reviews


def shuffled(reviews: list[Review], seed: int) -> list[Review]:
    return [reviews[place] for place in np.random.default_rng(seed).permutation(len(reviews))]


def sentences() -> Iterator[Parts]:
    reviews = reviews_of("sentence_polarity")
    for seed in SEEDS:
        rows = shuffled(reviews, seed)
        tenth = len(rows) // 10
        yield rows[tenth:], [], rows[:tenth]


def full_length() -> Iterator[Parts]:
    short, long = reviews_of("sentence_polarity"), reviews_of("movie_reviews")
    for half in (0, 1):
        # The authors' ten folds, in turns.
        inside = [int(review.file.split("/cv")[1][0]) % 2 == half for review in long]
        test = [review for review, chosen in zip(long, inside, strict=True) if chosen]
        yield [*short, *(review for review, chosen in zip(long, inside, strict=True) if not chosen)], [], test


def korean() -> Iterator[Parts]:
    rows = shuffled(reviews_of("nsmc"), 1)
    tenth = len(rows) // 10
    yield rows[tenth + tenth // 2 :], rows[tenth : tenth + tenth // 2], rows[:tenth]


def measure(parts: Parts, with_plain: bool) -> dict[str, float]:
    training, calibration, test = parts
    texts, labels = [review.text for review in training], [review.label for review in training]
    recipe = RECIPES[training[0].language]
    start = time.process_time()
    model = fit_language(texts, labels, recipe)
    seconds = time.process_time() - start
    if calibration:
        score = scores(model, recipe, [review.text for review in calibration])
        model = calibrated(model, score, [review.label for review in calibration])
    target = np.array([review.label for review in test])
    found = probabilities(model, scores(model, recipe, [review.text for review in test]))
    row = {"accuracy": accuracy(target, found), "cpu_seconds": seconds}
    if calibration:
        row["ece"] = expected_calibration_error(target, found)
    if with_plain:
        plain = plain_probabilities(fit_plain(texts, labels), [review.text for review in test])
        row |= {"plain_accuracy": accuracy(target, plain), "plain_ece": expected_calibration_error(target, plain)}
    return row


ROWS = {"sentences": sentences, "reviews": full_length, "korean": korean}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", choices=list(ROWS), help="which rows (default: all)")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain recipe out")
    arguments = parser.parse_args()
    for name in arguments.rows or ROWS:
        found = [measure(parts, not arguments.no_plain) for parts in ROWS[name]()]
        means = {key: round(float(np.mean([row[key] for row in found])), 4) for key in found[0]}
        print(json.dumps({"row": name, "runs": len(found), **means}), flush=True)


if __name__ == "__main__":
    main()
