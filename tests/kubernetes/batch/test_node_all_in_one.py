"""Everything on the node: the overlay comes up by itself, and its DAG publishes to the serving side's replicas.

It takes a node of 10 GiB that runs and has the images, and leaves there what it made; docs/kubernetes.md has the commands.
MARQUEE_TEST_ALL_IN_ONE=yes says that there is one. A second call publishes again, with requests meanwhile.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY

from ..load import Load
from ..platform import GATEWAY, NAMESPACE, Platform, until

pytestmark = pytest.mark.kubernetes

OVERLAY = REPOSITORY / "infra/deploy/kubernetes/overlays"
# The API is ready from the first publication on.
WORKLOADS = (
    *(
        f"statefulset/{name}"
        for name in ("postgres", "namenode", "datanode", "nodemanager", "mlflow", "airflow", "reviews")
    ),
    *(
        f"deployment/{name}"
        for name in ("resourcemanager", "jobhistory", "metastore", "hiveserver2", "accounts", "gateway")
    ),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return the node that runs, as it is."""
    if os.environ.get("MARQUEE_TEST_ALL_IN_ONE") != "yes":
        pytest.skip("it takes a node of 10 GiB that runs, and up to half an hour: MARQUEE_TEST_ALL_IN_ONE=yes")
    state = Path(os.environ.get("MARQUEE_STATE") or REPOSITORY / ".marquee").resolve()
    return Platform(tmp_path_factory.mktemp("all-in-one"), state)


def in_platform(node: Platform, pod: str, *words: str, container: str = "service") -> str:
    """Return what a command prints in a pod of the batch side, with the platform's environment."""
    words = ("python3", "-m", "infra.control", "exec", "--", *words)
    return node.kubectl("exec", pod, "-c", container, "--", *words)


def announced(node: Platform) -> dict[str, object]:
    """Return the last announcement, which is in HDFS."""
    folder = "/marquee/publications/live"
    lines = in_platform(node, "namenode-0", "hdfs", "dfs", "-ls", "-C", folder).split()
    return dict(json.loads(in_platform(node, "namenode-0", "hdfs", "dfs", "-cat", max(lines))))


def restarts(node: Platform) -> dict[str, int]:
    """Return how often each container of the namespace started again."""
    pods = json.loads(node.kubectl("get", "pods", "-o", "json"))["items"]
    return {
        f"{pod['metadata']['name']}/{status['name']}": status["restartCount"]
        for pod in pods
        for status in pod["status"].get("containerStatuses", ())
    }


def test_it_comes_up_by_itself_and_no_container_starts_twice(node: Platform) -> None:
    before = restarts(node)
    begun = time.monotonic()
    node.run("kubectl", "apply", "-f", str(OVERLAY / "minikube/namespace.yaml"))
    node.run("python3", "-m", "infra.deploy.kubernetes.secrets", NAMESPACE)
    applied = node.run("kubectl", "apply", "-k", str(OVERLAY / "all-in-one"))
    assert "would violate PodSecurity" not in applied.stderr
    for workload in WORKLOADS:
        node.kubectl("rollout", "status", workload, "--timeout=900s")
    print(f"up after {time.monotonic() - begun:.0f} s")
    assert {name: count for name, count in restarts(node).items() if count > before.get(name, 0)} == {}


def test_the_dag_publishes_to_every_replica_and_no_request_is_lost(node: Platform) -> None:
    serves = node.live_of_each_replica()
    begun = time.monotonic()
    # Before the first publication no list is there to ask for.
    with Load(GATEWAY, 2, 0.1) if all(serves.values()) else nullcontext(Load(GATEWAY)) as load:
        print(in_platform(node, "airflow-0", "python3", "-m", "infra.pipeline", "run", container="scheduler"))
        published = announced(node)
        print(f"the run took {time.monotonic() - begun:.0f} s, announcement {published}")
        live = partial(lambda name: set(node.live_of_each_replica().values()) == {name}, published["publication"])
        print(f"live on all replicas {until(live, 60, 'live everywhere'):.0f} s later")
    print(f"{len(load.seconds)} requests meanwhile, {len(load.lost)} lost, slowest {load.slowest:.2f} s")
    assert load.lost == []
    assert load.mixed == {}
    assert node.live_of_each_replica() != serves
    file = f"publications/{published['publication']}/publication.sqlite"
    stores = {("airflow-0", "scheduler"): "/instance/data/serving"}
    stores |= {(name, "publications"): "/store" for name in node.live_of_each_replica()}
    digests = {
        pod: node.kubectl("exec", pod, "-c", container, "--", "sha256sum", f"{store}/{file}").split()[0]
        for (pod, container), store in stores.items()
    }
    print("SHA-256", digests)
    assert len(set(digests.values())) == 1


def test_hdfs_has_three_of_each_block_and_every_application_of_yarn_succeeded(node: Platform) -> None:
    checked = in_platform(node, "namenode-0", "hdfs", "fsck", "/marquee")
    assert "is HEALTHY" in checked
    assert "Average block replication:\t3.0" in checked
    manager = f"/api/v1/namespaces/{NAMESPACE}/services/resourcemanager:http/proxy/ws/v1/cluster/apps"
    applications = json.loads(node.kubectl("get", "--raw", manager))["apps"]["app"]
    assert {row["applicationType"] for row in applications} == {"MAPREDUCE", "SPARK", "TEZ"}
    # Hive keeps its session's application.
    assert {(row["state"], row["finalStatus"]) for row in applications} <= {
        ("FINISHED", "SUCCEEDED"),
        ("RUNNING", "UNDEFINED"),
    }


def test_no_ended_container_of_yarn_is_left_in_the_table_of_processes(node: Platform) -> None:
    script = "for file in /proc/[0-9]*/stat; do read -r line <$file && echo $line; done 2>/dev/null"
    for pod, container in (("nodemanager-0", "service"), ("airflow-0", "scheduler")):
        lines = node.kubectl("exec", pod, "-c", container, "--", "bash", "-c", script).splitlines()
        assert lines
        assert [line for line in lines if line.rpartition(")")[2].split()[0] == "Z"] == []
