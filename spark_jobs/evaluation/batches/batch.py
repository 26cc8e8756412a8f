"""One batch's ratings: a small batch in one process, a larger one in parts on the executors.

A small batch is gathered: it is trained on in less time than Spark's tasks take to start, and its windows are tasks of one process each.
A larger one never passes through the driver, which holds factors and what is known of each user and movie. Both measure the same, but for
what `InParts.check` refuses and `InParts.explicit` leaves out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from cluster import mllib_als
from cluster.layout import MOST_GATHERED, lay_out, order_statistics
from cluster.warehouse import collect_ratings
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name
from recommender.attributes import MovieAttributes
from recommender.model import FactorModel
from recommender.parts.layout import LaidOut, Part
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import NEVER, train, train_laid_out
from threadpoolctl import threadpool_limits

from evaluation.batches.in_parts import catalogue_of, evaluate_in_parts, windows_needed
from evaluation.concentration import Concentration, concentration_of
from evaluation.diversity import Catalogue
from evaluation.explicit_comparison import explicit_comparison
from evaluation.record import GATE_BASELINES, BatchSize
from evaluation.results import WindowResult
from evaluation.rolling import evaluate_windows, windows_to_evaluate
from evaluation.splits import Window, windows_between
from evaluation.untimed import BY_TIME, at_once, first_second, timelines

SOLVERS = ("blocked", "mllib")


@dataclass(frozen=True)
class Gathered:
    """A small batch, in this process.

    `ratings` are trained on, and `evaluated` are the same ratings with the times that test: see evaluation.untimed.
    """

    spark: SparkSession
    ratings: Ratings
    evaluated: Ratings
    slices: int

    def check(self, solver: str, against: Sequence[str]) -> None:
        """Refuse nothing: every solver and every baseline works in one process."""

    def size(self) -> BatchSize:
        """Return how many ratings, users and movies there are."""
        return BatchSize.of(self.ratings)

    def digest(self) -> str:
        """Return a digest of all ratings."""
        return self.ratings.sha256()

    def windows(self, first: int) -> list[Window]:
        """Return the windows to evaluate from a slice on, in time order."""
        return windows_to_evaluate(self.evaluated, self.slices, first)

    def evaluate(
        self,
        attributes: MovieAttributes,
        windows: Sequence[Window],
        candidates: Mapping[str, TrainingSettings],
        k: int,
        against: Sequence[str],
    ) -> list[WindowResult]:
        """Return the results of the baselines and of every candidate, window by window."""
        return evaluate_windows(self.spark, self.evaluated, attributes, windows, candidates, k, against)

    def explicit(self, attributes: MovieAttributes, window: Window, k: int) -> dict[str, float]:
        """Return what explicit ALS reaches in the window."""
        return explicit_comparison(self.spark, self.evaluated, attributes, window, k)

    def fit(
        self, attributes: MovieAttributes, settings: TrainingSettings, checkpoints: str, solver: str
    ) -> FactorModel:
        """Return the model of all ratings as at their reference time."""
        as_of = self.ratings.reference_time()
        if solver == "mllib":
            return mllib_als.fit_with_checkpoints(self.spark, self.ratings, settings, as_of, attributes, checkpoints)
        with threadpool_limits(1):
            return train(self.ratings, settings, as_of, attributes)

    def concentration(self, model: FactorModel, attributes: MovieAttributes, k: int) -> dict[str, Concentration]:
        """Return how alike the lists of the batch's model are."""
        genres = attributes.of(self.ratings.movies()).genres
        return concentration_of(model, Catalogue.of(self.ratings, genres, self.ratings.reference_time()), k)


@dataclass(frozen=True)
class InParts:
    """A larger batch, on the executors.

    `laid` is trained on. `evaluated` are the same ratings with the times that test, where `cuts` begin the slices and end the last one.
    """

    laid: LaidOut
    evaluated: LaidOut
    cuts: Sequence[int]

    def check(self, solver: str, against: Sequence[str]) -> None:
        """Raise ValueError for a solver or a baseline that needs all ratings in one place."""
        if not set(against) <= set(GATE_BASELINES):
            raise ValueError(
                f"Item kNN and EASE are compared on at most {MOST_GATHERED:,} ratings. Leave out --all-baselines."
            )
        if solver == "mllib":
            raise ValueError(
                f"MLlib's ALS, in one block, is for at most {MOST_GATHERED:,} ratings. Use --solver blocked."
            )

    def size(self) -> BatchSize:
        """Return how many ratings, users and movies there are."""
        busiest = max(self.laid.by_user.each(_busiest))
        return BatchSize(int(self.laid.counts.sum()), len(self.laid.user_ids), len(self.laid.movie_ids), busiest)

    def digest(self) -> str:
        """Return a digest of all ratings' users, movies and times."""
        ids = self.laid.user_ids.astype("<i8").tobytes() + self.laid.movie_ids.astype("<i8").tobytes()
        return hashlib.sha256(ids + b"".join(self.laid.by_user.each(_digest))).hexdigest()

    def windows(self, first: int) -> list[Window]:
        """Return as many of the newest windows as an interval needs, in time order."""
        return windows_needed(self.evaluated, windows_between(self.cuts, first))

    def evaluate(
        self,
        attributes: MovieAttributes,
        windows: Sequence[Window],
        candidates: Mapping[str, TrainingSettings],
        k: int,
        against: Sequence[str],
    ) -> list[WindowResult]:
        """Return the results of the baselines and of every candidate."""
        self.check(SOLVERS[0], against)
        with threadpool_limits(1):
            return evaluate_in_parts(self.evaluated, attributes, windows, candidates, k, against)

    def explicit(self, attributes: MovieAttributes, window: Window, k: int) -> dict[str, float]:
        """Return nothing: MLlib's one block would need all ratings in one place."""
        return {}

    def fit(
        self, attributes: MovieAttributes, settings: TrainingSettings, checkpoints: str, solver: str
    ) -> FactorModel:
        """Return the model of all ratings as at their reference time."""
        self.check(solver, GATE_BASELINES)
        with threadpool_limits(1):
            return train_laid_out(self.laid, settings, self.laid.reference_time, attributes)

    def concentration(self, model: FactorModel, attributes: MovieAttributes, k: int) -> dict[str, Concentration]:
        """Return how alike the lists of the batch's model are."""
        return concentration_of(model, catalogue_of(self.laid, attributes, NEVER, self.laid.reference_time), k)


def batch_of(spark: SparkSession, rows: DataFrame, split: str, slices: int, seed: int) -> Gathered | InParts:
    """Return the rows of a ratings table, gathered or in parts, as their number says.

    `split` decides which ratings test, and the timeline has this many slices. Ratings that are drawn into them at random follow from
    the seed.
    """
    count = rows.count()
    if count <= MOST_GATHERED:
        return Gathered(spark, *timelines(collect_ratings(rows), split, slices, seed), slices)
    if split == BY_TIME:
        laid = lay_out(spark, rows)
        starts = order_statistics(rows, [count * at // slices for at in range(slices)])
        return InParts(laid, laid, [*starts, laid.newest + 1])
    (newest,) = rows.agg(F.max("rated_at")).collect()
    moment = int(newest[0])
    begin = first_second(moment, slices)
    drawn = lay_out(spark, rows.withColumn("rated_at", F.lit(begin) + _slice(slices, seed)))
    return InParts(at_once(drawn, moment), drawn, range(begin, moment + 2))


def first_half(rows: DataFrame) -> DataFrame:
    """Return the rows of a ratings table before the middle one in time.

    The gate uses the others. Raises ValueError when there are no rows.
    """
    count = rows.count()
    if count == 0:
        raise ValueError("There are no ratings to split. Check that the batch's partition was loaded.")
    (middle,) = order_statistics(rows, [count // 2])
    return rows.where(F.col("rated_at") < middle)


def fit_and_compare(
    batch: Gathered | InParts,
    attributes: MovieAttributes,
    how: tuple[TrainingSettings, str, str],
    window: Window,
    k: int,
) -> tuple[FactorModel, dict[str, float]]:
    """Return the model of all ratings, and what explicit ALS reaches in the window.

    `how` are the settings, the folder of checkpoints and the solver. The model is trained in this process, and explicit ALS meanwhile on
    the executors.
    """
    with ThreadPoolExecutor(1) as another:
        compared = another.submit(batch.explicit, attributes, window, k)
        return batch.fit(attributes, *how), compared.result()


def _slice(slices: int, seed: int) -> Column:
    """Return a rating's slice, 0 .. slices-1, wherever the rating lies.

    A hash of the pair draws it. So slices differ a little in size: 50,000 ratings by some 200.
    """
    pair = [F.col(name).cast("bigint") for name in ("user_id", "movie_id")]
    return F.pmod(F.xxhash64(*pair, F.lit(seed).cast("bigint")), F.lit(slices).cast("bigint"))


def _busiest(part: Part) -> int:
    return int(np.diff(part.starts).max(initial=0))


def _digest(part: Part) -> bytes:
    whole = hashlib.sha256()
    for values in (part.starts, part.columns, part.rated_at):
        whole.update(values.astype("<i8").tobytes())
    return whole.digest()
