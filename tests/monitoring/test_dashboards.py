"""Tests that dashboards are complete and read only metrics that are exposed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from infra.monitoring.board.dashboards import FOLDER, VIEWS, Selector, load_dashboard, selectors
from infra.monitoring.exporter.sources.samples import CATALOGUE
from serving.publications.announcements.status_page import METRICS as FOLLOWER_METRICS
from serving.recommendations.answers import metrics
from serving.reviews.api import metrics as reviews_metrics
from serving.reviews.api import state_metrics
from serving.web import http_metrics
from tests.monitoring.conftest import REPOSITORY
from tests.monitoring.test_rules import rules

RECORDED = REPOSITORY / "tests" / "monitoring" / "recorded"


def exposed() -> set[str]:
    """Return the names of all metrics that the platform exposes.

    These are the metrics of the exporter, of the services, of followers, of recording rules and of Prometheus, and those
    recorded from Hadoop and Hive.
    """
    names = {"up", *CATALOGUE, *state_metrics.CATALOGUE, *(rule["record"] for rule in rules() if "record" in rule)}
    names |= {f"marquee_follower_{name}" for name, _, _ in FOLLOWER_METRICS}
    counted = (metric for module in (metrics, http_metrics, reviews_metrics) for metric in vars(module).values())
    for metric in counted:
        if isinstance(metric, (Counter, Gauge, Histogram)):
            (family,) = metric.describe()
            endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
            names |= {family.name + ending for ending in endings[family.type]}
    for file in RECORDED.glob("*.txt"):
        for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
            names |= {sample.name for sample in family.samples}
    return names


def document(view: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{view}.json").read_text(encoding="utf-8"))
    return loaded


def test_there_is_a_dashboard_for_each_view_and_no_other() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == sorted(VIEWS)
    assert len({document(view)["uid"] for view in VIEWS}) == len(VIEWS)


@pytest.mark.parametrize("view", VIEWS)
def test_a_dashboard_has_what_grafana_asks_for(view: str) -> None:
    found = document(view)
    assert found["uid"] == f"marquee-{view}"
    assert found["schemaVersion"] == 38
    assert [(variable["name"], variable["type"]) for variable in found["templating"]["list"]] == [
        ("datasource", "datasource")
    ]
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels = found["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["datasource"] == source
        assert panel["description"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)
        assert all(target["datasource"] == source for target in panel["targets"])


@pytest.mark.parametrize("view", VIEWS)
def test_every_metric_of_a_dashboard_is_exposed(view: str) -> None:
    read = {
        selector.metric
        for panel in load_dashboard(view).panels
        for query in panel.queries
        for selector in selectors(query.expression)
    }
    assert read
    assert read - exposed() == set()


def test_every_metric_of_a_rule_is_exposed() -> None:
    read = {selector.metric for rule in rules() for selector in selectors(rule["expr"])}
    assert read - exposed() == set()


def test_every_metric_of_the_exporter_and_of_the_reviews_service_is_looked_at() -> None:
    expressions = [
        query.expression for view in VIEWS for panel in load_dashboard(view).panels for query in panel.queries
    ]
    expressions += [rule["expr"] for rule in rules()]
    read = {selector.metric for text in expressions for selector in selectors(text)}
    assert {*CATALOGUE, *state_metrics.CATALOGUE} - read == set()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", ["up"]),
        ("time() - a:b_seconds > 2 * 1e9", ["a:b_seconds"]),
        ('sum by (job, le) (rate(x_bucket{route!~"/a|/b",le="0.1"}[5m])) or 0 * y', ["x_bucket", "y"]),
        ("a / ignoring (kind) b unless on () c offset 5m", ["a", "b", "c"]),
        ('topk(5, rate(calls{api="a{b}c"}[1h]))', ["calls"]),
        ("predict_linear(free[6h], 86400) < 0", ["free"]),
        ("max_over_time(used[6h:5m])", ["used"]),
    ],
)
def test_the_metrics_of_an_expression(expression: str, expected: list[str]) -> None:
    assert [selector.metric for selector in selectors(expression)] == expected


def test_a_selector_keeps_its_matchers_and_applies_them() -> None:
    (found,) = selectors('m{a="x",b=~"y|z",c!="q",d!~"w.*"}')
    assert found == Selector("m", (("a", "=", "x"), ("b", "=~", "y|z"), ("c", "!=", "q"), ("d", "!~", "w.*")))
    assert found.matches({"a": "x", "b": "z"})
    assert not found.matches({"a": "x", "b": "zz"})
    assert not found.matches({"a": "x", "b": "y", "c": "q"})
    assert not found.matches({"a": "x", "b": "y", "d": "wide"})
    assert not found.matches({"b": "y"})


NAMES = st.from_regex(r"[a-z]{2,8}_[a-z]{2,8}", fullmatch=True).filter(
    lambda name: name not in ("group_left", "group_right")
)


@given(st.lists(NAMES, min_size=1, max_size=4), st.text(alphabet='abc{}()[] "\\|', max_size=12))
def test_a_sum_of_metrics_reads_each_whatever_stands_in_a_matcher(names: list[str], value: str) -> None:
    expression = " + ".join(f"rate({name}{{l={json.dumps(value)}}}[5m])" for name in names)
    assert selectors(expression) == [Selector(name, (("l", "=", value),)) for name in names]
