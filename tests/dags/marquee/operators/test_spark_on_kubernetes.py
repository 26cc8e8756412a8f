"""A Spark job on Kubernetes: what is submitted, which drivers are deleted, and what counts as success."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import AirflowException

BATCH = "20261123T190000"
MASTER = "k8s://https://127.0.0.1:16443"
DRIVER = "marquee-20261123t190000-train-als-2-0199-cafe"
EVERY_TRY = "marquee-spark:marquee-20261123t190000-train-als-*"
SUBMIT = "/venv/bin/spark-submit"


@pytest.fixture
def cluster(hdfs: Any, killed_tags: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a cluster that notes its commands, and whose spark-submit prints the lines of a test."""
    extra = {"deploy-mode": "cluster", "spark-binary": "spark-submit", "namespace": "marquee-spark"}
    connection = {"conn_type": "spark", "host": MASTER, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    double = SimpleNamespace(submitted=[], killed=[], lines=["\t exit code: 0"], during=lambda: None, kill_status=0)

    def start(argv: list[str], **_: Any) -> SimpleNamespace:
        double.submitted.append(argv)
        double.during()
        work = argv[argv.index("--result") + 1].removeprefix("hdfs://").rpartition("/")[0]
        for name in ("user_factors/part-0", "item_factors/part-0", "evaluation.json"):
            hdfs.put(f"{work}/{name}", "new")
        hdfs.put(f"{work}/train_als.json", json.dumps({"model": "new"}))
        return SimpleNamespace(stdout=double.lines, wait=lambda: 0, poll=lambda: None, kill=lambda: None)

    def kill(argv: list[str], **_: Any) -> SimpleNamespace:
        double.killed.append(argv)
        return SimpleNamespace(returncode=double.kill_status, stdout="", stderr="no such cluster")

    monkeypatch.setattr("subprocess.Popen", start)
    monkeypatch.setattr("subprocess.run", kill)
    return double


def option(argv: list[str], name: str) -> str:
    return argv[argv.index(name) + 1]


def test_a_job_is_submitted_in_cluster_mode_with_what_the_image_has(
    rendered: Any, context: dict[str, Any], cluster: Any, killed_tags: list[str]
) -> None:
    assert rendered("train_als").execute(context) == {"model": "new"}
    ((*argv,),) = cluster.submitted
    assert (argv[0], option(argv, "--master"), option(argv, "--deploy-mode")) == (SUBMIT, MASTER, "cluster")
    assert option(argv, "--properties-file") == "/instance/conf/spark/kubernetes.conf"
    assert "local:///opt/marquee/spark_jobs/train_als.py" in argv
    conf = [value for name, value in itertools.pairwise(argv) if name == "--conf"]
    assert {"spark.kubernetes.namespace=marquee-spark", f"spark.kubernetes.driver.pod.name={DRIVER}"} <= set(conf)
    # No path of this machine is handed to a pod.
    assert not [value for value in conf if "/venv/" in value]
    assert killed_tags == []


def test_drivers_of_earlier_tries_are_deleted_before_a_job_is_submitted(
    rendered: Any, context: dict[str, Any], cluster: Any
) -> None:
    cluster.during = lambda: killed.extend(cluster.killed)
    killed: list[list[str]] = []
    rendered("train_als").execute(context)
    assert killed == [[SUBMIT, "--master", MASTER, "--kill", EVERY_TRY]]


def test_a_job_that_is_stopped_takes_its_own_driver_along(
    rendered: Any, context: dict[str, Any], cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = rendered("train_als")

    def lines() -> Any:
        cluster.killed.clear()
        task.on_kill()
        yield "\t exit code: 0"

    cluster.lines = lines()
    with pytest.raises(Exception, match=r"another try|stopped|claim"):
        task.execute(context)
    assert cluster.killed == [[SUBMIT, "--master", MASTER, "--kill", f"marquee-spark:{DRIVER}"]]


@pytest.mark.parametrize("lines", [["\t exit code: 1"], [], ["the API server does not answer"]])
def test_a_driver_that_fails_or_whose_end_nobody_saw_fails_the_task(
    rendered: Any, context: dict[str, Any], cluster: Any, lines: list[str]
) -> None:
    cluster.lines = lines
    with pytest.raises(AirflowException, match="Kubernetes spark exit code is"):
        rendered("train_als").execute(context)


def test_a_cluster_that_deletes_nothing_is_named_in_the_log(
    rendered: Any, context: dict[str, Any], cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.kill_status = 1
    rendered("train_als").execute(context)
    assert "were not deleted: no such cluster" in capsys.readouterr().out
