import numpy as np
import pytest
from evaluation.record import BatchSize, measured
from evaluation.rolling import evaluate_windows, summaries, windows_to_evaluate
from evaluation.windows import evaluate_window
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings


def test_ratings_to_which_nobody_came_back_are_refused_in_plain_words() -> None:
    columns = {name: np.arange(1, 41) for name in ("user_id", "movie_id", "rating", "rated_at")}
    with pytest.raises(
        ValueError, match=r"^No user came back in slices 10 to 19 of the timeline, .*lower first window"
    ):
        windows_to_evaluate(Ratings.from_columns(columns), 20, 10)


@pytest.mark.spark
def test_windows_in_spark_tasks_give_the_results_of_windows_here(
    spark: SparkSession, generator: np.random.Generator
) -> None:
    user, movie = np.nonzero(generator.random((30, 40)) < 0.3)
    stars, times = generator.integers(1, 11, len(user)) / 2, generator.permutation(len(user)) * 86_400
    ratings = Ratings.from_columns({"user_id": user, "movie_id": movie, "rating": stars, "rated_at": times})
    attributes = MovieAttributes.from_columns([1, 2], ["Drama", "War"], [1990, 1991])
    windows = windows_to_evaluate(ratings, 8, 5)
    settings = TrainingSettings(rank=4, max_iter=1)
    names = ("popularity", "recent_popularity")

    found = evaluate_windows(
        spark, ratings, attributes, windows, {"candidate": settings, "champion": settings}, 5, names
    )
    here = [r for w in windows for r in evaluate_window(ratings, w, {"candidate": settings}, 5, attributes, names)]
    # The champion has the candidate's settings, so its results are the candidate's: not trained again, and at the end.
    scorers = [*names, "candidate"]
    assert [r.scorer for r in found] == scorers * 3 + ["champion"] * 3
    assert [r.window.index for r in found] == [5, 5, 5, 6, 6, 6, 7, 7, 7, 5, 6, 7]
    size = BatchSize.of(ratings)
    assert measured(found[:9], size, 5) == measured(here, size, 5)
    assert [r.means() for r in found[9:]] == [r.means() for r in found if r.scorer == "candidate"]
    assert [line.split(", nDCG@5: ")[0] for line in summaries(found, 5)] == [
        f"window {w.index}, {len(found[3 * at].users)} users" for at, w in enumerate(windows)
    ]
