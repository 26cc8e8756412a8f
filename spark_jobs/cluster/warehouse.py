"""The warehouse: Hive tables to read, and directories to write as partitions."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from pyarrow import orc
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name
from recommender.arrays import Columns
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings

from cluster.hadoop_files import HadoopFiles

ROWS_PER_FILE = 2_000_000
_ARROW_TYPES = {
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
}
RATING_COLUMNS = ("user_id", "movie_id", "rating", "rated_at")


def read_batch(spark: SparkSession, database: str, table: str, batch_id: str) -> DataFrame:
    """Return one batch's rows of a Hive table.

    Raises ValueError when the partition is missing or has no file: that is known without a job.
    """
    rows = spark.table(f"{database}.{table}").where(F.col("batch_id") == batch_id).drop("batch_id")
    if not rows.inputFiles():
        raise ValueError(f"{database}.{table} has no rows for batch {batch_id}. Run its load step before this job.")
    return rows


def read_ratings(spark: SparkSession, database: str, batch_id: str) -> DataFrame:
    """Return a batch's ratings of the movies in its `movies` table.

    A movie without a title cannot be recommended.
    """
    movies = read_batch(spark, database, "movies", batch_id).select("movie_id")
    return read_batch(spark, database, "ratings", batch_id).join(F.broadcast(movies), "movie_id", "left_semi")


def read_marks(spark: SparkSession, database: str, batch_id: str) -> DataFrame:
    """Return what a batch's users saw and did not rate, as ratings of 0 stars.

    Own data may have such marks. The table `ratings` leaves them out.
    """
    staged = spark.table(f"{database}.staging_ratings")
    marks = staged.where((F.col("batch_id") == batch_id) & (F.col("outcome") == "clean") & (F.col("rating") == 0))
    return marks.select(*RATING_COLUMNS)


def collect_ratings(rows: DataFrame) -> Ratings:
    """Return the rows of a ratings table as sorted arrays, 32 bytes per rating."""
    return ratings_of(rows.select(*RATING_COLUMNS).toPandas())


def ratings_of(frame: pd.DataFrame) -> Ratings:
    """Return the ratings of a pandas DataFrame with the columns of a ratings table."""
    return Ratings.from_columns({name: frame[name].to_numpy() for name in RATING_COLUMNS})


def collect_attributes(movies: DataFrame) -> MovieAttributes:
    """Return the genres and years of the rows of a movies table, on the driver."""
    rows = movies.select("movie_id", "genres", "release_year").collect()
    return MovieAttributes.from_columns(
        [row.movie_id for row in rows], [row.genres for row in rows], [row.release_year for row in rows]
    )


class PartitionWriter:
    """A writer of several tables' partitions of one batch.

    All partitions are complete before the first one is put in place. An attempt is written to `_attempts/<table>/batch_id=<batch>` in
    the warehouse, and renamed. If a job is killed, its files stay there, where no reader looks; the next attempt removes them.
    """

    def __init__(self, spark: SparkSession, warehouse: str, batch_id: str) -> None:
        self._files = HadoopFiles(spark)
        self._warehouse = warehouse.rstrip("/")
        self._batch_id = batch_id
        self._written: dict[str, int] = {}

    def _attempt(self, table: str) -> str:
        return f"{self._warehouse}/_attempts/{table}/batch_id={self._batch_id}"

    def partition(self, table: str) -> str:
        """Return the directory of the table's partition of this batch."""
        return f"{self._warehouse}/{table}/batch_id={self._batch_id}"

    def write(self, table: str, rows: DataFrame, sort_by: list[str], at_most: int) -> None:
        """Write the attempt, sorted by `sort_by`.

        It has as few files as ROWS_PER_FILE allows, named in their order. Where there are `at_most` so many rows as one file takes, they
        are counted while they are written; otherwise they are kept until they are counted.
        """
        attempt = self._attempt(table)
        self._files.remove(attempt)
        if at_most <= ROWS_PER_FILE:
            counted = Observation()
            rows = rows.observe(counted, F.count(F.lit(1)).alias("rows"))
            rows.repartition(1).sortWithinPartitions(*sort_by).write.orc(attempt)
            count = int(counted.get["rows"])
        else:
            rows = rows.cache()
            count = rows.count()
            files = max(1, -(-count // ROWS_PER_FILE))
            rows.repartitionByRange(files, *sort_by).sortWithinPartitions(*sort_by).write.orc(attempt)
            rows.unpersist()
        self._name_files(attempt)
        self._written[table] = count

    def write_split(self, tables: Sequence[str], rows: DataFrame, by: str) -> None:
        """Write the attempts of several tables in one pass.

        The column `by` has the number of a row's table. The rows' partitions are in order, and sorted by `by` first. Each becomes a file of
        each table.
        """
        together = self._attempt("-and-".join(tables))
        self._files.remove(together)
        counted = Observation()
        counts = [F.count_if(F.col(by) == number).alias(table) for number, table in enumerate(tables)]
        rows.observe(counted, *counts).write.partitionBy(by).orc(together)
        for number, table in enumerate(tables):
            attempt = self._attempt(table)
            self._files.remove(attempt)
            self._written[table] = int(counted.get[table])
            if self._written[table]:
                self._files.rename(f"{together}/{by}={number}", attempt)
            else:
                rows.where(F.lit(False)).drop(by).coalesce(1).write.orc(attempt)
            self._name_files(attempt)
        self._files.remove(together)

    def _name_files(self, attempt: str) -> None:
        """Give the files their numbers in the place of Spark's random ids.

        So the same batch gives the same directory.
        """
        for number, name in enumerate(n for n in self._files.names(attempt) if n.startswith("part-")):
            self._files.rename(f"{attempt}/{name}", f"{attempt}/part-{number:05d}.orc")

    def write_here(self, table: str, columns: Columns, types: str, sort_by: Sequence[str] = ()) -> None:
        """Write the attempt of a table that this process has made, without a Spark job.

        `types` names the columns and their types as Spark does: `movie_id int, price float`. The files are as `write` makes them. Rows
        that are in order need no `sort_by`, which would copy them.
        """
        attempt = self._attempt(table)
        self._files.remove(attempt)
        schema = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in map(str.split, types.split(", "))])
        rows = pa.table({name: columns[name] for name in schema.names}, schema=schema)
        if sort_by:
            rows = rows.sort_by([(name, "ascending") for name in sort_by])
        for number, start in enumerate(range(0, len(rows), ROWS_PER_FILE)):
            content = io.BytesIO()
            orc.write_table(rows.slice(start, ROWS_PER_FILE), content, compression="zstd")
            self._files.write_bytes(f"{attempt}/part-{number:05d}.orc", content.getbuffer())
        self._written[table] = len(rows)

    def put_in_place(self) -> dict[str, int]:
        """Rename every attempt to its partition, and return each table's number of rows.

        A partition of an earlier run is replaced.
        """
        for table in self._written:
            self._files.remove(self.partition(table))
            self._files.rename(self._attempt(table), self.partition(table))
        return dict(self._written)
