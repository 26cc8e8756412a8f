"""MLflow: when the last training was, and the experiment `sentiment-feedback` with a run for each publication."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from serving.reviews.watching.decision import Decision, Figure

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRAININGS, EXPERIMENT = "sentiment", "sentiment-feedback"
_TEXTS = "all.texts"


def connect(tracking_uri: str) -> MlflowClient:
    """Return a client of MLflow."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri)


def last_training(client: MlflowClient) -> datetime | None:
    """Return when the newest training began to be logged, or None.

    A refused one counts too.
    """
    experiment = client.get_experiment_by_name(TRAININGS)
    if experiment is None:
        return None
    found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=1)
    return datetime.fromtimestamp(found[0].info.start_time / 1000, UTC) if found else None


def log_feedback(client: MlflowClient, measured: Mapping[str, Any], found: Mapping[str, Figure]) -> str | None:
    """Log accuracy and number by language; return the id of the publication's run.

    The step is the number of labelled texts. Nothing is logged where no text has come in since, nor without feedback.
    """
    if "all" not in found:
        return None
    run = _run_of(client, str(measured["publication"]), str(measured["model_version"]))
    texts = found["all"].texts
    if run.data.metrics.get(_TEXTS) != texts:
        for name, figure in found.items():
            for key, value in (("texts", figure.texts), ("accuracy", figure.accuracy), ("expected", figure.expected)):
                client.log_metric(run.info.run_id, f"{name}.{key}", value, step=texts)
    return str(run.info.run_id)


def log_decision(client: MlflowClient, run_id: str, decision: Decision) -> None:
    """Keep the latest cause with the publication's run."""
    client.set_tag(run_id, "retraining.cause", decision.cause)
    client.set_tag(run_id, "retraining.reason", decision.reason)


def _run_of(client: MlflowClient, publication: str, version: str) -> Any:
    """Return the run of a publication, which the first feedback on it makes."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    number = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    same = f"tags.publication = '{publication}'"
    for run in client.search_runs([number], same, order_by=["attributes.start_time ASC"], max_results=1):
        return run
    tags = {"publication": publication, "model_version": version}
    made = client.create_run(number, run_name=publication, tags=tags)
    client.set_terminated(made.info.run_id)
    return made
