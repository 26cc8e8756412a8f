"""ALS half steps as Spark tasks: the parts stay on the executors, the other side's factors go to them by broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from als_half_step import Factors, Incidence
from als_training import HalfStep
from pyspark import RDD
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits


class SparkHalfSteps:
    """A solver for als_training.train: one task a part, results in the parts' order whichever task ends first."""

    def __init__(self, spark: SparkSession) -> None:
        self._context = spark.sparkContext
        self._sides: dict[int, tuple[Sequence[Incidence], RDD[Incidence]]] = {}

    def __call__(self, parts: Sequence[Incidence], step: HalfStep) -> list[Factors]:
        """Return the factors of each part."""
        if id(parts) not in self._sides:
            # Kept with the parts themselves, so that their id is not given to another list.
            self._sides[id(parts)] = (parts, self._context.parallelize(parts, len(parts)).cache())
        shared = self._context.broadcast(step)

        def solve(number: int, here: Iterable[Incidence]) -> Iterable[Factors]:
            with threadpool_limits(1):
                return [shared.value.solve(number, part) for part in here]

        try:
            return self._sides[id(parts)][1].mapPartitionsWithIndex(solve).collect()
        finally:
            shared.destroy()

    def close(self) -> None:
        """Let go of the parts on the executors."""
        for _, kept in self._sides.values():
            kept.unpersist()
        self._sides.clear()
