from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.publication_store import PublicationStore

from .conftest import FIRST, SECOND

REPOSITORY = Path(__file__).resolve().parents[2]


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as response:
        text: str = response.read().decode()
        return text


@pytest.fixture
def server(store: PublicationStore, tmp_path: Path) -> Iterator[str]:
    """Start the real server with two workers, on metrics that an earlier start left behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    (metrics / "counter_1.db").write_bytes(b"left over")
    environment = {
        **os.environ,
        "MARQUEE_PUBLICATION_STORE": str(store.root),
        "MARQUEE_SERVING_PORT": str(port),
        "MARQUEE_SERVING_WORKERS": "2",
        "MARQUEE_SERVING_LOG_LEVEL": "warning",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    command = [*("-m", "gunicorn", "-c", "serving/gunicorn.conf.py"), "serving.recommendations:create_app()"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    get(f"http://127.0.0.1:{port}/health")
                    break
                except OSError:
                    assert process.poll() is None, (tmp_path / "server.log").read_text()
                    assert time.monotonic() < deadline, "the server does not answer"
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_several_workers_follow_a_switch_and_their_metrics_add_up(server: str, store: PublicationStore) -> None:
    with pytest.raises(urllib.error.HTTPError) as unready:
        get(f"{server}/ready")
    assert unready.value.code == 503
    unready.value.close()
    for publication in (FIRST, SECOND):
        store.activate(publication, "ann", "")
        answers = [get(f"{server}/v1/popular") for _ in range(20)]
        assert all(f'"publication":"{publication}"' in answer for answer in answers)
    metrics = get(f"{server}/metrics")
    assert 'marquee_http_requests_total{method="GET",route="/v1/popular",status="200"} 40.0' in metrics
    assert "marquee_data_through_timestamp_seconds 1.476640644e+09" in metrics
