"""Popularity: the baselines that a personal model has to beat, the lists for cold users, and the prior it is blended with."""

from __future__ import annotations

import numpy as np
from ratings import SECONDS_PER_DAY, FloatArray, IntArray, Ratings, positions


def popularity(ratings: Ratings, movie_ids: IntArray) -> FloatArray:
    """Return how many ratings each of `movie_ids` (ascending, distinct) has."""
    where = positions(movie_ids, ratings.movie_id)
    return np.bincount(where[where >= 0], minlength=len(movie_ids)).astype(np.float64)


def recent_popularity(ratings: Ratings, movie_ids: IntArray, half_life_days: float, as_of: int) -> FloatArray:
    """Return each movie's number of ratings, a rating counting half for every `half_life_days` of its age at `as_of`.

    `as_of` is in Unix seconds UTC; a rating given after it counts as one of age zero. Raises ValueError for a half-life
    that is not positive.
    """
    if not half_life_days > 0:
        raise ValueError(f"the half-life is {half_life_days} days: it must be more than 0")
    age_days = np.maximum(as_of - ratings.rated_at, 0) / SECONDS_PER_DAY
    where = positions(movie_ids, ratings.movie_id)
    known = where >= 0
    weights = np.exp2(-age_days[known] / half_life_days)
    return np.bincount(where[known], weights=weights, minlength=len(movie_ids)).astype(np.float64)
