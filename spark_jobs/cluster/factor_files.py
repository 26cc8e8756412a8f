"""A model's factors as files."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from recommender.arrays import Float32Array
from recommender.model import FactorModel

from cluster.hadoop_files import HadoopFiles

# A hundred thousand times 64 floats are 26 MB, which this process makes without Spark.
ROWS_PER_FILE = 100_000


def write_factors(spark: SparkSession, model: FactorModel, model_path: str) -> None:
    """Write both factor tables below `model_path`, as Parquet by ascending id.

    Each is written to an attempt directory, which is then renamed.
    """
    files = HadoopFiles(spark)
    users = {"user_id": pa.array(model.user_ids, pa.int32()), "features": _lists(model.user_factors)}
    movies = {"movie_id": pa.array(model.movie_ids, pa.int32()), "features": _lists(model.movie_factors)}
    movies |= {"gain": pa.array(model.movie_gain), "prior": pa.array(model.movie_prior)}
    for name, columns in (("user_factors", users), ("item_factors", movies)):
        attempt, target, rows = f"{model_path}/_attempts/{name}", f"{model_path}/{name}", pa.table(columns)
        files.remove(attempt)
        for number, start in enumerate(range(0, len(rows), ROWS_PER_FILE)):
            content = io.BytesIO()
            pq.write_table(rows.slice(start, ROWS_PER_FILE), content)
            files.write_bytes(f"{attempt}/part-{number:05d}.parquet", content.getbuffer())
        files.remove(target)
        files.rename(attempt, target)
    files.remove(f"{model_path}/_attempts")


def _lists(factors: Float32Array) -> pa.Array:
    """Return the rows of (entities, rank) as lists, without a copy."""
    starts = pa.array(range(0, factors.size + 1, factors.shape[1]), pa.int32())
    return pa.ListArray.from_arrays(starts, pa.array(factors.ravel()))
