"""One window of the timeline, scored: every test user gets a list of every scorer, and every list its metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines import popularity, recent_popularity
from factor_model import FactorModel
from metrics import coverage, exposure_gini, hits, novelty, ranking_metrics
from ratings import FloatArray, IntArray, Ratings, positions
from splits import Window
from top_n import NO_MOVIE, USERS_PER_BLOCK, Float32Array, top_n_block

CANDIDATE = "candidate"
POPULARITY = "popularity"
RECENT_POPULARITY = "recent_popularity"


@dataclass(frozen=True)
class WindowResult:
    """What one scorer reached in one window: `per_user` holds one value a test user, `lists` figures of all lists together."""

    window: Window
    scorer: str
    users: IntArray
    per_user: dict[str, FloatArray]
    lists: dict[str, float]

    def means(self) -> dict[str, float]:
        """Return each metric's mean over the test users, and the figures of the lists."""
        return {name: float(values.mean()) for name, values in self.per_user.items()} | self.lists


def recommend(model: FactorModel, users: IntArray, seen: Ratings, n: int) -> IntArray:
    """Return the model's n best movie ids for each of `users` (ascending), (users, n), without the movies in `seen`."""
    lists = np.full((len(users), n), NO_MOVIE, dtype=np.int64)
    seen_rows = positions(users, seen.user_id)
    seen_columns = positions(model.movie_ids, seen.movie_id)
    useful = (seen_rows >= 0) & (seen_columns >= 0)
    seen_rows, seen_columns = seen_rows[useful], seen_columns[useful]
    for start in range(0, len(users), USERS_PER_BLOCK):
        block = slice(start, start + USERS_PER_BLOCK)
        inside = (seen_rows >= start) & (seen_rows < start + USERS_PER_BLOCK)
        columns, _ = top_n_block(
            model.factors_of(users[block]),
            model.movie_factors,
            model.movie_prior,
            seen_rows[inside] - start,
            seen_columns[inside],
            n,
        )
        lists[block] = np.where(columns >= 0, model.movie_ids[columns], NO_MOVIE)
    return lists


def unpersonalised(movie_ids: IntArray, scores: FloatArray) -> FactorModel:
    """Return a model that gives everybody the same scores, so that baselines run through the same code as the candidate."""
    nobody = np.zeros((0, 1), dtype=np.float32)
    flat: Float32Array = np.zeros((len(movie_ids), 1), dtype=np.float32)
    return FactorModel(np.zeros(0, dtype=np.int64), nobody, movie_ids, flat, scores.astype(np.float32))


def evaluate(model: FactorModel, scorer: str, window: Window, train: Ratings, test: Ratings, k: int) -> WindowResult:
    """Return the metrics of the model's lists of k movies for every user who rated in the window."""
    users, relevant = np.unique(test.user_id, return_counts=True)
    lists = recommend(model, users, train, k)
    per_user = ranking_metrics(hits(lists, users, test.user_id, test.movie_id), relevant)
    movies = train.movies()
    together = {
        "coverage": coverage(lists, len(movies)),
        "exposure_gini": exposure_gini(lists, len(movies)),
        "novelty": novelty(lists, movies, popularity(train, movies), len(train.users())),
    }
    return WindowResult(window, scorer, users, per_user, together)


def evaluate_baselines(window: Window, train: Ratings, test: Ratings, k: int, half_life_days: float) -> list[WindowResult]:
    """Return the results of popularity and of recent popularity."""
    movies = train.movies()
    scores = {
        POPULARITY: popularity(train, movies),
        RECENT_POPULARITY: recent_popularity(train, movies, half_life_days, window.test_from),
    }
    return [evaluate(unpersonalised(movies, s), name, window, train, test, k) for name, s in scores.items()]
