"""Times exact top-N lists: the batch's kernel in Spark, the same products in plain NumPy, and MLlib's recommendForAllUsers.

    PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 python tests/bench/topn.py --users 671 10000 100000

Random factors of rank 64, 10,000 movies, 100 seen movies a user, lists of 100. Everything runs on two cores; the session is started
and each way is run once on a few users before the clock starts. MLlib's lists cannot leave out what was seen: it makes lists that
are long enough, an anti join takes the seen ones out, and a window keeps the best; it runs at the smallest size alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - everyone's name for it
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours
from recommender.settings import TrainingSettings
from recommender.top_n import USERS_PER_BLOCK

MOVIES, RANK, N, SEEN = 10_000, 64, 100, 100
CORES = 2


def random_model(users: int) -> FactorModel:
    """Return a model of so many users with positive factors and SEEN random movies in each profile."""
    generator = np.random.default_rng(users)
    seen = np.sort(generator.permuted(np.tile(np.arange(0, MOVIES, MOVIES // SEEN), (users, 1)), axis=1), axis=1)
    starts = np.arange(users + 1, dtype=np.int64) * SEEN
    return FactorModel(
        np.arange(users, dtype=np.int64),
        generator.random((users, RANK), dtype=np.float32),
        np.arange(MOVIES, dtype=np.int64),
        generator.random((MOVIES, RANK), dtype=np.float32),
        np.ones(MOVIES, dtype=np.float32),
        generator.random(MOVIES, dtype=np.float32),
        Neighbours.none(MOVIES),
        Incidence(starts, seen.ravel().astype(np.int64), np.ones(users * SEEN, dtype=np.float32)),
        TrainingSettings(),
    )


def of_block(model: FactorModel, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lists of one block of users by the batch's own method."""
    users = model.user_ids[start : start + USERS_PER_BLOCK]
    return model.top_n(model.factors_of(users), model.profiles_of(users), N)


def in_spark(spark: SparkSession, model: FactorModel) -> int:
    """Compute every user's list in Spark as recommend_top_n does, a block a row; return the rows."""
    shared = spark.sparkContext.broadcast(model)
    blocks = spark.range(0, len(model.user_ids), USERS_PER_BLOCK, numPartitions=CORES)

    def lists(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for start in batch["id"]:
                columns, scores = of_block(shared.value, int(start))
                users = np.repeat(shared.value.user_ids[start : start + USERS_PER_BLOCK], N)
                yield pd.DataFrame({"user_id": users, "movie_id": columns.ravel(), "score": scores.ravel()})

    rows = blocks.mapInPandas(lists, "user_id long, movie_id long, score float")
    # A sink that takes every row, as a writer does; a count alone would prune the columns.
    rows.write.format("noop").mode("overwrite").save()
    shared.destroy()
    return len(model.user_ids) * N


def in_numpy(model: FactorModel) -> int:
    """Compute every user's list as the shortest NumPy does: product, mask, partition, sort; return the rows."""
    movies = model.movie_factors.T.copy()
    for start in range(0, len(model.user_ids), USERS_PER_BLOCK):
        factors = model.user_factors[start : start + USERS_PER_BLOCK]
        scores = factors @ movies + model.movie_prior
        own = model.profiles.columns.reshape(-1, SEEN)[start : start + USERS_PER_BLOCK]
        np.put_along_axis(scores, own, -np.inf, axis=1)
        best = np.argpartition(-scores, N - 1, axis=1)[:, :N]
        found = np.take_along_axis(scores, best, axis=1)
        np.take_along_axis(best, np.argsort(-found, axis=1), axis=1)
    return len(model.user_ids) * N


def by_mllib(spark: SparkSession, model: FactorModel) -> int:
    """Make lists with recommendForAllUsers long enough to take the seen movies out by an anti join; return the rows."""
    seen = pd.DataFrame({"user": np.repeat(model.user_ids, SEEN), "item": model.profiles.columns}).astype("int32")
    jvm = spark.sparkContext._jvm
    frames = [
        spark.createDataFrame(
            pd.DataFrame({"id": ids.astype("int32"), "features": list(factors)}), "id int, features array<float>"
        )
        for ids, factors in ((model.user_ids, model.user_factors), (model.movie_ids, model.movie_factors))
    ]
    java = jvm.org.apache.spark.ml.recommendation.ALSModel("bench", RANK, frames[0]._jdf, frames[1]._jdf)
    java.setUserCol("user").setItemCol("item")
    lists = DataFrame(java.recommendForAllUsers(N + SEEN), spark)
    rows = lists.select("user", F.explode("recommendations").alias("r")).select("user", "r.item", "r.rating")
    kept = rows.join(spark.createDataFrame(seen), ["user", "item"], "left_anti")
    ranked = kept.withColumn("rank", F.row_number().over(Window.partitionBy("user").orderBy(F.desc("rating"), "item")))
    ranked.where(F.col("rank") <= N).write.format("noop").mode("overwrite").save()
    return len(model.user_ids) * N


def timed(work: Callable[[], int]) -> dict[str, float]:
    """Return seconds of the clock, and rows."""
    started = time.monotonic()
    rows = work()
    return {"seconds": round(time.monotonic() - started, 2), "rows": rows}


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[671, 10_000, 100_000])
    parser.add_argument(
        "--mllib-up-to", type=int, default=671, help="most users for recommendForAllUsers (default: %(default)s)"
    )
    options = parser.parse_args()
    # Workers would start the system's Python, which has no NumPy.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", str(CORES))
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        few = random_model(64)
        in_spark(spark, few)
        in_numpy(few)
        print(
            f"| users | Spark kernel, s | NumPy, one thread, s | Spark / NumPy | recommendForAllUsers, s |\n|{'---|' * 5}"
        )
        for users in options.users:
            model = random_model(users)
            ours, plain = timed(lambda model=model: in_spark(spark, model)), timed(lambda model=model: in_numpy(model))
            theirs = timed(lambda model=model: by_mllib(spark, model)) if users <= options.mllib_up_to else None
            print(
                json.dumps({"users": users, "spark": ours, "numpy": plain, "mllib": theirs}),
                file=sys.stderr,
                flush=True,
            )
            print(
                f"| {users:,} | {ours['seconds']} | {plain['seconds']} | {ours['seconds'] / plain['seconds']:.2f} | "
                f"{theirs['seconds'] if theirs else 'not run'} |",
                flush=True,
            )
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
