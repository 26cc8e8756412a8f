"""Test the scoring DAG's structure, what it needs of the installation, and the command of each task."""

import argparse
import importlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from marquee.sentiment_tasks import LIVE_SENTIMENT

from tests.dags.memory_hdfs import MemoryHdfs
from tests.dags.recorded import as_lines, assert_recorded, assert_recorded_statements

UPSTREAM = {
    "wait_for_other_runs": [],
    "find_live_model": ["wait_for_other_runs"],
    "export_stored_reviews": ["find_live_model"],
    "create_scoring_tables": ["find_live_model"],
    "score_reviews": ["export_stored_reviews"],
    "load_movie_sentiment": ["create_scoring_tables", "score_reviews"],
    "validate_scores": ["load_movie_sentiment"],
    "export_movie_sentiment": ["validate_scores"],
    "publish_movie_sentiment": ["export_movie_sentiment"],
    "forget_texts": ["export_stored_reviews", "publish_movie_sentiment"],
}
HIVE_TASKS = ["create_scoring_tables", "load_movie_sentiment", "export_movie_sentiment"]
PROGRAM_TASKS = ["export_stored_reviews", "validate_scores", "publish_movie_sentiment"]
MODEL = {"publication": "20261122T070000", "sha256": "ef" * 32, "file": "/store/publications/20261122T070000/m.joblib"}


@pytest.fixture(scope="session")
def dag(bag: Any) -> Any:
    return bag.dags["build_movie_sentiment"]


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.dags import conftest

    monkeypatch.setitem(conftest.RESULTS, "find_live_model", MODEL)
    monkeypatch.setitem(conftest.RESULTS, "export_stored_reviews", {"rows": 7, "bytes": 900, "sha256": "ab" * 32})


def test_tasks_run_in_the_written_order_one_run_at_a_time(dag: Any) -> None:
    assert {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} == UPSTREAM
    assert (dag.max_active_runs, dag.catchup, dag.start_date) == (1, False, None)
    in_pool = [task.task_id for task in dag.tasks if task.pool == "hive_writer"]
    assert sorted(in_pool) == sorted([*HIVE_TASKS, "wait_for_other_runs"])


def test_it_runs_each_night_and_when_another_model_goes_live(dag: Any) -> None:
    timetable = dag.timetable
    assert timetable.timetable.expression == "0 5 * * *"
    assert list(timetable.asset_condition.objects) == [LIVE_SENTIMENT]


def test_the_documentation_is_the_runbook(dag: Any) -> None:
    for word in ("Purpose", "Rerun rule", "Triage"):
        assert word in dag.doc_md
    assert {task.task_id for task in dag.tasks} <= set(re.findall(r"`([a-z_]+)`", dag.doc_md))


@pytest.mark.parametrize("task_id", PROGRAM_TASKS)
def test_a_program_task_runs_the_recorded_command(rendered: Any, task_id: str) -> None:
    assert_recorded(f"{task_id}.txt", as_lines(rendered(task_id).argv))


@pytest.mark.parametrize("task_id", HIVE_TASKS)
def test_a_hive_task_runs_the_recorded_statements(rendered: Any, task_id: str) -> None:
    assert_recorded_statements(task_id, rendered(task_id))


def test_the_scoring_program_understands_its_command(rendered: Any) -> None:
    parser: argparse.ArgumentParser = importlib.import_module("score_reviews").arguments()
    options = vars(parser.parse_args(rendered("score_reviews").application_args))
    work = "hdfs:///marquee/models/20261123T190000/_attempts/score_reviews/work-"
    assert options.pop("warehouse").startswith(work)
    assert options.pop("result").startswith(work)
    assert options == {
        "batch_id": "20261123T190000",
        "reviews": "hdfs://localhost:9000/marquee/stored_reviews/20261123T190000/reviews.jsonl",
        "rows": 7,
        "model": Path(MODEL["file"]),
        "sha256": MODEL["sha256"],
        "publication": "20261122T070000",
    }


def test_the_model_is_read_from_this_machine_so_that_no_pod_runs_the_scoring(rendered: Any) -> None:
    assert rendered("score_reviews")._conn_id == "spark_local_files"


def test_the_live_model_is_named_with_its_checksum_and_without_one_the_run_is_skipped(
    dag: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = dag.get_task("find_live_model").python_callable
    monkeypatch.setattr("marquee.settings.SENTIMENT_STORE", tmp_path)
    with pytest.raises(AirflowSkipException, match="The reviews service is not part of this installation"):
        find()
    monkeypatch.setattr("marquee.settings.REVIEWS_DATABASE_IS_SET", True)
    with pytest.raises(AirflowSkipException, match=r"No sentiment model is live\. Run train_sentiment first"):
        find()
    folder = tmp_path / "publications" / "20261122T070000"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"sha256": "ef" * 32}))
    (tmp_path / "live").symlink_to("publications/20261122T070000")
    file = str(folder / "model.joblib")
    assert find() == {"publication": "20261122T070000", "sha256": "ef" * 32, "file": file}


def test_texts_are_forgotten_after_a_failure_too_and_a_failed_run_stays_failed(dag: Any) -> None:
    forget, export = dag.get_task("forget_texts"), dag.get_task("export_stored_reviews")
    assert (forget.is_teardown, export.is_setup) == (True, True)
    # The state of a run is that of the last tasks which are no teardown.
    assert forget.on_failure_fail_dagrun is False
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids - {"forget_texts"}] == [
        *("publish_movie_sentiment", "forget_texts")
    ]


def test_a_stopped_export_leaves_its_texts_where_they_are_forgotten(rendered: Any) -> None:
    task = rendered("export_stored_reviews")
    assert task.attempts == "/marquee/stored_reviews/_attempts/20261123T190000"
    assert task.outputs == {"reviews": "/marquee/stored_reviews/20261123T190000"}


def test_texts_of_every_run_are_deleted(dag: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = MemoryHdfs()
    monkeypatch.setattr("marquee.settings.TEMPORARY", tmp_path)
    for name in ("export_stored_reviews-x1", "train_model-x2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reviews.jsonl").write_text("{}")
    client.put("/marquee/stored_reviews/_attempts/20261101T030000/export_stored_reviews/work-1/reviews/x", "{}")
    client.put("/marquee/stored_reviews/20261123T190000/reviews.jsonl", "{}")
    client.put("/marquee/stored_reviews/20261101T030000/reviews.jsonl", "{}")
    client.put("/marquee/raw/other", "x")
    monkeypatch.setattr("marquee.scoring_tasks.hdfs", SimpleNamespace(client=lambda: client))
    dag.get_task("forget_texts").python_callable()
    assert client.files("/marquee") == {"/marquee/raw/other": "x"}
    # Another task may work in its own folder.
    assert [path.name for path in tmp_path.iterdir()] == ["train_model-x2"]
