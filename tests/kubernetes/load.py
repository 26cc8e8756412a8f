"""Requests without a pause while something is done to the cluster, and what became of them."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

# Lists of the fixtures' publications.
PATHS = ("/v1/users/1/recommendations", "/v1/users/7/recommendations", "/v1/popular")
_TIMEOUT_SECONDS = 20.0


@dataclass
class Load:
    """Clients that ask in turn, each on a new connection; use it as a context."""

    url: str
    clients: int = 4
    pause: float = 0.02
    paths: tuple[str, ...] = PATHS
    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    # How many answers came from each publication, and when the first one did.
    publications: Counter[str] = field(default_factory=Counter)
    answers: dict[tuple[str, str], set[tuple[float, ...]]] = field(default_factory=dict)
    first_seen: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        host = urlsplit(self.url).netloc
        for path in itertools.islice(itertools.cycle(self.paths), number, None):
            if self._stop.is_set():
                return
            begun = time.monotonic()
            connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_SECONDS)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    self._note(path, body)
                else:
                    self.lost.append(f"{path}: {answer.status} {body[:120]!r}")
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(f"{path}: {type(error).__name__} {error}")
            finally:
                connection.close()
            self.seconds.append(time.monotonic() - begun)
            time.sleep(self.pause)

    def _note(self, path: str, body: bytes) -> None:
        document = json.loads(body)
        publication = document["publication"]
        # The fixtures' scores differ between publications, so that an answer of two shows.
        scores = tuple(item["score"] for item in document["items"])
        self.answers.setdefault((publication, path), set()).add(scores)
        self.publications[publication] += 1
        self.first_seen.setdefault(publication, time.monotonic())

    @property
    def mixed(self) -> dict[tuple[str, str], set[tuple[float, ...]]]:
        """Return the answers that differ though they name the same publication."""
        return {asked: scores for asked, scores in self.answers.items() if len(scores) > 1}

    @property
    def slowest(self) -> float:
        """Return the seconds of the slowest answer."""
        return max(self.seconds, default=0.0)
