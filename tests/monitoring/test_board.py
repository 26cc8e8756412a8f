"""Tests of the page of the five views, with Prometheus and without it."""

from __future__ import annotations

import math
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from infra.monitoring.board import board
from infra.monitoring.exporter import application
from infra.monitoring.exporter.application import create_app
from infra.monitoring.exporter.sources.postgres import read_postgres
from infra.monitoring.exporter.sources.samples import CATALOGUE
from tests.monitoring.conftest import Platform


@pytest.fixture
def client(platform: Platform, tmp_path: Any, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of the exporter over the double, PostgreSQL and real folders.

    The double is Prometheus too, which does not answer until a test says so.
    """
    monkeypatch.setattr(application, "read_postgres", lambda *_: read_postgres(postgresql, 5432, "postgres", ""))
    (tmp_path / "data" / "serving").mkdir(parents=True)
    settings = {
        "MARQUEE_INSTANCE_DIR": str(tmp_path),
        "MARQUEE_AIRFLOW_URL": platform.url,
        "MARQUEE_AIRFLOW_USER": "admin",
        "MARQUEE_AIRFLOW_PASSWORD": "secret",
        "MARQUEE_POSTGRES_HOST": "127.0.0.1",
        "MARQUEE_POSTGRES_PORT": "1",
        "MARQUEE_POSTGRES_PASSWORD": "secret",
        "MARQUEE_API_URL": platform.url,
        "MARQUEE_WEBHDFS_URL": platform.url,
        "MARQUEE_DATANODES": "4",
        "MARQUEE_NODEMANAGERS": "2",
        "MARQUEE_APIS": "2",
        "MARQUEE_YARN_RM_URL": platform.url,
        "MARQUEE_MLFLOW_URL": platform.url,
        "TMPDIR": str(tmp_path),
        "MARQUEE_PUBLICATION_STORE": str(tmp_path / "data" / "serving"),
        "MARQUEE_PROBES": f"mlflow={platform.url}/health gateway={platform.url}/health",
        "MARQUEE_PROMETHEUS_URL": platform.url,
    }
    return create_app(settings).test_client()


class Page(HTMLParser):
    """A page's text, links and elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.attributes.append((tag, found))
        self.addresses += [str(found[name]) for name in ("href", "src") if name in found]

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_the_metrics_page_exposes_the_whole_catalogue(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert set(families) == set(CATALOGUE)
    assert {sample.labels["source"]: sample.value for sample in families["marquee_source_up"].samples} == dict.fromkeys(
        ("airflow", "publication", "hdfs", "yarn", "postgres", "mlflow", "disks", "services"), 1.0
    )


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("", "service_up mlflow yes"),
        ("platform", "service_up mlflow yes"),
        ("pipeline", "batch_quarantine_ratio live 0.5 %"),
        ("recommendations", "model_metric candidate ndcg_at_10 0.2"),
        ("serving", "service_up gateway yes"),
        ("reviews", "model_version marquee-sentiment latest 10"),
    ],
)
def test_without_prometheus_the_page_shows_the_current_values_and_says_so(
    client: FlaskClient, view: str, expected: str
) -> None:
    text = Page(client.get(f"/{view}").text).text
    assert "Prometheus does not answer" in text
    assert expected in text


def test_a_panel_that_needs_prometheus_says_so(client: FlaskClient) -> None:
    assert (
        "Lists answered Each second, by policy. Only Prometheus knows this."
        in Page(client.get("/recommendations").text).text
    )


def with_prometheus(platform: Platform, alerts: list[dict[str, Any]]) -> None:
    now = time.time()
    series = [
        {"metric": {"__name__": "x", "service": "mlflow"}, "values": [[now - 600, "1"], [now, "1"]]},
        {"metric": {"service": "ended"}, "values": [[now - 3600 * 5, "1"]]},
        {"metric": {"service": "nan"}, "values": [[now, "NaN"]]},
    ]
    platform.answers["/api/v1/query_range"] = {"data": {"result": series}}
    platform.answers["/api/v1/alerts"] = {"data": {"alerts": alerts}}


def test_with_prometheus_the_page_shows_each_living_series_with_a_sparkline(
    platform: Platform, client: FlaskClient
) -> None:
    with_prometheus(platform, [])
    html = client.get("/platform?hours=24").text
    page = Page(html)
    assert "No alert fires or is pending." in page.text
    assert "mlflow yes" in page.text
    assert "ended" not in page.text
    pictures = [found for tag, found in page.attributes if tag == "svg"]
    assert pictures
    assert all(picture["role"] == "img" for picture in pictures)
    assert pictures[0]["aria-label"] == "Lowest yes, highest yes in the last 24 h."
    spans = {request.split("start=")[1].split("&")[0] for request in platform.requests if "query_range" in request}
    assert all(86_300 < time.time() - float(start) < 86_700 for start in spans)


def test_a_prometheus_that_answers_only_half_counts_as_away(platform: Platform, client: FlaskClient) -> None:
    with_prometheus(platform, [])
    platform.answers["/api/v1/query_range"] = 503
    answer = client.get("/platform")
    assert answer.status_code == 200
    assert "Prometheus does not answer" in Page(answer.text).text


def test_firing_alerts_stand_before_pending_ones_with_their_runbook_and_nothing_is_markup(
    platform: Platform, client: FlaskClient
) -> None:
    def alert(name: str, state: str) -> dict[str, Any]:
        annotations = {"summary": "<b>bold</b>", "runbook_url": f"docs/runbook.md#{name.lower()}"}
        return {"labels": {"alertname": name, "severity": "page"}, "state": state, "annotations": annotations}

    with_prometheus(platform, [alert("DiskFull", "pending"), alert("RunLate", "firing")])
    html = client.get("/").text
    text = Page(html).text
    assert text.index("RunLate (firing, page)") < text.index("DiskFull (pending, page)")
    assert "docs/runbook.md#runlate" in text
    assert "<b>" not in html


def test_the_page_asks_no_other_host_and_names_its_parts(client: FlaskClient) -> None:
    answer = client.get("/pipeline")
    page = Page(answer.text)
    assert all(address.startswith("/") for address in page.addresses)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    names = [str(found["aria-labelledby"]) for tag, found in page.attributes if tag == "section"]
    ids = [found["id"] for _, found in page.attributes if "id" in found]
    assert set(names) <= set(ids)
    assert len(ids) == len(set(ids))
    assert ("html", {"lang": "en"}) in page.attributes
    current = [found for tag, found in page.attributes if tag == "a" and found.get("aria-current") == "page"]
    assert [found["href"] for found in current] == ["/pipeline?hours=6"]


def test_unknown_views_and_spans_are_refused(client: FlaskClient) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.get("/platform?hours=5").status_code == 400
    assert client.get("/health").json == {"status": "alive"}


def test_a_source_that_is_away_is_named_on_the_page(platform: Platform, client: FlaskClient) -> None:
    platform.answers["/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem"] = 500
    assert "Sources that do not answer: hdfs." in Page(client.get("/").text).text


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0123, "s", "12.3 ms"),
        (59, "s", "59 s"),
        (5400, "s", "1.5 h"),
        (-7200, "s", "-2 h"),
        (172800, "s", "2 d"),
        (1023, "bytes", "1023 B"),
        (1536, "bytes", "1.5 KiB"),
        (1082212696064, "bytes", "1008 GiB"),
        (0.0625, "percentunit", "6.25 %"),
        (1, "bool", "yes"),
        (0, "bool", "no"),
        (12.5, "reqps", "12.5 /s"),
        (100004, "short", "100,004"),
        (0.17622, "short", "0.1762"),
    ],
)
def test_values_are_written_with_their_units(value: float, unit: str, expected: str) -> None:
    assert board.readable(value, unit) == expected


def test_a_legend_takes_labels_and_leaves_out_those_that_are_missing() -> None:
    assert board.legend("{{job}} {{service}}", {"job": "hive"}) == "hive"
    assert board.legend("{{batch}} rows", {"batch": "live"}) == "live rows"


def test_a_sparkline_runs_from_left_to_right_and_high_is_up() -> None:
    assert board.sparkline(((0, 1), (50, 3), (100, 2)), 0, 100) == "0.0,22.0 60.0,2.0 120.0,12.0"
    assert board.sparkline(((100, 7),), 0, 100) == "120.0,12.0"


FINITE = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_a_sparkline_stays_in_its_picture(values: list[float]) -> None:
    points = tuple((float(moment), value) for moment, value in enumerate(values))
    for pair in board.sparkline(points, 0, 20).split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= board.WIDTH
        assert 0 <= y <= board.HEIGHT
        assert math.isfinite(x + y)
