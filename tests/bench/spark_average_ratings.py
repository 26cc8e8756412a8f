"""Mean rating per movie for one year, on Spark: the clean rows of a cleaning job in, movie_id, ratings, mean out."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

COLUMNS = (
    "outcome STRING, source_file STRING, byte_offset BIGINT, user_id INT, movie_id INT, rating DOUBLE, rated_at BIGINT"
)


def main() -> None:
    source, output, year = sys.argv[1], sys.argv[2], int(sys.argv[3])
    spark = SparkSession.builder.appName("average_ratings").getOrCreate()
    first, end = (int(spark.sql(f"SELECT unix_timestamp('{y}-01-01 00:00:00')").first()[0]) for y in (year, year + 1))
    rows = spark.read.csv(source, schema=COLUMNS, sep="\t", nullValue=r"\N", quote="", escape="\0", mode="PERMISSIVE")
    of_year = rows.where((sf.col("outcome") == "clean") & (sf.col("rated_at") >= first) & (sf.col("rated_at") < end))
    half_stars = sf.sum((sf.col("rating") * 2).cast("bigint")).alias("half_stars")
    sums = of_year.groupBy("movie_id").agg(sf.count("*").alias("ratings"), half_stars)
    means = sums.withColumn("millionths", sf.expr("(half_stars * 1000000 + ratings) div (2 * ratings)"))
    mean = sf.expr("format_string('%d.%06d', millionths div 1000000, millionths % 1000000)")
    line = sf.concat_ws("\t", "movie_id", "ratings", mean)
    means.select(line).write.mode("overwrite").text(output)
    spark.stop()


if __name__ == "__main__":
    main()
