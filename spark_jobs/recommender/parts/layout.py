"""Ratings laid out twice, by user and by movie, in parts that follow from the data alone.

A part is a run of users (or movies) with all their ratings. Training asks each part for something small and puts the
answers together in the parts' order. So the bits of a model do not depend on where the parts are: in this process
(PartsHere) or on executors (cluster.layout).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
import scipy.sparse as sp

from recommender.arrays import BoolArray, FloatArray, Int32Array, IntArray
from recommender.parts.gram import mirror, upper_gram
from recommender.ratings import Ratings, positions

# The padding within a part changes the last bits, which may not depend on the cluster's size.
RATINGS_PER_PART = 50_000
# A group of parts is a task. Each costs Spark a hundredth of a second, so the number of groups is bounded.
PARTS_PER_GROUP, MOST_GROUPS = 8, 32

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Part:
    """A run of entities (users or movies) with all their ratings.

    The run starts at the entity of position `first`. The ratings of its entity e have the other side's positions
    `columns[starts[e]:starts[e + 1]]`, ascending, and the times `rated_at` at the same places.
    """

    first: int
    starts: IntArray
    columns: Int32Array
    rated_at: IntArray

    def __len__(self) -> int:
        """Return the number of entities."""
        return len(self.starts) - 1

    def owners(self) -> IntArray:
        """Return the entity of each rating, counted from the part's first."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def select(self, keep: BoolArray) -> Part:
        """Return the part with the ratings where `keep` is true; no entity is left out."""
        starts = np.concatenate([[0], np.cumsum(keep)])[self.starts]
        return Part(self.first, starts, self.columns[keep], self.rated_at[keep])

    def before(self, moment: int) -> Part:
        """Return the part with the ratings that were given before a time."""
        return self.select(self.rated_at < moment)


class Parts(ABC, Generic[T]):
    """Values in a fixed order, one for each part, wherever they are.

    What is done to them must be picklable, because it may travel.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[T]:
        """Yield the values in their order; only one group of them travels at a time."""

    @abstractmethod
    def each(self, work: Callable[[T], R]) -> list[R]:
        """Return what `work` makes of each value, in their order."""

    @abstractmethod
    def kept(self, work: Callable[[T], R]) -> Parts[R]:
        """Return what `work` makes of each value, kept where the values are."""

    @abstractmethod
    def gram(self, work: Callable[[T], sp.csr_matrix], size: int) -> FloatArray:
        """Return X'X, (size, size), of the rows X that `work` makes of all parts.

        The rows hold whole numbers, so that the sum is exact in any order.
        """

    @abstractmethod
    def release(self) -> None:
        """Forget what is kept; nothing may be asked afterwards."""


class PartsHere(Parts[T]):
    """Parts in this process."""

    def __init__(self, values: Sequence[T]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[T]:
        """Yield the values in their order."""
        return iter(self._values)

    def each(self, work: Callable[[T], R]) -> list[R]:
        """Return what `work` makes of each value, in their order."""
        return [work(value) for value in self._values]

    def kept(self, work: Callable[[T], R]) -> PartsHere[R]:
        """Return what `work` makes of each value."""
        return PartsHere(self.each(work))

    def gram(self, work: Callable[[T], sp.csr_matrix], size: int) -> FloatArray:
        """Return X'X, (size, size), of the rows X that `work` makes of all parts."""
        whole = upper_gram(map(work, self._values), size)
        mirror(whole)
        return whole

    def release(self) -> None:
        """Forget the values."""
        self._values = ()


@dataclass(frozen=True)
class LaidOut:
    """Ratings by user and by movie, and what all parts need to know.

    `user_ids` and `movie_ids` ascend. `counts` are each movie's ratings, `first_rated` and `last_rated` the times of each
    user's first and last one. `newest` is the time of the newest rating and `reference_time` the one from which ratings
    are aged. The arrays of users are as long as there are users, those of movies as there are movies.
    """

    user_ids: IntArray
    movie_ids: IntArray
    counts: IntArray
    first_rated: IntArray
    last_rated: IntArray
    newest: int
    reference_time: int
    by_user: Parts[Part]
    by_movie: Parts[Part]


def runs(counts: IntArray) -> IntArray:
    """Return where the parts of entities with these numbers of ratings begin.

    The last position is the number of entities. A part has about RATINGS_PER_PART ratings.
    """
    starts = np.concatenate([[0], np.cumsum(counts)])
    wanted = np.arange(RATINGS_PER_PART, starts[-1], RATINGS_PER_PART)
    return np.unique(np.concatenate([[0], np.searchsorted(starts, wanted), [len(counts)]]))


def groups_of(parts: int) -> list[slice]:
    """Return the runs of parts that are together.

    Each is one Spark partition.
    """
    size = max(PARTS_PER_GROUP, -(-parts // MOST_GROUPS))
    return [slice(start, min(start + size, parts)) for start in range(0, parts, size)]


def parts_of(entity: IntArray, column: IntArray, rated_at: IntArray, cuts: IntArray) -> list[Part]:
    """Return the parts of ratings that are sorted by (entity, column).

    `cuts` are positions of entities, ascending: each part runs from one to the next.
    """
    parts = []
    for first, last in pairwise(cuts.tolist()):
        starts = np.searchsorted(entity, np.arange(first, last + 1))
        own = slice(starts[0], starts[-1])
        parts.append(Part(first, starts - starts[0], column[own].astype(np.int32), rated_at[own]))
    return parts


def lay_out_here(ratings: Ratings) -> LaidOut:
    """Return ratings laid out in this process; raises ValueError when there are none."""
    if len(ratings) == 0:
        raise ValueError("There are no ratings to train on. Check that the batch's partition was loaded.")
    users, movies = ratings.users(), ratings.movies()
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    starts, lengths = ratings.runs()
    counts = np.bincount(movie_at, minlength=len(movies))
    by_movie = np.argsort(movie_at, kind="stable")
    return LaidOut(
        users,
        movies,
        counts,
        np.minimum.reduceat(ratings.rated_at, starts),
        np.maximum.reduceat(ratings.rated_at, starts),
        int(ratings.rated_at.max()),
        ratings.reference_time(),
        PartsHere(parts_of(user_at, movie_at, ratings.rated_at, runs(lengths))),
        PartsHere(parts_of(movie_at[by_movie], user_at[by_movie], ratings.rated_at[by_movie], runs(counts))),
    )
