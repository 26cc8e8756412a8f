"""Ratings of one batch as NumPy arrays, one array per column."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.arrays import BoolArray, FloatArray, IntArray

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Ratings:
    """Ratings as four arrays of equal length, sorted by (user_id, movie_id).

    `rating` is in stars, `rated_at` in Unix seconds UTC.
    """

    user_id: IntArray
    movie_id: IntArray
    rating: FloatArray
    rated_at: IntArray

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Ratings:
        """Return the ratings of a table with user_id, movie_id, rating and rated_at.

        `columns` is a mapping of these names to sequences. The rows are sorted here. So the same batch gives the same arrays,
        in whatever order the files were read. Raises ValueError when a (user, movie) pair occurs twice: cleaning keeps one
        rating per pair.
        """
        user = np.asarray(columns["user_id"], dtype=np.int64)
        movie = np.asarray(columns["movie_id"], dtype=np.int64)
        order = np.lexsort((movie, user))
        user, movie = user[order], movie[order]
        twice = (np.diff(user) == 0) & (np.diff(movie) == 0)
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise ValueError(
                f"User {user[at]} rated movie {movie[at]} more than once in this batch. "
                "Run the cleaning step again: it keeps only the newest rating of a pair."
            )
        return cls(
            user,
            movie,
            np.asarray(columns["rating"], dtype=np.float64)[order],
            np.asarray(columns["rated_at"], dtype=np.int64)[order],
        )

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.user_id)

    def select(self, keep: BoolArray) -> Ratings:
        """Return the ratings where `keep`, one bool per rating, is true, in their order."""
        return Ratings(self.user_id[keep], self.movie_id[keep], self.rating[keep], self.rated_at[keep])

    def runs(self) -> tuple[IntArray, IntArray]:
        """Return where each user's ratings start and how many there are.

        Both arrays are (users,), by ascending user id.
        """
        starts = np.flatnonzero(np.diff(self.user_id, prepend=self.user_id[:1] - 1))
        return starts, np.diff(starts, append=len(self))

    def sha256(self) -> str:
        """Return the SHA-256 of the arrays as little-endian bytes.

        The same batch gives the same digest.
        """
        digest = hashlib.sha256()
        for ids in (self.user_id, self.movie_id, self.rated_at):
            digest.update(ids.astype("<i8").tobytes())
        digest.update(self.rating.astype("<f8").tobytes())
        return digest.hexdigest()

    def reference_time(self) -> int:
        """Return the time from which ratings are aged, in Unix seconds UTC.

        This is the 99.9th percentile of all times, not the newest rating's time. A data set may end years ago: a few ratings
        given today would otherwise make all its other ratings worthless.
        """
        return int(np.quantile(self.rated_at, 0.999, method="higher"))

    def users(self) -> IntArray:
        """Return the distinct user ids, ascending."""
        return np.unique(self.user_id)

    def movies(self) -> IntArray:
        """Return the distinct movie ids, ascending."""
        return np.unique(self.movie_id)


def positions(sorted_ids: IntArray, wanted: IntArray) -> IntArray:
    """Return the position of each wanted id in `sorted_ids`, and -1 for an absent id.

    `sorted_ids` are ascending and distinct.
    """
    if len(sorted_ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return np.where(sorted_ids[at] == wanted, at, -1).astype(np.int64)
