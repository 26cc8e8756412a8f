"""Compute the top-N lists of one batch with the registered model of that batch.

Reads the batch's partitions of <database>.ratings and .movies, and the model version from MLflow. The SHA-256 of the model must be the
one in the version's tags. Writes <warehouse>/<table>/batch_id=<B>/ for recommendations, discoveries, similar_movies, popular_movies,
movie_factors, movie_neighbours and discovery_prices. All are complete before the first is put in place. A rerun replaces them with the
same rows in the same order.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor

import mlflow
import numpy as np
from cluster import list_tables
from cluster.arguments import whole
from cluster.layout import laid_out
from cluster.reporting import progress, report
from cluster.session import start_session
from cluster.warehouse import RATING_COLUMNS, PartitionWriter, read_batch, read_marks, read_ratings
from promotion import registry
from pyspark.sql import DataFrame, SparkSession
from recommender.discovery import discovery_of
from recommender.model import FactorModel
from recommender.parts.layout import LaidOut
from recommender.published.newcomer_tables import (
    DISCOVERY_PRICES_COLUMNS,
    MOVIE_FACTORS_COLUMNS,
    MOVIE_NEIGHBOURS_COLUMNS,
    discovery_prices,
    discovery_settings,
    fold_in,
    movie_factors,
    movie_neighbours,
)
from recommender.published.user_lists import Recommender


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-id", required=True, help="the batch to recommend for, YYYYMMDDTHHMMSS")
    parser.add_argument("--database", default="marquee", help="Hive database (default: %(default)s)")
    parser.add_argument("--model-name", default="marquee-als", help="registered model (default: %(default)s)")
    parser.add_argument("--model-version", required=True, help="version of the registered model, trained on this batch")
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking server")
    parser.add_argument("--warehouse", required=True, help="directory of the warehouse tables, any URI Hadoop knows")
    parser.add_argument("--top-n", type=whole(1, 1000), default=100, help="movies per user (default: %(default)s)")
    parser.add_argument(
        "--discover-n",
        type=whole(1, 1000),
        default=50,
        help="movies of the long tail per user (default: %(default)s)",
    )
    parser.add_argument(
        "--similar-n", type=whole(1, 500), default=50, help="similar movies per movie (default: %(default)s)"
    )
    parser.add_argument(
        "--popular-n", type=whole(1, 1000), default=100, help="movies per popular list (default: %(default)s)"
    )
    parser.add_argument(
        "--marks",
        choices=("no", "yes"),
        default="no",
        help="yes: leave out too what a user saw and did not rate, from <database>.staging_ratings (default: %(default)s)",
    )
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def write_movies(
    spark: SparkSession,
    writer: PartitionWriter,
    model: FactorModel,
    rated: tuple[LaidOut, DataFrame],
    options: argparse.Namespace,
) -> None:
    """Write what needs no prices: similar and popular movies, newcomers' tables."""
    similar = list_tables.similar_movies(spark, model, options.similar_n)
    writer.write("similar_movies", similar, ["movie_id", "rank"], len(model.movie_ids) * options.similar_n)
    titles = read_batch(spark, options.database, "movies", options.batch_id)
    popular = list_tables.popular_movies(*rated, titles, options.popular_n)
    writer.write_here("popular_movies", popular, list_tables.POPULAR_COLUMNS, ["scope", "rank"])
    # These are in the order of movie_id and rank.
    writer.write_here("movie_factors", movie_factors(model), MOVIE_FACTORS_COLUMNS)
    writer.write_here("movie_neighbours", movie_neighbours(model), MOVIE_NEIGHBOURS_COLUMNS)
    progress("tables of movies written")


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    started = time.monotonic()
    mlflow.set_tracking_uri(options.tracking_uri)
    name = f"{options.model_name} version {options.model_version}"
    with ThreadPoolExecutor(1) as another:
        loaded = another.submit(registry.load, options.model_name, options.model_version)
        spark = start_session(f"recommend_top_n {options.batch_id}")
        model = loaded.result()
    progress(f"model {name}: {len(model.user_ids)} users, {len(model.movie_ids)} movies")

    rows = read_ratings(spark, options.database, options.batch_id)
    laid = laid_out(spark, rows)
    for kind, own, known in (("users", laid.user_ids, model.user_ids), ("movies", laid.movie_ids, model.movie_ids)):
        if not np.array_equal(own, known):
            raise ValueError(
                f"{len(np.setxor1d(own, known))} {kind} are in batch {options.batch_id} or in {name}, not in both. It was trained on "
                "another batch. Name the version that train_als registered for this one."
            )
    writer = PartitionWriter(spark, options.warehouse, options.batch_id)
    seen = rows
    if options.marks == "yes":
        seen = rows.select(*RATING_COLUMNS).union(read_marks(spark, options.database, options.batch_id))
    # The prices take one core of this process alone.
    with ThreadPoolExecutor(1) as another:
        of_movies = another.submit(write_movies, spark, writer, model, (laid, rows), options)
        discovery = discovery_of(model, laid)
        progress("prices of discoveries found")
        of_movies.result()
    writer.write_here("discovery_prices", discovery_prices(model, discovery), DISCOVERY_PRICES_COLUMNS)
    recommender = Recommender.of(model, options.top_n, discovery, options.discover_n, laid.reference_time)
    lists = list_tables.user_lists(spark, seen, recommender)
    writer.write_split(("recommendations", "discoveries"), lists, "of_list")
    progress("recommendations and discoveries written")
    written = writer.put_in_place()
    report(
        {
            "batch_id": options.batch_id,
            "model_name": options.model_name,
            "model_version": options.model_version,
            "factors_sha256": model.sha256(),
            "rows": written,
            "partitions": {table: writer.partition(table) for table in written},
            "users": len(laid.user_ids),
            "fold_in": fold_in(model),
            "discovery": discovery_settings(),
            "seconds": round(time.monotonic() - started, 1),
        },
        options.result,
        spark,
    )
    spark.stop()


if __name__ == "__main__":
    main()
