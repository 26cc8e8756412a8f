"""MLflow: experiment `sentiment`, registered model `marquee-sentiment`; all that talks to MLflow is here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXPERIMENT, REGISTERED_MODEL = "sentiment", "marquee-sentiment"
CHALLENGER, CHAMPION = "challenger", "champion"


def flat_metrics(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the figures of a record by names that MLflow takes.

    Such as `all.accuracy`, `by.language.en.f1`.
    """
    found: dict[str, float] = {}
    for name, value in record.items():
        # MLflow's names hold letters, digits, _ - . / and spaces.
        key = f"{prefix}{name}".replace("+", " and more")
        if isinstance(value, Mapping):
            found |= flat_metrics(value, f"{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[key] = float(value)
    return found


def log_training(
    tracking_uri: str,
    record: Mapping[str, Any],
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
    folder: Path,
) -> tuple[str, str]:
    """Log one training and return the run's id and the registered version.

    The version becomes challenger.

    `folder` holds what is kept with the run: the model's file, plots, records.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(EXPERIMENT)
    client = mlflow.MlflowClient()
    with mlflow.start_run(tags=dict(tags)) as run:
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(flat_metrics(record))
        mlflow.log_artifacts(str(folder), "sentiment")
        source = f"{run.info.artifact_uri}/sentiment"
    try:
        client.create_registered_model(REGISTERED_MODEL)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    version = client.create_model_version(REGISTERED_MODEL, source=source, run_id=run.info.run_id, tags=dict(tags))
    client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version.version)
    return run.info.run_id, str(version.version)


def promote(tracking_uri: str, version: str) -> dict[str, str]:
    """Name a registered version champion; return its model, version and alias."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.MlflowClient(tracking_uri).set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version)
    return {"registered_model": REGISTERED_MODEL, "registered_version": version, "alias": CHAMPION}
