"""Train the sentiment model through Airflow, and show what the live model says."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from infra.pipeline.arguments import UsageError, environment, given_path, whole, written
from infra.pipeline.http_json import ServiceError

MOST_SEED = 2**32 - 1
LANGUAGES = ("en", "ko")
TEXTS = (
    "A moving story, wonderfully acted, and not a minute too long.",
    "Two hours of noise without a single idea. I want my money back.",
    "The book was better, but the music alone is worth the ticket.",
    "배우들 연기가 정말 좋았고 마지막 장면에서 눈물이 났어요",
    "지루하고 뻔한 이야기, 시간이 아깝다",
)


def add_sentiment(commands: Any) -> None:
    """Add the command that trains, and the one that tells MLflow of a rollback."""
    what = "name the live sentiment model champion in MLflow"
    commands.add_parser("sentiment-champion", help=what, description=f"{what.capitalize()}, as after a rollback.")
    parser = commands.add_parser(
        "sentiment",
        help="train the sentiment model and show five predictions",
        description="Run train_sentiment, watch it, and show five predictions of the live model.",
    )
    parser.add_argument(
        "--corpus",
        metavar="PATH",
        help="CSV, TSV or JSON Lines file of labelled reviews; gz, xz, zip too (default: the installation's, see "
        ".env.example, with its columns)",
    )
    parser.add_argument("--text", type=written, metavar="COLUMN", help="its column of the text (default: text)")
    parser.add_argument("--label", type=written, metavar="COLUMN", help="its column of the label (default: label)")
    parser.add_argument("--language", choices=LANGUAGES, help="its language (default: found)")
    parser.add_argument("--seed", type=whole(0, MOST_SEED), metavar="N", help="of the split (default: 1)")
    parser.add_argument(
        "--embedded",
        choices=("yes", "no"),
        help="train on the embedded corpora too (default: the installation's)",
    )


def conf_of_sentiment(options: argparse.Namespace) -> dict[str, Any]:
    """Return the run's parameters. Raises UsageError for what gives nothing to read."""
    conf = {
        name: value for name in ("text", "label", "language", "seed") if (value := getattr(options, name)) is not None
    }
    embedded = options.embedded or os.environ.get("MARQUEE_SENTIMENT_EMBEDDED", "yes")
    if options.embedded is not None:
        conf["embedded"] = options.embedded == "yes"
    if options.corpus is not None:
        path = given_path("--corpus", options.corpus, "Give the path of a file of labelled reviews.")
        if path.is_dir():
            raise UsageError(f"--corpus {options.corpus!r} is a folder. Give the path of a file of labelled reviews.")
        # The installation's columns are those of its own file.
        return {"text": "text", "label": "label", "language": "", **conf, "corpus": str(path)}
    if os.environ.get("MARQUEE_SENTIMENT_CORPUS"):
        return conf
    if set(conf) & {"text", "label", "language"}:
        raise UsageError("--text, --label and --language say how a corpus is read, and none is given. Give --corpus.")
    if embedded == "no":
        raise UsageError("There is nothing to train on. Give --corpus, or train on the embedded corpora.")
    return conf


def live_model() -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and the manifest of the live publication, None without one."""
    live = Path(environment("MARQUEE_SENTIMENT_STORE")) / "live"
    try:
        publication = live.resolve(strict=True)
        return publication, json.loads((publication / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def live_predictions() -> list[str]:
    """Return what the live model says of five texts. Raises UsageError, ServiceError."""
    found = live_model()
    if found is None:
        return ["No sentiment model is live."]
    publication, manifest = found
    model = ("--model", str(publication / "model.joblib"), "--sha256", manifest["sha256"])
    result = _training("predict", *model, "--", *TEXTS)
    lines = [f"What the live model says (publication {publication.name}, model {result['version']}):"]
    for row in result["predictions"]:
        sure = "" if row["confident"] else ", not confident"
        lines.append(f"  {row['language']}  {row['label']:<8} {row['probability']:.3f}{sure:<15}  {row['text']}")
    return lines


def name_champion() -> str:
    """Name the live model champion in MLflow; return what was done.

    A rollback changes the live model without a run. Raises UsageError, ServiceError.
    """
    found = live_model()
    if found is None:
        return "No sentiment model is live, so that MLflow keeps its champion."
    publication, manifest = found
    version = manifest["lineage"]["model"].get("registered_version")
    if version is None:
        return f"Live is {publication.name}, which was published without MLflow: its champion stays."
    tracking = environment("MLFLOW_TRACKING_URI")
    _training("promote", "--tracking-uri", tracking, "--registered-version", version)
    return f"Live is {publication.name}. MLflow's champion is version {version} of marquee-sentiment."


def _training(*arguments: str) -> dict[str, Any]:
    command = [environment("MARQUEE_SENTIMENT_PYTHON"), "-m", "serving.reviews.training", *arguments]
    home = os.environ.get("MARQUEE_HOME")
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServiceError(f"`{' '.join(command[1:4])}` failed: {last} See `make status`, and run the command again.")
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result
