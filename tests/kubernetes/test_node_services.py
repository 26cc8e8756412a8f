"""On the node, after the day of test_node.py: the reviews service with its model, and Prometheus over all pods."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from .conftest import under_load
from .platform import GATEWAY, Platform, until

pytestmark = pytest.mark.kubernetes

MODEL, NEXT_MODEL = "20261201T190000", "20261202T190000"


def asked(path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what the gateway answers, with its status."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(GATEWAY + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {"status": answer.status, **json.loads(answer.read())}
    except urllib.error.HTTPError as error:
        with error:
            return {**json.loads(error.read()), "status": error.code}


def queried(platform: Platform, query: str) -> dict[str, float]:
    """Return what Prometheus answers: values by job and pod."""
    address = "/api/v1/namespaces/marquee/services/prometheus:http/proxy/api/v1/query?query="
    answer = platform.kubectl("get", "--raw", address + urllib.request.quote(query), check=False)
    rows = json.loads(answer)["data"]["result"] if answer else []
    return {"/".join(filter(None, map(row["metric"].get, ("job", "pod")))): float(row["value"][1]) for row in rows}


def test_a_model_reaches_the_reviews_service_and_predictions_name_it(platform: Platform) -> None:
    assert asked("/v1/sentiment", {"text": "a wonderful film"})["status"] == 503
    platform.publish_model(MODEL)

    def predicts(publication: str) -> bool:
        found = asked("/v1/sentiment", {"text": "a wonderful film"})
        return found["status"] == 200 and found["label"] == "positive" and publication in json.dumps(found)

    taken = until(lambda: predicts(MODEL), 90, "predictions by the model")
    platform.rows.append(("a first sentiment model, until it predicts", f"{taken:.0f} s"))
    with under_load(platform, "a new sentiment model"):
        platform.publish_model(NEXT_MODEL)
        until(lambda: predicts(NEXT_MODEL), 90, "predictions by the next model")


def test_the_lists_series_is_not_touched_by_a_models(platform: Platform) -> None:
    assert MODEL not in platform.live_of_each_replica().values()


def test_prometheus_reads_both_ports_of_every_pod(platform: Platform) -> None:
    platform.kubectl("rollout", "status", "statefulset/prometheus", "--timeout=120s")
    wanted = {
        f"{name}/{pod['metadata']['name']}" for name in ("recommendations", "reviews") for pod in platform.pods(name)
    }
    wanted |= {row.replace("recommendations/", "followers/").replace("reviews/", "followers/") for row in wanted}

    def all_up() -> bool:
        up = queried(platform, "up")
        # A pod of a Deployment has its address for a name.
        others = [row for row in up if "accounts" in row or row.startswith("followers/")]
        return wanted <= set(up) and set(up.values()) == {1.0} and len(others) > len(wanted) / 2

    until(all_up, 90, "every target is up")
    rules = platform.kubectl("get", "--raw", "/api/v1/namespaces/marquee/services/prometheus:http/proxy/api/v1/rules")
    assert "FollowerBehind" in rules
    assert queried(platform, "marquee_follower_failing") != {}
