"""Ratings grouped by entity (user or movie), whole or in padded batches.

The two sides of a half step are "entities", whose factors are computed, and the other side's "rows", which are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from recommender.arrays import BoolArray, Float32Array, FloatArray, Int32Array, IntArray


@dataclass(frozen=True)
class Incidence:
    """Ratings by entity, as a sparse matrix in rows.

    Entity e rated the other side's rows `columns[starts[e]:starts[e + 1]]`, with the `weights` (> 0) at the same places. It is
    the entity of position `first` + e where these are a part of all.
    """

    starts: IntArray
    columns: IntArray | Int32Array
    weights: FloatArray | Float32Array
    first: int = 0

    @classmethod
    def build(cls, entity: IntArray, column: IntArray, weight: FloatArray | Float32Array, entities: int) -> Incidence:
        """Return (entity, column, weight) triples, given in any order, grouped by entity.

        The columns of an entity ascend.
        """
        order = np.lexsort((column, entity))
        starts = np.searchsorted(entity[order], np.arange(entities + 1))
        return cls(starts.astype(np.int64), column[order], weight[order])

    @classmethod
    def none(cls, entities: int) -> Incidence:
        """Return the incidence of this many entities without ratings."""
        return cls(np.zeros(entities + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))

    def matrix(self, columns: int) -> sp.csr_matrix:
        """Return the weights as a sparse matrix of floats, (entities, columns)."""
        shape = (len(self.starts) - 1, columns)
        return sp.csr_matrix((self.weights.astype(np.float32), self.columns, self.starts), shape=shape)

    def owners(self) -> IntArray:
        """Return the entity of each rating, counted from the first."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def rows(self, first: int, last: int) -> Incidence:
        """Return the incidence of the entities first .. last-1."""
        begin, end = self.starts[first], self.starts[last]
        own = self.starts[first : last + 1] - begin
        return Incidence(own, self.columns[begin:end], self.weights[begin:end], self.first + first)

    def split(self, cuts: IntArray) -> list[Incidence]:
        """Return the incidences of the runs of entities between one cut and the next."""
        return [self.rows(int(first), int(last)) for first, last in pairwise(cuts)]

    @classmethod
    def joined(cls, parts: Sequence[Incidence]) -> Incidence:
        """Return consecutive parts as one."""
        lengths = np.concatenate([np.diff(part.starts) for part in parts])
        columns, weights = (np.concatenate([getattr(part, name) for part in parts]) for name in ("columns", "weights"))
        return cls(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), columns, weights, parts[0].first)


@dataclass(frozen=True)
class PaddedBatch:
    """Entities with nearly the same number of ratings, padded to the same width.

    `entities` and `counts` are (entities,): the entities' positions and their numbers of ratings. `columns`, `weights` and
    `inside` are (entities, widest): the other side's rows, the ratings' weights, and whether there is a rating at all.
    Padding has the weight 0.
    """

    entities: IntArray
    counts: IntArray
    columns: IntArray | Int32Array
    weights: FloatArray | Float32Array
    inside: BoolArray


def padded_batches(rated: Incidence, rank: int, per_entity: int, numbers: int) -> Iterator[PaddedBatch]:
    """Yield every entity with ratings once, those with the fewest ratings first.

    A batch has about `numbers` numbers: rank per rating and `per_entity` per entity. The batches follow from the data alone.
    """
    counts = np.diff(rated.starts)
    by_count = np.argsort(counts, kind="stable")
    by_count = by_count[counts[by_count] > 0]
    ordered = counts[by_count]
    at = 0
    while at < len(by_count):
        width = int(ordered[at])
        limit = int(np.searchsorted(ordered, max(width + 4, width * 5 // 4), side="right"))
        limit = min(limit, at + max(1, numbers // (int(ordered[limit - 1]) * rank + per_entity)))
        batch = by_count[at:limit]
        inside = np.arange(ordered[limit - 1]) < ordered[at:limit, None]
        offsets = np.where(inside, rated.starts[batch][:, None] + np.arange(ordered[limit - 1]), 0)
        weights = np.where(inside, rated.weights[offsets], 0)
        yield PaddedBatch(batch, ordered[at:limit], rated.columns[offsets], weights, inside)
        at = limit
