"""The warehouse as the Spark jobs see it: Hive tables to read, and directories that become partitions to write."""

from __future__ import annotations

from hadoop_files import HadoopFiles
from movie_attributes import MovieAttributes
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - everyone's name for it
from ratings import Ratings

ROWS_PER_FILE = 2_000_000


def read_batch(spark: SparkSession, database: str, table: str, batch_id: str) -> DataFrame:
    """Return one batch's rows of a Hive table. Raises ValueError when the partition is missing or empty."""
    rows = spark.table(f"{database}.{table}").where(F.col("batch_id") == batch_id).drop("batch_id")
    if rows.isEmpty():
        raise ValueError(f"{database}.{table} has no rows for batch {batch_id}: run its load step before this job")
    return rows


def read_ratings(spark: SparkSession, database: str, batch_id: str) -> DataFrame:
    """Return a batch's ratings of movies that stand in its `movies` table: one without a title cannot be recommended."""
    movies = read_batch(spark, database, "movies", batch_id).select("movie_id")
    return read_batch(spark, database, "ratings", batch_id).join(F.broadcast(movies), "movie_id", "left_semi")


def collect_ratings(rows: DataFrame) -> Ratings:
    """Return the rows of a ratings table as sorted arrays on the driver (32 bytes a rating)."""
    return Ratings.from_frame(rows.select("user_id", "movie_id", "rating", "rated_at").toPandas())


def collect_attributes(movies: DataFrame) -> MovieAttributes:
    """Return genres and years of the rows of a movies table, on the driver."""
    rows = movies.select("movie_id", "genres", "release_year").collect()
    return MovieAttributes.from_columns(
        [row.movie_id for row in rows], [row.genres for row in rows], [row.release_year for row in rows]
    )


class PartitionWriter:
    """Writes several tables' partitions of one batch, all complete before the first of them is put in place.

    An attempt is written beside the tables, under `_attempts/<table>/batch_id=<batch>`, and renamed. A killed attempt's files are
    found there by the next one and removed, and never where a reader looks.
    """

    def __init__(self, spark: SparkSession, warehouse: str, batch_id: str) -> None:
        self._files = HadoopFiles(spark)
        self._warehouse = warehouse.rstrip("/")
        self._batch_id = batch_id
        self._written: dict[str, int] = {}

    def _attempt(self, table: str) -> str:
        return f"{self._warehouse}/_attempts/{table}/batch_id={self._batch_id}"

    def partition(self, table: str) -> str:
        """Return where the table's partition of this batch lies."""
        return f"{self._warehouse}/{table}/batch_id={self._batch_id}"

    def write(self, table: str, rows: DataFrame, sort_by: list[str]) -> None:
        """Write the attempt, sorted by `sort_by`, in as few files as ROWS_PER_FILE allows, named in order."""
        attempt = self._attempt(table)
        self._files.remove(attempt)
        rows = rows.cache()
        count = rows.count()
        files = -(-count // ROWS_PER_FILE)
        one_or_ranged = rows.repartition(1) if files <= 1 else rows.repartitionByRange(files, *sort_by)
        one_or_ranged.sortWithinPartitions(*sort_by).write.orc(attempt)
        rows.unpersist()
        # Spark puts a random id in each name; without it the same batch gives the same directory.
        for number, name in enumerate(n for n in self._files.names(attempt) if n.startswith("part-")):
            self._files.rename(f"{attempt}/{name}", f"{attempt}/part-{number:05d}.orc")
        self._written[table] = count

    def put_in_place(self) -> dict[str, int]:
        """Rename every attempt to its partition, in place of what an earlier run left; return each table's rows."""
        for table in self._written:
            self._files.remove(self.partition(table))
            self._files.rename(self._attempt(table), self.partition(table))
        return dict(self._written)
