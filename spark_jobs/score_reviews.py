"""Score all stored reviews of one batch with one sentiment model.

Reads a file of JSON Lines, as `python -m serving.reviews.warehouse export-reviews` writes it, whose number of rows must be --rows. The
model's file must have the SHA-256 that is given; each executor checks it before it is read. Writes
<warehouse>/scored_reviews/batch_id=<B>/, without the texts. A rerun replaces it with the same rows in the same order.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cluster.arguments import whole
from cluster.reporting import progress, report
from cluster.session import start_session
from cluster.warehouse import PartitionWriter
from pyspark.sql import DataFrame, SparkSession
from scoring.shipped_model import score, ship_model

TABLE = "scored_reviews"
REVIEWS = "review_id long, movie_id int, created_at long, text string, language string"


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-id", required=True, help="the batch to write, YYYYMMDDTHHMMSS")
    parser.add_argument("--reviews", required=True, help="file of reviews in JSON Lines, any URI Hadoop knows")
    parser.add_argument("--rows", type=whole(0, 10**12), required=True, help="number of reviews in the file")
    parser.add_argument("--model", type=Path, required=True, help="the model's file, on this machine")
    parser.add_argument("--sha256", required=True, help="SHA-256 of the model's file")
    parser.add_argument("--publication", required=True, help="publication of the model, for the result")
    parser.add_argument("--warehouse", required=True, help="directory of the warehouse tables, any URI Hadoop knows")
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def read_reviews(spark: SparkSession, path: str, rows: int) -> DataFrame:
    """Return the reviews of a file.

    Raises ValueError where it has another number of rows, and Spark's error for a line that is no review.
    """
    # A split of the file has some thousand reviews, so that each executor's time goes into predictions.
    reviews = spark.read.schema(REVIEWS).option("mode", "FAILFAST").json(path)
    found = reviews.count()
    if found != rows:
        raise ValueError(f"{path} has {found} reviews instead of {rows}. Clear export_reviews, which writes it again.")
    return reviews.repartition(max(1, min(spark.sparkContext.defaultParallelism, rows // 1000)))


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    started = time.monotonic()
    spark = start_session(f"score_reviews {options.batch_id}")
    file = ship_model(spark, options.model, options.sha256)
    reviews = read_reviews(spark, options.reviews, options.rows)
    progress(f"{options.rows} reviews, model of {options.publication}")
    writer = PartitionWriter(spark, options.warehouse, options.batch_id)
    writer.write(TABLE, score(reviews, file, options.sha256), ["review_id"], options.rows)
    written = writer.put_in_place()
    report(
        {
            "batch_id": options.batch_id,
            "publication": options.publication,
            "model_sha256": options.sha256,
            "rows": written,
            "partitions": {TABLE: writer.partition(TABLE)},
            "seconds": round(time.monotonic() - started, 1),
        },
        options.result,
        spark,
    )
    spark.stop()


if __name__ == "__main__":
    main()
