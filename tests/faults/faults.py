"""The faults: services that die or lose disk or network; and checks of recovery."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from infra.control.services import services
from infra.control.status import serves
from infra.control.supervisor import Supervisor
from tests.stack import Stack

Act = Callable[[Stack], None]


def wait_until(what: str, is_so: Callable[[], bool], seconds: float = 300, pause: float = 0.2) -> float:
    """Wait until a condition holds, and return how long it took.

    Raises AssertionError when `seconds` are over.
    """
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + seconds, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return time.monotonic() - began


def kill(*names: str) -> Act:
    """Return a `kill -9` of services' main processes. supervisord restarts them."""

    def act(stack: Stack) -> None:
        processes = Supervisor(stack.settings).processes()
        for name in names:
            os.kill(processes[name]["pid"], signal.SIGKILL)

    return act


def stop(name: str) -> Act:
    """Return a stop of a service, which does not restart by itself."""
    return lambda stack: Supervisor(stack.settings).stop(name)


def start(name: str) -> Act:
    return lambda stack: Supervisor(stack.settings).start(name)


def set_quota(folder: str) -> Act:
    """Return a quota on a folder of HDFS that is smaller than a block.

    Writers in that folder see a full disk.
    """

    def act(stack: Stack) -> None:
        stack.run("hdfs", "dfs", "-mkdir", "-p", folder)
        stack.run("hdfs", "dfsadmin", "-setSpaceQuota", "1m", folder)

    return act


def clear_quota(folder: str) -> Act:
    def act(stack: Stack) -> None:
        stack.run("hdfs", "dfsadmin", "-clrSpaceQuota", folder)

    return act


def fill_temporary_folder(stack: Stack) -> None:
    """Mount a file system of 64 KiB over the instance's temporary files. Needs root."""
    mount(stack.settings.instance / "tmp", "64k")


def free_temporary_folder(stack: Stack) -> None:
    subprocess.run(["umount", "--lazy", stack.settings.instance / "tmp"], check=True)


def mount(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "marquee-test", folder], check=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Yield a folder on a separate file system of this size. Needs root."""
    folder.mkdir()
    mount(folder, size)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def serve(stack: Stack, *names: str) -> bool:
    """Return whether services work, by the probe of `make status` and own reports."""
    rows = {service.name: service for service in services(stack.settings)}
    processes = Supervisor(stack.settings).processes()
    own_reports = {
        "namenode": lambda: left_safe_mode(stack),
        "nodemanager": lambda: running_nodes(stack) > 0,
        "airflow-scheduler": lambda: last_heartbeat(stack) > processes["airflow-scheduler"]["start"],
    }
    try:
        return all(
            processes[name]["statename"] in ("STARTING", "RUNNING")
            and serves(stack.settings, rows[name])
            and own_reports.get(name, lambda: True)()
            for name in names
        )
    except OSError:
        return False


def left_safe_mode(stack: Stack) -> bool:
    """Return whether the NameNode has left safe mode.

    A NameNode that has just started answers without the bean that reports it.
    """
    address = f"{stack.variables['MARQUEE_WEBHDFS_URL']}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"
    beans = stack.get(address)["beans"]
    return bool(beans) and not beans[0]["Safemode"]


def running_nodes(stack: Stack) -> int:
    metrics = stack.get(f"{stack.variables['MARQUEE_YARN_RM_URL']}/ws/v1/cluster/metrics")
    return int(metrics["clusterMetrics"]["activeNodes"])


def works_on_yarn(batch: str, task: str, containers: int) -> Callable[[Stack], bool]:
    """Return a check whether YARN runs this many containers for a task.

    The number includes the application master's container, if it has one.
    """
    query = f"states=RUNNING&applicationTags=marquee-{batch.lower()}-{task}"

    def looks(stack: Stack) -> bool:
        applications = stack.get(f"{stack.variables['MARQUEE_YARN_RM_URL']}/ws/v1/cluster/apps?{query}")["apps"] or {}
        return any(found["runningContainers"] >= containers for found in applications.get("app", []))

    return looks


def last_heartbeat(stack: Stack) -> float:
    """Return the time of the scheduler's last heartbeat.

    Airflow's report calls a scheduler healthy for half a minute after its death.
    """
    report = stack.get(f"{stack.variables['MARQUEE_AIRFLOW_URL']}/api/v2/monitor/health")
    return datetime.fromisoformat(report["scheduler"]["latest_scheduler_heartbeat"]).timestamp()


@contextmanager
def namespace(name: str, rate: str) -> Iterator[str]:
    """Create a network namespace whose only way out is a slow cable to this machine.

    This machine's loopback can be reached through the cable too. Yields the cable's name on this side, so that
    `ip link set NAME down` cuts it. Needs root.
    """
    cable, far = f"{name}a", f"{name}b"
    here, there = "10.231.7.1", "10.231.7.2"
    inside = ["ip", "netns", "exec", name]
    redirect = f"-i {cable} -p tcp -j DNAT --to-destination 127.0.0.1".split()
    up = [
        f"ip netns add {name}",
        f"ip link add {cable} type veth peer name {far} netns {name}",
        f"ip addr add {here}/30 dev {cable}",
        f"ip link set {cable} up",
        f"ip -n {name} addr add {there}/30 dev {far}",
        f"ip -n {name} link set {far} up",
        f"ip -n {name} link set lo up",
        f"tc qdisc add dev {cable} root tbf rate {rate} burst 32k latency 400ms",
        f"sysctl -qw net.ipv4.conf.{cable}.route_localnet=1",
    ]
    far_side = [
        "sysctl -qw net.ipv4.conf.all.route_localnet=1",
        f"iptables -t nat -A OUTPUT -d 127.0.0.0/8 -p tcp -j DNAT --to-destination {here}",
        f"iptables -t nat -A POSTROUTING -d {here} -j SNAT --to-source {there}",
    ]
    try:
        for command in up:
            subprocess.run(command.split(), check=True)
        subprocess.run(["iptables", "-t", "nat", "-I", "PREROUTING", *redirect], check=True)
        for command in far_side:
            subprocess.run([*inside, *command.split()], check=True)
        yield cable
    finally:
        subprocess.run(["iptables", "-t", "nat", "-D", "PREROUTING", *redirect], check=False)
        subprocess.run(["ip", "link", "del", cable], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)
