"""Write the access log, one JSON line a request, away from the requests.

A request only appends its figures to a queue. One thread of each process formats and writes what has gathered on standard
output, ten times a second. Nothing is lost at a clean stop: the process writes the rest before it ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from json.encoder import encode_basestring
from multiprocessing.util import Finalize

# Id, method, path, status, seconds, publication and the time of the answer.
Entry = tuple[str, str, str, int, float, str | None, float]

_PAUSE_SECONDS = 0.1
# A request waits while so many lines are not written yet: the memory is bounded, and no line is dropped.
_MOST_PENDING = 20_000
# Processes share the output: a pipe keeps writes of up to 4096 bytes (PIPE_BUF) whole.
_MOST_BYTES = 4096
_STDOUT = 1


def _write(piece: bytes) -> None:
    while piece:
        piece = piece[os.write(_STDOUT, piece) :]


class AccessLog:
    """A queue of requests and the thread that writes it.

    Threads may share it, and its process may fork.
    """

    def __init__(self, write: Callable[[bytes], None] = _write) -> None:
        """Log nothing until `enabled` is set."""
        self.enabled = False
        self._write = write
        self._second, self._moment = 0, ""
        self._begin()
        # The thread does not survive a fork, and what is pending is the parent's to write.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._pending: deque[Entry] = deque()
        self._wake = threading.Event()
        self._starting, self._draining = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = self._failing = False

    def add(
        self, request_id: str, method: str, path: str, status: int, seconds: float, publication: str | None
    ) -> None:
        """Log one request."""
        self._pending.append((request_id, method, path, status, seconds, publication, time.time()))
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()
        if self._closed:
            self.flush()
        while len(self._pending) > _MOST_PENDING:
            time.sleep(0.01)

    def flush(self) -> None:
        """Write all requests that were added before."""
        with self._draining:
            lines: list[str] = []
            room = _MOST_BYTES
            for _ in range(len(self._pending)):
                line = self._line(self._pending.popleft())
                # A letter beyond ASCII takes up to four bytes; such paths are rare.
                size = len(line) if line.isascii() else 4 * len(line)
                if size > room:
                    self._try_to_write(lines)
                    lines, room = [], _MOST_BYTES
                lines.append(line)
                room -= size
            self._try_to_write(lines)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
                self._thread.start()
                # Also runs in granian's workers, which multiprocessing ends without calling what atexit has.
                Finalize(None, self._close, exitpriority=0)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_PAUSE_SECONDS)
            self._wake.clear()
            self.flush()

    def _close(self) -> None:
        self._closed = True
        self.flush()

    def _try_to_write(self, lines: list[str]) -> None:
        if not lines:
            return
        try:
            self._write("".join(lines).encode("utf-8", "backslashreplace"))
            self._failing = False
        except OSError as error:
            # A full disk must not stop the service: the lines are lost, and standard error says so once.
            if not self._failing:
                print(f"The access log could not be written: {error}.", file=sys.stderr, flush=True)
            self._failing = True

    def _line(self, entry: Entry) -> str:
        """Return what JsonFormatter would return for the request, at a tenth of the cost."""
        request_id, method, path, status, seconds, publication, at = entry
        second = int(at)
        if second != self._second:
            self._second = second
            self._moment = time.strftime('{"at": "%Y-%m-%dT%H:%M:%S', time.gmtime(second))
        # The id is of letters that need no escaping: see request_id_of.
        return (
            f'{self._moment}.{int((at - second) * 1000):03d}Z", "level": "info", "logger": "marquee.serving.access", '
            f'"event": "request", "request_id": "{request_id}", "method": {encode_basestring(method)}, '
            f'"path": {encode_basestring(path)}, "status": {status}, "milliseconds": {round(seconds * 1000, 3)}, '
            f'"publication": {"null" if publication is None else encode_basestring(publication)}}}\n'
        )


access_log = AccessLog()
