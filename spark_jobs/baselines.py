"""Popularity: the baselines that a personal model has to beat, the lists for cold users, and the prior it is blended with."""

from __future__ import annotations

import numpy as np
from ratings import SECONDS_PER_DAY, FloatArray, IntArray, Ratings, positions

# The half-life of the baseline and of the list `recent`: of 90, 180, 365 and 730 days the best on the validation windows.
RECENT_HALF_LIFE_DAYS = 90.0


def popularity(ratings: Ratings, movie_ids: IntArray) -> FloatArray:
    """Return how many ratings each of `movie_ids` (ascending, distinct) has."""
    where = positions(movie_ids, ratings.movie_id)
    return np.bincount(where[where >= 0], minlength=len(movie_ids)).astype(np.float64)


def recent_popularity(ratings: Ratings, movie_ids: IntArray, half_life_days: float, as_of: int) -> FloatArray:
    """Return each movie's number of ratings, a rating counting half for every `half_life_days` of its age at `as_of`.

    `as_of` is in Unix seconds UTC; a rating given after it counts as one of age zero. Raises ValueError for a half-life
    that is not positive.
    """
    return _counted(ratings, movie_ids, _recency(ratings, half_life_days, as_of))


def returning_weights(ratings: Ratings, first_visit_days: float, first_visit_weight: float) -> FloatArray:
    """Return `first_visit_weight` for what a user rated within `first_visit_days` of his first rating, 1 for what came later.

    A newcomer enters what he saw over the years, a returning user what he has seen since, and lists are for users who return.
    """
    starts, lengths = ratings.runs()
    first = np.repeat(np.minimum.reduceat(ratings.rated_at, starts), lengths)
    later = ratings.rated_at - first > first_visit_days * SECONDS_PER_DAY
    return np.where(later, 1.0, first_visit_weight)


def returning_popularity(
    ratings: Ratings, movie_ids: IntArray, half_life_days: float, as_of: int, returning: FloatArray
) -> FloatArray:
    """Return recent popularity where each rating counts by `returning` (returning_weights) too."""
    return _counted(ratings, movie_ids, _recency(ratings, half_life_days, as_of) * returning)


def _recency(ratings: Ratings, half_life_days: float, as_of: int) -> FloatArray:
    if not half_life_days > 0:
        raise ValueError(f"the half-life is {half_life_days} days: it must be more than 0")
    age_days = np.maximum(as_of - ratings.rated_at, 0) / SECONDS_PER_DAY
    return np.asarray(np.exp2(-age_days / half_life_days))


def _counted(ratings: Ratings, movie_ids: IntArray, weights: FloatArray) -> FloatArray:
    where = positions(movie_ids, ratings.movie_id)
    known = where >= 0
    return np.bincount(where[known], weights=weights[known], minlength=len(movie_ids)).astype(np.float64)
