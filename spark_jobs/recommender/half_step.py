"""One half of an implicit ALS iteration, solved exactly.

A half step computes every user's (or movie's) factors, given the other side's. The objective is MLlib's (Hu, Koren and Volinsky
2008, regularised by the number of ratings). For one entity with rated rows Y, weights w and n ratings, x solves

    (G + alpha Y'diag(w)Y + reg n I) x = Y'(1 + alpha w)

where G is the gram matrix of all rows. In the eigenbasis of G, the term that entities share is diagonal. An entity with
n < rank ratings therefore costs an n x n system (Woodbury), not a rank x rank one. Most movies have a handful of ratings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from recommender.arrays import BoolArray, Factors, FloatArray
from recommender.incidence import Incidence, padded_batches

# Numbers in one padded batch. 250 thousand doubles are 2 MB, which stay in the processor's cache between passes.
_BATCH_NUMBERS = 250_000


@dataclass(frozen=True)
class OtherSide:
    """The other side's factors in the eigenbasis of their gram matrix.

    Shapes: `rows` (rows, rank), `eigenvalues` (rank,), `basis` (rank, rank). The eigenvectors are the columns of `basis`, so
    rows @ basis.T are the factors. All arrays have the factors' precision.
    """

    rows: Factors
    eigenvalues: Factors
    basis: Factors

    @classmethod
    def of(cls, factors: Factors) -> OtherSide:
        """Return factors, (rows, rank), in their eigenbasis.

        A half step does this once, for all parts together.
        """
        eigenvalues, basis = np.linalg.eigh((factors.T @ factors).astype(np.float64))
        basis = basis.astype(factors.dtype)
        # Rounding can leave a zero eigenvalue a little below zero.
        return cls(factors @ basis, np.maximum(eigenvalues, 0.0).astype(factors.dtype), basis)


def half_step(rated: Incidence, other: OtherSide, alpha: float, reg_param: float) -> FloatArray:
    """Return the factors of the entities of `rated`, (entities, rank), as doubles.

    `other` holds the other side's factors. An entity without ratings gets zeros.
    """
    rank = len(other.basis)
    solution = np.zeros((len(rated.starts) - 1, rank))
    for batch in padded_batches(rated, rank, rank * rank, _BATCH_NUMBERS):
        rows = other.rows[batch.columns].astype(np.float64, copy=False)
        weights = alpha * batch.weights.astype(np.float64)
        ridge = other.eigenvalues + reg_param * batch.counts[:, None]
        few = rows.shape[1] < rank and ridge.min() > 0
        solution[batch.entities] = (_few_ratings if few else _many_ratings)(rows, weights, batch.inside, ridge)
    return np.asarray(solution @ other.basis.T)


def _few_ratings(rows: FloatArray, weights: FloatArray, inside: BoolArray, ridge: FloatArray) -> FloatArray:
    """Return the solutions of (entities, n, n) systems.

    x = D^-1 Y'S (I + S Y D^-1 Y'S)^-1 S^-1 (1 + alpha w), with S = sqrt(alpha w) and the diagonal D.
    """
    root, half = np.sqrt(weights), np.sqrt(ridge)
    # Y' times itself is half the work of Y' times another matrix of its shape. So D^-1 is split between both.
    narrow = rows * root[:, :, None] / half[:, None, :]
    target = np.divide(1.0 + weights, root, out=np.zeros_like(root), where=inside)
    solved = _solved(narrow @ narrow.transpose(0, 2, 1), np.ones_like(root), target)
    return np.asarray((solved[:, None, :] @ narrow)[:, 0] / half)


def _many_ratings(rows: FloatArray, weights: FloatArray, inside: BoolArray, ridge: FloatArray) -> FloatArray:
    """Return the solutions of the (entities, rank, rank) systems themselves."""
    scaled = rows * np.sqrt(weights)[:, :, None]
    target = (np.where(inside, 1.0 + weights, 0.0)[:, None, :] @ rows)[:, 0]
    return _solved(scaled.transpose(0, 2, 1) @ scaled, ridge, target)


def _solved(systems: FloatArray, ridge: FloatArray, targets: FloatArray) -> FloatArray:
    """Return x of (system + diag(ridge)) x = target for each entity, by Cholesky.

    Shapes: systems (entities, n, n), ridge and targets (entities, n). Systems and targets are overwritten.
    """
    diagonal = np.arange(systems.shape[1])
    systems[:, diagonal, diagonal] += ridge
    for system, target in zip(systems, targets, strict=True):
        # The transpose is the same matrix, in the order that LAPACK takes without a copy.
        _, target[:], failed = dposv(system.T, target, overwrite_a=True)
        if failed:
            raise np.linalg.LinAlgError("The equations of an entity are singular. Set reg-param above 0.")
    return targets
