"""Attributes of movies: genres and the year of release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recommender.arrays import BoolArray, IntArray
from recommender.ratings import positions

UNKNOWN_YEAR = 0
# A movie counts as one of its own year and of this many years before and after it.
# Taste does not change on New Year's Day.
YEARS_AROUND = 2


@dataclass(frozen=True)
class MovieAttributes:
    """Attributes by movie, in ascending order of movie id.

    Shapes: movie_ids (movies,), genres (movies, genres), release_year (movies,). An unknown year is UNKNOWN_YEAR.
    """

    movie_ids: IntArray
    genres: BoolArray
    release_year: IntArray

    @classmethod
    def from_columns(
        cls, movie_ids: Sequence[int], genres: Sequence[str | None], years: Sequence[int | None]
    ) -> MovieAttributes:
        """Return the attributes in columns of the movies table.

        Genres are joined by '|'. The movies may be in any order, each once.
        """
        order = np.argsort(movie_ids)
        by_movie = [(genres[at] or "").split("|") for at in order]
        names = np.unique([name for own in by_movie for name in own if name])
        marks = np.array([np.isin(names, own) for own in by_movie], dtype=np.bool_).reshape(len(order), len(names))
        released = np.array([years[at] or UNKNOWN_YEAR for at in order], dtype=np.int64)
        return cls(np.asarray(movie_ids, dtype=np.int64)[order], marks, released)

    @classmethod
    def none(cls) -> MovieAttributes:
        """Return the attributes of no movie."""
        return cls.from_columns([], [], [])

    def of(self, movie_ids: IntArray) -> MovieAttributes:
        """Return the attributes of these movies, which are ascending and distinct.

        A movie without attributes gets no genre and an unknown year.
        """
        at = positions(self.movie_ids, movie_ids)
        present = at >= 0
        genres = np.zeros((len(movie_ids), self.genres.shape[1]), dtype=np.bool_)
        released = np.full(len(movie_ids), UNKNOWN_YEAR, dtype=np.int64)
        genres[present], released[present] = self.genres[at[present]], self.release_year[at[present]]
        return MovieAttributes(movie_ids, genres, released)

    def rows(self, genre_weight: float, year_weight: float) -> sp.csr_matrix:
        """Return one row per genre and one per year, (genres + years, movies).

        A row holds the weight for the movies of its genre or year, and 0 for all others.
        """
        years = self.release_year[self.release_year != UNKNOWN_YEAR]
        span = np.arange(years.min() - YEARS_AROUND, years.max() + YEARS_AROUND + 1) if len(years) else years
        near = (np.abs(self.release_year - span[:, None]) <= YEARS_AROUND) & (self.release_year != UNKNOWN_YEAR)
        return sp.vstack([sp.csr_matrix(self.genres.T * genre_weight), sp.csr_matrix(near * year_weight)], format="csr")
