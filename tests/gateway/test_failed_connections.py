"""A connection to a service that fails is tried again, and a request that may have done its work is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .conftest import Start, free_ports

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@contextmanager
def service_that_drops(port: int, dropped: int) -> Iterator[list[bytes]]:
    """A service that reads so many first requests and closes their connections; yield what it read."""
    read: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    read.append(connection.recv(65536).split(b" ", 1)[0])
                    if len(read) > dropped:
                        connection.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield read
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    ("method", "dropped", "status", "read"),
    [
        ("GET", 0, 200, [b"GET"]),
        ("GET", 2, 200, [b"GET", b"GET", b"GET"]),
        ("GET", 3, 503, [b"GET", b"GET", b"GET"]),
        ("POST", 1, 503, [b"POST"]),
    ],
)
def test_a_get_is_sent_three_times_and_a_post_once(
    start: Start, method: str, dropped: int, status: int, read: list[bytes]
) -> None:
    (port,) = free_ports(1)
    with service_that_drops(port, dropped) as seen:
        gateway = start(services=False, MARQUEE_API_PORT=str(port))
        seen.clear()  # what waited for the service's port
        assert gateway.ask("/v1/popular", method).status == status
        assert seen == read


def test_a_service_that_is_back_is_asked_at_once(start: Start) -> None:
    (port,) = free_ports(1)
    gateway = start(services=False, MARQUEE_API_PORT=str(port))
    assert gateway.ask("/v1/popular").status == 503
    with service_that_drops(port, 0):
        assert gateway.ask("/v1/popular").status == 200
