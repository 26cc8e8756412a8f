"""The lists of one block of users, and the reasons for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.arrays import Columns, Float32Array, FloatArray, IntArray
from recommender.discovery import Discovery, staying_weights
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.published.reasons import REASONS_PER_MOVIE, best_reasons, contributions, in_words
from recommender.ratings import Ratings, positions
from recommender.settings import profile_weights
from recommender.top_n import NO_MOVIE


@dataclass(frozen=True)
class Recommender:
    """A recommender for blocks of users.

    `gram`, (rank, rank), is Y'Y of the movie factors. `as_of` is the batch's reference time, in Unix seconds UTC.
    """

    model: FactorModel
    gram: FloatArray
    top_n: int
    discovery: Discovery | None = None
    discover_n: int = 0
    as_of: int = 0

    @classmethod
    def of(
        cls, model: FactorModel, top_n: int, discovery: Discovery | None = None, discover_n: int = 0, as_of: int = 0
    ) -> Recommender:
        """Return the recommender of lists of `top_n` and of `discover_n` movies.

        The second kind is of the long tail. Without `discovery` there is none.
        """
        factors = model.movie_factors.astype(np.float64)
        return cls(model, factors.T @ factors, top_n, discovery, discover_n, as_of)

    def recommend(self, ratings: Ratings) -> Columns:
        """Return the recommendations table for the users of `ratings`.

        `ratings` must hold all ratings of each of these users. One of 0 stars is a mark, which says only that the user saw the
        movie: the user's list does not have it. A user with marks alone has no list.
        """
        return self.lists(ratings)[0]

    def lists(self, ratings: Ratings) -> list[Columns]:
        """Return the recommendations table, and the discoveries table where one is made.

        `ratings` must hold all ratings and marks of each of the users, as for `recommend`. Both tables have the same columns.
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
        seen = self._with_marks(profiles, users, marks)
        personal = model.personal(model.factors_of(users), profiles)
        found = []
        if self.discovery is not None:
            starts, _ = ratings.runs()
            staying = staying_weights(np.maximum.reduceat(ratings.rated_at, starts), self.as_of)
            found = [self.discovery.top_n(self.discovery.scores(personal, seen), staying, self.discover_n)]
        # The personal scores are overwritten here.
        found.insert(0, model.best_of(personal, seen, self.top_n))
        reasons = self._reasons(np.hstack([columns for columns, _ in found]), ratings, profiles)
        ends = np.cumsum([columns.shape[1] for columns, _ in found])[:-1]
        return [
            self._table(users, columns, scores, own)
            for (columns, scores), own in zip(found, np.split(reasons, ends, axis=1), strict=True)
        ]

    def _reasons(self, columns: IntArray, ratings: Ratings, profiles: Incidence) -> IntArray:
        """Return the ids of the reasons of each user's movies.

        They are (users, n, REASONS_PER_MOVIE), and `columns` are (users, n). All lists of a user are explained at once, because the user's
        own system is solved for it.
        """
        reasons = np.full((*columns.shape, REASONS_PER_MOVIE), NO_MOVIE, dtype=np.int64)
        for user, row in enumerate(columns):
            own = slice(profiles.starts[user], profiles.starts[user + 1])
            rated, weights = profiles.columns[own].astype(np.int64), profiles.weights[own].astype(np.float32)
            listed = np.flatnonzero(row >= 0)
            recommended, at = np.unique(row[listed], return_inverse=True)
            added = contributions(self.model, self.gram, recommended, rated, weights)
            stars = ratings.rating[own]
            best = best_reasons(added, (stars >= stars.mean()).astype(np.int64))
            reasons[user, listed] = np.where(best >= 0, ratings.movie_id[own][best], NO_MOVIE)[at]
        return reasons

    def _table(self, users: IntArray, columns: IntArray, scores: Float32Array, reasons: IntArray) -> Columns:
        """Return a table of lists.

        Columns and scores are (users, n), reasons (users, n, ids).
        """
        kept = columns >= 0
        ranks = np.broadcast_to(np.arange(1, columns.shape[1] + 1), columns.shape)
        return {
            "user_id": np.repeat(users, kept.sum(axis=1)).astype(np.int32),
            "rank": ranks[kept].astype(np.int32),
            "movie_id": self.model.movie_ids[columns[kept]].astype(np.int32),
            "score": scores[kept].astype(np.float64),
            "reason_movie_ids": in_words(reasons[kept]),
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
