"""Recommend for a person whom the model has never seen: one exact half step of implicit ALS on his ratings.

With the published movie factors Y, a person's factors x solve (Y'Y + alpha Y'WY + reg n I) x = Y'(1 + alpha w) over his n
rated movies (Hu, Koren and Volinsky 2008, regularised by the number of ratings as MLlib does). A rating's weight w is 1
for his newest one and halves with the time before that; stars do not count, as in the training. The score of a movie is
gain * (x . y) + prior, and what each rated movie adds to it is exact (section 5 of the paper). The batch computes its
lists by the same formulas; tests/contracts/test_fold_in_agrees.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.publication_format import PublicationError

REASONS = 3
_SECONDS_PER_DAY = 86_400

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FactorTable:
    """The published factors of the movies that have some, by ascending movie_id.

    Shapes: movie_ids (movies,), gain and prior (movies,), factors (movies, rank).
    """

    movie_ids: IntArray
    gain: Float32Array
    prior: Float32Array
    factors: Float32Array

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[int, float, float, bytes]]) -> FactorTable:
        """Build from (movie_id, gain, prior, little-endian float32 factors) in order of movie_id."""
        if not rows:
            raise PublicationError("The publication has no movie factors: build it with the export of movie_factors.")
        factors = np.frombuffer(b"".join(row[3] for row in rows), dtype="<f4").reshape(len(rows), -1)
        return cls(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([row[1] for row in rows], dtype=np.float32),
            np.array([row[2] for row in rows], dtype=np.float32),
            factors.astype(np.float32),
        )

    def positions(self, movie_ids: Sequence[int] | IntArray) -> IntArray:
        """Return where these movies stand in the table, -1 for one without factors."""
        wanted = np.asarray(movie_ids, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.movie_ids, wanted), len(self.movie_ids) - 1)
        return np.where(self.movie_ids[found] == wanted, found, -1)


@dataclass(frozen=True)
class Rating:
    """One rating of an unknown person: stars, and when (Unix seconds UTC) or None for just now."""

    movie_id: int
    stars: float
    rated_at: int | None = None


@dataclass(frozen=True)
class Reason:
    """A rated movie and what it adds to a recommended one's score."""

    movie_id: int
    adds: float


@dataclass(frozen=True)
class Recommendation:
    """One movie for an unknown person; `score` is `personal` + `popularity`."""

    movie_id: int
    score: float
    personal: float
    popularity: float
    because: list[Reason]


class FoldIn:
    """Folds unknown persons into one publication's model; safe to share between threads, nothing is kept of a person."""

    def __init__(self, table: FactorTable, settings: dict[str, Any] | None) -> None:
        """Take the factors and the lineage's `top_n.fold_in`. Raises PublicationError if the settings do not fit them."""
        names = ("rank", "alpha", "reg_param", "profile_half_life_days", "least_decay")
        values = [settings.get(name) if isinstance(settings, dict) else None for name in names]
        if not all(isinstance(value, int | float) for value in values) or values[0] != table.factors.shape[1]:
            raise PublicationError(
                "The lineage's top_n.fold_in does not fit the movie factors: run recommend_top_n and what follows again."
            )
        self.table = table
        _, self._alpha, self._reg_param, self._half_life, self._least_decay = (float(value or 0) for value in values)
        exact = table.factors.astype(np.float64)
        self._gram = exact.T @ exact
        self._scoring = np.asarray(table.factors * table.gain[:, None], dtype=np.float32)

    def weights(self, ratings: Sequence[Rating]) -> FloatArray:
        """Return each rating's weight: 1 for the newest and for those without a time, halving with the time before."""
        times = [rating.rated_at for rating in ratings if rating.rated_at is not None]
        newest = max(times, default=0)
        ages = np.array([0 if rating.rated_at is None else newest - rating.rated_at for rating in ratings])
        return np.maximum(np.exp2(-ages / _SECONDS_PER_DAY / self._half_life), self._least_decay)

    def recommend(
        self, ratings: Sequence[Rating], n: int, keeps: Callable[[int], bool] | None = None
    ) -> list[Recommendation]:
        """Return the n best movies for the person who gave these ratings, each movie once, best first.

        `keeps` says of a movie id whether it may be recommended; None: all may. Rated movies are left out; equal scores
        go by the smaller id. Without a rated movie that has factors, the list is the popular part of the score alone
        and has no reasons.
        """
        table = self.table
        ratings = sorted(ratings, key=lambda rating: rating.movie_id)
        rated = table.positions([rating.movie_id for rating in ratings])
        known = rated >= 0
        rated, weights = rated[known], self.weights(ratings)[known]
        profile = table.factors[rated].astype(np.float64)
        confidence = 1.0 + self._alpha * weights
        # Column j of `solved` is what rated movie j adds to the person's factors for each unit of confidence.
        system = self._gram + (profile * (self._alpha * weights)[:, None]).T @ profile
        system += self._reg_param * len(profile) * np.eye(len(system))
        solved = np.linalg.solve(system, profile.T) if len(profile) else profile.T
        person = (solved @ confidence).astype(np.float32)
        scores = self._scoring @ person + table.prior
        scores[rated] = -np.inf
        best = self._best(scores, n, keeps)
        added = table.factors[best].astype(np.float64) @ solved * confidence * table.gain[best][:, None]
        stars = np.array([rating.stars for rating in ratings])[known]
        liked = stars >= stars.mean() if len(stars) else np.zeros(0, dtype=bool)
        ids = table.movie_ids[rated]
        return [
            Recommendation(
                int(table.movie_ids[position]),
                float(scores[position]),
                float(scores[position] - table.prior[position]),
                float(table.prior[position]),
                _reasons(row, ids, liked),
            )
            for position, row in zip(best, added, strict=True)
        ]

    def _best(self, scores: Float32Array, n: int, keeps: Callable[[int], bool] | None) -> IntArray:
        """Return the positions of the n greatest scores, equal ones in order of position; -inf is no score."""
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
    """Return the rated movies, liked ones alone, that add most; equal ones by the smaller id."""
    order = np.argsort(np.where(liked, -added, np.inf), kind="stable")[:REASONS]
    return [Reason(int(movie_ids[at]), float(added[at])) for at in order if liked[at] and added[at] > 0]
