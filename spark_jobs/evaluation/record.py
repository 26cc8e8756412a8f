"""The record of one evaluation, evaluation.json: keys, scorers' names and means.

train_als writes it. The gate, the model card, the plots and MLflow's metrics are computed from it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, NotRequired, TypedDict

import numpy as np
from recommender.ratings import Ratings

from evaluation.concentration import Concentration
from evaluation.diversity import BY_USER
from evaluation.metrics import CalibrationBin, SliceMean, by_activity, calibration
from evaluation.results import WindowResult

# Scorers' names.
CANDIDATE: Final = "candidate"
CHAMPION: Final = "champion"
POPULARITY: Final = "popularity"
RECENT_POPULARITY: Final = "recent_popularity"
ITEM_KNN: Final = "item_knn"
EASE: Final = "ease"
# Also the record's key of what explicit ALS reached, because it is measured in the newest window alone.
EXPLICIT_ALS: Final = "explicit_als"

GATE_BASELINES = (POPULARITY, RECENT_POPULARITY)
BASELINES = (*GATE_BASELINES, ITEM_KNN, EASE)


class WindowRow(TypedDict):
    """One scorer's means in one window; times are Unix seconds UTC."""

    window: int
    test_from: int
    test_until: int
    test_users: int
    cold_users: int
    scorer: str
    metrics: dict[str, float]


class Measured(TypedDict):
    """The batch's size and the scorers' results.

    Values per user and window run over the windows in order; `ndcg_user_ids` holds the user of each. A record of an early version of
    the code has no `ndcg_user_ids`.
    """

    k: int
    ratings: int
    users: int
    movies: int
    largest_user_share: float
    windows: list[WindowRow]
    calibration: list[CalibrationBin]
    ndcg_per_user: dict[str, list[float]]
    ndcg_user_ids: NotRequired[list[int]]
    ndcg_by_activity: dict[str, dict[str, SliceMean]]
    # By scorer, measure (those of diversity.BY_USER) and slice.
    diversity_by_activity: NotRequired[dict[str, dict[str, dict[str, SliceMean]]]]


class Evaluated(Measured):
    """The results, with the training that they belong to.

    `champion_ratings` is the number of ratings that the champion was trained on. It is None without a champion, or when the champion
    was trained on another data set. `champion_not_compared` is the reason why a champion has no results here, else None.
    """

    batch_id: str
    # What decided which ratings test, see untimed.py. A record of an earlier version of the code was split by time.
    split: NotRequired[str]
    settings: dict[str, Any]
    explicit_als: dict[str, float]
    champion_ratings: NotRequired[int | None]
    champion_not_compared: NotRequired[str | None]
    # How alike the lists of the published model are, by the slice of its users.
    concentration: NotRequired[dict[str, Concentration]]


class Logged(TypedDict):
    """The MLflow run that logged a model, the model's version, and the run's metrics."""

    run_id: str
    model_version: str
    metrics: dict[str, float]


class EvaluationRecord(Evaluated, Logged):
    """The content of evaluation.json."""


class BatchSize(NamedTuple):
    """How many ratings, users and movies a batch has.

    `busiest` is the number of ratings of the user who gave most.
    """

    ratings: int
    users: int
    movies: int
    busiest: int

    @classmethod
    def of(cls, ratings: Ratings) -> BatchSize:
        """Return the size of these ratings."""
        busiest = int(ratings.runs()[1].max())
        return cls(len(ratings), len(ratings.users()), len(ratings.movies()), busiest)


def measured(results: list[WindowResult], size: BatchSize, k: int) -> Measured:
    """Return the record's measurements.

    They are sizes, means by window, and nDCG per user and window.
    """
    scorers = list(dict.fromkeys(result.scorer for result in results))
    ndcg = {s: np.concatenate([r.per_user["ndcg"] for r in results if r.scorer == s]) for s in scorers}
    activity = np.concatenate([r.activity for r in results if r.scorer == scorers[0]])
    return {
        "k": k,
        "ratings": size.ratings,
        "users": size.users,
        "movies": size.movies,
        "largest_user_share": size.busiest / size.ratings,
        "windows": [_row(result) for result in results],
        "calibration": calibration(
            np.concatenate([r.scores for r in results if r.scorer == CANDIDATE]),
            np.concatenate([r.hit for r in results if r.scorer == CANDIDATE]),
        ),
        "ndcg_per_user": {s: ndcg[s].tolist() for s in scorers},
        "ndcg_user_ids": np.concatenate([r.users for r in results if r.scorer == scorers[0]]).tolist(),
        "ndcg_by_activity": {s: by_activity(ndcg[s], activity) for s in scorers},
        "diversity_by_activity": {
            s: {
                name: by_activity(np.concatenate([r.per_user[name] for r in results if r.scorer == s]), activity)
                for name in BY_USER
            }
            for s in scorers
        },
    }


def _row(result: WindowResult) -> WindowRow:
    return {
        "window": result.window.index,
        "test_from": result.window.test_from,
        "test_until": result.window.test_until,
        "test_users": len(result.users),
        "cold_users": result.cold_users,
        "scorer": result.scorer,
        "metrics": result.means(),
    }


def rows_by_scorer(record: Measured) -> dict[str, list[WindowRow]]:
    """Return each scorer's rows, one per window, in the record's order."""
    rows: dict[str, list[WindowRow]] = {}
    for row in record["windows"]:
        rows.setdefault(row["scorer"], []).append(row)
    return rows


def pooled_mean(rows: list[WindowRow], metric: str) -> float | None:
    """Return a metric's mean over all windows, each weighted by its test users.

    `rows` are those of one scorer. The result is None when a window has no such metric.
    """
    if any(metric not in row["metrics"] for row in rows):
        return None
    users = sum(row["test_users"] for row in rows)
    return float(sum(row["metrics"][metric] * row["test_users"] for row in rows) / users)


def pooled_means(record: Measured) -> dict[str, float]:
    """Return the pooled mean of each metric of each scorer.

    Their names are `<scorer>_<metric>_at_<k>`.
    """
    means = {
        f"{scorer}_{metric}_at_{record['k']}": pooled_mean(rows, metric)
        for scorer, rows in rows_by_scorer(record).items()
        for metric in rows[0]["metrics"]
    }
    return {name: mean for name, mean in means.items() if mean is not None}


def explicit_metrics(record: Evaluated) -> dict[str, float]:
    """Return the metrics of explicit ALS in the newest window.

    Their names are `explicit_als_rmse`, `explicit_als_mae` and `explicit_als_<metric>_at_<k>`.
    """
    errors = ("rmse", "mae")
    return {
        f"{EXPLICIT_ALS}_{name}" if name in errors else f"{EXPLICIT_ALS}_{name}_at_{record['k']}": value
        for name, value in record[EXPLICIT_ALS].items()
    }


def diversity_metrics(record: Evaluated) -> dict[str, float]:
    """Return the model's measures of diversity by slice, for MLflow.

    Their names are `candidate_<measure>_<slice>_at_<k>` and `lists_<measure>_<slice>_at_<k>`. The second kind is of the model that may be
    published, with `all` users as a slice.
    """
    by_slice = {
        f"{CANDIDATE}_{measure}_{name}": mean["mean"]
        for measure, slices in record.get("diversity_by_activity", {}).get(CANDIDATE, {}).items()
        for name, mean in slices.items()
    }
    of_lists = {
        f"lists_{measure}_{name}": float(value)
        for name, measures in record.get("concentration", {}).items()
        for measure, value in measures.items()
        if isinstance(value, int | float)
    }
    return {f"{name}_at_{record['k']}": value for name, value in (by_slice | of_lists).items()}
