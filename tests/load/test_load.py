"""The load test's judgement, and that locust and JMeter run the same scenario."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from .thresholds import KINDS, Row, complaints_of, in_all, row, table_of

FOLDER = Path(__file__).parent


def asked(name: str, p95: float, number: int = 1000, failures: int = 0) -> Row:
    return row(name, number, failures, lambda share: {0.5: 1.4, 0.9: 2.6, 0.95: p95, 0.99: 900.0}[share])


def test_a_row_has_the_threshold_of_its_kind_of_request() -> None:
    assert asked("GET movie", 3) == Row("GET movie", 1000, 0, 1.4, 2.6, 3, 900.0, 100.0)
    thresholds = [asked(name, 3).p95_may_be for name in ("GET popular", "PUT rating", "POST login")]
    assert thresholds == [100.0, 250.0, 1000.0]


def test_a_threshold_is_missed_above_and_not_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [asked("GET movie", 100), asked("PUT rating", 250.6), asked("POST login", 999)]
    assert complaints_of(rows) == ["PUT rating: p95 251 ms is over 250 ms."]
    monkeypatch.setenv("LOAD_P95_WRITE", "300")
    assert complaints_of([asked("PUT rating", 250.6)]) == []


def test_failures_are_complained_of_above_one_in_a_thousand() -> None:
    assert complaints_of([asked("GET movie", 3, 1000, 1), asked("GET page", 3, 1000, 1)]) == []
    assert complaints_of([asked("GET movie", 3, 1000, 3), asked("GET page", 3, 1000)]) == [
        "3 of 2000 requests failed; 0.1% may."
    ]


def test_a_test_without_requests_is_no_success() -> None:
    assert complaints_of([]) == ["No request was made."]


def test_the_table_is_markdown_with_whole_milliseconds() -> None:
    assert table_of([asked("GET movie", 23.5)]) == [
        "| request | number | failures | p50 | p90 | p95 | p99 | p95_may_be |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        "| GET movie | 1000 | 0 | 1 | 3 | 24 | 900 | 100 |",
    ]
    assert in_all([asked("GET movie", 1)] * 2, 40.2) == "2000 requests in 40 s, 50 a second; times in milliseconds."


def requests_of(file: str) -> list[str]:
    return re.findall(r'name="((?:GET|PUT|POST|DELETE) [a-z ]+)"', (FOLDER / file).read_text("utf-8"))


def test_jmeters_plan_makes_the_same_requests_as_locust() -> None:
    written = requests_of("locustfile.py")
    plan = ElementTree.parse(FOLDER / "marquee.jmx").getroot()
    samplers = [str(sampler.get("testname")) for sampler in plan.iter("HTTPSamplerProxy")]
    assert set(written) == {name for name in samplers if name != "(setup) movies" and name != "(setup) users"}


def test_each_kind_of_request_with_a_threshold_of_its_own_is_made() -> None:
    assert set(KINDS) <= {*requests_of("locustfile.py"), *requests_of("reviews_locustfile.py")}
