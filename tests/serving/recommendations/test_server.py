from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.publications.store import PublicationStore

from ..conftest import FIRST, SECOND

REPOSITORY = Path(__file__).resolve().parents[3]


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as response:
        text: str = response.read().decode()
        return text


GRANIAN = ("-m", "serving.recommendations.server")
# The server makes the folder of its metrics itself.
WITHOUT_FOLDER = ("granian",)


@contextmanager
def started(command: tuple[str, ...], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a server from its first answer on, and end it by SIGTERM."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    get(f"http://127.0.0.1:{environment['MARQUEE_SERVING_PORT']}/health")
                    break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, "the server does not answer"
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture
def server(request: pytest.FixtureRequest, store: PublicationStore, tmp_path: Path) -> Iterator[str]:
    """Start the real server with two workers, on metrics that an earlier start left behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    metrics, temporary = tmp_path / "metrics", tmp_path / "temporary"
    metrics.mkdir()
    temporary.mkdir()
    (metrics / "counter_1.db").write_bytes(b"left over")
    environment = {
        **os.environ,
        "MARQUEE_PUBLICATION_STORE": str(store.root),
        "MARQUEE_SERVING_PORT": str(port),
        "MARQUEE_SERVING_WORKERS": "2",
        "MARQUEE_SERVING_LOG_LEVEL": "warning",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "TMPDIR": str(temporary),
    }
    command = getattr(request, "param", GRANIAN)
    if command is WITHOUT_FOLDER:
        command = GRANIAN
        del environment["PROMETHEUS_MULTIPROC_DIR"]
    with started(command, environment, tmp_path / "server.log"):
        yield f"http://127.0.0.1:{port}"
    assert list(temporary.iterdir()) == [], "the server left something behind"


@pytest.mark.parametrize("server", [GRANIAN, WITHOUT_FOLDER], ids=["granian", "no-folder"], indirect=True)
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


def test_each_answered_request_has_its_line_in_the_log_after_a_stop(store: PublicationStore, tmp_path: Path) -> None:
    store.activate(FIRST, "ann", "")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MARQUEE_PUBLICATION_STORE": str(store.root),
        "MARQUEE_SERVING_PORT": str(port),
        "MARQUEE_SERVING_LOG_LEVEL": "info",
    }
    log, answered = tmp_path / "server.log", []

    def ask(worker: int) -> None:
        # Until the server is gone: some of the requests are in flight when it gets the signal to stop.
        for number in range(100_000):
            request_id = f"{worker}-{number}"
            # Half by the fast path, half by Flask.
            address = f"http://127.0.0.1:{port}/v1/users/1/recommendations{'?limit=2' * (number % 2)}"
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(address, headers={"X-Request-ID": request_id}), timeout=10
                ) as response:
                    response.read()
            except OSError:
                return
            answered.append(request_id)

    with ThreadPoolExecutor(4) as pool:
        with started(GRANIAN, environment, log):
            asked = [pool.submit(ask, worker) for worker in range(4)]
            time.sleep(1)
        for each in asked:
            each.result()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    logged = [line["request_id"] for line in lines if line["event"] == "request" and line["path"] != "/health"]
    assert len(answered) > 20
    assert set(answered) <= set(logged)
    assert len(logged) == len(set(logged))


def exchange(server: str, sent: bytes) -> bytes:
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_headers_and_bodies_beyond_the_limits_are_refused(server: str, store: PublicationStore) -> None:
    store.activate(FIRST, "ann", "")
    start = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert exchange(server, start + b"X-Long: " + b"a" * 8_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    refused = exchange(server, start + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 431 ")
    post = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    body = b" " * 70_000
    assert exchange(server, post + b"Content-Length: 70000\r\n\r\n" + body).startswith(b"HTTP/1.1 413 ")
    chunked = b"Transfer-Encoding: chunked\r\n\r\n11170\r\n" + body + b"\r\n0\r\n\r\n"
    assert exchange(server, post + chunked).startswith(b"HTTP/1.1 4")


def test_a_worker_that_dies_is_replaced_and_its_gauges_go(server: str, store: PublicationStore, tmp_path: Path) -> None:
    store.activate(FIRST, "ann", "")
    deadline = time.monotonic() + 30
    # The kernel chooses the worker of a connection: ask until both have answered.
    while (
        len(workers := {int(p.stem.rpartition("_")[2]) for p in (tmp_path / "metrics").glob("gauge_livemax_*.db")}) < 2
    ):
        get(f"{server}/ready")
        assert time.monotonic() < deadline, f"only {workers} answered"
    killed = min(workers)
    os.kill(killed, signal.SIGKILL)
    while (tmp_path / "metrics" / f"gauge_livemax_{killed}.db").exists():
        try:
            get(f"{server}/metrics")
        except OSError:
            time.sleep(0.05)
        assert time.monotonic() < deadline, "the dead worker's gauges stay"
    assert json.loads(get(f"{server}/ready"))["status"] == "ready"


def test_a_wrong_setting_is_one_sentence_and_exit_status_1() -> None:
    environment = {**os.environ, "MARQUEE_PUBLICATION_STORE": ""}
    ended = subprocess.run(
        [sys.executable, *GRANIAN], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == "MARQUEE_PUBLICATION_STORE is not set: give the folder of the publication store.\n"


def test_workers_end_with_a_main_process_that_is_killed(store: PublicationStore, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "MARQUEE_PUBLICATION_STORE": str(store.root),
        "MARQUEE_SERVING_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }
    with subprocess.Popen([sys.executable, *GRANIAN], cwd=REPOSITORY, env={**os.environ, **settings}) as process:
        deadline = time.monotonic() + 30
        while len(children := Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()) < 2:
            assert time.monotonic() < deadline, "no workers were started"
            time.sleep(0.05)
        wait_until_it_answers(port, deadline)
        process.kill()
        process.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)


def wait_until_it_answers(port: int, deadline: float) -> None:
    while True:
        try:
            get(f"http://127.0.0.1:{port}/health")
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        else:
            return
