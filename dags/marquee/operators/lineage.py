"""Return the lineage of a publication: all that a served row can be traced to."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from marquee import settings

# The prefix of the new model's metrics in train_als's result, which holds the baselines' metrics too.
CANDIDATE_PREFIX = "candidate_"


def metrics_of_candidate(metrics: dict[str, float]) -> dict[str, float]:
    """Return the new model's own metrics, e.g. {"ndcg_at_10": 0.2}."""
    return {
        name.removeprefix(CANDIDATE_PREFIX): value
        for name, value in metrics.items()
        if name.startswith(CANDIDATE_PREFIX)
    }


def lineage_of(context: Context) -> dict[str, Any]:
    """Return the lineage of the run's publication as JSON-ready values.

    They come from the results of the run's tasks.

    Keys: `batch_id`, `airflow`, `git_commit`, `snapshot`, `hive`, `data_through`, `model`,
    `evaluation`, `split`, `top_n`, `quality`, `promotion`.
    """
    quality = {**_result(context, "validate_warehouse")["tables"], **_result(context, "validate_top_n")["tables"]}
    training = _result(context, "train_als")
    return {
        **_origin(context),
        "snapshot": _result(context, "ingest_movielens"),
        "hive": _partitions(context, quality),
        "data_through": training["trained_until"],
        "model": {
            "name": training["model_name"],
            "version": training["model_version"],
            "mlflow_run_id": training["run_id"],
            "factors_sha256": training["factors_sha256"],
            "metrics": metrics_of_candidate(training["metrics"]),
        },
        "evaluation": training["metrics"],
        # `random`: the rows have no times, so that the future was not hidden from the model.
        "split": training.get("split", "time"),
        "top_n": _result(context, "recommend_top_n"),
        "quality": quality,
        "promotion": _result(context, "decide_promotion"),
    }


def lineage_of_sentiment(context: Context) -> dict[str, Any]:
    """Return the lineage of a publication of the sentiment model.

    Keys: `batch_id`, `airflow`, `git_commit`, `snapshot`, `rows`, `hive`, `model`, `evaluation`, `quality`, `promotion`.
    """
    quality = _result(context, "validate_reviews")["tables"]
    training = _result(context, "train_model")
    return {
        **_origin(context),
        "snapshot": _result(context, "ingest_reviews"),
        "rows": _result(context, "split_reviews"),
        "hive": _partitions(context, quality),
        "model": {
            "name": "marquee-sentiment",
            "version": training["version"],
            "registered_version": training["registered_version"],
            "mlflow_run_id": training["mlflow_run"],
            "sha256": training["sha256"],
            "data_sha256": training["data_sha256"],
            "metrics": training["metrics"]["all"],
        },
        "evaluation": training["metrics"],
        "quality": quality,
        "promotion": {"promoted": training["promoted"], "reasons": training["reasons"], **training["gate"]},
    }


def _result(context: Context, task_id: str) -> dict[str, Any]:
    value = context["ti"].xcom_pull(task_ids=task_id)
    if not isinstance(value, dict):
        raise LookupError(
            f"Task {task_id} left no result, so the lineage is incomplete. Clear {task_id} with downstream tasks."
        )
    return value


def _origin(context: Context) -> dict[str, Any]:
    dag_run = context["dag_run"]
    return {
        "batch_id": settings.batch_id_of(context["ti"]),
        "airflow": {
            "dag_id": dag_run.dag_id,
            "run_id": dag_run.run_id,
            "run_type": dag_run.run_type,
            "logical_date": dag_run.logical_date.isoformat() if dag_run.logical_date else None,
            "run_after": dag_run.run_after.isoformat(),
        },
        "git_commit": settings.git_commit(),
    }


def _partitions(context: Context, quality: dict[str, Any]) -> dict[str, Any]:
    batch_id = settings.batch_id_of(context["ti"])
    return {
        table: {
            "partition": f"{settings.DATABASE}.{table}/batch_id={batch_id}",
            "location": f"{settings.WAREHOUSE}/{table}/batch_id={batch_id}",
            "rows": validation.get("rows"),
        }
        for table, validation in quality.items()
    }
