"""The MLflow run of a training: parameters, metrics, evaluation, plots and model."""

from __future__ import annotations

import json
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import mlflow
from evaluation.record import Evaluated, Logged, diversity_metrics, explicit_metrics, pooled_means
from mlflow import MlflowClient
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.spark_dataset_source import SparkDatasetSource
from mlflow.entities import Metric
from recommender.model import FactorModel

from promotion import registry

# MLflow takes no more.
METRICS_IN_A_CALL = 1000


@dataclass(frozen=True)
class Training:
    """The batch of a training, and the names under which the training is logged."""

    batch_id: str
    database: str
    dataset: str
    experiment: str
    model_name: str
    git_commit: str
    airflow_run_id: str

    @classmethod
    def of(cls, options: Namespace) -> Training:
        """Return the training that a program's options name."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})


def dataset_of(training: Training, digest: str) -> MetaDataset:
    """Return the batch's ratings as MLflow's record of an input.

    It holds the table, the batch and the digest of the rows.
    """
    source = SparkDatasetSource(table_name=f"{training.database}.ratings")
    name = f"{training.dataset or training.database} {training.batch_id}"
    # MetaDataset inherits `profile` from a class in which it is not abstract at run time.
    return MetaDataset(source, name=name, digest=digest[:36])  # type: ignore[abstract]


def log_run(
    training: Training,
    parameters: Mapping[str, Any],
    digest: str,
    model: FactorModel,
    record: Evaluated,
    draw: Callable[[Evaluated, Path], list[Path]],
) -> Logged:
    """Log the run and register the model; return run, version and pooled metrics.

    `draw` writes the plots of the record into a folder, and returns their paths.
    """
    mlflow.set_experiment(training.experiment)
    tags = {
        registry.BATCH_ID_TAG: training.batch_id,
        registry.DATASET_TAG: training.dataset,
        "git_commit": training.git_commit,
        "airflow_run_id": training.airflow_run_id,
    }
    with mlflow.start_run(run_name=f"train_als {training.batch_id}", tags=tags) as run:
        mlflow.log_params(dict(parameters))
        metrics = pooled_means(record) | explicit_metrics(record) | diversity_metrics(record)
        sizes = {registry.RATINGS_METRIC: record["ratings"], "users": record["users"], "movies": record["movies"]}
        mlflow.log_metrics(metrics | sizes)
        _log_by_window(run.info.run_id, record)
        mlflow.log_text(json.dumps(record, sort_keys=True), "evaluation.json")
        with tempfile.TemporaryDirectory(prefix="marquee-evaluation-") as folder:
            draw(record, Path(folder))
            mlflow.log_artifacts(folder, "plots")
        mlflow.log_input(dataset_of(training, digest), context="training")
        version = registry.register(model, training.model_name, tags)
    return {"run_id": run.info.run_id, "model_version": version, "metrics": metrics}


def _log_by_window(run_id: str, record: Evaluated) -> None:
    """Log each window's metrics with its number as the step, in few calls."""
    now = int(time.time() * 1000)
    metrics = [
        Metric(f"{row['scorer']}_{name}_by_window", value, now, row["window"])
        for row in record["windows"]
        for name, value in row["metrics"].items()
    ]
    for start in range(0, len(metrics), METRICS_IN_A_CALL):
        MlflowClient().log_batch(run_id, metrics=metrics[start : start + METRICS_IN_A_CALL])
