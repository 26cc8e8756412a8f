"""A model's factors as Spark reads them."""

from pathlib import Path

import numpy as np
import pytest
from cluster import factor_files
from cluster.factor_files import write_factors
from pyspark.sql import SparkSession
from recommender.attributes import MovieAttributes
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.training import train

pytestmark = pytest.mark.spark


def test_factors_are_read_as_they_were_in_the_order_of_ids_and_replace_earlier_ones(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factor_files, "ROWS_PER_FILE", 2)
    columns = {"user_id": [5, 5, 7, 9], "movie_id": [20, 10, 10, 30], "rating": [4.0] * 4, "rated_at": [3, 1, 2, 9]}
    model = train(Ratings.from_columns(columns), TrainingSettings(rank=3), 10, MovieAttributes.none())
    (tmp_path / "user_factors").mkdir()
    (tmp_path / "user_factors" / "part-00009.parquet").write_text("of an earlier try")
    write_factors(spark, model, f"file://{tmp_path}")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["item_factors", "user_factors"]
    users, movies = (spark.read.parquet(f"file://{tmp_path}/{name}") for name in ("user_factors", "item_factors"))
    assert dict(users.dtypes) == {"user_id": "int", "features": "array<float>"}
    assert dict(movies.dtypes) == {"movie_id": "int", "features": "array<float>", "gain": "float", "prior": "float"}
    files = sorted((tmp_path / "user_factors").glob("*.parquet"))
    assert [file.name for file in files] == ["part-00000.parquet", "part-00001.parquet"]
    assert [[row.user_id for row in spark.read.parquet(f"file://{file}").collect()] for file in files] == [[5, 7], [9]]
    of_movie = {row.movie_id: row for row in movies.collect()}
    for at, movie in enumerate(model.movie_ids.tolist()):
        assert np.array_equal(of_movie[movie].features, model.movie_factors[at].tolist())
        assert (of_movie[movie].gain, of_movie[movie].prior) == (model.movie_gain[at], model.movie_prior[at])
