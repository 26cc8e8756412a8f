"""Test that a Spark job's output is published by the try that wrote it, and by no other."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from marquee import settings
from marquee.cluster.attempts import SupersededError

BATCH = "20261123T190000"
MODEL = f"/marquee/models/{BATCH}"
EARLIER = {f"{MODEL}/evaluation.json": "earlier", f"{MODEL}/train_als.json": "{}"}


@pytest.fixture
def submitted(hdfs: Any, killed_tags: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that lets spark-submit do what a test says; it gets the folder of the job's try."""
    for path, text in EARLIER.items():
        hdfs.put(path, text)
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps({"conn_type": "spark", "host": "yarn"}))

    def does(act: Any) -> None:
        def start(argv: list[str], **_: Any) -> SimpleNamespace:
            act(argv[argv.index("--result") + 1].removeprefix("hdfs://").rpartition("/")[0])
            return SimpleNamespace(stdout=[], wait=lambda: 0, poll=lambda: 0)

        monkeypatch.setattr("subprocess.Popen", start)

    return does


def trained(hdfs: Any, work: str, text: str) -> None:
    """Write what train_als writes, results that name its folder included."""
    for name in ("user_factors/part-0", "item_factors/part-0", "evaluation.json", "_checkpoints/x"):
        hdfs.put(f"{work}/{name}", text)
    hdfs.put(f"{work}/train_als.json", json.dumps({"evaluation": f"hdfs://{work}/evaluation.json", "model": text}))


def published(text: str) -> dict[str, str]:
    result = json.dumps({"evaluation": f"hdfs://{MODEL}/evaluation.json", "model": text})
    files = ("evaluation.json", "item_factors/part-0", "user_factors/part-0")
    return {f"{MODEL}/{name}": text for name in files} | {f"{MODEL}/train_als.json": result}


def test_a_training_replaces_the_model_and_its_result_names_where_it_is(
    rendered: Any, context: dict[str, Any], hdfs: Any, submitted: Any, killed_tags: list[str]
) -> None:
    submitted(lambda work: trained(hdfs, work, "new"))
    result = rendered("train_als").execute(context)
    assert result == {"evaluation": f"hdfs://{MODEL}/evaluation.json", "model": "new"}
    assert hdfs.files() == published("new")
    assert killed_tags == ["marquee-20261123t190000-train_als"]


def test_a_training_is_given_its_claim_which_a_stop_takes_from_it(
    rendered: Any, context: dict[str, Any], hdfs: Any, submitted: Any
) -> None:
    task = rendered("train_als")
    claim = task.application_args[task.application_args.index("--claim") + 1].removeprefix("hdfs://")

    def works(work: str) -> None:
        assert claim == work.replace("/work-", "/claim-")
        assert hdfs.status(claim)["type"] == "DIRECTORY"
        task.on_kill()
        assert hdfs.status(claim, strict=False) is None
        trained(hdfs, work, "late")

    submitted(works)
    with pytest.raises(SupersededError):
        task.execute(context)


def test_the_lists_of_a_batch_replace_its_partitions_all_at_once(
    rendered: Any, context: dict[str, Any], hdfs: Any, submitted: Any
) -> None:
    task = rendered("recommend_top_n")

    def recommend(work: str) -> None:
        for path, _ in task.outputs:
            hdfs.put(f"{work}/{path}/part-0", path)
        hdfs.put(
            f"{work}/recommend_top_n.json", json.dumps({"lists": f"hdfs://{work}/recommendations/batch_id={BATCH}"})
        )

    submitted(recommend)
    assert task.execute(context) == {"lists": f"hdfs:///marquee/warehouse/recommendations/batch_id={BATCH}"}
    tables = sorted(settings.TOP_N_TABLES)
    assert list(hdfs.files("/marquee/warehouse")) == [
        f"/marquee/warehouse/{table}/batch_id={BATCH}/part-0" for table in tables
    ]


def test_a_training_that_is_stopped_ends_its_own_application_and_publishes_nothing(
    rendered: Any, context: dict[str, Any], hdfs: Any, submitted: Any, killed_tags: list[str]
) -> None:
    task = rendered("train_als")

    def stopped(work: str) -> None:
        killed_tags.clear()
        task.on_kill()
        trained(hdfs, work, "late")

    submitted(stopped)
    with pytest.raises(SupersededError):
        task.execute(context)
    assert killed_tags == ["marquee-2-0199-cafe"]
    assert EARLIER.items() <= hdfs.files().items()
    assert f"{MODEL}/user_factors/part-0" not in hdfs.files()


def test_a_late_training_cannot_replace_the_model_of_the_next_try(
    rendered: Any, context: dict[str, Any], hdfs: Any, submitted: Any
) -> None:
    late, next_try = rendered("train_als"), rendered("train_als")
    next_try.attempt = "3-0200-beef"
    next_try.application_args = [text.replace("2-0199-cafe", "3-0200-beef") for text in late.application_args]

    def overtaken(work: str) -> None:
        submitted(lambda work: trained(hdfs, work, "of the next try"))
        next_try.execute(context)
        trained(hdfs, work, "late")

    submitted(overtaken)
    with pytest.raises(SupersededError):
        late.execute(context)
    assert {path: text for path, text in hdfs.files().items() if "_attempts" not in path} == published(
        "of the next try"
    )


def test_a_task_process_that_is_killed_takes_spark_submit_with_it(tmp_path: Path) -> None:
    pid_file, submit = tmp_path / "pid", tmp_path / "spark-submit"
    submit.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 60\n")
    submit.chmod(0o755)
    task = """
from marquee import tasks
task = tasks.spark_task("train_als", ())
task._get_hook().submit("train_als.py")
"""
    connection = {"conn_type": "spark", "host": "local[*]", "extra": {"spark-binary": "spark-submit"}}
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[4] / "dags"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "MARQUEE_PYTHON": str(tmp_path / "python"),
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(connection),
    }
    with subprocess.Popen([sys.executable, "-c", task], env=environment) as started:
        wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), started)
        pid = int(pid_file.read_text())
        started.kill()
    wait_until(lambda: not alive(pid))


def wait_until(is_so: Any, process: Any = None) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, "the task's process has ended"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(500_000, ("-XX:TieredStopAtLevel=1", "384m")), (500_001, ("-XX:+TieredCompilation", "2048m"))],
)
def test_jobs_of_many_ratings_are_compiled_and_have_memory_for_their_python_workers(
    rows: int, expected: tuple[str, str]
) -> None:
    class Ingested:
        def xcom_pull(self, task_ids: str) -> dict[str, Any]:
            assert task_ids == "ingest_movielens"
            return {"files": [{"role": "ratings", "rows": rows}, {"role": "movies", "rows": 10**9}]}

    assert tuple(jinja2.Template(str(text)).render(ti=Ingested()) for text in settings.BY_RATINGS) == expected
    assert settings.MEMORY_OF_LONG_JOBS == "2048m", "two cores of 832 MB, and 384 MB as ever"
