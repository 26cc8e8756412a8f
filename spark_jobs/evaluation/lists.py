"""The lists of a model, for any of its users."""

from __future__ import annotations

import numpy as np
from recommender.arrays import BoolArray, Float32Array, IntArray
from recommender.model import FactorModel
from recommender.top_n import NO_MOVIE, users_per_block


def recommend(
    model: FactorModel, users: IntArray, n: int, among: BoolArray | None = None
) -> tuple[IntArray, Float32Array]:
    """Return the model's n best movie ids for each of `users`, and their scores.

    Both results are (users, n). Movies of a user's profile are left out, and so are those of the model's movies that are not `among`.
    """
    lists = np.full((len(users), n), NO_MOVIE, dtype=np.int64)
    scores = np.full((len(users), n), -np.inf, dtype=np.float32)
    size = users_per_block(len(model.movie_ids))
    for start in range(0, len(users), size):
        block = slice(start, start + size)
        columns, scores[block] = model.top_n(model.factors_of(users[block]), model.profiles_of(users[block]), n, among)
        lists[block] = np.where(columns >= 0, model.movie_ids[columns], NO_MOVIE)
    return lists, scores
