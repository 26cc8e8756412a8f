"""The models that the evaluation compares with: popularity, item kNN and EASE.

Each is a FactorModel, so that it runs through the same code as the model itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from recommender.arrays import FloatArray
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours, cosine_neighbours, linear_neighbours
from recommender.popularity import RECENT_HALF_LIFE_DAYS, popularity, recent_popularity
from recommender.ratings import Ratings, positions

# The better shrinkage of 5 and 20, and the best ridge of 50, 200 and 800, on the tuning data of docs/evaluation.md.
KNN_SHRINKAGE = 5.0
EASE_RIDGE = 200.0
KEPT_NEIGHBOURS = 100


def unpersonalised(ratings: Ratings, scores: FloatArray) -> FactorModel:
    """Return a model that gives all users the same scores.

    `scores` are those of `ratings.movies()`, in their order.
    """
    users, movies = ratings.users(), ratings.movies()
    rated = Incidence.build(
        positions(users, ratings.user_id), positions(movies, ratings.movie_id), np.ones(len(ratings)), len(users)
    )
    return FactorModel(
        users,
        np.zeros((len(users), 1), dtype=np.float32),
        movies,
        np.zeros((len(movies), 1), dtype=np.float32),
        np.ones(len(movies), dtype=np.float32),
        scores.astype(np.float32),
        Neighbours.none(len(movies)),
        rated,
    )


def neighbours_alone(ratings: Ratings, near: Neighbours) -> FactorModel:
    """Return a model that adds up the neighbours' weights over a user's movies."""
    model = unpersonalised(ratings, np.zeros(len(ratings.movies())))
    return replace(model, neighbours=near)


def by_popularity(ratings: Ratings) -> FactorModel:
    """Return a model that ranks movies by their number of ratings."""
    return unpersonalised(ratings, popularity(ratings, ratings.movies()))


def by_recent_popularity(ratings: Ratings, as_of: int) -> FactorModel:
    """Return a model that ranks movies by recent popularity.

    It is the popularity at `as_of`, in Unix seconds UTC.
    """
    return unpersonalised(ratings, recent_popularity(ratings, ratings.movies(), RECENT_HALF_LIFE_DAYS, as_of))


def item_knn(ratings: Ratings) -> FactorModel:
    """Return a model that ranks by cosine neighbours among a user's movies."""
    users, movies = ratings.users(), ratings.movies()
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    near = cosine_neighbours(user_at, movie_at, len(movies), KNN_SHRINKAGE, KEPT_NEIGHBOURS)
    return neighbours_alone(ratings, near)


def ease(ratings: Ratings) -> FactorModel:
    """Return an EASE model of undecayed ratings, without attributes."""
    users, movies = ratings.users(), ratings.movies()
    user_at, movie_at = positions(users, ratings.user_id), positions(movies, ratings.movie_id)
    near = linear_neighbours(
        sp.csr_matrix((np.ones(len(ratings)), (user_at, movie_at)), shape=(len(users), len(movies))),
        sp.csr_matrix((0, len(movies))),
        np.sqrt(popularity(ratings, movies)),
        np.ones(len(movies), dtype=np.float32),
        EASE_RIDGE,
        KEPT_NEIGHBOURS,
    )
    return neighbours_alone(ratings, near)
