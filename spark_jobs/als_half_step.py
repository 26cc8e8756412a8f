"""One half of an implicit ALS iteration, exact: every user's (or movie's) factors given the other side's.

The objective is MLlib's (Hu, Koren and Volinsky 2008, regularised by the number of ratings): for one entity with rated rows Y,
weights w and n ratings, x solves (G + alpha Y'diag(w)Y + reg n I) x = Y'(1 + alpha w), where G is the gram matrix of all rows.
In the eigenbasis of G the part that entities share is diagonal, so an entity with n < rank ratings costs an n x n system
(Woodbury) in place of a rank x rank one; most movies have a handful of ratings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from ratings import BoolArray, FloatArray, IntArray
from scipy.linalg.lapack import dposv
from top_n import Float32Array

# Factors in either precision.
Factors = npt.NDArray[np.floating[Any]]

# Numbers in one padded batch: 250 thousand doubles are 2 MB, and stay in the processor's cache between the passes over them.
_BATCH_NUMBERS = 250_000


@dataclass(frozen=True)
class Incidence:
    """Ratings by entity: entity e rated the other side's rows `columns[starts[e]:starts[e + 1]]` with `weights` there (> 0)."""

    starts: IntArray
    columns: IntArray
    weights: FloatArray | Float32Array

    @classmethod
    def build(cls, entity: IntArray, column: IntArray, weight: FloatArray | Float32Array, entities: int) -> Incidence:
        """Group (entity, column, weight) triples by entity, columns ascending, whatever order they come in."""
        order = np.lexsort((column, entity))
        starts = np.searchsorted(entity[order], np.arange(entities + 1))
        return cls(starts.astype(np.int64), column[order], weight[order])

    @classmethod
    def none(cls, entities: int) -> Incidence:
        """Return that of so many entities none rated anything."""
        return cls(np.zeros(entities + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))

    def matrix(self, columns: int) -> sp.csr_matrix:
        """Return the weights as a sparse matrix, (entities, columns), in single precision."""
        shape = (len(self.starts) - 1, columns)
        return sp.csr_matrix((self.weights.astype(np.float32), self.columns, self.starts), shape=shape)

    def rows(self, first: int, last: int) -> Incidence:
        """Return the part for the entities first .. last-1."""
        begin, end = self.starts[first], self.starts[last]
        return Incidence(self.starts[first : last + 1] - begin, self.columns[begin:end], self.weights[begin:end])


@dataclass(frozen=True)
class PaddedBatch:
    """Entities with nearly the same number of ratings: their places, (entities,), and their ratings, (entities, widest).

    `columns` are the other side's rows and `weights` the ratings'; where an entity has fewer, `inside` is false and the weight 0.
    """

    entities: IntArray
    counts: IntArray
    columns: IntArray
    weights: FloatArray | Float32Array
    inside: BoolArray


def padded_batches(rated: Incidence, rank: int, beside: int, numbers: int) -> Iterator[PaddedBatch]:
    """Yield every entity with ratings once, the fewest ratings first, so many together that a batch has about `numbers` numbers.

    Those are rank a rating and `beside` an entity. The batches follow from the data alone.
    """
    counts = np.diff(rated.starts)
    by_count = np.argsort(counts, kind="stable")
    by_count = by_count[counts[by_count] > 0]
    ordered = counts[by_count]
    at = 0
    while at < len(by_count):
        width = int(ordered[at])
        limit = int(np.searchsorted(ordered, max(width + 4, width * 5 // 4), side="right"))
        limit = min(limit, at + max(1, numbers // (int(ordered[limit - 1]) * rank + beside)))
        batch = by_count[at:limit]
        inside = np.arange(ordered[limit - 1]) < ordered[at:limit, None]
        offsets = np.where(inside, rated.starts[batch][:, None] + np.arange(ordered[limit - 1]), 0)
        weights = np.where(inside, rated.weights[offsets], 0)
        yield PaddedBatch(batch, ordered[at:limit], rated.columns[offsets], weights, inside)
        at = limit


@dataclass(frozen=True)
class OtherSide:
    """The other side's factors in the eigenbasis of their gram matrix: `rows`, (rows, rank), `eigenvalues`, (rank,), and `basis`.

    `basis`, (rank, rank), has the eigenvectors as columns: rows @ basis.T are the factors. All have the factors' precision.
    """

    rows: Factors
    eigenvalues: Factors
    basis: Factors

    @classmethod
    def of(cls, factors: Factors) -> OtherSide:
        """Turn factors, (rows, rank), into their eigenbasis, once for all parts of a half step."""
        eigenvalues, basis = np.linalg.eigh((factors.T @ factors).astype(np.float64))
        basis = basis.astype(factors.dtype)
        # Rounding can leave a zero eigenvalue a little below zero.
        return cls(factors @ basis, np.maximum(eigenvalues, 0.0).astype(factors.dtype), basis)


def half_step(rated: Incidence, other: OtherSide, alpha: float, reg_param: float) -> FloatArray:
    """Return the factors of the entities of `rated`, (entities, rank), given the other side's, in double precision.

    An entity without ratings gets zeros.
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
    """Solve through (entities, n, n) systems: x = D^-1 Y'S (I + S Y D^-1 Y'S)^-1 S^-1 (1 + alpha w), S = sqrt(alpha w)."""
    root, half = np.sqrt(weights), np.sqrt(ridge)
    # Y' times itself is half the work of Y' times another matrix of its shape, so D^-1 is split between both.
    narrow = rows * root[:, :, None] / half[:, None, :]
    target = np.divide(1.0 + weights, root, out=np.zeros_like(root), where=inside)
    solved = _solved(narrow @ narrow.transpose(0, 2, 1), np.ones_like(root), target)
    return np.asarray((solved[:, None, :] @ narrow)[:, 0] / half)


def _many_ratings(rows: FloatArray, weights: FloatArray, inside: BoolArray, ridge: FloatArray) -> FloatArray:
    """Solve the (entities, rank, rank) systems themselves."""
    scaled = rows * np.sqrt(weights)[:, :, None]
    target = (np.where(inside, 1.0 + weights, 0.0)[:, None, :] @ rows)[:, 0]
    return _solved(scaled.transpose(0, 2, 1) @ scaled, ridge, target)


def _solved(systems: FloatArray, ridge: FloatArray, targets: FloatArray) -> FloatArray:
    """Solve (system + diag(ridge)) x = target for each entity by Cholesky; systems, (entities, n, n), are overwritten."""
    diagonal = np.arange(systems.shape[1])
    systems[:, diagonal, diagonal] += ridge
    for system, target in zip(systems, targets, strict=True):
        # The transpose is the same matrix in the order that LAPACK takes without a copy.
        _, target[:], failed = dposv(system.T, target, overwrite_a=True)
        if failed:
            raise np.linalg.LinAlgError("an entity's equations are singular: give a reg-param above 0")
    return targets
