"""nDCG@10 of the model on two splits that know the future, which publications like to show: make bench-splits.

    PYTHONPATH=spark_jobs:dags:. OPENBLAS_NUM_THREADS=1 python tests/bench/other_splits.py [--seeds 1 2 3 4 5]

The embedded set; every rating of the test part is relevant, every movie of the training part is a candidate. A random split trains on
three quarters of all ratings, once for each seed. The other trains on each user's ratings before their last fifth, equal times by
movie id. Settings for a split were chosen on ml-latest-small and on the same kind of split of a training part, never on a test part.
Prints docs/evaluation.md's table.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluation.record import CANDIDATE
from evaluation.splits import Window
from evaluation.windows import evaluate
from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv
from recommender.arrays import BoolArray
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train
from threadpoolctl import threadpool_limits

from mr_jobs.field_rules import NO_GENRES, split_title

K = 10
ALWAYS = 1e5
# Decay and recent popularity only hurt where the future is known: what is left is taste alone.
OF_TASTE = TrainingSettings(
    rank=128,
    max_iter=8,
    reg_param=0.35,
    alpha=4.0,
    neighbours=1000,
    confidence_half_life_days=ALWAYS,
    profile_half_life_days=ALWAYS,
    prior_half_life_days=ALWAYS,
    gain_power=0.0,
    first_visit_weight=1.0,
)
FOR_RANDOM = replace(
    OF_TASTE, neighbour_ridge=300.0, neighbour_weight=3.0, genre_weight=3.0, year_weight=3.0, personal_weight=40.0
)
# What was rated in the same minute follows.
FOR_LAST_FIFTH = replace(
    OF_TASTE,
    confidence_half_life_days=2000.0,
    profile_half_life_days=0.0008,
    neighbour_ridge=220.0,
    neighbour_weight=6.0,
    genre_weight=0.6,
    year_weight=0.35,
    personal_weight=35.0,
)


def read_embedded() -> tuple[Ratings, MovieAttributes]:
    """Return the embedded ratings and what is known of their movies."""
    with tempfile.TemporaryDirectory(prefix="marquee-splits-") as folder:
        write_embedded_csv(embedded_pickle_path(), Path(folder))
        user, movie, stars, when = np.loadtxt(Path(folder) / "ratings.csv", delimiter=",", skiprows=1, unpack=True)
        with (Path(folder) / "movies.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    genres = ["" if row["genres"] == NO_GENRES else row["genres"] for row in rows]
    years = [split_title(row["title"])[1] if row["title"] else None for row in rows]
    attributes = MovieAttributes.from_columns([int(row["movieId"]) for row in rows], genres, years)
    return Ratings.from_columns({"user_id": user, "movie_id": movie, "rating": stars, "rated_at": when}), attributes


def random_three_quarters(ratings: Ratings, seed: int) -> BoolArray:
    """Return which ratings train: three quarters of all, at random."""
    chosen = np.zeros(len(ratings), dtype=np.bool_)
    chosen[np.random.default_rng(seed).permutation(len(ratings))[: round(0.75 * len(ratings))]] = True
    return chosen


def all_but_last_fifth(ratings: Ratings, _seed: int = 0) -> BoolArray:
    """Return which ratings train: each user's, without the newest fifth of them, rounded down."""
    order = np.lexsort((ratings.movie_id, ratings.rated_at, ratings.user_id))
    starts, counts = ratings.runs()
    place = np.arange(len(ratings)) - np.repeat(starts, counts)
    chosen = np.zeros(len(ratings), dtype=np.bool_)
    chosen[order] = place < np.repeat(counts - counts // 5, counts)
    return chosen


def ndcg(ratings: Ratings, attributes: MovieAttributes, learned: BoolArray, settings: TrainingSettings) -> float:
    """Return the mean nDCG@K over the users with ratings in both parts."""
    before, after = ratings.select(learned), ratings.select(~learned)
    model = train(before, settings, before.reference_time(), attributes)
    everything = Window(0, int(after.rated_at.min()), int(after.rated_at.max()) + 1)
    return float(evaluate(model, CANDIDATE, everything, before, after, K, attributes).per_user["ndcg"].mean())


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    seeds = parser.parse_args().seeds
    ratings, attributes = read_embedded()
    splits: dict[str, tuple[Callable[[Ratings, int], BoolArray], list[int], TrainingSettings]] = {
        "each user's last 20 %": (all_but_last_fifth, [0], FOR_LAST_FIFTH),
        "random 75/25": (random_three_quarters, seeds, FOR_RANDOM),
    }
    print(f"| protocol | settings in use | settings for it |\n|{'---|' * 3}")
    for name, (split, of_seeds, chosen) in splits.items():
        cells = []
        for settings in (TrainingSettings(), chosen):
            found = []
            for seed in of_seeds:
                with threadpool_limits(1):
                    found.append(ndcg(ratings, attributes, split(ratings, seed), settings))
                print(f"{name}, seed {seed}: {found[-1]:.4f}", file=sys.stderr, flush=True)
            spread = f" ± {np.std(found, ddof=1):.3f}" if len(found) > 1 else ""
            cells.append(f"{np.mean(found):.3f}{spread}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
