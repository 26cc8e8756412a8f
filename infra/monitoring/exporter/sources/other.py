"""Samples of PostgreSQL, MLflow, disks, and whether each service serves."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import requests

from infra.monitoring.exporter.samples import Sample
from infra.monitoring.exporter.sources.http import SECONDS, get_json

_NOT_FOUND, _OK = 404, 200


def read_postgres(host: str, port: int, user: str, password: str) -> Iterator[Sample]:
    """Yield connections and sizes of the databases. Any role that may log in sees them. Raises psycopg2.Error."""
    connection = psycopg2.connect(
        host=host, port=port, user=user, password=password, dbname="postgres", connect_timeout=int(SECONDS)
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'")
            [(allowed,)] = cursor.fetchall()
            yield Sample("marquee_postgres_max_connections", allowed)
            cursor.execute(
                "SELECT datname, pg_database_size(datname), numbackends FROM pg_stat_database "
                "JOIN pg_database USING (datname) WHERE NOT datistemplate ORDER BY datname"
            )
            for database, size, connections in cursor.fetchall():
                yield Sample("marquee_postgres_database_bytes", size, {"database": database})
                yield Sample("marquee_postgres_connections", connections, {"database": database})
    finally:
        connection.close()


def read_mlflow(url: str, model: str) -> Iterator[Sample]:
    """Yield the registered model's versions by alias. Raises requests.RequestException."""
    requests.get(f"{url}/health", timeout=SECONDS).raise_for_status()
    try:
        found = get_json(f"{url}/api/2.0/mlflow/registered-models/get", name=model)["registered_model"]
    except requests.HTTPError as error:
        if error.response.status_code == _NOT_FOUND:
            return  # No run has trained it yet.
        raise
    versions = [int(version["version"]) for version in found.get("latest_versions", [])]
    if versions:
        yield Sample("marquee_model_version", max(versions), {"alias": "latest"})
    for alias in found.get("aliases", []):
        yield Sample("marquee_model_version", int(alias["version"]), {"alias": alias["alias"]})


def read_disks(folders: Mapping[str, Path]) -> Iterator[Sample]:
    """Yield size and free space of the file system of each folder, by the name given to it. Raises OSError."""
    for name, folder in folders.items():
        usage = shutil.disk_usage(folder)
        yield Sample("marquee_disk_bytes", usage.total, {"folder": name})
        yield Sample("marquee_disk_free_bytes", usage.free, {"folder": name})


def read_services(probes: Mapping[str, str], configured_apis: int) -> Iterator[Sample]:
    """Yield how many APIs there should be, and whether each service serves.

    A probe is an http URL that must answer 200, or tcp://host:port that must accept.
    """
    yield Sample("marquee_apis_configured", configured_apis)
    # All at once: several that do not answer would take longer one after the other than Prometheus waits.
    with ThreadPoolExecutor(max_workers=len(probes) or 1) as pool:
        for service, up in zip(probes, pool.map(_serves, probes.values()), strict=True):
            yield Sample("marquee_service_up", float(up), {"service": service})


def _serves(url: str) -> bool:
    address = urlsplit(url)
    try:
        if address.scheme == "http":
            return requests.get(url, timeout=SECONDS).status_code == _OK
        with socket.create_connection((address.hostname, address.port), timeout=SECONDS):
            return True
    except (OSError, requests.RequestException):
        return False
