"""Reads every source at once; a source that is away is a metric, and the others' metrics stand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg2
from prometheus_client.core import GaugeMetricFamily

from infra.monitoring.batch_exporter.samples import Sample, families

Read = Callable[[], Iterable[Sample]]

# No answer, a refusal, or an answer of another shape than this knows. requests' errors are OSErrors.
AWAY = (OSError, psycopg2.Error, LookupError, TypeError, ValueError)

log = logging.getLogger("marquee.monitoring")


class SourceCollector:
    """A collector of prometheus_client: all sources' samples, kept for `keep_seconds` so that the page and Prometheus do not ask twice."""

    def __init__(self, sources: Mapping[str, Read], keep_seconds: float = 10.0) -> None:
        self._sources = sources
        self._keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._kept: list[Sample] = []
        self._until = 0.0
        self._away: set[str] = set()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing: registering must not ask the sources."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the samples as Prometheus's metric families."""
        return families(self.samples())

    def samples(self) -> list[Sample]:
        """Return all sources' samples, and for each source whether it answered and how long it took."""
        with self._lock:
            if time.monotonic() >= self._until:
                with ThreadPoolExecutor(max_workers=len(self._sources)) as pool:
                    self._kept = [sample for found in pool.map(self._read, self._sources) for sample in found]
                self._until = time.monotonic() + self._keep_seconds
            return self._kept

    def _read(self, source: str) -> list[Sample]:
        label = {"source": source}
        started = time.monotonic()
        found: list[Sample] = []
        reason = ""
        try:
            found = list(self._sources[source]())
        except AWAY as error:
            reason = f"{type(error).__name__}: {error}"
        self._note(source, reason)
        seconds = time.monotonic() - started
        up = Sample("marquee_source_up", float(not reason), label)
        return [up, Sample("marquee_source_seconds", seconds, label), *found]

    def _note(self, source: str, reason: str) -> None:
        """Log a source's going and coming back, once each."""
        if reason and source not in self._away:
            log.warning("Source %s does not answer: %s", source, reason)
            self._away.add(source)
        elif not reason and source in self._away:
            log.warning("Source %s answers again", source)
            self._away.remove(source)
