"""What an executor does with one block of users: lists, and the reasons for them.

A module of its own, not part of the program: what is broadcast must be importable on the executors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from als_half_step import Incidence
from factor_model import FactorModel, profile_weights
from ratings import FloatArray, Ratings, positions
from reasons import contributions, top_reasons


@dataclass(frozen=True)
class Recommender:
    """What an executor needs to recommend for a block of users; `gram` is Y'Y of the movie factors, (rank, rank)."""

    model: FactorModel
    gram: FloatArray
    top_n: int

    def recommend(self, ratings: Ratings) -> pd.DataFrame:
        """Return the rows of the recommendations table for the users of `ratings`, which holds all that each of them has rated."""
        model = self.model
        users = ratings.users()
        columns_seen = positions(model.movie_ids, ratings.movie_id)
        if (columns_seen < 0).any():
            raise ValueError("the ratings hold movies that the model does not: it was trained on another batch")
        weights = profile_weights(ratings, model.settings).astype(np.float32)
        profiles = Incidence.build(positions(users, ratings.user_id), columns_seen, weights, len(users))
        columns, scores = model.top_n(model.factors_of(users), profiles, self.top_n)
        reasons: list[str] = []
        for user, row in enumerate(columns):
            own = slice(profiles.starts[user], profiles.starts[user + 1])
            added = contributions(model, self.gram, row[row >= 0], columns_seen[own], weights[own])
            stars = ratings.rating[own]
            liked = (stars >= stars.mean()).astype(np.int64)
            reasons.extend(top_reasons(added, ratings.movie_id[own], liked))
        kept = columns >= 0
        ranks = np.broadcast_to(np.arange(1, columns.shape[1] + 1), columns.shape)
        return pd.DataFrame(
            {
                "user_id": np.repeat(users, kept.sum(axis=1)).astype(np.int32),
                "rank": ranks[kept].astype(np.int32),
                "movie_id": model.movie_ids[columns[kept]].astype(np.int32),
                "score": scores[kept].astype(np.float64),
                "reason_movie_ids": reasons,
            }
        )
