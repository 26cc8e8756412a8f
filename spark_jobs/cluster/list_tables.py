"""The lists that a batch publishes of its model; those of many rows are Spark DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name
from recommender.arrays import Columns, IntArray
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.parts.layout import LaidOut, PartsHere
from recommender.parts.profiles import RECENT_WHOLE, recent_whole
from recommender.published import popular_lists
from recommender.published.user_lists import Recommender
from recommender.ratings import Ratings
from recommender.top_n import most_similar, users_per_block
from threadpoolctl import threadpool_limits

from cluster.warehouse import RATING_COLUMNS

LIST_COLUMNS = "of_list int, user_id int, rank int, movie_id int, score double, reason_movie_ids string"
SIMILAR_COLUMNS = "movie_id int, rank int, similar_movie_id int, score double"
POPULAR_COLUMNS = "scope string, rank int, movie_id int, score double, ratings bigint"
# A run of blocks is a task and a file of each table.
MOST_RUNS = 64


def user_lists(spark: SparkSession, ratings: DataFrame, recommender: Recommender) -> DataFrame:
    """Return the rows of both lists of all users.

    Those of the recommendations have the `of_list` 0, and those of the discoveries 1. Both come from one pass over the users of the
    ratings. Users are scored in blocks by their position in the model. So a block, and every bit of its scores, is the same however Spark
    lays out its partitions. The partitions are runs of users in their order, which follow from the model alone, and each is sorted by
    `of_list`, `user_id` and `rank`.
    """
    # The profiles arrive with the ratings of each block.
    model = recommender.model
    without_profiles = replace(model, profiles=Incidence.none(len(model.user_ids)))
    shared = spark.sparkContext.broadcast(replace(recommender, model=without_profiles))
    block = np.arange(len(model.user_ids)) // users_per_block(len(model.movie_ids))
    in_a_run = -(-(int(block[-1]) + 1) // MOST_RUNS)
    places = {"user_id": model.user_ids, "block": block, "run": block // in_a_run}
    table = pa.table({name: pa.array(values, pa.int32()) for name, values in places.items()})
    placed = ratings.select(*RATING_COLUMNS).join(F.broadcast(spark.createDataFrame(table)), "user_id")
    in_order = placed.repartitionById(int(places["run"][-1]) + 1, F.col("run")).sortWithinPartitions("block")
    rows = in_order.select("block", *RATING_COLUMNS).mapInArrow(_lists_of(shared), LIST_COLUMNS)
    return rows.sortWithinPartitions("of_list", "user_id", "rank")


def _lists_of(shared: Broadcast[Recommender]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def lists_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in _blocks(batches):
            ratings = Ratings.from_columns({name: rows.column(name).to_numpy() for name in RATING_COLUMNS})
            with threadpool_limits(1):
                tables = shared.value.lists(ratings)
            for number, table in enumerate(tables):
                columns = {"of_list": np.full(len(table["user_id"]), number, dtype=np.int32), **table}
                yield pa.RecordBatch.from_arrays([pa.array(values) for values in columns.values()], [*columns])

    return lists_of


def _blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the rows of each block, which follow one another."""
    held: list[pa.RecordBatch] = []
    at = -1
    for batch in batches:
        block = batch.column("block").to_numpy()
        for start, stop in pairwise([0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(block)]):
            if held and block[start] != at:
                yield pa.Table.from_batches(held)
                held = []
            if stop > start:
                held.append(batch.slice(start, stop - start))
                at = block[start]
    if held:
        yield pa.Table.from_batches(held)


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


def popular_movies(laid: LaidOut, ratings: DataFrame, movies: DataFrame, n: int) -> Columns:
    """Return the popular_movies table of the rows of a movies table.

    `ratings` are those that are laid out. Where they are on the executors, they are summed up as they lie, and not laid out by movie.
    """
    recent_of = recent_of_parts(laid) if isinstance(laid.by_movie, PartsHere) else recent_of_rows(laid, ratings)
    rows = movies.select("movie_id", "release_year", "genres").orderBy("movie_id").collect()
    movie_ids = np.array([row.movie_id for row in rows], dtype=np.int64)
    at = np.searchsorted(movie_ids, laid.movie_ids)
    counts, recent = np.zeros(len(rows)), np.zeros(len(rows))
    counts[at], recent[at] = laid.counts, recent_of / RECENT_WHOLE
    return popular_lists.popular_movies(
        movie_ids, counts, recent, [row.release_year for row in rows], [row.genres or "" for row in rows], n
    )


def recent_of_parts(laid: LaidOut) -> IntArray:
    """Return each movie's recent popularity in RECENT_WHOLE, of parts in this process."""
    sums = np.zeros(len(laid.movie_ids), dtype=np.int64)
    for part in laid.by_movie:
        np.add.at(sums, part.first + part.owners(), recent_whole(part.rated_at, laid.reference_time))
    return sums


def recent_of_rows(laid: LaidOut, ratings: DataFrame) -> IntArray:
    """Return each movie's recent popularity in RECENT_WHOLE, of a ratings table."""
    movie_ids, as_of = laid.movie_ids, laid.reference_time

    def summed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sums = np.zeros(len(movie_ids), dtype=np.int64)
        for batch in batches:
            movies, rated_at = (batch.column(name).to_numpy().astype(np.int64) for name in ("movie_id", "rated_at"))
            np.add.at(sums, np.searchsorted(movie_ids, movies), recent_whole(rated_at, as_of))
        yield pa.RecordBatch.from_arrays([pa.array(np.arange(len(sums))), pa.array(sums)], ["movie", "recent"])

    by_movie = ratings.select("movie_id", "rated_at").mapInArrow(summed, "movie bigint, recent bigint").groupBy("movie")
    found = by_movie.agg(F.sum("recent").alias("recent")).toPandas().sort_values("movie")
    return found["recent"].to_numpy(np.int64)
