"""Train implicit ALS on one batch, evaluate it on the global timeline, and register it in MLflow.

Reads the batch's partitions of <database>.ratings and .movies. Writes <model-path>/{user_factors,item_factors} (Parquet) and
<model-path>/evaluation.json, an MLflow run, and a version of the registered model with the alias challenger. A rerun
replaces the files and adds a run and a version, whose factors are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import mllib_als
import model_registry
import pandas as pd
from als_training import train
from batch_session import progress, report, start_session
from evaluation import (
    BASELINES,
    GATE_BASELINES,
    WindowResult,
    evaluate_window,
    evaluation_record,
    known_users,
)
from evaluation_plots import draw
from explicit_comparison import EXPLICIT_ALS, explicit_comparison
from factor_model import FactorModel, Settings
from hadoop_files import HadoopFiles
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.spark_dataset_source import SparkDatasetSource
from movie_attributes import MovieAttributes
from promotion import CANDIDATE, CHAMPION, CHAMPION_NOT_COMPARED, RECENT_POPULARITY
from pyspark.sql import SparkSession
from ratings import Ratings
from spark_half_steps import SparkHalfSteps
from splits import Window, rolling_windows
from threadpoolctl import threadpool_limits
from warehouse import collect_attributes, collect_ratings, read_batch, read_ratings

# What each field of Settings is, for the program's help.
SETTINGS_HELP = {
    "rank": "factors a user and a movie",
    "max_iter": "ALS iterations",
    "reg_param": "regularisation",
    "alpha": "confidence that a rating adds",
    "seed": "start of the factors",
    "cg_steps": "conjugate-gradient steps of a blocked half step, in single precision; 0: solved exactly, in double",
    "confidence_half_life_days": "age at which a rating counts half in learning",
    "profile_half_life_days": "the same in a user's profile, from his newest rating",
    "neighbours": "neighbours kept on average for each movie with two ratings or more; 0: factors alone",
    "neighbour_ridge": "ridge of the neighbours' regression",
    "neighbour_weight": "weight of the neighbours beside the factors",
    "genre_weight": "what a movie's genre counts in the neighbours' regression, where a new rating counts 1",
    "year_weight": "the same for its year of release",
    "prior_half_life_days": "age at which a rating counts half in recent popularity",
    "personal_weight": "weight of taste beside recent popularity",
    "gain_power": "power of recent popularity that taste is multiplied with",
    "first_visit_days": "length of a user's first visit",
    "first_visit_weight": "weight of a first visit's ratings in popularity and neighbours",
}


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-id", required=True, help="the batch to train on, YYYYMMDDTHHMMSS")
    parser.add_argument("--database", default="marquee", help="Hive database (default: %(default)s)")
    parser.add_argument("--dataset", default="", help="the data set's name, for the run's tags")
    parser.add_argument(
        "--model-path", required=True, help="directory for factors and evaluation, any URI Hadoop knows"
    )
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking server")
    parser.add_argument("--experiment", default="marquee", help="MLflow experiment (default: %(default)s)")
    parser.add_argument("--model-name", default="marquee-als", help="registered model (default: %(default)s)")
    for name, value in asdict(Settings()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(value),
            default=value,
            help=f"{SETTINGS_HELP[name]} (default: %(default)s)",
        )
    parser.add_argument(
        "--settings",
        default="{}",
        help="JSON object of the above by name (rank, reg_param, ...), as tune_als proposes; it wins",
    )
    parser.add_argument(
        "--solver",
        choices=("blocked", "mllib"),
        default="blocked",
        help="half steps in blocks, or MLlib's ALS in one (default: %(default)s)",
    )
    parser.add_argument(
        "--k", type=int, default=10, help="length of the lists that are evaluated (default: %(default)s)"
    )
    parser.add_argument("--slices", type=int, default=20, help="parts of the timeline (default: %(default)s)")
    parser.add_argument("--first-window", type=int, default=10, help="first part that is tested (default: %(default)s)")
    parser.add_argument(
        "--all-baselines",
        action="store_true",
        help=f"compare with {', '.join(BASELINES[2:])} too, which the gate ignores",
    )
    parser.add_argument("--git-commit", default="", help="commit of the code, for the run's tags")
    parser.add_argument("--airflow-run-id", default="", help="Airflow's run, for the run's tags")
    parser.add_argument("--checkpoint-dir", default="", help="ALS checkpoints (default: <model-path>/_checkpoints)")
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the training settings among the program's options; raises SystemExit for those that no training can use."""
    given = {name: getattr(options, name) for name in asdict(Settings())}
    try:
        return Settings(**given | json.loads(options.settings))
    except (TypeError, ValueError) as error:
        given_as = (
            "an option" if options.settings == "{}" else f"--settings {options.settings}, or an option beside it,"
        )
        raise SystemExit(f"{given_as} is not usable: {error}") from error


def rolling_evaluation(
    spark: SparkSession,
    ratings: Ratings,
    attributes: MovieAttributes,
    candidates: dict[str, Settings],
    options: argparse.Namespace,
) -> list[WindowResult]:
    """Return each candidate's and the baselines' results in every window with a known user, one Spark task a window.

    `candidates` are scorers' names with their settings; one with the settings of another has the same results, and is not trained.
    Raises ValueError when no window has a user who rated before it.
    """
    distinct = {name: s for name, s in candidates.items() if name == next(n for n, t in candidates.items() if t == s)}
    k, against = options.k, BASELINES if options.all_baselines else GATE_BASELINES
    windows = [
        w for w in rolling_windows(ratings.rated_at, options.slices, options.first_window) if known_users(w, ratings)
    ]
    if not windows:
        raise ValueError(
            f"no user came back in parts {options.first_window} to {options.slices - 1} of the timeline: there is nothing to evaluate "
            "on; give a lower --first-window, or more ratings"
        )
    shared = spark.sparkContext.broadcast((ratings, attributes))

    def one_window(window: Window) -> list[WindowResult]:
        with threadpool_limits(1):
            everything, of_movies = shared.value
            return evaluate_window(everything, window, distinct, k, of_movies, against)

    # Later windows have more to learn from: the longest first keeps every core busy to the end.
    longest_first = spark.sparkContext.parallelize(windows[::-1], max(1, len(windows)))
    of_windows = sorted(longest_first.map(one_window).collect(), key=lambda found: found[0].window.index)
    for found in of_windows:
        said = ", ".join(f"{r.scorer} {r.means()['ndcg']:.4f}" for r in found)
        progress(f"window {found[0].window.index}, {len(found[0].users)} users, nDCG@{k}: {said}")
    results = [result for found in of_windows for result in found]
    for name, settings in candidates.items():
        if name not in distinct:
            same = next(n for n, s in distinct.items() if s == settings)
            results.extend(replace(r, scorer=name) for r in results[:] if r.scorer == same)
    return results


def champion(options: argparse.Namespace) -> tuple[dict[str, Settings], dict[str, Any]]:
    """Return the champion's settings under its scorer's name, and what evaluation.json says of it beside its results.

    That is `champion_ratings`, how many it was trained on (None without a champion, or where it was another data set), and
    `champion_not_compared`, why there are no settings of the champion (None where there are, or without a champion).
    """
    mlflow.set_tracking_uri(options.tracking_uri)
    version = model_registry.champion_version(options.model_name)
    candidates: dict[str, Settings] = {}
    ratings = not_compared = None
    if version is not None:
        ratings = model_registry.ratings_of(options.model_name, version, options.dataset)
        try:
            candidates = {CHAMPION: model_registry.load(options.model_name, version).settings}
        except model_registry.ModelFormatError as error:
            progress(f"the champion is not compared: {error}")
            not_compared = str(error)
    return candidates, {"champion_ratings": ratings, CHAMPION_NOT_COMPARED: not_compared}


def fit(
    spark: SparkSession,
    ratings: Ratings,
    attributes: MovieAttributes,
    settings: Settings,
    solver: str,
    checkpoints: str,
) -> FactorModel:
    """Return the model of the whole batch as at its reference time, by MLlib's ALS or by blocked half steps."""
    as_of = ratings.reference_time()
    if solver == "mllib":
        files = HadoopFiles(spark)
        files.remove(checkpoints)
        spark.sparkContext.setCheckpointDir(checkpoints)
        model = mllib_als.fit(spark, ratings, settings, as_of, attributes)
        files.remove(checkpoints)
        return model
    steps = SparkHalfSteps(spark)
    try:
        with threadpool_limits(1):
            return train(ratings, settings, as_of, attributes, steps)
    finally:
        steps.close()


def pooled_means(record: dict[str, Any]) -> dict[str, float]:
    """Return every scorer's metrics over all windows, each window counting by its test users: `<scorer>_<metric>_at_<k>`."""
    means: dict[str, float] = {}
    weights: dict[str, int] = {}
    for row in record["windows"]:
        weights[row["scorer"]] = weights.get(row["scorer"], 0) + row["test_users"]
        for metric, value in row["metrics"].items():
            name = f"{row['scorer']}_{metric}_at_{record['k']}"
            means[name] = means.get(name, 0.0) + value * row["test_users"]
    return {
        name: total / next(w for s, w in weights.items() if name.startswith(f"{s}_")) for name, total in means.items()
    }


def explicit_metrics(record: dict[str, Any]) -> dict[str, float]:
    """Return what explicit ALS reached in the newest window: `explicit_als_rmse`, `explicit_als_mae`, `explicit_als_<metric>_at_<k>`."""
    errors = ("rmse", "mae")
    return {
        f"{EXPLICIT_ALS}_{name}" if name in errors else f"{EXPLICIT_ALS}_{name}_at_{record['k']}": value
        for name, value in record[EXPLICIT_ALS].items()
    }


def write_factors(spark: SparkSession, model: FactorModel, model_path: str) -> None:
    """Write both factor tables below `model_path`, each through an attempt directory that is renamed."""
    files = HadoopFiles(spark)
    users = pd.DataFrame({"user_id": model.user_ids, "features": list(model.user_factors)})
    movies = pd.DataFrame(
        {
            "movie_id": model.movie_ids,
            "features": list(model.movie_factors),
            "gain": model.movie_gain,
            "prior": model.movie_prior,
        }
    )
    for name, frame, schema in (
        ("user_factors", users, "user_id int, features array<float>"),
        ("item_factors", movies, "movie_id int, features array<float>, gain float, prior float"),
    ):
        attempt, target = f"{model_path}/_attempts/{name}", f"{model_path}/{name}"
        files.remove(attempt)
        spark.createDataFrame(frame, schema).coalesce(1).write.parquet(attempt)
        files.remove(target)
        files.rename(attempt, target)
    files.remove(f"{model_path}/_attempts")


def dataset_of(options: argparse.Namespace, ratings: Ratings) -> MetaDataset:
    """Return the batch's ratings as MLflow's record of an input: table, batch and a digest of the rows."""
    source = SparkDatasetSource(table_name=f"{options.database}.ratings")
    name = f"{options.dataset or options.database} {options.batch_id}"
    # MetaDataset inherits `profile` from where it is not abstract at run time.
    return MetaDataset(source, name=name, digest=ratings.sha256()[:36])  # type: ignore[abstract]


def log_run(
    options: argparse.Namespace, settings: Settings, ratings: Ratings, model: FactorModel, record: dict[str, Any]
) -> dict[str, Any]:
    """Log the run to MLflow and register the model; return run_id, model_version and the pooled metrics."""
    mlflow.set_tracking_uri(options.tracking_uri)
    mlflow.set_experiment(options.experiment)
    tags = {
        model_registry.BATCH_ID_TAG: options.batch_id,
        "dataset": options.dataset,
        "git_commit": options.git_commit,
        "airflow_run_id": options.airflow_run_id,
    }
    with mlflow.start_run(run_name=f"train_als {options.batch_id}", tags=tags) as run:
        mlflow.log_params(
            asdict(settings)
            | {"solver": options.solver, "k": options.k, "slices": options.slices, "first_window": options.first_window}
        )
        metrics = pooled_means(record) | explicit_metrics(record)
        mlflow.log_metrics(metrics | {"ratings": len(ratings), "users": record["users"], "movies": record["movies"]})
        for row in record["windows"]:
            by_window = {f"{row['scorer']}_{name}_by_window": value for name, value in row["metrics"].items()}
            mlflow.log_metrics(by_window, step=row["window"])
        with tempfile.TemporaryDirectory(prefix="marquee-evaluation-") as folder:
            path = Path(folder) / "evaluation.json"
            path.write_text(json.dumps(record, sort_keys=True), encoding="utf-8")
            mlflow.log_artifact(str(path))
            for plot in draw(record, Path(folder)):
                mlflow.log_artifact(str(plot), "plots")
        mlflow.log_input(dataset_of(options, ratings), context="training")
        version = model_registry.register(model, options.model_name, tags)
    return {"run_id": run.info.run_id, "model_version": version, "metrics": metrics}


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    settings = settings_of(options)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    started = time.monotonic()
    spark = start_session(f"train_als {options.batch_id}")
    model_path = options.model_path.rstrip("/")
    checkpoints = options.checkpoint_dir or f"{model_path}/_checkpoints"
    progress(f"reading {options.database}.ratings of batch {options.batch_id}")
    ratings = collect_ratings(read_ratings(spark, options.database, options.batch_id))
    champions, of_champion = champion(options)
    candidates = {CANDIDATE: settings} | champions
    attributes = collect_attributes(read_batch(spark, options.database, "movies", options.batch_id))
    progress(f"{len(ratings)} ratings; evaluating {' and '.join(candidates)}")
    results = rolling_evaluation(spark, ratings, attributes, candidates, options)
    newest = max((result.window for result in results), key=lambda window: window.index)
    explicit = explicit_comparison(spark, ratings, attributes, newest, options.k)
    said = ", ".join(f"{name} {value:.3f}" for name, value in explicit.items()) or "too many ratings"
    progress(f"explicit ALS in window {newest.index}, for comparison: {said}; training on the whole batch")
    model = fit(spark, ratings, attributes, settings, options.solver, checkpoints)

    record = evaluation_record(results, ratings, options.k) | {
        "batch_id": options.batch_id,
        "settings": asdict(settings),
        EXPLICIT_ALS: explicit,
        **of_champion,
    }
    progress("logging the run and registering the model")
    logged = log_run(options, settings, ratings, model, record)
    write_factors(spark, model, model_path)
    HadoopFiles(spark).write_text(f"{model_path}/evaluation.json", json.dumps(record | logged, sort_keys=True) + "\n")
    report(
        {
            **logged,
            "batch_id": options.batch_id,
            "model_name": options.model_name,
            "factors_sha256": model.sha256(),
            "model_path": model_path,
            "evaluation": f"{model_path}/evaluation.json",
            "trained_until": datetime.fromtimestamp(model.trained_until, UTC).isoformat(),
            "ratings": len(ratings),
            "users": record["users"],
            "movies": record["movies"],
            "beats_recent_popularity": logged["metrics"][f"{CANDIDATE}_ndcg_at_{options.k}"]
            > logged["metrics"][f"{RECENT_POPULARITY}_ndcg_at_{options.k}"],
            "seconds": round(time.monotonic() - started, 1),
        },
        options.result,
        spark,
    )
    spark.stop()


if __name__ == "__main__":
    main()
