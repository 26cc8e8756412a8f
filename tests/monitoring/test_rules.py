"""Tests of rules, alerts and Prometheus's configuration, with promtool.

They also check that each alert has test cases and a section in the runbook.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.control.rendering import render
from infra.control.settings import Settings
from infra.control.variables import environment
from tests.monitoring.conftest import MONITORING, REPOSITORY

RULES = sorted((MONITORING / "rules").glob("*.yml"))
UNIT_TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yml"))


def rules() -> list[dict[str, Any]]:
    documents = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in RULES]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def run(promtool: str, *arguments: str | Path) -> None:
    ended = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_accepts_the_rendered_configuration_and_all_rules(promtool: str, tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_PORT_OFFSET": "10000"})
    render(settings, environment(settings))
    file = settings.instance / "conf" / "monitoring" / "prometheus.yml"
    run(promtool, "check", "config", file)
    targets = re.findall(r'"([\w.]+:\d+)"', file.read_text(encoding="utf-8"))
    assert targets[:3] == ["127.0.0.1:19090", "127.0.0.1:19095", "127.0.0.1:18000"]
    assert "127.0.0.1:18002" in targets
    assert [target for target in targets if ":1988" in target] == [
        "127.0.0.1:19881",
        "127.0.0.1:19882",
        "127.0.0.1:19883",
        "127.0.0.1:19884",
    ]


def test_requests_of_probes_scrapes_and_the_exporter_are_dropped_and_users_kept(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    render(settings, environment(settings))
    document = yaml.safe_load(
        (settings.instance / "conf" / "monitoring" / "prometheus.yml").read_text(encoding="utf-8")
    )
    jobs = {job["job_name"]: job for job in document["scrape_configs"]}
    names = ("recommendations", "accounts", "reviews")
    ((rule,), *others) = (jobs[name]["metric_relabel_configs"] for name in names)
    assert others == [[rule], [rule]]
    assert (rule["action"], rule["source_labels"]) == ("drop", ["route"])
    dropped = ["/health", "/ready", "/metrics", "/v1/publication", "/v1/publications"]
    dropped += ["/accounts/ready", "/accounts/metrics"]
    kept = [
        "",
        "/v1/popular",
        "/v1/sentiment",
        "/v1/movies/{movie}/reviews",
        "/v1/users/<user>/recommendations",
        "/v1/publications/<name>",
        "unmatched",
    ]
    assert [route for route in dropped + kept if re.fullmatch(rule["regex"], route)] == dropped


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.name.removesuffix(".test.yml"))
def test_rules_fire_when_they_should_and_only_then(promtool: str, file: Path) -> None:
    run(promtool, "test", "rules", file)


def test_every_alert_is_tested_firing_and_not_firing() -> None:
    firing, silent = set(), set()
    for file in UNIT_TESTS:
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for check in case.get("alert_rule_test", []):
                (firing if check.get("exp_alerts") else silent).add(check["alertname"])
    assert firing == set(ALERTS)
    assert silent == set(ALERTS)


def sections_of_the_runbook() -> dict[str, str]:
    """Return the runbook's sections by the anchors of their headings."""
    text = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip((heading.lower() for heading in parts[::2]), parts[1::2], strict=True))


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_leads_to_a_section_that_says_what_it_means_where_to_look_and_how_to_fix_it(name: str) -> None:
    file, _, anchor = ALERTS[name]["annotations"]["runbook_url"].partition("#")
    assert file == "docs/runbook.md"
    section = sections_of_the_runbook()[anchor]
    assert anchor == name.lower()
    assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == ["Meaning", "Look", "Fix"]
    assert "```sh\n" in section, "no command"


def test_every_section_of_the_runbook_belongs_to_an_alert() -> None:
    assert set(sections_of_the_runbook()) - {"before you begin"} == {name.lower() for name in ALERTS}


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_has_a_summary_and_one_of_two_severities(name: str) -> None:
    assert ALERTS[name]["annotations"]["summary"].endswith(".")
    assert ALERTS[name]["labels"]["severity"] in ("page", "ticket")
