"""The applications whose answers are recorded. No other file of the recording imports a module of the product.

Each function imports what it needs: a process that asks one service for its metrics must not import the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

# Requests are not logged, and nobody listens where the reviews service would be.
_QUIET = {"MARQUEE_SERVING_LOG_LEVEL": "error", "MARQUEE_REVIEWS_URL": "http://127.0.0.1:9"}


def recommendation_application(store: Path, **settings: str) -> Application:
    """Return the recommendation API with its pages over a publication store."""
    from serving.recommendations.application import create_app

    return create_app({"MARQUEE_PUBLICATION_STORE": str(store), **_QUIET, **settings})


def accounts_application(database: str, **settings: str) -> Application:
    """Return the accounts service with its pages over a migrated database."""
    from serving.accounts.application import create_app

    return create_app({"MARQUEE_ACCOUNTS_DATABASE": database, **_QUIET, **settings})


def run_publications(arguments: list[str]) -> int:
    """Run `python -m serving.publications` and return its exit status."""
    from serving.publications.__main__ import main

    return main(arguments)


def run_accounts(arguments: list[str]) -> int:
    """Run `python -m serving.accounts` and return its exit status."""
    from serving.accounts.__main__ import main

    return main(arguments)


def run_export(arguments: list[str]) -> int:
    """Run `python -m serving.accounts.export` and return its exit status."""
    from serving.accounts.export import main

    return main(arguments)


def exporter_metrics() -> str:
    """Return /metrics of the batch exporter, as if each source had given each of its metrics."""
    from infra.monitoring.exporter.sources.samples import CATALOGUE, Sample, families

    class Collector:
        def collect(self) -> Any:
            return families(Sample(name, 0.0) for name in CATALOGUE)

    registry = CollectorRegistry()
    registry.register(Collector())
    return str(generate_latest(registry), "utf-8")
