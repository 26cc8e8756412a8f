"""nDCG@10 of the model on two splits that know the future, which publications like to show: make bench-splits.

    PYTHONPATH=spark_jobs:dags:. OPENBLAS_NUM_THREADS=1 python tests/bench/other_splits.py [--seeds 1 2 3 4 5]

The embedded set; every rating of the test part is relevant, every movie of the training part is a candidate. A random split trains on
three quarters of all ratings, once for each seed. The other trains on each user's ratings before their last fifth, equal times by
movie id. Settings for a split were chosen on ml-latest-small and on the same kind of split of a training part, never on a test part.
For the random split there is a stack, too, whose weights are learned within each training part. Prints docs/evaluation.md's table.
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
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings
from recommender.training import train
from stacked_parts import Factors, Neighbours, Rated, judge, stacked
from threadpoolctl import threadpool_limits

from mr_jobs.field_rules import NO_GENRES, split_title

K = 10
# The split of a training part that the stack's weights are learned on.
VALIDATION_SEED = 0
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
STACKED_FACTORS = Factors(TrainingSettings(rank=128, max_iter=8, reg_param=0.35, alpha=4.0, cg_steps=0), starts=3)
STACKED_ATTRIBUTES = 2.0


def stacked_neighbours(attributes: MovieAttributes) -> Neighbours:
    """Return EASE with genres and years, and with what was rated in the same minute."""
    rows = attributes.rows(STACKED_ATTRIBUTES, STACKED_ATTRIBUTES)
    return Neighbours(ridge=60.0, share=0.7, seconds=60.0, attributes=rows)


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


def stacked_ndcg(ratings: Ratings, attributes: MovieAttributes, learned: BoolArray) -> float:
    """Return the mean nDCG@K of a stack over the users with ratings in both parts of a random split."""
    users, movies = ratings.users(), ratings.movies()
    shape = (len(users), len(movies))
    rated = Rated(positions(users, ratings.user_id), positions(movies, ratings.movie_id), ratings.rated_at, shape)
    before, after = rated.select(learned), rated.select(~learned)
    inner = random_three_quarters(ratings.select(learned), VALIDATION_SEED)
    scores, weights = stacked([STACKED_FACTORS, stacked_neighbours(attributes.of(movies))], before, inner)
    print(f"weights {weights}", file=sys.stderr, flush=True)
    scores[:, np.bincount(before.movie, minlength=len(movies)) == 0] = -np.inf
    return judge(scores, before, after)["ndcg"]


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
    print(f"| protocol | settings in use | settings for it | stack, weights learned |\n|{'---|' * 4}")
    for name, (split, of_seeds, chosen) in splits.items():
        scorers: list[Callable[[BoolArray], float]] = [
            lambda learned: ndcg(ratings, attributes, learned, TrainingSettings()),
            lambda learned, chosen=chosen: ndcg(ratings, attributes, learned, chosen),
        ]
        if split is random_three_quarters:
            scorers.append(lambda learned: stacked_ndcg(ratings, attributes, learned))
        cells = [measured(name, [split(ratings, seed) for seed in of_seeds], scorer) for scorer in scorers]
        print(f"| {name} | {' | '.join([*cells, ''][:3])} |", flush=True)


def measured(name: str, splits: list[BoolArray], scorer: Callable[[BoolArray], float]) -> str:
    """Return the mean of a scorer's nDCG over splits, with the standard deviation."""
    found = []
    for learned in splits:
        with threadpool_limits(1):
            found.append(scorer(learned))
        print(f"{name}: {found[-1]:.4f}", file=sys.stderr, flush=True)
    spread = f" ± {np.std(found, ddof=1):.3f}" if len(found) > 1 else ""
    return f"{np.mean(found):.3f}{spread}"


if __name__ == "__main__":
    main()
