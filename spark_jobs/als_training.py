"""Implicit ALS over half steps, and the blend that makes it rank well on the timeline.

The blend's parts, each of which the tuning asked for (see docs/evaluation.md):
- movie factors are learned with time-decayed confidence: what was rated long before the batch's end counts less;
- a user's factors are one exact half step on his own profile, decayed from his newest rating: taste of late counts most;
- movie neighbours (linear_neighbours) add what the factors are too few to hold, and what genres and years tell;
- gain and prior come from recent popularity among users who came back (baselines.returning_popularity).
docs/model.md has the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from als_conjugate_gradient import conjugate_gradient
from als_half_step import Factors, Incidence, OtherSide, half_step
from baselines import returning_popularity, returning_weights
from factor_model import FactorModel, Settings, profile_weights, training_weights
from linear_neighbours import linear_neighbours
from movie_attributes import MovieAttributes
from ratings import FloatArray, IntArray, Ratings, positions

# A movie's share of recent popularity counts as at least this in its gain, so that taste alone can bring up a rare movie.
LEAST_SHARE = 1e-3

# Parts follow from the data alone: the padding within a part, and so the last bits, may not depend on the cluster's size.
RATINGS_PER_PART = 50_000


@dataclass(frozen=True)
class HalfStep:
    """How the parts of one side are solved, given the other side's factors.

    With `cg_steps` above 0 that many conjugate-gradient steps are taken, part i from `starts[i]`; else the solution is exact.
    """

    other: OtherSide
    alpha: float
    reg_param: float
    starts: Sequence[Factors] = ()
    cg_steps: int = 0

    def solve(self, number: int, part: Incidence) -> Factors:
        """Return the factors of the entities of a part, (entities, rank)."""
        if self.cg_steps:
            start = self.starts[number]
            return conjugate_gradient(part, start, self.other, self.alpha, self.reg_param, self.cg_steps)
        return half_step(part, self.other, self.alpha, self.reg_param)


# Solves every part of a side and returns each one's factors.
HalfSteps = Callable[[Sequence[Incidence], HalfStep], list[Factors]]


def half_steps_here(parts: Sequence[Incidence], step: HalfStep) -> list[Factors]:
    """Solve every part in this process, one after the other."""
    return [step.solve(number, part) for number, part in enumerate(parts)]


def parts_of(whole: Incidence) -> list[Incidence]:
    """Cut one side into runs of entities with about RATINGS_PER_PART ratings each."""
    entities = len(whole.starts) - 1
    wanted = np.arange(RATINGS_PER_PART, len(whole.columns), RATINGS_PER_PART)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(whole.starts, wanted), [entities]]))
    return [whole.rows(int(a), int(b)) for a, b in pairwise(cuts)]


def train(
    ratings: Ratings,
    settings: Settings,
    as_of: int,
    attributes: MovieAttributes,
    solve: HalfSteps = half_steps_here,
) -> FactorModel:
    """Return the model of all `ratings` as it stands at `as_of`, Unix seconds UTC; `attributes` are those of any movies.

    Raises ValueError when there are no ratings. The same ratings and settings give the same bits.
    """
    if len(ratings) == 0:
        raise ValueError("there are no ratings to train on: check that the batch's partition was loaded")
    users, movies = ratings.users(), ratings.movies()
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    weights = training_weights(ratings, settings, as_of)
    _, movie_factors = alternate(user_at, movie_at, weights, settings, solve)
    return blend(ratings, users, attributes.of(movies), movie_factors, settings, as_of, solve)


def alternate(
    user_at: IntArray, movie_at: IntArray, weights: FloatArray, settings: Settings, solve: HalfSteps = half_steps_here
) -> tuple[Factors, Factors]:
    """Return user and movie factors after `max_iter` iterations, (users, rank) and (movies, rank), from places and weights of ratings.

    The movies' come last: given them, one more half step gives a user's factors anew. Solved exactly they are doubles, else floats.
    """
    users, movies = int(user_at.max()) + 1, int(movie_at.max()) + 1
    by_user = parts_of(Incidence.build(user_at, movie_at, weights, users))
    by_movie = parts_of(Incidence.build(movie_at, user_at, weights, movies))
    generator = np.random.default_rng(settings.seed)
    precision = np.float32 if settings.cg_steps else np.float64
    movie_factors = (generator.normal(size=(movies, settings.rank)) / np.sqrt(settings.rank)).astype(precision)
    user_factors = np.zeros((users, settings.rank), dtype=precision)
    for _ in range(settings.max_iter):
        user_factors = _solve(solve, by_user, user_factors, movie_factors, settings)
        movie_factors = _solve(solve, by_movie, movie_factors, user_factors, settings)
    return user_factors, movie_factors


def _solve(solve: HalfSteps, parts: Sequence[Incidence], now: Factors, other: Factors, settings: Settings) -> Factors:
    """Return one side's new factors, given those it has now and the other side's."""
    ends = np.cumsum([len(part.starts) - 1 for part in parts])
    starts = np.split(now, ends[:-1]) if settings.cg_steps else ()
    step = HalfStep(OtherSide.of(other), settings.alpha, settings.reg_param, starts, settings.cg_steps)
    return np.concatenate(solve(parts, step))


def blend(
    ratings: Ratings,
    users: IntArray,
    attributes: MovieAttributes,
    movie_factors: Factors,
    settings: Settings,
    as_of: int,
    solve: HalfSteps = half_steps_here,
) -> FactorModel:
    """Return the model with these movie factors, (movies, rank): users folded in from their profiles, the other parts added.

    `attributes` are those of just the movies that have factors.
    """
    movies = attributes.movie_ids
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    # What is published is float32: users are solved against exactly that, so that the reasons' sums are exact too.
    profiles = Incidence.build(user_at, movie_at, profile_weights(ratings, settings).astype(np.float32), len(users))
    published = movie_factors.astype(np.float32)
    exact = HalfStep(OtherSide.of(published.astype(np.float64)), settings.alpha, settings.reg_param)
    user_factors = np.concatenate(solve(parts_of(profiles), exact))
    returning = returning_weights(ratings, settings.first_visit_days, settings.first_visit_weight)
    recent = returning_popularity(ratings, movies, settings.prior_half_life_days, as_of, returning)
    share = recent / recent.max()
    gain = (settings.personal_weight * np.maximum(share, LEAST_SHARE) ** settings.gain_power).astype(np.float32)
    confidence = training_weights(ratings, settings, as_of) * returning
    near = linear_neighbours(
        sp.csr_matrix((confidence, (user_at, movie_at)), shape=(len(users), len(movies))),
        attributes.rows(settings.genre_weight, settings.year_weight),
        np.sqrt(np.bincount(profiles.columns, weights=profiles.weights.astype(np.float64) ** 2, minlength=len(movies))),
        gain,
        settings.neighbour_ridge,
        settings.neighbours,
    )
    return FactorModel(
        users,
        user_factors.astype(np.float32),
        movies,
        published,
        gain,
        share.astype(np.float32),
        replace(near, weights=near.weights * np.float32(settings.neighbour_weight)),
        profiles,
        settings,
        int(ratings.rated_at.max()),
    )
