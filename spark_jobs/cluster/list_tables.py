"""The lists that a batch publishes of its model; those of many rows are Spark DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name
from recommender.arrays import Columns
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.parts.layout import LaidOut
from recommender.parts.profiles import popularity_of
from recommender.published import popular_lists
from recommender.published.user_lists import Recommender
from recommender.top_n import most_similar, users_per_block
from recommender.training import NEVER
from threadpoolctl import threadpool_limits

from cluster.warehouse import ratings_of

RECOMMENDATION_COLUMNS = "user_id int, rank int, movie_id int, score double, reason_movie_ids string"
SIMILAR_COLUMNS = "movie_id int, rank int, similar_movie_id int, score double"
POPULAR_COLUMNS = "scope string, rank int, movie_id int, score double, ratings bigint"


def user_lists(spark: SparkSession, ratings: DataFrame, recommender: Recommender) -> list[DataFrame]:
    """Return the recommendations and the discoveries table of all users.

    Both come from one pass over the users of the ratings. Users are scored in blocks by their position in the model. So
    a block, and every bit of its scores, is the same however Spark lays out its partitions.
    """
    # The profiles arrive with the ratings of each block.
    model = recommender.model
    without_profiles = replace(model, profiles=Incidence.none(len(model.user_ids)))
    shared = spark.sparkContext.broadcast(replace(recommender, model=without_profiles))
    blocks = pd.DataFrame(
        {
            "user_id": model.user_ids.astype(np.int32),
            "block": (np.arange(len(model.user_ids)) // users_per_block(len(model.movie_ids))).astype(np.int32),
        }
    )
    blocked = ratings.select("user_id", "movie_id", "rating", "rated_at").join(
        F.broadcast(spark.createDataFrame(blocks, "user_id int, block int")), "user_id"
    )
    both = blocked.groupBy("block").applyInPandas(_one_block(shared), f"{RECOMMENDATION_COLUMNS}, of_list int").cache()
    return [both.where(F.col("of_list") == number).drop("of_list") for number in range(2)]


def _one_block(shared: Broadcast[Recommender]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def one_block(rows: pd.DataFrame) -> pd.DataFrame:
        with threadpool_limits(1):
            tables = shared.value.lists(ratings_of(rows))
            return pd.concat([pd.DataFrame(table).assign(of_list=number) for number, table in enumerate(tables)])

    return one_block


def similar_movies(spark: SparkSession, model: FactorModel, n: int) -> DataFrame:
    """Return the similar_movies table: each movie's n nearest by cosine of factors."""
    shared = spark.sparkContext.broadcast((model.movie_factors, model.movie_ids))
    size = users_per_block(len(model.movie_ids))
    starts = spark.range(0, len(model.movie_ids), size, numPartitions=spark.sparkContext.defaultParallelism)

    def nearest(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        factors, ids = shared.value
        for batch in batches:
            for start in batch["id"]:
                rows = slice(int(start), int(start) + size)
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


def popular_movies(laid: LaidOut, movies: DataFrame, n: int) -> Columns:
    """Return the popular_movies table of the rows of a movies table."""
    rows = movies.select("movie_id", "release_year", "genres").orderBy("movie_id").collect()
    movie_ids = np.array([row.movie_id for row in rows], dtype=np.int64)
    at = np.searchsorted(movie_ids, laid.movie_ids)
    counts, recent = np.zeros(len(rows)), np.zeros(len(rows))
    counts[at], recent[at] = popularity_of(laid, NEVER, laid.reference_time)
    return popular_lists.popular_movies(
        movie_ids, counts, recent, [row.release_year for row in rows], [row.genres or "" for row in rows], n
    )
