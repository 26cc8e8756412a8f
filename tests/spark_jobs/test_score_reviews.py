"""Spark's scores are the service's, to the bit, and only the model that was named makes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

from serving.reviews.model.files import load_model, save_model
from tests.serving.reviews.model.small_model import model_of_all_views

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spark_jobs"))
from score_reviews import read_reviews
from scoring.shipped_model import ShippedModelError, score, ship_model

pytestmark = pytest.mark.spark

TEXTS = [
    "A wonderful film, and not a dull minute. A wonderful film!",
    "this is not the worst of the bad movies that i have seen",
    "정말 재밌는 영화 최고 최고예요 ㅋㅋㅋㅋㅋ",
    "지루하고 지루한 great 영화 \U0001f600",
    "un film magnifique et une histoire de la vie",
    "line\u2028separator, tab\tand <b>mark</b> &amp; up\r\nend",
]
OCTOBER_END, NOVEMBER = 1793491199, 1793491200  # 2026-10-31T23:59:59Z and the second after


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "model.joblib"
    return path, save_model(model_of_all_views(TEXTS[:4]), path)


def reviews_file(folder: Path, texts: list[str]) -> str:
    rows = [
        {
            "review_id": number,
            "movie_id": 1 + number % 2,
            "text": text,
            "language": None,
            "created_at": NOVEMBER if number % 3 else OCTOBER_END,
        }
        for number, text in enumerate(texts, 1)
    ]
    path = folder / "reviews.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")
    return path.as_uri()


def test_each_review_gets_the_prediction_of_the_service(
    spark: SparkSession, model: tuple[Path, str], tmp_path: Path
) -> None:
    path, sha256 = model
    texts = [f"{text} {number}" for number in range(500) for text in TEXTS]
    reviews = read_reviews(spark, reviews_file(tmp_path, texts), len(texts))
    assert reviews.rdd.getNumPartitions() > 1
    found = {row.review_id: row for row in score(reviews, ship_model(spark, path, sha256), sha256).collect()}
    expected = load_model(path, sha256)
    assert sorted(found) == list(range(1, len(texts) + 1))
    for number, text in enumerate(texts, 1):
        said, row = expected.predict(text), found[number]
        assert (row.probability, row.label, row.confident, row.language, row.known) == (
            *(said.probability, said.label, said.confident),
            *(said.language, said.known),
        )
        assert (row.movie_id, row.month) == (1 + number % 2, "2026-11" if number % 3 else "2026-10")


def test_no_reviews_give_an_empty_table(spark: SparkSession, model: tuple[Path, str], tmp_path: Path) -> None:
    path, sha256 = model
    reviews = read_reviews(spark, reviews_file(tmp_path, []), 0)
    assert score(reviews, ship_model(spark, path, sha256), sha256).collect() == []


def test_another_models_file_is_refused_by_the_driver(
    spark: SparkSession, model: tuple[Path, str], tmp_path: Path
) -> None:
    path, sha256 = model
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ShippedModelError, match=f"instead of {sha256}. Pull the publication again"):
        ship_model(spark, path, sha256)
    with pytest.raises(ShippedModelError, match="cannot be read"):
        ship_model(spark, tmp_path / "none.joblib", sha256)


def test_an_executor_reads_no_other_bytes_than_those_that_were_named(
    spark: SparkSession, model: tuple[Path, str], tmp_path: Path
) -> None:
    path, sha256 = model
    reviews = read_reviews(spark, reviews_file(tmp_path, TEXTS), len(TEXTS))
    with pytest.raises(PythonException, match=r"is not loaded\. Its SHA-256 is"):
        score(reviews, ship_model(spark, path, sha256), "0" * 64).collect()


def test_a_file_that_lost_a_review_or_holds_another_thing_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    file = reviews_file(tmp_path, TEXTS)
    with pytest.raises(ValueError, match=r"has 6 reviews instead of 7\. Clear export_reviews"):
        read_reviews(spark, file, 7)
    (tmp_path / "reviews.jsonl").write_text('{"review_id": 1, "movie_id": "x"}\n')
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        read_reviews(spark, file, 1).collect()
