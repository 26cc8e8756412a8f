"""Splits of ratings on one global timeline.

A recommender is trained on everything up to a moment and asked about what came after it. A split per user (his last
fifth, a random quarter) lets the model learn from other users' future; these windows do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ratings import BoolArray, IntArray


@dataclass(frozen=True)
class Window:
    """One step of a rolling evaluation: train on rated_at < test_from, test on test_from <= rated_at < test_until.

    Times are Unix seconds UTC; `index` counts the slices of the timeline from 0.
    """

    index: int
    test_from: int
    test_until: int

    def train_mask(self, rated_at: IntArray) -> BoolArray:
        """Return which ratings may be learned from."""
        return rated_at < self.test_from

    def test_mask(self, rated_at: IntArray) -> BoolArray:
        """Return which ratings are to be predicted."""
        return (rated_at >= self.test_from) & (rated_at < self.test_until)


def rolling_windows(rated_at: IntArray, slices: int, first: int = 1) -> list[Window]:
    """Cut the timeline into `slices` parts of nearly equal numbers of ratings; window i tests part i, after all before it.

    Returns the windows first .. slices-1 whose test part is not empty. The cuts lie between seconds, never within one: ratings
    of the same second fall in the same part. Raises ValueError when slices < 2, first is outside 1..slices-1, or there are no ratings.
    """
    if slices < 2 or not 1 <= first < slices:
        raise ValueError(
            f"cannot cut a timeline in {slices} parts and test from part {first}: need 1 <= first < slices"
        )
    if len(rated_at) == 0:
        raise ValueError("there are no ratings to split: check that the batch's partition was loaded")
    ordered = np.sort(rated_at)
    cuts = [int(ordered[len(ordered) * part // slices]) for part in range(slices)] + [int(ordered[-1]) + 1]
    return [Window(i, cuts[i], cuts[i + 1]) for i in range(first, slices) if cuts[0] < cuts[i] < cuts[i + 1]]
