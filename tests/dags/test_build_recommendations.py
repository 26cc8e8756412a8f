"""Test the DAG's structure, its form, and the recorded command of each task."""

import json
import re
import warnings
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dags.memory_hdfs import MemoryHdfs
from tests.dags.recorded import as_lines, assert_recorded, assert_recorded_statements

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM_TASKS = [
    "mr_clean_ratings",
    "mr_clean_movies",
    "mr_clean_links",
    "validate_warehouse",
    "validate_top_n",
    "decide_promotion",
    "publish",
    "record_refusal",
]
SPARK_TASKS = ["train_als", "recommend_top_n"]
HIVE_TASKS = ["create_tables", "load_warehouse", "load_top_n", "export_tables"]

UPSTREAM = {
    "wait_for_other_runs": [],
    "ingest_movielens": ["wait_for_other_runs"],
    "create_tables": ["wait_for_other_runs"],
    "mr_clean_ratings": ["ingest_movielens"],
    "mr_clean_movies": ["ingest_movielens"],
    "mr_clean_tags": ["ingest_movielens"],
    "mr_clean_links": ["ingest_movielens"],
    "mr_clean_users": ["ingest_movielens"],
    "load_warehouse": [
        *("create_tables", "mr_clean_links", "mr_clean_movies", "mr_clean_ratings", "mr_clean_tags", "mr_clean_users"),
    ],
    "validate_warehouse": ["load_warehouse"],
    "train_als": ["validate_warehouse"],
    "decide_promotion": ["train_als"],
    "recommend_top_n": ["decide_promotion"],
    "load_top_n": ["recommend_top_n"],
    "validate_top_n": ["load_top_n"],
    "export_tables": ["load_top_n"],
    "build_publication": ["export_tables", "validate_top_n"],
    "publish": ["build_publication"],
    "record_refusal": ["decide_promotion"],
}


def test_every_dag_file_imports_without_errors(bag: Any) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == [
        *("build_movie_sentiment", "build_recommendations", "drop_old_batches", "train_sentiment", "tune_als"),
        "watch_sentiment",
    ]


def test_airflow_parses_the_six_dag_files_and_no_module_of_the_package_or_the_plugins() -> None:
    from airflow.utils.file import list_py_file_paths

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        # Without safe mode Airflow parses every file that .airflowignore does not name.
        found = list_py_file_paths(REPOSITORY / "dags", safe_mode=False)
    assert sorted(Path(file).relative_to(REPOSITORY / "dags").as_posix() for file in found) == [
        *("build_movie_sentiment.py", "build_recommendations.py"),
        *("drop_old_batches.py", "train_sentiment.py", "tune_als.py", "watch_sentiment.py"),
    ]


def test_no_dag_has_a_nul_character_which_airflows_database_refuses(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        text = json.dumps(DagSerialization.to_dict(dag))
        assert re.search(r"(?<!\\)\\u0000", text) is None


def test_tasks_run_in_the_written_order(dag: Any) -> None:
    assert {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} == UPSTREAM


def test_a_refused_model_costs_no_lists(dag: Any) -> None:
    gate = dag.get_task("decide_promotion")
    assert (gate.if_promoted, gate.if_refused) == ("recommend_top_n", "record_refusal")
    # All that makes, loads, checks or publishes lists waits for the gate, and runs on this one way alone.
    after_the_gate = {
        "recommend_top_n",
        "load_top_n",
        "validate_top_n",
        "export_tables",
        "build_publication",
        "publish",
    }
    assert gate.get_flat_relative_ids(upstream=False) == {*after_the_gate, "record_refusal"}
    assert dag.get_task("recommend_top_n").upstream_task_ids == {"decide_promotion"}
    assert dag.get_task("record_refusal").downstream_task_ids == set()
    assert {task.trigger_rule for task in dag.tasks if task.task_id in after_the_gate} == {"all_success"}


def test_one_run_at_a_time_nightly_and_without_catching_up(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert (dag.timetable.expression, str(dag.timetable.timezone)) == ("0 3 * * *", "UTC")
    assert dag.start_date is None


def test_the_documentation_is_the_runbook(dag: Any) -> None:
    for word in ("Purpose", "Rerun rule", "Triage"):
        assert word in dag.doc_md
    named = re.findall(r"`([a-z_*]+)`", dag.doc_md)
    for task in dag.tasks:
        assert any(fnmatch(task.task_id, name) for name in named), task.task_id


def test_every_task_retries_with_backoff_and_has_a_time_limit_and_explains_its_failure(dag: Any) -> None:
    for task in dag.tasks:
        assert (task.retries, task.retry_exponential_backoff) == (3, 2.0), task.task_id
        assert task.retry_delay == timedelta(seconds=20)
        assert task.max_retry_delay == timedelta(minutes=10)
        assert task.execution_timeout in (timedelta(minutes=10), timedelta(hours=2)), task.task_id
        assert [callback.__name__ for callback in task.on_failure_callback] == ["explain_failure"]


def test_hive_has_one_writer_at_a_time(dag: Any) -> None:
    in_pool = [task.task_id for task in dag.tasks if task.pool == "hive_writer"]
    assert sorted(in_pool) == sorted([*HIVE_TASKS, "wait_for_other_runs"])


def test_clearing_any_task_waits_for_the_runs_turn_again(dag: Any) -> None:
    assert [task.task_id for task in dag.tasks if task.is_setup] == ["wait_for_other_runs"]
    upstream = {setup.task_id for setup in dag.get_task("publish").get_upstreams_only_setups_and_teardowns()}
    assert upstream == {"wait_for_other_runs"}


def test_publish_announces_the_live_recommendations(dag: Any) -> None:
    assert {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets} == {
        "publish": ["live_recommendations"]
    }


def test_the_form_documents_each_parameter_and_has_the_defaults_of_the_jobs(dag: Any) -> None:
    assert {name: dag.params[name] for name in dag.params} == {
        "dataset": "movielens-embedded",
        "archive": None,
        "mapping": None,
        "source": None,
        "query": None,
        "since": None,
        "top_n": 100,
        "similar_n": 50,
        "rank": 64,
        "max_iter": 6,
        "reg_param": 0.3,
        "alpha": 1.0,
        "model_settings": {},
        "seed": 20261123,
    }
    for name in dag.params:
        assert dag.params.get_param(name).description, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset", "Netflix Prize"),
        ("dataset", "../x"),
        ("mapping", 3),
        ("source", "postgresql://me:word@host/db"),
        ("source", "s3://key:word@bucket/x"),
        ("query", 3),
        ("since", "a\nb"),
        ("top_n", 0),
        ("top_n", "many"),
        ("rank", 1.5),
        ("reg_param", -1),
        ("archive", 3),
    ],
)
def test_the_form_refuses_what_no_run_can_use(dag: Any, name: str, value: Any) -> None:
    from airflow.sdk.definitions.param import Param
    from airflow.sdk.exceptions import ParamValidationError

    param = dag.params.get_param(name)
    with pytest.raises(ParamValidationError):
        Param(value, **param.schema).resolve()


@pytest.mark.parametrize("task_id", PROGRAM_TASKS)
def test_a_program_task_runs_the_recorded_command(rendered: Any, task_id: str) -> None:
    task = rendered(task_id)
    commands = [task.argv, *getattr(task, "following", [])]
    assert_recorded(f"{task_id}.txt", "\n".join(as_lines(argv) for argv in commands))


@pytest.fixture
def submitted(rendered: Any, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that executes a Spark task and returns its command."""

    def submit(task_id: str, master: str) -> list[str]:
        commands: list[list[str]] = []
        hdfs = MemoryHdfs()
        task = rendered(task_id)

        def start(argv: list[str], **_: Any) -> SimpleNamespace:
            commands.append(argv)
            result = argv[argv.index("--result") + 1].removeprefix("hdfs://")
            for output, _ in task.outputs:
                hdfs.put(f"{result.rpartition('/')[0]}/{output}", task_id)
            hdfs.put(result, json.dumps({"written_to": result}))
            return SimpleNamespace(stdout=[], wait=lambda: 0)

        monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps({"conn_type": "spark", "host": master}))
        monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: hdfs)
        monkeypatch.setattr("marquee.cluster.yarn.kill_applications", lambda tag, log: [])
        monkeypatch.setattr("subprocess.Popen", start)
        final = f"/marquee/models/20261123T190000/{task_id}.json"
        assert task.execute(context) == {"written_to": final}
        assert hdfs.files() == {
            **{target: task_id for _, target in task.outputs},
            final: json.dumps({"written_to": final}),
        }
        (command,) = commands
        return command

    return submit


@pytest.mark.parametrize("task_id", SPARK_TASKS)
def test_a_spark_task_runs_the_recorded_command(submitted: Any, task_id: str) -> None:
    assert_recorded(f"{task_id}.txt", as_lines(submitted(task_id, "yarn")))


@pytest.mark.parametrize("master", ["local[*]", "spark://127.0.0.1:7077"])
def test_another_spark_master_needs_only_another_connection(submitted: Any, master: str) -> None:
    argv = submitted("train_als", master)
    assert argv[argv.index("--master") + 1] == master


@pytest.mark.parametrize("task_id", HIVE_TASKS)
def test_a_hive_task_runs_the_recorded_statements(rendered: Any, task_id: str) -> None:
    assert_recorded_statements(task_id, rendered(task_id))


def test_row_accounting_takes_the_counts_of_ingest_for_the_parts_of_the_data_set(rendered: Any) -> None:
    (sql,) = [sql for sql in rendered("load_warehouse").sql if "row_accounting PARTITION" in sql]
    assert "CAST(100004 AS BIGINT)" in sql
    assert "CAST(9066 AS BIGINT)" in sql
    assert "CAST(9125 AS BIGINT)" in sql
    assert "README.txt" not in sql
    assert re.findall(r"FROM marquee.staging_(\w+)", sql) == ["links", "movies", "ratings"]


def test_a_part_that_the_data_set_lacks_is_neither_cleaned_nor_loaded(rendered: Any) -> None:
    assert rendered("mr_clean_tags").source_file == ""
    assert rendered("mr_clean_links").source_file == "links.csv"
    loads = [sql for sql in rendered("load_warehouse").sql if sql.strip()]
    written = [table for sql in loads for table in re.findall(r"INSERT OVERWRITE TABLE marquee_attempt\.(\w+)", sql)]
    assert "links" in written
    assert not {"tags", "users"} & set(written)


def test_a_load_writes_beside_the_warehouse_and_never_into_it(rendered: Any) -> None:
    written = [
        name for sql in rendered("load_warehouse").sql for name in re.findall(r"INSERT OVERWRITE TABLE (\S+)", sql)
    ]
    assert len(written) == 11
    assert all(name.startswith("marquee_attempt.") for name in written)


def test_the_validations_lead_to_the_data_docs_of_their_batch(rendered: Any) -> None:
    for task_id in ("validate_warehouse", "validate_top_n"):
        task = rendered(task_id)
        (link,) = task.operator_extra_links
        address = "http://127.0.0.1:8080/data-docs/20261123T190000/index.html"
        assert (link.name, link.get_link(task, ti_key=None)) == ("Data docs", address)
