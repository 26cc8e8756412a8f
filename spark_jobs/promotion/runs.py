"""The MLflow run of a training: parameters, metrics, evaluation, plots and model."""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import mlflow
from evaluation.record import Evaluated, Logged, diversity_metrics, explicit_metrics, pooled_means
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.spark_dataset_source import SparkDatasetSource
from recommender.model import FactorModel

from promotion import registry


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
        for row in record["windows"]:
            by_window = {f"{row['scorer']}_{name}_by_window": value for name, value in row["metrics"].items()}
            mlflow.log_metrics(by_window, step=row["window"])
        mlflow.log_text(json.dumps(record, sort_keys=True), "evaluation.json")
        with tempfile.TemporaryDirectory(prefix="marquee-evaluation-") as folder:
            for plot in draw(record, Path(folder)):
                mlflow.log_artifact(str(plot), "plots")
        mlflow.log_input(dataset_of(training, digest), context="training")
        version = registry.register(model, training.model_name, tags)
    return {"run_id": run.info.run_id, "model_version": version, "metrics": metrics}
