import pytest
from cluster.warehouse import read_batch, read_ratings
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_a_batch_that_was_not_loaded_is_refused_without_a_job(spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    for table, columns, row in (
        ("ratings", "user_id int, movie_id int, rating double, rated_at bigint", (1, 7, 4.5, 10)),
        ("movies", "movie_id int, title string", (7, "A")),
    ):
        rows = spark.createDataFrame([(*row, "first")], f"{columns}, batch_id string")
        rows.write.mode("overwrite").partitionBy("batch_id").format("orc").saveAsTable(f"shop.{table}")
    assert [tuple(row) for row in read_ratings(spark, "shop", "first").collect()] == [(7, 1, 4.5, 10)]
    jobs = len(spark.sparkContext.statusTracker().getJobIdsForGroup())
    with pytest.raises(ValueError, match=r"^shop.movies has no rows for batch second. Run its load step before"):
        read_batch(spark, "shop", "movies", "second")
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup()) == jobs
