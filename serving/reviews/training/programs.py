"""What the two commands do: read, train or load, test, write."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from serving.reviews.corpora.cleaning import Cleaned
from serving.reviews.corpora.reviews import CorpusError, Review
from serving.reviews.model.files import load_model, save_model
from serving.reviews.model.sentiment import Prediction, SentimentModel
from serving.reviews.training.data import digest, read, write_rejected
from serving.reviews.training.evaluation import confidence, record
from serving.reviews.training.gate import Decision, decide
from serving.reviews.training.metrics import Labels, Probabilities
from serving.reviews.training.plain import save_plain
from serving.reviews.training.plots import write_plots
from serving.reviews.training.terms import strongest_terms
from serving.reviews.training.tracking import log_training
from serving.reviews.training.training import Trained, train

Columns = tuple[str, str, str]
MODEL_FILE, PLAIN_FILE, RECORD_FILE, REJECTED_FILE = "model.joblib", "plain.joblib", "evaluation.json", "rejected.jsonl"


@dataclass(frozen=True)
class ChampionFile:
    """The live model's file and what its bytes must be."""

    path: Path
    sha256: str


def train_program(
    corpora: Sequence[str],
    columns: Columns,
    output: Path,
    seed: int,
    champion: ChampionFile | None,
    tracking_uri: str | None,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """Train, test, decide and write; return what to print.

    The output folder's content is replaced.
    """
    live = load_model(champion.path, champion.sha256) if champion else None
    cleaned = read(corpora, *columns)
    trained = train(cleaned.reviews, seed)
    decision = _decision(trained, live, seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}-"))
    try:
        evaluation = _write(folder, cleaned, trained, decision)
        run, registered = "", ""
        if tracking_uri:
            parameters, all_tags = _parameters(trained, corpora, seed), {**tags, **_tags(evaluation["model"])}
            run, registered = log_training(tracking_uri, _measured(evaluation), parameters, all_tags, folder)
        if output.exists():
            shutil.rmtree(output)
        folder.chmod(0o755)
        folder.rename(output)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return {
        "model": str(output / MODEL_FILE),
        "sha256": evaluation["model"]["sha256"],
        "version": trained.model.version,
        "data_sha256": trained.model.metadata["data_sha256"],
        "promote": decision.promote,
        "reasons": decision.reasons,
        "accuracy": evaluation["all"]["accuracy"],
        "plain_accuracy": evaluation["plain"]["all"]["accuracy"],
        "accounting": evaluation["accounting"],
        "mlflow_run": run,
        "registered_version": registered,
    }


def _write(folder: Path, cleaned: Cleaned, trained: Trained, decision: Decision) -> dict[str, Any]:
    """Write all files of a training into a folder and return its record."""
    labels = _labels(trained.test)
    sha256 = save_model(trained.model, folder / MODEL_FILE)
    save_plain(trained.plain, folder / PLAIN_FILE)
    evaluation = {
        **record(trained.test, trained.probabilities),
        "confidence": confidence(labels, trained.predictions),
        "plain": record(trained.test, trained.plain_probabilities),
        "gate": decision.as_json(),
        "accounting": _accounting(cleaned, trained),
        "parts": trained.parts.sizes(),
        "model": {"version": trained.model.version, "sha256": sha256, **trained.model.metadata},
    }
    (folder / RECORD_FILE).write_text(
        json.dumps(evaluation, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    write_rejected([*cleaned.rejected, *trained.parts.superseded], folder / REJECTED_FILE)
    rows = {"model": trained.probabilities, "plain recipe": trained.plain_probabilities}
    terms = {language: strongest_terms(model) for language, model in trained.model.languages.items()}
    write_plots(folder / "plots", labels, rows, evaluation, terms)
    return evaluation


def evaluate_program(corpora: Sequence[str], columns: Columns, path: Path, sha256: str) -> dict[str, Any]:
    """Return the figures of a model on labelled reviews in its languages."""
    model = load_model(path, sha256)
    cleaned = read(corpora, *columns)
    reviews = [review for review in cleaned.reviews if review.language in model.languages]
    if not reviews:
        raise CorpusError(f"No clean review is in {' or '.join(model.languages)}. Name the language with --language.")
    predictions = predict(model, reviews)
    probabilities: Probabilities = np.array([prediction.probability for prediction in predictions])
    return {
        "version": model.version,
        "data_sha256": digest(reviews),
        "accounting": {
            **cleaned.accounting(),
            "reasons": cleaned.reasons(),
            "other_language": len(cleaned.reviews) - len(reviews),
        },
        **record(reviews, probabilities),
        "confidence": confidence(_labels(reviews), predictions),
    }


def predict(model: SentimentModel, reviews: Sequence[Review]) -> list[Prediction]:
    """Return the model's prediction of each review, in the review's own language."""
    return [model.predict(review.text, review.language) for review in reviews]


def _decision(trained: Trained, live: SentimentModel | None, seed: int) -> Decision:
    labels = _labels(trained.test)

    def right(probabilities: Probabilities) -> Any:
        return (probabilities >= 0.5) == (labels == 1)

    champion = None
    if live is not None:
        champion = right(np.array([prediction.probability for prediction in predict(live, trained.test)]))
    return decide(right(trained.probabilities), right(trained.plain_probabilities), champion, seed)


def _accounting(cleaned: Cleaned, trained: Trained) -> dict[str, Any]:
    """Return rows in = clean + quarantined + superseded.

    Also the reasons of those left out.
    """
    counts = cleaned.accounting()
    superseded = len(trained.parts.superseded)
    reasons = cleaned.reasons()
    for item in trained.parts.superseded:
        reasons[item.reason] = reasons.get(item.reason, 0) + 1
    return {
        **counts,
        "clean": counts["clean"] - superseded,
        "superseded": counts["superseded"] + superseded,
        "reasons": reasons,
        "changed": dict(sorted(cleaned.changed.items())),
    }


def _measured(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a record are metrics."""
    return {name: evaluation[name] for name in ("all", "by", "confidence", "confusion", "plain", "accounting", "parts")}


def _parameters(trained: Trained, corpora: Sequence[str], seed: int) -> dict[str, Any]:
    return {
        "corpora": ",".join(Path(corpus).name for corpus in corpora),
        "seed": seed,
        "margin": trained.model.margin,
        "data_sha256": trained.model.metadata["data_sha256"],
        **{f"recipe_{language}": recipe for language, recipe in trained.model.metadata["recipes"].items()},
    }


def _tags(model: Mapping[str, Any]) -> dict[str, str]:
    return {"model_sha256": model["sha256"], "model_version": model["version"]}


def _labels(reviews: Sequence[Review]) -> Labels:
    return np.array([review.label for review in reviews], dtype=np.int64)
