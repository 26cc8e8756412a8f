"""Scores as a weighted sum of parts, whose weights are learned on a validation part: stacking.

Wolpert 1992, *Stacked generalization*; Breiman 1996, *Stacked regressions*. The parts are trained on some of the ratings that may be
learned from, and weighed such that their sum ranks the others best. Then they are trained on all of them, and keep their weights.
Test ratings have no say in that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from evaluation.metrics import hits, ranking_metrics
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.neighbours import gram_inverse
from recommender.settings import TrainingSettings
from recommender.top_n import top_n_of_scores
from recommender.training import alternate

K = 10
# A part's weight, times the standard deviation of its scores, relative to the first part's.
WEIGHTS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
MOST_ROUNDS = 4


@dataclass(frozen=True)
class Rated:
    """Ratings by positions: users, movies and times (Unix seconds), each (ratings,). `shape` is (users, movies)."""

    user: np.ndarray
    movie: np.ndarray
    when: np.ndarray
    shape: tuple[int, int]

    def select(self, keep: np.ndarray) -> Rated:
        """Return the ratings where `keep` is true."""
        return Rated(self.user[keep], self.movie[keep], self.when[keep], self.shape)

    def matrix(self) -> sp.csr_matrix:
        """Return ones where a user rated a movie, (users, movies)."""
        return sp.csr_matrix((np.ones(len(self.user), dtype=np.float32), (self.user, self.movie)), shape=self.shape)


@dataclass(frozen=True)
class Factors:
    """The project's implicit ALS, from several random starts, whose scores are added."""

    settings: TrainingSettings
    starts: int = 1

    def scores(self, rated: Rated) -> np.ndarray:
        """Return scores, (users, movies)."""
        weights = np.ones(len(rated.user))
        own, profile = self.settings, Incidence.build(rated.user, rated.movie, weights, rated.shape[0])
        total = np.zeros(rated.shape)
        for start in range(self.starts):
            _, factors = alternate(rated.user, rated.movie, weights, replace(own, seed=own.seed + start))
            every = np.zeros((rated.shape[1], own.rank))
            every[: len(factors)] = factors
            total += half_step(profile, OtherSide.of(every), own.alpha, own.reg_param) @ every.T
        return total


@dataclass(frozen=True)
class Neighbours:
    """EASE (Steck 2019) with all of its weights, also of movies that were rated at the same time.

    Two movies of a user count 1 - `share` + `share` * exp(-seconds between their ratings / `seconds`) in the gram matrix, where EASE counts
    1: both kernels are positive, so the sum is a gram matrix. `own` times a movie's count is added to the ridge (Steck 2020, *Autoencoders
    that don't overfit towards the identity*). `attributes` are further rows, (attributes, movies), as in recommender.neighbours.
    """

    ridge: float
    own: float = 0.0
    share: float = 0.0
    seconds: float = 60.0
    attributes: sp.csr_matrix | None = None

    def scores(self, rated: Rated) -> np.ndarray:
        """Return scores, (users, movies); those of a movie with fewer than two ratings are 0."""
        eligible = np.flatnonzero(np.bincount(rated.movie, minlength=rated.shape[1]) > 1)
        seen = rated.matrix()[:, eligible]
        gram = (seen.T @ seen).toarray().astype(np.float64)
        if self.share:
            gram *= 1 - self.share
            add_moments(gram, rated, eligible, self.share, self.seconds)
        gram[np.diag_indices(len(gram))] *= 1 + self.own
        if self.attributes is not None:
            rows = self.attributes[:, eligible]
            gram += (rows.T @ rows).toarray()
        inverse, diagonal = gram_inverse(gram, self.ridge)
        weights = (inverse(slice(None)) / -diagonal).astype(np.float32)
        np.fill_diagonal(weights, 0)
        scores = np.zeros(rated.shape, dtype=np.float32)
        scores[:, eligible] = seen @ weights
        return scores


def add_moments(gram: np.ndarray, rated: Rated, eligible: np.ndarray, share: float, seconds: float) -> None:
    """Add to a gram matrix of the eligible movies what pairs of one user's ratings count by the time between them."""
    place = np.full(rated.shape[1], -1)
    place[eligible] = np.arange(len(eligible))
    kept = np.flatnonzero(place[rated.movie] >= 0)
    order = kept[np.argsort(rated.user[kept], kind="stable")]
    starts = np.searchsorted(rated.user[order], np.arange(rated.shape[0] + 1))
    for user in range(rated.shape[0]):
        own = order[starts[user] : starts[user + 1]]
        movies, when = place[rated.movie[own]], rated.when[own].astype(np.float64)
        gram[np.ix_(movies, movies)] += share * np.exp(-np.abs(when[:, None] - when) / seconds)


Part = Factors | Neighbours


def judge(scores: np.ndarray, train: Rated, test: Rated) -> dict[str, float]:
    """Return MAP, nDCG, precision and recall at K of the lists by these scores, without what was trained on.

    They are means over the users with test ratings.
    """
    users, relevant = np.unique(test.user, return_counts=True)
    scores = scores.astype(np.float32)
    scores[train.user, train.movie] = -np.inf
    lists, _ = top_n_of_scores(scores[users], K)
    found = ranking_metrics(hits(lists, users, test.user, test.movie), relevant)
    return {name: float(found[name].mean()) for name in ("map", "ndcg", "precision", "recall")}


def scored(part: Part, rated: Rated) -> np.ndarray:
    """Return a part's scores in units of their standard deviation, (users, movies)."""
    scores = part.scores(rated)
    return np.asarray(scores / scores.std(), dtype=np.float32)


def learned_weights(scores: Sequence[np.ndarray], ndcg: Callable[[np.ndarray], float]) -> list[float]:
    """Return the weights of the scores, by coordinate ascent over WEIGHTS from equal parts; the first is 1."""
    weights = [1.0] * len(scores)
    best = ndcg(np.asarray(sum(scores)))
    for _ in range(MOST_ROUNDS):
        before = list(weights)
        for at in range(1, len(scores)):
            rest = sum(weight * part for weight, part in zip(weights, scores, strict=True)) - weights[at] * scores[at]
            for weight in WEIGHTS:
                value = ndcg(rest + weight * scores[at])
                if value > best:
                    best, weights[at] = value, weight
        if weights == before:
            break
    return weights


def stacked(parts: Sequence[Part], rated: Rated, learned: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return the scores of the weighted parts and the weights.

    `learned` says which ratings the parts are trained on while they are weighed; the others are the validation part.
    """
    inner, validation = rated.select(learned), rated.select(~learned)
    weights = learned_weights(
        [scored(part, inner) for part in parts], lambda scores: judge(scores, inner, validation)["ndcg"]
    )
    return np.asarray(sum(w * scored(part, rated) for w, part in zip(weights, parts, strict=True) if w)), weights
