"""The rolling evaluation: the windows of a timeline, each in its own Spark task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from threadpoolctl import threadpool_limits

from evaluation.results import WindowResult
from evaluation.splits import Window, rolling_windows
from evaluation.windows import evaluate_window, returning_users


def windows_to_evaluate(ratings: Ratings, slices: int, first: int) -> list[Window]:
    """Return the windows from slice `first` on that have a returning user.

    They are in time order. Raises ValueError when there is none.
    """
    windows = [
        window for window in rolling_windows(ratings.rated_at, slices, first) if returning_users(window, ratings)
    ]
    if not windows:
        raise ValueError(
            f"No user came back in slices {first} to {slices - 1} of the timeline, so there is nothing to evaluate on. "
            "Choose a lower first window, or give more ratings."
        )
    return windows


def summaries(results: Sequence[WindowResult], k: int) -> list[str]:
    """Return one line per window, with each scorer's nDCG."""
    by_window: dict[int, list[WindowResult]] = {}
    for result in results:
        by_window.setdefault(result.window.index, []).append(result)
    return [
        f"window {index}, {len(of_window[0].users)} users, nDCG@{k}: "
        + ", ".join(f"{result.scorer} {result.means()['ndcg']:.4f}" for result in of_window)
        for index, of_window in sorted(by_window.items())
    ]


def evaluate_windows(
    spark: SparkSession,
    ratings: Ratings,
    attributes: MovieAttributes,
    windows: Sequence[Window],
    candidates: Mapping[str, TrainingSettings],
    k: int,
    against: Sequence[str],
) -> list[WindowResult]:
    """Return the results of the baselines and of every candidate, window by window.

    The parameters are those of `evaluate_window`. Candidates with equal settings are trained once. The results of the first one are then
    repeated under the names of the others, at the end.
    """
    distinct = {name: own for name, own in candidates.items() if name == _first_with(own, candidates)}
    shared = spark.sparkContext.broadcast((ratings, attributes))

    def one_window(window: Window) -> list[WindowResult]:
        with threadpool_limits(1):
            everything, of_movies = shared.value
            return evaluate_window(everything, window, distinct, k, of_movies, against)

    try:
        # Later windows have more ratings to learn from. Started first, they do not leave cores idle at the end.
        longest_first = spark.sparkContext.parallelize(windows[::-1], len(windows))
        by_window = longest_first.map(one_window).collect()[::-1]
    finally:
        shared.destroy()
    results = [result for of_window in by_window for result in of_window]
    for name, settings in candidates.items():
        if name not in distinct:
            same = _first_with(settings, distinct)
            results.extend(replace(result, scorer=name) for result in results[:] if result.scorer == same)
    return results


def _first_with(settings: TrainingSettings, candidates: Mapping[str, TrainingSettings]) -> str:
    """Return the name of the first candidate with these settings."""
    return next(name for name, own in candidates.items() if own == settings)
