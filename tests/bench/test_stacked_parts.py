"""Stacked parts: the gram matrix of moments, and weights that only the validation part decides."""

from __future__ import annotations

import numpy as np
import pytest
from recommender.settings import TrainingSettings
from stacked_parts import WEIGHTS, Factors, Neighbours, Rated, add_moments, judge, learned_weights, stacked

SETTINGS = TrainingSettings(rank=4, max_iter=3, reg_param=0.1, alpha=1.0, cg_steps=0)


def of_two_kinds(users: int = 120, movies: int = 40, seed: int = 1) -> Rated:
    """Return ratings of people who each like one half of the movies, within some minutes."""
    generator = np.random.default_rng(seed)
    liked = (np.arange(movies) < movies // 2) == (np.arange(users)[:, None] % 2 == 0)
    user, movie = np.nonzero(generator.random((users, movies)) < np.where(liked, 0.5, 0.05))
    return Rated(user, movie, generator.integers(0, 900, len(user)), (users, movies))


def test_pairs_count_by_the_time_between_them() -> None:
    rated = Rated(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 1, 2]), np.array([0, 60, 600, 5, 5]), (2, 3))
    gram = np.zeros((2, 2))
    add_moments(gram, rated, np.array([1, 2]), 0.5, 60.0)
    between = 0.5 * (np.exp(-9.0) + 1.0)
    assert gram == pytest.approx(np.array([[1.0, between], [between, 1.0]]))


def test_without_a_share_of_time_neighbours_are_plain_ease() -> None:
    rated = of_two_kinds()
    x = rated.matrix().toarray().astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + 20.0 * np.eye(40))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert Neighbours(20.0).scores(rated) == pytest.approx(x @ weights, abs=1e-4)
    alike = Neighbours(20.0, share=0.7, seconds=1e12).scores(rated)
    assert alike == pytest.approx(x @ weights, abs=1e-4)
    assert np.abs(Neighbours(20.0, share=0.7, seconds=30.0).scores(rated) - alike).max() > 0.01


def test_weights_are_those_of_the_best_sum() -> None:
    wanted, noise = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    found = learned_weights([wanted, noise], lambda scores: float(scores[0] - scores[1]))
    assert found == [1.0, 0.0]
    assert learned_weights([noise, wanted], lambda scores: float(scores[0])) == [1.0, WEIGHTS[-1]]


class Canned:
    """A part with given scores after training on few ratings and on all."""

    def __init__(self, few: np.ndarray, every: np.ndarray, limit: int) -> None:
        self.few, self.every, self.limit = few, every, limit

    def scores(self, rated: Rated) -> np.ndarray:
        return self.few if len(rated.user) < self.limit else self.every


def test_weights_are_learned_on_the_validation_part_and_used_on_parts_of_all() -> None:
    rated = of_two_kinds()
    inner = np.random.default_rng(2).random(len(rated.user)) < 0.7
    wanted = rated.select(~inner).matrix().toarray() + 0.01
    noise = np.random.default_rng(3).random(rated.shape)
    canned = [Canned(wanted, noise, len(inner)), Canned(-wanted, wanted, len(inner))]
    scores, weights = stacked(canned, rated, inner)
    assert weights == [1.0, 0.0]
    assert scores == pytest.approx(noise / noise.std(), rel=1e-5)


def test_a_stack_ranks_better_than_its_first_part_alone() -> None:
    rated = of_two_kinds()
    train, inner = (np.random.default_rng(seed).random(len(rated.user)) < 0.75 for seed in (4, 5))
    known, test = rated.select(train), rated.select(~train)
    alone = Factors(SETTINGS)
    scores, _ = stacked([alone, Neighbours(20.0)], known, inner[train])
    assert judge(scores, known, test)["ndcg"] > judge(alone.scores(known), known, test)["ndcg"] > 0.1
