"""ALS half steps as Spark tasks.

The chunks stay on the executors. The other side's factors are sent to them by broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark import RDD
from pyspark.sql import SparkSession
from recommender.arrays import Factors
from recommender.incidence import Incidence
from recommender.training import HalfStep
from threadpoolctl import threadpool_limits


class SparkHalfSteps:
    """A solver for `train`, with one task per chunk and results in the chunks' order."""

    def __init__(self, spark: SparkSession) -> None:
        self._context = spark.sparkContext
        self._sides: dict[int, tuple[Sequence[Incidence], RDD[Incidence]]] = {}

    def __call__(self, chunks: Sequence[Incidence], step: HalfStep) -> list[Factors]:
        """Return the factors of each chunk."""
        if id(chunks) not in self._sides:
            # Keep the chunks themselves too, so that Python gives their id to no other list.
            self._sides[id(chunks)] = (chunks, self._context.parallelize(chunks, len(chunks)).cache())
        shared = self._context.broadcast(step)

        def solve(number: int, here: Iterable[Incidence]) -> Iterable[Factors]:
            with threadpool_limits(1):
                return [shared.value.solve(number, chunk) for chunk in here]

        try:
            return self._sides[id(chunks)][1].mapPartitionsWithIndex(solve).collect()
        finally:
            shared.destroy()

    def close(self) -> None:
        """Release the chunks on the executors."""
        for _, kept in self._sides.values():
            kept.unpersist()
        self._sides.clear()
