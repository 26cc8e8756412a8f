"""The result of one scorer in one window of the timeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from recommender.arrays import BoolArray, Float32Array, FloatArray, IntArray

from evaluation.splits import Window


@dataclass(frozen=True)
class WindowResult:
    """The lists of one scorer in one window, measured.

    `per_user` holds each metric as one value per returning user of the window, NaN where it is not defined. `activity` holds the number of
    ratings that each of them had given before. `cold_users` is the number of all other users. `lists` holds the metrics of all lists
    together. `scores` and `hit` run over all entries of all lists.
    """

    window: Window
    scorer: str
    users: IntArray
    cold_users: int
    activity: IntArray
    per_user: dict[str, FloatArray]
    lists: dict[str, float]
    scores: Float32Array
    hit: BoolArray

    def means(self) -> dict[str, float]:
        """Return each metric's mean over the users, and the metrics of all lists.

        A metric without a value is left out. Raises ValueError without users.
        """
        if len(self.users) == 0:
            raise ValueError(f"Window {self.window.index} has no returning user. Start with a later window.")
        defined = {name: values[~np.isnan(values)] for name, values in self.per_user.items()}
        return {name: float(values.mean()) for name, values in defined.items() if len(values)} | self.lists
