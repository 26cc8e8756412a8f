"""A language's model: views of a text, each with a vocabulary, and the calibration of their sum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.lookup import Lookup
from serving.reviews.model.ngrams import Keys

Kind = Literal["words", "characters", "letters"]


@dataclass(frozen=True)
class View:
    """One way to see a text: sorted `keys`, `scales` and `weights` in their order."""

    kind: Kind
    shortest: int
    longest: int
    keys: Keys
    scales: NDArray[np.float32]
    weights: NDArray[np.float32]
    # Whether an n-gram that comes n times counts 1 + log n times; it counts once otherwise.
    counts: bool = False

    @cached_property
    def lengths(self) -> range:
        """Return the lengths of its n-grams."""
        return range(self.shortest, self.longest + 1)

    @cached_property
    def products(self) -> NDArray[np.float32]:
        """Return weight times scale of each n-gram."""
        return self.weights * self.scales

    @cached_property
    def squares(self) -> NDArray[np.float32]:
        """Return the square of each n-gram's scale."""
        return self.scales**2

    @cached_property
    def lookup(self) -> Lookup:
        """Return the table that finds an n-gram."""
        return Lookup(self.keys)

    def parts(self, places: NDArray[np.int32], owners: NDArray[np.int64], owner_count: int) -> NDArray[np.float64]:
        """Return what each n-gram of some texts adds to its text's score.

        `places` are those in the vocabulary, `owners` the numbers of the texts. A text's sums are made in the order of its
        n-grams, so they do not depend on the other texts.
        """
        count = _repeats(owners * len(self.keys) + places)
        times = 1.0 + np.log(count) if self.counts else 1.0
        # An n-gram that comes n times stands here n times: each has the n-th part.
        squares = self.squares.take(places) * times**2 / count
        lengths = np.sqrt(np.bincount(owners, weights=squares, minlength=owner_count))
        lengths[lengths == 0] = 1.0
        parts: NDArray[np.float64] = self.products.take(places) * times / count / lengths.take(owners)
        return parts


def _repeats(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each value comes."""
    counts = np.ones(len(values), dtype=np.int64)
    order = np.argsort(values)
    ordered = values.take(order)
    begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(begins) + 1 < len(values):
        bounds = np.concatenate([[0], begins, [len(values)]])
        sizes = bounds[1:] - bounds[:-1]
        counts[order] = np.repeat(sizes, sizes)
    return counts


@dataclass(frozen=True)
class LanguageModel:
    """The views of one language, and the calibration of their sum.

    probability = sigmoid(slope * score + intercept)
    """

    # Words by their number, from 1 on: the letters of the n-grams of words.
    words: Mapping[str, int]
    views: tuple[View, ...]
    bias: float
    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Return the calibrated probability of positive for a score."""
        odds = self.slope * score + self.intercept
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
