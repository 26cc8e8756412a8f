"""Measures what each choice in training buys, each against doing without it, in one run: make bench-settings.

    PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 python tests/bench/training_settings.py

One iteration of rank 64 (every user's factors, then every movie's) on 500,000 ratings with long tails on both sides; processor
seconds of this process, the better of two. Prints docs/training.md's table.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import scipy.sparse as sp
from recommender import half_step as half_step_module
from recommender.conjugate_gradient import conjugate_gradient
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.neighbours import ridge_inverse
from recommender.parts.layout import runs
from threadpoolctl import threadpool_limits

RANK, ALPHA, REG_PARAM, STEPS = 64, 1.0, 0.3, 3
Side = tuple[list[Incidence], np.ndarray, np.ndarray]


def long_tailed(ratings: int) -> sp.csr_matrix:
    """Return so many random ratings, those of the same pair once, as a matrix of ones, (users, movies)."""
    generator = np.random.default_rng(ratings)
    activity, popularity = generator.lognormal(0, 1.5, ratings // 150), np.arange(1, 20_001) ** -1.2
    users = generator.choice(len(activity), ratings, p=activity / activity.sum())
    movies = generator.choice(len(popularity), ratings, p=popularity / popularity.sum())
    found = sp.csr_matrix((np.ones(ratings), (users, movies)), shape=(len(activity), len(popularity)))
    found.data[:] = 1.0
    return found


def sides(rated: sp.csr_matrix) -> list[Side]:
    """Return the chunks of users and of movies, each with factors that were solved before and the other side's."""
    movies = np.random.default_rng(1).normal(size=(rated.shape[1], RANK)) / 8
    at = rated.tocoo()
    user_at, movie_at = at.row.astype(np.int64), at.col.astype(np.int64)
    by_user = Incidence.build(user_at, movie_at, at.data, rated.shape[0])
    by_movie = Incidence.build(movie_at, user_at, at.data, rated.shape[1])
    for _ in range(2):
        users = half_step(by_user, OtherSide.of(movies), ALPHA, REG_PARAM)
        movies = half_step(by_movie, OtherSide.of(users), ALPHA, REG_PARAM)
    return [(parts_of(by_user), users, movies), (parts_of(by_movie), movies, users)]


def parts_of(whole: Incidence) -> list[Incidence]:
    """Return one side in the parts that training solves at once."""
    return whole.split(runs(np.diff(whole.starts)))


def exact(every: list[Side]) -> list[np.ndarray]:
    """Solve both sides exactly."""
    found = []
    for chunks, _, other in every:
        rotated = OtherSide.of(other)
        found.append(np.concatenate([half_step(chunk, rotated, ALPHA, REG_PARAM) for chunk in chunks]))
    return found


def stepped(every: list[Side], precision: type = np.float32, warm: bool = True, steps: int = STEPS) -> list[np.ndarray]:
    """Take conjugate-gradient steps on both sides, from the factors before or from zeros."""
    found = []
    for chunks, now, other in every:
        starts = np.split(now.astype(precision) * warm, np.cumsum([len(chunk.starts) - 1 for chunk in chunks])[:-1])
        given = (OtherSide.of(other.astype(precision)), ALPHA, REG_PARAM, steps)
        found.append(np.concatenate([conjugate_gradient(*pair, *given) for pair in zip(chunks, starts, strict=True)]))
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return the lesser processor seconds of two runs."""
    spent = []
    for _ in range(2):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def distance(found: list[np.ndarray], true: list[np.ndarray]) -> float:
    """Return how far the factors are from the true ones, relative to their length."""
    pairs = list(zip(found, true, strict=True))
    return float(sum(np.linalg.norm(f - t) for f, t in pairs) / sum(np.linalg.norm(t) for _, t in pairs))


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, default=500_000)
    rated = long_tailed(parser.parse_args().ratings)
    with threadpool_limits(1):
        every = sides(rated)
        base, by_steps = seconds(lambda: exact(every)), seconds(lambda: stepped(every))
        with mock.patch.object(half_step_module, "_few_ratings", half_step_module._many_ratings):
            whole = seconds(lambda: exact(every))
        with mock.patch.object(half_step_module, "_BATCH_NUMBERS", 4_000_000):
            large = seconds(lambda: exact(every))
        doubles = seconds(lambda: stepped(every, np.float64))
        few = rated[:400, :2500]
        small_side = seconds(lambda: ridge_inverse(few, 100.0)[0](slice(0, 2500)))
        # With the same users seven times there are more of them than movies.
        large_side = seconds(lambda: ridge_inverse(sp.vstack([few] * 7).tocsr(), 100.0)[0](slice(0, 2500)))
        true = exact(every)
        warm, cold = (distance(stepped(every, warm=start, steps=1), true) for start in (True, False))
    with threadpool_limits(2):
        threads = seconds(lambda: exact(every))
    sent = sum(len(pickle.dumps(chunk, protocol=5)) for chunks, _, _ in every for chunk in chunks) / 1e6
    factors = sum(other.astype(np.float32).nbytes for _, _, other in every) / 1e6
    print(f"{rated.nnz:,} ratings of {rated.shape[1]:,} movies by {rated.shape[0]:,} users\n")
    print(f"| setting | with | without | without / with |\n|{'---|' * 4}")
    for name, unit, kept, left in (
        ("Woodbury for entities with fewer ratings than the rank", "s", base, whole),
        ("batches of 2 MB in place of 32 MB", "s", base, large),
        ("one BLAS thread in place of two", "s", base, threads),
        (f"{STEPS} conjugate-gradient steps in place of the exact solution", "s", by_steps, base),
        ("those in single precision in place of double", "s", by_steps, doubles),
        ("EASE's inverse by 400 users in place of 2,500 movies", "s", small_side, large_side),
        ("parts kept on executors: sent in an iteration after the first", "MB", factors, factors + sent),
        ("start from the factors before in place of zeros: relative error after one step", "", warm, cold),
    ):
        print(f"| {name} | {kept:.3g} {unit} | {left:.3g} {unit} | {left / kept:.2g} |")


if __name__ == "__main__":
    main()
