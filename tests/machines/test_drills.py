"""Workers come, go and are replaced, and machines are upgraded, on the cluster of `make test-cluster`. Each prints its seconds."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from infra.control.settings import REPOSITORY
from infra.deploy.machines.__main__ import add, remove, replace, upgrade
from infra.deploy.machines.playbooks import MachinesError, Playbooks

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

GATEWAY = "http://10.89.23.11:8090/v1/publication"
# Requests go past the proxy of downloads.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how many seconds a drill took."""
    started = time.monotonic()
    yield
    print(f"drill  {what}: {time.monotonic() - started:.0f} s", flush=True)


class Watcher(threading.Thread):
    """Asks the API ten times a second, and keeps the times of its answers and failures."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.answered, self.failed = 0, []  # type: int, list[float]
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.1):
            try:
                with DIRECTLY.open(GATEWAY, timeout=5) as answer:
                    answer.read()
                self.answered += 1
            except (urllib.error.URLError, OSError):
                self.failed.append(time.monotonic())

    def longest_gap(self) -> float:
        """Return the seconds of the longest series of failures."""
        longest, began = 0.0, 0.0
        for before, now in zip([0.0, *self.failed], self.failed, strict=False):
            began = now if now - before > 6 else began
            longest = max(longest, now - began)
        return longest


def on(machine: str, *command: str) -> str:
    """Return what a command printed on a machine, as root."""
    words = ["docker", "exec", f"marquee-machine-{machine}", *command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def fsck() -> str:
    script = "/opt/marquee/infra/deploy/machines/marquee_exec.sh"
    return on("head", script, "namenode", "hdfs", "fsck", "/")


@pytest.fixture(scope="module")
def with_a_third(cluster: Playbooks, tmp_path_factory: pytest.TempPathFactory) -> Playbooks:
    """Return the cluster's playbooks with an inventory that has one worker more."""
    inventory = yaml.safe_load(cluster.inventory.read_text(encoding="utf-8"))
    inventory["all"]["children"]["workers"]["hosts"]["worker3"] = {"ansible_host": "10.89.23.23"}
    file = tmp_path_factory.mktemp("inventories") / cluster.inventory.name
    file.write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
    return Playbooks(cluster.settings, file)


def test_the_last_worker_that_replicas_need_stays(cluster: Playbooks) -> None:
    with pytest.raises(MachinesError, match=r"remove\.yml failed"):
        remove(cluster, "worker2")
    assert on("worker2", "systemctl", "is-active", "marquee-datanode1").strip() == "active"


def test_a_worker_is_added_and_the_head_goes_on(with_a_third: Playbooks) -> None:
    show = ("systemctl", "show", "--property", "ActiveEnterTimestamp", "marquee-namenode", "marquee-resourcemanager")
    before = on("head", *show)
    with timed("a worker is added"):
        add(with_a_third, "worker3")
    assert on("head", *show) == before


def test_a_worker_is_taken_out_and_no_block_is_lost(with_a_third: Playbooks) -> None:
    with timed("a worker is taken out"):
        remove(with_a_third, "worker2")
    assert "is HEALTHY" in fsck()
    with pytest.raises(subprocess.CalledProcessError):
        on("worker2", "systemctl", "is-active", "marquee-datanode1")


def test_what_was_taken_out_comes_back(with_a_third: Playbooks) -> None:
    with timed("it comes back"):
        add(with_a_third, "worker2")


def test_a_dead_machine_is_replaced(with_a_third: Playbooks) -> None:
    subprocess.run(["docker", "rm", "--force", "--volumes", "marquee-machine-worker3"], check=True, capture_output=True)
    with timed("a dead machine is replaced, and has its replicas again"):
        replace(with_a_third, "worker3")
    assert "is HEALTHY" in fsck()


def test_a_dead_disk_is_replaced(with_a_third: Playbooks) -> None:
    on("worker1", "sh", "-c", "systemctl kill --signal=KILL marquee-datanode1; rm -rf /var/lib/marquee/marquee-hdfs")
    with timed("a dead disk is replaced, and has its replicas again"):
        replace(with_a_third, "worker1")
    assert "is HEALTHY" in fsck()


def test_machines_are_upgraded_in_turn_while_the_api_answers(with_a_third: Playbooks, tmp_path: Path) -> None:
    words = [
        "git",
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.org",
        "commit-tree",
        "HEAD^{tree}",
        "-m",
        "next",
    ]
    commit = subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.strip()

    class Next(Playbooks):
        def commit(self) -> str:
            return commit

    watcher = Watcher()
    watcher.start()
    with timed("machines are upgraded"):
        upgrade(Next(with_a_third.settings, with_a_third.inventory))
    watcher.done.set()
    watcher.join()
    print(
        f"drill  {watcher.answered} requests answered, {len(watcher.failed)} failed, "
        f"the longest gap {watcher.longest_gap():.1f} s",
        flush=True,
    )
    assert on("worker1", "ls", "/opt/marquee/.marquee/commits").split() == [commit]
    assert watcher.answered > 100
    # The only gateway and the only API restart on the edge.
    assert watcher.longest_gap() < 60
