import numpy as np
import pytest
from evaluation.explicit_comparison import explicit_comparison, star_errors
from evaluation.splits import Window
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours
from recommender.ratings import Ratings


def rated(rows: list[tuple[int, int, float, int]]) -> Ratings:
    return Ratings.from_columns(
        dict(zip(("user_id", "movie_id", "rating", "rated_at"), zip(*rows, strict=True), strict=True))
    )


def test_errors_are_in_stars_over_the_ratings_whose_user_and_movie_are_known() -> None:
    ones = np.ones(2, dtype=np.float32)
    model = FactorModel(
        *(
            np.array([1, 2]),
            np.array([[1], [2]], dtype=np.float32),
            np.array([10, 20]),
            np.array([[1], [2]], dtype=np.float32),
        ),
        *(ones, 0 * ones, Neighbours.none(2), Incidence.none(2)),
    )
    # Predicted are 2 and 4 stars; user 9 and movie 30 are unknown.
    test = rated([(1, 20, 3.0, 0), (2, 20, 1.0, 0), (9, 10, 5.0, 0), (1, 30, 5.0, 0)])
    assert star_errors(model, test) == pytest.approx({"rmse": np.sqrt((1 + 9) / 2), "mae": 2.0})
    assert star_errors(model, rated([(9, 10, 5.0, 0)])) == {}


@pytest.mark.spark
def test_explicit_als_learns_stars_and_lists_what_it_predicts_highest(spark: SparkSession) -> None:
    # Odd users give odd movies 5 stars and even movies 1, even users the other way round. Each has two movies to come, one of
    # either kind, and rates the one that the user likes.
    rows = []
    for user in range(40):
        for movie in range(9):
            likes, to_come = (user + movie) % 2 == 0, movie in (user % 8, user % 8 + 1)
            if likes or not to_come:
                rows.append((user, movie, 5.0 if likes else 1.0, 1000 if to_come else user))
    found = explicit_comparison(spark, rated(rows), MovieAttributes.none(), Window(1, 1000, 1001), 1)
    assert 0 < found["mae"] <= found["rmse"] < 0.5
    assert (found["ndcg"], found["precision"], found["recall"]) == (1.0, 1.0, 1.0)
