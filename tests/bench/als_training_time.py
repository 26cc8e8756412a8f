"""Times implicit ALS: this project's half steps against the package implicit, on the same generated ratings.

    PYTHONPATH=spark_jobs OPENBLAS_NUM_THREADS=1 python tests/bench/als_training_time.py --ratings 100000 1000000

Same rank, iterations and confidence; each once with conjugate gradient, three steps a half step, and once exact. A user has 100
ratings, a tenth of which are held out; taste is one of 20 groups, popularity falls as 1 / rank. CPU seconds are of all threads of
this process; the regularisation is made equal in size at the mean number of ratings, since implicit does not scale it by them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from evaluation.metrics import hits, ranking_metrics
from implicit.cpu.als import AlternatingLeastSquares
from recommender.settings import TrainingSettings
from recommender.top_n import top_n_of_scores
from recommender.training import alternate
from threadpoolctl import threadpool_limits

PER_USER, GROUPS, K = 100, 20, 10
SETTINGS = TrainingSettings(rank=64, max_iter=10, reg_param=0.01, alpha=2.0)
JUDGED = 2_000


def generated(ratings: int) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Return train and test as sparse matrices of ones, (users, movies), with about that many ratings together."""
    generator = np.random.default_rng(ratings)
    users, movies = ratings // PER_USER, min(60_000, max(2_000, ratings // 100))
    popular = 1.0 / np.arange(1, movies + 1) ** 0.8
    group_of = generator.integers(GROUPS, size=movies)
    user_at, movie_at = [], []
    for group in range(GROUPS):
        odds = popular * np.where(group_of == group, 10.0, 1.0)
        members = np.arange(group, users, GROUPS)
        user_at.append(np.repeat(members, PER_USER))
        movie_at.append(generator.choice(movies, size=len(members) * PER_USER, p=odds / odds.sum()))
    whole = sp.csr_matrix(
        (np.ones(sum(map(len, user_at))), (np.concatenate(user_at), np.concatenate(movie_at))), shape=(users, movies)
    )
    pairs = whole.tocoo()
    test = generator.random(pairs.nnz) < 0.1
    parts = [
        sp.csr_matrix((np.ones(part.sum()), (pairs.row[part], pairs.col[part])), shape=whole.shape)
        for part in (~test, test)
    ]
    return parts[0], parts[1]


def here(train: sp.csr_matrix, cg_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Train by this project's half steps."""
    pairs = train.tocoo()
    settings = replace(SETTINGS, cg_steps=cg_steps)
    return alternate(pairs.row.astype(np.int64), pairs.col.astype(np.int64), np.ones(pairs.nnz), settings)


def package(train: sp.csr_matrix, conjugate_gradient: bool) -> tuple[np.ndarray, np.ndarray]:
    """Train by implicit, whose confidence is the value itself: 1 + alpha."""
    model = AlternatingLeastSquares(
        factors=SETTINGS.rank,
        iterations=SETTINGS.max_iter,
        regularization=SETTINGS.reg_param * train.nnz / train.shape[0],
        use_cg=conjugate_gradient,
        num_threads=2,
        random_state=1,
    )
    model.fit((train * (1 + SETTINGS.alpha)).astype(np.float32).tocsr(), show_progress=False)
    return model.user_factors, model.item_factors


def ndcg(factors: tuple[np.ndarray, np.ndarray], train: sp.csr_matrix, test: sp.csr_matrix) -> float:
    """Return nDCG@K of the first JUDGED users with test ratings."""
    users = np.flatnonzero(np.diff(test.indptr) > 0)[:JUDGED]
    movies = np.zeros((train.shape[1], SETTINGS.rank))
    movies[: len(factors[1])] = factors[1]
    scores = (factors[0][users] @ movies.T).astype(np.float32)
    scores[train[users].nonzero()] = -np.inf
    lists, _ = top_n_of_scores(scores, K)
    pairs = test[users].tocoo()
    relevant = np.diff(test.indptr)[users]
    found = hits(lists, users, users[pairs.row], pairs.col.astype(np.int64))
    return float(ranking_metrics(found, relevant)["ndcg"].mean())


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=int, nargs="+", default=[100_000, 1_000_000])
    ways: dict[str, Callable[[sp.csr_matrix], tuple[np.ndarray, np.ndarray]]] = {
        "this project, conjugate gradient": lambda train: here(train, 3),
        "this project, exact": lambda train: here(train, 0),
        "implicit, conjugate gradient": lambda train: package(train, True),
        "implicit, Cholesky": lambda train: package(train, False),
    }
    print("| ratings | way | CPU s | ratio to implicit's default | wall s | nDCG@10 |\n|---|---|---|---|---|---|")
    for ratings in parser.parse_args().ratings:
        train, test = generated(ratings)
        spent: dict[str, tuple[float, float, float]] = {}
        for name, way in ways.items():
            cpu, wall = time.process_time(), time.monotonic()
            with threadpool_limits(1):
                factors = way(train)
            spent[name] = (time.process_time() - cpu, time.monotonic() - wall, ndcg(factors, train, test))
        base = spent["implicit, conjugate gradient"][0]
        for name, (cpu, wall, quality) in spent.items():
            print(f"| {train.nnz:,} | {name} | {cpu:.1f} | {cpu / base:.2f} | {wall:.1f} | {quality:.4f} |", flush=True)


if __name__ == "__main__":
    main()
