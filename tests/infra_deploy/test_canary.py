"""A version is tried on one replica of each StatefulSet first, and taken back from it where it fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.deploy.kubernetes import canary, deploy, watching
from infra.deploy.kubernetes.cluster import ClusterError


def workload(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "spec": {"template": {}}}


OBJECTS = [
    workload("StatefulSet", "recommendations"),
    workload("Deployment", "accounts"),
    workload("StatefulSet", "reviews"),
    workload("Deployment", "gateway"),
]


class Cluster:
    """A cluster with so many replicas of each StatefulSet; it notes what changes it."""

    def __init__(self, replicas: dict[str, int]) -> None:
        self.replicas, self.done = replicas, list[str]()

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        if name not in self.replicas:
            return None
        return {"status": {"replicas": self.replicas[name]}}

    def apply(self, objects: list[dict[str, Any]], *_: str) -> None:
        for found in objects:
            partition = found["spec"].get("updateStrategy", {}).get("rollingUpdate", {}).get("partition")
            self.done.append(f"apply {found['metadata']['name']} {partition}")

    def ask(self, *words: str, given: str = "") -> str:
        self.done.append(" ".join(words))
        return ""


def test_the_last_replica_alone_gets_the_new_version() -> None:
    cluster: Any = Cluster({"recommendations": 3, "reviews": 2})
    assert canary.begin(cluster, OBJECTS) == ["statefulset/recommendations", "statefulset/reviews"]
    assert cluster.done == ["apply recommendations 2", "apply reviews 1"]
    assert "updateStrategy" not in OBJECTS[0]["spec"], "the manifest stays as it is for the rollout"


@pytest.mark.parametrize("replicas", [{}, {"recommendations": 1, "reviews": 0}])
def test_where_no_other_replica_would_answer_nothing_is_tried(replicas: dict[str, int]) -> None:
    cluster: Any = Cluster(replicas)
    assert canary.begin(cluster, OBJECTS) == []
    assert cluster.done == []


class Deployment(deploy.Deployment):
    """A deployment to a cluster of these tests, from version 1 to version 2 of everything."""

    def __init__(self, cluster: Any) -> None:
        self.cluster, self.objects = cluster, OBJECTS
        self.timeout, self.watched, self.begun = "--timeout=1s", 7, 0.0

    def _revisions(self) -> dict[str, str]:
        tried = {word.split()[1] for word in self.cluster.done if word.startswith("apply")}
        return {name: "2" if name.partition("/")[2] in tried else "1" for name in deploy.WORKLOADS}

    def _nothing(self) -> None: ...

    _check = _prepare = _migrate = _smoke = _nothing

    def _replace_stuck_pods(self, name: str) -> None: ...


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the outcomes of the watches in their order: an error, or None."""
    outcomes: list[Any] = []

    def watch(cluster: Any, workloads: Any, *_: Any) -> None:
        cluster.done.append(f"watch {' '.join(workloads)}")
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(watching, "watch", watch)
    monkeypatch.setattr(watching, "restarts_of", lambda *_: {})
    return outcomes


def test_a_version_that_holds_on_one_replica_is_rolled_out_to_all(watches: list[Any]) -> None:
    watches.extend([None, None])
    cluster: Any = Cluster({"recommendations": 2, "reviews": 1})
    Deployment(cluster).run()
    assert cluster.done == [
        "apply recommendations 1",
        "rollout status statefulset/recommendations --timeout=1s",
        "watch statefulset/recommendations",
        *(f"apply {found['metadata']['name']} None" for found in OBJECTS),
        *(f"rollout status {name} --timeout=1s" for name in deploy.WORKLOADS),
        f"watch {' '.join(deploy.WORKLOADS)}",
    ]


def test_a_version_that_fails_on_one_replica_is_taken_back_and_reaches_no_other(watches: list[Any]) -> None:
    watches.append(ClusterError("recommendations-1 was ready, and then its container api ended (1 time)."))
    cluster: Any = Cluster({"recommendations": 2, "reviews": 1})
    with pytest.raises(ClusterError, match=r"ended \(1 time\)\. The version before serves again\.$"):
        Deployment(cluster).run()
    after = cluster.done[cluster.done.index("watch statefulset/recommendations") + 1 :]
    patch = json.dumps({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    # The old template first: with no partition the new one would reach all replicas.
    assert after == [
        "rollout undo statefulset/recommendations --to-revision=1",
        f"patch statefulset/recommendations -p {patch}",
        f"patch statefulset/reviews -p {patch}",
        *(f"rollout status {name} --timeout=1s" for name in deploy.WORKLOADS),
    ]
