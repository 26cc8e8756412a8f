r"""Ranking metrics over all movies (no sampled candidates), one value per user.

rel(i) is 1 when the movie at rank i was rated in the test window. R is the number of movies that the user rated there, and k the length
of the list:

- precision = sum rel(i) / k;  recall = sum rel(i) / R;  hit rate = 1 when any rel(i) = 1
- nDCG = sum rel(i) / log2(i + 1) over the ideal sum for i = 1 .. min(R, k)
- MAP = sum over hits of (hits up to i) / i, over min(R, k);  MRR = 1 / rank of the first hit, 0 without one

R counts every movie rated in the window, also those that the model cannot know. A cold movie counts against each scorer.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from recommender.arrays import BoolArray, Float32Array, FloatArray, IntArray

# Slices of users by their number of ratings: at least the first number, fewer than the second.
ACTIVITY_SLICES = {"under_50": (0, 50), "50_to_199": (50, 200), "200_and_more": (200, 2**62)}


class SliceMean(TypedDict):
    """Users in a slice of ACTIVITY_SLICES, and a metric's mean over them."""

    users: int
    mean: float


class CalibrationBin(TypedDict):
    """Mean score, share of hits and number of some entries of lists."""

    score: float
    hit_rate: float
    entries: int


RANKING_METRICS = ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")


def hits(lists: IntArray, list_users: IntArray, test_users: IntArray, test_movies: IntArray) -> BoolArray:
    """Return which entries of the lists were rated in the test, (users, k).

    `lists`, (users, k), are movie ids, with NO_MOVIE (-1) at the end of a short list. `list_users`, (users,), are the lists' users.
    `test_users` and `test_movies` are the test's (user, movie) pairs.
    """
    stride = int(max(lists.max(initial=0), test_movies.max(initial=0))) + 1
    wanted = test_users * stride + test_movies
    rated = np.isin(list_users[:, None] * stride + lists, wanted)
    return np.asarray(rated & (lists >= 0))


def ranking_metrics(hit: BoolArray, relevant: IntArray) -> dict[str, FloatArray]:
    """Return each of RANKING_METRICS as one value per user, at k = the lists' length.

    `hit` is (users, k). `relevant`, (users,), is the number of movies that each user rated in the test. Raises ValueError for a user
    without any, for whom no metric is defined, and for more hits than relevant movies.
    """
    if (relevant < 1).any():
        raise ValueError("A user without a rating in the test has no metric. Leave such users out.")
    if (hit.sum(axis=1) > relevant).any():
        raise ValueError("A list has more hits than its user has test ratings. Check whether it holds a movie twice.")
    k = hit.shape[1]
    ranks = np.arange(1, k + 1)
    discount = 1.0 / np.log2(ranks + 1.0)
    number = hit.sum(axis=1)
    possible = np.minimum(relevant, k)
    first = np.where(number > 0, hit.argmax(axis=1) + 1, 1)
    precision_at = np.cumsum(hit, axis=1) / ranks
    return {
        "ndcg": (hit @ discount) / np.cumsum(discount)[possible - 1],
        "recall": number / relevant,
        "precision": number / k,
        "map": (precision_at * hit).sum(axis=1) / possible,
        "mrr": np.where(number > 0, 1.0 / first, 0.0),
        "hit_rate": (number > 0).astype(np.float64),
    }


def coverage(lists: IntArray, catalogue: int) -> float:
    """Return the share of the catalogue that is in at least one list.

    `catalogue` is its number of movies.
    """
    return len(np.unique(lists[lists >= 0])) / catalogue


def exposure_gini(lists: IntArray, catalogue: int) -> float:
    """Return the Gini coefficient of how often each movie of the catalogue is listed.

    It is 0 when all are listed equally often, and close to 1 when one movie has all entries.
    """
    _, counts = np.unique(lists[lists >= 0], return_counts=True)
    shown = np.zeros(catalogue)
    shown[: len(counts)] = counts
    shown.sort()
    total = shown.sum()
    if total == 0:
        return 0.0
    index = np.arange(1, catalogue + 1)
    return float((2 * index - catalogue - 1) @ shown / (catalogue * total))


def novelty(lists: IntArray, movie_ids: IntArray, popularity: FloatArray, users: int) -> float:
    """Return the mean of -log2(share of users who rated the movie) over all entries.

    `users` is the number of users. A movie without ratings counts as one with one rating.
    """
    shown = lists[lists >= 0]
    if len(shown) == 0:
        return 0.0
    share = np.maximum(popularity[np.searchsorted(movie_ids, shown)], 1.0) / users
    return float(-np.log2(share).mean())


def intra_list_diversity(lists: IntArray, movie_ids: IntArray, genres: BoolArray) -> float:
    """Return the mean over lists of the mean genre distance of a list's pairs.

    The distance is 1 - |shared genres| / |genres of either| (Jaccard). `movie_ids` ascend and include all listed movies. `genres` is
    (movies, genres). Two movies without a genre are alike. A list of fewer than two movies has no pair and does not count.
    """
    distances = []
    for row in lists:
        marks = genres[np.searchsorted(movie_ids, row[row >= 0])].astype(np.float64)
        first, second = np.triu_indices(len(marks), k=1)
        if len(first) == 0:
            continue
        shared = (marks @ marks.T)[first, second]
        either = marks.sum(axis=1)[first] + marks.sum(axis=1)[second] - shared
        distances.append(1.0 - np.divide(shared, either, out=np.ones_like(shared), where=either > 0).mean())
    return float(np.mean(distances)) if distances else 0.0


def by_activity(values: FloatArray, ratings: IntArray) -> dict[str, SliceMean]:
    """Return users and mean of a per-user metric, by the users' earlier ratings.

    `ratings` is the number of ratings that each user had given before. The slices are those of ACTIVITY_SLICES, without empty ones. A
    user whose value is NaN does not count.
    """
    means: dict[str, SliceMean] = {}
    for name, (least, below) in ACTIVITY_SLICES.items():
        inside = (ratings >= least) & (ratings < below) & ~np.isnan(values)
        if inside.any():
            means[name] = {"users": int(inside.sum()), "mean": float(values[inside].mean())}
    return means


def calibration(scores: Float32Array, hit: BoolArray, bins: int = 10) -> list[CalibrationBin]:
    """Return bins with equal numbers of entries, from the lowest score up."""
    order = np.argsort(scores, kind="stable")
    return [
        {"score": float(scores[entries].mean()), "hit_rate": float(hit[entries].mean()), "entries": len(entries)}
        for entries in np.array_split(order, bins)
        if len(entries)
    ]
