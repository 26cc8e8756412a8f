"""Train implicit ALS on one batch, evaluate it, and register it in MLflow.

Evaluates on the global timeline. Reads the batch's partitions of <database>.ratings and .movies. Writes <model-path>/
user_factors, item_factors (both Parquet) and evaluation.json, an MLflow run, and a version of the registered model
with the alias challenger. A rerun replaces the files, and adds a run and a version with the same factors.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime

import mlflow
from cluster.claim import check_claim
from cluster.factor_files import write_factors
from cluster.hadoop_files import HadoopFiles
from cluster.reporting import progress, report
from cluster.session import start_session
from cluster.warehouse import collect_attributes, read_batch, read_ratings
from evaluation.arguments import add_evaluation_arguments
from evaluation.batches.batch import SOLVERS, batch_of, fit_and_compare
from evaluation.explicit_comparison import in_words
from evaluation.plots import draw
from evaluation.record import BASELINES, CANDIDATE, CHAMPION, GATE_BASELINES, RECENT_POPULARITY, Evaluated, measured
from evaluation.rolling import summaries
from evaluation.untimed import settings_without_times
from promotion.champion import find_champion
from promotion.registry import ratings_of
from promotion.runs import Training, log_run
from recommender.settings import TrainingSettings, help_texts, whole_or_fraction


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = " (default: %(default)s)"
    parser.add_argument("--batch-id", required=True, help="the batch to train on, YYYYMMDDTHHMMSS")
    parser.add_argument("--database", default="marquee", help=f"Hive database{default}")
    parser.add_argument("--dataset", default="", help="the data set's name, for the run's tags")
    parser.add_argument(
        "--model-path", required=True, help="directory for factors and evaluation, any URI Hadoop knows"
    )
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking server")
    parser.add_argument("--experiment", default="marquee", help=f"MLflow experiment{default}")
    parser.add_argument("--model-name", default="marquee-als", help=f"registered model{default}")
    texts = help_texts()
    for name, value in asdict(TrainingSettings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=texts[name] + default)
    parser.add_argument(
        "--settings",
        default="{}",
        help="JSON object of the settings above by name (rank, reg_param, ...), as tune_als proposes; it wins over options",
    )
    parser.add_argument(
        "--solver", choices=SOLVERS, default=SOLVERS[0], help=f"half steps in blocks, or MLlib's ALS in one{default}"
    )
    add_evaluation_arguments(parser)
    parser.add_argument("--git-commit", default="", help="commit of the code, for the run's tags")
    parser.add_argument("--airflow-run-id", default="", help="Airflow's run, for the run's tags")
    parser.add_argument("--checkpoint-dir", default="", help="ALS checkpoints (default: <model-path>/_checkpoints)")
    parser.add_argument("--claim", default="", help="register the model only while this path, the try's claim, exists")
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def settings_of(options: argparse.Namespace) -> TrainingSettings:
    """Return the options' training settings; raises SystemExit for unusable ones."""
    given = {name: getattr(options, name) for name in asdict(TrainingSettings())}
    try:
        return TrainingSettings(
            **given
            | settings_without_times(options.split)
            | json.loads(options.settings, parse_float=whole_or_fraction)
        )
    except (TypeError, ValueError, RecursionError) as error:
        source = "An option" if options.settings == "{}" else f"--settings {options.settings}, or another option,"
        raise SystemExit(f"{source} is not usable. {error}") from error


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    settings = settings_of(options)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri(options.tracking_uri)
    started, k, model_path = time.monotonic(), options.k, options.model_path.rstrip("/")
    spark = start_session(f"train_als {options.batch_id}")
    progress(f"reading {options.database}.ratings of batch {options.batch_id}")
    rows = read_ratings(spark, options.database, options.batch_id)
    batch = batch_of(spark, rows, options.split, options.slices, settings.seed)
    against = BASELINES if options.all_baselines else GATE_BASELINES
    batch.check(options.solver, against)
    champion = find_champion(options.model_name)
    if champion and champion.unreadable:
        progress(f"The champion is not compared. {champion.unreadable}")
    candidates = {CANDIDATE: settings} | ({CHAMPION: champion.settings} if champion and champion.settings else {})
    attributes = collect_attributes(read_batch(spark, options.database, "movies", options.batch_id))
    size, windows = batch.size(), batch.windows(options.first_window)
    progress(f"{size.ratings} ratings; evaluating {' and '.join(candidates)} in {len(windows)} windows")
    results = batch.evaluate(attributes, windows, candidates, k, against)
    progress("\n".join(summaries(results, k)))
    checkpoints = options.checkpoint_dir or f"{model_path}/_checkpoints"
    model, explicit = fit_and_compare(batch, attributes, (settings, checkpoints, options.solver), windows[-1], k)
    progress(f"trained on all ratings; to compare, explicit ALS in window {windows[-1].index}: {in_words(explicit)}")
    record: Evaluated = {
        **measured(results, size, k),
        "batch_id": options.batch_id,
        "split": options.split,
        "settings": asdict(settings),
        "explicit_als": explicit,
        "champion_ratings": ratings_of(options.model_name, champion.version if champion else None, options.dataset),
        "champion_not_compared": champion.unreadable if champion else None,
        "concentration": batch.concentration(model, attributes, k),
    }
    check_claim(spark, options.claim)
    progress("logging the run and registering the model")
    parameters = {"solver": options.solver, "k": k, "slices": options.slices, "first_window": options.first_window}
    with ThreadPoolExecutor(1) as another:
        written = another.submit(write_factors, spark, model, model_path)
        logged = log_run(Training.of(options), asdict(settings) | parameters, batch.digest(), model, record, draw)
        written.result()
    HadoopFiles(spark).write_text(
        f"{model_path}/evaluation.json", f"{json.dumps({**record, **logged}, sort_keys=True)}\n"
    )
    ndcg, recent = (logged["metrics"][f"{scorer}_ndcg_at_{k}"] for scorer in (CANDIDATE, RECENT_POPULARITY))
    result = {
        **logged,
        "batch_id": options.batch_id,
        "model_name": options.model_name,
        "factors_sha256": model.sha256(),
        "model_path": model_path,
        "evaluation": f"{model_path}/evaluation.json",
        "trained_until": datetime.fromtimestamp(model.trained_until, UTC).isoformat(),
        **{name: record[name] for name in ("ratings", "users", "movies", "split")},
        "beats_recent_popularity": ndcg > recent,
        "seconds": round(time.monotonic() - started, 1),
    }
    report(result, options.result, spark)
    spark.stop()


if __name__ == "__main__":
    main()
