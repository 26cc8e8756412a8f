"""Visitors who ask through the whole of a deployment, and count what was lost."""

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Visits:
    """What the visitors saw: answers by status, and 0 for none."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.statuses.total()} requests, {len(self.lost)} lost {self.lost[:3]}"


def _ask(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _visit(host: str, paths: list[str], kept: bool, visits: Visits, ended: threading.Event) -> None:
    connection = http.client.HTTPConnection(host, timeout=30)
    number = 0
    while not ended.wait(0.02):
        path = paths[number % len(paths)]
        number += 1
        try:
            fresh = connection.sock is None
            try:
                status = _ask(connection, path)
            except (ConnectionError, http.client.RemoteDisconnected):
                connection.close()
                if fresh:
                    raise
                # A server may close an idle connection at any time. Each client then asks again on a new one (RFC 9112, 9.3.1).
                status = _ask(connection, path)
        except OSError as error:
            status = 0
            visits.lost.append(f"{path}: {error!r}")
            connection.close()
        else:
            if status >= 500:
                visits.lost.append(f"{path}: {status}")
        visits.statuses[status] += 1
        if not kept:
            connection.close()
    connection.close()


@contextlib.contextmanager
def visitors(address: str, paths: list[str]) -> Iterator[Visits]:
    """Let four visitors ask until the end of the block: two keep their connection, and two make a new one each time."""
    visits, ended = Visits(), threading.Event()
    host = urlsplit(address).netloc
    threads = [
        threading.Thread(target=_visit, args=(host, paths, kept, visits, ended)) for kept in (True, True, False, False)
    ]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield visits
        time.sleep(0.5)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
