import numpy as np
import pytest
from evaluation.diversity import BY_USER
from evaluation.lists import recommend
from evaluation.record import BASELINES, BatchSize, measured
from evaluation.splits import Window
from evaluation.windows import baselines, evaluate
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings

DAY = 86_400
# Users 1 and 2 agree on movies 1 and 2; user 3 knows movie 1 and is asked about what comes.
TRAIN = Ratings.from_columns(
    {
        "user_id": [1, 1, 2, 2, 3, 4, 5],
        "movie_id": [1, 2, 1, 2, 1, 3, 3],
        "rating": [4.0] * 7,
        "rated_at": [0, DAY, 0, DAY, 0, 900 * DAY, 900 * DAY],
    }
)
WINDOW = Window(1, 1000 * DAY, 1001 * DAY)


def lists_of_user_3(names: list[str]) -> dict[str, list[int]]:
    models = baselines(TRAIN, WINDOW.test_from, names)
    return {name: recommend(model, np.array([3]), 3)[0][0].tolist() for name, model in models.items()}


def test_each_baseline_ranks_by_its_own_rule_and_leaves_out_what_was_seen() -> None:
    assert lists_of_user_3(list(BASELINES)) == {
        # A tie of two ratings each goes to the smaller id.
        "popularity": [2, 3, -1],
        "recent_popularity": [3, 2, -1],
        "item_knn": [2, 3, -1],
        "ease": [2, 3, -1],
    }


def test_metrics_are_of_returning_users_and_cold_users_are_counted() -> None:
    test = Ratings.from_columns(
        {"user_id": [3, 9], "movie_id": [3, 1], "rating": [5.0, 5.0], "rated_at": [1000 * DAY] * 2}
    )
    model = baselines(TRAIN, WINDOW.test_from, ["recent_popularity"])["recent_popularity"]
    attributes = MovieAttributes.from_columns([1, 2, 3], ["Drama", "Drama", None], [None] * 3)
    found = evaluate(model, "recent_popularity", WINDOW, TRAIN, test, 2, attributes)
    assert (found.users.tolist(), found.cold_users, found.activity.tolist()) == ([3], 1, [1])
    assert found.means()["ndcg"] == 1.0
    assert found.means()["diversity"] == 1.0
    assert found.means()["coverage"] == pytest.approx(2 / 3)
    # Of 3, 2 and 2 ratings the first movie holds a third, and the tail is the other two.
    assert found.means()["ndcg_tail"] == 1.0
    assert (found.means()["serendipity"], found.means()["overlap"]) == (0.0, 0.0)


def test_a_measure_that_no_user_of_a_window_has_is_left_out_of_its_means() -> None:
    test = Ratings.from_columns({"user_id": [4], "movie_id": [1], "rating": [5.0], "rated_at": [1000 * DAY]})
    model = baselines(TRAIN, WINDOW.test_from, ["popularity"])["popularity"]
    found = evaluate(model, "popularity", WINDOW, TRAIN, test, 2, MovieAttributes.none())
    # The tested movie is the head, and no movie has a genre.
    assert {"ndcg_tail", "miscalibration"}.isdisjoint(found.means())
    assert found.means()["recall"] == 1.0


def test_the_record_says_whose_each_value_is_window_by_window() -> None:
    model = baselines(TRAIN, WINDOW.test_from, ["popularity"])["popularity"]
    results = []
    for window, users in ((Window(1, 1000 * DAY, 1001 * DAY), [1, 3]), (Window(2, 1001 * DAY, 1002 * DAY), [3, 5])):
        test = Ratings.from_columns(
            {"user_id": users, "movie_id": [3, 2], "rating": [5.0] * 2, "rated_at": [window.test_from] * 2}
        )
        results += [
            evaluate(model, scorer, window, TRAIN, test, 2, MovieAttributes.none())
            for scorer in ("popularity", "candidate")
        ]
    record = measured(results, BatchSize.of(TRAIN), 2)
    assert record["ndcg_user_ids"] == [1, 3, 3, 5]
    assert [len(values) for values in record["ndcg_per_user"].values()] == [4, 4]
    measured_of = record["diversity_by_activity"]["candidate"]
    assert list(measured_of) == list(BY_USER)
    assert measured_of["serendipity"]["under_50"]["users"] == 4
    assert measured_of["miscalibration"] == {}
