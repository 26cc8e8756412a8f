"""Provide a temporary Airflow home, and the DAG's tasks, rendered for one run.

The home is set before any module imports airflow.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
_HOME = tempfile.TemporaryDirectory(prefix="marquee-airflow-tests-")
# Without the installation's variables, the recorded commands are the same on every machine.
for _name in [name for name in os.environ if name.startswith(("MARQUEE_", "AIRFLOW_"))]:
    del os.environ[_name]
os.environ.update(
    {
        "AIRFLOW_HOME": _HOME.name,
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": f"{_HOME.name}/logs",
        "MARQUEE_INSTANCE_DIR": "/instance",
        "MARQUEE_PYTHON": "/venv/bin/python",
        "MARQUEE_SERVING_PYTHON": "/serving-venv/bin/python",
        "MARQUEE_SENTIMENT_PYTHON": "/sentiment-venv/bin/python",
        "MARQUEE_REVIEWS_PYTHON": "/reviews-venv/bin/python",
        "MARQUEE_GIT_COMMIT": "0123456",
        "MARQUEE_HDFS_USER": "marquee",
    }
)
INGEST_RESULT = {
    "dataset": "movielens-embedded",
    "snapshot": "/marquee/raw/movielens-embedded/20261101T030000",
    "manifest_sha256": "ab" * 32,
    "layout": {
        "ratings": {"file": "ratings.csv", "layout": "csv", "encoding": "utf-8"},
        "movies": {"file": "movies.csv", "layout": "csv", "encoding": "utf-8"},
        "links": {"file": "links.csv", "layout": "csv", "encoding": "utf-8"},
    },
    "files": [
        {"name": "movies.csv", "role": "movies", "rows": 9066},
        {"name": "ratings.csv", "role": "ratings", "rows": 100004},
        {"name": "links.csv", "role": "links", "rows": 9125},
        {"name": "README.txt", "role": "documentation", "rows": None},
    ],
}
BATCH_ID = "20261123T190000"
RESULTS: dict[str, Any] = {
    "wait_for_other_runs": BATCH_ID,
    "ingest_movielens": INGEST_RESULT,
    "train_als": {
        "model_name": "marquee-als",
        "model_version": "7",
        "run_id": "f00d",
        "factors_sha256": "cd" * 32,
        "trained_until": "2016-10-16T17:57:24+00:00",
        "metrics": {"candidate_ndcg_at_10": 0.21, "popularity_ndcg_at_10": 0.15},
    },
    "recommend_top_n": {"rows": {"recommendations": 67100}},
    "decide_promotion": {"promoted": False, "verdict": "refuse", "reasons": ["not better", "too few users"]},
    "validate_warehouse": {"success": True, "tables": {"ratings": {"success": True, "rows": 10}}},
    "validate_top_n": {"success": True, "tables": {"recommendations": {"success": True, "rows": 20}}},
    "ingest_reviews": {
        "dataset": "reviews",
        "corpora": "mine+nsmc",
        "snapshot": "/marquee/raw/reviews/20261101T030000",
        "files": [
            {"name": "mine.jsonl", "role": "mine", "rows": 1500},
            {"name": "nsmc.jsonl", "role": "nsmc", "rows": 100000},
        ],
    },
    "split_reviews": {"rows": 101500, "clean": 101400, "quarantined": 99, "superseded": 1, "reasons": {"empty": 99}},
    "validate_reviews": {"success": True, "tables": {"labelled_reviews": {"success": True, "rows": 101400}}},
    "train_model": {
        "version": "c0ffee",
        "sha256": "ef" * 32,
        "data_sha256": "ad" * 32,
        "registered_version": "4",
        "mlflow_run": "beef",
        "promoted": False,
        "reasons": ["The candidate is not better.", "Korean got worse."],
        "gate": {"against_plain": {"mean": 0.0}},
        "metrics": {"all": {"accuracy": 0.8}},
    },
}


class TaskInstance(SimpleNamespace):
    """A task instance whose run's tasks have all succeeded."""

    def xcom_pull(self, task_ids: str) -> Any:
        return RESULTS.get(task_ids)


@pytest.fixture(scope="session")
def bag() -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(str(REPOSITORY / "dags"))


@pytest.fixture(scope="session")
def dag(bag: Any) -> Any:
    return bag.dags["build_recommendations"]


@pytest.fixture(scope="session")
def dag_run() -> SimpleNamespace:
    # Airflow must not be imported before its home is set.
    from airflow.utils.types import DagRunType

    return SimpleNamespace(
        dag_id="build_recommendations",
        run_id="manual__2026-11-23",
        run_type=DagRunType.MANUAL,
        logical_date=datetime(2026, 11, 23, 19, 0, 0, tzinfo=UTC),
        run_after=datetime(2026, 11, 23, 19, 30, 0, tzinfo=UTC),
    )


@pytest.fixture
def context(dag: Any, dag_run: SimpleNamespace) -> dict[str, Any]:
    params = {name: dag.params[name] for name in dag.params}
    return {
        "dag": dag,
        "dag_run": dag_run,
        "run_id": dag_run.run_id,
        "params": params,
        "ti": TaskInstance(try_number=2, task_id="x", id="0199-cafe"),
    }


@pytest.fixture
def rendered(dag: Any, context: dict[str, Any]) -> Any:
    """Return a function that returns a copy of a task, rendered for the run."""
    import copy

    def render(task_id: str) -> Any:
        task = copy.copy(dag.get_task(task_id))
        task.render_template_fields(context)
        return task

    return render


@pytest.fixture
def hive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a HiveServer2 on the loopback address that Airflow's connection leads to."""
    from tests.dags.hive_server import hive_server

    with hive_server() as running:
        connection = {"conn_type": "hiveserver2", "host": "127.0.0.1", "port": running.port, "login": "marquee"}
        extra = {"auth_mechanism": "NOSASL"}
        monkeypatch.setenv("AIRFLOW_CONN_HIVESERVER2_DEFAULT", json.dumps({**connection, "extra": extra}))
        yield running
