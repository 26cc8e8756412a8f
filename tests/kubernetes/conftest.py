"""The node of the drills, what it starts with, and the load under which they are done."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY

from .load import Load
from .platform import GATEWAY, HERE, Platform, until

IMAGES = ("serving", "accounts", "reviews", "gateway", "postgres", "prometheus")


def host_state() -> str:
    """Return what a node could leave on the machine: mounts, interfaces, rules, cgroups, processes, settings."""
    command = r"""
        awk '{print $5}' /proc/self/mountinfo | grep -E 'kubernetes|containerd/io|kubelet' | grep -v docker | sort
        ip -o link | cut -d' ' -f2 | grep -E '^(cni|node0|veth.*kube)' | sort
        iptables-save 2>/dev/null | grep -E 'KUBE|CNI' | sort
        find /sys/fs/cgroup -maxdepth 4 -type d \( -name 'marquee-node*' -o -name 'kubepods*' -o -name k8s.io \)
        cat /proc/sys/net/ipv4/ip_forward; hostname
        ls -d /var/lib/kubelet /var/lib/cni /var/log/pods /etc/cni /etc/kubernetes 2>/dev/null
        pgrep -af 'kubernetes/run/|kubenode' | grep -v pgrep
        ls /srv
    """
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Start a fresh node, import the images, and take all of it away at the end."""
    chosen = os.environ.get("MARQUEE_TEST_KUBERNETES")
    if chosen not in ("yes", "running"):
        pytest.skip("it starts a node as root: make test-kubernetes")
    state = Path(os.environ.get("MARQUEE_STATE") or REPOSITORY / ".marquee").resolve()
    platform = Platform(tmp_path_factory.mktemp("kubernetes"), state)
    if chosen == "running":
        # For work on these tests: the node stays, and so do its images.
        # A namespace is not deleted while a part of the API is away.
        platform.kubectl("scale", "deployment/metrics-server", "--replicas=1", namespace="kube-system")
        platform.kubectl("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=120s")
        platform.kubectl("delete", "namespace", "marquee", "outside", "--ignore-not-found")
        start_hdfs(platform)
        yield platform
        print_table(platform)
        return
    assert "does not run" in platform.node("status", check=False).stdout, "A node runs: make node-down CONFIRM=yes"
    platform.node("delete")
    before = host_state()
    begun = time.monotonic()
    try:
        print(platform.node("up").stdout)
        platform.rows.append(("node up, a new one", f"{time.monotonic() - begun:.0f} s"))
        import_images(platform)
        start_hdfs(platform)
        yield platform
    finally:
        print(platform.kubectl("get", "pods", "-o", "wide", check=False))
        begun = time.monotonic()
        platform.node("delete", check=False)
        platform.rows.append(("node down", f"{time.monotonic() - begun:.0f} s"))
        print_table(platform)
    assert host_state() == before


def print_table(platform: Platform) -> None:
    """Print what each drill took and lost."""
    width = max((len(name) for name, _ in platform.rows), default=0)
    print("\n" + "\n".join(f"{name:<{width}}  {result}" for name, result in platform.rows))


def start_hdfs(platform: Platform) -> None:
    """Start the stand-in for HDFS."""
    platform.run("kubectl", "apply", "-f", str(HERE / "hdfs.yaml"))
    program = f"--from-file={HERE / 'web_hdfs.py'}"
    platform.kubectl("create", "configmap", "web-hdfs", program, namespace="outside")
    platform.kubectl("rollout", "status", "deployment/namenode", "--timeout=120s", namespace="outside")
    # kube-proxy leads to a new pod a moment after it is ready.
    until(platform.hdfs_answers, 60, "HDFS answers on its port of the node")
    # Without figures the autoscalers keep their minimum, so that each drill finds two replicas. One drill is about them.
    platform.kubectl("scale", "deployment/metrics-server", "--replicas=0", namespace="kube-system")


def import_images(platform: Platform) -> None:
    """Bring the images that docker has to the node.

    These are version local, the same as next, one whose program is missing, and one whose API ends a while after it was ready.
    """
    docker = "docker"
    for name in IMAGES:
        platform.run(docker, "tag", f"marquee-{name}:local", f"marquee-{name}:next")
        platform.run(docker, "tag", "marquee-postgres:local", "marquee-serving:broken")
        if name != "serving":
            platform.run(docker, "tag", f"marquee-{name}:local", f"marquee-{name}:broken")
        if name != "serving":
            platform.run(docker, "tag", f"marquee-{name}:local", f"marquee-{name}:failing")
    make_failing_image(platform, docker)
    file = platform.folder / "images.tar"
    tags = [f"marquee-{name}:{tag}" for name in IMAGES for tag in ("local", "next", "broken", "failing")]
    platform.run(docker, "save", "-o", str(file), *tags)
    platform.run(docker, "rmi", *[tag for tag in tags if not tag.endswith(":local")])
    platform.node("import", str(file))
    file.unlink()


def make_failing_image(platform: Platform, docker: str) -> None:
    """Make the API's version `failing`: its server serves, and ends with an error after 40 s."""
    program = (REPOSITORY / "serving/recommendations/server.py").read_text(encoding="utf-8")
    begin = 'if __name__ == "__main__":\n'
    assert begin in program
    ending = "    import threading\n    threading.Timer(40, os._exit, [1]).start()\n"
    file = platform.folder / "server.py"
    file.write_text(program.replace(begin, begin + ending), encoding="utf-8")
    file.chmod(0o644)
    container = platform.run(docker, "create", "marquee-serving:local", "true").stdout.strip()
    platform.run(docker, "cp", str(file), f"{container}:/opt/marquee/serving/recommendations/server.py")
    platform.run(docker, "commit", container, "marquee-serving:failing")
    platform.run(docker, "rm", container)


@contextmanager
def under_load(
    platform: Platform, drill: str, allowed: int = 0, tail: float = 5.0, clients: int = 4, pause: float = 0.02
) -> Iterator[Load]:
    """Ask without a pause while a drill is done and a while after, and note what was lost."""
    begun = time.monotonic()
    load = Load(GATEWAY, clients, pause)
    try:
        with load:
            time.sleep(2)
            yield load
            time.sleep(tail)
    finally:
        # Of a drill that fails too: what was lost until then is worth knowing.
        result = f"{len(load.seconds)} requests, {len(load.lost)} lost, slowest {load.slowest:.2f} s"
        platform.rows.append((drill, f"{time.monotonic() - begun:.0f} s, {result}"))
        print(drill, result, load.lost[:5], flush=True)
    assert len(load.lost) <= allowed, load.lost[:10]
    assert load.mixed == {}
