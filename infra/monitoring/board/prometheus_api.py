"""The page's requests to Prometheus's HTTP API: range queries and alerts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from infra.monitoring.exporter.sources.http import get_json


@dataclass(frozen=True)
class Series:
    """Labels, and (Unix seconds, value) pairs, oldest first. All values are finite."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Alert:
    """An alert that is pending or firing."""

    name: str
    state: str
    severity: str
    summary: str
    runbook: str


class PrometheusApi:
    """The API at one address. Each method raises requests.RequestException."""

    def __init__(self, url: str) -> None:
        self._url = url

    def series(self, expression: str, start: float, end: float, points: int) -> list[Series]:
        """Return the expression's series between two times in Unix seconds."""
        step = str(max(15.0, (end - start) / points))
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": step}
        result = get_json(f"{self._url}/api/v1/query_range", **parameters)["data"]["result"]
        return [_series(found) for found in result]

    def alerts(self) -> list[Alert]:
        """Return the alerts, firing ones first."""
        found = get_json(f"{self._url}/api/v1/alerts")["data"]["alerts"]
        alerts = [
            Alert(
                alert["labels"]["alertname"],
                alert["state"],
                alert["labels"].get("severity", ""),
                alert["annotations"].get("summary", ""),
                alert["annotations"].get("runbook_url", ""),
            )
            for alert in found
        ]
        return sorted(alerts, key=lambda alert: (alert.state != "firing", alert.name))


def _series(found: dict[str, Any]) -> Series:
    points = ((float(moment), float(value)) for moment, value in found["values"])
    labels = {name: value for name, value in found["metric"].items() if name != "__name__"}
    return Series(labels, tuple((moment, value) for moment, value in points if math.isfinite(value)))
