"""The sentiment model on the executors: its file and its code, as the driver has them.

Spark copies the file to each executor. It is a pickle, so each Python process checks its SHA-256 before it is read.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from cluster.session import write_archive
from pyspark import SparkFiles
from pyspark.sql import DataFrame, SparkSession

if TYPE_CHECKING:
    from serving.reviews.model.sentiment import SentimentModel

REPOSITORY = Path(__file__).resolve().parents[2]
# The model's package, and those that it lies in.
CODE = ("serving/__init__.py", "serving/reviews/__init__.py", "serving/reviews/model/*.py")
ARCHIVE = "marquee_sentiment_model.zip"
COLUMNS = (
    "review_id long, movie_id int, created_at long, month string, "
    "language string, label string, probability double, confident boolean, known double"
)


class ShippedModelError(Exception):
    """A model's file that is not the one that was named."""


def ship_model(spark: SparkSession, model: Path, sha256: str) -> str:
    """Give the executors the model's file and code; return the file's name there.

    Raises ShippedModelError if the file is another one.
    """
    try:
        found = hashlib.sha256(model.read_bytes()).hexdigest()
    except OSError as error:
        raise ShippedModelError(f"{model} cannot be read: {error.strerror}. Pull the publication again.") from None
    if found != sha256:
        raise ShippedModelError(f"{model} has SHA-256 {found} instead of {sha256}. Pull the publication again.")
    folder = Path(tempfile.mkdtemp(prefix="marquee-sentiment-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # A session has one file of each name, and a later model must not meet an earlier one's.
    copy = folder / f"{sha256}.joblib"
    shutil.copyfile(model, copy)
    files = sorted(path for pattern in CODE for path in REPOSITORY.glob(pattern))
    # Before the first function is used: Spark hands the archive on with each.
    spark.sparkContext.addPyFile(str(write_archive(REPOSITORY, files, folder / ARCHIVE)))
    spark.sparkContext.addFile(str(copy))
    return copy.name


def score(reviews: DataFrame, file: str, sha256: str) -> DataFrame:
    """Return the table scored_reviews of reviews; `file` is what ship_model returned."""
    return reviews.mapInPandas(_scoring(file, sha256), COLUMNS)


def _scoring(file: str, sha256: str) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def scored(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model = _loaded(SparkFiles.get(file), sha256)
        for batch in batches:
            # As the service predicts a review: the language is found.
            found = model.predict_many(batch["text"], with_terms=False)
            moments = pd.to_datetime(batch["created_at"], unit="s", utc=True)
            yield pd.DataFrame(
                {
                    "review_id": batch["review_id"],
                    "movie_id": batch["movie_id"],
                    "created_at": batch["created_at"],
                    "month": moments.dt.strftime("%Y-%m"),
                    **{
                        name: [getattr(one, name) for one in found]
                        for name in ("language", "label", "probability", "confident", "known")
                    },
                }
            )

    return scored


@cache
def _loaded(path: str, sha256: str) -> SentimentModel:
    """Return the model, once a process. Its bytes are checked first."""
    # The code arrives with the functions that use it.
    from serving.reviews.model.files import load_model

    return load_model(Path(path), sha256)
