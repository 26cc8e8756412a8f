"""The five Grafana dashboards, read from their JSON files.

The exporter's page shows the same panels.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "dashboards"
VIEWS = ("platform", "pipeline", "recommendations", "serving", "reviews")

_STRING = r'"(?:[^"\\]|\\.)*"'
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
# The parts of a PromQL expression that must be distinguished to find its metrics.
_TOKEN = re.compile(
    rf"(?P<grouping>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\))"
    rf"|(?P<duration>\[[^\]]*\])|(?P<number>\d[\w.]*)|(?P<string>{_STRING})"
    rf"|(?P<name>{_NAME})\s*(?P<matchers>\{{(?:{_STRING}|[^}}\"])*\}})?(?P<function>\s*(?=\(|by\b|without\b))?"
)
_MATCHER = re.compile(rf"([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*({_STRING})")
_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan"})


@dataclass(frozen=True)
class Selector:
    """A metric in an expression, with its label matchers, such as (label, =, value)."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Return whether the matchers select these labels. A missing label is empty."""
        for label, operator, value in self.matchers:
            text = labels.get(label, "")
            hit = text == value if operator in ("=", "!=") else re.fullmatch(value, text) is not None
            if hit != (operator in ("=", "=~")):
                return False
        return True


def selectors(expression: str) -> list[Selector]:
    """Return the metrics that a PromQL expression reads, in order of appearance."""
    found = []
    for token in _TOKEN.finditer(expression):
        name = token["name"]
        if name and token["function"] is None and name.lower() not in _WORDS:
            matchers = _MATCHER.findall(token["matchers"] or "")
            found.append(
                Selector(name, tuple((label, operator, json.loads(text)) for label, operator, text in matchers))
            )
    return found


@dataclass(frozen=True)
class Query:
    """One query of a panel, and the legend of its series: text with {{label}} in it."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A titled set of queries of one unit. Units have Grafana's names."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Dashboard:
    """One view with its panels."""

    name: str
    title: str
    description: str
    panels: tuple[Panel, ...]


def load_dashboard(name: str) -> Dashboard:
    """Return the view with this file stem."""
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    panels = tuple(
        Panel(
            panel["title"],
            panel["description"],
            panel["fieldConfig"]["defaults"]["unit"],
            tuple(Query(target["expr"], target["legendFormat"]) for target in panel["targets"]),
        )
        for panel in document["panels"]
    )
    return Dashboard(name, document["title"], document["description"], panels)
