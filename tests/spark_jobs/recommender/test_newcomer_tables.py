import base64

import numpy as np
import pandas as pd
import pytest
from recommender.attributes import MovieAttributes
from recommender.published.newcomer_tables import fold_in, movie_factors, movie_neighbours
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train

SETTINGS = TrainingSettings(rank=6, max_iter=2, neighbours=4)
AS_OF = 2_000_000_000


def test_the_published_tables_alone_give_a_users_scores_by_the_steps_of_the_documentation(
    generator: np.random.Generator,
) -> None:
    user, movie = np.nonzero(generator.random((30, 25)) < 0.3)
    ratings = Ratings.from_columns(
        {
            "user_id": user + 1,
            "movie_id": (movie + 1) * 10,
            "rating": generator.integers(1, 11, len(user)) / 2,
            "rated_at": AS_OF - generator.integers(0, 10**8, len(user)),
        }
    )
    model = train(ratings, SETTINGS, AS_OF, MovieAttributes.none())
    factors, neighbours = pd.DataFrame(movie_factors(model)), pd.DataFrame(movie_neighbours(model))
    about = fold_in(model)

    own = ratings.user_id == 7
    ids = factors["movie_id"].tolist()
    rated = [ids.index(m) for m in ratings.movie_id[own]]
    ages = (ratings.rated_at[own].max() - ratings.rated_at[own]) / 86_400
    weights = np.maximum(0.5 ** (ages / about["profile_half_life_days"]), about["least_decay"])
    y = np.vstack([np.frombuffer(base64.b64decode(text), dtype="<f4") for text in factors["factors"]]).astype(float)
    assert y.shape == (len(ids), about["rank"])
    system = y.T @ y + about["reg_param"] * len(rated) * np.eye(about["rank"])
    target = np.zeros(about["rank"])
    for j, w in zip(rated, weights, strict=True):
        system += about["alpha"] * w * np.outer(y[j], y[j])
        target += (1 + about["alpha"] * w) * y[j]
    personal = y @ np.linalg.solve(system, target)
    for j, w in zip(rated, weights, strict=True):
        for row in neighbours[neighbours["movie_id"] == ids[j]].itertuples():
            personal[ids.index(row.neighbour_id)] += w * row.weight
    scores = factors["gain"].to_numpy() * personal / personal.max() + factors["prior"].to_numpy()

    here = np.array([7])
    found = model.scores(model.factors_of(here), model.profiles_of(here))[0]
    assert found == pytest.approx(scores, abs=1e-5)


def test_neighbours_are_ranked_from_one_strongest_first(generator: np.random.Generator) -> None:
    user, movie = np.nonzero(generator.random((20, 9)) < 0.5)
    columns = {"user_id": user + 1, "movie_id": movie + 1, "rating": np.ones(len(user)), "rated_at": AS_OF - user}
    model = train(Ratings.from_columns(columns), SETTINGS, AS_OF, MovieAttributes.none())
    rows = pd.DataFrame(movie_neighbours(model))
    gain = dict(zip(model.movie_ids.tolist(), model.movie_gain.tolist(), strict=True))
    for _, near in rows.groupby("movie_id"):
        assert near["rank"].tolist() == list(range(1, len(near) + 1))
        worth = [gain[row.neighbour_id] * abs(row.weight) for row in near.itertuples()]
        assert worth == pytest.approx(sorted(worth, reverse=True))
    # Four of a movie on average, here of nine.
    assert len(rows) == 4 * 9
