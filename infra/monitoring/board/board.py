"""The page of the four views: each panel's series with their latest values, and a sparkline where Prometheus runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.monitoring.board.dashboards import Dashboard, Panel, Query, selectors
from infra.monitoring.board.prometheus_api import PrometheusApi
from infra.monitoring.exporter.samples import Sample

HOURS = (1, 6, 24, 168)
_POINTS = 60
WIDTH, HEIGHT = 120, 24
_DURATIONS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Row:
    """One series: its name, its latest value as text, its sparkline's points, and the line in words for who can't see it."""

    legend: str
    value: str
    sparkline: str
    spoken: str


@dataclass(frozen=True)
class FilledPanel:
    """A panel with its rows; `problem` says why it has none."""

    title: str
    description: str
    rows: tuple[Row, ...]
    problem: str = ""


def readable(value: float, unit: str) -> str:
    """Return a value with its unit, to three digits. Units are Grafana's: s, bytes, percentunit, bool, reqps, short."""
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
    """Return three digits, or the whole number of a larger one."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def sparkline(points: tuple[tuple[float, float], ...], start: float, end: float) -> str:
    """Return an SVG polyline's points, WIDTH x HEIGHT, for (time, value) pairs; a flat line lies in the middle."""
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
    """Return a series' name: {{label}} of the template replaced, as Grafana does."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), template).strip()


def from_prometheus(dashboard: Dashboard, prometheus: PrometheusApi, hours: int) -> list[FilledPanel]:
    """Return the view's panels over the last `hours`. Raises requests.RequestException if Prometheus is away."""
    end = time.time()
    span = hours * 3600.0
    start = end - span

    def rows(panel: Panel, query: Query) -> Iterator[Row]:
        for found in prometheus.series(query.expression, start, end, _POINTS):
            # A series that has ended is history: only what holds now is shown.
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
    """Return the view's panels with the current samples of the metrics that each one's queries read."""
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
    """Return a sample's value by its own name's unit: a panel's unit is that of its whole expression."""
    for ending, own in (("_bytes", "bytes"), ("_seconds", "s"), ("_ratio", "percentunit")):
        if sample.name.endswith(ending):
            return readable(sample.value, own)
    return readable(sample.value, "bool" if unit == "bool" else "short")
