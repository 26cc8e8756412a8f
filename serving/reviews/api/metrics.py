"""What the service counts: predictions, the live model, feedback and jobs.

Each process counts for itself, and /metrics adds up. api/state_metrics.py has what is read when /metrics is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from serving.reviews.live_model import LoadedModel, Refusal
from serving.reviews.model.languages import OTHER
from serving.reviews.model.sentiment import Prediction

_TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PREDICTIONS = Counter(
    "marquee_sentiment_predictions_total", "Predictions made.", ["language", "label", "confident", "publication"]
)
CONFIDENCE = Histogram(
    "marquee_sentiment_confidence",
    "Distance of the probability from one half, doubled: 0 knows nothing, 1 is certain.",
    ["language"],
    buckets=_TENTHS,
)
KNOWN = Histogram(
    "marquee_sentiment_known_share",
    "Share of a text's n-grams that the model knows.",
    ["language"],
    buckets=_TENTHS,
)
BINNED = Counter(
    "marquee_sentiment_binned_total",
    "Predictions by the bins of the model's reference: tenths of the test texts by probability, and by known n-grams.",
    ["measure", "language", "bin", "publication"],
)
FEEDBACK = Counter("marquee_sentiment_feedback_total", "Feedback received.", ["language", "right", "publication"])
SWITCHES = Counter("marquee_sentiment_model_switches_total", "Models that began to serve.", ["publication"])
MODEL = Gauge(
    "marquee_sentiment_model_info",
    "Workers that predict with a model.",
    ["publication", "version", "sha256"],
    multiprocess_mode="livesum",
)
LOADED = Gauge(
    "marquee_sentiment_model_loaded", "1 while every worker has a model to predict with.", multiprocess_mode="livemin"
)
REFUSED = Gauge(
    "marquee_sentiment_model_refused",
    "1 while a worker refuses the live publication.",
    ["publication"],
    multiprocess_mode="livemax",
)
JOB_TEXTS = Counter("marquee_sentiment_job_texts_total", "Texts of jobs answered.", ["outcome"])
# A counter that does not exist before its first text would look like one that is not scraped.
ANSWERED, REJECTED = JOB_TEXTS.labels("answered"), JOB_TEXTS.labels("refused")


class PredictionCounters:
    """The counters of one model's predictions, looked up once.

    A lookup costs more than counting. All begin at zero when the model begins to serve, since Prometheus does not see
    what a counter had when it was first read.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        languages = [*loaded.model.languages, OTHER]
        self._predictions = {
            (language, label, confident): PREDICTIONS.labels(
                language, label, str(confident).lower(), loaded.publication
            )
            for language in languages
            for label in ("positive", "negative")
            for confident in (True, False)
        }
        self._measures = {language: (CONFIDENCE.labels(language), KNOWN.labels(language)) for language in languages}
        references: dict[str, Any] = loaded.model.metadata.get("reference", {})
        self._bins = {
            language: tuple(
                _Bins(measure, language, found["bins"][measure]["edges"], loaded.publication)
                for measure in ("probability", "known")
            )
            for language, found in references.items()
            if "bins" in found
        }

    def count(self, made: Iterable[Prediction]) -> None:
        """Count predictions."""
        for prediction in made:
            language = prediction.language if prediction.language in self._measures else OTHER
            self._predictions[language, prediction.label, prediction.confident].inc()
            confidence, known = self._measures[language]
            confidence.observe(abs(prediction.probability - 0.5) * 2)
            known.observe(prediction.known)
            if bins := self._bins.get(language):
                bins[0].count(prediction.probability)
                bins[1].count(prediction.known)


class _Bins:
    """The counters of one measure's bins; an edge belongs to the bin below it."""

    def __init__(self, measure: str, language: str, edges: Sequence[float], publication: str) -> None:
        self._edges = edges
        self._counters = [BINNED.labels(measure, language, str(place), publication) for place in range(len(edges) + 1)]

    def count(self, value: float) -> None:
        self._counters[bisect_left(self._edges, value)].inc()


def count_feedback(language: str, publication: str, *, right: bool) -> None:
    """Count what a person says of a prediction.

    A client may give any language: those that the model does not know are one series.
    """
    known = any(language in loaded.model.languages for loaded in _serving)
    FEEDBACK.labels(language if known else OTHER, str(right).lower(), publication).inc()


_counters: dict[str, PredictionCounters] = {}
_serving: list[LoadedModel] = []


def count_predictions(made: Iterable[Prediction], loaded: LoadedModel) -> None:
    """Count predictions of a model by language, label and bin."""
    counters = _counters.get(loaded.publication)
    if counters is None:
        counters = _counters[loaded.publication] = PredictionCounters(loaded)
    counters.count(made)


def model_serves(loaded: LoadedModel) -> None:
    """Count a model that begins to serve in place of the one before."""
    for before in _serving:
        MODEL.labels(before.publication, before.version, before.sha256).set(0)
        # A request may still hold the model, and then its counters are looked up once more.
        _counters.pop(before.publication, None)
    _serving[:] = [loaded]
    _counters[loaded.publication] = PredictionCounters(loaded)
    SWITCHES.labels(loaded.publication).inc()
    MODEL.labels(loaded.publication, loaded.version, loaded.sha256).set(1)
    LOADED.set(1)


def model_refused(refusal: Refusal | None, before: Refusal | None) -> None:
    """Show which publication is refused, if any, in place of the one before."""
    if before is not None:
        REFUSED.labels(before.publication).set(0)
    if refusal is not None:
        REFUSED.labels(refusal.publication).set(1)
