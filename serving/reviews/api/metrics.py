"""What the service counts: predictions, the live model, feedback and jobs."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from serving.reviews.live_model import LoadedModel
from serving.reviews.model.sentiment import Prediction

PREDICTIONS = Counter(
    "marquee_sentiment_predictions_total", "Predictions made.", ["language", "label", "confident", "publication"]
)
CONFIDENCE = Histogram(
    "marquee_sentiment_confidence",
    "Distance of the probability from one half, doubled: 0 knows nothing, 1 is certain.",
    ["language"],
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
KNOWN = Histogram(
    "marquee_sentiment_known_share",
    "Share of a text's n-grams that the model knows.",
    ["language"],
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
FEEDBACK = Counter("marquee_sentiment_feedback_total", "Feedback received.", ["language", "right", "publication"])
SWITCHES = Counter("marquee_sentiment_model_switches_total", "Models that began to serve.", ["publication"])
REFUSED = Gauge(
    "marquee_sentiment_model_refused", "1 while the live publication is refused.", multiprocess_mode="livemax"
)
JOB_TEXTS = Counter("marquee_sentiment_job_texts_total", "Texts of jobs answered.", ["outcome"])


def count_predictions(made: Iterable[Prediction], publication: str) -> None:
    """Count predictions by language and label."""
    for prediction in made:
        language = prediction.language if prediction.language in ("en", "ko") else "other"
        PREDICTIONS.labels(language, prediction.label, str(prediction.confident).lower(), publication).inc()
        CONFIDENCE.labels(language).observe(abs(prediction.probability - 0.5) * 2)
        KNOWN.labels(language).observe(prediction.known)


def model_serves(loaded: LoadedModel) -> None:
    """Count a model that begins to serve."""
    SWITCHES.labels(loaded.publication).inc()
