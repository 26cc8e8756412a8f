import numpy as np
import pytest
from evaluation.concentration import concentration, concentration_of, sampled_users
from evaluation.diversity import Catalogue
from evaluation.lists import recommend
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.reference_models import by_popularity

# User 1 rated 60 movies, user 2 one, user 3 two.
PAIRS = [(1, movie) for movie in range(1, 61)] + [(2, 61), (3, 61), (3, 62)]
BEFORE = Ratings.from_columns(
    {
        "user_id": [user for user, _ in PAIRS],
        "movie_id": [movie for _, movie in PAIRS],
        "rating": [4.0] * len(PAIRS),
        "rated_at": [0] * len(PAIRS),
    }
)


def test_concentration_is_measured_over_all_lists_and_by_how_much_their_users_rated() -> None:
    catalogue = Catalogue.of(BEFORE, np.ones((62, 1), dtype=bool), 0)
    found = concentration(np.array([[61, 62], [1, 62], [1, 2]]), np.array([1, 2, 3]), BEFORE, catalogue)
    assert list(found) == ["all", "under_50", "50_to_199"]
    assert found["all"] == pytest.approx(
        {
            "users": 3,
            "movies": 4,
            "coverage": 4 / 62,
            # Two of 62 movies stand in one list and two in two: 2 (61 + 60) + (59 + 58) weighed below.
            "exposure_gini": (2 * (62 * 2 + 61 * 2 + 60 + 59) - 63 * 6) / (62 * 6),
            # Lists 1 and 2 share movie 62, lists 2 and 3 share movie 1.
            "overlap": 2 / 3,
            # With 62 movies, all are among the recent top 100.
            "recent_top_share": 1.0,
            # Of 3 users, two rated movie 61 and one each of the others.
            "novelty": (5 * np.log2(3) + np.log2(1.5)) / 6,
            "miscalibration": 0.0,
        }
    )
    assert (found["under_50"]["users"], found["under_50"]["overlap"]) == (2, 1.0)
    assert (found["50_to_199"]["users"], found["50_to_199"]["overlap"]) == (1, 0.0)


def test_the_lists_of_a_model_are_measured_for_its_users() -> None:
    catalogue = Catalogue.of(BEFORE, MovieAttributes.none().of(BEFORE.movies()).genres, 0)
    found = concentration_of(by_popularity(BEFORE), catalogue, 2)
    # Movie 61 is the most popular one that user 1 has not rated; all others have one rating, and movie 1 comes first.
    assert (found["all"]["users"], found["all"]["movies"], found["all"]["overlap"]) == (3, 4, 2 / 3)


def test_what_users_rated_is_in_the_profiles() -> None:
    genres = np.arange(62)[:, None] % 3 == np.arange(3)
    catalogue, model = Catalogue.of(BEFORE, genres, 0), by_popularity(BEFORE)
    expected = concentration(recommend(model, model.user_ids, 2)[0], model.user_ids, BEFORE, catalogue)
    assert expected["under_50"]["miscalibration"] > 0
    assert concentration_of(model, catalogue, 2) == expected


def test_of_very_many_users_some_are_drawn_evenly() -> None:
    assert sampled_users(np.arange(10), 4).tolist() == [0, 2, 5, 7]
    assert sampled_users(np.arange(3), 4).tolist() == [0, 1, 2]
