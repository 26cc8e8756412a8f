"""On the node, after the days of the other files: what the serving side uses, at 20,000 users."""

from __future__ import annotations

import json
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from serving.publications.building.build import build_publication

from ..bench.generated_publication import write_exports
from ..serving.conftest import LINEAGE
from .conftest import IMAGES
from .containers import Container
from .platform import Platform, until

pytestmark = pytest.mark.kubernetes

USERS, ITEMS = 20_000, 100
PUBLICATION = "20261126T190000"
SCRIPT = Path(__file__).parents[1] / "bench/load.lua"
ROUNDS, SECONDS = 3, 5


def replicas(platform: Platform, count: int) -> None:
    """Let the API have so many replicas, and wait until each is ready."""
    patch = json.dumps({"spec": {"minReplicas": count}})
    platform.kubectl("patch", "horizontalpodautoscaler/recommendations", "-p", patch)
    platform.kubectl("scale", "statefulset/recommendations", f"--replicas={count}")
    until(lambda: len([v for v in platform.live_of_each_replica().values() if v]) == count, 90, f"{count} replicas")


@contextmanager
def one_replica_without_limits_of_rate(platform: Platform) -> Iterator[None]:
    """Let all ways lead to one replica, and the gateway take any number of requests from one address."""
    replicas(platform, 1)
    platform.kubectl("set", "env", "deployment/gateway", "MARQUEE_GATEWAY_RATE=1000000")
    platform.kubectl("rollout", "status", "deployment/gateway", "--timeout=90s")
    try:
        yield
    finally:
        platform.kubectl("set", "env", "deployment/gateway", "MARQUEE_GATEWAY_RATE-")
        platform.kubectl("rollout", "status", "deployment/gateway", "--timeout=90s")
        replicas(platform, 2)


def asked_for_seconds(platform: Platform, address: str) -> dict[str, float]:
    """Return wrk's figures for an address, asked from the node's network."""
    command = f"USERS={USERS} wrk -t1 -c16 -d{SECONDS}s -s {SCRIPT} http://{address}"
    figures: dict[str, float] = json.loads(platform.in_node(command).splitlines()[-1])
    assert figures["errors"] == figures["timeouts"] == 0, (address, figures)
    return figures


def address_of(platform: Platform, kind: str, name: str) -> str:
    """Return the address of a pod or a service inside the cluster."""
    field = {"pod": "{.status.podIP}", "service": "{.spec.clusterIP}"}[kind]
    return platform.kubectl("get", kind, name, "-o", f"jsonpath={field}").strip()


def test_sizes_of_images(platform: Platform) -> None:
    for name in IMAGES:
        size = platform.run("docker", "image", "inspect", "-f", "{{.Size}}", f"marquee-{name}:local").stdout
        platform.rows.append((f"image marquee-{name}", f"{int(size) / 1e6:.0f} MB"))


def test_time_from_start_to_ready(platform: Platform) -> None:
    until(lambda: len([v for v in platform.live_of_each_replica().values() if v]) == 2, 60, "two replicas")
    taken = []
    for _ in range(3):
        platform.kubectl("delete", "pod", "recommendations-1")
        until(lambda: len([v for v in platform.live_of_each_replica().values() if v]) == 2, 60, "replaced")
        platform.kubectl("wait", "--for=condition=Ready", "pod/recommendations-1", "--timeout=30s")
        pod = json.loads(platform.kubectl("get", "pod", "recommendations-1", "-o", "json"))["status"]
        at = {row["type"]: datetime.fromisoformat(row["lastTransitionTime"]) for row in pod["conditions"]}
        (api,) = pod["containerStatuses"]
        started = datetime.fromisoformat(api["state"]["running"]["startedAt"])
        taken.append(((at["Ready"] - started).seconds, (at["Ready"] - at["PodScheduled"]).seconds))
    text = ", ".join(f"{own} ({whole})" for own, whole in taken)
    platform.rows.append(("API: start to ready, s (from when the pod was scheduled)", text))
    assert min(own for own, _ in taken) <= 3


def test_memory_and_requests_a_second_at_twenty_thousand_users(platform: Platform) -> None:
    assert shutil.which("wrk"), "There is no wrk: apt-get install wrk."
    exports, built = platform.folder / "exports-of-many", platform.folder / "built-of-many"
    build_publication(write_exports(exports, USERS, ITEMS), LINEAGE, PUBLICATION, built)
    shutil.rmtree(exports)
    platform.publish_built(PUBLICATION, built)
    until(lambda: set(platform.live_of_each_replica().values()) == {PUBLICATION}, 120, "live everywhere")
    with one_replica_without_limits_of_rate(platform):
        ways = {
            "the pod": f"{address_of(platform, 'pod', 'recommendations-0')}:8000",
            "the service": f"{address_of(platform, 'service', 'recommendations')}:8000",
            "the gateway": f"{address_of(platform, 'service', 'gateway')}:80",
        }
        for address in ways.values():
            asked_for_seconds(platform, address)
        figures: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, address in ways.items():
                figures[name].append(asked_for_seconds(platform, address))
        for container in ("api", "publications"):
            mib = Container(platform, "recommendations-0", container).proportional_mib()
            platform.rows.append((f"{container} at {USERS} users, proportional set size", f"{mib:.0f} MiB"))
    medians = {
        name: statistics.median(row["requests"] / row["seconds"] for row in rows) for name, rows in figures.items()
    }
    for name, rows in figures.items():
        ratio = medians[name] / medians["the pod"]
        p99 = statistics.median(row["p99_ms"] for row in rows)
        platform.rows.append(
            (f"requests/s through {name}", f"{medians[name]:.0f}, {ratio:.2f} of the pod; p99 {p99:.1f} ms")
        )
    platform.rows.append(("size of that publication", f"{(built / 'publication.sqlite').stat().st_size / 1e6:.0f} MB"))
    platform.rows.append(("load of the machine", f"{os.getloadavg()[0]:.1f}"))
