"""The page's contents: each panel's series with latest value and sparkline."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from infra.monitoring.board.dashboards import VIEWS, Dashboard, Panel, Query, load_dashboard, selectors
from infra.monitoring.board.prometheus_api import Alert, PrometheusApi
from infra.monitoring.exporter.sources.samples import Sample

TEMPLATES, STATIC = Path(__file__).parent / "templates", Path(__file__).parent / "static"
HOURS = (1, 6, 24, 168)
_POINTS = 60
WIDTH, HEIGHT = 120, 24
_DURATIONS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Row:
    """One series: its name, latest value as text, sparkline, and the latter in words."""

    legend: str
    value: str
    sparkline: str
    spoken: str


@dataclass(frozen=True)
class FilledPanel:
    """A panel with its rows. `problem` says why there are none."""

    title: str
    description: str
    rows: tuple[Row, ...]
    problem: str = ""


def readable(value: float, unit: str) -> str:
    """Return a value with its unit, to three digits.

    Units are Grafana's: s, bytes, percentunit, bool, reqps, short.
    """
    match unit:
        case "s":
            size, sign = abs(value), "-" if value < 0 else ""
            for seconds, name in _DURATIONS:
                if size >= seconds:
                    return f"{sign}{_three(size / seconds)} {name}"
            return f"{sign}{_three(size * 1000)} ms"
        case "bytes":
            power = 0
            while abs(value) >= 1024 and power < len(_SIZES) - 1:
                value, power = value / 1024, power + 1
            return f"{_three(value)} {_SIZES[power]}"
        case "percentunit":
            return f"{_three(value * 100)} %"
        case "bool":
            return "yes" if value else "no"
        case "reqps":
            return f"{_three(value)} /s"
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def _three(value: float) -> str:
    """Return the value to three digits; one of 100 or more as a whole number."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def sparkline(points: tuple[tuple[float, float], ...], start: float, end: float) -> str:
    """Return the points of an SVG polyline, WIDTH x HEIGHT, for (time, value) pairs.

    A flat line runs through the middle.
    """
    low, high = min(value for _, value in points), max(value for _, value in points)
    span = high - low
    placed = (
        (
            (moment - start) / (end - start) * WIDTH,
            HEIGHT / 2 if span == 0 else 2 + (HEIGHT - 4) * (1 - (value - low) / span),
        )
        for moment, value in points
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)


def legend(template: str, labels: dict[str, str]) -> str:
    """Return a series' name: the template with each {{label}} replaced."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), template).strip()


def page(name: str, hours: int, prometheus: PrometheusApi, samples: list[Sample]) -> dict[str, Any]:
    """Return the template's variables for a view.

    If Prometheus does not answer, they are the current samples, without alerts and history.
    """
    dashboard = load_dashboard(name)
    alerts: list[Alert] | None
    try:
        alerts, panels = prometheus.alerts(), from_prometheus(dashboard, prometheus, hours)
    except requests.RequestException:
        alerts, panels = None, from_samples(dashboard, samples)
    away = [sample.labels["source"] for sample in samples if sample.name == "marquee_source_up" and not sample.value]
    return {
        "dashboard": dashboard,
        "views": VIEWS,
        "spans": HOURS,
        "hours": hours,
        "panels": panels,
        "alerts": alerts,
        "away": away,
        "width": WIDTH,
        "height": HEIGHT,
    }


def from_prometheus(dashboard: Dashboard, prometheus: PrometheusApi, hours: int) -> list[FilledPanel]:
    """Return the view's panels over the last `hours`.

    Raises requests.RequestException if Prometheus does not answer.
    """
    end = time.time()
    span = hours * 3600.0
    start = end - span

    def rows(panel: Panel, query: Query) -> Iterator[Row]:
        for found in prometheus.series(query.expression, start, end, _POINTS):
            # Leave out series that have ended: the page shows the current state.
            if not found.points or found.points[-1][0] < end - 2 * span / _POINTS:
                continue
            values = [value for _, value in found.points]
            latest, low, high = (readable(value, panel.unit) for value in (values[-1], min(values), max(values)))
            spoken = f"Lowest {low}, highest {high} in the last {hours} h."
            name = legend(query.legend, found.labels)
            yield Row(name, latest, sparkline(found.points, start, end), spoken)

    def fill(panel: Panel) -> FilledPanel:
        found = tuple(row for query in panel.queries for row in rows(panel, query))
        return FilledPanel(panel.title, panel.description, found, "" if found else "Nothing measured yet.")

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(fill, dashboard.panels))


def from_samples(dashboard: Dashboard, samples: list[Sample]) -> list[FilledPanel]:
    """Return the view's panels with the current samples of their metrics."""
    now = time.time()

    def rows(panel: Panel) -> Iterator[Row]:
        for selector in (found for query in panel.queries for found in selectors(query.expression)):
            for sample in samples:
                if sample.name == selector.metric and selector.matches(sample.labels):
                    name = " ".join([sample.name.removeprefix("marquee_"), *sample.labels.values()])
                    moment = sample.name.endswith("_timestamp_seconds")
                    value = f"{readable(now - sample.value, 's')} ago" if moment else _plain(sample, panel.unit)
                    yield Row(name, value, "", "")

    filled = []
    for panel in dashboard.panels:
        found = tuple(dict.fromkeys(rows(panel)))
        filled.append(
            FilledPanel(panel.title, panel.description, found, "" if found else "Only Prometheus knows this.")
        )
    return filled


def _plain(sample: Sample, unit: str) -> str:
    """Return a sample's value in the unit of its name.

    The panel's unit would be that of the whole expression.
    """
    for ending, own in (("_bytes", "bytes"), ("_seconds", "s"), ("_ratio", "percentunit")):
        if sample.name.endswith(ending):
            return readable(sample.value, own)
    return readable(sample.value, "bool" if unit == "bool" else "short")
