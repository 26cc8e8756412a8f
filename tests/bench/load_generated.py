"""Puts a generated set into the tables ratings and movies of a warehouse: for training_scale.py, by spark-submit."""

from __future__ import annotations

import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name


def main() -> None:
    """Read <folder>/ratings.csv and movies.csv; write them as a batch."""
    folder, batch_id = sys.argv[1:]
    spark = SparkSession.builder.enableHiveSupport().getOrCreate()
    spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
    spark.sql("CREATE DATABASE IF NOT EXISTS marquee")

    def read(name: str) -> DataFrame:
        return spark.read.csv(f"{folder}/{name}.csv", header=True, inferSchema=True)

    batch = F.lit(batch_id).alias("batch_id")
    ratings = read("ratings").select(
        F.col("userId").alias("user_id"),
        F.col("movieId").alias("movie_id"),
        F.col("rating").cast("double"),
        F.col("timestamp").cast("bigint").alias("rated_at"),
        batch,
    )
    year = F.regexp_extract("title", r"\((\d{4})\)\s*$", 1).try_cast("int").alias("release_year")
    movies = read("movies").select(F.col("movieId").alias("movie_id"), "title", year, "genres", batch)
    for name, table in (("ratings", ratings), ("movies", movies)):
        table.write.format("orc").partitionBy("batch_id").mode("overwrite").saveAsTable(f"marquee.{name}")
    spark.stop()


if __name__ == "__main__":
    main()
