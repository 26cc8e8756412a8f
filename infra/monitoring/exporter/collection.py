"""The reading of all sources at once. A failed source does not affect the others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import psycopg2
from prometheus_client.core import GaugeMetricFamily

from infra.monitoring.exporter.sources.samples import Sample, families

Read = Callable[[], Iterable[Sample]]

# No answer, a refusal, or an answer of an unexpected shape. Exceptions of requests are OSErrors.
AWAY = (OSError, psycopg2.Error, LookupError, TypeError, ValueError)

log = logging.getLogger("marquee.monitoring")


@dataclass(frozen=True)
class Reading:
    """A source's samples, the duration of the reading, and the error, if any."""

    samples: list[Sample]
    seconds: float
    error: str = ""


def _reading(read: Read) -> Reading:
    started = time.monotonic()
    try:
        samples = list(read())
    except AWAY as error:
        return Reading([], time.monotonic() - started, f"{type(error).__name__}: {error}")
    return Reading(samples, time.monotonic() - started)


class SourceCollector:
    """A collector of prometheus_client for the samples of all sources.

    It keeps the samples for `keep_seconds`, so that the page and Prometheus do not both read the sources. A source that
    needs more than `wait_seconds` for all its requests together counts as away. Prometheus waits longer
    (`scrape_timeout`), so one slow source does not cost the others' metrics.
    """

    def __init__(self, sources: Mapping[str, Read], keep_seconds: float = 10.0, wait_seconds: float = 15.0) -> None:
        self._sources = sources
        self._keep_seconds = keep_seconds
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=len(sources))
        self._readings: dict[str, Future[Reading]] = {}
        self._kept: list[Sample] = []
        self._until = 0.0
        self._away: set[str] = set()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing, so that registering the collector does not read the sources."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the samples as Prometheus's metric families."""
        return families(self.samples())

    def samples(self) -> list[Sample]:
        """Return the samples of all sources, with each source's state and duration."""
        with self._lock:
            if time.monotonic() >= self._until:
                begun: dict[str, Future[Reading]] = {}
                for source, read in self._sources.items():
                    # Do not read a source again while a reading is in progress: each scrape would add one more.
                    if source not in self._readings or self._readings[source].done():
                        begun[source] = self._pool.submit(_reading, read)
                self._readings |= begun
                wait(begun.values(), timeout=self._wait_seconds)
                self._kept = [sample for source in self._sources for sample in self._result(source, begun.get(source))]
                self._until = time.monotonic() + self._keep_seconds
            return self._kept

    def _result(self, source: str, future: Future[Reading] | None) -> list[Sample]:
        late = Reading([], self._wait_seconds, f"no answer within {self._wait_seconds:g} s")
        reading = future.result() if future and future.done() else late
        self._note(source, reading.error)
        label = {"source": source}
        up = Sample("marquee_source_up", float(not reading.error), label)
        return [up, Sample("marquee_source_seconds", reading.seconds, label), *reading.samples]

    def _note(self, source: str, reason: str) -> None:
        """Log once when a source stops answering, and once when it answers again."""
        if reason and source not in self._away:
            log.warning("Source %s does not answer: %s", source, reason)
            self._away.add(source)
        elif not reason and source in self._away:
            log.warning("Source %s answers again", source)
            self._away.remove(source)
