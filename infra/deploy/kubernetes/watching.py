"""Watch a version for a while after its rollout: it was ready, and must stay so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Final

from infra.deploy.kubernetes.cluster import Cluster, ClusterError

_PAUSE_SECONDS: Final = 2.0
# One answer may get lost on a busy cluster, and three in a row are a fault.
_FAILURES: Final = 3

# A service, an address, and a text that the answer holds.
Question = tuple[str, str, str]


def restarts_of(cluster: Cluster, workloads: Iterable[str]) -> dict[tuple[str, str, str], int]:
    """Return how often each container of the workloads' pods was started again.

    The keys are the pod's name and id, and the container's name. Raises ClusterError.
    """
    names = ",".join(workload.partition("/")[2] for workload in workloads)
    pods = json.loads(cluster.ask("get", "pods", "-l", f"app.kubernetes.io/name in ({names})", "-o", "json"))["items"]
    found = {}
    for pod in pods:
        status = pod["status"]
        for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            key = (pod["metadata"]["name"], pod["metadata"]["uid"], container["name"])
            found[key] = int(container["restartCount"])
    return found


def watch(
    cluster: Cluster,
    workloads: Iterable[str],
    questions: Iterable[Question],
    before: dict[tuple[str, str, str], int],
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return after so many seconds in which nothing failed.

    No container may end, and every question must be answered. `before` has the restarts of before the rollout: those of a
    new pod count from none. Raises ClusterError.
    """
    workloads, questions = list(workloads), list(questions)
    failures = dict.fromkeys(questions, 0)
    deadline = now() + seconds
    while now() < deadline:
        for (pod, uid, container), count in restarts_of(cluster, workloads).items():
            ended = count - before.get((pod, uid, container), 0)
            if ended > 0:
                raise ClusterError(
                    f"{pod} was ready, and then its container {container} ended ({ended} time{'s' * (ended > 1)})."
                )
        for question in questions:
            failures[question] = 0 if _answers(cluster, question) else failures[question] + 1
            if failures[question] == _FAILURES:
                raise ClusterError(
                    f"{question[1]} was answered after the rollout, and then failed {_FAILURES} times in a row."
                )
        sleep(_PAUSE_SECONDS)


def _answers(cluster: Cluster, question: Question) -> bool:
    service, path, text = question
    try:
        return text in cluster.service(service, path)
    except ClusterError:
        return False
