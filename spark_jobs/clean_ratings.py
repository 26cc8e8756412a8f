"""Clean a ratings file on Spark.

The rows are the same as those of ``mr_jobs/mr_clean_ratings.py``.

    spark-submit spark_jobs/clean_ratings.py hdfs:///marquee/raw/D/B/ratings.csv \
        --output-dir hdfs:///marquee/clean/D/B/ratings --layout csv [--latest-timestamp EPOCH]

Of several ratings of one (user, movie), the latest one is kept.
"""

from __future__ import annotations

import argparse

from cleaning.fields import DELIMITERS, parse_id, parse_rating, parse_timestamp
from cleaning.rows import Row, Table, run
from pyspark.sql import Column
from pyspark.sql import functions as sf


def parse_ratings(fields: Column, options: argparse.Namespace) -> Row:
    """Return user_id, movie_id, rating and rated_at.

    The key is user and movie. The time of the rating decides which row is kept.
    """
    user, user_reason = parse_id(sf.get(fields, sf.lit(0)), "user_id")
    movie, movie_reason = parse_id(sf.get(fields, sf.lit(1)), "movie_id")
    rating, rating_reason = parse_rating(sf.get(fields, sf.lit(2)))
    rated_at, time_reason = parse_timestamp(sf.get(fields, sf.lit(3)), options.latest_timestamp)
    reason = sf.coalesce(user_reason, movie_reason, rating_reason, time_reason)
    columns = {"user_id": user, "movie_id": movie, "rating": rating, "rated_at": rated_at}
    return Row(columns, reason, key=["user_id", "movie_id"], precedence="rated_at")


RATINGS = Table({layout: (delimiter, 4) for layout, delimiter in DELIMITERS.items()}, parse_ratings)

if __name__ == "__main__":
    run("clean_ratings", RATINGS)
