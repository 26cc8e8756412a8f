"""Which reviews are trained on, calibrated and validated with, and tested on.

A review's part follows from a hash of its letters and a seed: copies of one text are always in one part, whichever
corpus they come from, and a new review moves no other. Near duplicates of a test text leave the other parts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.reviews.corpora.cleaning import DUPLICATE_OF_TEST, NEAR_DUPLICATE_OF_TEST
from serving.reviews.corpora.duplicates import fingerprint, near_duplicates
from serving.reviews.corpora.reviews import RawReview, Rejected, Review

TRAINING, CALIBRATION, VALIDATION, TEST = "training", "calibration", "validation", "test"
# Twentieths of the reviews.
_PARTS = (TEST, TEST, VALIDATION, CALIBRATION, *(TRAINING,) * 16)


@dataclass(frozen=True)
class Split:
    """Reviews by part, and those that a copy in the test part supersedes."""

    training: list[Review]
    calibration: list[Review]
    validation: list[Review]
    test: list[Review]
    superseded: list[Rejected]

    def sizes(self) -> dict[str, int]:
        """Return how many reviews each part has."""
        parts = {TRAINING: self.training, CALIBRATION: self.calibration, VALIDATION: self.validation, TEST: self.test}
        return {name: len(part) for name, part in parts.items()}


def part_of(text: str, seed: int) -> str:
    """Return the part of a text.

    One tenth tests, one twentieth each validates and calibrates.
    """
    digest = hashlib.sha256(f"{seed}:{fingerprint(text)}".encode()).digest()
    return _PARTS[int.from_bytes(digest[:8], "big") % len(_PARTS)]


def split(reviews: Iterable[Review], seed: int) -> Split:
    """Return the parts of some reviews.

    Near duplicates of the test part are left out of the others.
    """
    parts: dict[str, list[Review]] = {TRAINING: [], CALIBRATION: [], VALIDATION: [], TEST: []}
    for review in reviews:
        parts[part_of(review.text, seed)].append(review)
    superseded: list[Rejected] = []
    kept = {}
    for name in (TRAINING, CALIBRATION, VALIDATION):
        kept[name], dropped = without_copies(parts[name], parts[TEST])
        superseded += dropped
    return Split(kept[TRAINING], kept[CALIBRATION], kept[VALIDATION], parts[TEST], superseded)


def without_copies(reviews: Sequence[Review], test: Sequence[Review]) -> tuple[list[Review], list[Rejected]]:
    """Return the reviews of which the test has no copy, and the others by reason.

    For tests that were fixed by someone else: there, exact copies too may stand on both sides.
    """
    tested = {fingerprint(review.text) for review in test}
    reasons: dict[int, str] = {
        place: DUPLICATE_OF_TEST for place, review in enumerate(reviews) if fingerprint(review.text) in tested
    }
    for place in near_duplicates([review.text for review in reviews], [review.text for review in test]):
        reasons.setdefault(place, NEAR_DUPLICATE_OF_TEST)
    kept = [review for place, review in enumerate(reviews) if place not in reasons]
    return kept, [Rejected(reason, raw(reviews[place])) for place, reason in sorted(reasons.items())]


def raw(review: Review) -> RawReview:
    """Return a clean review as the row it was."""
    return RawReview(review.text, str(review.label), review.language, review.corpus, review.file, review.line)


def class_counts(reviews: Iterable[Review]) -> dict[str, int]:
    """Return how many reviews are negative and positive."""
    counts = Counter(review.label for review in reviews)
    return {"negative": counts[0], "positive": counts[1]}
