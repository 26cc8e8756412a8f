"""Samples of MLflow's model registry, through its REST API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import requests

from infra.monitoring.exporter.sources.http import NOT_FOUND, SECONDS, get_json
from infra.monitoring.exporter.sources.samples import Sample


def read_mlflow(url: str, models: Sequence[str]) -> Iterator[Sample]:
    """Yield the registered models' versions by alias.

    Raises requests.RequestException.
    """
    requests.get(f"{url}/health", timeout=SECONDS).raise_for_status()
    for model in models:
        yield from _versions(url, model)


def _versions(url: str, model: str) -> Iterator[Sample]:
    try:
        found = get_json(f"{url}/api/2.0/mlflow/registered-models/get", name=model)["registered_model"]
    except requests.HTTPError as error:
        if error.response.status_code == NOT_FOUND:
            return  # No run has trained the model yet.
        raise
    versions = [int(version["version"]) for version in found.get("latest_versions", [])]
    if versions:
        yield Sample("marquee_model_version", max(versions), {"model": model, "alias": "latest"})
    for alias in found.get("aliases", []):
        yield Sample("marquee_model_version", int(alias["version"]), {"model": model, "alias": alias["alias"]})
