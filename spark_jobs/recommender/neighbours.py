"""How a rating of one movie bears on another: EASE (Steck 2019).

B is cut to the entries that change scores most.

B minimises |X - XB|^2 + ridge |B|^2 with a diagonal of zeros. X has one row per user, with the square root of a rating's weight or 0.
It also has one row per attribute of movies (a genre, a year), as if a user had rated all movies with it: Jeunen, Van Balen and
Goethals 2020, *Closed-form models for collaborative filtering with side-information* (collective EASE).

With P = (X'X + ridge I)^-1, B_ji = -P_ji / P_ii. P is computed through the smaller side. With fewer rows than movies,
P = (I - X'(XX' + ridge I)^-1 X) / ridge (Woodbury). Thousands of movies then cost a system of the rows' size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotri

from recommender.arrays import AnyArray, Float32Array, FloatArray, IntArray
from recommender.top_n import NO_MOVIE, top_n_of_scores

# Movies whose rows of B are computed at once: 256 x 60,000 movies x 8 bytes = 123 MB.
MOVIES_PER_BLOCK = 256
# Movies whose entries of B are looked through at once: so few that what they need stays in the processor's cache.
MOVIES_AT_ONCE = 64
# Rows and columns of the largest system of EASE as a baseline, and of a model unless a setting says otherwise: 6,000 squared doubles are
# 288 MB. The matrix of (X's rows, movies) that a system of rows is solved for may not be larger either. Beyond that, only the most rated
# movies get neighbours. The kept entries need memory too: n per
# movie, 28 bytes each, and up to twice as many and one block's before they are sifted. With n 300 that is 144 MB for 6,000 movies,
# and 1.4 GB for 60,000 movies of 600 rows.
LARGEST_SYSTEM = 6_000
# Weights that a matrix without gaps may have, 160 MB: to look up a user's in it takes a ninth of the time.
MOST_DENSE = 40_000_000
# Worth, row, column and weight of entries of B.
# A function from a slice of rows of P to these rows, and P's diagonal.
Inverse = tuple[Callable[[slice], FloatArray], FloatArray]
_Entries = tuple[FloatArray, IntArray, IntArray, Float32Array]


@dataclass(frozen=True)
class Neighbours:
    """Each movie's neighbours, strongest first.

    Those of movie j are columns[starts[j]:starts[j + 1]], with the weights at the same places. Weights may be negative.
    """

    starts: IntArray
    columns: IntArray
    weights: Float32Array

    def __getstate__(self) -> dict[str, AnyArray]:
        """Return what travels: the three arrays, without matrices made of them."""
        return {name: getattr(self, name) for name in ("starts", "columns", "weights")}

    @classmethod
    def none(cls, movies: int) -> Neighbours:
        """Return the neighbours of this many movies that have none."""
        return cls(np.zeros(movies + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """Return the weights as a sparse matrix, (movies, movies)."""
        movies = len(self.starts) - 1
        return sp.csr_matrix((self.weights, self.columns, self.starts), shape=(movies, movies))

    @cached_property
    def to_neighbours(self) -> tuple[IntArray, sp.csr_matrix]:
        """Return the movies that are neighbours, and the weights to them.

        The movies ascend. The weights are (movies, neighbours). Scoring multiplies a profile's weights by them. Most movies of many are
        nobody's neighbours.
        """
        neighbours = np.unique(self.columns)
        return neighbours, self.matrix[:, neighbours]

    @cached_property
    def _dense(self) -> tuple[IntArray, Float32Array] | None:
        """Return each movie's place in a matrix of weights, and the matrix.

        The matrix, (places, places), has the movies that have or are neighbours, and a last place without weights for all others. When it
        would be too large there is none.
        """
        inside = np.diff(self.starts) > 0
        inside[self.columns] = True
        places = int(inside.sum()) + 1
        if places**2 > MOST_DENSE:
            return None
        place = np.where(inside, np.cumsum(inside) - 1, places - 1)
        weights = np.zeros((places, places), dtype=np.float32)
        weights[np.repeat(place, np.diff(self.starts)), place[self.columns]] = self.weights
        return place, weights

    def between(self, rows: IntArray, columns: IntArray) -> Float32Array:
        """Return the weights from movies to movies, (rows, columns); columns are distinct."""
        if self._dense is not None:
            place, dense = self._dense
            return np.asarray(dense[place[rows][:, None], place[columns]])
        wanted = np.full(len(self.starts) - 1, NO_MOVIE, dtype=np.int32)
        wanted[columns] = np.arange(len(columns))
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        at = np.arange(lengths.sum()) + np.repeat(self.starts[rows] - ends + lengths, lengths)
        place = wanted[self.columns[at]]
        found = np.flatnonzero(place >= 0)
        weights = np.zeros((len(rows), len(columns)), dtype=np.float32)
        weights[np.searchsorted(ends, found, side="right"), place[found]] = self.weights[at[found]]
        return weights


def linear_neighbours(
    rated: sp.csr_matrix, attributes: sp.csr_matrix, reach: FloatArray, gain: Float32Array, ridge: float, n: int
) -> Neighbours:
    """Return the neighbours that change scores most.

    They are n on average for each movie with two ratings or more. Other movies have none. When LARGEST_SYSTEM does not allow all
    such movies, only the most rated have neighbours.

    `rated`, (users, movies), holds the weights of the ratings, and `attributes`, (attributes, movies), the further rows of X.
    An entry B_ji changes a user's score of i by gain_i * B_ji * (the user's weight of j). `reach`, (movies,), is the root of the
    sum of the squares of all users' weights of j. So reach_j * gain_i * |B_ji| is the root of the summed squares of all changes.
    """
    if n == 0:
        return Neighbours.none(len(gain))
    eligible = eligible_movies(
        np.bincount(rated.indices, minlength=len(gain)), rated.shape[0] + attributes.shape[0], LARGEST_SYSTEM
    )
    # Only the eligible columns of X are built. No variable keeps them, because the inverse needs the memory.
    inverse = ridge_inverse(sp.vstack([rated[:, eligible].sqrt(), attributes[:, eligible]], format="csr"), ridge)
    return farthest_reaching(inverse, eligible, reach, gain, n)


def eligible_movies(counts: IntArray, rows: int, largest: int) -> IntArray:
    """Return the movies that get neighbours, ascending, when X has this many rows.

    `counts`, (movies,), are their numbers of ratings. The square of `largest` is the size of the largest matrix.
    """
    # A movie with one rating tells only who rated it.
    eligible = np.flatnonzero(counts > 1)
    most = largest**2 // min(rows, largest)
    return eligible if len(eligible) <= most else np.sort(np.argsort(-counts, kind="stable")[:most])


def ridge_inverse(x: sp.csr_matrix, ridge: float) -> Inverse:
    """Return a function from a slice of rows to these rows of P, and P's diagonal."""
    users, movies = x.shape
    if users < movies:
        system = (x @ x.T).toarray()
        system[np.diag_indices(users)] += ridge
        # (XX' + ridge I)^-1 X, (users, movies)
        solved = np.linalg.solve(system, x.toarray())
        diagonal = (1.0 - np.asarray(x.multiply(solved).sum(axis=0)).ravel()) / ridge
        by_movie = x.T.tocsr()

        def rows_of(rows: slice) -> FloatArray:
            inverse_rows = np.asarray(by_movie[rows] @ solved) / -ridge
            inverse_rows[np.arange(len(inverse_rows)), np.arange(rows.start, rows.stop)] += 1.0 / ridge
            return inverse_rows

        return rows_of, diagonal
    return gram_inverse((x.T @ x).toarray(), ridge)


def gram_inverse(gram: FloatArray, ridge: float) -> Inverse:
    """Return the rows and the diagonal of (gram + ridge I)^-1; `gram` is overwritten."""
    gram[np.diag_indices(len(gram))] += ridge
    # By Cholesky, in the memory of the matrix itself: half the work of an inverse by LU.
    root, failed = dpotrf(gram.T, lower=True, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("The neighbours' equations are singular. Set neighbour-ridge higher.")
    inverse = dpotri(root, lower=True, overwrite_c=True)[0].T
    # Only the upper triangle is the inverse's.
    for start in range(0, len(inverse), MOVIES_PER_BLOCK):
        stop = start + MOVIES_PER_BLOCK
        block, corner = slice(start, stop), np.triu(inverse[start:stop, start:stop])
        inverse[block, block] = corner + np.triu(corner, 1).T
        inverse[stop:, block] = inverse[block, stop:].T
    return (lambda rows: inverse[rows]), np.diag(inverse).copy()


def farthest_reaching(
    inverse: Inverse, eligible: IntArray, reach: FloatArray, gain: Float32Array, n: int
) -> Neighbours:
    """Return the entries of B with the greatest reach * gain * |weight|.

    They are n on average for an eligible movie.
    """
    inverse_rows, diagonal = inverse
    divisor, width, most = -diagonal, len(eligible), n * len(eligible)
    # Concatenated when there is need of it: to append to arrays of millions again and again takes longer than the rest.
    found: list[_Entries] = [(np.zeros(0), eligible[:0], eligible[:0], np.zeros(0, dtype=np.float32))]
    least, entries = 0.0, 0
    for start in range(0, width, MOVIES_AT_ONCE):
        rows = slice(start, min(start + MOVIES_AT_ONCE, width))
        weight = (inverse_rows(rows) / divisor).astype(np.float32)
        weight[np.arange(rows.stop - start), np.arange(start, rows.stop)] = 0
        worth = np.abs(weight) * gain[eligible] * reach[eligible[rows], None]
        at = np.flatnonzero(worth > least)
        row, column = np.divmod(at, width)
        found.append((worth.ravel()[at], eligible[rows][row], eligible[column], weight.ravel()[at]))
        entries += len(at)
        # Sifting reads all entries, so it waits until there are twice as many as needed.
        if entries > 2 * most:
            kept, least = _sifted(_joined(found), most)
            found, entries = [kept], len(kept[0])
    (worths, rows_kept, columns, weights), _ = _sifted(_joined(found), most)
    order = np.lexsort((columns, -worths, rows_kept))
    starts = np.searchsorted(rows_kept[order], np.arange(len(gain) + 1)).astype(np.int64)
    return Neighbours(starts, columns[order], weights[order])


def _joined(found: Sequence[_Entries]) -> _Entries:
    worths, rows, columns, weights = zip(*found, strict=True)
    return np.concatenate(worths), np.concatenate(rows), np.concatenate(columns), np.concatenate(weights)


def _sifted(entries: _Entries, most: int) -> tuple[_Entries, float]:
    """Return the `most` entries of the greatest worth, and their least worth.

    Of equal entries, the first ones are kept.
    """
    worth = entries[0]
    if len(worth) <= most:
        return entries, 0.0
    least = np.partition(worth, -most)[-most]
    chosen = worth > least
    chosen[np.flatnonzero(worth == least)[: most - int(chosen.sum())]] = True
    worths, rows, columns, weights = (column[chosen] for column in entries)
    return (worths, rows, columns, weights), float(least)


def cosine_neighbours(user_at: IntArray, movie_at: IntArray, movies: int, shrinkage: float, n: int) -> Neighbours:
    """Return each movie's n nearest movies by shrunken cosine: item kNN.

    The similarity is common users / (sqrt(users of one * users of the other) + shrinkage).
    """
    rated = sp.csr_matrix((np.ones(len(user_at)), (user_at, movie_at)), shape=(int(user_at.max()) + 1, movies))
    by_movie = rated.T.tocsr()
    lengths = np.sqrt(np.diff(by_movie.indptr))

    def weights_of(rows: slice) -> FloatArray:
        common = (by_movie[rows] @ rated).toarray()
        return np.asarray(common / (lengths[rows, None] * lengths + shrinkage))

    return _strongest(weights_of, movies, n)


def _strongest(rows_of: Callable[[slice], FloatArray], movies: int, n: int) -> Neighbours:
    """Return the n greatest positive weights of each row, without the movie itself."""
    columns: list[IntArray] = [np.zeros(0, dtype=np.int64)] * movies
    values: list[Float32Array] = [np.zeros(0, dtype=np.float32)] * movies
    for start in range(0, movies, MOVIES_PER_BLOCK):
        rows = slice(start, min(start + MOVIES_PER_BLOCK, movies))
        weight = rows_of(rows).astype(np.float32)
        worth = np.where(weight > 0, weight, -np.inf).astype(np.float32)
        worth[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = -np.inf
        best, _ = top_n_of_scores(worth, n)
        for row, nearest in enumerate(best):
            columns[start + row] = nearest[nearest != NO_MOVIE]
            values[start + row] = weight[row, columns[start + row]]
    starts = np.concatenate([[0], np.cumsum([len(c) for c in columns])]).astype(np.int64)
    return Neighbours(starts, np.concatenate(columns), np.concatenate(values))
