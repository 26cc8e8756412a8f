"""hql/create_<table>.hql is where a table's columns are written; every other mention must agree with it."""

import json
import re
from pathlib import Path

import pytest

from serving.accounts.database.models import Movie
from serving.publications.building.export_rows import EXPORT_COLUMNS, OPTIONAL_COLUMNS
from serving.reviews.warehouse.movie_mart import MART_COLUMNS

REPOSITORY = Path(__file__).resolve().parents[2]
HQL = REPOSITORY / "hql"
EXPECTATIONS = REPOSITORY / "expectations"
SHIPPED_MODEL = REPOSITORY / "spark_jobs" / "scoring" / "shipped_model.py"
TAGS = ["outcome", "source_file", "byte_offset"]
REVIEW = ["corpus", "corpus_file", "corpus_line"]
CREATED = {
    "staging_ratings": [*TAGS, "user_id", "movie_id", "rating", "rated_at", "reason", "raw_line"],
    "staging_movies": [*TAGS, "movie_id", "title", "release_year", "genres", "reason", "raw_line"],
    "staging_tags": [*TAGS, "user_id", "movie_id", "tag", "tagged_at", "reason", "raw_line"],
    "staging_links": [*TAGS, "movie_id", "imdb_id", "tmdb_id", "reason", "raw_line"],
    "staging_users": [*TAGS, "user_id", "gender", "age", "occupation", "zip_code", "reason", "raw_line"],
    "ids": ["kind", "number", "own_id"],
    "ratings": ["user_id", "movie_id", "rating", "rated_at"],
    "tags": ["user_id", "movie_id", "tag", "tagged_at"],
    "links": ["movie_id", "imdb_id", "tmdb_id"],
    "users": ["user_id", "gender", "age", "occupation", "zip_code"],
    "movie_genres": ["movie_id", "genre"],
    "movie_statistics": ["movie_id", "ratings", "mean_rating", "bayesian_mean", "first_rated_at", "last_rated_at"],
    "ratings_by_year": ["rating_year", "ratings", "users", "movies", "mean_rating"],
    "popular_by_genre": ["genre", "rank", "movie_id", "ratings", "bayesian_mean"],
    "user_activity": ["user_id", "ratings", "mean_rating", "first_rated_at", "last_rated_at"],
    "movie_ratings_by_year": ["movie_id", "rating_year", "ratings", "mean_rating"],
    "movies": ["movie_id", "title", "release_year", "genres"],
    "quarantine": ["source_file", "byte_offset", "reason", "raw_line"],
    "row_accounting": ["source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded"],
    "recommendations": ["user_id", "rank", "movie_id", "score", "reason_movie_ids"],
    "similar_movies": ["movie_id", "rank", "similar_movie_id", "score"],
    "popular_movies": ["scope", "rank", "movie_id", "score", "ratings"],
    "movie_factors": ["movie_id", "gain", "prior", "factors"],
    "movie_neighbours": ["movie_id", "rank", "neighbour_id", "weight"],
    "discoveries": ["user_id", "rank", "movie_id", "score", "reason_movie_ids"],
    "discovery_prices": ["movie_id", "price"],
    "staging_reviews": [*TAGS, *REVIEW, "label", "language", "changes", "text", "reason", "raw_line"],
    "staging_review_parts": ["source_file", "byte_offset", "part", "reason"],
    "labelled_reviews": ["source_file", "byte_offset", *REVIEW, "label", "language", "changes", "part", "text"],
    "review_quarantine": ["source_file", "byte_offset", "outcome", "reason", "text", "raw_line"],
    "review_accounting": ["source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded"],
    "scored_reviews": [
        *("review_id", "movie_id", "created_at", "month"),
        *("language", "label", "probability", "confident", "known"),
    ],
    "movie_sentiment": ["movie_id", "month", "reviews", "mean_probability", "share_positive"],
}
PUBLISHED = [
    *("movies", "recommendations", "similar_movies", "popular_movies", "movie_factors", "movie_neighbours"),
    *("discoveries", "discovery_prices"),
]
EXPORTED = [*PUBLISHED, "labelled_reviews", "movie_sentiment"]


def created_columns(table: str) -> list[tuple[str, str]]:
    """(name, type) of the columns in a table's CREATE statement, in order."""
    text = (HQL / f"create_{table}.hql").read_text(encoding="utf-8")
    body = text[text.index("(") : text.index("PARTITIONED BY")]
    return re.findall(r"^\s+`?(\w+)`? (STRING|INT|BIGINT|FLOAT|DOUBLE|BOOLEAN)\b", body, re.MULTILINE)


def exported_columns(table: str) -> list[str]:
    """Names that an export selects, in order."""
    text = (HQL / f"export_{table}.hql").read_text(encoding="utf-8")
    selected = re.search(r"^SELECT\b(.*?)^FROM\b", text, re.MULTILINE | re.DOTALL)
    assert selected is not None
    return [part.strip().strip("`") for part in selected.group(1).split(",")]


@pytest.mark.parametrize("table", sorted(CREATED))
def test_the_create_statement_has_the_agreed_columns(table: str) -> None:
    assert [name for name, _ in created_columns(table)] == CREATED[table]


@pytest.mark.parametrize("table", EXPORTED)
def test_an_export_selects_all_columns_in_the_tables_order(table: str) -> None:
    assert exported_columns(table) == [name for name, _ in created_columns(table)]


@pytest.mark.parametrize("table", sorted(path.stem for path in EXPECTATIONS.glob("*.json")))
def test_a_suite_expects_the_tables_columns(table: str) -> None:
    suite = json.loads((EXPECTATIONS / f"{table}.json").read_text(encoding="utf-8"))
    derived = set(suite["meta"].get("derived_columns", {}))
    (columns,) = [
        set(expectation["kwargs"]["column_set"])
        for expectation in suite["expectations"]
        if expectation["type"] == "expect_table_columns_to_match_set"
    ]
    assert columns - derived == {name for name, _ in created_columns(table)}


def test_the_reviews_service_reads_and_the_scoring_writes_the_tables_columns() -> None:
    assert list(MART_COLUMNS) == [name for name, _ in created_columns("movie_sentiment")]
    hive_types = {"long": "BIGINT", "int": "INT", "string": "STRING", "double": "DOUBLE", "boolean": "BOOLEAN"}
    written = re.findall(r'"([^"]*)"', re.search(r"^COLUMNS = \((.*?)\)", SHIPPED_MODEL.read_text(), re.M | re.S)[1])
    pairs = [column.split() for column in "".join(written).split(", ")]
    assert [(name, hive_types[kind]) for name, kind in pairs] == created_columns("scored_reviews")


def test_serving_reads_the_exports_columns_in_their_order() -> None:
    assert set(EXPORT_COLUMNS) <= set(PUBLISHED)
    assert {table: list(columns) for table, columns in EXPORT_COLUMNS.items()} == {
        table: exported_columns(table) for table in EXPORT_COLUMNS
    }


@pytest.mark.parametrize("mart", sorted(set(OPTIONAL_COLUMNS) - {"movie_factors"}))
def test_serving_reads_a_marts_columns_in_the_tables_order(mart: str) -> None:
    assert list(OPTIONAL_COLUMNS[mart]) == [name for name, _ in created_columns(mart)]


def test_training_reads_the_exported_columns_in_their_order() -> None:
    from serving.reviews.training.data import BATCH_COLUMNS

    assert list(BATCH_COLUMNS) == exported_columns("labelled_reviews")


def test_the_split_reads_the_cleaning_jobs_columns_and_writes_those_of_the_parts(tmp_path: Path) -> None:
    from mr_clean_reviews import MRCleanReviews

    from serving.reviews.corpora.snapshot_files import TAGGED_COLUMNS, read_tagged, write_parts

    assert list(TAGGED_COLUMNS) == [name for name, _ in created_columns("staging_reviews")]
    assert len(TAGGED_COLUMNS) == 3 + MRCleanReviews.columns + 2
    row = ["clean", "mine.jsonl", "0", "mine", "mine.csv", "2", "1", "en", "", "good", "\\N", "\\N"]
    (tmp_path / "part-00000").write_text("\t".join(row) + "\n", encoding="utf-8")
    write_parts(read_tagged(tmp_path), 1, tmp_path / "parts")
    (line,) = (tmp_path / "parts/part-00000").read_text(encoding="utf-8").splitlines()
    assert len(line.split("\t")) == len(created_columns("staging_review_parts"))


@pytest.mark.parametrize("reason", ["QUARANTINE_REASONS", "SUPERSEDED_REASONS"])
def test_the_quarantine_of_reviews_knows_the_reasons_of_cleaning_and_split(reason: str) -> None:
    import mr_clean_reviews

    from serving.reviews.corpora import cleaning

    suite = json.loads((EXPECTATIONS / "review_quarantine.json").read_text(encoding="utf-8"))
    (known,) = [
        set(expectation["kwargs"]["value_set"])
        for expectation in suite["expectations"]
        if expectation["kwargs"].get("column") == "reason" and "value_set" in expectation["kwargs"]
    ]
    assert set(getattr(cleaning, reason)) <= known
    of_the_job = {mr_clean_reviews.NOT_A_ROW, mr_clean_reviews.NULL_MARKER}
    assert known == {*cleaning.QUARANTINE_REASONS, *cleaning.SUPERSEDED_REASONS, *of_the_job}


def test_each_loaded_table_has_a_suite() -> None:
    # Ingest itself writes the ids of own data, and refuses a dictionary that is damaged.
    tables = {table for table in CREATED if not table.startswith("staging_")} - {"ids"}
    assert {path.stem for path in EXPECTATIONS.glob("*.json")} == tables


def test_a_title_that_passes_validation_fits_the_accounts_catalogue() -> None:
    suite = json.loads((EXPECTATIONS / "movies.json").read_text(encoding="utf-8"))
    (bounds,) = [
        expectation["kwargs"]
        for expectation in suite["expectations"]
        if expectation["type"] == "expect_column_value_lengths_to_be_between"
        and expectation["kwargs"]["column"] == "title"
    ]
    assert bounds["max_value"] == Movie.__table__.c.title.type.length
