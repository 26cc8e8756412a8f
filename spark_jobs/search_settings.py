"""Search for better settings on the first half of a batch's timeline.

The proposal takes no effect by itself. It is the parent run's artifact proposed_settings.json and part of the result. Paste it as the
parameter model_settings of build_recommendations, or give it to train_als as --settings.

Searches on the champion's batch, unless --of-batch names another. A trial is a nested MLflow run. It trains on windows of the first half
alone, so that the search does not see the gate's windows. The same batch, trials and seed give the same proposal. If another version of
the code saved the champion, the default settings replace its settings.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace

import mlflow
import numpy as np
import optuna
from cluster.arguments import whole
from cluster.reporting import progress, report
from cluster.session import start_session
from cluster.warehouse import collect_attributes, read_batch, read_ratings
from evaluation.batches.batch import batch_of, first_half
from evaluation.proposals import proposal, suggested
from evaluation.record import CANDIDATE
from evaluation.untimed import BY_TIME
from promotion import registry
from promotion.champion import Champion, find_champion
from recommender.settings import MOST_SEED, TrainingSettings

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
    parser.add_argument(
        "--trials", type=whole(1, 500), default=20, help="number of settings to try (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=whole(0, MOST_SEED), default=20261123, help="seed of the search (default: %(default)s)"
    )
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def search(
    mean_ndcg: Callable[[TrainingSettings], float], now: TrainingSettings, trials: int, seed: int
) -> tuple[optuna.Study, float]:
    """Return the finished study, and the mean nDCG of the settings `now` in use."""
    in_use = mean_ndcg(now)

    def objective(trial: optuna.Trial) -> float:
        # How much memory there is does not follow from what ranks best.
        settings = replace(suggested(trial), largest_system=now.largest_system)
        with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
            mlflow.log_params(asdict(settings))
            mean = mean_ndcg(settings)
            mlflow.log_metric("ndcg", mean)
        progress(f"trial {trial.number + 1} of {trials}: nDCG@{K} {mean:.4f}, in use {in_use:.4f}")
        return mean

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    return study, in_use


def settings_in_use(champion: Champion) -> TrainingSettings:
    """Return the champion's settings, or the defaults when they are unreadable."""
    if champion.settings:
        return champion.settings
    progress(f"The default settings replace the champion's. {champion.unreadable}")
    return TrainingSettings()


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    started = time.monotonic()
    mlflow.set_tracking_uri(options.tracking_uri)
    champion = find_champion(options.model_name)
    if champion is None:
        raise SystemExit(
            f"{options.model_name} has no champion, so there are no settings to improve. Publish a model first."
        )
    now = settings_in_use(champion)
    of_batch = options.of_batch or registry.batch_of(options.model_name, champion.version)
    spark = start_session(f"search_settings {options.batch_id}")
    progress(f"reading {options.database}.ratings of batch {of_batch}")
    half = first_half(read_ratings(spark, options.database, of_batch))
    batch = batch_of(spark, half, BY_TIME, SLICES, options.seed)
    attributes = collect_attributes(read_batch(spark, options.database, "movies", of_batch))
    windows = batch.windows(FIRST_WINDOW)

    def mean_ndcg(settings: TrainingSettings) -> float:
        results = batch.evaluate(attributes, windows, {CANDIDATE: settings}, K, against=())
        return float(np.concatenate([result.per_user["ndcg"] for result in results]).mean())

    mlflow.set_experiment(options.experiment)
    tags = {registry.BATCH_ID_TAG: options.batch_id, "of_batch": of_batch, "champion_version": champion.version}
    with mlflow.start_run(run_name=f"search_settings {options.batch_id}", tags=tags) as run:
        mlflow.log_params(
            {"trials": options.trials, "seed": options.seed, "slices": SLICES, "first_window": FIRST_WINDOW}
        )
        study, in_use = search(mean_ndcg, now, options.trials, options.seed)
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
