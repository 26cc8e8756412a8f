"""Samples of the machine: free disk space, and whether each service responds."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import requests

from infra.monitoring.exporter.sources.http import OK, SECONDS
from infra.monitoring.exporter.sources.samples import Sample


def read_disks(folders: Mapping[str, Path]) -> Iterator[Sample]:
    """Yield size and free space of each folder's file system, by the folder's name.

    Raises OSError.
    """
    for name, folder in folders.items():
        usage = shutil.disk_usage(folder)
        yield Sample("marquee_disk_bytes", usage.total, {"folder": name})
        yield Sample("marquee_disk_free_bytes", usage.free, {"folder": name})


def read_services(probes: Mapping[str, str], configured_apis: int) -> Iterator[Sample]:
    """Yield the configured number of APIs, and for each service whether it responds.

    A probe is an http URL that must answer 200, or tcp://host:port that must accept a connection.
    """
    yield Sample("marquee_apis_configured", configured_apis)
    # Probe all services at once: several timeouts in a row would take longer than Prometheus waits.
    with ThreadPoolExecutor(max_workers=len(probes) or 1) as pool:
        for service, up in zip(probes, pool.map(_responds, probes.values()), strict=True):
            yield Sample("marquee_service_up", float(up), {"service": service})


def _responds(url: str) -> bool:
    address = urlsplit(url)
    try:
        if address.scheme == "http":
            return requests.get(url, timeout=SECONDS).status_code == OK
        with socket.create_connection((address.hostname, address.port), timeout=SECONDS):
            return True
    except (OSError, requests.RequestException):
        return False
