"""Ratings laid out on the executors, by user and by movie: they never pass through the driver.

A part is made where Spark's shuffle puts it, and stays there: in the executor's memory, or on its disk where that is
full. Which ratings are in a part follows from the data alone (recommender.parts.layout).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark import RDD, StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name
from recommender.arrays import FloatArray, IntArray
from recommender.parts import gram
from recommender.parts.gram import mirror, upper_gram
from recommender.parts.layout import LaidOut, Part, Parts, groups_of, lay_out_here, parts_of, runs
from threadpoolctl import threadpool_limits

from cluster.warehouse import collect_ratings

T = TypeVar("T")
R = TypeVar("R")

SECONDS_PER_DAY = 86_400
# A gathered batch takes 16 MB in each process; beyond that, more executors help.
MOST_GATHERED = 500_000
# Sums of a gram matrix: each is 144 MB for 6,000 movies.
MOST_SUMS = 8


class SparkParts(Parts[T]):
    """Parts on the executors, in the order of an RDD.

    Each of its partitions holds one group of parts.
    """

    def __init__(self, values: RDD[T]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[T]:
        """Yield the values in their order.

        Spark's driver holds one group of them at a time, where `collect` would hold all.
        """
        return self._values.toLocalIterator()

    def each(self, work: Callable[[T], R]) -> list[R]:
        """Return what `work` makes of each value, in their order."""
        shared = self._values.context.broadcast(work)
        try:
            return self._values.mapPartitions(partial(_worked, shared)).collect()
        finally:
            shared.destroy()

    def kept(self, work: Callable[[T], R]) -> SparkParts[R]:
        """Return what `work` makes of each value, kept on the executors."""
        shared = self._values.context.broadcast(work)
        return SparkParts(self._values.mapPartitions(partial(_worked, shared)).persist(StorageLevel.MEMORY_AND_DISK))

    def gram(self, work: Callable[[T], sp.csr_matrix], size: int) -> FloatArray:
        """Return X'X, (size, size), of the rows X that `work` makes of all parts.

        Each core sums up a share of the groups. The sums are exact, so that Spark may add them up block by block in any order. A
        block is a task's result: a whole sum is 144 MB for 6,000 movies, which a JVM of 1 GiB does not pass on.
        """
        context = self._values.context
        shared = context.broadcast(work)
        blocks = -(-size // gram.ROWS_PER_BLOCK)
        shares = self._values.coalesce(min(context.defaultParallelism, MOST_SUMS))
        added = (
            shares.mapPartitions(partial(_upper_blocks, shared, size)).partitionBy(blocks, int).mapPartitions(_added)
        )
        whole = np.zeros((size, size))
        try:
            for block, rows in added.toLocalIterator():
                start = block * gram.ROWS_PER_BLOCK
                whole[start : start + len(rows), start:] = rows
        finally:
            shared.destroy()
        mirror(whole)
        return whole

    def release(self) -> None:
        """Forget what is kept."""
        self._values.unpersist()


def _worked(shared: Any, values: Iterable[T]) -> Iterator[Any]:
    for value in values:
        with threadpool_limits(1):
            made = shared.value(value)
        yield made


def _upper_blocks(shared: Any, size: int, values: Iterable[T]) -> Iterator[tuple[int, FloatArray]]:
    with threadpool_limits(1):
        whole = upper_gram(map(shared.value, values), size)
    for block, start in enumerate(range(0, size, gram.ROWS_PER_BLOCK)):
        yield block, whole[start : start + gram.ROWS_PER_BLOCK, start:]


def _added(blocks: Iterable[tuple[int, FloatArray]]) -> Iterator[tuple[int, FloatArray]]:
    total: dict[int, FloatArray] = {}
    for block, rows in blocks:
        total[block] = total[block] + rows if block in total else rows
    yield from total.items()


def laid_out(spark: SparkSession, ratings: DataFrame) -> LaidOut:
    """Return the rows of a ratings table laid out: here, or on the executors if many."""
    if ratings.count() <= MOST_GATHERED:
        return lay_out_here(collect_ratings(ratings))
    return lay_out(spark, ratings)


def lay_out(spark: SparkSession, ratings: DataFrame) -> LaidOut:
    """Return the rows of a ratings table laid out on the executors.

    The first use of the parts fails when a pair of user and movie occurs twice.
    """
    rows = ratings.select("user_id", "movie_id", "rated_at")
    times = F.min("rated_at").alias("first"), F.max("rated_at").alias("last")
    users = rows.groupBy("user_id").agg(F.count("*").alias("n"), *times).toPandas()
    movies = rows.groupBy("movie_id").agg(F.count("*").alias("n")).toPandas()
    users, movies = users.sort_values("user_id"), movies.sort_values("movie_id")
    cuts = [runs(ids["n"].to_numpy()) for ids in (users, movies)]
    of_user = _places(spark, users["user_id"].to_numpy(), cuts[0], "user")
    of_movie = _places(spark, movies["movie_id"].to_numpy(), cuts[1], "movie")
    placed = rows.join(F.broadcast(of_user), "user_id").join(F.broadcast(of_movie), "movie_id")
    count = int(users["n"].sum())
    newest, reference_time = order_statistics(rows, [count - 1, int(np.ceil(0.999 * (count - 1)))])
    return LaidOut(
        users["user_id"].to_numpy(np.int64),
        movies["movie_id"].to_numpy(np.int64),
        movies["n"].to_numpy(np.int64),
        users["first"].to_numpy(np.int64),
        users["last"].to_numpy(np.int64),
        newest,
        reference_time,
        _side(placed, ("user", "movie"), cuts[0]),
        _side(placed, ("movie", "user"), cuts[1]),
    )


def _places(spark: SparkSession, ids: IntArray, cuts: IntArray, name: str) -> DataFrame:
    """Return the position of each id, and its partition in its side."""
    groups = np.concatenate(
        [np.full(group.stop - group.start, number) for number, group in enumerate(groups_of(len(cuts) - 1))]
    )
    table = pa.table(
        {
            f"{name}_id": pa.array(ids, pa.int32()),
            name: pa.array(np.arange(len(ids)), pa.int32()),
            f"{name}_group": pa.array(np.repeat(groups, np.diff(cuts)), pa.int32()),
        }
    )
    return spark.createDataFrame(table)


def _side(placed: DataFrame, names: tuple[str, str], cuts: IntArray) -> SparkParts[Part]:
    entity, other = names
    groups = groups_of(len(cuts) - 1)
    rows = placed.repartitionById(len(groups), F.col(f"{entity}_group")).sortWithinPartitions(entity, other)
    of_groups = [cuts[group.start : group.stop + 1] for group in groups]
    pickled = rows.select(entity, other, "rated_at").mapInArrow(partial(_pickled_parts, of_groups), "part binary")
    return SparkParts(pickled.rdd.map(_unpickled).persist(StorageLevel.MEMORY_AND_DISK))


def _pickled_parts(of_groups: list[IntArray], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield a group's parts, from its rows (entity, other side, time), sorted."""
    rows = pa.Table.from_batches(list(batches))
    if not len(rows):
        return
    entity, other, rated_at = (rows.column(at).to_numpy().astype(np.int64) for at in range(3))
    twice = (np.diff(entity) == 0) & (np.diff(other) == 0)
    if twice.any():
        raise ValueError(
            "A user rated a movie more than once in this batch. "
            "Run the cleaning step again: it keeps only the newest rating of a pair."
        )
    group = next(cuts for cuts in of_groups if cuts[0] <= entity[0] < cuts[-1])
    for part in parts_of(entity, other, rated_at, group):
        yield pa.RecordBatch.from_arrays([pa.array([pickle.dumps(part, protocol=5)], pa.binary())], ["part"])


def _unpickled(row: Any) -> Part:
    part: Part = pickle.loads(row[0])  # noqa: S301 - written by _pickled_parts in this job
    return part


def order_statistics(rows: DataFrame, ranks: Sequence[int]) -> list[int]:
    """Return the times of some ratings.

    `ranks` are their places, from 0, among all ratings in time order. Ratings are counted by day first, and then by second on the
    days that matter. So the driver sees counts alone.
    """
    day = F.floor(F.col("rated_at") / SECONDS_PER_DAY).alias("day")
    by_day = rows.groupBy(day).agg(F.count("*").alias("n")).toPandas().sort_values("day")
    ends = by_day["n"].cumsum().to_numpy()
    days = by_day["day"].to_numpy()[np.searchsorted(ends, ranks, side="right")]
    wanted = rows.where(F.floor(F.col("rated_at") / SECONDS_PER_DAY).isin([int(d) for d in np.unique(days)]))
    by_second = wanted.groupBy("rated_at").agg(F.count("*").alias("n")).toPandas().sort_values("rated_at")
    found = []
    for rank, own in zip(ranks, days, strict=True):
        before = int(by_day["n"][by_day["day"] < own].sum())
        of_day = by_second[by_second["rated_at"] // SECONDS_PER_DAY == own]
        at = int(np.searchsorted(of_day["n"].cumsum().to_numpy(), rank - before, side="right"))
        found.append(int(of_day["rated_at"].iloc[at]))
    return found
