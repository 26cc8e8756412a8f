"""Tests that build the images, start docker-compose.yml and run the DAG on it."""

import json
import os
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack import BATCH, BATCH_DATE, run_and_show

pytestmark = [pytest.mark.compose, pytest.mark.timeout(5400)]

# Separate published ports, so that the test can run at the same time as a demo.
PORTS = {
    name: 20_000 + number
    for name, number in {
        "GATEWAY": 8090,
        "AIRFLOW": 8080,
        "MLFLOW": 5000,
        "NAMENODE_HTTP": 9870,
        "RESOURCEMANAGER_HTTP": 8088,
        "JOBHISTORY_HTTP": 19888,
        "HIVESERVER2_HTTP": 10002,
        "EXPORTER": 9095,
        "PROMETHEUS": 9090,
    }.items()
}
ENVIRONMENT = os.environ | {
    "COMPOSE_PROFILES": "monitoring",
    **{f"MARQUEE_{name}_PORT": str(number) for name, number in PORTS.items()},
}


def compose(*arguments: str) -> str:
    """Run docker compose on a separate project, print its output, and return it."""
    command = ["docker", "compose", "--project-name", "marquee-test", "--progress", "plain", *arguments]
    return run_and_show(command, ENVIRONMENT)


def on_platform(*command: str) -> str:
    """Run a command in the scheduler's container, with the platform's environment."""
    control = ("python3", "-m", "infra.control", "exec", "--")
    return compose("exec", "--no-TTY", "airflow-scheduler", *control, *command)


def get(service: str, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORTS[service]}{path}", timeout=60) as answer:
        return json.load(answer)


def blocks_by_datanode() -> dict[str, int]:
    beans = get("NAMENODE_HTTP", "/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo")["beans"]
    return {name: node["numBlocks"] for name, node in json.loads(beans[0]["LiveNodes"]).items()}


@pytest.fixture(scope="module", autouse=True)
def first_run() -> Iterator[str]:
    """Yield the output of the first run of the pipeline.

    The containers start without data and are removed at the end.
    """
    started = time.monotonic()
    compose("down", "--volumes", "--timeout", "20")
    compose("build")
    print(f"compose  built after {time.monotonic() - started:.0f} s", flush=True)
    started = time.monotonic()
    try:
        compose("up", "--detach", "--wait")
        print(f"compose  all containers healthy after {time.monotonic() - started:.0f} s", flush=True)
        yield on_platform("python3", "-m", "infra.pipeline", "run", "--batch-date", BATCH_DATE)
    finally:
        compose("logs", "--no-color", "--tail", "5")
        compose("down", "--volumes", "--timeout", "20")


def test_the_gateway_serves_what_the_run_published() -> None:
    assert get("GATEWAY", "/v1/publication")["publication"] == BATCH
    recommended = get("GATEWAY", "/v1/users/1/recommendations?limit=5")
    assert recommended["publication"] == BATCH
    assert recommended["policy"] == "personalised"
    assert len(recommended["items"]) == 5


def test_both_replicas_of_the_api_serve_the_publication() -> None:
    question = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/v1/publication').read().decode())"
    for replica in ("1", "2"):
        answer = compose("exec", "--no-TTY", "--index", replica, "recommendations", "python3", "-c", question)
        assert json.loads(answer)["publication"] == BATCH


def test_blocks_lie_on_all_four_datanodes() -> None:
    blocks = blocks_by_datanode()
    print(f"compose  blocks by DataNode: {blocks}")
    assert len(blocks) == 4
    assert all(number > 0 for number in blocks.values())


def test_map_tasks_run_on_both_nodemanagers() -> None:
    """The run's own jobs fit into their application masters.

    This job's maps need more memory than one node has.
    """
    on_platform(
        *("python", "mr_jobs/mr_clean_ratings.py", "-r", "hadoop", "--no-output"),
        *("--layout", "csv", "--encoding", "utf-8", "--output-dir", "hdfs:///tmp/shared-work"),
        *("-D", "mapreduce.job.ubertask.enable=false", "-D", "mapreduce.job.maps=12"),
        f"hdfs:///marquee/raw/movielens-embedded/{BATCH}/ratings.csv",
    )
    history = "/ws/v1/history/mapreduce/jobs"
    job = max(get("JOBHISTORY_HTTP", history)["jobs"]["job"], key=lambda job: int(job["mapsCompleted"]))
    nodes: Counter[str] = Counter()
    for task in get("JOBHISTORY_HTTP", f"{history}/{job['id']}/tasks?type=m")["tasks"]["task"]:
        path = f"{history}/{job['id']}/tasks/{task['id']}/attempts"
        for attempt in get("JOBHISTORY_HTTP", path)["taskAttempts"]["taskAttempt"]:
            nodes[attempt["nodeHttpAddress"].partition(":")[0]] += 1
    print(f"compose  map tasks by NodeManager: {nodes}")
    managers = get("RESOURCEMANAGER_HTTP", "/ws/v1/cluster/nodes")["nodes"]["node"]
    assert len(managers) == 2
    assert set(nodes) == {node["nodeHostName"] for node in managers}


def test_prometheus_finds_and_reads_every_service_and_all_replicas() -> None:
    targets = get("PROMETHEUS", "/api/v1/targets")["data"]["activeTargets"]
    labels = [target["labels"] for target in targets]
    found = Counter(label.get("service", label["job"]) for label in labels)
    assert found == {
        **dict.fromkeys(
            ("prometheus", "platform", "accounts", "reviews", "namenode", "resourcemanager", "jobhistory"), 1
        ),
        **dict.fromkeys(("metastore", "hiveserver2"), 1),
        "recommendations": 2,
        "nodemanager": 2,
        "datanode": 4,
    }
    assert {target["scrapeUrl"]: target["lastError"] for target in targets if target["health"] != "up"} == {}


def test_prometheus_sees_every_service_serve_and_has_no_alert_of_one_that_is_down() -> None:
    """On a busy machine a probe may fail once.

    The alert is then pending until the next probe. If a service is missing, the alert stays.
    """

    def by_service(expression: str) -> dict[str, str]:
        answer = get("PROMETHEUS", f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        return {found["metric"]["service"]: found["value"][1] for found in answer["data"]["result"]}

    names = "postgres namenode datanode1 resourcemanager nodemanager jobhistory metastore hiveserver2 mlflow"
    names += " airflow-api-server recommendations accounts reviews gateway"
    expected: tuple[dict[str, str], dict[str, str]] = (dict.fromkeys(names.split(), "1"), {})
    deadline = time.monotonic() + 300
    found = None
    while found != expected and time.monotonic() < deadline:
        time.sleep(5 if found else 0)
        found = (by_service("marquee_service_up"), by_service('ALERTS{alertname="ServiceDown"}'))
    assert found == expected


def test_a_fifth_datanode_joins_by_one_command() -> None:
    compose("up", "--detach", "--wait", "--no-recreate", "--scale", "datanode=5", "datanode")
    deadline = time.monotonic() + 120
    while len(blocks_by_datanode()) < 5 and time.monotonic() < deadline:
        time.sleep(2)
    assert len(blocks_by_datanode()) == 5
