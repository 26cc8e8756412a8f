"""What a follower tells Prometheus and the kubelet, over HTTP."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from serving.publications.announcements.following import Follower

METRICS: Final = (
    ("announced", "gauge", "Number of the latest announcement that was read."),
    ("followed", "gauge", "Number of the announcement whose publication is live here."),
    ("failing", "gauge", "1 while the latest announcement cannot be followed, else 0."),
    ("failures_total", "counter", "Attempts that failed."),
    ("last_success_timestamp_seconds", "gauge", "When the store last agreed with the latest announcement."),
)


class StatusPage:
    """Serves `/metrics`, `/started` and `/alive` of a follower.

    `/started` answers 200 once a publication is live or the first step has ended. `/alive` answers 503 when no step has
    ended for `patience` seconds.
    """

    def __init__(self, follower: Follower, patience: float) -> None:
        self._follower, self._patience = follower, patience
        self._stepped: float | None = None

    def step_ended(self) -> None:
        """Note that a step has ended."""
        self._stepped = time.monotonic()

    def answer(self, path: str) -> tuple[HTTPStatus, str]:
        """Return status and text of an address."""
        if path == "/metrics":
            return HTTPStatus.OK, self._metrics()
        if path == "/started":
            started = self._stepped is not None or self._follower.store.live() is not None
            return (HTTPStatus.OK if started else HTTPStatus.SERVICE_UNAVAILABLE), self._follower.failing + "\n"
        if path == "/alive":
            late = self._stepped is not None and time.monotonic() - self._stepped > self._patience
            return (HTTPStatus.SERVICE_UNAVAILABLE if late else HTTPStatus.OK), "\n"
        return HTTPStatus.NOT_FOUND, "There are /metrics, /started and /alive.\n"

    def _metrics(self) -> str:
        follower = self._follower
        values = {
            "announced": follower.announced,
            "followed": follower.followed,
            "failing": int(bool(follower.failing)),
            "failures_total": follower.failures,
            "last_success_timestamp_seconds": follower.last_success,
        }
        lines = []
        for name, kind, meaning in METRICS:
            full = f"marquee_follower_{name}"
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full} {values[name]}"]
        return "\n".join(lines) + "\n"

    def serve(self, host: str, port: int) -> ThreadingHTTPServer:
        """Start to answer on another thread, and return the server."""
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = page.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Log no probe."""

        server = ThreadingHTTPServer((host, port), Handler)
        threading.Thread(target=server.serve_forever, name="status page", daemon=True).start()
        return server
