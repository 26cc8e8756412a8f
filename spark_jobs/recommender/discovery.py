"""Lists from the long tail that differ from person to person.

Each movie of the long tail has a price that follows from how many lists it would stand in. A list takes the movies with the greatest
score less price, so that a movie which suits many people goes to those whom it suits most. These are the dual variables of a transport
problem that spreads all users' places over the movies (Cuturi 2013 solves it with an entropy, "Sinkhorn distances"; Biswas et al. 2021,
"Toward fair recommendation in two-sided platforms", assigns by rounds under caps). With prices, a list needs no other list: a newcomer's
is made like a user's. The first places pay a part of the price only, since most of a list's value is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.arrays import BoolArray, Float32Array, FloatArray, IntArray
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.parts.layout import LaidOut
from recommender.popularity import long_tail
from recommender.ratings import SECONDS_PER_DAY
from recommender.top_n import NO_MOVIE, top_n_of_scores, users_per_block

# All of these were chosen on the tuning windows: see docs/discovery.md.
TASTE = 2.0
PRICE_OF_EVERYBODY = 12.0
FIRST_PLACES = 7
FIRST_PRICE = 0.1
# Prices follow from lists of this length, of at most so many users, and of each user's best movies alone.
PRICED_PLACES = 10
MOST_USERS = 10_000
BEST_MOVIES = 300
ROUNDS = 40
_LEAST_STEP = 0.08
# The price counts half as much again for somebody who has just been here as for somebody who was here a year ago.
STAYING_WEIGHT = 0.5
STAYING_HALF_LIFE_DAYS = 365.0


@dataclass(frozen=True)
class Discovery:
    """What is needed to make a list of the long tail, by movie of the model.

    Shapes: all (movies,). `tail` is whether a movie is of the long tail, `share` its recent popularity relative to the largest there, and
    `price` what a place costs.
    """

    tail: BoolArray
    share: Float32Array
    price: Float32Array

    def scores(self, personal: Float32Array, profiles: Incidence) -> Float32Array:
        """Return how well each movie of the tail suits each user, (users, movies).

        `personal`, (users, movies), are personal scores in any scale. Movies of a profile, and those not of the tail, get -inf.
        """
        greatest = np.where(self.tail, personal, 0).max(axis=1, keepdims=True, initial=0)
        scale = np.divide(TASTE, greatest, out=np.zeros_like(greatest), where=greatest > 0)
        scores = np.asarray(personal * scale, dtype=np.float32)
        scores += self.share
        scores[:, ~self.tail] = -np.inf
        scores[np.repeat(np.arange(len(personal)), np.diff(profiles.starts)), profiles.columns] = -np.inf
        return scores

    def top_n(self, scores: Float32Array, staying: FloatArray, n: int) -> tuple[IntArray, Float32Array]:
        """Return each user's n movies of the tail as columns, and their scores.

        The scores are less the price. The given `scores` are those of this class, and `staying`, (users,), the weights of
        `staying_weights`. Both results are (users, n), and a list with fewer movies ends in NO_MOVIE with -inf. Of equal scores, the
        smaller column comes first.
        """
        costs = np.asarray(self.price / staying[:, None].astype(np.float32), dtype=np.float32)
        # New memory for users times movies costs more than to fill it. So each array takes the place of another.
        paid = np.asarray(np.float32(FIRST_PRICE) * costs, dtype=np.float32)
        first, first_scores = top_n_of_scores(np.subtract(scores, paid, out=paid), min(n, FIRST_PLACES))
        if n <= FIRST_PLACES:
            return first, first_scores
        rest = np.subtract(scores, costs, out=costs)
        row, place = np.nonzero(first != NO_MOVIE)
        rest[row, first[row, place]] = -np.inf
        others, other_scores = top_n_of_scores(rest, n - FIRST_PLACES)
        return np.hstack([first, others]), np.hstack([first_scores, other_scores])


def staying_weights(newest: IntArray, as_of: int) -> FloatArray:
    """Return a weight per user by the time of the newest rating, Unix seconds UTC.

    It is 1 for a rating at `as_of` or later, and falls to STAYING_WEIGHT with age. People who were here lately come back most often, and
    their lists pay less for a movie.
    """
    days = np.maximum(as_of - newest, 0) / SECONDS_PER_DAY
    return np.asarray(STAYING_WEIGHT + (1 - STAYING_WEIGHT) * np.exp2(-days / STAYING_HALF_LIFE_DAYS))


def discovery_of(model: FactorModel, laid: LaidOut) -> Discovery:
    """Return the prices of the model's movies; `laid` are the ratings of its training.

    The same model and ratings give the same bits.
    """
    tail = long_tail(laid.counts.astype(np.float64))
    among = np.where(tail, model.movie_prior, 0).astype(np.float32)
    share = among / among.max(initial=0) if among.any() else among
    free = Discovery(tail, share.astype(np.float32), np.zeros(len(tail), dtype=np.float32))
    at = np.arange(len(model.user_ids))
    if len(at) > MOST_USERS:
        at = np.arange(MOST_USERS) * len(at) // MOST_USERS
    staying = staying_weights(laid.last_rated[at], laid.reference_time)
    columns, values = _best_movies(model, free, model.user_ids[at])
    price = _prices(columns, values * staying[:, None], len(tail))
    return Discovery(tail, free.share, price.astype(np.float32))


def _best_movies(model: FactorModel, free: Discovery, users: IntArray) -> tuple[IntArray, FloatArray]:
    """Return each user's best movies before any price as columns, and their scores."""
    columns, values = [], []
    size = users_per_block(len(model.movie_ids))
    for start in range(0, len(users), size):
        block = users[start : start + size]
        profiles = model.profiles_of(block)
        scores = free.scores(model.personal(model.factors_of(block), profiles), profiles)
        best, best_scores = top_n_of_scores(scores, min(BEST_MOVIES, len(free.tail)))
        columns.append(best)
        values.append(best_scores.astype(np.float64))
    return np.concatenate(columns), np.concatenate(values)


def _prices(columns: IntArray, values: FloatArray, movies: int) -> FloatArray:
    """Return prices that are in keeping with the lists that they lead to.

    A movie's price is PRICE_OF_EVERYBODY times the share of the lists that it stands in. Each round moves the prices towards that, by
    shorter and shorter steps.
    """
    price = np.zeros(movies)
    users, best = columns.shape
    listed = columns != NO_MOVIE
    rows = np.arange(users)[:, None]
    places = min(PRICED_PLACES, best)
    for done in range(ROUNDS):
        paid = np.where(listed, price[columns], 0.0)
        chosen = np.zeros(columns.shape, dtype=np.bool_)
        for part, until in ((FIRST_PRICE, min(FIRST_PLACES, places)), (1.0, places)):
            left = until - int(chosen[0].sum()) if users else 0
            if left > 0:
                worth = np.where(chosen, -np.inf, values - part * paid)
                chosen[rows, np.argpartition(-worth, left - 1, axis=1)[:, :left]] = True
        counts = np.bincount(columns[chosen & listed], minlength=movies)
        price += (PRICE_OF_EVERYBODY * counts / users - price) * max(1 / (1 + done), _LEAST_STEP)
    return price
