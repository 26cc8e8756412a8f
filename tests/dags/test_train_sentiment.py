"""Test the DAG's structure, its form, and the recorded command of each task."""

import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dags.memory_hdfs import MemoryHdfs
from tests.dags.recorded import as_lines, assert_recorded, assert_recorded_statements

UPSTREAM = {
    "wait_for_other_runs": [],
    "ingest_reviews": ["wait_for_other_runs"],
    "create_review_tables": ["wait_for_other_runs"],
    "mr_clean_reviews": ["ingest_reviews"],
    "split_reviews": ["mr_clean_reviews"],
    "load_reviews": ["create_review_tables", "split_reviews"],
    "validate_reviews": ["load_reviews"],
    "export_reviews": ["validate_reviews"],
    "train_model": ["export_reviews"],
    "pass_gate": ["train_model"],
    "build_model_publication": ["pass_gate"],
    "publish_model": ["build_model_publication"],
    "record_model_refusal": ["pass_gate"],
}
PROGRAM_TASKS = [
    *("mr_clean_reviews", "split_reviews", "validate_reviews", "train_model"),
    *("build_model_publication", "publish_model", "record_model_refusal"),
]
HIVE_TASKS = ["create_review_tables", "load_reviews", "export_reviews"]


@pytest.fixture(scope="session")
def dag(bag: Any) -> Any:
    return bag.dags["train_sentiment"]


def test_tasks_run_in_the_written_order(dag: Any) -> None:
    assert {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} == UPSTREAM


def test_one_run_at_a_time_weekly_and_without_catching_up(dag: Any) -> None:
    assert (dag.max_active_runs, dag.catchup, dag.start_date) == (1, False, None)
    assert (dag.timetable.expression, str(dag.timetable.timezone)) == ("0 7 * * 0", "UTC")


def test_the_documentation_is_the_runbook(dag: Any) -> None:
    for word in ("Purpose", "Rerun rule", "Triage"):
        assert word in dag.doc_md
    assert {task.task_id for task in dag.tasks} <= set(re.findall(r"`([a-z_]+)`", dag.doc_md))


def test_every_task_retries_with_backoff_and_has_a_time_limit_and_explains_its_failure(dag: Any) -> None:
    for task in dag.tasks:
        assert (task.retries, task.retry_exponential_backoff) == (3, 2.0), task.task_id
        assert task.execution_timeout in (timedelta(minutes=10), timedelta(hours=2)), task.task_id
        assert [callback.__name__ for callback in task.on_failure_callback] == ["explain_failure"]


def test_hive_has_one_writer_at_a_time(dag: Any) -> None:
    in_pool = [task.task_id for task in dag.tasks if task.pool == "hive_writer"]
    assert sorted(in_pool) == sorted([*HIVE_TASKS, "wait_for_other_runs"])


def test_publishing_announces_the_live_model(dag: Any) -> None:
    assert {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets} == {
        "publish_model": ["live_sentiment"]
    }


def test_the_form_documents_each_parameter(dag: Any) -> None:
    assert {name: dag.params[name] for name in dag.params} == {
        "embedded": True, "corpus": None, "text": "text", "label": "label", "language": "", "seed": 1
    }  # fmt: skip
    assert all(dag.params.get_param(name).description for name in dag.params)


def test_the_weekly_run_takes_the_installation_s_corpus() -> None:
    import os
    import subprocess
    import sys

    columns = {"TEXT": "review", "LABEL": "good", "LANGUAGE": "ko", "EMBEDDED": "no"}
    variables = {f"MARQUEE_SENTIMENT_{name}": value for name, value in columns.items()}
    script = "import json, train_sentiment; print(json.dumps(train_sentiment.dag.params.dump()))"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **variables, "MARQUEE_SENTIMENT_CORPUS": "house.csv.gz", "PYTHONPATH": "dags"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "embedded": False, "corpus": "house.csv.gz", "text": "review", "label": "good", "language": "ko", "seed": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("embedded", "yes"), ("embedded", None), ("corpus", 3), ("corpus", "a\nb"), ("text", ""), ("text", None)),
        *(
            ("label", "a\tb"),
            ("label", "x" * 201),
            ("language", "fr"),
            ("language", None),
            ("seed", -1),
            ("seed", 2**32),
        ),
    ],
)
def test_the_form_refuses_what_no_run_can_use(dag: Any, name: str, value: Any) -> None:
    from airflow.sdk.definitions.param import Param
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        Param(value, **dag.params.get_param(name).schema).resolve()


@pytest.mark.parametrize("task_id", PROGRAM_TASKS)
def test_a_program_task_runs_the_recorded_command(rendered: Any, task_id: str) -> None:
    task = rendered(task_id)
    commands = [task.argv, *getattr(task, "following", [])]
    assert_recorded(f"{task_id}.txt", "\n".join(as_lines(argv) for argv in commands))


@pytest.mark.parametrize("task_id", HIVE_TASKS)
def test_a_hive_task_runs_the_recorded_statements(rendered: Any, task_id: str) -> None:
    assert_recorded_statements(task_id, rendered(task_id))


def test_the_accounting_takes_the_counts_of_ingest_for_each_corpus(rendered: Any) -> None:
    (sql,) = [sql for sql in rendered("load_reviews").sql if "review_accounting PARTITION" in sql]
    assert re.findall(r"'(\S+)' AS source_file,\s+CAST\((\d+) AS BIGINT\)", sql) == [
        ("mine.jsonl", "1500"),
        ("nsmc.jsonl", "100000"),
    ]


@pytest.mark.parametrize(("promoted", "task_id"), [(True, "build_model_publication"), (False, "record_model_refusal")])
def test_the_gates_decision_chooses_the_way(dag: Any, promoted: bool, task_id: str) -> None:
    task = dag.get_task("pass_gate")
    result = {"promoted": promoted, "reasons": ["Korean got worse."]}
    ti = SimpleNamespace(xcom_pull=lambda task_ids: result)
    assert task.python_callable(*task.op_args, ti=ti) == task_id


def test_the_rows_of_a_run_are_those_of_its_corpora() -> None:
    from marquee.sentiment_tasks import rows_argv

    given = {"embedded": True, "corpus": None, "text": "text", "label": "label", "language": ""}
    start = ["/sentiment-venv/bin/python", "-m", "serving.reviews.corpora", "rows"]
    columns = ["--text=text", "--label=label", "--language=", "--output", "/x"]
    assert rows_argv(given, "/x") == [*start, "--corpus=embedded", *columns]
    own = {"embedded": False, "corpus": "/data/-a b.csv", "text": "-c", "label": "stars", "language": "ko"}
    assert rows_argv(own, "/x") == [
        *(*start, "--corpus=/data/-a b.csv", "--text=-c", "--label=stars", "--language=ko", "--output", "/x")
    ]
    assert rows_argv(given | {"embedded": False}, "/x") == []


class LocalHdfs(MemoryHdfs):
    """HDFS in memory that also copies files from and to this machine."""

    def download(self, path: str, local: str) -> None:
        for name, content in self.files(path).items():
            target = Path(local + name.removeprefix(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")

    def upload(self, path: str, local: str) -> None:
        for file in Path(local).rglob("*"):
            if file.is_file():
                self.put(f"{path}/{file.relative_to(local).as_posix()}", file.read_text(encoding="utf-8"))


@pytest.fixture
def hdfs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalHdfs:
    from marquee import settings

    memory = LocalHdfs()
    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: memory)
    monkeypatch.setattr(settings, "TEMPORARY", tmp_path / "tmp")
    return memory


def program(task: Any, text: str) -> Any:
    """Give a task another program, in Python's words; `work` is its folder."""
    import sys

    start = "import json, os, pathlib, sys; work = pathlib.Path(sys.argv[1]); "
    task.argv = [sys.executable, "-c", start + text, "WORK/"]
    return task


def test_a_program_works_on_copies_and_its_output_takes_its_place_in_hdfs(
    rendered: Any, context: Any, hdfs: LocalHdfs, tmp_path: Path
) -> None:
    folder = "/marquee/clean/reviews/20261123T190000"
    hdfs.put(f"{folder}/reviews/part-00000", "a row")
    hdfs.put(f"{folder}/review_parts/left", "of an earlier try")
    text = "(work / 'parts').mkdir(); (work / 'parts/x').write_text((work / 'reviews/part-00000').read_text() + '!'); print('{}')"
    assert program(rendered("split_reviews"), text).execute(context) == {}
    assert hdfs.files() == {f"{folder}/reviews/part-00000": "a row", f"{folder}/review_parts/x": "a row!"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_publication_is_built_with_the_lineage_of_the_run(rendered: Any, context: Any, hdfs: LocalHdfs) -> None:
    hdfs.put("/marquee/models/20261123T190000/sentiment/model.joblib", "a model")
    text = "(work / 'publication').mkdir(); os.rename(work / 'lineage.json', work / 'publication/x'); print('{}')"
    program(rendered("build_model_publication"), text).execute(context)
    lineage = json.loads(hdfs.files("/marquee/publications")["/marquee/publications/20261123T190000/x"])
    assert (lineage["batch_id"], lineage["git_commit"], lineage["airflow"]["run_id"]) == (
        *("20261123T190000", "0123456", "manual__2026-11-23"),
    )
    assert (lineage["model"]["version"], lineage["model"]["registered_version"]) == ("c0ffee", "4")
    assert (lineage["rows"]["superseded"], lineage["hive"]["labelled_reviews"]["rows"]) == (1, 101400)
    assert lineage["promotion"]["reasons"] == ["The candidate is not better.", "Korean got worse."]


@pytest.mark.parametrize(("status", "error"), [(3, "AirflowFailException"), (1, "ProgramError")])
def test_what_fails_for_good_is_not_retried(
    rendered: Any, context: Any, hdfs: LocalHdfs, status: int, error: str
) -> None:
    hdfs.put("/marquee/exports/20261123T190000/labelled_reviews/0", "a row")
    task = program(rendered("train_model"), f"print('too few reviews', file=sys.stderr); sys.exit({status})")
    with pytest.raises(Exception, match="too few reviews") as raised:
        task.execute(context)
    assert type(raised.value).__name__ == error
    assert hdfs.files("/marquee/models") == {}


@pytest.mark.parametrize(
    ("exported", "error", "message"),
    [
        (True, "IngestError", "Run the export again"),
        (False, "AirflowFailException", "There are no reviews to train on"),
    ],
    ids=["an export that is not there yet", "no corpus at all"],
)
def test_a_snapshot_is_tried_again_where_that_may_help(
    context: Any,
    hdfs: LocalHdfs,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    exported: bool,
    error: str,
    message: str,
) -> None:
    from marquee import sentiment_tasks, settings

    monkeypatch.setattr(settings, "REVIEWS_DATABASE_IS_SET", exported)
    monkeypatch.setattr(settings, "REVIEW_FEEDBACK", tmp_path)
    # The export has ended, and its folder is gone.
    monkeypatch.setattr(sentiment_tasks, "export_feedback", lambda batch_id: ["true"])
    given = {"embedded": False, "corpus": None, "text": "text", "label": "label", "language": ""}
    with pytest.raises(Exception, match=message) as raised:
        sentiment_tasks.ingest_reviews.function(**{**context, "params": given})
    assert type(raised.value).__name__ == error
    assert hdfs.files() == {}


@pytest.mark.parametrize("fails", [False, True], ids=["a snapshot", "a failure"])
def test_no_local_copy_of_texts_stays_after_an_ingest(
    context: Any, hdfs: LocalHdfs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: bool
) -> None:
    import os
    import time

    from marquee import sentiment_tasks, settings
    from marquee.ingest import reviews

    exports, temporary = tmp_path / "exports", tmp_path / "tmp"
    for name in ("20261123T190000", "20261101T030000"):
        (exports / name).mkdir(parents=True)
        (exports / name / "reviews.jsonl").write_text('{"text": "what Ada wrote"}')
    for name, hours in (("reviews-killed", 3), ("reviews-working", 1)):
        (temporary / name).mkdir(parents=True)
        os.utime(temporary / name, (time.time() - 3600 * hours,) * 2)
    found = []

    def ingest(client: Any, batch_id: str, rows: Path, feedback: Path) -> dict[str, Any]:
        found.append((batch_id, rows.parent, (feedback / "reviews.jsonl").read_text()))
        if fails:
            raise OSError("HDFS does not answer")
        return {"batch_id": batch_id}

    monkeypatch.setattr(settings, "REVIEWS_DATABASE_IS_SET", True)
    monkeypatch.setattr(settings, "REVIEW_FEEDBACK", exports)
    monkeypatch.setattr(sentiment_tasks, "export_feedback", lambda batch_id: ["true"])
    monkeypatch.setattr(reviews, "ingest_reviews", ingest)
    given = {"embedded": False, "corpus": None, "text": "text", "label": "label", "language": ""}
    task = sentiment_tasks.ingest_reviews.function
    if fails:
        with pytest.raises(OSError, match="HDFS does not answer"):
            task(**{**context, "params": given})
    else:
        assert task(**{**context, "params": given}) == {"batch_id": "20261123T190000"}
    assert found == [("20261123T190000", temporary, '{"text": "what Ada wrote"}')]
    assert sorted(path.name for path in exports.iterdir()) == [".lock", "20261101T030000"]
    assert [path.name for path in temporary.iterdir()] == ["reviews-working"]


def test_a_killed_try_leaves_no_local_copy_for_longer_than_a_task_lasts(
    rendered: Any, context: Any, hdfs: LocalHdfs, tmp_path: Path
) -> None:
    import os
    import time

    hdfs.put("/marquee/exports/20261123T190000/labelled_reviews/0", "a row")
    for name, hours in (("train_model-killed", 3), ("train_model-working", 1), ("split_reviews-killed", 3)):
        (tmp_path / "tmp" / name).mkdir(parents=True)
        os.utime(tmp_path / "tmp" / name, (time.time() - 3600 * hours,) * 2)
    task = program(
        rendered("train_model"), "(work / 'sentiment').mkdir(); (work / 'sentiment/model').touch(); print('{}')"
    )
    task.store = tmp_path / "store"
    task.execute(context)
    left = sorted(path.name for path in (tmp_path / "tmp").iterdir())
    assert left == ["split_reviews-killed", "train_model-working"]


def test_the_model_that_is_live_is_the_champion(rendered: Any, tmp_path: Path) -> None:
    task = rendered("train_model")
    task.store = tmp_path
    assert task.arguments() == []
    publication = tmp_path / "publications/20261101T030000"
    publication.mkdir(parents=True)
    (publication / "manifest.json").write_text(json.dumps({"sha256": "ab" * 32}), encoding="utf-8")
    (tmp_path / "live").symlink_to("publications/20261101T030000")
    assert task.arguments() == [
        *("--champion", str(publication.resolve() / "model.joblib"), "--champion-sha256", "ab" * 32),
    ]
