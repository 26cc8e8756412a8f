"""The active NameNode and ResourceManager die in the middle of a run. `pytest -m cluster tests/machines/test_two_namenodes.py`."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from infra.control.settings import Settings
from infra.deploy.machines.__main__ import down, up
from infra.deploy.machines.playbooks import Playbooks
from tests.stack import BATCH_DATE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(5400)]

ADDRESSES = {"head": "10.89.23.10", "worker1": "10.89.23.21"}
EDGE = "10.89.23.11"
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def pair() -> Iterator[Playbooks]:
    """Yield a cluster with two NameNodes, set up, and remove its machines at the end."""
    # The machines of the other tests have the same names.
    down(Playbooks.of(Settings.load(), "containers"))
    machines = Playbooks.of(Settings.load(), "containers-ha")
    try:
        up(machines)
        yield machines
    finally:
        down(machines)


def ask(address: str, method: str = "GET") -> bytes:
    """Return an answer. Raises OSError for any other than 200."""
    with DIRECTLY.open(urllib.request.Request(address, method=method), timeout=5) as answer:
        found: bytes = answer.read()
    return found


def active(port: int) -> list[str]:
    """Return the machines whose NameNode (9870) or ResourceManager (8088) says that it is the active one."""
    found = []
    for name, address in ADDRESSES.items():
        try:
            ask(f"http://{address}:{port}/isActive")
        except (urllib.error.URLError, OSError):
            continue
        found.append(name)
    return found


def seconds_until_writes(began: float) -> float:
    """Return the seconds from `began` until HDFS takes a new folder, and shows it."""
    folder = f"http://{EDGE}:9870/webhdfs/v1/tmp/drill-{began:.3f}"
    while time.monotonic() - began < 180:
        try:
            ask(f"{folder}?op=MKDIRS&user.name=marquee", "PUT")
            ask(f"{folder}?op=GETFILESTATUS&user.name=marquee")
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
            continue
        return time.monotonic() - began
    raise AssertionError("HDFS takes no writes after 180 s")


def seconds_until_yarn(began: float) -> float:
    """Return the seconds from `began` until a ResourceManager answers with its nodes."""
    while time.monotonic() - began < 180:
        try:
            found = json.loads(ask(f"http://{EDGE}:8088/ws/v1/cluster/nodes?states=RUNNING"))
            # `nodes` is empty until the first worker has reported to the new one.
            nodes = (found["nodes"] or {}).get("node", [])
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(0.2)
            continue
        if len(nodes) == 2:
            return time.monotonic() - began
    raise AssertionError("YARN has not both workers after 180 s")


def kill(machine: str, *services: str) -> float:
    """Kill services of a machine by SIGKILL, and return the time."""
    began = time.monotonic()
    words = ["systemctl", "kill", "--signal=KILL", *(f"marquee-{service}" for service in services)]
    subprocess.run(["docker", "exec", f"marquee-machine-{machine}", *words], check=True)
    return began


def test_one_of_each_is_active(pair: Playbooks) -> None:
    assert active(9870) == active(8088) == ["head"] or (len(active(9870)), len(active(8088))) == (1, 1)


def test_a_run_survives_the_death_of_the_active_ones(pair: Playbooks) -> None:
    failed = []

    def run() -> None:
        try:
            pair.play("run.yml", "--extra-vars", f"run_words='--batch-date {BATCH_DATE}'")
        except Exception as error:  # noqa: BLE001 - the thread's failure is the test's
            failed.append(error)

    running = threading.Thread(target=run)
    running.start()
    # The run is in the middle of its jobs when YARN has an application.
    while not json.loads(ask(f"http://{EDGE}:8088/ws/v1/cluster/apps?states=RUNNING"))["apps"]:
        assert running.is_alive()
        time.sleep(1)
    time.sleep(20)
    namenode, manager = active(9870)[0], active(8088)[0]
    hdfs = seconds_until_writes(kill(namenode, "namenode"))
    print(f"drill  the NameNode of {namenode} killed: writes and reads after {hdfs:.1f} s", flush=True)
    time.sleep(20)
    yarn = seconds_until_yarn(kill(manager, "resourcemanager"))
    print(f"drill  the ResourceManager of {manager} killed: both workers after {yarn:.1f} s", flush=True)
    assert active(9870) != [namenode]
    running.join()
    assert failed == []


def test_a_dead_machine_is_taken_over_from(pair: Playbooks) -> None:
    if active(9870) != ["worker1"]:
        kill("head", "namenode")
        while active(9870) != ["worker1"]:
            time.sleep(1)
    began = time.monotonic()
    subprocess.run(["docker", "kill", "marquee-machine-worker1"], check=True, capture_output=True)
    seconds = seconds_until_writes(began)
    print(f"drill  the machine of the active NameNode switched off: writes and reads after {seconds:.1f} s", flush=True)
    assert active(9870) == ["head"]
