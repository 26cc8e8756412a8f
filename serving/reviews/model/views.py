"""A language's model: views of a text, each with a vocabulary, and the calibration of their sum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from serving.reviews.model.lookup import Lookup
from serving.reviews.model.ngrams import Keys

Kind = Literal["words", "characters", "letters"]
# Numbers are whole multiples of this: sums of up to eight million are exact, so that their order does not matter.
_GRID: Final = 2.0**-30


def on_grid(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the nearest multiples of the grid."""
    nearest: NDArray[np.float64] = np.rint(values.astype(np.float64) / _GRID) * _GRID
    return nearest


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

    @property
    def products(self) -> NDArray[np.float32]:
        """Return weight times scale of each n-gram."""
        return self.weights * self.scales


@dataclass(frozen=True)
class Block:
    """The views of one kind, with one table for the n-grams of all.

    A row of the table has a pair for each view: product and square, zero where the view does not know the n-gram.
    """

    kind: Kind
    lengths: range
    views: tuple[View, ...]
    lookup: Lookup
    # Whether a row of the lookup has, behind the pairs of its views, how many of them know the n-gram.
    has_holders: bool

    @classmethod
    def of(cls, kind: Kind, views: tuple[View, ...]) -> Block:
        """Return the block of some views of one kind."""
        lengths = range(min(view.shortest for view in views), max(view.longest for view in views) + 1)
        several = len(views) > 1
        keys = np.unique(np.concatenate([view.keys for view in views])) if several else views[0].keys
        numbers = np.zeros((len(keys), 2 * len(views) + 2 * several), dtype=np.float32)
        for column, view in enumerate(views):
            places = np.searchsorted(keys, view.keys)
            numbers[places, 2 * column] = on_grid(view.products)
            numbers[places, 2 * column + 1] = on_grid(view.scales**2)
            if several:
                numbers[places, -1] += 1
        return cls(kind, lengths, views, Lookup(keys, numbers), several)

    @cached_property
    def _ways(self) -> int:
        return sum(len(view.lengths) for view in self.views)

    @cached_property
    def _missing(self) -> int:
        """Return how many n-grams of the longer lengths a text has less than it has codes."""
        return sum(length - 1 for view in self.views for length in view.lengths)

    def seen(self, size: int) -> int:
        """Return how many n-grams a text of so many codes has, over all views."""
        if size >= self.lengths.stop - 2:
            return size * self._ways - self._missing
        return sum(max(size - length + 1, 0) for view in self.views for length in view.lengths)


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

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Return the views by their kinds."""
        kinds = dict.fromkeys(view.kind for view in self.views)
        return tuple(Block.of(kind, tuple(view for view in self.views if view.kind == kind)) for kind in kinds)

    def probability(self, score: float) -> float:
        """Return the calibrated probability of positive for a score."""
        odds = self.slope * score + self.intercept
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
