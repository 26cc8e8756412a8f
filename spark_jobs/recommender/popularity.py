"""Popularity of movies, by all, by recent, and by returning users' ratings."""

from __future__ import annotations

import numpy as np

from recommender.arrays import BoolArray, FloatArray, IntArray
from recommender.ratings import SECONDS_PER_DAY, Ratings, positions

# The half-life of the baseline and of the popular list `recent`: the best of 90, 180, 365 and 730 days on the validation windows.
RECENT_HALF_LIFE_DAYS = 90.0
# The short head holds this share of the ratings; all other movies are the long tail (Cremonesi, Koren and Turrin 2010).
HEAD_SHARE = 1 / 3


def popularity(ratings: Ratings, movie_ids: IntArray) -> FloatArray:
    """Return how many ratings each of `movie_ids` (ascending, distinct) has."""
    where = positions(movie_ids, ratings.movie_id)
    return np.bincount(where[where >= 0], minlength=len(movie_ids)).astype(np.float64)


def long_tail(ratings: FloatArray) -> BoolArray:
    """Return which movies are left without the most rated ones that hold HEAD_SHARE.

    The head is the fewest movies that hold at least this share of all ratings. Of movies with equally many ratings, the first come first.
    """
    order = np.argsort(-ratings, kind="stable")
    held = np.cumsum(ratings[order])
    tail = np.ones(len(ratings), dtype=np.bool_)
    if len(held):
        tail[order[: int(np.searchsorted(held, held[-1] * HEAD_SHARE)) + 1]] = False
    return tail


def recent_popularity(ratings: Ratings, movie_ids: IntArray, half_life_days: float, as_of: int) -> FloatArray:
    """Return each movie's number of ratings, in which older ratings count less.

    A rating's weight halves with every `half_life_days` of its age at `as_of`, in Unix seconds UTC. A later rating has age zero.
    Raises ValueError for a half-life that is not positive.
    """
    return _counted(ratings, movie_ids, recency(ratings.rated_at, half_life_days, as_of))


def returning_weights(ratings: Ratings, first_visit_days: float, first_visit_weight: float) -> FloatArray:
    """Return a weight per rating, which is less than 1 during a user's first visit.

    It is `first_visit_weight` then, else 1. A first visit lasts `first_visit_days` from the user's first rating.
    Newcomers enter movies that they saw over the years; returning users enter those that they have seen since. The
    lists are for returning users.
    """
    starts, lengths = ratings.runs()
    first = np.repeat(np.minimum.reduceat(ratings.rated_at, starts), lengths)
    later = ratings.rated_at - first > first_visit_days * SECONDS_PER_DAY
    return np.where(later, 1.0, first_visit_weight)


def returning_popularity(
    ratings: Ratings, movie_ids: IntArray, half_life_days: float, as_of: int, returning: FloatArray
) -> FloatArray:
    """Return recent popularity with each rating also weighted by `returning`.

    These are the weights of `returning_weights`.
    """
    return _counted(ratings, movie_ids, recency(ratings.rated_at, half_life_days, as_of) * returning)


def recency(rated_at: IntArray, half_life_days: float, as_of: int) -> FloatArray:
    """Return weights of times that halve with each half-life of their age at `as_of`."""
    if not half_life_days > 0:
        raise ValueError(f"The half-life is {half_life_days} days. It must be more than 0.")
    age_days = np.maximum(as_of - rated_at, 0) / SECONDS_PER_DAY
    return np.asarray(np.exp2(-age_days / half_life_days))


def _counted(ratings: Ratings, movie_ids: IntArray, weights: FloatArray) -> FloatArray:
    where = positions(movie_ids, ratings.movie_id)
    wanted = where >= 0
    return np.bincount(where[wanted], weights=weights[wanted], minlength=len(movie_ids)).astype(np.float64)
