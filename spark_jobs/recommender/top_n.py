"""Exact top-N lists: the best N of a block of users' scores, in a fixed order."""

from __future__ import annotations

import numpy as np

from recommender.arrays import Float32Array, IntArray

# A block of users is scored at once.
USERS_PER_BLOCK = 512
# 128 users x 65,536 movies x 4 bytes = 34 MB. To rank them takes ten times as much, which a small executor's Python worker has.
SCORES_PER_BLOCK = 1 << 23
NO_MOVIE = -1
# The best of so many columns is found before all are looked at.
COLUMNS_PER_RUN = 32


def users_per_block(movies: int) -> int:
    """Return how many users are scored at once, for so many movies.

    The last bits of a score depend on it, so that it may not follow from the cluster's size.
    """
    return max(1, min(USERS_PER_BLOCK, SCORES_PER_BLOCK // movies))


def top_n_of_scores(scores: Float32Array, n: int) -> tuple[IntArray, Float32Array]:
    """Return each row's n best columns and their scores, best first.

    `scores` is (users, movies), with -inf for a movie that may not be recommended. Of equal scores, the smaller column comes
    first. Both results are (users, n). A row with fewer than n movies to recommend ends in NO_MOVIE with -inf.
    Raises ValueError for n < 1 and for a NaN, which has no rank.
    """
    if n < 1:
        raise ValueError(f"A list cannot have {n} movies. n must be 1 or more.")
    users, movies = scores.shape
    row, column = _candidates(scores, min(n, movies))
    values = scores[row, column]
    # Rows and columns ascend, and so do equal scores' columns after a stable sort.
    order = np.lexsort((-values, row))
    row, column, values = row[order], column[order], values[order]
    rank = np.arange(len(row)) - np.searchsorted(row, np.arange(users))[row]
    kept = rank < n
    columns = np.full((users, n), NO_MOVIE, dtype=np.int64)
    best_scores = np.full((users, n), -np.inf, dtype=np.float32)
    columns[row[kept], rank[kept]] = column[kept]
    best_scores[row[kept], rank[kept]] = values[kept]
    return columns, best_scores


def _candidates(scores: Float32Array, n: int) -> tuple[IntArray, IntArray]:
    """Return rows and columns of few scores, with each row's n best among them.

    Of a row's runs of columns, the n best have n scores that are as good as the n-th run's best. So no worse score is wanted, and no other
    run is looked into.
    """
    movies = scores.shape[1]
    runs = np.arange(0, movies, COLUMNS_PER_RUN)
    best = np.maximum.reduceat(scores, runs, axis=1)
    if np.isnan(best).any():
        raise ValueError("A score is NaN, because the factors or the prior hold a NaN. Train the model again.")
    if len(runs) <= n:
        row, column = np.nonzero(scores > -np.inf)
        return row, column
    least = np.partition(best, len(runs) - n, axis=1)[:, len(runs) - n, None]
    row, run = np.nonzero((best >= least) & (best > -np.inf))
    columns = runs[run, None] + np.arange(COLUMNS_PER_RUN)
    # The last run may be shorter.
    inside, columns = columns < movies, np.minimum(columns, movies - 1)
    values = scores[row[:, None], columns]
    wanted = inside & (values >= least[row]) & (values > -np.inf)
    return np.repeat(row, wanted.sum(axis=1)), columns[wanted]


def most_similar(movie_factors: Float32Array, rows: slice, n: int) -> tuple[IntArray, Float32Array]:
    """Return the n most similar movies of each movie in `rows`, and the similarities.

    Similarity is the cosine of two movies' factors. A movie whose factors are all zero is similar to no movie, and is in no list.
    """
    lengths = np.linalg.norm(movie_factors, axis=1, keepdims=True)
    directions = np.divide(movie_factors, lengths, out=np.zeros_like(movie_factors), where=lengths > 0)
    cosines = directions[rows] @ directions.T
    here = np.arange(len(movie_factors))[rows]
    cosines[np.arange(len(here)), here] = -np.inf
    empty = lengths[:, 0] == 0
    cosines[:, empty] = -np.inf
    cosines[empty[rows]] = -np.inf
    return top_n_of_scores(cosines, n)
