"""What having rated one movie says about another: EASE (Steck 2019), cut to the entries that change scores most.

B minimises |X - XB|^2 + ridge |B|^2 with a diagonal of zeros. X holds a row a user, with the square root of a rating's weight or 0, and
a row an attribute of movies (a genre, a year), as if it were a user who rated all that have it: Jeunen, Van Balen and Goethals
2020, *Closed-form models for collaborative filtering with side-information* (collective EASE). With P = (X'X + ridge I)^-1,
B_ji = -P_ji / P_ii. P is taken through the smaller side: with fewer rows than movies
P = (I - X'(XX' + ridge I)^-1 X) / ridge (Woodbury), so that thousands of movies cost a system of the rows' size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from ratings import FloatArray, IntArray
from top_n import NO_MOVIE, Float32Array, top_n_of_scores

# Movies whose rows are worked on at once: 256 x 60,000 movies x 8 bytes = 123 MB.
_BLOCK = 256
# Rows and columns of the largest system: 6,000 squared doubles are 288 MB. The matrix of (X's rows, movies) that a system of rows is
# solved for may be no larger either: beyond, only the most rated movies get neighbours. The kept entries come beside that, n a movie of
# 28 bytes each, and before they are sifted up to twice as many and a block's: with n 300, 144 MB for 6,000 movies, and 1.4 GB for
# 60,000 of 600 rows.
LARGEST_SYSTEM = 6_000
# Worth, row, column and weight of entries of B.
_Entries = tuple[FloatArray, IntArray, IntArray, Float32Array]


@dataclass(frozen=True)
class Neighbours:
    """Each movie's neighbours: row j is columns[starts[j]:starts[j + 1]], strongest first, with the weights there (also negative)."""

    starts: IntArray
    columns: IntArray
    weights: Float32Array

    @classmethod
    def none(cls, movies: int) -> Neighbours:
        """Return that of `movies` movies none has a neighbour."""
        return cls(np.zeros(movies + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """The weights as a sparse matrix, (movies, movies): what a profile's weights are multiplied with."""
        movies = len(self.starts) - 1
        return sp.csr_matrix((self.weights, self.columns, self.starts), shape=(movies, movies))

    def between(self, rows: IntArray, columns: IntArray) -> Float32Array:
        """Return the weights from these movies to those, (rows, columns)."""
        return np.asarray(self.matrix[rows][:, columns].toarray(), dtype=np.float32)


def linear_neighbours(
    rated: sp.csr_matrix, attributes: sp.csr_matrix, reach: FloatArray, gain: Float32Array, ridge: float, n: int
) -> Neighbours:
    """Return the neighbours that change scores most, n on average for each movie with two ratings or more; another has none.

    Of more such movies than LARGEST_SYSTEM allows, only the most rated have neighbours.

    `rated` holds the weights of the ratings, (users, movies), and `attributes` what else X has rows for, (attributes, movies). An
    entry B_ji changes a user's score of i by gain_i * B_ji * (his weight of j); `reach`, (movies,), is the root of the sum of the squares
    of all users' weights of j, so that reach_j * gain_i * |B_ji| is the root of the summed squares of what the entry changes.
    """
    movies = len(gain)
    if n == 0:
        return Neighbours.none(movies)
    counts = np.bincount(rated.indices, minlength=movies)
    # A movie that one user rated says only who he is.
    known = np.flatnonzero(counts > 1)
    most = LARGEST_SYSTEM**2 // min(rated.shape[0] + attributes.shape[0], LARGEST_SYSTEM)
    if len(known) > most:
        known = np.sort(np.argsort(-counts, kind="stable")[:most])
    # Only the known columns of X are ever made, and nothing here holds them: the inverse takes what memory there is.
    inverse_rows, diagonal = _inverse(sp.vstack([rated[:, known].sqrt(), attributes[:, known]], format="csr"), ridge)
    return _farthest_reaching(lambda rows: -inverse_rows(rows) / diagonal, known, reach, gain, n * len(known))


def _inverse(x: sp.csr_matrix, ridge: float) -> tuple[Callable[[slice], FloatArray], FloatArray]:
    """Return a function from a slice of rows to those rows of P, and P's diagonal."""
    users, movies = x.shape
    if users < movies:
        system = (x @ x.T).toarray()
        system[np.diag_indices(users)] += ridge
        # (XX' + ridge I)^-1 X, (users, movies)
        solved = np.linalg.solve(system, x.toarray())
        diagonal = (1.0 - np.asarray(x.multiply(solved).sum(axis=0)).ravel()) / ridge
        by_movie = x.T.tocsr()

        def rows_of(rows: slice) -> FloatArray:
            found = -np.asarray(by_movie[rows] @ solved) / ridge
            found[np.arange(len(found)), np.arange(rows.start, rows.stop)] += 1.0 / ridge
            return found

        return rows_of, diagonal
    system = (x.T @ x).toarray()
    system[np.diag_indices(movies)] += ridge
    inverse = np.linalg.inv(system)
    return (lambda rows: inverse[rows]), np.diag(inverse)


def _farthest_reaching(
    rows_of: Callable[[slice], FloatArray], known: IntArray, reach: FloatArray, gain: Float32Array, most: int
) -> Neighbours:
    """Return the `most` entries with the greatest reach * gain * |weight|; `rows_of` gives weights among `known` movies."""
    kept: _Entries = (np.zeros(0), known[:0], known[:0], np.zeros(0, dtype=np.float32))
    least = 0.0
    for start in range(0, len(known), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(known)))
        weight = rows_of(rows).astype(np.float32)
        weight[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = 0
        worth = np.abs(weight) * gain[known] * reach[known[rows], None]
        row, column = np.nonzero(worth > least)
        kept = (
            np.append(kept[0], worth[row, column]),
            np.append(kept[1], known[rows][row]),
            np.append(kept[2], known[column]),
            np.append(kept[3], weight[row, column]),
        )
        # Twice as many before they are sifted: sifting reads them all.
        if len(kept[0]) > 2 * most:
            kept, least = _sifted(kept, most)
    (worths, rows_kept, columns, weights), _ = _sifted(kept, most)
    order = np.lexsort((columns, -worths, rows_kept))
    starts = np.searchsorted(rows_kept[order], np.arange(len(gain) + 1)).astype(np.int64)
    return Neighbours(starts, columns[order], weights[order])


def _sifted(entries: _Entries, most: int) -> tuple[_Entries, float]:
    """Return the `most` entries of the greatest worth, of equals those that came first, and the least worth among them."""
    worth = entries[0]
    if len(worth) <= most:
        return entries, 0.0
    least = np.partition(worth, -most)[-most]
    chosen = worth > least
    chosen[np.flatnonzero(worth == least)[: most - int(chosen.sum())]] = True
    worths, rows, columns, weights = (part[chosen] for part in entries)
    return (worths, rows, columns, weights), float(least)


def cosine_neighbours(user_at: IntArray, movie_at: IntArray, movies: int, shrinkage: float, n: int) -> Neighbours:
    """Return each movie's n nearest by common users / (sqrt(users of one * users of the other) + shrinkage): item kNN."""
    rated = sp.csr_matrix((np.ones(len(user_at)), (user_at, movie_at)), shape=(int(user_at.max()) + 1, movies))
    by_movie = rated.T.tocsr()
    lengths = np.sqrt(np.diff(by_movie.indptr))

    def weights_of(rows: slice) -> FloatArray:
        common = (by_movie[rows] @ rated).toarray()
        return np.asarray(common / (lengths[rows, None] * lengths + shrinkage))

    return _strongest(weights_of, np.arange(movies), np.ones(movies, dtype=np.float32), n)


def _strongest(rows_of: Callable[[slice], FloatArray], known: IntArray, gain: Float32Array, n: int) -> Neighbours:
    """Return the n greatest positive gain * weight of each row, without itself; `rows_of` gives weights among `known` movies."""
    movies = len(gain)
    columns: list[IntArray] = [np.zeros(0, dtype=np.int64)] * movies
    values: list[Float32Array] = [np.zeros(0, dtype=np.float32)] * movies
    for start in range(0, len(known), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(known)))
        weight = rows_of(rows).astype(np.float32)
        worth = np.where(weight > 0, weight * gain[known], -np.inf).astype(np.float32)
        worth[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = -np.inf
        best, _ = top_n_of_scores(worth, n)
        for row, found in enumerate(best):
            kept = found[found != NO_MOVIE]
            columns[known[start + row]] = known[kept]
            values[known[start + row]] = weight[row, kept]
    starts = np.concatenate([[0], np.cumsum([len(c) for c in columns])]).astype(np.int64)
    return Neighbours(starts, np.concatenate(columns), np.concatenate(values))
