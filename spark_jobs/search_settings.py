"""Search settings for the model on the first half of a batch's timeline, and propose the best; nothing uses them by itself.

Takes the champion's batch, unless --of-batch names another. A trial is a nested MLflow run; it trains on windows of the first half
alone, so that the windows on which the gate judges stay unseen. The proposal is the parent run's artifact proposed_settings.json and
part of the result: paste it as the parameter model_settings of build_recommendations, or give it to train_als as --settings. The
same batch, trials and seed propose the same. Where another version of the code saved the champion, the default settings stand for its.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, replace
from typing import Any

import mlflow
import model_registry
import numpy as np
import optuna
from batch_session import progress, report, start_session
from evaluation import evaluate_window, known_users
from factor_model import Settings
from movie_attributes import MovieAttributes
from promotion import CANDIDATE
from pyspark.sql import SparkSession
from ratings import FloatArray, Ratings
from splits import Window, rolling_windows
from threadpoolctl import threadpool_limits
from warehouse import collect_attributes, collect_ratings, read_batch, read_ratings

SLICES, FIRST_WINDOW, K = 20, 6, 10


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-id", required=True, help="name of this search, YYYYMMDDTHHMMSS")
    parser.add_argument("--of-batch", default="", help="batch to search on (default: the champion's)")
    parser.add_argument("--database", default="marquee", help="Hive database (default: %(default)s)")
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking server")
    parser.add_argument("--experiment", default="marquee-tuning", help="MLflow experiment (default: %(default)s)")
    parser.add_argument("--model-name", default="marquee-als", help="registered model (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=20, help="settings that are tried (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20261123, help="of the search (default: %(default)s)")
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def first_half(ratings: Ratings) -> Ratings:
    """Return the ratings before the middle one in time: what comes after is the gate's."""
    middle = np.sort(ratings.rated_at)[len(ratings) // 2]
    return ratings.select(ratings.rated_at < middle)


def suggested(trial: optuna.Trial) -> Settings:
    """Return the settings of a trial."""
    return Settings(
        alpha=trial.suggest_float("alpha", 0.5, 8, log=True),
        reg_param=trial.suggest_float("reg_param", 0.1, 1, log=True),
        rank=trial.suggest_categorical("rank", [32, 64]),
        max_iter=6,
        confidence_half_life_days=trial.suggest_float("confidence_half_life_days", 180, 2000, log=True),
        profile_half_life_days=trial.suggest_float("profile_half_life_days", 15, 730, log=True),
        neighbour_ridge=trial.suggest_float("neighbour_ridge", 30, 500, log=True),
        neighbour_weight=trial.suggest_float("neighbour_weight", 5, 200, log=True),
        genre_weight=trial.suggest_float("genre_weight", 0.05, 2, log=True),
        year_weight=trial.suggest_float("year_weight", 0.05, 2, log=True),
        prior_half_life_days=trial.suggest_float("prior_half_life_days", 45, 365, log=True),
        personal_weight=trial.suggest_float("personal_weight", 1, 10, log=True),
        gain_power=trial.suggest_float("gain_power", 0, 1),
        first_visit_days=trial.suggest_float("first_visit_days", 7, 180, log=True),
        first_visit_weight=trial.suggest_float("first_visit_weight", 0.05, 1, log=True),
    )


def ndcg_in_spark(
    spark: SparkSession, ratings: Ratings, attributes: MovieAttributes, windows: list[Window], settings: Settings
) -> FloatArray:
    """Return nDCG of every pair of user and window with these settings, one Spark task a window."""
    shared = spark.sparkContext.broadcast((ratings, attributes))

    def one_window(window: Window) -> FloatArray:
        with threadpool_limits(1):
            everything, of_movies = shared.value
            (found,) = evaluate_window(everything, window, {CANDIDATE: settings}, K, of_movies, against=())
        return found.per_user["ndcg"]

    try:
        parts = spark.sparkContext.parallelize(windows, len(windows)).map(one_window).collect()
    finally:
        shared.destroy()
    return np.concatenate(parts)


def search(
    spark: SparkSession, ratings: Ratings, attributes: MovieAttributes, now: Settings, trials: int, seed: int
) -> tuple[optuna.Study, float]:
    """Return the finished study over `trials` settings, and the mean nDCG of the settings in use, which are tried first.

    Raises ValueError when no window has a user who rated before it.
    """
    windows = [w for w in rolling_windows(ratings.rated_at, SLICES, FIRST_WINDOW) if known_users(w, ratings)]
    if not windows:
        raise ValueError("no user of the first half came back: there is nothing to tune on")
    in_use = float(ndcg_in_spark(spark, ratings, attributes, windows, now).mean())

    def objective(trial: optuna.Trial) -> float:
        settings = suggested(trial)
        with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
            mlflow.log_params(asdict(settings))
            mean = float(ndcg_in_spark(spark, ratings, attributes, windows, settings).mean())
            mlflow.log_metric("ndcg", mean)
        progress(f"trial {trial.number + 1} of {trials}: nDCG@{K} {mean:.4f}, in use {in_use:.4f}")
        return mean

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    return study, in_use


def proposal(study: optuna.Study, now: Settings, in_use: float) -> dict[str, Any]:
    """Return the settings to use: the best trial's if it beats those in use, else these; and both means."""
    better = study.best_value > in_use
    settings = suggested(optuna.trial.FixedTrial(study.best_params)) if better else now  # type: ignore[arg-type]
    return {
        "model_settings": asdict(replace(settings, seed=now.seed)),
        "ndcg": max(study.best_value, in_use),
        "ndcg_in_use": in_use,
        "differs": better,
    }


def settings_in_use(model_name: str, version: str) -> Settings:
    """Return the champion's settings; the defaults for one that another version of this code saved, whose settings are not these."""
    try:
        return model_registry.load(model_name, version).settings
    except model_registry.ModelFormatError as error:
        progress(f"the default settings stand for the champion's: {error}")
        return Settings()


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    started = time.monotonic()
    mlflow.set_tracking_uri(options.tracking_uri)
    version = model_registry.champion_version(options.model_name)
    if version is None:
        raise SystemExit(
            f"{options.model_name} has no champion, whose settings a search could improve: publish one first"
        )
    now = settings_in_use(options.model_name, version)
    of_batch = options.of_batch or mlflow.MlflowClient().get_model_version(options.model_name, version).tags["batch_id"]
    spark = start_session(f"search_settings {options.batch_id}")
    progress(f"reading {options.database}.ratings of batch {of_batch}")
    ratings = first_half(collect_ratings(read_ratings(spark, options.database, of_batch)))
    attributes = collect_attributes(read_batch(spark, options.database, "movies", of_batch))
    mlflow.set_experiment(options.experiment)
    tags = {"batch_id": options.batch_id, "of_batch": of_batch, "champion_version": version}
    with mlflow.start_run(run_name=f"search_settings {options.batch_id}", tags=tags) as run:
        mlflow.log_params(
            {"trials": options.trials, "seed": options.seed, "slices": SLICES, "first_window": FIRST_WINDOW}
        )
        study, in_use = search(spark, ratings, attributes, now, options.trials, options.seed)
        proposed = proposal(study, now, in_use)
        mlflow.log_metrics({"ndcg": proposed["ndcg"], "ndcg_in_use": in_use})
        mlflow.log_text(json.dumps(proposed["model_settings"], indent=2) + "\n", "proposed_settings.json")
        mlflow.set_tag("proposed_settings", json.dumps(proposed["model_settings"], sort_keys=True))
    report(
        {
            **proposed,
            "batch_id": options.batch_id,
            "of_batch": of_batch,
            "run_id": run.info.run_id,
            "trials": options.trials,
            "seconds": round(time.monotonic() - started, 1),
        },
        options.result,
        spark,
    )
    spark.stop()


if __name__ == "__main__":
    main()
