"""On the node, after the day of test_node.py: what runs short. Disk, processor and memory of a replica, replicas, certificates."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.deploy.kubernetes.certificates import remarks
from infra.deploy.kubernetes.cluster import Cluster

from .conftest import under_load
from .containers import Container
from .platform import HERE, Platform, until
from .rendering import rendered
from .test_certificates import certificate

pytestmark = pytest.mark.kubernetes

FIFTH = "20261125T190000"
REPLICA = "recommendations-1"
PYTHON = "/opt/marquee/.marquee/software/serving-venv/bin/python"


def ready_replicas(platform: Platform) -> int:
    """Return how many replicas of the API are ready."""
    found = platform.kubectl("get", "statefulset/recommendations", "-o", "jsonpath={.status.readyReplicas}")
    return int(found or 0)


def volume_of(platform: Platform, pod: str) -> str:
    """Return the node's volume that a replica has."""
    return platform.kubectl("get", "pvc", f"store-{pod}", "-o", "jsonpath={.spec.volumeName}").strip()


@contextmanager
def without(platform: Platform, pod: str) -> Iterator[None]:
    """Take a replica away for the time of the block, and wait until it is back and ready.

    What is mounted while the kubelet holds the volume goes with its own mount.
    """
    platform.kubectl("cordon", "node1")
    try:
        platform.kubectl("delete", "pod", pod)
        yield
    finally:
        platform.kubectl("uncordon", "node1")
    until(
        lambda: f"pod/{pod}" in platform.kubectl("get", "pods", "-o", "name").split(), 60, "the replica is made again"
    )
    platform.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=90s")


@contextmanager
def small_volume(platform: Platform, pod: str) -> Iterator[str]:
    """Lay 16 MiB of memory over a replica's volume, so that filling it fills nothing else; yield its folder in the node."""
    volume = volume_of(platform, pod)
    folder = f"/srv/volumes/{volume}"
    with without(platform, pod):
        platform.in_node(
            f"mount -t tmpfs -o size=16m tmpfs {folder} && cp -a {platform.state}/kubernetes/run/volumes/{volume}/. {folder}/"
        )
    try:
        yield folder
    finally:
        with without(platform, pod):
            platform.in_node(f"umount {folder}")


def test_a_full_volume_keeps_what_it_has_and_follows_again_when_there_is_room(platform: Platform) -> None:
    with small_volume(platform, REPLICA) as folder:
        (old,) = set(platform.live_of_each_replica().values())
        with under_load(platform, "the volume of a replica is full") as load:
            platform.in_node(f"head -c 64M /dev/zero >{folder}/filler 2>/dev/null || df {folder}")
            platform.publish(FIFTH, 5)
            until(
                lambda: "marquee_follower_failing 1\n" in platform.in_pod(REPLICA, 9101, "/metrics"),
                60,
                "the follower says that it fails",
            )
            until(lambda: platform.live_of_each_replica()["recommendations-0"] == FIFTH, 60, "the other one follows")
            assert platform.live_of_each_replica()[REPLICA] == old
            platform.in_node(f"rm {folder}/filler")
            taken = until(lambda: set(platform.live_of_each_replica().values()) == {FIFTH}, 120, "follows again")
        assert set(load.publications) == {old, FIFTH}
        platform.rows.append(("  until it follows, after there is room", f"{taken:.0f} s"))
    until(lambda: set(platform.live_of_each_replica().values()) == {FIFTH}, 60, "its own volume has it too")


def test_a_pod_that_fills_its_folder_for_temporary_files_is_evicted_and_replaced(platform: Platform) -> None:
    before = platform.kubectl("get", "pod", REPLICA, "-o", "jsonpath={.metadata.uid}")
    # The kubelet gives an evicted pod one second.
    with under_load(platform, "/tmp of a replica outgrows its 64 MiB", allowed=20):
        platform.kubectl(
            "exec", REPLICA, "-c", "api", "--", "dd", "if=/dev/zero", "of=/tmp/filler", "bs=1M", "count=80"
        )
        until(
            lambda: platform.kubectl("get", "pod", REPLICA, "-o", "jsonpath={.metadata.uid}", check=False) != before,
            180,  # the kubelet adds up volumes once a minute
            "evicted",
        )
        until(lambda: ready_replicas(platform) == 2, 60, "replaced")
    events = platform.kubectl("get", "events", "--field-selector", f"reason=Evicted,involvedObject.name={REPLICA}")
    assert "exceeds the limit" in events


def test_a_replica_without_processor_time_answers_late_and_loses_no_request(platform: Platform) -> None:
    group = Container(platform, REPLICA, "api").cgroup("cpu")
    quota, period = group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us"
    before = quota.read_text(encoding="ascii"), period.read_text(encoding="ascii")
    # It may leave the service or not: a probe that is answered in 3 s now and then keeps it. Tighter probes would take every replica
    # away when the node itself is busy.
    with under_load(platform, "a replica gets .2 % of a core for 40 s"):
        quota.write_text("2000", encoding="ascii")
        period.write_text("1000000", encoding="ascii")
        try:
            time.sleep(40)
        finally:
            period.write_text(before[1], encoding="ascii")
            quota.write_text(before[0], encoding="ascii")
        until(lambda: ready_replicas(platform) == 2, 60, "both replicas are ready")
    assert Container(platform, REPLICA, "api").status()["restartCount"] == 0
    with under_load(platform, "  after that") as load:
        pass
    assert load.slowest < 5


def test_serving_goes_on_beside_a_neighbour_that_takes_every_core(platform: Platform) -> None:
    loops = "import os; [os.fork() for _ in range(4)]\nwhile True: pass"
    with under_load(platform, "a neighbour takes every core for 20 s"):
        platform.kubectl("apply", "-f", str(HERE / "busy.yaml"), namespace="outside")
        platform.kubectl("wait", "--for=condition=Ready", "pod/busy", "--timeout=60s", namespace="outside")
        platform.kubectl(
            "exec", "busy", "--", "timeout", "20", "python3", "-c", loops, namespace="outside", check=False
        )
        platform.kubectl("delete", "pod", "busy", "--grace-period=0", "--force", namespace="outside")


def test_the_memory_limit_ends_the_api_and_it_comes_back(platform: Platform) -> None:
    container = Container(platform, REPLICA, "api")
    assert container.status()["restartCount"] == 0
    # It asks the kernel to spare itself, so that the API is what the limit ends.
    hog = "open('/proc/self/oom_score_adj', 'w').write('0')\nheld = []\nwhile len(held) < 2000: held.append(b'x' * (1 << 20))"
    # What a killed process was answering is lost with it.
    with under_load(platform, "the memory limit ends a replica's API", allowed=20):
        platform.kubectl("exec", REPLICA, "-c", "api", "--", PYTHON, "-c", hog, check=False)
        until(lambda: container.status()["restartCount"] > 0, 60, "it starts again")
        taken = until(lambda: ready_replicas(platform) == 2, 60, "it is ready again")
    assert container.status()["lastState"]["terminated"]["reason"] == "OOMKilled"
    platform.rows.append(("  until it is ready again", f"{taken:.0f} s"))


def test_load_brings_six_replicas_and_less_load_two(platform: Platform) -> None:
    platform.kubectl("scale", "deployment/metrics-server", "--replicas=1", namespace="kube-system")
    try:
        with under_load(platform, "load brings 6 replicas"):
            up = until(lambda: ready_replicas(platform) == 6, 240, "six replicas are ready")
            # Each has an endpoint, and answers.
            time.sleep(10)
        with under_load(platform, "less load brings 2 again", clients=1, pause=1.0):
            down = until(lambda: len(platform.pods("recommendations")) == 2, 420, "two replicas are left")
    finally:
        platform.kubectl("scale", "deployment/metrics-server", "--replicas=0", namespace="kube-system")
    platform.rows.append(("  until 6 were ready, and until 2 were left", f"{up:.0f} s, {down:.0f} s"))
    claims = platform.kubectl("get", "pvc", "-o", "name")
    assert "store-recommendations-5" in claims, "a replica that comes back starts with what it had"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_server_accepts_the_environments_and_names_a_certificate_that_has_run_out(
    platform: Platform, environment: str
) -> None:
    namespace = f"marquee-{environment}"
    with platform.as_client():
        documents = rendered(environment)
    given = json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [o for o in documents if o["kind"] == "Namespace"]}
    )
    platform.kubectl("apply", "-f", "-", given=given)
    try:
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        said = platform.run("kubectl", "apply", "--dry-run=server", "-f", "-", given=given)
        assert said.stdout.count("(server dry run)") == len(documents)
        # A pod that the restricted standard refuses would be a warning here.
        assert "Warning" not in said.stderr
        for days, word in ((-1, "has run out"), (3, "runs out within 14 days"), (60, "")):
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "gateway-tls", "namespace": namespace},
                "data": {"tls.crt": base64.b64encode(certificate(days)).decode(), "tls.key": ""},
            }
            platform.kubectl("apply", "-f", "-", given=json.dumps(secret), namespace=namespace)
            with platform.as_client():
                found = remarks(Cluster(namespace), documents)
            assert [word in text for text in found] == ([True] if word else [])
    finally:
        platform.kubectl("delete", "namespace", namespace, "--wait=false")
