"""The lists of one block of users, and the reasons for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.arrays import Columns, FloatArray, IntArray
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.published.reasons import contributions, top_reasons
from recommender.ratings import Ratings, positions
from recommender.settings import profile_weights


@dataclass(frozen=True)
class Recommender:
    """A recommender for blocks of users.

    `gram`, (rank, rank), is Y'Y of the movie factors.
    """

    model: FactorModel
    gram: FloatArray
    top_n: int

    @classmethod
    def of(cls, model: FactorModel, top_n: int) -> Recommender:
        """Return the recommender of lists of `top_n` movies."""
        factors = model.movie_factors.astype(np.float64)
        return cls(model, factors.T @ factors, top_n)

    def recommend(self, ratings: Ratings) -> Columns:
        """Return the recommendations table for the users of `ratings`.

        `ratings` must hold all ratings of each of these users. One of 0 stars is a mark, which says only that the user saw the
        movie: the user's list does not have it. A user with marks alone has no list.
        """
        model, marks = self.model, ratings.select(ratings.rating == 0)
        ratings = ratings.select(ratings.rating > 0)
        users = ratings.users()
        columns_seen = positions(model.movie_ids, ratings.movie_id)
        if (columns_seen < 0).any():
            raise ValueError(
                "The ratings hold movies that the model does not know. The model was trained on another batch."
            )
        weights = profile_weights(ratings, model.settings).astype(np.float32)
        profiles = Incidence.build(positions(users, ratings.user_id), columns_seen, weights, len(users))
        columns, scores = model.top_n(model.factors_of(users), self._with_marks(profiles, users, marks), self.top_n)
        reasons: list[str] = []
        for user, row in enumerate(columns):
            own = slice(profiles.starts[user], profiles.starts[user + 1])
            added = contributions(model, self.gram, row[row >= 0], columns_seen[own], weights[own])
            stars = ratings.rating[own]
            liked = (stars >= stars.mean()).astype(np.int64)
            reasons.extend(top_reasons(added, ratings.movie_id[own], liked))
        kept = columns >= 0
        ranks = np.broadcast_to(np.arange(1, columns.shape[1] + 1), columns.shape)
        return {
            "user_id": np.repeat(users, kept.sum(axis=1)).astype(np.int32),
            "rank": ranks[kept].astype(np.int32),
            "movie_id": model.movie_ids[columns[kept]].astype(np.int32),
            "score": scores[kept].astype(np.float64),
            "reason_movie_ids": reasons,
        }

    def _with_marks(self, profiles: Incidence, users: IntArray, marks: Ratings) -> Incidence:
        """Return the profiles with what users only saw, which has no weight in a score."""
        entity, column = positions(users, marks.user_id), positions(self.model.movie_ids, marks.movie_id)
        known = (entity >= 0) & (column >= 0)
        if not known.any():
            return profiles
        rated = np.repeat(np.arange(len(users)), np.diff(profiles.starts))
        return Incidence.build(
            np.concatenate([rated, entity[known]]),
            np.concatenate([profiles.columns, column[known]]),
            np.concatenate([profiles.weights, np.zeros(int(known.sum()), dtype=np.float32)]),
            len(users),
        )
