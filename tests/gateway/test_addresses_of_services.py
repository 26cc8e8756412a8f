"""Services have names: the gateway follows one to another address, as when a container is replaced, and stops in order."""

from __future__ import annotations

import http.server
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from .conftest import Start, free_ports, listens

MAY_MOUNT = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
# /etc/hosts as this one process sees it.
WITH_HOSTS = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


@contextmanager
def service(address: str, port: int, before_answer: Callable[[], object] = lambda: None) -> Iterator[None]:
    """A service that answers with its own address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            before_answer()
            self.send_response(200)
            self.send_header("Content-Length", str(len(address)))
            self.end_headers()
            self.wfile.write(address.encode())

        def log_message(self, *_: object) -> None:
            """Stays silent."""

    with http.server.ThreadingHTTPServer((address, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not MAY_MOUNT, reason="mounts a file of host names, which needs root")
def test_a_new_address_of_a_service_is_asked_within_seconds_and_no_request_is_lost(
    start: Start, tmp_path: Path
) -> None:
    hosts, (port,) = tmp_path / "hosts", free_ports(1)
    hosts.write_text("127.0.0.1 localhost\n127.0.0.2 api.test\n")
    with ExitStack() as both:
        for address in ("127.0.0.2", "127.0.0.3"):
            both.enter_context(service(address, port))
        gateway = start(
            services=False,
            before=[*WITH_HOSTS, str(hosts)],
            MARQUEE_HOSTS="recommendations=api.test",
            MARQUEE_API_PORT=str(port),
        )
        assert gateway.ask("/v1/popular").body == b"127.0.0.2"
        # In place: the mount is of this file, not of its name.
        hosts.write_text("127.0.0.1 localhost\n127.0.0.2 api.test\n127.0.0.3 api.test\n")
        seen, deadline = set(), time.monotonic() + 30
        while len(seen) < 2 and time.monotonic() < deadline:
            answer = gateway.ask("/v1/popular")
            assert answer.status == 200, answer.body
            seen.add(answer.body)
            time.sleep(0.05)
        assert seen == {b"127.0.0.2", b"127.0.0.3"}
        assert "The services' addresses are now: 127.0.0.2 127.0.0.3" in gateway.log.read_text()


def test_asked_to_stop_as_docker_does_it_answers_the_requests_that_it_has_and_ends_with_0(start: Start) -> None:
    arrived, answer = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        answer.wait(20)

    (port,) = free_ports(1)
    with service("127.0.0.1", port, hold), ThreadPoolExecutor(1) as client:
        gateway = start(
            services=False,
            # What a shell starts in the background ignores the signal, and so would all that it starts.
            before=["env", "--default-signal=QUIT"],
            MARQUEE_HOSTS="recommendations=localhost",
            MARQUEE_API_PORT=str(port),
        )
        asked = client.submit(gateway.ask, "/v1/popular")
        assert arrived.wait(20)
        assert gateway.process
        gateway.process.send_signal(signal.SIGQUIT)
        deadline = time.monotonic() + 4
        while listens(own := int(gateway.url.rpartition(":")[2])) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not listens(own)
        answer.set()
        assert (asked.result().status, asked.result().body) == (200, b"127.0.0.1")
        assert gateway.process.wait(timeout=4) == 0
