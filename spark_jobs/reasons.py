"""Why a movie is recommended: how much each movie the user rated adds to its personal score.

A user's factors are x = W Y' C p with W = (Y'CY + reg n I)^-1, so a product y_i · x is a sum over the movies he rated: movie j adds
(y_i W y_j) c_j (Hu, Koren and Volinsky 2008, section 5); as a neighbour it adds its weight times that of the rating. The sums are
exact, because the model's user factors are the solution given its published movie factors.
"""

from __future__ import annotations

import numpy as np
from factor_model import FactorModel
from ratings import FloatArray, IntArray
from top_n import Float32Array

REASONS_PER_MOVIE = 3


def contributions(
    model: FactorModel, gram: FloatArray, recommended: IntArray, rated: IntArray, weights: Float32Array
) -> FloatArray:
    """Return what each rated movie adds to each recommended movie's personal score, (recommended, rated).

    `gram` is Y'Y over all movies, (rank, rank); `recommended` and `rated` are columns of the model; `weights` (rated,) are the
    profile's.
    """
    settings = model.settings
    y = model.movie_factors[rated].astype(np.float64)
    confidence = settings.alpha * weights.astype(np.float64)
    system = gram + (y * confidence[:, None]).T @ y + settings.reg_param * len(y) * np.eye(len(gram))
    by_factors = model.movie_factors[recommended].astype(np.float64) @ np.linalg.solve(system, y.T) * (1 + confidence)
    as_neighbours = model.neighbours.between(rated, recommended).T * weights
    return np.asarray(by_factors + as_neighbours)


def top_reasons(added: FloatArray, rated_ids: IntArray, liked: IntArray, n: int = REASONS_PER_MOVIE) -> list[str]:
    """Return for each recommended movie the comma-joined ids of the n rated movies that add most to its score, most first.

    `added` is (recommended, rated), `rated_ids` ascending; only movies whose rating is `liked` (0 or 1 each) and which add something
    are named: "because you rated X" is no reason when X was disliked. Ties go to the smaller id; '' when nothing is left.
    """
    eligible = np.where(liked[None, :] > 0, added, -np.inf)
    order = np.argsort(-eligible, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(eligible, order, axis=1)
    return [",".join(str(m) for m in rated_ids[o[b > 0]]) for o, b in zip(order, best, strict=True)]
