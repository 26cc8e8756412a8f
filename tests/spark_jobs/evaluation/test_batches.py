"""A batch by its size: gathered in one process, or in parts on the executors."""

import numpy as np
import pandas as pd
import pytest
from evaluation.batches.batch import Gathered, InParts, batch_of, first_half
from evaluation.diversity import BY_USER
from evaluation.record import BASELINES, GATE_BASELINES, BatchSize
from pyspark.sql import DataFrame, SparkSession
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train

pytestmark = pytest.mark.spark
SETTINGS = TrainingSettings(rank=4, max_iter=2, neighbours=5)
ATTRIBUTES = MovieAttributes.from_columns(list(range(40)), ["Drama", "War"] * 20, [1990, 1991] * 20)


def times(batch: InParts) -> list[int]:
    return [moment for part in batch.evaluated.by_user for moment in part.rated_at.tolist()]


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    generator = np.random.default_rng(3)
    user, movie = np.nonzero(generator.random((60, 40)) < 0.3)
    stars, times = generator.integers(1, 11, len(user)) / 2, generator.permutation(len(user)) * 3_600
    return Ratings.from_columns({"user_id": user, "movie_id": movie, "rating": stars, "rated_at": times})


@pytest.fixture(scope="module")
def rows(spark: SparkSession, ratings: Ratings) -> DataFrame:
    frame = pd.DataFrame({name: getattr(ratings, name) for name in ("user_id", "movie_id", "rating", "rated_at")})
    return spark.createDataFrame(frame, "user_id int, movie_id int, rating double, rated_at bigint").repartition(3)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.batches.batch.MOST_GATHERED", 100)
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 300)
    # Every slice is a window, as with gathered ratings.
    monkeypatch.setattr("evaluation.batches.in_parts.MOST_WINDOWS", 20)
    monkeypatch.setattr("evaluation.batches.in_parts.MOST_SLICES", 1)


@pytest.fixture
def in_parts(spark: SparkSession, rows: DataFrame) -> InParts:
    batch = batch_of(spark, rows, "time", 10, 1)
    assert isinstance(batch, InParts)
    return batch


@pytest.fixture
def drawn(spark: SparkSession, rows: DataFrame) -> InParts:
    batch = batch_of(spark, rows, "random", 10, 1)
    assert isinstance(batch, InParts)
    return batch


def test_a_small_batch_is_gathered_and_both_have_the_same_size_windows_model_and_concentration(
    spark: SparkSession, rows: DataFrame, ratings: Ratings, in_parts: InParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.batches.batch.MOST_GATHERED", len(ratings))
    small = batch_of(spark, rows, "time", 10, 1)
    assert isinstance(small, Gathered)
    assert small.size() == in_parts.size() == BatchSize.of(ratings)
    assert small.windows(7) == in_parts.windows(7)
    models = [batch.fit(ATTRIBUTES, SETTINGS, "", "blocked") for batch in (in_parts, small)]
    assert models[0].sha256() == models[1].sha256()
    assert models[0].trained_until == int(ratings.rated_at.max())
    alike = [batch.concentration(models[0], ATTRIBUTES, 5) for batch in (in_parts, small)]
    assert alike[0] == alike[1]
    assert alike[0]["all"]["users"] == 60
    assert alike[0]["all"]["miscalibration"] > 0


def test_a_batch_in_parts_is_evaluated_against_the_gates_baselines_by_every_measure(in_parts: InParts) -> None:
    windows = in_parts.windows(8)
    results = in_parts.evaluate(ATTRIBUTES, windows, {"candidate": SETTINGS}, 5, GATE_BASELINES)
    assert [(r.window.index, r.scorer) for r in results] == [
        (index, scorer) for index in (8, 9) for scorer in (*GATE_BASELINES, "candidate")
    ]
    assert all(len(r.users) for r in results)
    assert all({*BY_USER, "ndcg", "overlap", "novelty"} <= set(r.means()) for r in results)


def test_without_times_all_ratings_have_one_moment_and_random_slices_test_them_in_parts_too(
    spark: SparkSession, rows: DataFrame, ratings: Ratings, drawn: InParts
) -> None:
    newest = int(ratings.rated_at.max())
    trained = Ratings(ratings.user_id, ratings.movie_id, ratings.rating, np.full(len(ratings), newest))
    settings = TrainingSettings(rank=4, max_iter=2, neighbours=5, first_visit_weight=1.0)
    here = train(trained, settings, newest, ATTRIBUTES)
    assert drawn.fit(ATTRIBUTES, settings, "", "blocked").sha256() == here.sha256()
    windows = drawn.windows(5)
    assert [(w.index, w.test_from, w.test_until) for w in windows] == [
        (index, newest - 9 + index, newest - 8 + index) for index in range(5, 10)
    ]
    tested = [int(window.test_mask(np.array(times(drawn))).sum()) for window in windows]
    # Of ratings drawn by a hash, a slice holds a tenth, give or take what chance does.
    assert all(len(ratings) / 20 < count < len(ratings) / 6 for count in tested)
    found = drawn.evaluate(ATTRIBUTES, windows, {"candidate": settings}, 5, GATE_BASELINES)
    assert {r.scorer: len(r.users) for r in found if r.window.index == 9}["candidate"] > 20
    assert drawn.concentration(here, ATTRIBUTES, 5)["all"]["users"] == 60


def test_the_seed_decides_the_slices_and_the_rows_order_does_not(
    spark: SparkSession, rows: DataFrame, drawn: InParts
) -> None:
    again, other = (
        times(batch_of(spark, own, "random", 10, seed)) for own, seed in ((rows.repartition(7), 1), (rows, 2))
    )
    assert times(drawn) == again != other


def test_what_only_a_gathered_batch_can_do_is_refused_in_plain_words(
    spark: SparkSession, rows: DataFrame, ratings: Ratings, in_parts: InParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_parts.explicit(ATTRIBUTES, in_parts.windows(9)[0], 5) == {}
    with pytest.raises(ValueError, match=r"^Item kNN and EASE are compared on at most .* Leave out --all-baselines\.$"):
        in_parts.check("blocked", BASELINES)
    with pytest.raises(ValueError, match=r"Leave out --all-baselines\.$"):
        in_parts.evaluate(ATTRIBUTES, [], {}, 5, BASELINES)
    for refused in (
        lambda: in_parts.check("mllib", GATE_BASELINES),
        lambda: in_parts.fit(ATTRIBUTES, SETTINGS, "", "mllib"),
    ):
        with pytest.raises(ValueError, match=r"Use --solver blocked\.$"):
            refused()
    in_parts.check("blocked", GATE_BASELINES)
    monkeypatch.setattr("evaluation.batches.batch.MOST_GATHERED", len(ratings))
    batch_of(spark, rows, "time", 10, 1).check("mllib", BASELINES)


def test_the_digest_is_of_every_rating(in_parts: InParts, spark: SparkSession, rows: DataFrame) -> None:
    one_second_later = rows.selectExpr(
        "user_id", "movie_id", "rating", "rated_at + if(user_id = 7 and movie_id % 3 = 0, 1, 0) AS rated_at"
    )
    assert in_parts.digest() == batch_of(spark, rows.repartition(7), "time", 10, 1).digest()
    assert in_parts.digest() != batch_of(spark, one_second_later, "time", 10, 1).digest()


def test_a_search_sees_nothing_of_the_second_half_of_the_timeline_wherever_the_ratings_are(
    spark: SparkSession, rows: DataFrame, ratings: Ratings
) -> None:
    half = first_half(rows)
    middle = np.sort(ratings.rated_at)[len(ratings) // 2]
    before = ratings.rated_at[ratings.rated_at < middle]
    assert sorted(row.rated_at for row in half.collect()) == sorted(before.tolist())
    batch = batch_of(spark, half, "time", 10, 1)
    assert isinstance(batch, InParts)
    window = batch.windows(9)[0]
    (found,) = batch.evaluate(ATTRIBUTES, [window], {"candidate": SETTINGS}, 5, against=())
    assert window.test_until <= middle
    assert found.means()["ndcg"] > 0
    with pytest.raises(ValueError, match="There are no ratings to split"):
        first_half(rows.where("user_id < 0"))
