import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recommender import discovery as discovery_module
from recommender.attributes import MovieAttributes
from recommender.discovery import Discovery, discovery_of, staying_weights
from recommender.incidence import Incidence
from recommender.parts.layout import lay_out_here
from recommender.popularity import long_tail, popularity
from recommender.published.newcomer_tables import discovery_prices, discovery_settings
from recommender.published.user_lists import Recommender
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.top_n import NO_MOVIE
from recommender.training import train

DAY = 86_400
NOW = 1_476_640_644
SETTINGS = TrainingSettings(rank=8, max_iter=2, neighbours=5, neighbour_ridge=10.0)


def sample(seed: int, users: int = 40, movies: int = 90) -> Ratings:
    random = np.random.default_rng(seed)
    chance = 0.5 / np.sqrt(np.arange(1, movies + 1))
    pairs = np.argwhere(random.random((users, movies)) < chance) + 1
    return Ratings.from_columns(
        {
            "user_id": pairs[:, 0],
            "movie_id": pairs[:, 1] * 3,
            "rating": random.integers(1, 11, len(pairs)) / 2,
            "rated_at": NOW - random.integers(0, 900 * DAY, len(pairs)),
        }
    )


def lists_of(ratings: Ratings, n: int) -> pd.DataFrame:
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    recommender = Recommender.of(model, 10, discovery_of(model, lay_out_here(ratings)), n, ratings.reference_time())
    return pd.DataFrame(recommender.lists(ratings)[1])


def test_a_score_is_taste_relative_to_the_tails_greatest_and_recent_popularity() -> None:
    discovery = Discovery(np.array([False, True, True, True]), np.array([0, 1, 0.5, 0.25]), np.zeros(4))
    personal = np.array([[9.0, 1.0, 4.0, -2.0], [0.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    profiles = Incidence(np.array([0, 0, 1]), np.array([2]), np.array([1.0]))
    assert discovery.scores(personal, profiles).tolist() == [
        # 2 times 1 / 4, 4 / 4 and -2 / 4; the head's 9 does not count.
        [-np.inf, 1.5, 2.5, -0.75],
        # Without taste the share is left, and a movie of the profile is left out.
        [-np.inf, 1.0, -np.inf, 0.25],
    ]


def test_the_first_seven_places_pay_a_tenth_of_the_price_and_the_others_all() -> None:
    price = np.zeros(12, dtype=np.float32)
    price[[0, 1]] = 8.0, 20.0
    discovery = Discovery(np.ones(12, dtype=bool), np.zeros(12), price)
    scores = np.arange(12, 0, -1, dtype=np.float32)[None, :]
    columns, found = discovery.top_n(scores, np.array([1.0]), 10)
    # Movie 0 pays .8 of 12 and stays first. Movie 1 pays 2 of 11, and comes after movie 2, which has 10.
    assert columns.tolist() == [[0, 2, 1, 3, 4, 5, 6, 7, 8, 9]]
    assert found[0].tolist() == pytest.approx([11.2, 10, 9, 9, 8, 7, 6, 5, 4, 3])
    # A user who stays away pays double. Movie 1 is then worth 7, like movie 5, and the smaller one comes first.
    columns, _ = discovery.top_n(scores, np.array([0.5]), 10)
    assert columns.tolist() == [[0, 2, 3, 4, 1, 5, 6, 7, 8, 9]]


def test_a_short_list_has_the_first_places_alone_and_a_tail_of_few_movies_ends_early() -> None:
    discovery = Discovery(np.ones(3, dtype=bool), np.zeros(3), np.zeros(3, dtype=np.float32))
    scores = np.array([[1.0, 3.0, -np.inf]], dtype=np.float32)
    assert discovery.top_n(scores, np.ones(1), 2)[0].tolist() == [[1, 0]]
    columns, found = discovery.top_n(scores, np.ones(1), 9)
    assert columns.tolist() == [[1, 0] + [NO_MOVIE] * 7]
    assert found.tolist() == [[3.0, 1.0] + [-np.inf] * 7]


def test_staying_weighs_half_for_good_and_one_for_whoever_has_just_been_here() -> None:
    newest = np.array([NOW + 5, NOW, NOW - 365 * DAY, NOW - 3650 * DAY])
    assert staying_weights(newest, NOW).tolist() == pytest.approx([1.0, 1.0, 0.75, 0.5 + 0.5 / 1024])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_lists_hold_unseen_movies_of_the_tail_once_best_first(seed: int) -> None:
    ratings = sample(seed)
    tail = set(ratings.movies()[long_tail(popularity(ratings, ratings.movies()))].tolist())
    for user_id, own in lists_of(ratings, 12).groupby("user_id"):
        listed = own.movie_id.tolist()
        assert own["rank"].tolist() == list(range(1, len(listed) + 1))
        assert len(set(listed)) == len(listed)
        assert set(listed) <= tail - set(ratings.movie_id[ratings.user_id == user_id].tolist())
        assert (np.diff(own.score) <= 1e-6).all()


def test_prices_make_lists_that_share_fewer_movies_and_hold_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(price_of_everybody: float) -> tuple[int, int]:
        monkeypatch.setattr(discovery_module, "PRICE_OF_EVERYBODY", price_of_everybody)
        counts = lists_of(sample(7), 10).movie_id.value_counts()
        return len(counts), int((counts * (counts - 1)).sum())

    free, priced = shown(0.0), shown(12.0)
    assert priced[0] > free[0]
    assert priced[1] < 0.8 * free[1]


def test_prices_are_repeatable_and_zero_outside_the_tail() -> None:
    ratings = sample(3)
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    first, second = discovery_of(model, lay_out_here(ratings)), discovery_of(model, lay_out_here(ratings))
    assert first.price.tobytes() == second.price.tobytes()
    assert (first.price[~first.tail] == 0).all()
    assert first.share.max() == 1.0
    assert (first.share[~first.tail] == 0).all()


def test_of_very_many_users_some_are_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = sample(3)
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    monkeypatch.setattr(discovery_module, "MOST_USERS", 20)
    of_some, of_all = discovery_of(model, lay_out_here(ratings)).price, None
    monkeypatch.undo()
    of_all = discovery_of(model, lay_out_here(ratings)).price
    # The price is that of a share of the lists, so that half the users lead to prices of the same size.
    assert of_some.sum() == pytest.approx(of_all.sum(), rel=0.01)
    assert np.corrcoef(of_some, of_all)[0, 1] > 0.5


def test_a_newcomers_tables_have_the_tails_movies_with_their_prices() -> None:
    ratings = sample(3)
    model = train(ratings, SETTINGS, NOW, MovieAttributes.none())
    discovery = discovery_of(model, lay_out_here(ratings))
    table = discovery_prices(model, discovery)
    assert table["movie_id"].tolist() == model.movie_ids[discovery.tail].tolist()
    assert table["price"].tolist() == discovery.price[discovery.tail].tolist()
    assert discovery_settings() == {"taste": 2.0, "first_places": 7, "first_price": 0.1}
