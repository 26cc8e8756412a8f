"""The API's fold-in gives a known user's ratings the list that the batch computes for that user."""

import base64

import numpy as np
import pandas as pd
import pytest
from als_training import train
from block_recommender import Recommender
from factor_model import FactorModel, Settings
from hypothesis import given, settings
from hypothesis import strategies as st
from ratings import Ratings

from serving.fold_in import FactorTable, FoldIn, Rating

SETTINGS = Settings(rank=8, max_iter=3, alpha=2.0)
# What spark_jobs writes into the lineage as top_n.fold_in; 0.02 is factor_model's least decay.
FOLD_IN = {
    "rank": SETTINGS.rank,
    "alpha": SETTINGS.alpha,
    "reg_param": SETTINGS.reg_param,
    "profile_half_life_days": SETTINGS.profile_half_life_days,
    "least_decay": 0.02,
}
NOW = 1_476_640_644
TOP_N = 12


def sample(seed: int, users: int = 30, movies: int = 60) -> Ratings:
    random = np.random.default_rng(seed)
    pairs = np.argwhere(random.random((users, movies)) < 0.2) + 1
    return Ratings.from_columns(
        {
            "user_id": pairs[:, 0],
            "movie_id": pairs[:, 1] * 3,
            "rating": random.integers(1, 11, len(pairs)) / 2,
            "rated_at": NOW - random.integers(0, 200 * 86_400, len(pairs)),
        }
    )


def published(model: FactorModel) -> FactorTable:
    """The factors as a publication holds them: through base64 of little-endian float32."""
    rows = [
        (
            int(movie_id),
            float(gain),
            float(prior),
            base64.b64decode(base64.b64encode(np.asarray(row, dtype="<f4").tobytes())),
        )
        for movie_id, gain, prior, row in zip(
            model.movie_ids, model.movie_gain, model.movie_prior, model.movie_factors, strict=True
        )
    ]
    return FactorTable.from_rows(rows)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_fold_in_of_a_known_users_ratings_is_the_batchs_list(seed: int) -> None:
    ratings = sample(seed)
    model = train(ratings, SETTINGS, NOW)
    exact = model.movie_factors.astype(np.float64)
    batch: pd.DataFrame = Recommender(model, exact.T @ exact, TOP_N).recommend(ratings)
    fold_in = FoldIn(published(model), FOLD_IN)
    for user_id in ratings.users()[:10]:
        expected = batch[batch.user_id == user_id]
        own = ratings.select(ratings.user_id == user_id)
        given_ratings = [
            Rating(int(m), float(r), int(t)) for m, r, t in zip(own.movie_id, own.rating, own.rated_at, strict=True)
        ]
        found = fold_in.recommend(given_ratings, TOP_N)
        assert [entry.movie_id for entry in found] == expected.movie_id.tolist()
        assert [entry.score for entry in found] == pytest.approx(expected.score.tolist(), abs=1e-5)
        reasons = [",".join(str(reason.movie_id) for reason in entry.because) for entry in found]
        assert reasons == expected.reason_movie_ids.tolist()
