"""One half of an implicit ALS iteration by conjugate gradient.

It takes a few steps towards the solution that `half_step` computes. Each entity starts from its factors of the
previous iteration, so that the steps of all iterations add up. The method is that of Takacs, Pilaszy and Tikk 2011,
"Applications of the conjugate gradient method for implicit feedback collaborative filtering". In the eigenbasis of
the gram matrix, the term that entities share is diagonal. It is the preconditioner, and its product costs rank
multiplications, not rank squared.
"""

from __future__ import annotations

import numpy as np

from recommender.arrays import Factors
from recommender.half_step import OtherSide
from recommender.incidence import Incidence, padded_batches

# Numbers in one padded batch. 250 thousand floats are 1 MB, which stay in the processor's cache: each step passes over them twice.
_BATCH_NUMBERS = 250_000


def conjugate_gradient(
    rated: Incidence, start: Factors, other: OtherSide, alpha: float, reg_param: float, steps: int
) -> Factors:
    """Return the factors of the entities of `rated`, (entities, rank).

    They are reached in `steps` steps from `start`, of the same shape, in the precision of `other`. `reg_param` must be above 0.
    An entity without ratings gets zeros.
    """
    rank, precision = len(other.basis), other.basis.dtype
    start = start @ other.basis
    solution = np.zeros_like(start)
    for batch in padded_batches(rated, rank, 4 * rank, _BATCH_NUMBERS):
        rows = other.rows[batch.columns]
        weights = (alpha * batch.weights).astype(precision)
        ridge = other.eigenvalues + (reg_param * batch.counts[:, None]).astype(precision)
        x = start[batch.entities]
        residual = _over_ratings(batch.inside + weights * (1 - _product(rows, x)), rows) - ridge * x
        direction = residual / ridge
        length = _dot(residual, direction)
        for _ in range(steps):
            image = _over_ratings(weights * _product(rows, direction), rows) + ridge * direction
            size = _quotient(length, _dot(direction, image))
            x += size * direction
            residual -= size * image
            conditioned = residual / ridge
            before, length = length, _dot(residual, conditioned)
            direction = conditioned + _quotient(length, before) * direction
        solution[batch.entities] = x
    return np.asarray(solution @ other.basis.T)


def _product(rows: Factors, x: Factors) -> Factors:
    """Return each rating's row times its entity's vector.

    Shapes: (entities, n, rank) and (entities, rank) give (entities, n).
    """
    return np.asarray((rows @ x[:, :, None])[:, :, 0])


def _over_ratings(values: Factors, rows: Factors) -> Factors:
    """Return each entity's weighted sum of its rows.

    Shapes: (entities, n) and (entities, n, rank) give (entities, rank).
    """
    return np.asarray((values[:, None, :] @ rows)[:, 0])


def _dot(a: Factors, b: Factors) -> Factors:
    return np.asarray(np.einsum("er,er->e", a, b))


def _quotient(a: Factors, b: Factors) -> Factors:
    """Return a / b as a column, and 0 for an entity whose solution is already exact."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)[:, None]
