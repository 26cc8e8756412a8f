"""One half of an implicit ALS iteration, exact: every user's (or movie's) factors given the other side's.

The objective is MLlib's (Hu, Koren and Volinsky 2008, regularised by the number of ratings): for one entity with rated rows Y,
weights w and n ratings, x solves (G + alpha Y'diag(w)Y + reg n I) x = Y'(1 + alpha w), where G is the gram matrix of all rows.
In the eigenbasis of G the part that entities share is diagonal, so an entity with n < rank ratings costs an n x n system
(Woodbury) in place of a rank x rank one; most movies have a handful of ratings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from ratings import BoolArray, FloatArray, IntArray
from top_n import Float32Array

# Numbers in one padded batch: 4 million doubles are 32 MB.
_BATCH_NUMBERS = 4_000_000


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


def half_step(rated: Incidence, other: FloatArray, gram: FloatArray, alpha: float, reg_param: float) -> FloatArray:
    """Return the factors of the entities of `rated`, (entities, rank), given the other side's, (rows, rank), and its gram matrix.

    An entity without ratings gets zeros.
    """
    rank = other.shape[1]
    eigenvalues, basis = np.linalg.eigh(gram)
    # Rounding can leave a zero eigenvalue a little below zero.
    eigenvalues = np.maximum(eigenvalues, 0.0)
    rotated = other @ basis
    counts = np.diff(rated.starts)
    solution = np.zeros((len(counts), rank))
    by_count = np.argsort(counts, kind="stable")
    by_count = by_count[counts[by_count] > 0]
    at = 0
    while at < len(by_count):
        width = int(counts[by_count[at]])
        # Entities of nearly the same number of ratings go together, padded with weight 0 to the largest.
        limit = int(np.searchsorted(counts[by_count], max(width + 4, width * 5 // 4), side="right"))
        widest = int(counts[by_count[limit - 1]])
        limit = min(limit, at + max(1, _BATCH_NUMBERS // (widest * rank + rank * rank)))
        batch = by_count[at:limit]
        widest = int(counts[batch[-1]])
        offsets = rated.starts[batch][:, None] + np.arange(widest)
        inside = np.arange(widest) < counts[batch][:, None]
        offsets = np.where(inside, offsets, 0)
        weights = np.where(inside, alpha * rated.weights[offsets], 0.0)
        rows = rotated[rated.columns[offsets]]
        ridge = eigenvalues + reg_param * counts[batch][:, None]
        if widest < rank and ridge.min() > 0:
            solution[batch] = _few_ratings(rows, weights, inside, ridge)
        else:
            solution[batch] = _many_ratings(rows, weights, inside, ridge)
        at = limit
    return np.asarray(solution @ basis.T)


def _few_ratings(rows: FloatArray, weights: FloatArray, inside: BoolArray, ridge: FloatArray) -> FloatArray:
    """Solve through (entities, n, n) systems: x = D^-1 Y'S (I + S Y D^-1 Y'S)^-1 S^-1 (1 + alpha w), S = sqrt(alpha w)."""
    root = np.sqrt(weights)
    scaled = rows * root[:, :, None]
    narrow = scaled / ridge[:, None, :]
    system = narrow @ scaled.transpose(0, 2, 1)
    diagonal = np.arange(system.shape[1])
    system[:, diagonal, diagonal] += 1.0
    target = np.divide(1.0 + weights, root, out=np.zeros_like(root), where=inside)
    return np.asarray(np.einsum("enr,en->er", narrow, np.linalg.solve(system, target[:, :, None])[:, :, 0]))


def _many_ratings(rows: FloatArray, weights: FloatArray, inside: BoolArray, ridge: FloatArray) -> FloatArray:
    """Solve the (entities, rank, rank) systems themselves."""
    system = (rows * weights[:, :, None]).transpose(0, 2, 1) @ rows
    diagonal = np.arange(rows.shape[2])
    system[:, diagonal, diagonal] += ridge
    target = np.einsum("enr,en->er", rows, np.where(inside, 1.0 + weights, 0.0))
    return np.asarray(np.linalg.solve(system, target[:, :, None])[:, :, 0])
