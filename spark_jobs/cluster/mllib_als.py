"""Spark MLlib's ALS, set up so that the same batch gives the same factors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame, SparkSession
from recommender.arrays import FloatArray, IntArray
from recommender.attributes import MovieAttributes
from recommender.model import FactorModel
from recommender.parts.layout import lay_out_here
from recommender.parts.profiles import Weighing
from recommender.ratings import Ratings
from recommender.reference_models import unpersonalised
from recommender.settings import TrainingSettings, training_weights
from recommender.training import NEVER, blend

from cluster.hadoop_files import HadoopFiles

# With more than one block, MLlib adds up the blocks' normal equations in the order in which shuffled data arrives. The factors then
# differ in their last bits from run to run. One block is as fast up to a few million ratings on small executors.
REPRODUCIBLE_BLOCKS = 1

# The settings of the published benchmark, docs/benchmark-ml-100k.md.
EXPLICIT: dict[str, Any] = {"rank": 10, "maxIter": 15, "regParam": 0.05}


def fit(
    spark: SparkSession, ratings: Ratings, settings: TrainingSettings, as_of: int, attributes: MovieAttributes
) -> FactorModel:
    """Return the model of all `ratings` as at `as_of`, in Unix seconds UTC.

    The session needs a checkpoint directory.
    """
    trained = _fit(
        spark,
        ratings,
        training_weights(ratings, settings, as_of),
        implicitPrefs=True,
        rank=settings.rank,
        maxIter=settings.max_iter,
        regParam=settings.reg_param,
        alpha=settings.alpha,
        seed=settings.seed,
        checkpointInterval=5,
    )
    movie_ids, movie_factors = _collect(trained.itemFactors)
    laid = lay_out_here(ratings)
    if not np.array_equal(movie_ids, laid.movie_ids):
        raise ValueError("MLlib left movies without factors. Use the blocked solver.")
    return blend(laid, movie_factors, Weighing(settings, as_of, NEVER), attributes)


def fit_with_checkpoints(
    spark: SparkSession,
    ratings: Ratings,
    settings: TrainingSettings,
    as_of: int,
    attributes: MovieAttributes,
    checkpoints: str,
) -> FactorModel:
    """Return what `fit` does, with its checkpoints in a directory.

    The directory is removed at the end.
    """
    files = HadoopFiles(spark)
    files.remove(checkpoints)
    spark.sparkContext.setCheckpointDir(checkpoints)
    model = fit(spark, ratings, settings, as_of, attributes)
    files.remove(checkpoints)
    return model


def fit_explicit(spark: SparkSession, ratings: Ratings) -> FactorModel:
    """Return the model of explicit ALS, whose lists follow the predicted stars.

    The product of a user's and a movie's factors is the predicted number of stars.
    """
    trained = _fit(spark, ratings, ratings.rating, seed=TrainingSettings().seed, **EXPLICIT)
    return replace(
        unpersonalised(ratings, np.zeros(len(ratings.movies()))),
        user_factors=_collect(trained.userFactors)[1].astype(np.float32),
        movie_factors=_collect(trained.itemFactors)[1].astype(np.float32),
    )


def _fit(spark: SparkSession, ratings: Ratings, values: FloatArray, **settings: Any) -> ALSModel:
    """Return MLlib's model of one value per rating, trained in REPRODUCIBLE_BLOCKS.

    Raises ValueError when there are no ratings.
    """
    if len(ratings) == 0:
        raise ValueError("There are no ratings to train on. Check that the batch's partition was loaded.")
    frame = pd.DataFrame(
        {
            "user_id": ratings.user_id.astype(np.int32),
            "movie_id": ratings.movie_id.astype(np.int32),
            "value": values.astype(np.float32),
        }
    )
    rows = spark.createDataFrame(frame).coalesce(1).sortWithinPartitions("user_id", "movie_id").cache()
    try:
        return ALS(
            userCol="user_id",
            itemCol="movie_id",
            ratingCol="value",
            numUserBlocks=REPRODUCIBLE_BLOCKS,
            numItemBlocks=REPRODUCIBLE_BLOCKS,
            **settings,
        ).fit(rows)
    finally:
        rows.unpersist()


def _collect(factors: DataFrame) -> tuple[IntArray, FloatArray]:
    """Return ids, ascending, and their factors, (ids, rank)."""
    frame = factors.toPandas().sort_values("id")
    return frame["id"].to_numpy(np.int64), np.vstack(frame["features"].to_list()).astype(np.float64)
