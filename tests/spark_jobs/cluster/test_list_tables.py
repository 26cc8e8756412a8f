from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cluster import list_tables as lists
from cluster import warehouse as tables
from cluster.list_tables import similar_movies, user_lists
from cluster.warehouse import ROWS_PER_FILE, PartitionWriter
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.discovery import discovery_of
from recommender.half_step import OtherSide, half_step
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.parts.layout import lay_out_here
from recommender.published.user_lists import Recommender
from recommender.ratings import Ratings, positions
from recommender.settings import TrainingSettings
from recommender.top_n import most_similar
from recommender.training import train

pytestmark = pytest.mark.spark
AS_OF = 2_000_000_000
TWO = ("recommendations", "discoveries")
SETTINGS = TrainingSettings(rank=8, max_iter=2)


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    generator = np.random.default_rng(5)
    # More users than one block holds.
    user, movie = np.nonzero(generator.random((600, 50)) < 0.2)
    return Ratings.from_columns(
        {
            "user_id": user + 1,
            "movie_id": movie + 1,
            "rating": generator.integers(1, 11, len(user)) / 2,
            "rated_at": AS_OF - generator.integers(0, 10**8, len(user)),
        }
    )


@pytest.fixture(scope="module")
def model(ratings: Ratings) -> FactorModel:
    return train(ratings, SETTINGS, AS_OF, MovieAttributes.none())


def test_mllib_s_user_factors_are_a_half_step_from_its_movie_factors(spark: SparkSession, ratings: Ratings) -> None:
    weights = 1 + ratings.movie_id % 3
    frame = pd.DataFrame({"user": ratings.user_id, "item": ratings.movie_id, "rating": weights.astype(np.float32)})
    settings = {"rank": 8, "maxIter": 2, "alpha": 1.5, "regParam": 0.2, "seed": 1}
    trained = ALS(userCol="user", itemCol="item", implicitPrefs=True, **settings).fit(spark.createDataFrame(frame))
    users, movies = (f.toPandas().sort_values("id") for f in (trained.userFactors, trained.itemFactors))
    y = np.vstack(movies["features"].to_list()).astype(float)
    places = positions(ratings.users(), ratings.user_id), positions(movies["id"].to_numpy(np.int64), ratings.movie_id)
    incidence = Incidence.build(*places, weights.astype(float), len(users))
    theirs = np.vstack(users["features"].to_list())
    assert half_step(incidence, OtherSide.of(y), 1.5, 0.2) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("most_runs", [1, 2])
def test_lists_from_spark_are_those_of_each_block_here(
    spark: SparkSession,
    ratings: Ratings,
    model: FactorModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_runs: int,
) -> None:
    frame = pd.DataFrame({name: getattr(ratings, name) for name in ("user_id", "movie_id", "rating", "rated_at")})
    schema = "user_id int, movie_id int, rating double, rated_at bigint"
    shuffled = spark.createDataFrame(frame.sample(frac=1, random_state=1), schema).repartition(5)
    here = Recommender.of(model, 7, discovery_of(model, lay_out_here(ratings)), 9, AS_OF)
    blocks = [here.lists(ratings.select((ratings.user_id - 1) // 512 == block)) for block in range(2)]
    monkeypatch.setattr(lists, "MOST_RUNS", most_runs)
    rows = user_lists(spark, shuffled, here)
    writer = PartitionWriter(spark, f"file://{tmp_path}", "20260101T000000")
    writer.write_split(TWO, rows, "of_list")
    counts = {name: sum(len(tables[at]["user_id"]) for tables in blocks) for at, name in enumerate(TWO)}
    assert writer.put_in_place() == counts
    for number, name in enumerate(TWO):
        files = sorted((tmp_path / name / "batch_id=20260101T000000").glob("*.orc"))
        assert [file.name for file in files] == [f"part-{at:05d}.orc" for at in range(most_runs)]
        # Whole, as written: in the order of users and ranks.
        found = pd.concat(map(pd.read_orc, files), ignore_index=True)
        expected = pd.concat([pd.DataFrame(tables[number]) for tables in blocks], ignore_index=True)
        pd.testing.assert_frame_equal(found, expected)
    assert not [left for left in (tmp_path / "_attempts").rglob("*") if left.is_file()]


def test_a_table_without_a_row_is_an_empty_file_of_its_columns(spark: SparkSession, tmp_path: Path) -> None:
    writer = PartitionWriter(spark, f"file://{tmp_path}", "20260101T000000")
    writer.write_split(TWO, spark.createDataFrame([(0, 5)], "of_list int, user_id int"), "of_list")
    assert writer.put_in_place() == {"recommendations": 1, "discoveries": 0}
    (empty,) = (tmp_path / "discoveries" / "batch_id=20260101T000000").glob("*.orc")
    assert (pd.read_orc(empty).columns.tolist(), empty.name) == (["user_id"], "part-00000.orc")


def test_similar_movies_from_spark_are_the_kernel_s(spark: SparkSession, model: FactorModel) -> None:
    found = similar_movies(spark, model, 3).toPandas().sort_values(["movie_id", "rank"])
    columns, _ = most_similar(model.movie_factors, slice(0, 512), 3)
    assert found["similar_movie_id"].tolist() == model.movie_ids[columns].ravel().tolist()


@pytest.mark.parametrize("at_most", [2, ROWS_PER_FILE + 1])
def test_a_partition_is_replaced_whole_and_a_killed_attempt_is_removed(
    spark: SparkSession, tmp_path: Path, at_most: int
) -> None:
    warehouse = f"file://{tmp_path}"
    left = tmp_path / "_attempts" / "t" / "batch_id=20260101T000000"
    left.mkdir(parents=True)
    (left / "part-killed.orc").write_text("half a file")
    for rows in ([(2, 1), (1, 1)], [(9, 9)]):
        writer = PartitionWriter(spark, warehouse, "20260101T000000")
        writer.write("t", spark.createDataFrame(rows, "a int, b int"), ["a", "b"], at_most)
        assert writer.put_in_place() == {"t": len(rows)}
        partition = tmp_path / "t" / "batch_id=20260101T000000"
        assert [f.name for f in sorted(partition.glob("*.orc"))] == ["part-00000.orc"]
        assert pd.read_orc(partition / "part-00000.orc").values.tolist() == sorted(map(list, rows))
    assert not left.exists()


def test_a_table_made_here_is_what_spark_would_write_in_files_of_the_same_order(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_FILE", 2)
    columns = {
        "scope": ["b", "a", "é"],
        "rank": np.array([1, 2, 1], dtype=np.int32),
        "ratings": np.array([2**40, 7, 0]),
        "score": np.array([0.1, 2.5, 0.0]),
        "gain": np.array([0.1, 2.5, 0.0], dtype=np.float32),
    }
    types = "scope string, rank int, score double, gain float, ratings bigint"
    writer = PartitionWriter(spark, f"file://{tmp_path}", "20260101T000000")
    writer.write_here("t", columns, types, ["scope", "rank"])
    assert writer.put_in_place() == {"t": 3}
    found = spark.read.orc(f"file://{tmp_path}/t/batch_id=20260101T000000")
    assert found.dtypes == [tuple(column.split()) for column in types.split(", ")]
    rows = [("a", 2, 2.5, 2.5, 7), ("b", 1, 0.1, np.float32(0.1), 2**40), ("é", 1, 0.0, 0.0, 0)]
    assert sorted(map(tuple, found.collect())) == rows
    files = sorted((tmp_path / "t" / "batch_id=20260101T000000").glob("*.orc"))
    assert [(file.name, pd.read_orc(file)["scope"].tolist()) for file in files] == [
        ("part-00000.orc", ["a", "b"]),
        ("part-00001.orc", ["é"]),
    ]
