"""Samples of the live publication and its model, from the recommendation API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import requests

from infra.monitoring.exporter.sources.batch import batch_samples
from infra.monitoring.exporter.sources.http import SERVICE_UNAVAILABLE, get_json, unix_seconds
from infra.monitoring.exporter.sources.samples import Sample


class PublicationSource:
    """Reads the recommendation API. `read` raises requests.RequestException."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> Iterator[Sample]:
        """Yield age, rows, size, model and batch of the live publication.

        Without a live publication, yield only the number of publications and `marquee_live` 0.
        """
        stored = get_json(f"{self._url}/v1/publications")["items"]
        yield Sample("marquee_publications", len(stored))
        try:
            publication = get_json(f"{self._url}/v1/publication")
        except requests.HTTPError as error:
            if error.response.status_code == SERVICE_UNAVAILABLE:
                yield Sample("marquee_live", 0)
                return
            raise
        entry = get_json(f"{self._url}/v1/publications", at=datetime.now(UTC).isoformat())["entry"]
        lineage = publication["lineage"]
        yield Sample("marquee_live", 1)
        yield Sample("marquee_live_pinned", float(publication["pinned"]))
        yield Sample("marquee_live_activated_timestamp_seconds", unix_seconds(entry.get("since") or entry["at"]))
        if publication["data_through"]:
            yield Sample("marquee_live_data_through_timestamp_seconds", unix_seconds(publication["data_through"]))
        yield Sample("marquee_live_bytes", publication["bytes"])
        for table, rows in publication["rows"].items():
            yield Sample("marquee_live_rows", rows, {"table": table})
        yield from model_samples(lineage)
        yield from batch_samples("live", lineage.get("snapshot", {}), lineage.get("quality", {}))


def model_samples(lineage: dict[str, Any]) -> Iterator[Sample]:
    """Yield the metrics of the model and of the models that it was compared with.

    The lineage's `evaluation` names them MODEL_METRIC, e.g. recent_popularity_ndcg_at_10. The metrics' own names are
    the keys of the model's `metrics`.
    """
    names = lineage.get("model", {}).get("metrics", {})
    for key, value in lineage.get("evaluation", {}).items():
        name = max((name for name in names if key.endswith(f"_{name}")), key=len, default=None)
        if name:
            yield Sample("marquee_model_metric", value, {"model": key.removesuffix(f"_{name}"), "metric": name})
