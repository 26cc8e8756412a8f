"""What /metrics reads when it is asked for: the model's reference, the jobs that wait, what people say of predictions.

The worker that answers reads them for all: they lie in the model's file and in the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.api.service import Service
from serving.reviews.domain.feedback_accuracy import Labelled, feedback_of
from serving.reviews.domain.jobs import waiting_jobs
from serving.reviews.live_model import LoadedModel
from serving.reviews.model.languages import OTHER
from serving.web.logs import error_log

CATALOGUE: Final = {
    "marquee_sentiment_reference_share": (
        "Share of the test texts in a bin of a measure: what live predictions are compared with.",
        ("measure", "language", "bin", "publication"),
    ),
    "marquee_sentiment_reference_accuracy": (
        "Accuracy on the test texts: what the gate saw of the model.",
        ("language", "publication"),
    ),
    "marquee_sentiment_feedback_texts": (
        "Texts whose prediction by the live model people called right or wrong.",
        ("language", "right", "publication"),
    ),
    "marquee_sentiment_jobs": ("Unfinished jobs by state: queued, running.", ("state",)),
    "marquee_sentiment_job_texts_waiting": ("Texts of unfinished jobs without an answer.", ()),
    "marquee_sentiment_job_oldest_timestamp_seconds": ("When the oldest unfinished job came, in Unix seconds.", ()),
}
Row = tuple[str, tuple[str, ...], float]


def state_text(service: Service) -> bytes:
    """Return these metrics in Prometheus's text format.

    Without a database they are those of the model alone.
    """
    registry = CollectorRegistry()
    registry.register(_State(service))
    text: bytes = generate_latest(registry)
    return text


class _State:
    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing, so that registering asks no database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a family for each name that has a value."""
        rows = [*_of_model(self._service.live.current), *self._of_database()]
        for name, (text, labels) in CATALOGUE.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for row_name, values, number in rows:
                if row_name == name:
                    family.add_metric(values, number)
            if family.samples:
                yield family

    def _of_database(self) -> list[Row]:
        loaded = self._service.live.current
        try:
            with self._service.transactions() as database:
                jobs = waiting_jobs(database)
                feedback = feedback_of(database, loaded.publication) if loaded else {}
        except SQLAlchemyError as error:
            error_log.error("jobs and feedback were not counted", exc_info=error)
            return []
        rows: list[Row] = [
            ("marquee_sentiment_jobs", ("queued",), jobs.queued),
            ("marquee_sentiment_jobs", ("running",), jobs.running),
            ("marquee_sentiment_job_texts_waiting", (), jobs.texts),
        ]
        if jobs.oldest is not None:
            rows.append(("marquee_sentiment_job_oldest_timestamp_seconds", (), jobs.oldest.timestamp()))
        return rows + (_of_feedback(feedback, loaded) if loaded else [])


def _of_feedback(feedback: Mapping[str, Labelled], loaded: LoadedModel) -> list[Row]:
    """Return right and wrong predictions by language.

    Languages that the model does not know are one.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for language, found in feedback.items():
        named = language if language in loaded.model.languages else OTHER
        counts[named, "true"] += found.right
        counts[named, "false"] += found.texts - found.right
    return [
        ("marquee_sentiment_feedback_texts", (*labels, loaded.publication), texts) for labels, texts in counts.items()
    ]


def _of_model(loaded: LoadedModel | None) -> Iterator[Row]:
    """Yield shares and accuracy of the live model's test texts, if its file has them."""
    if loaded is None:
        return
    references: dict[str, Any] = loaded.model.metadata.get("reference", {})
    for language, found in references.items():
        if "bins" not in found:
            continue
        accuracy = ("marquee_sentiment_reference_accuracy", (language, loaded.publication), found["accuracy"])
        yield accuracy
        positive = round(found["positive_share"] * found["texts"])
        counts: dict[str, dict[str, int]] = {
            "label": {"negative": found["texts"] - positive, "positive": positive},
            **{
                name: {str(place): size for place, size in enumerate(bins["counts"])}
                for name, bins in found["bins"].items()
            },
        }
        for measure, by_bin in counts.items():
            total = sum(by_bin.values()) + len(by_bin) / 2
            for name, count in by_bin.items():
                # Half a text more in each bin, so that an empty one has a logarithm; the rule adds it to the live counts.
                labels = (measure, language, name, loaded.publication)
                yield "marquee_sentiment_reference_share", labels, (count + 0.5) / total
