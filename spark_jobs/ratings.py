"""Columnar ratings of one batch, as the pure modules see them: no Spark, no Hive, only NumPy arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Ratings:
    """Ratings as four arrays of equal length, sorted by (user_id, movie_id); rating in stars, rated_at in Unix seconds UTC."""

    user_id: IntArray
    movie_id: IntArray
    rating: FloatArray
    rated_at: IntArray

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Ratings:
        """Build from a mapping with user_id, movie_id, rating and rated_at.

        The rows are sorted here, so that whatever order the files were read in, the same batch gives the same arrays.
        Raises ValueError when a (user, movie) pair occurs twice: cleaning keeps one rating a pair.
        """
        user = np.asarray(columns["user_id"], dtype=np.int64)
        movie = np.asarray(columns["movie_id"], dtype=np.int64)
        order = np.lexsort((movie, user))
        user, movie = user[order], movie[order]
        twice = (np.diff(user) == 0) & (np.diff(movie) == 0)
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise ValueError(
                f"user {user[at]} rated movie {movie[at]} more than once in this batch: rerun the cleaning step, "
                "which keeps only the newest rating of a pair"
            )
        return cls(
            user,
            movie,
            np.asarray(columns["rating"], dtype=np.float64)[order],
            np.asarray(columns["rated_at"], dtype=np.int64)[order],
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Ratings:
        """Build from a pandas DataFrame with those columns."""
        return cls.from_columns(
            {name: frame[name].to_numpy() for name in ("user_id", "movie_id", "rating", "rated_at")}
        )

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.user_id)

    def select(self, keep: BoolArray) -> Ratings:
        """Return the ratings where `keep`, an array of one bool per rating, is true; the order stays."""
        return Ratings(self.user_id[keep], self.movie_id[keep], self.rating[keep], self.rated_at[keep])

    def runs(self) -> tuple[IntArray, IntArray]:
        """Return where each user's ratings start and how many they are, both (users,), by user id."""
        starts = np.flatnonzero(np.diff(self.user_id, prepend=self.user_id[:1] - 1))
        return starts, np.diff(starts, append=len(self))

    def sha256(self) -> str:
        """Return the SHA-256 over the arrays as little-endian bytes: the same batch gives the same digest."""
        digest = hashlib.sha256()
        for ids in (self.user_id, self.movie_id, self.rated_at):
            digest.update(ids.astype("<i8").tobytes())
        digest.update(self.rating.astype("<f8").tobytes())
        return digest.hexdigest()

    def reference_time(self) -> int:
        """Return from when ratings count back in age, Unix seconds UTC: the time that 999 of 1000 ratings are not after.

        Not the newest rating's: a few that were given today to a set that ends years ago would make all others worthless.
        """
        return int(np.quantile(self.rated_at, 0.999, method="higher"))

    def users(self) -> IntArray:
        """Return the distinct user ids, ascending."""
        return np.unique(self.user_id)

    def movies(self) -> IntArray:
        """Return the distinct movie ids, ascending."""
        return np.unique(self.movie_id)


def positions(sorted_ids: IntArray, wanted: IntArray) -> IntArray:
    """Return where each wanted id stands in `sorted_ids` (ascending, distinct), and -1 where it is not there."""
    if len(sorted_ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return np.where(sorted_ids[found] == wanted, found, -1).astype(np.int64)
