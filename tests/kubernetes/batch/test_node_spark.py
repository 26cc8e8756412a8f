"""Spark's jobs as pods of the node make the model and the lists that YARN makes, byte by byte.

It looks at an instance whose DAG has run with MARQUEE_SPARK_MASTER=k8s://..., and runs the same jobs on YARN; docs/kubernetes.md has
the commands. MARQUEE_TEST_KUBERNETES=running and MARQUEE_TEST_SPARK_INSTANCE=FOLDER say where.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from infra.control.settings import REPOSITORY

from ..platform import Platform

pytestmark = pytest.mark.kubernetes

OTHER = "/marquee/made-on-yarn"
TABLES = (
    *("recommendations", "discoveries", "similar_movies", "popular_movies"),
    *("movie_factors", "movie_neighbours", "discovery_prices"),
)


class Instance:
    """A platform of this machine whose HDFS, metastore and MLflow the pods reach."""

    def __init__(self, folder: Path) -> None:
        # Without the shell's own variables, as the platform's programs run: OPENBLAS_CORETYPE, for one, changes the last bits.
        command = ["env", "-i", f"PATH={os.environ['PATH']}", "bash", "-ec", f". {folder}/env.sh; env -0"]
        rows = subprocess.check_output(command, text=True).split("\0")
        self.variables = dict(row.split("=", 1) for row in rows if "=" in row)

    def web_hdfs(self, path: str, operation: str) -> bytes:
        """Return what WebHDFS answers."""
        address = f"{self.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{path}?op={operation}&user.name=root"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return bytes(answer.read())

    def names(self, path: str) -> list[str]:
        """Return the names in a folder of HDFS."""
        found = json.loads(self.web_hdfs(path, "LISTSTATUS"))["FileStatuses"]["FileStatus"]
        return sorted(row["pathSuffix"] for row in found)

    @cached_property
    def batch(self) -> str:
        """Return the newest batch with a model."""
        return self.names("/marquee/models")[-1]

    def result(self, path: str) -> dict[str, Any]:
        """Return the result that a job wrote."""
        return dict(json.loads(self.web_hdfs(path, "OPEN")))

    def on_yarn(self, job: str, *arguments: str) -> dict[str, Any]:
        """Run a job of the batch on YARN, and return its result."""
        result = f"{OTHER}/{job}.json"
        command = [
            *("spark-submit", "--master", "yarn", f"{REPOSITORY}/spark_jobs/{job}.py", "--batch-id", self.batch),
            *("--tracking-uri", self.variables["MARQUEE_MLFLOW_URL"], "--result", f"hdfs://{result}", *arguments),
        ]
        ended = subprocess.run(command, env=self.variables, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-3000:]
        return self.result(result)


@pytest.fixture(scope="module")
def instance() -> Instance:
    folder = os.environ.get("MARQUEE_TEST_SPARK_INSTANCE")
    if not folder:
        pytest.skip("it looks at an instance whose DAG ran on Kubernetes: MARQUEE_TEST_SPARK_INSTANCE=FOLDER")
    return Instance(Path(folder))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return the node that runs, as it is."""
    state = Path(os.environ.get("MARQUEE_STATE") or REPOSITORY / ".marquee").resolve()
    return Platform(tmp_path_factory.mktemp("spark"), state)


def test_the_jobs_of_the_batch_were_pods_and_their_executors_are_gone(instance: Instance, node: Platform) -> None:
    pods = json.loads(node.kubectl("get", "pods", "-o", "json", namespace="marquee-spark"))["items"]
    drivers = {
        pod["metadata"]["name"]: pod["status"]["phase"]
        for pod in pods
        if pod["metadata"]["labels"]["spark-role"] == "driver"
    }
    for job in ("train-als", "recommend-top-n"):
        (phase,) = [p for name, p in drivers.items() if name.startswith(f"marquee-{instance.batch.lower()}-{job}-")]
        assert phase == "Succeeded"
    assert not [pod for pod in pods if pod["metadata"]["labels"]["spark-role"] == "executor"]


def test_the_model_has_the_same_bytes_as_on_yarn(instance: Instance) -> None:
    here = instance.result(f"/marquee/models/{instance.batch}/train_als.json")
    there = instance.on_yarn(
        "train_als", "--model-path", f"hdfs://{OTHER}", "--model-name", "made-on-yarn", "--experiment", "made-on-yarn"
    )
    print("train_als on Kubernetes", here["seconds"], "s, on YARN", there["seconds"], "s,", here["factors_sha256"])
    assert here["factors_sha256"] == there["factors_sha256"]
    assert here["metrics"] == there["metrics"]


def test_the_lists_have_the_same_bytes_as_on_yarn(instance: Instance) -> None:
    trained = instance.result(f"/marquee/models/{instance.batch}/train_als.json")
    here = instance.result(f"/marquee/models/{instance.batch}/recommend_top_n.json")
    there = instance.on_yarn(
        *("recommend_top_n", "--model-version", str(trained["model_version"]), "--warehouse", f"hdfs://{OTHER}"),
        # As the DAG gives them.
        *("--top-n", "100", "--similar-n", "50"),
    )
    print("recommend_top_n on Kubernetes", here["seconds"], "s, on YARN", there["seconds"], "s")
    assert here["rows"] == there["rows"]
    for table in TABLES:
        partition = f"{table}/batch_id={instance.batch}"
        files = instance.names(f"/marquee/warehouse/{partition}")
        assert files
        assert files == instance.names(f"{OTHER}/{partition}")
        for name in files:
            first, second = (
                instance.web_hdfs(f"{f}/{partition}/{name}", "OPEN") for f in ("/marquee/warehouse", OTHER)
            )
            assert first == second, f"{table}/{name}"
