"""What an executor does with one block of users: lists, and the reasons for them.

A module of its own, not part of the program: what is broadcast must be importable on the executors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from factor_model import FactorModel, profile_weights
from ratings import FloatArray, Ratings, positions
from reasons import contributions, top_reasons
from top_n import top_n_block


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
        seen_rows = positions(users, ratings.user_id)
        seen_columns = positions(model.movie_ids, ratings.movie_id)
        if (seen_columns < 0).any():
            raise ValueError("the ratings hold movies that the model does not: it was trained on another batch")
        columns, scores = top_n_block(
            model.factors_of(users), model.scoring_factors(), model.movie_prior, seen_rows, seen_columns, self.top_n
        )
        weights = profile_weights(ratings, model.settings)
        starts = np.searchsorted(ratings.user_id, users, side="left")
        ends = np.searchsorted(ratings.user_id, users, side="right")
        reasons: list[str] = []
        for start, end, row in zip(starts, ends, columns, strict=True):
            added = contributions(
                self.gram,
                model.movie_factors[row[row >= 0]],
                model.movie_factors[seen_columns[start:end]],
                weights[start:end],
                model.settings.alpha,
                model.settings.reg_param,
            )
            stars = ratings.rating[start:end]
            liked = (stars >= stars.mean()).astype(np.int64)
            reasons.extend(top_reasons(added, ratings.movie_id[start:end], liked))
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
