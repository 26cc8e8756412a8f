"""Spark MLlib's implicit ALS, with the settings under which the same batch gives the same factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from als_training import blend
from factor_model import FactorModel, Settings, training_weights
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from ratings import FloatArray, IntArray, Ratings

# One block: with more, the blocks' normal equations are added up in the order in which shuffled data arrives, and the factors
# differ in their last bits from run to run. One block is as fast up to a few million ratings on small executors.
REPRODUCIBLE_BLOCKS = 1


def fit(spark: SparkSession, ratings: Ratings, settings: Settings, as_of: int) -> FactorModel:
    """Train on all of `ratings` and return the model as at `as_of`, Unix seconds UTC; the session needs a checkpoint directory."""
    if len(ratings) == 0:
        raise ValueError("there are no ratings to train on: check that the batch's partition was loaded")
    frame = pd.DataFrame(
        {
            "user_id": ratings.user_id.astype(np.int32),
            "movie_id": ratings.movie_id.astype(np.int32),
            "weight": training_weights(ratings, settings, as_of).astype(np.float32),
        }
    )
    rows = spark.createDataFrame(frame).coalesce(1).sortWithinPartitions("user_id", "movie_id").cache()
    try:
        trained = ALS(
            userCol="user_id",
            itemCol="movie_id",
            ratingCol="weight",
            implicitPrefs=True,
            rank=settings.rank,
            maxIter=settings.max_iter,
            regParam=settings.reg_param,
            alpha=settings.alpha,
            seed=settings.seed,
            numUserBlocks=REPRODUCIBLE_BLOCKS,
            numItemBlocks=REPRODUCIBLE_BLOCKS,
            checkpointInterval=5,
        ).fit(rows)
        movie_ids, movie_factors = _collect(trained.itemFactors)
    finally:
        rows.unpersist()
    return blend(ratings, ratings.users(), movie_ids, movie_factors, settings, as_of)


def _collect(factors: DataFrame) -> tuple[IntArray, FloatArray]:
    """Return ids, ascending, and their factors, (ids, rank)."""
    frame = factors.toPandas().sort_values("id")
    return frame["id"].to_numpy(np.int64), np.vstack(frame["features"].to_list()).astype(np.float64)
