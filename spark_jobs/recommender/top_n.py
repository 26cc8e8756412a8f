"""Exact top-N lists: the best N of a block of users' scores, in a fixed order."""

from __future__ import annotations

import numpy as np

from recommender.arrays import Float32Array, IntArray

# 512 users x 60,000 movies x 4 bytes = 120 MB: the largest block that a small executor's Python worker holds with ease.
USERS_PER_BLOCK = 512
NO_MOVIE = -1


def top_n_of_scores(scores: Float32Array, n: int) -> tuple[IntArray, Float32Array]:
    """Return each row's n best columns and their scores, best first.

    `scores` is (users, movies), with -inf for a movie that may not be recommended. Of equal scores, the smaller column comes
    first. Both results are (users, n). A row with fewer than n movies to recommend ends in NO_MOVIE with -inf.
    Raises ValueError for n < 1 and for a NaN, which has no rank.
    """
    if n < 1:
        raise ValueError(f"A list cannot have {n} movies. n must be 1 or more.")
    if np.isnan(scores).any():
        raise ValueError("A score is NaN, because the factors or the prior hold a NaN. Train the model again.")
    users, movies = scores.shape
    kept = min(n, movies)
    if kept < movies:
        chosen = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
        worst_kept = np.take_along_axis(scores, chosen, axis=1).min(axis=1, keepdims=True)
        # argpartition chooses freely among movies that tie at the border. Such rows are rare, and are sorted in full.
        tied = np.flatnonzero((scores >= worst_kept).sum(axis=1) > kept)
        for row in tied:
            chosen[row] = np.argsort(-scores[row], kind="stable")[:kept]
    else:
        chosen = np.tile(np.arange(movies), (users, 1))
    chosen = np.sort(chosen, axis=1)
    values = np.take_along_axis(scores, chosen, axis=1)
    by_score = np.argsort(-values, axis=1, kind="stable")
    columns = np.full((users, n), NO_MOVIE, dtype=np.int64)
    best_scores = np.full((users, n), -np.inf, dtype=np.float32)
    columns[:, :kept] = np.take_along_axis(chosen, by_score, axis=1)
    best_scores[:, :kept] = np.take_along_axis(values, by_score, axis=1)
    columns[np.isneginf(best_scores)] = NO_MOVIE
    return columns, best_scores


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
