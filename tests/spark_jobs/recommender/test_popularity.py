import numpy as np
import pandas as pd
import pytest
from recommender.popularity import popularity, recent_popularity, returning_popularity, returning_weights
from recommender.published.popular_lists import popular_movies
from recommender.ratings import Ratings

DAY = 86_400
RATINGS = Ratings.from_columns(
    {
        "user_id": [1, 1, 2, 2],
        "movie_id": [10, 20, 10, 30],
        "rating": [4.0, 4.0, 2.0, 5.0],
        "rated_at": [0, 100 * DAY, 90 * DAY, 100 * DAY],
    }
)
MOVIES = np.array([10, 20, 30])


def test_popularity_counts_ratings() -> None:
    assert popularity(RATINGS, MOVIES).tolist() == [2, 1, 1]


def test_recent_popularity_halves_with_each_half_life() -> None:
    assert recent_popularity(RATINGS, MOVIES, 10, 100 * DAY).tolist() == pytest.approx([0.5 + 2**-10, 1, 1])


def test_first_visits_count_less_among_returning_users() -> None:
    # User 1 came back after 100 days; user 2's second rating, 10 days after the first, is still of that user's first visit.
    weights = returning_weights(RATINGS, first_visit_days=30, first_visit_weight=0.5)
    assert weights.tolist() == [0.5, 1, 0.5, 0.5]
    found = returning_popularity(RATINGS, MOVIES, 10, 100 * DAY, weights)
    assert found.tolist() == pytest.approx([0.5 * (0.5 + 2**-10), 1, 0.5])


def test_popular_lists_have_every_scope_and_break_ties_by_movie_id() -> None:
    rows = pd.DataFrame(
        popular_movies(
            MOVIES,
            popularity(RATINGS, MOVIES),
            recent_popularity(RATINGS, MOVIES, 10, 100 * DAY),
            [1995, None, 1999],
            ["Comedy|War", "(no genres listed)", "War"],
            2,
        )
    )
    lists = rows.groupby("scope", sort=False)["movie_id"].apply(list).to_dict()
    assert lists == {
        "all": [10, 20],
        "recent": [20, 30],
        "genre:Comedy": [10],
        "genre:War": [10, 30],
        "decade:1990": [10, 30],
    }
