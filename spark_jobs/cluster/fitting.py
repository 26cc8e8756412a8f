"""The model of a whole batch, trained on the cluster, and its factors as files."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.model import FactorModel
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train
from threadpoolctl import threadpool_limits

from cluster import mllib_als
from cluster.hadoop_files import HadoopFiles
from cluster.half_steps import SparkHalfSteps

SOLVERS = ("blocked", "mllib")


def fit(
    spark: SparkSession,
    ratings: Ratings,
    attributes: MovieAttributes,
    settings: TrainingSettings,
    solver: str,
    checkpoints: str,
) -> FactorModel:
    """Return the model of all ratings as at their reference time.

    The solver is "blocked" (half steps in chunks) or "mllib" (MLlib's ALS, which writes to the directory `checkpoints`).
    """
    as_of = ratings.reference_time()
    if solver == "mllib":
        files = HadoopFiles(spark)
        files.remove(checkpoints)
        spark.sparkContext.setCheckpointDir(checkpoints)
        model = mllib_als.fit(spark, ratings, settings, as_of, attributes)
        files.remove(checkpoints)
        return model
    steps = SparkHalfSteps(spark)
    try:
        with threadpool_limits(1):
            return train(ratings, settings, as_of, attributes, steps)
    finally:
        steps.close()


def write_factors(spark: SparkSession, model: FactorModel, model_path: str) -> None:
    """Write both factor tables below `model_path`.

    Each is written to an attempt directory, which is then renamed.
    """
    files = HadoopFiles(spark)
    users = pd.DataFrame({"user_id": model.user_ids, "features": list(model.user_factors)})
    movies = pd.DataFrame(
        {
            "movie_id": model.movie_ids,
            "features": list(model.movie_factors),
            "gain": model.movie_gain,
            "prior": model.movie_prior,
        }
    )
    for name, frame, schema in (
        ("user_factors", users, "user_id int, features array<float>"),
        ("item_factors", movies, "movie_id int, features array<float>, gain float, prior float"),
    ):
        attempt, target = f"{model_path}/_attempts/{name}", f"{model_path}/{name}"
        files.remove(attempt)
        spark.createDataFrame(frame, schema).coalesce(1).write.parquet(attempt)
        files.remove(target)
        files.rename(attempt, target)
    files.remove(f"{model_path}/_attempts")
