"""Explicit ALS, which predicts stars, beside the model that ranks: its errors in stars, and how its lists do in the same window."""

from __future__ import annotations

import mllib_als
import numpy as np
from evaluation import evaluate
from factor_model import FactorModel
from movie_attributes import MovieAttributes
from pyspark.sql import SparkSession
from ratings import Ratings, positions
from splits import Window

EXPLICIT_ALS = "explicit_als"
# A comparison may not stop a batch: more than this, in MLlib's one block, is not sure to fit a small executor.
MOST_RATINGS = 2_000_000


def explicit_comparison(
    spark: SparkSession, ratings: Ratings, attributes: MovieAttributes, window: Window, k: int
) -> dict[str, float]:
    """Return RMSE and MAE of predicted stars in the window, and the metrics of the lists of k movies, by ALS trained on what is before.

    Nothing is trained and returned with more than MOST_RATINGS ratings.
    """
    if len(ratings) > MOST_RATINGS:
        return {}
    before = ratings.select(window.train_mask(ratings.rated_at))
    test = ratings.select(window.test_mask(ratings.rated_at))
    model = mllib_als.fit_explicit(spark, before)
    return star_errors(model, test) | evaluate(model, EXPLICIT_ALS, window, before, test, k, attributes).means()


def star_errors(model: FactorModel, test: Ratings) -> dict[str, float]:
    """Return RMSE and MAE, in stars, over the ratings whose user and movie the model knows; nothing when there is none."""
    users, movies = positions(model.user_ids, test.user_id), positions(model.movie_ids, test.movie_id)
    known = (users >= 0) & (movies >= 0)
    if not known.any():
        return {}
    predicted = np.einsum("nr,nr->n", model.user_factors[users[known]], model.movie_factors[movies[known]])
    off = predicted - test.rating[known]
    return {"rmse": float(np.sqrt((off**2).mean())), "mae": float(np.abs(off).mean())}
