"""Implicit ALS over half steps, and the blend that ranks well on the timeline.

The tuning showed that each part of the blend is needed (see docs/evaluation.md):
- Movie factors are learned with time-decayed confidence. Ratings given long before the batch's end count less.
- A user's factors are one exact half step on the user's profile, decayed from the user's newest rating. Recent taste counts most.
- Movie neighbours (linear_neighbours) add what the few factors cannot hold, and the effect of genres and years.
- Gain and prior are computed from recent popularity among returning users (returning_popularity).
docs/model.md has the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from recommender.arrays import Factors, FloatArray, IntArray
from recommender.attributes import MovieAttributes
from recommender.conjugate_gradient import conjugate_gradient
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import linear_neighbours
from recommender.popularity import returning_popularity, returning_weights
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings, profile_weights, training_weights

# In a movie's gain, its share of recent popularity is at least this. So taste alone can bring up a rare movie.
LEAST_SHARE = 1e-3

# Chunks follow from the data alone. The padding within a chunk changes the last bits, which may not depend on the cluster's size.
RATINGS_PER_CHUNK = 50_000


@dataclass(frozen=True)
class HalfStep:
    """How the chunks of one side are solved, given the other side's factors.

    With `cg_steps` above 0, that many conjugate-gradient steps are taken, for chunk i from `initial[i]`. Else the solution is exact.
    """

    other: OtherSide
    alpha: float
    reg_param: float
    initial: Sequence[Factors] = ()
    cg_steps: int = 0

    def solve(self, number: int, chunk: Incidence) -> Factors:
        """Return the factors of the entities of a chunk, (entities, rank)."""
        if self.cg_steps:
            initial = self.initial[number]
            return conjugate_gradient(chunk, initial, self.other, self.alpha, self.reg_param, self.cg_steps)
        return half_step(chunk, self.other, self.alpha, self.reg_param)


# A function that solves every chunk of a side and returns the factors of each.
HalfSteps = Callable[[Sequence[Incidence], HalfStep], list[Factors]]


def half_steps_here(chunks: Sequence[Incidence], step: HalfStep) -> list[Factors]:
    """Return the factors of every chunk, solved in this process, one after the other."""
    return [step.solve(number, chunk) for number, chunk in enumerate(chunks)]


def chunks_of(whole: Incidence) -> list[Incidence]:
    """Return one side in runs of entities with about RATINGS_PER_CHUNK ratings each."""
    entities = len(whole.starts) - 1
    wanted = np.arange(RATINGS_PER_CHUNK, len(whole.columns), RATINGS_PER_CHUNK)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(whole.starts, wanted), [entities]]))
    return [whole.rows(int(a), int(b)) for a, b in pairwise(cuts)]


def train(
    ratings: Ratings,
    settings: TrainingSettings,
    as_of: int,
    attributes: MovieAttributes,
    solve: HalfSteps = half_steps_here,
) -> FactorModel:
    """Return the model of all `ratings` as at `as_of`, in Unix seconds UTC.

    `attributes` may hold any movies. The same ratings and settings give the same bits. Raises ValueError when there are no ratings.
    """
    if len(ratings) == 0:
        raise ValueError("There are no ratings to train on. Check that the batch's partition was loaded.")
    users, movies = ratings.users(), ratings.movies()
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    weights = training_weights(ratings, settings, as_of)
    _, movie_factors = alternate(user_at, movie_at, weights, settings, solve)
    return blend(ratings, users, attributes.of(movies), movie_factors, settings, as_of, solve)


def alternate(
    user_at: IntArray,
    movie_at: IntArray,
    weights: FloatArray,
    settings: TrainingSettings,
    solve: HalfSteps = half_steps_here,
) -> tuple[Factors, Factors]:
    """Return user and movie factors, (users, rank) and (movies, rank).

    They are those after `max_iter` iterations. Rating n is of the user at position `user_at[n]` and the movie at
    position `movie_at[n]`, with the weight `weights[n]`. The movie factors are computed last: one more half step from
    them gives a user's factors. Exact solutions are doubles, others floats.
    """
    users, movies = int(user_at.max()) + 1, int(movie_at.max()) + 1
    by_user = chunks_of(Incidence.build(user_at, movie_at, weights, users))
    by_movie = chunks_of(Incidence.build(movie_at, user_at, weights, movies))
    generator = np.random.default_rng(settings.seed)
    precision = np.float32 if settings.cg_steps else np.float64
    movie_factors = (generator.normal(size=(movies, settings.rank)) / np.sqrt(settings.rank)).astype(precision)
    user_factors = np.zeros((users, settings.rank), dtype=precision)
    for _ in range(settings.max_iter):
        user_factors = _solve(solve, by_user, user_factors, movie_factors, settings)
        movie_factors = _solve(solve, by_movie, movie_factors, user_factors, settings)
    return user_factors, movie_factors


def _solve(
    solve: HalfSteps, chunks: Sequence[Incidence], current: Factors, other: Factors, settings: TrainingSettings
) -> Factors:
    """Return one side's new factors, given its current ones and the other side's."""
    ends = np.cumsum([len(chunk.starts) - 1 for chunk in chunks])
    initial = np.split(current, ends[:-1]) if settings.cg_steps else ()
    step = HalfStep(OtherSide.of(other), settings.alpha, settings.reg_param, initial, settings.cg_steps)
    return np.concatenate(solve(chunks, step))


def blend(
    ratings: Ratings,
    users: IntArray,
    attributes: MovieAttributes,
    movie_factors: Factors,
    settings: TrainingSettings,
    as_of: int,
    solve: HalfSteps = half_steps_here,
) -> FactorModel:
    """Return the model with these movie factors, (movies, rank).

    Users are folded in from their profiles; neighbours, gain and prior are added. `attributes` hold exactly the movies with factors.
    """
    movies = attributes.movie_ids
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    # Published factors are float32. Users are solved against exactly these, so that the sums of the reasons are exact too.
    profiles = Incidence.build(user_at, movie_at, profile_weights(ratings, settings).astype(np.float32), len(users))
    published = movie_factors.astype(np.float32)
    exact = HalfStep(OtherSide.of(published.astype(np.float64)), settings.alpha, settings.reg_param)
    user_factors = np.concatenate(solve(chunks_of(profiles), exact))
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
