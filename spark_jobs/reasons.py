"""Why a movie is recommended: how much each movie the user rated contributes to its score (Hu, Koren and Volinsky 2008, section 5).

A user's factors are x = W Y' C p with W = (Y'CY + reg n I)^-1, so a score y_i · x is a sum over the movies he rated: movie j adds
(y_i W y_j) c_j. The sums are exact, because the model's user factors are the solution given its published movie factors.
"""

from __future__ import annotations

import numpy as np
from ratings import FloatArray, IntArray
from top_n import Float32Array

REASONS_PER_MOVIE = 3


def contributions(
    gram: FloatArray,
    recommended: Float32Array,
    rated: Float32Array,
    weights: FloatArray,
    alpha: float,
    reg_param: float,
) -> FloatArray:
    """Return what each rated movie adds to each recommended movie's score, (recommended, rated).

    `gram` is Y'Y over all movies, (rank, rank); `recommended` and `rated` are rows of Y; `weights` (rated,) as the training's.
    """
    y = rated.astype(np.float64)
    system = gram + (y * (alpha * weights)[:, None]).T @ y + reg_param * len(y) * np.eye(len(gram))
    solved = np.linalg.solve(system, y.T)
    return np.asarray(recommended.astype(np.float64) @ solved * (1 + alpha * weights))


def top_reasons(added: FloatArray, rated_ids: IntArray, liked: IntArray, n: int = REASONS_PER_MOVIE) -> list[str]:
    """Return for each recommended movie the comma-joined ids of the n rated movies that add most to its score, most first.

    `added` is (recommended, rated), `rated_ids` ascending; only movies whose rating is `liked` (0 or 1 each) and which add something
    are named: "because you rated X" is no reason when X was disliked. Ties go to the smaller id; '' when nothing is left.
    """
    eligible = np.where(liked[None, :] > 0, added, -np.inf)
    order = np.argsort(-eligible, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(eligible, order, axis=1)
    return [",".join(str(m) for m in rated_ids[o[b > 0]]) for o, b in zip(order, best, strict=True)]
