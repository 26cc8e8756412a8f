"""One window of the timeline, scored: every known test user gets a list of every scorer, and every list its metrics.

Known are users with ratings before the window. A user without any gets the recent popular list whatever the model, so he
can tell models apart no more than a coin that both get to see; how many there were is counted beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from als_half_step import Incidence
from als_training import train
from baselines import RECENT_HALF_LIFE_DAYS, popularity, recent_popularity
from factor_model import FactorModel, Settings
from linear_neighbours import Neighbours, cosine_neighbours, linear_neighbours
from metrics import (
    by_activity,
    calibration,
    coverage,
    exposure_gini,
    hits,
    intra_list_diversity,
    novelty,
    ranking_metrics,
)
from movie_attributes import MovieAttributes
from promotion import CANDIDATE, POPULARITY, RECENT_POPULARITY, USER_IDS
from ratings import BoolArray, FloatArray, IntArray, Ratings, positions
from splits import Window
from top_n import NO_MOVIE, USERS_PER_BLOCK, Float32Array

ITEM_KNN = "item_knn"
EASE = "ease"
GATE_BASELINES = (POPULARITY, RECENT_POPULARITY)
BASELINES = (*GATE_BASELINES, ITEM_KNN, EASE)
# Of 5 and 20 the better shrinkage, and of 50, 200 and 800 the best ridge, on the data of docs/evaluation.md's tuning.
KNN_SHRINKAGE = 5.0
EASE_RIDGE = 200.0
KEPT_NEIGHBOURS = 100


@dataclass(frozen=True)
class WindowResult:
    """What one scorer reached in one window.

    `per_user` holds one value a known test user, `activity` how many ratings each had given before; `strangers` counts the unknown
    users; `lists` holds figures of all lists together; `scores` and `hit` run over all entries of all lists.
    """

    window: Window
    scorer: str
    users: IntArray
    strangers: int
    activity: IntArray
    per_user: dict[str, FloatArray]
    lists: dict[str, float]
    scores: Float32Array
    hit: BoolArray

    def means(self) -> dict[str, float]:
        """Return each metric's mean over the users, and the figures of the lists; raises ValueError without users."""
        if len(self.users) == 0:
            raise ValueError(f"window {self.window.index} has no known user: start with a later window")
        return {name: float(values.mean()) for name, values in self.per_user.items()} | self.lists


def recommend(model: FactorModel, users: IntArray, n: int) -> tuple[IntArray, Float32Array]:
    """Return the model's n best movie ids for each of `users`, without those in his profile, and their scores; both (users, n)."""
    lists = np.full((len(users), n), NO_MOVIE, dtype=np.int64)
    scores = np.full((len(users), n), -np.inf, dtype=np.float32)
    for start in range(0, len(users), USERS_PER_BLOCK):
        block = slice(start, start + USERS_PER_BLOCK)
        columns, scores[block] = model.top_n(model.factors_of(users[block]), model.profiles_of(users[block]), n)
        lists[block] = np.where(columns >= 0, model.movie_ids[columns], NO_MOVIE)
    return lists, scores


def neighbours_alone(train: Ratings, near: Neighbours) -> FactorModel:
    """Return a model whose scores are the sums over a user's movies of the neighbours' weights: item kNN, EASE."""
    model = unpersonalised(train, np.zeros(len(train.movies())))
    return replace(model, neighbours=near)


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


def evaluate(
    model: FactorModel,
    scorer: str,
    window: Window,
    train: Ratings,
    test: Ratings,
    k: int,
    attributes: MovieAttributes,
) -> WindowResult:
    """Return the metrics of the model's lists of k movies for every known user who rated in the window.

    `attributes` are those of any movies; their genres make the lists' diversity.
    """
    users, relevant = np.unique(test.user_id, return_counts=True)
    known = positions(train.users(), users) >= 0
    users, relevant, strangers = users[known], relevant[known], int((~known).sum())
    lists, scores = recommend(model, users, k)
    hit = hits(lists, users, test.user_id, test.movie_id)
    per_user = ranking_metrics(hit, relevant)
    movies = train.movies()
    together = {
        "coverage": coverage(lists, len(movies)),
        "exposure_gini": exposure_gini(lists, len(movies)),
        "novelty": novelty(lists, movies, popularity(train, movies), len(train.users())),
        "diversity": intra_list_diversity(lists, movies, attributes.of(movies).genres),
    }
    activity = np.searchsorted(train.user_id, users, side="right") - np.searchsorted(train.user_id, users)
    return WindowResult(
        window, scorer, users, strangers, activity, per_user, together, scores[lists >= 0], hit[lists >= 0]
    )


def baselines(train: Ratings, as_of: int, names: Sequence[str]) -> dict[str, FactorModel]:
    """Return the models of these baselines, trained on `train` as at `as_of`; raises KeyError for one that is not of BASELINES."""
    movies = train.movies()
    user_at, movie_at = positions(train.users(), train.user_id), positions(movies, train.movie_id)
    makers: dict[str, Callable[[], FactorModel]] = {
        POPULARITY: lambda: unpersonalised(train, popularity(train, movies)),
        RECENT_POPULARITY: lambda: unpersonalised(
            train, recent_popularity(train, movies, RECENT_HALF_LIFE_DAYS, as_of)
        ),
        ITEM_KNN: lambda: neighbours_alone(
            train, cosine_neighbours(user_at, movie_at, len(movies), KNN_SHRINKAGE, KEPT_NEIGHBOURS)
        ),
        EASE: lambda: neighbours_alone(
            train,
            linear_neighbours(
                sp.csr_matrix((np.ones(len(train)), (user_at, movie_at)), shape=(len(train.users()), len(movies))),
                sp.csr_matrix((0, len(movies))),
                np.sqrt(popularity(train, movies)),
                np.ones(len(movies), dtype=np.float32),
                EASE_RIDGE,
                KEPT_NEIGHBOURS,
            ),
        ),
    }
    return {name: makers[name]() for name in names}


def known_users(window: Window, ratings: Ratings) -> int:
    """Return how many users rated both before and in the window."""
    before = ratings.user_id[window.train_mask(ratings.rated_at)]
    return len(np.intersect1d(before, ratings.user_id[window.test_mask(ratings.rated_at)]))


def evaluate_window(
    ratings: Ratings,
    window: Window,
    candidates: Mapping[str, Settings],
    k: int,
    attributes: MovieAttributes,
    against: Sequence[str] = GATE_BASELINES,
) -> list[WindowResult]:
    """Train every candidate on what lies before the window and return its and the baselines' results in it.

    `candidates` are scorers' names with their settings; `attributes` are those of any movies.
    """
    train_part = ratings.select(window.train_mask(ratings.rated_at))
    test = ratings.select(window.test_mask(ratings.rated_at))
    models = baselines(train_part, window.test_from, against)
    results = [evaluate(model, name, window, train_part, test, k, attributes) for name, model in models.items()]
    for name, settings in candidates.items():
        model = train(train_part, settings, window.test_from, attributes)
        results.append(evaluate(model, name, window, train_part, test, k, attributes))
    return results


def evaluation_record(results: list[WindowResult], ratings: Ratings, k: int) -> dict[str, Any]:
    """Return what evaluation.json holds: the batch's size, each scorer's means by window, and the nDCG of every pair of user and window."""
    scorers = list(dict.fromkeys(result.scorer for result in results))
    ndcg = {s: np.concatenate([r.per_user["ndcg"] for r in results if r.scorer == s]) for s in scorers}
    activity = np.concatenate([r.activity for r in results if r.scorer == scorers[0]])
    windows = [
        {
            "window": result.window.index,
            "test_from": result.window.test_from,
            "test_until": result.window.test_until,
            "test_users": len(result.users),
            "cold_users": result.strangers,
            "scorer": result.scorer,
            "metrics": result.means(),
        }
        for result in results
    ]
    return {
        "k": k,
        "ratings": len(ratings),
        "users": len(ratings.users()),
        "movies": len(ratings.movies()),
        "largest_user_share": float(np.unique(ratings.user_id, return_counts=True)[1].max() / len(ratings)),
        "windows": windows,
        "calibration": calibration(
            np.concatenate([r.scores for r in results if r.scorer == CANDIDATE]),
            np.concatenate([r.hit for r in results if r.scorer == CANDIDATE]),
        ),
        "ndcg_per_user": {s: ndcg[s].tolist() for s in scorers},
        USER_IDS: np.concatenate([r.users for r in results if r.scorer == scorers[0]]).tolist(),
        "ndcg_by_activity": {s: by_activity(ndcg[s], activity) for s in scorers},
    }
