"""Measure how often people call the live model's predictions right: `python -m serving.reviews.measure_feedback`.

The last line of the output is one JSON object: the live publication, by language the labelled texts, the accuracy on them
and what the gate saw, and how many labelled texts wait for the next training. MARQUEE_REVIEWS_DATABASE and
MARQUEE_SENTIMENT_STORE name the database and the publication store of models.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from serving.reviews.database.engine import open_database, transactions
from serving.reviews.database.errors import DatabaseError
from serving.reviews.domain.feedback_accuracy import Labelled, feedback_of, labelled_since
from serving.reviews.live_model import LiveModel, LoadedModel
from serving.reviews.settings import SettingError

_NEEDED = ("MARQUEE_REVIEWS_DATABASE", "MARQUEE_SENTIMENT_STORE")


def _moment(text: str) -> datetime | None:
    """Return a time with its zone; none for an empty text."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews.measure_feedback", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--labelled-since",
        type=_moment,
        default=None,
        metavar="TIME",
        help="count labelled texts after this time (ISO 8601; without a zone: UTC); default: all",
    )
    return parser


def measured(loaded: LoadedModel | None, feedback: Mapping[str, Labelled]) -> dict[str, Any]:
    """Return accuracy and number by language, and what the gate saw of the model.

    Languages that the model does not know are left out. `expected` is None for a model whose file does not say it.
    """
    languages: dict[str, Any] = {}
    references = loaded.model.metadata.get("reference", {}) if loaded else {}
    for language, found in sorted(feedback.items()):
        if loaded and language in loaded.model.languages:
            expected = references.get(language, {}).get("accuracy")
            languages[language] = {"texts": found.texts, "accuracy": found.accuracy, "expected": expected}
    return {
        "publication": loaded.publication if loaded else None,
        "model_version": loaded.version if loaded else None,
        "languages": languages,
    }


def _measure(environment: Mapping[str, str], since: datetime | None) -> dict[str, Any]:
    for name in _NEEDED:
        if not environment.get(name):
            raise SettingError(f"{name} is not set. Load the platform's environment first, see docs/runbook.md.")
    live = LiveModel(Path(environment["MARQUEE_SENTIMENT_STORE"]))
    live.follow()
    loaded = live.current
    # Without a model there are no predictions, and nothing is labelled.
    languages = list(loaded.model.languages) if loaded else []
    engine = open_database(environment["MARQUEE_REVIEWS_DATABASE"])
    try:
        with transactions(engine)() as database:
            feedback = feedback_of(database, loaded.publication) if loaded else {}
            return {**measured(loaded, feedback), "labelled": labelled_since(database, languages, since)}
    finally:
        engine.dispose()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the result and return the exit status."""
    options = arguments().parse_args(argv)
    try:
        result = _measure(os.environ, options.labelled_since)
    except (SettingError, DatabaseError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        print(f"measure_feedback: {reason}", file=sys.stderr)
        print(json.dumps({"status": "failed", "error": reason}))
        return 1
    print(json.dumps({"status": "succeeded", **result}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
