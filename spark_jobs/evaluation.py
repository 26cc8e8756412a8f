"""One window of the timeline, scored: every known test user gets a list of every scorer, and every list its metrics.

Known are users with ratings before the window. A user without any gets the recent popular list whatever the model, so he
can tell models apart no more than a coin that both get to see; how many there were is counted beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from als_half_step import Incidence
from als_training import train
from baselines import RECENT_HALF_LIFE_DAYS, popularity, recent_popularity
from factor_model import FactorModel, Settings
from linear_neighbours import Neighbours
from metrics import coverage, exposure_gini, hits, novelty, ranking_metrics
from promotion import POPULARITY, RECENT_POPULARITY
from ratings import FloatArray, IntArray, Ratings, positions
from splits import Window
from top_n import NO_MOVIE, USERS_PER_BLOCK


@dataclass(frozen=True)
class WindowResult:
    """What one scorer reached in one window.

    `per_user` holds one value a known test user, `strangers` counts the unknown ones, `lists` holds figures of all lists together.
    """

    window: Window
    scorer: str
    users: IntArray
    strangers: int
    per_user: dict[str, FloatArray]
    lists: dict[str, float]

    def means(self) -> dict[str, float]:
        """Return each metric's mean over the users, and the figures of the lists; raises ValueError without users."""
        if len(self.users) == 0:
            raise ValueError(f"window {self.window.index} has no known user: start with a later window")
        return {name: float(values.mean()) for name, values in self.per_user.items()} | self.lists


def recommend(model: FactorModel, users: IntArray, n: int) -> IntArray:
    """Return the model's n best movie ids for each of `users` (ascending), (users, n), without those in his profile."""
    lists = np.full((len(users), n), NO_MOVIE, dtype=np.int64)
    for start in range(0, len(users), USERS_PER_BLOCK):
        block = users[start : start + USERS_PER_BLOCK]
        columns, _ = model.top_n(model.factors_of(block), model.profiles_of(block), n)
        lists[start : start + USERS_PER_BLOCK] = np.where(columns >= 0, model.movie_ids[columns], NO_MOVIE)
    return lists


def unpersonalised(train: Ratings, scores: FloatArray) -> FactorModel:
    """Return a model that gives everybody the same scores, so that baselines run through the same code as the candidate.

    `scores` run beside the movies of `train`.
    """
    users, movies = train.users(), train.movies()
    rated = Incidence.build(
        positions(users, train.user_id), positions(movies, train.movie_id), np.ones(len(train)), len(users)
    )
    return FactorModel(
        users,
        np.zeros((len(users), 1), dtype=np.float32),
        movies,
        np.zeros((len(movies), 1), dtype=np.float32),
        np.ones(len(movies), dtype=np.float32),
        scores.astype(np.float32),
        Neighbours.none(len(movies)),
        rated,
    )


def evaluate(model: FactorModel, scorer: str, window: Window, train: Ratings, test: Ratings, k: int) -> WindowResult:
    """Return the metrics of the model's lists of k movies for every known user who rated in the window."""
    users, relevant = np.unique(test.user_id, return_counts=True)
    known = positions(train.users(), users) >= 0
    users, relevant, strangers = users[known], relevant[known], int((~known).sum())
    lists = recommend(model, users, k)
    per_user = ranking_metrics(hits(lists, users, test.user_id, test.movie_id), relevant)
    movies = train.movies()
    together = {
        "coverage": coverage(lists, len(movies)),
        "exposure_gini": exposure_gini(lists, len(movies)),
        "novelty": novelty(lists, movies, popularity(train, movies), len(train.users())),
    }
    return WindowResult(window, scorer, users, strangers, per_user, together)


def evaluate_baselines(window: Window, train: Ratings, test: Ratings, k: int) -> list[WindowResult]:
    """Return the results of popularity and of recent popularity."""
    movies = train.movies()
    scores = {
        POPULARITY: popularity(train, movies),
        RECENT_POPULARITY: recent_popularity(train, movies, RECENT_HALF_LIFE_DAYS, window.test_from),
    }
    return [evaluate(unpersonalised(train, s), name, window, train, test, k) for name, s in scores.items()]


def known_users(window: Window, ratings: Ratings) -> int:
    """Return how many users rated both before and in the window."""
    before = ratings.user_id[window.train_mask(ratings.rated_at)]
    return len(np.intersect1d(before, ratings.user_id[window.test_mask(ratings.rated_at)]))


def evaluate_window(ratings: Ratings, window: Window, candidates: Mapping[str, Settings], k: int) -> list[WindowResult]:
    """Train every candidate on what lies before the window and return its and the baselines' results in it.

    `candidates` are scorers' names with their settings.
    """
    train_part = ratings.select(window.train_mask(ratings.rated_at))
    test = ratings.select(window.test_mask(ratings.rated_at))
    results = evaluate_baselines(window, train_part, test, k)
    for name, settings in candidates.items():
        model = train(train_part, settings, window.test_from)
        results.append(evaluate(model, name, window, train_part, test, k))
    return results
