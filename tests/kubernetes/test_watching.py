"""A version that was ready is watched: what restarts, and what no longer answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.deploy.kubernetes.cluster import ClusterError
from infra.deploy.kubernetes.watching import restarts_of, watch

READY = ("gateway", "/ready", '"ready"')


class Cluster:
    """A cluster whose pod api-0 has restarted so often at each look, and whose service answers so."""

    def __init__(self, restarts: list[int], answers: list[str | None]) -> None:
        self.restarts, self.answers = restarts, answers
        self.seconds = 0.0

    def ask(self, *words: str) -> str:
        assert words == ("get", "pods", "-l", "app.kubernetes.io/name in (api,web)", "-o", "json")
        count = self.restarts.pop(0) if len(self.restarts) > 1 else self.restarts[0]
        status = {"containerStatuses": [{"name": "api", "restartCount": count}]}
        return json.dumps(
            {
                "items": [
                    {"metadata": {"name": "api-0", "uid": "u"}, "status": status},
                    {"metadata": {"name": "web-1", "uid": "w"}, "status": {}},
                ]
            }
        )

    def service(self, name: str, path: str) -> str:
        assert (name, path) == READY[:2]
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise ClusterError("away")
        return answer

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def watched(cluster: Any, before: dict[tuple[str, str, str], int] | None = None) -> None:
    watch(
        cluster,
        ["statefulset/api", "deployment/web"],
        [READY],
        before or {},
        30,
        lambda: cluster.seconds,
        cluster.sleep,
    )


def test_a_version_that_goes_on_is_watched_to_the_end() -> None:
    cluster = Cluster([0], ['{"status":"ready"}'])
    watched(cluster)
    assert cluster.seconds == 30


def test_a_container_that_ends_after_it_was_ready_is_named() -> None:
    with pytest.raises(ClusterError, match=r"^api-0 was ready, and then its container api ended \(1 time\)\.$"):
        watched(Cluster([0, 0, 1], ['"ready"']))
    with pytest.raises(ClusterError, match=r"\(2 times\)"):
        watched(Cluster([2], ['"ready"']))


def test_restarts_of_before_the_rollout_do_not_count_unless_the_pod_is_another_one() -> None:
    watched(Cluster([3], ['"ready"']), {("api-0", "u", "api"): 3})
    with pytest.raises(ClusterError, match="ended"):
        watched(Cluster([3], ['"ready"']), {("api-0", "of the pod before", "api"): 3})


def test_three_answers_in_a_row_that_fail_are_a_fault_and_two_are_not() -> None:
    watched(Cluster([0], [None, "degraded", '"ready"', None, None, '"ready"']))
    with pytest.raises(
        ClusterError, match=r"^/ready was answered after the rollout, and then failed 3 times in a row\.$"
    ):
        watched(Cluster([0], ['"ready"', None, None, "degraded", '"ready"']))


def test_containers_that_start_first_count_too() -> None:
    class Sidecar(Cluster):
        def ask(self, *words: str) -> str:
            document = json.loads(super().ask(*words))
            document["items"][0]["status"] = {"initContainerStatuses": [{"name": "publications", "restartCount": 4}]}
            return json.dumps(document)

    cluster: Any = Sidecar([0], [""])
    assert restarts_of(cluster, ["statefulset/api", "deployment/web"]) == {("api-0", "u", "publications"): 4}
