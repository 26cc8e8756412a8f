"""The API's fold-in gives a known user's ratings the list that the batch computes for that user, see docs/model.md."""

import base64
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recommender.attributes import MovieAttributes
from recommender.discovery import Discovery, discovery_of
from recommender.model import FactorModel
from recommender.parts.layout import lay_out_here
from recommender.published.newcomer_tables import (
    discovery_prices,
    discovery_settings,
    fold_in,
    movie_factors,
    movie_neighbours,
)
from recommender.published.user_lists import Recommender
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train

from serving.publications.newcomers.discovery import Prices, blended
from serving.publications.newcomers.factor_table import FactorTable
from serving.publications.newcomers.fold_in import FoldIn, Rating

SETTINGS = TrainingSettings(rank=8, max_iter=3, alpha=2.0, neighbours=5, neighbour_ridge=10.0)
NOW = 1_476_640_644
TOP_N = 12
TOLERANCE = 1e-5


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


def published(model: FactorModel, discovery: Discovery | None = None) -> FoldIn:
    """The model by way of the published tables."""
    rows = [
        (row.movie_id, row.gain, row.prior, base64.b64decode(row.factors))
        for row in pd.DataFrame(movie_factors(model)).itertuples(index=False)
    ]
    near = pd.DataFrame(movie_neighbours(model))

    def neighbours(movie_id: int) -> tuple[np.ndarray, np.ndarray]:
        own = near[near.movie_id == movie_id]
        return own.neighbour_id.to_numpy(dtype=np.int64), own.weight.to_numpy(dtype=np.float32)

    table = FactorTable.from_rows(rows)
    if discovery is None:
        return FoldIn(table, neighbours, fold_in(model))
    costs = discovery_prices(model, discovery)
    prices = Prices.of(table.prior, table.positions(costs["movie_id"]), costs["price"], discovery_settings())
    return FoldIn(table, neighbours, fold_in(model), prices)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_fold_in_of_a_known_users_ratings_is_the_batchs_list(seed: int) -> None:
    ratings = sample(seed)
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    batch = pd.DataFrame(Recommender.of(model, TOP_N).recommend(ratings))
    newcomers = published(model)
    for user_id in ratings.users()[:10]:
        expected = batch[batch.user_id == user_id]
        own = ratings.select(ratings.user_id == user_id)
        rated = [
            Rating(int(m), float(r), int(t)) for m, r, t in zip(own.movie_id, own.rating, own.rated_at, strict=True)
        ]
        found = newcomers.recommend(rated, TOP_N)
        assert [entry.score for entry in found] == pytest.approx(expected.score.tolist(), abs=TOLERANCE)
        gaps = -np.diff(expected.score.to_numpy(), prepend=np.inf, append=-np.inf)
        for at, (entry, row) in enumerate(zip(found, expected.itertuples(), strict=True)):
            # Neighbours in the list whose scores are equal to single precision may change places.
            if min(gaps[at], gaps[at + 1]) > TOLERANCE:
                assert entry.movie_id == row.movie_id
                assert ",".join(str(reason.movie_id) for reason in entry.because) == row.reason_movie_ids


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_discoveries_of_a_known_users_ratings_are_the_batchs(seed: int) -> None:
    ratings = sample(seed, movies=150)
    # A person who asks has just been here, so the batch must not charge the others for their absence.
    just_now = int(ratings.rated_at.max())
    newest = np.repeat(np.maximum.reduceat(ratings.rated_at, ratings.runs()[0]), ratings.runs()[1])
    ratings = replace(ratings, rated_at=ratings.rated_at + just_now - newest)
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    discovery = discovery_of(model, lay_out_here(ratings))
    recommender = Recommender.of(model, TOP_N, discovery, TOP_N, ratings.reference_time())
    familiar, discoveries = (pd.DataFrame(table) for table in recommender.lists(ratings))
    newcomers = published(model, discovery)
    for user_id in ratings.users()[:10]:
        own = ratings.select(ratings.user_id == user_id)
        rated = [
            Rating(int(m), float(r), int(t)) for m, r, t in zip(own.movie_id, own.rating, own.rated_at, strict=True)
        ]
        expected = discoveries[discoveries.user_id == user_id]
        found = newcomers.blend(rated, TOP_N, 100)
        assert [entry.score for entry in found] == pytest.approx(expected.score.tolist(), abs=TOLERANCE)
        gaps = -np.diff(expected.score.to_numpy(), prepend=np.inf, append=-np.inf)
        for at, (entry, row) in enumerate(zip(found, expected.itertuples(), strict=True)):
            assert entry.personal + entry.popularity == pytest.approx(entry.score, abs=TOLERANCE)
            if min(gaps[at], gaps[at + 1]) > TOLERANCE:
                assert entry.movie_id == row.movie_id
                assert ",".join(str(reason.movie_id) for reason in entry.because) == row.reason_movie_ids
        # The API blends a user's published lists like a newcomer's own.
        lists = [own.movie_id.tolist() for own in (familiar[familiar.user_id == user_id], expected)]
        if gaps.min() > TOLERANCE:
            of_user = blended(*lists, 30, lambda movie_id: movie_id)[:TOP_N]
            assert [entry.movie_id for entry in newcomers.blend(rated, TOP_N, 30)][1::3] == of_user[1::3]
