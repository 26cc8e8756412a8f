"""Compute the top-N lists of one batch with the registered model of that batch.

Reads the batch's partitions of <database>.ratings and .movies and the model version from MLflow, whose content must have the
SHA-256 that the version is tagged with. Writes <warehouse>/<table>/batch_id=<B>/ for recommendations, similar_movies,
popular_movies, movie_factors and movie_neighbours: all are complete before the first is put in place. A rerun replaces them
with the same rows in the same order.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import mlflow
import model_registry
import numpy as np
import pandas as pd
from als_half_step import Incidence
from baselines import RECENT_HALF_LIFE_DAYS
from batch_session import progress, report, start_session
from block_recommender import Recommender
from factor_model import FactorModel
from newcomer_tables import (
    MOVIE_FACTORS_COLUMNS,
    MOVIE_NEIGHBOURS_COLUMNS,
    fold_in,
    movie_factors,
    movie_neighbours,
)
from popular_lists import popular_movies
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - everyone's name for it
from ratings import Ratings
from threadpoolctl import threadpool_limits
from top_n import USERS_PER_BLOCK, most_similar
from warehouse import PartitionWriter, collect_ratings, read_batch, read_ratings

RECOMMENDATION_COLUMNS = "user_id int, rank int, movie_id int, score double, reason_movie_ids string"
SIMILAR_COLUMNS = "movie_id int, rank int, similar_movie_id int, score double"
POPULAR_COLUMNS = "scope string, rank int, movie_id int, score double, ratings bigint"


def arguments() -> argparse.ArgumentParser:
    """Return the program's argument parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-id", required=True, help="the batch to recommend for, YYYYMMDDTHHMMSS")
    parser.add_argument("--database", default="marquee", help="Hive database (default: %(default)s)")
    parser.add_argument("--model-name", default="marquee-als", help="registered model (default: %(default)s)")
    parser.add_argument("--model-version", required=True, help="version of the registered model, trained on this batch")
    parser.add_argument("--tracking-uri", required=True, help="MLflow tracking server")
    parser.add_argument("--warehouse", required=True, help="directory of the warehouse tables, any URI Hadoop knows")
    parser.add_argument("--top-n", type=int, default=100, help="movies a user (default: %(default)s)")
    parser.add_argument("--similar-n", type=int, default=50, help="similar movies a movie (default: %(default)s)")
    parser.add_argument("--popular-n", type=int, default=100, help="movies a popular list (default: %(default)s)")
    parser.add_argument("--result", default=None, help="also write the printed JSON to this path or URI")
    return parser


def recommendations(spark: SparkSession, ratings: DataFrame, model: FactorModel, top_n: int) -> DataFrame:
    """Return the recommendations table's rows for every user of the ratings.

    Users go through the kernel in blocks of USERS_PER_BLOCK by their place in the model, so that a block, and with it every bit of
    the product, is the same however Spark lays out its partitions.
    """
    gram = model.movie_factors.astype(np.float64).T @ model.movie_factors.astype(np.float64)
    # Profiles come with each block's ratings.
    without_profiles = replace(model, profiles=Incidence.none(len(model.user_ids)))
    shared = spark.sparkContext.broadcast(Recommender(without_profiles, gram, top_n))
    blocks = pd.DataFrame(
        {
            "user_id": model.user_ids.astype(np.int32),
            "block": (np.arange(len(model.user_ids)) // USERS_PER_BLOCK).astype(np.int32),
        }
    )
    blocked = ratings.select("user_id", "movie_id", "rating", "rated_at").join(
        F.broadcast(spark.createDataFrame(blocks, "user_id int, block int")), "user_id"
    )
    return blocked.groupBy("block").applyInPandas(_one_block(shared), RECOMMENDATION_COLUMNS)


def _one_block(shared: Broadcast[Recommender]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def one_block(rows: pd.DataFrame) -> pd.DataFrame:
        with threadpool_limits(1):
            return shared.value.recommend(Ratings.from_frame(rows))

    return one_block


def similar_movies(spark: SparkSession, model: FactorModel, n: int) -> DataFrame:
    """Return the similar_movies table's rows: each movie's n nearest by cosine of factors."""
    shared = spark.sparkContext.broadcast(model)
    starts = spark.range(0, len(model.movie_ids), USERS_PER_BLOCK, numPartitions=spark.sparkContext.defaultParallelism)

    def nearest(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        factors, ids = shared.value.movie_factors, shared.value.movie_ids
        for batch in batches:
            for start in batch["id"]:
                rows = slice(int(start), int(start) + USERS_PER_BLOCK)
                with threadpool_limits(1):
                    columns, cosines = most_similar(factors, rows, n)
                kept = columns >= 0
                ranks = np.broadcast_to(np.arange(1, n + 1), columns.shape)
                yield pd.DataFrame(
                    {
                        "movie_id": np.repeat(ids[rows], kept.sum(axis=1)).astype(np.int32),
                        "rank": ranks[kept].astype(np.int32),
                        "similar_movie_id": ids[columns[kept]].astype(np.int32),
                        "score": cosines[kept].astype(np.float64),
                    }
                )

    return starts.mapInPandas(nearest, SIMILAR_COLUMNS)


def popular(spark: SparkSession, ratings: Ratings, movies: DataFrame, n: int, half_life_days: float) -> DataFrame:
    """Return the popular_movies table's rows."""
    known = movies.select("movie_id", "release_year", "genres").orderBy("movie_id").collect()
    rows = popular_movies(
        ratings,
        np.array([m.movie_id for m in known], dtype=np.int64),
        [m.release_year for m in known],
        [m.genres or "" for m in known],
        n,
        half_life_days,
    )
    return spark.createDataFrame(rows, POPULAR_COLUMNS)


def main(argv: list[str] | None = None) -> None:
    """Run the program."""
    options = arguments().parse_args(argv)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    started = time.monotonic()
    mlflow.set_tracking_uri(options.tracking_uri)
    model = model_registry.load(options.model_name, options.model_version)
    spark = start_session(f"recommend_top_n {options.batch_id}")
    progress(
        f"model {options.model_name} version {options.model_version}: {len(model.user_ids)} users, {len(model.movie_ids)} movies"
    )

    rows = read_ratings(spark, options.database, options.batch_id)
    ratings = collect_ratings(rows)
    unknown = len(np.setdiff1d(ratings.users(), model.user_ids))
    if unknown:
        raise ValueError(
            f"{unknown} users of batch {options.batch_id} are not in {options.model_name} version {options.model_version}: "
            "it was trained on another batch; name the version that train_als registered for this one"
        )
    writer = PartitionWriter(spark, options.warehouse, options.batch_id)
    writer.write("recommendations", recommendations(spark, rows, model, options.top_n), ["user_id", "rank"])
    progress("recommendations written")
    writer.write("similar_movies", similar_movies(spark, model, options.similar_n), ["movie_id", "rank"])
    progress("similar movies written")
    movies = read_batch(spark, options.database, "movies", options.batch_id)
    writer.write(
        "popular_movies", popular(spark, ratings, movies, options.popular_n, RECENT_HALF_LIFE_DAYS), ["scope", "rank"]
    )
    writer.write("movie_factors", spark.createDataFrame(movie_factors(model), MOVIE_FACTORS_COLUMNS), ["movie_id"])
    writer.write(
        "movie_neighbours",
        spark.createDataFrame(movie_neighbours(model), MOVIE_NEIGHBOURS_COLUMNS),
        ["movie_id", "rank"],
    )
    written = writer.put_in_place()
    report(
        {
            "batch_id": options.batch_id,
            "model_name": options.model_name,
            "model_version": options.model_version,
            "factors_sha256": model.sha256(),
            "rows": written,
            "partitions": {table: writer.partition(table) for table in written},
            "users": len(ratings.users()),
            "fold_in": fold_in(model),
            "seconds": round(time.monotonic() - started, 1),
        },
        options.result,
        spark,
    )
    spark.stop()


if __name__ == "__main__":
    main()
