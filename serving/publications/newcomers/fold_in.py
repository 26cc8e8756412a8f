"""Recommend movies to users whom the model has never seen; docs/model.md has the formula.

The user's factors are one exact half step of implicit ALS on the ratings (Hu, Koren and Volinsky 2008). Each rated movie
adds its weights to its neighbours' scores (EASE, Steck 2019), and recent popularity is added to that. The newest rating
weighs 1, and an older one weighs half as much for each half-life before it. Stars do not count, as in the training. The
part that each rated movie adds to a score is exact. tests/contracts/test_fold_in_agrees.py compares the results with the
batch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.publications.format import PublicationError
from serving.publications.newcomers.discovery import Prices, blended
from serving.publications.newcomers.factor_table import FactorTable, Float32Array, FloatArray, IntArray

REASONS = 3
_SECONDS_PER_DAY = 86_400

# Returns a rated movie's neighbours as (movie_ids, weights), both of the same length.
Neighbours = Callable[[int], "tuple[IntArray, Float32Array]"]


@dataclass(frozen=True)
class Rating:
    """One rating of a new user; `rated_at` is Unix seconds in UTC, or None for now."""

    movie_id: int
    stars: float
    rated_at: int | None = None


@dataclass(frozen=True)
class Reason:
    """A rated movie, and how much it adds to a recommended movie's score."""

    movie_id: int
    adds: float


@dataclass(frozen=True)
class Recommendation:
    """One movie for a new user; `score` is `personal` + `popularity`."""

    movie_id: int
    score: float
    personal: float
    popularity: float
    because: list[Reason]


@dataclass(frozen=True)
class Taste:
    """What ratings say of their giver: all movies' personal scores, and their sources.

    `rated` are the positions of the rated movies, `liked` whether each one was, and `by_factors`, (rank, ratings), what each adds to
    the factors. `neighbours` are positions, index of the rating and added score. `personal` is (movies,).
    """

    rated: IntArray
    liked: npt.NDArray[np.bool_]
    by_factors: FloatArray
    neighbours: tuple[IntArray, IntArray, FloatArray]
    personal: FloatArray


class FoldIn:
    """Folds new users into one publication's model.

    Threads may share it, and it keeps nothing of a user.
    """

    def __init__(
        self,
        table: FactorTable,
        neighbours: Neighbours,
        settings: dict[str, Any] | None,
        prices: Prices | None = None,
    ) -> None:
        """Take the model's tables and the lineage's `top_n.fold_in`.

        Without prices there are no lists of the long tail. Raises PublicationError if they do not fit.
        """
        names = ("rank", "alpha", "reg_param", "profile_half_life_days", "least_decay")
        values = [settings.get(name) if isinstance(settings, dict) else None for name in names]
        if not all(isinstance(value, int | float) for value in values) or values[0] != table.factors.shape[1]:
            raise PublicationError(
                "The lineage's top_n.fold_in does not fit the movie factors. Run recommend_top_n and the tasks after it "
                "again."
            )
        self.table = table
        self.prices = prices
        self._neighbours = neighbours
        _, self._alpha, self._reg_param, self._half_life, self._least_decay = (float(value or 0) for value in values)
        exact = table.factors.astype(np.float64)
        self._gram = exact.T @ exact

    def weights(self, ratings: Sequence[Rating]) -> FloatArray:
        """Return each rating's weight.

        It is 1 for the newest and for those without a time, and halves with each half-life before that.
        """
        newest = max((rating.rated_at for rating in ratings if rating.rated_at is not None), default=0)
        ages = np.array([0 if rating.rated_at is None else newest - rating.rated_at for rating in ratings])
        decayed = np.maximum(np.exp2(-ages / _SECONDS_PER_DAY / self._half_life), self._least_decay)
        # Round as the batch does, which keeps profiles in single precision.
        return decayed.astype(np.float32).astype(np.float64)

    def recommend(
        self, ratings: Sequence[Rating], n: int, keeps: Callable[[int], bool] | None = None
    ) -> list[Recommendation]:
        """Return the n best movies for the user who gave these ratings, best first.

        `ratings` has each movie at most once. `keeps` returns whether a movie id may be recommended; None allows all. Rated movies are
        left out, and equal scores go by the smaller id. Where no rated movie has factors, the scores are popularity alone
        and the entries have no reasons.
        """
        return self._familiar(self._taste(ratings), n, keeps)

    def blend(
        self, ratings: Sequence[Rating], n: int, hundredths: int, keeps: Callable[[int], bool] | None = None
    ) -> list[Recommendation]:
        """Return n movies, of which so many hundredths are from the long tail.

        The other parameters are those of `recommend`. Raises PublicationError without prices.
        """
        if self.prices is None:
            raise PublicationError("The publication has no prices. Build it with the export of discovery_prices.")
        taste = self._taste(ratings)
        lists = self._familiar(taste, n, keeps), self._discoveries(taste, self.prices, n, keeps)
        return blended(*lists, hundredths, lambda entry: entry.movie_id)[:n]

    def _familiar(self, taste: Taste, n: int, keeps: Callable[[int], bool] | None) -> list[Recommendation]:
        table = self.table
        greatest = taste.personal.max(initial=0)
        scale = table.gain / greatest if greatest > 0 else np.zeros(len(taste.personal))
        scores = (taste.personal * scale + table.prior).astype(np.float32)
        scores[taste.rated] = -np.inf
        best = self._best(scores, n, keeps)
        return self._entries(taste, best, scores[best], table.prior[best], scale[best])

    def _discoveries(
        self, taste: Taste, prices: Prices, n: int, keeps: Callable[[int], bool] | None
    ) -> list[Recommendation]:
        """Return the n best movies of the long tail; popularity is there less the price."""
        greatest = np.where(prices.tail, taste.personal, 0).max(initial=0)
        scale = prices.taste / greatest if greatest > 0 else 0.0
        scores = (taste.personal * scale + prices.share).astype(np.float32)
        scores[~prices.tail] = -np.inf
        scores[taste.rated] = -np.inf
        paid = np.float32(prices.first_price) * prices.price
        first = self._best(scores - paid, min(n, prices.first_places), keeps)
        rest = scores - prices.price
        rest[first] = -np.inf
        others = self._best(rest, n - len(first), keeps) if n > prices.first_places else first[:0]
        best = np.concatenate([first, others])
        popularity = prices.share[best] - np.concatenate([paid[first], prices.price[others]])
        found = np.concatenate([(scores - paid)[first], rest[others]])
        return self._entries(taste, best, found, popularity, np.full(len(best), scale))

    def _taste(self, ratings: Sequence[Rating]) -> Taste:
        """Return what the ratings of movies with factors say of their giver."""
        table = self.table
        ratings = sorted(ratings, key=lambda rating: rating.movie_id)
        found = table.positions([rating.movie_id for rating in ratings])
        ratings = [rating for rating, at in zip(ratings, found, strict=True) if at >= 0]
        rated = found[found >= 0]
        by_factors = self._by_factors(rated, ratings)
        neighbours = self._by_neighbours(ratings)
        personal = (table.factors @ by_factors.sum(axis=1).astype(np.float32)).astype(np.float64)
        np.add.at(personal, neighbours[0], neighbours[2])
        stars = np.array([rating.stars for rating in ratings])
        liked = stars >= stars.mean() if len(stars) else np.zeros(0, dtype=bool)
        return Taste(rated, liked, by_factors, neighbours, personal)

    def _entries(
        self, taste: Taste, best: IntArray, scores: Float32Array, popularity: Float32Array, scale: FloatArray
    ) -> list[Recommendation]:
        """Return the movies at these positions with their reasons.

        All are (n,); `scale` is what their personal scores were multiplied with.
        """
        table = self.table
        positions, whose, adds = taste.neighbours
        added = table.factors[best].astype(np.float64) @ taste.by_factors
        row_of = np.full(len(table.movie_ids), -1)
        row_of[best] = np.arange(len(best))
        row = row_of[positions]
        listed = row >= 0
        # A movie is another's neighbour at most once, so each place is written once.
        added[row[listed], whose[listed]] += adds[listed]
        added *= scale[:, None]
        rated_ids = table.movie_ids[taste.rated]
        return [
            Recommendation(
                int(table.movie_ids[at]),
                float(score),
                float(score - popular),
                float(popular),
                _reasons(row, rated_ids, taste.liked),
            )
            for at, score, popular, row in zip(best, scores, popularity, added, strict=True)
        ]

    def _by_factors(self, rated: IntArray, ratings: Sequence[Rating]) -> FloatArray:
        """Return how much each rating adds to the user's factors, (rank, ratings).

        Their sum is the half step's solution.
        """
        profile = self.table.factors[rated].astype(np.float64)
        if not len(profile):
            return profile.T
        confidence = self._alpha * self.weights(ratings)
        system = self._gram + (profile * confidence[:, None]).T @ profile
        system += self._reg_param * len(profile) * np.eye(len(system))
        return np.asarray(np.linalg.solve(system, profile.T) * (1.0 + confidence))

    def _by_neighbours(self, ratings: Sequence[Rating]) -> tuple[IntArray, IntArray, FloatArray]:
        """Return all ratings' neighbours: position, index of the rating, added score."""
        near = [self._neighbours(rating.movie_id) for rating in ratings]
        if not near:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        lengths = [len(movie_ids) for movie_ids, _ in near]
        positions = self.table.positions(np.concatenate([movie_ids for movie_ids, _ in near]))
        whose = np.repeat(np.arange(len(near)), lengths)
        adds = np.repeat(self.weights(ratings), lengths) * np.concatenate([weights for _, weights in near])
        known = positions >= 0
        return positions[known], whose[known], adds[known]

    def _best(self, scores: Float32Array, n: int, keeps: Callable[[int], bool] | None) -> IntArray:
        """Return the positions of the n greatest scores, equal ones by position.

        A score of -inf does not count.
        """
        if keeps is None and n < len(scores):
            border = np.partition(scores, len(scores) - n)[len(scores) - n]
            candidates = np.flatnonzero(scores >= border)
        else:
            candidates = np.arange(len(scores))
        candidates = candidates[np.isfinite(scores[candidates])]
        ordered = candidates[np.argsort(-scores[candidates], kind="stable")]
        if keeps is not None:
            kept = (at for at in ordered if keeps(int(self.table.movie_ids[at])))
            ordered = np.fromiter(islice(kept, n), dtype=np.int64)
        return ordered[:n]


def _reasons(added: FloatArray, movie_ids: IntArray, liked: npt.NDArray[np.bool_]) -> list[Reason]:
    """Return the liked movies that add most; equal ones by the smaller id."""
    order = np.argsort(np.where(liked, -added, np.inf), kind="stable")[:REASONS]
    return [Reason(int(movie_ids[at]), float(added[at])) for at in order if liked[at] and added[at] > 0]
