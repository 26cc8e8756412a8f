"""Try a version on one replica of each StatefulSet before the others get it.

A version that is ready and then fails thus fails on one replica, while the others answer. Kubernetes calls the number below which
replicas keep their version a partition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from infra.deploy.kubernetes.cluster import Cluster, Object


def begin(cluster: Cluster, objects: Iterable[Object]) -> list[str]:
    """Give the last replica of each StatefulSet its new version.

    Returns the workloads of which this holds, such as `statefulset/recommendations`: those with two replicas or more.
    Raises ClusterError.
    """
    tried = []
    for found in objects:
        if found["kind"] != "StatefulSet":
            continue
        name = found["metadata"]["name"]
        present = cluster.get("statefulset", name) or {}
        replicas = int(present.get("status", {}).get("replicas", 0))
        if replicas > 1:
            cluster.apply([with_partition(found, replicas - 1)])
            tried.append(f"statefulset/{name}")
    return tried


def end(cluster: Cluster, workloads: Iterable[str]) -> None:
    """Let all replicas of each StatefulSet follow its template again.

    For an undo, once the template is the old one: an apply of the manifest does the same. Raises ClusterError.
    """
    patch = json.dumps({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    for workload in workloads:
        if workload.startswith("statefulset/"):
            cluster.ask("patch", workload, "-p", patch)


def with_partition(workload: Object, partition: int) -> Object:
    """Return a StatefulSet whose replicas below a number keep their version."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    return {**workload, "spec": {**workload["spec"], "updateStrategy": strategy}}
