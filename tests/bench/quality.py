"""Reproduces the published ML-100K benchmark of recommenders-team/recommenders: make bench-quality.

    PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 python tests/bench/quality.py --inter <recbole>/dataset_example/ml-100k/ml-100k.inter

Random 75/25 split stratified by movie, lists of 10 without what the user had rated in training, every test rating relevant; five
seeds. The rows come with PyPI's recbole and are checked by their MD5. Settings were chosen on the splits of seeds 42 to 44, which are
not among the five, and weights are learned within each training part. Prints docs/benchmark-ml-100k.md's table.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from cluster.mllib_als import EXPLICIT
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.neighbours import linear_neighbours
from recommender.settings import TrainingSettings
from recommender.training import alternate
from stacked_parts import Factors, Neighbours, Rated, judge, stacked

ROWS_MD5 = "6e47046882bad158b0efbb84cd5cb987"
SEEDS = (1, 2, 3, 4, 5)
# The split of a training part that weights are learned on.
VALIDATION_SEED = 0
IMPLICIT = TrainingSettings(rank=32, max_iter=10, reg_param=0.1, alpha=1.0, cg_steps=0)
RIDGE = 400.0
FIVE_STARTS = Factors(TrainingSettings(rank=32, max_iter=10, reg_param=0.1, alpha=0.5, cg_steps=0), starts=5)
STACKS = {
    "ALS and EASE, weights learned": (FIVE_STARTS, Neighbours(ridge=300.0, own=1.0)),
    "ALS and EASE of the same minute, weights learned": (
        FIVE_STARTS,
        Neighbours(ridge=60.0, own=1.0, share=0.7, seconds=60.0),
    ),
}
# recommenders-team/recommenders, README, comparison of algorithms on MovieLens 100K: MAP, nDCG, precision, recall at 10.
PUBLISHED = {
    "ALS (explicit)": (0.004732, 0.044239, 0.048462, 0.017796),
    "BiVAE": (0.146126, 0.475077, 0.411771, 0.219145),
    "BPR": (0.132478, 0.441997, 0.388229, 0.212522),
    "LightGCN": (0.088526, 0.419846, 0.379626, 0.144336),
    "NCF": (0.107720, 0.396118, 0.347296, 0.180775),
    "SAR": (0.110591, 0.382461, 0.330753, 0.176385),
    "SVD": (0.012873, 0.095930, 0.091198, 0.032783),
}

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read_rows(path: Path) -> Rows:
    """Return users, movies (both from 0), stars and times; raises SystemExit when the rows are not ML-100K's."""
    body = path.read_text().split("\n", 1)[1].rstrip("\n") + "\n"
    if (found := hashlib.md5(body.encode()).hexdigest()) != ROWS_MD5:
        raise SystemExit(f"{path} has rows with MD5 {found}, not ML-100K's {ROWS_MD5}: install recbole==1.2.1 again.")
    columns = pd.DataFrame([line.split("\t") for line in body.splitlines()]).to_numpy(float).T
    return columns[0].astype(int) - 1, columns[1].astype(int) - 1, columns[2], columns[3]


def stratified_by_movie(movies: np.ndarray, seed: int) -> np.ndarray:
    """Return which ratings train: a random three quarters of each movie's, rounded."""
    order = np.random.default_rng(seed).permutation(len(movies))
    order = order[np.argsort(movies[order], kind="stable")]
    counts = np.bincount(movies)
    place = np.arange(len(movies)) - (np.cumsum(counts) - counts)[movies[order]]
    train = np.zeros(len(movies), dtype=bool)
    train[order] = place < np.round(0.75 * counts[movies[order]])
    return train


def implicit(users: np.ndarray, movies: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scores of the project's ALS half steps, (users, movies)."""
    weights = np.ones(len(users))
    _, factors = alternate(users, movies, weights, IMPLICIT)
    every = np.zeros((shape[1], IMPLICIT.rank))
    every[: len(factors)] = factors
    profile = Incidence.build(users, movies, weights, shape[0])
    return half_step(profile, OtherSide.of(every), IMPLICIT.alpha, IMPLICIT.reg_param) @ every.T


def neighbours(users: np.ndarray, movies: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Scores of all EASE neighbours, (users, movies)."""
    rated = sp.csr_matrix((np.ones(len(users)), (users, movies)), shape=shape)
    alike = np.ones(shape[1], dtype=np.float32)
    near = linear_neighbours(rated, sp.csr_matrix((0, shape[1])), alike, alike, RIDGE, shape[1])
    return (rated @ near.matrix).toarray()


def mllib(
    spark: SparkSession, rows: tuple[np.ndarray, ...], shape: tuple[int, int], **settings: object
) -> tuple[np.ndarray, ALS]:
    """Scores of MLlib's ALS on these rows, (users, movies); -inf where it knows user or movie not at all."""
    frame = pd.DataFrame({"user": rows[0], "item": rows[1], "rating": rows[2].astype(np.float32)})
    trained = ALS(userCol="user", itemCol="item", seed=1, **settings).fit(spark.createDataFrame(frame).coalesce(2))
    scores = np.full(shape, -np.inf)
    u, v = (frame.toPandas() for frame in (trained.userFactors, trained.itemFactors))
    scores[np.ix_(u["id"], v["id"])] = np.vstack(u["features"]) @ np.vstack(v["features"]).T
    return scores, trained


def learned(rows: Rows, shape: tuple[int, int], name: str, seed: int) -> np.ndarray:
    """Scores of a stack whose weights are learned on a quarter of these rows, (users, movies)."""
    rated = Rated(rows[0], rows[1], rows[3], shape)
    scores, weights = stacked(STACKS[name], rated, stratified_by_movie(rows[1], VALIDATION_SEED))
    print(f"seed {seed}, {name}: weights {weights}", file=sys.stderr, flush=True)
    return scores


def star_errors(scores: np.ndarray, rows: Rows, train: np.ndarray) -> dict[str, float]:
    """Return RMSE and MAE of predicted stars over the test ratings that have a prediction."""
    off = (scores[rows[0], rows[1]] - rows[2])[~train]
    off = off[np.isfinite(off)]
    return {"rmse": float(np.sqrt((off**2).mean())), "mae": float(np.abs(off).mean())}


def measure(spark: SparkSession, rows: Rows) -> dict[str, list[dict[str, float]]]:
    """Return every scorer's metrics, one dictionary a seed."""
    shape = (int(rows[0].max()) + 1, int(rows[1].max()) + 1)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in SEEDS:
        train = stratified_by_movie(rows[1], seed)
        kept = tuple(column[train] for column in rows)
        parts = [Rated(rows[0][mask], rows[1][mask], rows[3][mask], shape) for mask in (train, ~train)]
        ones = (kept[0], kept[1], np.ones(len(kept[0])))
        own: dict[str, np.ndarray] = {}
        scorers: dict[str, Callable[[], np.ndarray]] = {
            "implicit ALS, this project's half steps": lambda kept=kept: implicit(*kept[:2], shape),
            "EASE neighbours": lambda kept=kept: neighbours(*kept[:2], shape),
            "ALS and neighbours, equal parts": lambda own=own: sum(list(own.values())[:2]),
            **{name: lambda kept=kept, name=name, seed=seed: learned(kept, shape, name, seed) for name in STACKS},
            "implicit ALS, Spark MLlib": lambda ones=ones: mllib(
                spark,
                ones,
                shape,
                implicitPrefs=True,
                rank=IMPLICIT.rank,
                maxIter=IMPLICIT.max_iter,
                regParam=IMPLICIT.reg_param,
                alpha=IMPLICIT.alpha,
            )[0],
            "explicit ALS, Spark MLlib": lambda kept=kept: mllib(spark, kept[:3], shape, **EXPLICIT)[0],
        }
        for name, scorer in scorers.items():
            started = time.monotonic()
            own[name] = scorer()
            metrics = judge(own[name], *parts)
            if name.startswith("explicit"):
                metrics |= star_errors(own[name], rows, train)
            found.setdefault(name, []).append(metrics)
            said = ", ".join(f"{key} {value:.4f}" for key, value in metrics.items())
            print(f"seed {seed}, {name}: {said} ({time.monotonic() - started:.1f} s)", file=sys.stderr, flush=True)
    return found


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Return the Markdown table of the five seeds with the published rows, best nDCG first."""
    rows = []
    for name, runs in found.items():
        cells = []
        for metric in ("map", "ndcg", "precision", "recall"):
            values = np.array([run[metric] for run in runs])
            cells.append(f"{values.mean():.4f} ± {values.std(ddof=1):.4f}")
        rows.append((float(np.mean([run["ndcg"] for run in runs])), f"| **{name}** | {' | '.join(cells)} |"))
    for name, values in PUBLISHED.items():
        rows.append((values[1], f"| {name}, published | {' | '.join(f'{value:.4f}' for value in values)} |"))
    lines = [line for _, line in sorted(rows, key=lambda row: -row[0])]
    stars = [run for runs in found.values() for run in runs if "rmse" in run]
    errors = " and ".join(f"{key.upper()} {np.mean([run[key] for run in stars]):.3f}" for key in ("rmse", "mae"))
    head = "| scorer | MAP@10 | nDCG@10 | P@10 | recall@10 |\n|---|---|---|---|---|\n"
    return head + "\n".join(lines) + f"\n\nThe explicit model predicts stars with {errors}, and ranks worst."


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inter", type=Path, required=True, help="ml-100k.inter of recbole 1.2.1")
    rows = read_rows(parser.parse_args().inter)
    # Workers would start the system's Python, which has no NumPy.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        print(table(measure(spark, rows)))
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
