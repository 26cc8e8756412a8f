"""A model's factors as files."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import SparkSession
from recommender.model import FactorModel

from cluster.hadoop_files import HadoopFiles


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
