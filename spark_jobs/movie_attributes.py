"""What is known of movies beside their ratings: genres, and the year of release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from ratings import BoolArray, IntArray, positions

UNKNOWN_YEAR = 0
# A movie counts as of its own year and of so many before and after it: taste does not change on New Year's Day.
YEARS_AROUND = 2


@dataclass(frozen=True)
class MovieAttributes:
    """Attributes by movie: movie_ids (movies,) ascending; genres (movies, genres); release_year (movies,), UNKNOWN_YEAR where unknown."""

    movie_ids: IntArray
    genres: BoolArray
    release_year: IntArray

    @classmethod
    def from_columns(
        cls, movie_ids: Sequence[int], genres: Sequence[str | None], years: Sequence[int | None]
    ) -> MovieAttributes:
        """Build from the columns of the movies table, where genres are joined by '|'; movies come in any order, each once."""
        order = np.argsort(movie_ids)
        split = [(genres[at] or "").split("|") for at in order]
        names = np.unique([name for parts in split for name in parts if name])
        marks = np.array([np.isin(names, parts) for parts in split], dtype=np.bool_).reshape(len(order), len(names))
        released = np.array([years[at] or UNKNOWN_YEAR for at in order], dtype=np.int64)
        return cls(np.asarray(movie_ids, dtype=np.int64)[order], marks, released)

    @classmethod
    def none(cls) -> MovieAttributes:
        """Return that nothing is known of any movie."""
        return cls.from_columns([], [], [])

    def of(self, movie_ids: IntArray) -> MovieAttributes:
        """Return the attributes of these movies (ascending, distinct); of one that is not among them nothing is known."""
        at = positions(self.movie_ids, movie_ids)
        known = at >= 0
        genres = np.zeros((len(movie_ids), self.genres.shape[1]), dtype=np.bool_)
        released = np.full(len(movie_ids), UNKNOWN_YEAR, dtype=np.int64)
        genres[known], released[known] = self.genres[at[known]], self.release_year[at[known]]
        return MovieAttributes(movie_ids, genres, released)

    def rows(self, genre_weight: float, year_weight: float) -> sp.csr_matrix:
        """Return one row a genre and one a year, (genres + years, movies), that hold the weight where a movie has it."""
        years = self.release_year[self.release_year != UNKNOWN_YEAR]
        span = np.arange(years.min() - YEARS_AROUND, years.max() + YEARS_AROUND + 1) if len(years) else years
        near = (np.abs(self.release_year - span[:, None]) <= YEARS_AROUND) & (self.release_year != UNKNOWN_YEAR)
        return sp.vstack([sp.csr_matrix(self.genres.T * genre_weight), sp.csr_matrix(near * year_weight)], format="csr")
