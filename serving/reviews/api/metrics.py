"""What the service counts: predictions, the live model, feedback and jobs.

Each process counts for itself, and /metrics adds up. api/state_metrics.py has what is read when /metrics is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import Counter, Gauge

from serving.reviews.live_model import LoadedModel, Refusal
from serving.reviews.model.languages import OTHER
from serving.reviews.model.sentiment import Prediction

_TENTHS = tuple(number / 10 for number in range(1, 10))
PREDICTIONS = Counter(
    "marquee_sentiment_predictions_total", "Predictions made.", ["language", "label", "confident", "publication"]
)
# Counters of sums and of bins take a thousand texts at once; the library's histograms take one.
SUMMED = Counter(
    "marquee_sentiment_summed_total",
    "Sum over the predictions: confidence (0 knows nothing, 1 is certain), and the share of n-grams that the model knows.",
    ["measure", "language"],
)
BINNED = Counter(
    "marquee_sentiment_binned_total",
    "Predictions by bin: confidence by tenths; probability and known n-grams by the bins of the model's reference.",
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
        references: dict[str, Any] = loaded.model.metadata.get("reference", {})
        self._measures = {
            language: _Measures(language, references.get(language, {}).get("bins", {}), loaded.publication)
            for language in languages
        }

    def count_one(self, prediction: Prediction) -> None:
        """Count one prediction, without the lists that many need."""
        language = prediction.language if prediction.language in self._measures else OTHER
        self._predictions[language, prediction.label, prediction.confident].inc()
        self._measures[language].count_one(prediction)

    def count(self, made: Iterable[Prediction]) -> None:
        """Count predictions."""
        by_kind: dict[tuple[str, str, bool], list[Prediction]] = {}
        for prediction in made:
            language = prediction.language if prediction.language in self._measures else OTHER
            by_kind.setdefault((language, prediction.label, prediction.confident), []).append(prediction)
        for kind, predictions in by_kind.items():
            self._predictions[kind].inc(len(predictions))
            self._measures[kind[0]].count(predictions)


class _Measures:
    """The sums and bins of one language's predictions."""

    def __init__(self, language: str, bins: Mapping[str, Any], publication: str) -> None:
        self._confidence = SUMMED.labels("confidence", language)
        self._known = SUMMED.labels("known", language)
        self._confidence_bins = _Bins("confidence", language, _TENTHS, publication)
        self._probability_bins, self._known_bins = (
            _Bins(measure, language, bins[measure]["edges"], publication) if measure in bins else None
            for measure in ("probability", "known")
        )

    def count_one(self, prediction: Prediction) -> None:
        confidence = abs(prediction.probability - 0.5) * 2
        self._confidence.inc(confidence)
        self._known.inc(prediction.known)
        self._confidence_bins.count_one(confidence)
        if self._probability_bins is not None:
            self._probability_bins.count_one(prediction.probability)
        if self._known_bins is not None:
            self._known_bins.count_one(prediction.known)

    def count(self, predictions: Sequence[Prediction]) -> None:
        confidences = [abs(prediction.probability - 0.5) * 2 for prediction in predictions]
        known = [prediction.known for prediction in predictions]
        self._confidence.inc(sum(confidences))
        self._known.inc(sum(known))
        self._confidence_bins.count(confidences)
        if self._probability_bins is not None:
            self._probability_bins.count([prediction.probability for prediction in predictions])
        if self._known_bins is not None:
            self._known_bins.count(known)


class _Bins:
    """The counters of one measure's bins; an edge belongs to the bin below it."""

    def __init__(self, measure: str, language: str, edges: Sequence[float], publication: str) -> None:
        self._edges = edges
        self._counters = [BINNED.labels(measure, language, str(place), publication) for place in range(len(edges) + 1)]

    def count_one(self, value: float) -> None:
        self._counters[bisect_left(self._edges, value)].inc()

    def count(self, values: Sequence[float]) -> None:
        for place, number in Tally(bisect_left(self._edges, value) for value in values).items():
            self._counters[place].inc(number)


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
    _counters_of(loaded).count(made)


def count_prediction(prediction: Prediction, loaded: LoadedModel) -> None:
    """Count one prediction of a model."""
    _counters_of(loaded).count_one(prediction)


def _counters_of(loaded: LoadedModel) -> PredictionCounters:
    counters = _counters.get(loaded.publication)
    if counters is None:
        counters = _counters[loaded.publication] = PredictionCounters(loaded)
    return counters


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
