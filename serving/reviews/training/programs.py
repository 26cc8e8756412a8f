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

from serving.reviews.corpora.cleaning import clean
from serving.reviews.corpora.reviews import CorpusError, Review
from serving.reviews.corpora.sources import read_rows
from serving.reviews.model.files import load_model, save_model
from serving.reviews.model.sentiment import Prediction, SentimentModel
from serving.reviews.training.data import Columns, Material, digest, write_rejected
from serving.reviews.training.evaluation import confidence, record
from serving.reviews.training.gate import Champion, Decision, decide
from serving.reviews.training.metrics import Labels, Probabilities
from serving.reviews.training.plain import save_plain
from serving.reviews.training.plots import write_plots
from serving.reviews.training.terms import strongest_terms
from serving.reviews.training.tracking import log_training
from serving.reviews.training.training import Trained, train

MODEL_FILE, PLAIN_FILE, RECORD_FILE, REJECTED_FILE = "model.joblib", "plain.joblib", "evaluation.json", "rejected.jsonl"


@dataclass(frozen=True)
class ChampionFile:
    """The live model's file and what its bytes must be."""

    path: Path
    sha256: str


def train_program(
    material: Material,
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
    trained = train(material.parts, seed)
    decision = _decision(trained, live, seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}-"))
    try:
        evaluation = _write(folder, material, trained, decision)
        run, registered = "", ""
        if tracking_uri:
            parameters, all_tags = _parameters(trained, seed), {**tags, **_tags(evaluation["model"], decision)}
            run, registered = log_training(tracking_uri, _measured(evaluation), parameters, all_tags, folder)
        # MLflow keeps a run for good, and gets no texts.
        write_rejected(material.rejected, folder / REJECTED_FILE)
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
        "promoted": decision.promote,
        "reasons": decision.reasons,
        "gate": decision.as_json(),
        "metrics": {"all": evaluation["all"], "by_language": evaluation["by"]["language"]},
        "accuracy": evaluation["all"]["accuracy"],
        "plain_accuracy": evaluation["plain"]["all"]["accuracy"],
        "accounting": evaluation["accounting"],
        "mlflow_run": run,
        "registered_version": registered,
    }


def _write(folder: Path, material: Material, trained: Trained, decision: Decision) -> dict[str, Any]:
    """Write all files of a training into a folder and return its record."""
    labels = _labels(trained.test)
    sha256 = save_model(trained.model, folder / MODEL_FILE)
    save_plain(trained.plain, folder / PLAIN_FILE)
    evaluation = {
        **record(trained.test, trained.probabilities),
        "confidence": confidence(labels, trained.predictions),
        "plain": record(trained.test, trained.plain_probabilities),
        "gate": decision.as_json(),
        "accounting": dict(material.accounting),
        "parts": trained.parts.sizes(),
        "model": {"version": trained.model.version, "sha256": sha256, **trained.model.metadata},
    }
    (folder / RECORD_FILE).write_text(
        json.dumps(evaluation, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    rows = {"model": trained.probabilities, "plain recipe": trained.plain_probabilities}
    terms = {language: strongest_terms(model) for language, model in trained.model.languages.items()}
    write_plots(folder / "plots", labels, rows, evaluation, terms)
    return evaluation


def evaluate_program(corpora: Sequence[str], columns: Columns, path: Path, sha256: str) -> dict[str, Any]:
    """Return the figures of a model on labelled reviews in its languages."""
    model = load_model(path, sha256)
    cleaned = clean(read_rows(corpora, *columns))
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


def predict_program(path: Path, sha256: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return what a model says of texts: language, label, probability and more."""
    model = load_model(path, sha256)
    names = ("language", "label", "probability", "confident")
    rows = [{"text": text, **{name: getattr(model.predict(text), name) for name in names}} for text in texts]
    return {"version": model.version, "predictions": rows}


def predict(model: SentimentModel, reviews: Sequence[Review]) -> list[Prediction]:
    """Return the model's prediction of each review, in the review's own language."""
    return [model.predict(review.text, review.language) for review in reviews]


def _decision(trained: Trained, live: SentimentModel | None, seed: int) -> Decision:
    labels = _labels(trained.test)

    def right(probabilities: Probabilities) -> Any:
        return (probabilities >= 0.5) == (labels == 1)

    champion = None
    if live is not None:
        champion = Champion(
            right(np.array([prediction.probability for prediction in predict(live, trained.test)])),
            sorted(live.languages),
        )
    languages = np.array([review.language for review in trained.test])
    return decide(right(trained.probabilities), right(trained.plain_probabilities), champion, languages, seed)


def _measured(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a record are metrics."""
    return {name: evaluation[name] for name in ("all", "by", "confidence", "confusion", "plain", "accounting", "parts")}


def _parameters(trained: Trained, seed: int) -> dict[str, Any]:
    return {
        "corpora": ",".join(sorted({review.corpus for review in trained.test})),
        "seed": seed,
        "margin": trained.model.margin,
        "data_sha256": trained.model.metadata["data_sha256"],
        **{f"recipe_{language}": recipe for language, recipe in trained.model.metadata["recipes"].items()},
    }


def _tags(model: Mapping[str, Any], decision: Decision) -> dict[str, str]:
    gate = "passed" if decision.promote else "refused: " + " ".join(decision.reasons)
    names = {"model_sha256": model["sha256"], "model_version": model["version"], "data_sha256": model["data_sha256"]}
    return {**names, "gate": gate}


def _labels(reviews: Sequence[Review]) -> Labels:
    return np.array([review.label for review in reviews], dtype=np.int64)
