"""Measure lists by policy, and which publication each worker serves."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from serving.publications.reading.reader import Publication
from serving.publications.times import parse_moment
from serving.web.logs import error_log

LISTS = Counter("marquee_lists_total", "Lists answered, by policy.", ["policy"])
SWITCHES = Counter("marquee_publication_switches_total", "Publications that a worker began to serve.")
FAILURES = Counter("marquee_publication_failures_total", "Publications that a worker could not open: not sound.")
DEGRADED = Gauge(
    "marquee_publication_degraded",
    "1 where a worker serves another publication than the live one, because that is not sound.",
    multiprocess_mode="livemax",
)
PUBLICATION_TIME = Gauge(
    "marquee_publication_timestamp_seconds",
    "The batch time of the publication served, in Unix seconds, as the last worker to switch has it.",
    # Not the minimum: the server's own process, which serves nothing, would make it 0.
    multiprocess_mode="livemostrecent",
)
DATA_TIME = Gauge(
    "marquee_data_through_timestamp_seconds",
    "Time of the latest rating that the served lists have seen, in Unix seconds, as the last worker to switch has it.",
    # Not the minimum: the server's own process, which serves nothing, would make it 0.
    multiprocess_mode="livemostrecent",
)


def publication_serves(publication: Publication) -> None:
    """Record that this worker begins to serve a publication."""
    SWITCHES.inc()
    PUBLICATION_TIME.set(parse_moment(publication.publication_id + "Z", "The publication id").timestamp())
    DATA_TIME.set(publication.manifest.data_through or 0)
    error_log.info("publication serves", extra={"fields": {"publication": publication.publication_id}})


def publication_failed(publication: str, reason: str) -> None:
    """Record that this worker could not open a publication."""
    FAILURES.inc()
    error_log.error("publication failed", extra={"fields": {"publication": publication, "reason": reason}})
