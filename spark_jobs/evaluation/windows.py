"""One window of the timeline: lists of every scorer for its returning users.

Returning users have ratings before the window. Any model gives all other users the recent popular list, so they cannot tell models
apart. Their number is recorded as `cold_users`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from recommender import reference_models
from recommender.arrays import BoolArray, Float32Array, FloatArray, IntArray
from recommender.attributes import MovieAttributes
from recommender.model import FactorModel
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings
from recommender.training import train

from evaluation.diversity import Catalogue, mean_overlap, measures_by_user
from evaluation.lists import recommend
from evaluation.metrics import (
    coverage,
    exposure_gini,
    hits,
    intra_list_diversity,
    novelty,
    ranking_metrics,
)
from evaluation.record import EASE, GATE_BASELINES, ITEM_KNN, POPULARITY, RECENT_POPULARITY
from evaluation.results import WindowResult
from evaluation.splits import Window


def evaluate(
    model: FactorModel,
    scorer: str,
    window: Window,
    before: Ratings,
    test: Ratings,
    k: int,
    attributes: MovieAttributes,
) -> WindowResult:
    """Return the metrics of the model's lists of k movies for the returning users.

    `before` are the ratings before the window, and `test` those in it. `attributes` may hold any movies. Their genres decide the lists'
    diversity.
    """
    users, relevant = np.unique(test.user_id, return_counts=True)
    returning = positions(before.users(), users) >= 0
    users, relevant, cold_users = users[returning], relevant[returning], int((~returning).sum())
    lists, scores = recommend(model, users, k)
    hit = hits(lists, users, test.user_id, test.movie_id)
    catalogue = Catalogue.of(before, attributes.of(before.movies()).genres, window.test_from)
    tail_lists, _ = recommend(model, users, k, among=catalogue.tail[positions(catalogue.movie_ids, model.movie_ids)])
    diversity = measures_by_user(lists, tail_lists, users, before, test, catalogue)
    activity = np.searchsorted(before.user_id, users, side="right") - np.searchsorted(before.user_id, users)
    tested = Tested(users, relevant, activity, cold_users, lists, scores, hit, diversity)
    return result_of(window, scorer, tested, catalogue)


@dataclass(frozen=True)
class Tested:
    """The lists of a window's returning users, (users, k).

    `relevant` and `activity`, (users,), are how many movies each rated in the window and before it. `diversity` holds the measures of
    `measures_by_user`.
    """

    users: IntArray
    relevant: IntArray
    activity: IntArray
    cold_users: int
    lists: IntArray
    scores: Float32Array
    hit: BoolArray
    diversity: dict[str, FloatArray]


def result_of(window: Window, scorer: str, tested: Tested, catalogue: Catalogue) -> WindowResult:
    """Return the metrics of lists; the catalogue is of the ratings before the window."""
    lists, listed, movies = tested.lists, tested.lists >= 0, catalogue.movie_ids
    together = {
        "coverage": coverage(lists, len(movies)),
        "exposure_gini": exposure_gini(lists, len(movies)),
        "overlap": mean_overlap(lists),
        "novelty": novelty(lists, movies, catalogue.ratings, catalogue.users),
        "diversity": intra_list_diversity(lists, movies, catalogue.genres),
    }
    per_user = ranking_metrics(tested.hit, tested.relevant) | tested.diversity
    return WindowResult(
        *(window, scorer, tested.users, tested.cold_users, tested.activity, per_user, together),
        *(tested.scores[listed], tested.hit[listed]),
    )


def baselines(before: Ratings, as_of: int, names: Sequence[str]) -> dict[str, FactorModel]:
    """Return the models of these baselines, trained on `before` as at `as_of`.

    Raises KeyError for a name that is not in BASELINES.
    """
    makers: dict[str, Callable[[], FactorModel]] = {
        POPULARITY: lambda: reference_models.by_popularity(before),
        RECENT_POPULARITY: lambda: reference_models.by_recent_popularity(before, as_of),
        ITEM_KNN: lambda: reference_models.item_knn(before),
        EASE: lambda: reference_models.ease(before),
    }
    return {name: makers[name]() for name in names}


def returning_users(window: Window, ratings: Ratings) -> int:
    """Return how many users rated both before the window and in it."""
    before = ratings.user_id[window.train_mask(ratings.rated_at)]
    return len(np.intersect1d(before, ratings.user_id[window.test_mask(ratings.rated_at)]))


def evaluate_window(
    ratings: Ratings,
    window: Window,
    candidates: Mapping[str, TrainingSettings],
    k: int,
    attributes: MovieAttributes,
    against: Sequence[str] = GATE_BASELINES,
) -> list[WindowResult]:
    """Return the results of the baselines and of every candidate in the window.

    All are trained on the ratings before the window. `candidates` are scorers' names with their settings; `against` are the baselines'
    names. `attributes` may hold any movies.
    """
    before = ratings.select(window.train_mask(ratings.rated_at))
    test = ratings.select(window.test_mask(ratings.rated_at))
    models = baselines(before, window.test_from, against)
    results = [evaluate(model, name, window, before, test, k, attributes) for name, model in models.items()]
    for name, settings in candidates.items():
        model = train(before, settings, window.test_from, attributes)
        results.append(evaluate(model, name, window, before, test, k, attributes))
    return results
