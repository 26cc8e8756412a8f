"""hql/create_<table>.hql is where a table's columns are written; every other mention must agree with it."""

import json
import re
from pathlib import Path

import pytest

from serving.export_rows import EXPORT_COLUMNS, OPTIONAL_COLUMNS

REPOSITORY = Path(__file__).resolve().parents[2]
HQL = REPOSITORY / "hql"
EXPECTATIONS = REPOSITORY / "expectations"
TAGS = ["outcome", "source_file", "byte_offset"]
CREATED = {
    "staging_ratings": [*TAGS, "user_id", "movie_id", "rating", "rated_at", "reason", "raw_line"],
    "staging_movies": [*TAGS, "movie_id", "title", "release_year", "genres", "reason", "raw_line"],
    "ratings": ["user_id", "movie_id", "rating", "rated_at"],
    "movies": ["movie_id", "title", "release_year", "genres"],
    "quarantine": ["source_file", "byte_offset", "reason", "raw_line"],
    "row_accounting": ["source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded"],
    "recommendations": ["user_id", "rank", "movie_id", "score", "reason_movie_ids"],
    "similar_movies": ["movie_id", "rank", "similar_movie_id", "score"],
    "popular_movies": ["scope", "rank", "movie_id", "score", "ratings"],
}
PUBLISHED = ["movies", "recommendations", "similar_movies", "popular_movies"]


def created_columns(table: str) -> list[tuple[str, str]]:
    """(name, type) of the columns in a table's CREATE statement, in order."""
    text = (HQL / f"create_{table}.hql").read_text(encoding="utf-8")
    body = text[text.index("(") : text.index("PARTITIONED BY")]
    return re.findall(r"^\s+`?(\w+)`? (STRING|INT|BIGINT|DOUBLE)\b", body, re.MULTILINE)


def exported_columns(table: str) -> list[str]:
    """Names that an export selects, in order."""
    text = (HQL / f"export_{table}.hql").read_text(encoding="utf-8")
    selected = re.search(r"^SELECT\b(.*?)^FROM\b", text, re.MULTILINE | re.DOTALL)
    assert selected is not None
    return [part.strip().strip("`") for part in selected.group(1).split(",")]


@pytest.mark.parametrize("table", sorted(CREATED))
def test_the_create_statement_has_the_agreed_columns(table: str) -> None:
    assert [name for name, _ in created_columns(table)] == CREATED[table]


@pytest.mark.parametrize("table", PUBLISHED)
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


def test_serving_reads_the_exports_columns_in_their_order() -> None:
    assert {table: list(columns) for table, columns in EXPORT_COLUMNS.items()} == {
        table: exported_columns(table) for table in PUBLISHED
    }


@pytest.mark.parametrize("mart", sorted(set(OPTIONAL_COLUMNS) - {"movie_factors"}))
def test_serving_reads_a_marts_columns_in_the_tables_order(mart: str) -> None:
    assert list(OPTIONAL_COLUMNS[mart]) == [name for name, _ in created_columns(mart)]


def test_each_loaded_table_has_a_suite() -> None:
    staging = {"staging_ratings", "staging_movies"}
    assert {path.stem for path in EXPECTATIONS.glob("*.json")} == set(CREATED) - staging
