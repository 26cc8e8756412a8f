"""The reasons of a recommendation: each rated movie's share of the score.

A user's factors are x = W Y' C p with W = (Y'CY + reg n I)^-1. So a product y_i · x is a sum over the user's movies. Movie j adds
(y_i W y_j) c_j to it (Hu, Koren and Volinsky 2008, section 5). As a neighbour, movie j adds its weight times the rating's weight. The
sums are exact, because the model's user factors are the solution for its published movie factors.
"""

from __future__ import annotations

import numpy as np

from recommender.arrays import Float32Array, FloatArray, IntArray
from recommender.model import FactorModel

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


def top_reasons(added: FloatArray, rated_ids: IntArray, liked: IntArray, n: int = REASONS_PER_MOVIE) -> list[str]:
    """Return the reasons of each recommended movie: comma-joined ids, or ''.

    The ids are those of the n rated movies that add most to its score, the largest addition first. `added` is (recommended, rated), and
    `rated_ids` ascend. Only movies that add something and whose rating is `liked` (0 or 1 each) are named: a disliked movie is not a
    reason. Of equal additions, the smaller id comes first.
    """
    eligible = np.where(liked[None, :] > 0, added, -np.inf)
    order = np.argsort(-eligible, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(eligible, order, axis=1)
    return [",".join(str(m) for m in rated_ids[o[b > 0]]) for o, b in zip(order, best, strict=True)]
