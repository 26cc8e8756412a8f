"""The reasons of a recommendation: each rated movie's share of the score.

A user's factors are x = W Y' C p with W = (Y'CY + reg n I)^-1. So a product y_i · x is a sum over the user's movies. Movie j adds
(y_i W y_j) c_j to it (Hu, Koren and Volinsky 2008, section 5). As a neighbour, movie j adds its weight times the rating's weight. The
sums are exact, because the model's user factors are the solution for its published movie factors.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recommender.arrays import Float32Array, FloatArray, IntArray
from recommender.model import FactorModel
from recommender.top_n import NO_MOVIE

REASONS_PER_MOVIE = 3


def contributions(
    model: FactorModel, gram: FloatArray, recommended: IntArray, rated: IntArray, weights: Float32Array
) -> FloatArray:
    """Return each rated movie's addition to each recommended movie's personal score.

    The result is (recommended, rated). `gram`, (rank, rank), is Y'Y over all movies. `recommended` and `rated` are columns of the
    model. `weights`, (rated,), are those of the profile.
    """
    settings = model.settings
    y = model.movie_factors[rated].astype(np.float64)
    confidence = settings.alpha * weights.astype(np.float64)
    system = gram + (y * confidence[:, None]).T @ y + settings.reg_param * len(y) * np.eye(len(gram))
    by_factors = model.movie_factors[recommended].astype(np.float64) @ np.linalg.solve(system, y.T) * (1 + confidence)
    as_neighbours = model.neighbours.between(rated, recommended).T * weights
    return np.asarray(by_factors + as_neighbours)


def best_reasons(added: FloatArray, liked: IntArray, n: int = REASONS_PER_MOVIE) -> IntArray:
    """Return each recommended movie's reasons as places among the rated.

    The result is (recommended, n): the rated movies that add most to its score, the largest addition first, and NO_MOVIE where there are
    fewer. `added` is (recommended, rated). Only movies that add something and whose rating is `liked` (0 or 1 each) are reasons: a
    disliked movie is none. Of equal additions, the first comes first.
    """
    eligible = np.where(liked[None, :] > 0, added, -np.inf)
    rows = np.arange(len(eligible))
    reasons = np.full((len(eligible), n), NO_MOVIE, dtype=np.int64)
    for place in range(min(n, eligible.shape[1])):
        best = eligible.argmax(axis=1)
        reasons[:, place] = np.where(eligible[rows, best] > 0, best, NO_MOVIE)
        eligible[rows, best] = -np.inf
    return reasons


def in_words(reasons: IntArray) -> list[str]:
    """Return each row's ids, joined by commas, without NO_MOVIE."""
    kept = reasons != NO_MOVIE
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    ids = pa.ListArray.from_arrays(pa.array(starts), pa.array(reasons[kept]).cast(pa.string()))
    texts: list[str] = pc.binary_join(ids, ",").to_pylist()
    return texts
