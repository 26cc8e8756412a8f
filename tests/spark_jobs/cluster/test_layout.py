"""Ratings on the executors: the same parts as here, and the same models wherever they are."""

import gc
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cluster.layout import lay_out, order_statistics
from cluster.list_tables import popular_movies, recent_of_parts
from pyspark.sql import DataFrame, SparkSession
from recommender.attributes import MovieAttributes
from recommender.discovery import discovery_of
from recommender.parts.layout import Part, lay_out_here
from recommender.parts.profiles import RECENT_WHOLE, popularity_of
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import NEVER, train, train_laid_out

pytestmark = pytest.mark.spark
SETTINGS = TrainingSettings(rank=8, max_iter=2, neighbours=5)
ATTRIBUTES = MovieAttributes.from_columns([1, 2, 3], ["Drama", "War", "Drama"], [1990, 1991, None])
COLUMNS = ("user_id", "movie_id", "rating", "rated_at")


def generated() -> Ratings:
    generator = np.random.default_rng(5)
    user, movie = np.nonzero(generator.random((600, 50)) < 0.2)
    return Ratings.from_columns(
        {
            "user_id": user * 3 + 1,
            "movie_id": movie * 2 + 1,
            "rating": generator.integers(1, 11, len(user)) / 2,
            "rated_at": 2_000_000_000 - generator.integers(0, 10**8, len(user)),
        }
    )


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return generated()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some ten parts of users in groups of three, so that groups, parts and blocks of a sum are several.
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 600)
    monkeypatch.setattr("recommender.parts.layout.PARTS_PER_GROUP", 3)
    monkeypatch.setattr("recommender.parts.gram.ROWS_PER_BLOCK", 20)


def table(spark: SparkSession, ratings: Ratings, files: int = 5) -> DataFrame:
    frame = pd.DataFrame({name: getattr(ratings, name) for name in COLUMNS}).sample(frac=1, random_state=1)
    return spark.createDataFrame(frame, "user_id int, movie_id int, rating double, rated_at bigint").repartition(files)


def as_lists(part: Part) -> tuple[int, list[int], list[int], list[int]]:
    return part.first, part.starts.tolist(), part.columns.tolist(), part.rated_at.tolist()


def test_parts_on_executors_are_those_here(spark: SparkSession, ratings: Ratings) -> None:
    there, here = lay_out(spark, table(spark, ratings)), lay_out_here(ratings)
    for name in ("user_ids", "movie_ids", "counts", "first_rated", "last_rated"):
        assert getattr(there, name).tolist() == getattr(here, name).tolist(), name
    assert (there.newest, there.reference_time) == (here.newest, ratings.reference_time())
    assert len(list(here.by_user)) > 8
    for ours, theirs in ((there.by_user, here.by_user), (there.by_movie, here.by_movie)):
        assert list(map(as_lists, ours)) == theirs.each(as_lists)


# By conjugate gradient each part goes on from factors of its own. With more users than movies, the gram matrix is summed up.
@pytest.mark.parametrize("cg_steps", [0, 2])
def test_training_on_executors_gives_the_bits_of_training_here(
    spark: SparkSession, ratings: Ratings, cg_steps: int
) -> None:
    settings = TrainingSettings(rank=8, max_iter=2, cg_steps=cg_steps)
    there = train_laid_out(lay_out(spark, table(spark, ratings)), settings, 2_000_000_000, ATTRIBUTES)
    assert there.sha256() == train(ratings, settings, 2_000_000_000, ATTRIBUTES).sha256()


def test_prices_and_popular_lists_are_the_same_from_parts_on_executors(spark: SparkSession, ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, 2_000_000_000, ATTRIBUTES)
    there, here = lay_out(spark, table(spark, ratings)), lay_out_here(ratings)
    # A movie that nobody rated is in no list.
    movies = [
        (int(movie), 1990 + int(movie) % 20, "Drama|War" if movie % 3 else "War") for movie in [*here.movie_ids, 998]
    ]
    rows = spark.createDataFrame(movies, "movie_id int, release_year int, genres string")
    rated = table(spark, ratings)
    found = [pd.DataFrame(popular_movies(laid, rated, rows, 5)) for laid in (there, here)]
    pd.testing.assert_frame_equal(*found)
    _, recent = popularity_of(here, NEVER, here.reference_time)
    assert recent_of_parts(here) / RECENT_WHOLE == pytest.approx(recent, rel=1e-9)
    assert len(found[0]["scope"].unique()) == 2 + 2 + 2
    prices = [discovery_of(model, laid).price for laid in (there, here)]
    assert prices[0].any()
    assert prices[0].tobytes() == prices[1].tobytes()


def test_neighbours_by_users_rows_are_the_same_on_executors(spark: SparkSession, ratings: Ratings) -> None:
    few = ratings.select(ratings.user_id < 200)
    there = train_laid_out(lay_out(spark, table(spark, few)), SETTINGS, 2_000_000_000, ATTRIBUTES)
    assert there.sha256() == train(few, SETTINGS, 2_000_000_000, ATTRIBUTES).sha256()


# Executors are processes of their own, each of one core.
@pytest.mark.parametrize("master", ["local-cluster[1,1,512]", "local-cluster[2,1,512]", "local-cluster[4,1,512]"])
def test_another_number_of_executors_gives_the_same_bits(master: str, ratings: Ratings, tmp_path: Path) -> None:
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(tmp_path)}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, __file__, master], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == train(ratings, SETTINGS, 2_000_000_000, ATTRIBUTES).sha256()


def test_the_drivers_memory_does_not_grow_with_the_ratings(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 2_000)
    peaks = []
    for density in (0.1, 0.8):
        users, movies = np.nonzero(np.random.default_rng(5).random((1_500, 60)) < density)
        times = 2_000_000_000 - np.arange(len(users)) * 1_000
        columns = {"user_id": users, "movie_id": movies, "rating": np.full(len(users), 4.0), "rated_at": times}
        rows = table(spark, Ratings.from_columns(columns)).cache()
        rows.count()
        del columns, users, movies, times
        gc.collect()
        tracemalloc.start()
        train_laid_out(lay_out(spark, rows), SETTINGS, 2_000_000_000, ATTRIBUTES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        rows.unpersist()
    # Users and movies are as many. Eight times the ratings are 2 MB more, where all come to one process.
    assert peaks[1] < 1.3 * peaks[0]


def test_a_pair_that_occurs_twice_is_refused(spark: SparkSession, ratings: Ratings) -> None:
    twice = table(spark, ratings).union(table(spark, ratings).limit(1))
    with pytest.raises(Exception, match="A user rated a movie more than once in this batch"):
        list(lay_out(spark, twice).by_user)


def test_the_times_at_ranks_are_those_of_sorted_ratings(spark: SparkSession) -> None:
    times = np.array([5, 5, 86_400, 86_401, 86_401, 86_401, 200_000, 900_000], dtype=np.int64)
    rows = spark.createDataFrame(pd.DataFrame({"rated_at": times})).repartition(3)
    assert order_statistics(rows, list(range(8))) == times.tolist()


if __name__ == "__main__":
    from cluster.session import start_session
    from recommender.parts import gram, layout

    layout.RATINGS_PER_PART, layout.PARTS_PER_GROUP, gram.ROWS_PER_BLOCK = 600, 3, 20
    SparkSession.builder.master(sys.argv[1]).config("spark.ui.enabled", "false").config(
        "spark.executor.memory", "512m"
    ).config("spark.driver.memory", "512m").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    session = start_session("layout", hive=False)
    print(
        train_laid_out(lay_out(session, table(session, generated(), 3)), SETTINGS, 2_000_000_000, ATTRIBUTES).sha256()
    )
    session.stop()
