"""Implicit ALS over half steps, and the blend that ranks well on the timeline.

The tuning showed that each part of the blend is needed (see docs/evaluation.md):
- Movie factors are learned with time-decayed confidence. Ratings given long before the batch's end count less.
- A user's factors are one exact half step on the user's profile, decayed from the user's newest rating. Recent taste counts most.
- Movie neighbours (linear_neighbours) add what the few factors cannot hold, and the effect of genres and years.
- Gain and prior are computed from recent popularity among returning users.
docs/model.md has the formula.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from recommender.arrays import Factors, Float32Array, FloatArray, IntArray
from recommender.attributes import MovieAttributes
from recommender.conjugate_gradient import conjugate_gradient
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours, eligible_movies, farthest_reaching, gram_inverse, ridge_inverse
from recommender.parts.gram import add_gram
from recommender.parts.layout import LaidOut, Parts, PartsHere, lay_out_here, runs
from recommender.parts.on_disk import joined_on_disk
from recommender.parts.profiles import WHOLE, ByMovie, ByUser, Weighing
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings

# In a movie's gain, its share of recent popularity is at least this. So taste alone can bring up a rare movie.
LEAST_SHARE = 1e-3
# After every rating.
NEVER = 2**62


@dataclass(frozen=True)
class HalfStep:
    """How the parts of one side are solved, given the other side's factors.

    With `cg_steps` above 0, that many conjugate-gradient steps are taken from the side's `current` factors. Else the solution is
    exact.
    """

    other: OtherSide
    alpha: float
    reg_param: float
    current: Factors | None = None
    cg_steps: int = 0

    def solve(self, part: Incidence) -> Factors:
        """Return the factors of the entities of a part, (entities, rank)."""
        if self.current is None:
            return half_step(part, self.other, self.alpha, self.reg_param)
        own = self.current[part.first : part.first + len(part.starts) - 1]
        return conjugate_gradient(part, own, self.other, self.alpha, self.reg_param, self.cg_steps)


def train(ratings: Ratings, settings: TrainingSettings, as_of: int, attributes: MovieAttributes) -> FactorModel:
    """Return the model of all `ratings`, trained in this process.

    It is as at `as_of`, in Unix seconds UTC. `attributes` may hold any movies. The same ratings and settings give the
    same bits. Raises ValueError when there are no ratings.
    """
    return train_laid_out(lay_out_here(ratings), settings, as_of, attributes)


def train_laid_out(laid: LaidOut, settings: TrainingSettings, as_of: int, attributes: MovieAttributes) -> FactorModel:
    """Return the model of laid out ratings as at `as_of`, as `train` does."""
    weighing = Weighing(settings, as_of, NEVER)
    movie_factors = learned(laid, weighing, settings.max_iter)
    return blend(laid, movie_factors, weighing, attributes)


def learned(laid: LaidOut, weighing: Weighing, iterations: int, start: Factors | None = None) -> Factors:
    """Return the movie factors after some iterations.

    They begin with those of `start`, or with random ones.
    """
    by_user, by_movie = laid.by_user.kept(weighing.trained), laid.by_movie.kept(weighing.trained)
    try:
        sizes = len(laid.user_ids), len(laid.movie_ids)
        return alternated(by_user, by_movie, sizes, weighing.settings, iterations, start)[1]
    finally:
        by_user.release()
        by_movie.release()


def alternate(
    user_at: IntArray, movie_at: IntArray, weights: FloatArray, settings: TrainingSettings
) -> tuple[Factors, Factors]:
    """Return user and movie factors from weighted pairs, in this process.

    Rating n is of the user at position `user_at[n]` and the movie at position `movie_at[n]`, with the weight `weights[n]`.
    """
    users, movies = int(user_at.max()) + 1, int(movie_at.max()) + 1
    by_user, by_movie = (
        PartsHere(whole.split(runs(np.diff(whole.starts))))
        for whole in (
            Incidence.build(user_at, movie_at, weights, users),
            Incidence.build(movie_at, user_at, weights, movies),
        )
    )
    return alternated(by_user, by_movie, (users, movies), settings, settings.max_iter)


def alternated(
    by_user: Parts[Incidence],
    by_movie: Parts[Incidence],
    sizes: tuple[int, int],
    settings: TrainingSettings,
    iterations: int,
    start: Factors | None = None,
) -> tuple[Factors, Factors]:
    """Return both sides' factors after some iterations.

    They are (users, rank) and (movies, rank). `sizes` are the numbers of users and movies, and `start` movie factors to
    begin with. The movie factors are computed last: one
    more half step from them gives a user's factors. Exact solutions are doubles, others floats.
    """
    users, movies = sizes
    precision = np.float32 if settings.cg_steps else np.float64
    if start is None:
        generator = np.random.default_rng(settings.seed)
        start = generator.normal(size=(movies, settings.rank)) / np.sqrt(settings.rank)
    movie_factors: Factors = start.astype(precision)
    user_factors: Factors = np.zeros((users, settings.rank), dtype=precision)
    for _ in range(iterations):
        user_factors = _solve(by_user, user_factors, movie_factors, settings)
        movie_factors = _solve(by_movie, movie_factors, user_factors, settings)
    return user_factors, movie_factors


def _solve(side: Parts[Incidence], current: Factors, other: Factors, settings: TrainingSettings) -> Factors:
    """Return one side's new factors, given its current ones and the other side's."""
    goes_on = current if settings.cg_steps else None
    step = HalfStep(OtherSide.of(other), settings.alpha, settings.reg_param, goes_on, settings.cg_steps)
    return np.concatenate(side.each(step.solve))


@dataclass(frozen=True)
class MovieParts:
    """What a model says of movies: everything but the users.

    `counts` are the ratings that it was trained on.
    """

    factors: Float32Array
    gain: Float32Array
    prior: Float32Array
    neighbours: Neighbours
    counts: IntArray


def blend(laid: LaidOut, movie_factors: Factors, weighing: Weighing, attributes: MovieAttributes) -> FactorModel:
    """Return the model with these movie factors, (movies, rank).

    Users are folded in from their profiles; neighbours, gain and prior are added.
    """
    parts = of_movies(laid, movie_factors, weighing, attributes)
    profiles = laid.by_user.kept(weighing.profiles)
    try:
        user_factors = np.concatenate(profiles.each(folding_in(parts.factors, weighing.settings).solve))
        return FactorModel(
            laid.user_ids,
            user_factors.astype(np.float32),
            laid.movie_ids,
            parts.factors,
            parts.gain,
            parts.prior,
            parts.neighbours,
            joined_on_disk(profiles),
            weighing.settings,
            laid.newest,
        )
    finally:
        profiles.release()


def folding_in(published: Float32Array, settings: TrainingSettings) -> HalfStep:
    """Return the exact half step from published movie factors to those of users.

    Published factors are float32. Users are solved against exactly these, so that the sums of the reasons are exact too.
    """
    return HalfStep(OtherSide.of(published.astype(np.float64)), settings.alpha, settings.reg_param)


def of_movies(laid: LaidOut, movie_factors: Factors, weighing: Weighing, attributes: MovieAttributes) -> MovieParts:
    """Return factors as they are published, neighbours, gain and prior."""
    settings = weighing.settings
    newest = np.concatenate(laid.by_user.each(weighing.newest))
    by_movie = laid.by_movie.each(ByMovie(weighing, laid.first_rated, newest).sums)
    counts, recent, squares = (np.concatenate(sums) for sums in zip(*by_movie, strict=True))
    share = recent / recent.max()
    gain = (settings.personal_weight * np.maximum(share, LEAST_SHARE) ** settings.gain_power).astype(np.float32)
    near = _neighbours(laid, weighing, attributes.of(laid.movie_ids), counts, np.sqrt(squares), gain)
    return MovieParts(movie_factors.astype(np.float32), gain, share.astype(np.float32), near, counts)


def _neighbours(
    laid: LaidOut,
    weighing: Weighing,
    attributes: MovieAttributes,
    counts: IntArray,
    reach: FloatArray,
    gain: Float32Array,
) -> Neighbours:
    """Return the movies' neighbours.

    They come from the users' rows or from their gram matrix, as is smaller.
    """
    settings = weighing.settings
    if settings.neighbours == 0:
        return Neighbours.none(len(gain))
    of_attributes = attributes.rows(settings.genre_weight, settings.year_weight)
    rows = len(laid.user_ids) + of_attributes.shape[0]
    eligible = eligible_movies(counts, rows, settings.largest_system)
    of_attributes = of_attributes[:, eligible]
    by_user = ByUser(weighing, laid.first_rated, eligible, len(gain))
    if rows < len(eligible):
        x = sp.vstack([*laid.by_user.each(by_user.rows), of_attributes], format="csr")
        inverse = ridge_inverse(x, settings.neighbour_ridge)
    else:
        gram = laid.by_user.gram(by_user.whole_rows, len(eligible))
        gram /= WHOLE**2
        add_gram(gram, of_attributes)
        inverse = gram_inverse(gram, settings.neighbour_ridge)
    near = farthest_reaching(inverse, eligible, reach, gain, settings.neighbours)
    return replace(near, weights=near.weights * np.float32(settings.neighbour_weight))
