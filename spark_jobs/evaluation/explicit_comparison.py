"""Explicit ALS, which predicts stars, measured in one window.

The measurements are its errors in stars and the metrics of its lists, for comparison with the model, which ranks.
"""

from __future__ import annotations

import numpy as np
from cluster import mllib_als
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.model import FactorModel
from recommender.ratings import Ratings, positions

from evaluation.record import EXPLICIT_ALS
from evaluation.splits import Window
from evaluation.windows import evaluate


def explicit_comparison(
    spark: SparkSession, ratings: Ratings, attributes: MovieAttributes, window: Window, k: int
) -> dict[str, float]:
    """Return the errors of predicted stars, and the metrics of lists of k movies.

    Explicit ALS is trained on the ratings before the window. The errors are RMSE and MAE.
    """
    before = ratings.select(window.train_mask(ratings.rated_at))
    test = ratings.select(window.test_mask(ratings.rated_at))
    model = mllib_als.fit_explicit(spark, before)
    return star_errors(model, test) | evaluate(model, EXPLICIT_ALS, window, before, test, k, attributes).means()


def in_words(measured: dict[str, float]) -> str:
    """Return the measurements as text, for a program's progress."""
    return ", ".join(f"{name} {value:.3f}" for name, value in measured.items()) or "too many ratings"


def star_errors(model: FactorModel, test: Ratings) -> dict[str, float]:
    """Return RMSE and MAE in stars, over the ratings of the model's users and movies.

    Without such ratings, the result is empty.
    """
    users, movies = positions(model.user_ids, test.user_id), positions(model.movie_ids, test.movie_id)
    predictable = (users >= 0) & (movies >= 0)
    if not predictable.any():
        return {}
    factors = model.user_factors[users[predictable]], model.movie_factors[movies[predictable]]
    off = np.einsum("nr,nr->n", *factors) - test.rating[predictable]
    return {"rmse": float(np.sqrt((off**2).mean())), "mae": float(np.abs(off).mean())}
