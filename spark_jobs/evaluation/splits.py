"""Splits of ratings on one global timeline.

A recommender is trained on all ratings up to a moment, and tested on later ones. A split per user (the user's last fifth, or a random
quarter) lets the model learn from other users' future. These windows do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recommender.arrays import BoolArray, IntArray


@dataclass(frozen=True)
class Window:
    """One step of a rolling evaluation: train before the window, test in it.

    Training ratings have rated_at < test_from, and test ratings test_from <= rated_at < test_until. Times are Unix seconds UTC. `index`
    counts the slices of the timeline from 0.
    """

    index: int
    test_from: int
    test_until: int

    def train_mask(self, rated_at: IntArray) -> BoolArray:
        """Return which ratings are for training."""
        return rated_at < self.test_from

    def test_mask(self, rated_at: IntArray) -> BoolArray:
        """Return which ratings are for the test."""
        return (rated_at >= self.test_from) & (rated_at < self.test_until)


def rolling_windows(rated_at: IntArray, slices: int, first: int = 1) -> list[Window]:
    """Return the windows of a timeline that is cut into slices.

    The slices have nearly equal numbers of ratings. Window i tests slice i, and trains on all slices before it. The
    windows are first .. slices-1, without those whose slice is empty. Ratings of the same second are in the same
    slice. Raises ValueError when slices < 2, first is outside 1..slices-1, or there are no ratings.
    """
    if slices < 2 or not 1 <= first < slices:
        raise ValueError(
            f"A timeline of {slices} slices cannot be tested from slice {first}. Choose 1 <= first < slices."
        )
    if len(rated_at) == 0:
        raise ValueError("There are no ratings to split. Check that the batch's partition was loaded.")
    ordered = np.sort(rated_at)
    cuts = [int(ordered[len(ordered) * at // slices]) for at in range(slices)] + [int(ordered[-1]) + 1]
    return windows_between(cuts, first)


def windows_between(cuts: Sequence[int], first: int) -> list[Window]:
    """Return the windows from slice `first` on.

    The slices start at `cuts`, and the last cut ends the last one.
    """
    return [Window(i, cuts[i], cuts[i + 1]) for i in range(first, len(cuts) - 1) if cuts[0] < cuts[i] < cuts[i + 1]]
