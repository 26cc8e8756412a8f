"""Each suite passes a good batch and fails a seeded bad one, rule by rule."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from marquee.ingest.reading.rows.advice import ADVICE, OF_IDS

from expectations.suites import SuiteError, load_suite, table_columns
from expectations.validate import validate_frame

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "expectations"

# Great Expectations imports what Python and its own libraries have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:great_expectations.*"),
]

GOOD = {
    "ratings": [
        {"user_id": 1, "movie_id": 31, "rating": 3.5, "rated_at": 1260759144},
        {"user_id": 2, "movie_id": 32, "rating": 4.0, "rated_at": 1260759145},
    ],
    "movies": [
        {"movie_id": 31, "title": "A", "release_year": 1995.0, "genres": "Drama|War"},
        {"movie_id": 32, "title": "B", "release_year": 1996.0, "genres": ""},
    ],
    "quarantine": [{"source_file": "ratings.csv", "byte_offset": 32, "reason": "missing_fields", "raw_line": "MSwy"}],
    "row_accounting": [
        {"source_file": "movies.csv", "rows_in": 2, "rows_clean": 2, "rows_quarantined": 0, "rows_superseded": 0},
        {"source_file": "ratings.csv", "rows_in": 4, "rows_clean": 2, "rows_quarantined": 1, "rows_superseded": 1},
    ],
    "tags": [{"user_id": 1, "movie_id": 31, "tag": "so \u00e9poque", "tagged_at": 1260759144}],
    "links": [
        {"movie_id": 31, "imdb_id": "0112792", "tmdb_id": 9909.0},
        {"movie_id": 32, "imdb_id": "0114746", "tmdb_id": None},
    ],
    "users": [
        {"user_id": 1, "gender": "F", "age": 25, "occupation": "writer", "zip_code": "55105"},
        {"user_id": 2, "gender": None, "age": 56, "occupation": None, "zip_code": None},
    ],
    "movie_genres": [{"movie_id": 31, "genre": "Drama"}, {"movie_id": 31, "genre": "War"}],
    "movie_statistics": [
        {
            "movie_id": 31,
            "ratings": 1,
            "mean_rating": 3.5,
            "bayesian_mean": 3.7,
            "first_rated_at": 5,
            "last_rated_at": 5,
        },
        {
            "movie_id": 32,
            "ratings": 1,
            "mean_rating": 4.0,
            "bayesian_mean": 3.8,
            "first_rated_at": 5,
            "last_rated_at": 9,
        },
    ],
    "ratings_by_year": [{"rating_year": 2009, "ratings": 2, "users": 2, "movies": 2, "mean_rating": 3.75}],
    "popular_by_genre": [
        {"genre": "Drama", "rank": 1, "movie_id": 31, "ratings": 1, "bayesian_mean": 3.7},
        {"genre": "War", "rank": 1, "movie_id": 31, "ratings": 1, "bayesian_mean": 3.7},
    ],
    "user_activity": [
        {"user_id": 1, "ratings": 1, "mean_rating": 3.5, "first_rated_at": 5, "last_rated_at": 5},
        {"user_id": 2, "ratings": 1, "mean_rating": 4.0, "first_rated_at": 5, "last_rated_at": 9},
    ],
    "movie_ratings_by_year": [
        {"movie_id": 31, "rating_year": 2009, "ratings": 1, "mean_rating": 3.5},
        {"movie_id": 32, "rating_year": 2009, "ratings": 1, "mean_rating": 4.0},
    ],
    "recommendations": [
        {"user_id": 1, "rank": 1, "movie_id": 32, "score": 0.9, "reason_movie_ids": "31"},
        {"user_id": 2, "rank": 1, "movie_id": 31, "score": 0.8, "reason_movie_ids": ""},
    ],
    "similar_movies": [
        {"movie_id": 31, "rank": 1, "similar_movie_id": 32, "score": 0.5},
        {"movie_id": 32, "rank": 1, "similar_movie_id": 31, "score": 0.5},
    ],
    "popular_movies": [
        {"scope": "all", "rank": 1, "movie_id": 31, "score": 2.0, "ratings": 2},
        {"scope": "recent", "rank": 1, "movie_id": 32, "score": 1.0, "ratings": 1},
        {"scope": "genre:Drama", "rank": 1, "movie_id": 31, "score": 2.0, "ratings": 2},
    ],
    "movie_factors": [
        {"movie_id": 31, "gain": 0.5, "prior": 0.25, "factors": "AACAPwAAAEA="},
        {"movie_id": 32, "gain": 4.0, "prior": 1.0, "factors": "AACAPwAAAEA="},
    ],
    "movie_neighbours": [
        {"movie_id": 31, "rank": 1, "neighbour_id": 32, "weight": 0.5},
        {"movie_id": 32, "rank": 1, "neighbour_id": 31, "weight": 0.25},
    ],
    "discoveries": [
        {"user_id": 1, "rank": 1, "movie_id": 32, "score": 0.9, "reason_movie_ids": "31"},
        {"user_id": 2, "rank": 1, "movie_id": 31, "score": 0.8, "reason_movie_ids": ""},
    ],
    "discovery_prices": [{"movie_id": 31, "price": 0.5}, {"movie_id": 32, "price": 0.0}],
    "labelled_reviews": [
        {
            "source_file": "mine.jsonl",
            "byte_offset": 0,
            "corpus": "mine",
            "corpus_file": "mine.csv",
            "corpus_line": 2,
            "label": 1,
            "language": "en",
            "changes": "",
            "part": "training",
            "text": "a fine film",
        },
        {
            "source_file": "mine.jsonl",
            "byte_offset": 9,
            "corpus": "mine",
            "corpus_file": "mine.csv",
            "corpus_line": 3,
            "label": 0,
            "language": "ko",
            "changes": "html",
            "part": "test",
            "text": "지루해요",
        },
    ],
    "review_quarantine": [
        {
            "source_file": "mine.jsonl",
            "byte_offset": 17,
            "outcome": "quarantined",
            "reason": "empty",
            "text": None,
            "raw_line": "e30=",
        },
        {
            "source_file": "mine.jsonl",
            "byte_offset": 27,
            "outcome": "superseded",
            "reason": "near_duplicate_of_test",
            "text": "a fine film!",
            "raw_line": None,
        },
    ],
    "review_accounting": [
        {"source_file": "mine.jsonl", "rows_in": 4, "rows_clean": 2, "rows_quarantined": 1, "rows_superseded": 1},
    ],
    "scored_reviews": [
        {
            "review_id": 1,
            "movie_id": 31,
            "created_at": 1763900000,
            "month": "2025-11",
            "language": "en",
            "label": "positive",
            "probability": 0.75,
            "confident": True,
            "known": 0.5,
        },
        {
            "review_id": 2,
            "movie_id": 31,
            "created_at": 1763900000,
            "month": "2025-11",
            "language": "other",
            "label": "positive",
            "probability": 0.5,
            "confident": False,
            "known": 0.0,
        },
    ],
    "movie_sentiment": [
        {"movie_id": 31, "month": "2025-11", "reviews": 2, "mean_probability": 0.625, "share_positive": 1.0},
        {"movie_id": 31, "month": "all", "reviews": 2, "mean_probability": 0.625, "share_positive": 1.0},
    ],
}

BAD = [
    ("scored_reviews", {"review_id": 2}, "expect_column_values_to_be_unique"),
    ("scored_reviews", {"movie_id": 0}, "expect_column_values_to_be_between"),
    ("scored_reviews", {"created_at": 1763900000000}, "expect_column_values_to_be_between"),
    ("scored_reviews", {"month": "2025-13"}, "expect_column_values_to_match_regex"),
    ("scored_reviews", {"month": "all"}, "expect_column_values_to_match_regex"),
    ("scored_reviews", {"language": "fr"}, "expect_column_values_to_be_in_set"),
    ("scored_reviews", {"label": "neutral"}, "expect_column_values_to_be_in_set"),
    ("scored_reviews", {"label": None}, "expect_column_values_to_not_be_null"),
    ("scored_reviews", {"probability": 1.5}, "expect_column_values_to_be_between"),
    ("scored_reviews", {"probability": None}, "expect_column_values_to_not_be_null"),
    ("scored_reviews", {"known": -0.1}, "expect_column_values_to_be_between"),
    ("movie_sentiment", {"movie_id": 99}, "expect_column_values_to_be_in_set"),
    ("movie_sentiment", {"month": "2025-00"}, "expect_column_values_to_match_regex"),
    ("movie_sentiment", {"month": "all"}, "expect_compound_columns_to_be_unique"),
    ("movie_sentiment", {"reviews": 0}, "expect_column_values_to_be_between"),
    ("movie_sentiment", {"mean_probability": 1.01}, "expect_column_values_to_be_between"),
    ("movie_sentiment", {"share_positive": None}, "expect_column_values_to_not_be_null"),
    ("ratings", {"rating": 5.5}, "expect_column_values_to_be_in_set"),
    ("ratings", {"user_id": 0}, "expect_column_values_to_be_between"),
    ("ratings", {"rated_at": -1}, "expect_column_values_to_be_between"),
    ("ratings", {"user_id": 2, "movie_id": 32}, "expect_compound_columns_to_be_unique"),
    ("movies", {"movie_id": 32}, "expect_column_values_to_be_unique"),
    ("movies", {"title": None}, "expect_column_values_to_not_be_null"),
    ("movies", {"title": "A\tB"}, "expect_column_values_to_not_match_regex"),
    ("movies", {"release_year": 2500.0}, "expect_column_values_to_be_between"),
    ("movies", {"genres": "Drama||War"}, "expect_column_values_to_match_regex"),
    ("quarantine", {"reason": "bad mood"}, "expect_column_values_to_be_in_set"),
    ("quarantine", {"byte_offset": -1}, "expect_column_values_to_be_between"),
    ("quarantine", {"raw_line": "1,2"}, "expect_column_values_to_match_regex"),
    ("row_accounting", {"rows_in": 3}, "expect_column_pair_values_to_be_equal"),
    ("row_accounting", {"rows_in": 0, "rows_clean": 0}, "expect_column_values_to_be_between"),
    ("row_accounting", {"rows_clean": 0, "rows_quarantined": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("tags", {"user_id": 0}, "expect_column_values_to_be_between"),
    ("tags", {"tag": ""}, "expect_column_value_lengths_to_be_between"),
    ("tags", {"tag": "a\tb"}, "expect_column_values_to_not_match_regex"),
    ("tags", {"tagged_at": 7}, "expect_column_values_to_be_between"),
    ("links", {"movie_id": 32}, "expect_column_values_to_be_unique"),
    ("links", {"imdb_id": "112792"}, "expect_column_values_to_match_regex"),
    ("links", {"tmdb_id": 0.0}, "expect_column_values_to_be_between"),
    ("users", {"user_id": 2}, "expect_column_values_to_be_unique"),
    ("users", {"gender": "X"}, "expect_column_values_to_be_in_set"),
    ("users", {"age": 121}, "expect_column_values_to_be_between"),
    ("users", {"occupation": ""}, "expect_column_value_lengths_to_be_between"),
    ("movie_genres", {"genre": "Drama|War"}, "expect_column_values_to_match_regex"),
    ("movie_genres", {"genre": "War"}, "expect_compound_columns_to_be_unique"),
    ("movie_genres", {"movie_id": 99}, "expect_column_values_to_be_in_set"),
    ("movie_statistics", {"ratings": 0}, "expect_column_values_to_be_between"),
    ("movie_statistics", {"bayesian_mean": 5.1}, "expect_column_values_to_be_between"),
    ("movie_statistics", {"last_rated_at": 4}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("movie_statistics", {"movie_id": 99}, "expect_column_values_to_be_in_set"),
    ("ratings_by_year", {"rating_year": 1969}, "expect_column_values_to_be_between"),
    ("ratings_by_year", {"users": 3}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("popular_by_genre", {"rank": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("popular_by_genre", {"genre": "Comedy"}, "expect_column_values_to_be_in_set"),
    ("popular_by_genre", {"genre": "War"}, "expect_compound_columns_to_be_unique"),
    ("user_activity", {"user_id": 99}, "expect_column_values_to_be_in_set"),
    ("user_activity", {"mean_rating": None}, "expect_column_values_to_not_be_null"),
    ("movie_ratings_by_year", {"rating_year": 2101}, "expect_column_values_to_be_between"),
    ("movie_ratings_by_year", {"movie_id": 32}, "expect_compound_columns_to_be_unique"),
    ("recommendations", {"movie_id": 31}, "expect_column_values_to_be_in_set"),
    ("recommendations", {"movie_id": 99}, "expect_column_values_to_be_in_set"),
    ("recommendations", {"user_id": 99}, "expect_column_values_to_be_in_set"),
    ("recommendations", {"rank": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("recommendations", {"reason_movie_ids": "31;32"}, "expect_column_values_to_match_regex"),
    ("similar_movies", {"similar_movie_id": 31}, "expect_column_values_to_be_in_set"),
    ("similar_movies", {"score": 1.5}, "expect_column_values_to_be_between"),
    ("popular_movies", {"scope": "everything"}, "expect_column_values_to_match_regex"),
    ("popular_movies", {"ratings": 0}, "expect_column_values_to_be_between"),
    ("movie_factors", {"movie_id": 32}, "expect_column_values_to_be_unique"),
    ("movie_factors", {"factors": "AACAPwAAAEA"}, "expect_column_values_to_match_regex"),
    ("movie_factors", {"gain": None}, "expect_column_values_to_not_be_null"),
    ("movie_factors", {"prior": -0.5}, "expect_column_values_to_be_between"),
    ("discoveries", {"movie_id": 31}, "expect_column_values_to_be_in_set"),
    ("discoveries", {"rank": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("discovery_prices", {"price": -0.1}, "expect_column_values_to_be_between"),
    ("discovery_prices", {"movie_id": 99}, "expect_column_values_to_be_in_set"),
    ("movie_neighbours", {"neighbour_id": 31}, "expect_column_values_to_be_in_set"),
    ("movie_neighbours", {"neighbour_id": 99}, "expect_column_values_to_be_in_set"),
    ("movie_neighbours", {"rank": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
    ("labelled_reviews", {"byte_offset": 9}, "expect_compound_columns_to_be_unique"),
    ("labelled_reviews", {"corpus_line": 3}, "expect_compound_columns_to_be_unique"),
    ("labelled_reviews", {"byte_offset": -1}, "expect_column_values_to_be_between"),
    ("labelled_reviews", {"label": 2}, "expect_column_values_to_be_in_set"),
    ("labelled_reviews", {"label": None}, "expect_column_values_to_not_be_null"),
    ("labelled_reviews", {"language": None}, "expect_column_values_to_not_be_null"),
    ("labelled_reviews", {"part": "holdout"}, "expect_column_values_to_be_in_set"),
    ("labelled_reviews", {"part": None}, "expect_column_values_to_not_be_null"),
    ("labelled_reviews", {"changes": "spelling"}, "expect_column_values_to_be_in_set"),
    ("labelled_reviews", {"text": ""}, "expect_column_value_lengths_to_be_between"),
    ("labelled_reviews", {"text": "x" * 20_001}, "expect_column_value_lengths_to_be_between"),
    ("labelled_reviews", {"text": "a\tb"}, "expect_column_values_to_not_match_regex"),
    ("review_quarantine", {"reason": "bad mood"}, "expect_column_values_to_be_in_set"),
    ("review_quarantine", {"reason": None}, "expect_column_values_to_not_be_null"),
    ("review_quarantine", {"outcome": "clean"}, "expect_column_values_to_be_in_set"),
    ("review_quarantine", {"raw_line": None}, "expect_column_values_to_not_be_null"),
    ("review_quarantine", {"raw_line": "1,2"}, "expect_column_values_to_match_regex"),
    ("review_quarantine", {"outcome": "superseded"}, "expect_column_values_to_not_be_null"),
    ("review_quarantine", {"byte_offset": 27}, "expect_compound_columns_to_be_unique"),
    ("review_accounting", {"rows_in": 5}, "expect_column_pair_values_to_be_equal"),
    ("review_accounting", {"rows_in": 0, "rows_clean": 0}, "expect_column_values_to_be_between"),
    ("review_accounting", {"rows_clean": 1, "rows_quarantined": 2}, "expect_column_pair_values_a_to_be_greater_than_b"),
]


def read_table(table, columns, between=None):
    return pd.DataFrame(GOOD[table])[list(columns)]


def run(table, rows):
    return validate_frame(load_suite(SUITES, table), pd.DataFrame(rows), read_table)


@pytest.mark.parametrize("table", GOOD)
def test_a_good_batch_passes(table):
    result = run(table, GOOD[table])
    assert result["failed"] == []
    assert result["success"] is True
    assert result["rows"] == len(GOOD[table])


@pytest.mark.parametrize(("table", "change", "expectation"), BAD)
def test_a_seeded_bad_batch_fails_the_rule_that_it_breaks(table, change, expectation):
    rows = [GOOD[table][0] | change, *GOOD[table][1:]]
    result = run(table, rows)
    assert result["success"] is False
    assert expectation in {failure["expectation"] for failure in result["failed"]}


MAY_BE_EMPTY = [
    "scored_reviews",
    "movie_sentiment",
    "quarantine",
    "review_quarantine",
    "tags",
    "links",
    "users",
    "movie_genres",
    "popular_by_genre",
]


def test_a_text_that_breaks_a_rule_is_counted_and_not_shown():
    rows = [*GOOD["labelled_reviews"]]
    rows[0] = {**rows[0], "text": "what Ada wrote\t"}
    outcome = run("labelled_reviews", rows)
    assert [(failure["expectation"], failure["unexpected"]) for failure in outcome["failed"]] == [
        ("expect_column_values_to_not_match_regex", 1)
    ]
    assert "what Ada wrote" not in str(outcome)


@pytest.mark.parametrize("table", [table for table in GOOD if table not in MAY_BE_EMPTY])
def test_an_empty_batch_fails(table):
    columns = table_columns(load_suite(SUITES, table))
    assert validate_frame(load_suite(SUITES, table), pd.DataFrame(columns=columns), read_table)["success"] is False


@pytest.mark.parametrize("table", MAY_BE_EMPTY)
def test_a_table_that_may_be_empty_passes_without_rows(table):
    suite = load_suite(SUITES, table)
    result = validate_frame(suite, pd.DataFrame(columns=table_columns(suite)), read_table)
    assert (result["failed"], result["rows"]) == ([], 0)


def test_every_table_has_a_bad_batch():
    assert {table for table, _, _ in BAD} == set(GOOD) == {path.stem for path in SUITES.glob("*.json")}


@pytest.mark.parametrize(
    ("table", "other"), [("similar_movies", "similar_movie_id"), ("movie_neighbours", "neighbour_id")]
)
def test_a_movie_that_is_near_itself_is_counted_by_one_column(table, other):
    result = run(table, [GOOD[table][0] | {other: 31}, *GOOD[table][1:]])
    assert [(found["kwargs"]["column"], found["unexpected"]) for found in result["failed"]] == [("is_another", 1)]


def test_a_missing_column_fails():
    rows = [{"user_id": 1, "movie_id": 31, "rating": 3.5}]
    failed = {failure["expectation"] for failure in run("ratings", rows)["failed"]}
    assert "expect_table_columns_to_match_set" in failed


def test_a_warning_is_reported_and_does_not_fail_the_batch():
    rows = [row | {"rating": 0.5} for row in GOOD["ratings"]]
    result = run("ratings", rows)
    assert result["success"] is True
    assert [warning["expectation"] for warning in result["warnings"]] == ["expect_column_mean_to_be_between"]
    assert result["warnings"][0]["observed"] == 0.5


def test_missing_numbers_among_the_examples_are_null_because_airflow_stores_the_result_as_json():
    result = run("movies", [row | {"release_year": float("nan")} for row in GOOD["movies"]])
    (warning,) = (found for found in result["warnings"] if found["kwargs"].get("mostly") == 0.95)
    assert set(warning["examples"]) == {None}
    assert json.loads(json.dumps(result["warnings"], allow_nan=False, default=str)) is not None


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.json")), ids=lambda path: path.stem)
def test_a_suite_names_the_columns_of_its_table(path):
    ddl = (ROOT / "hql" / f"create_{path.stem}.hql").read_text(encoding="utf-8")
    declared = re.findall(r"^    `?(\w+)`? [A-Z]+ COMMENT '.+'", ddl, re.M)
    assert table_columns(load_suite(SUITES, path.stem)) == declared


def test_every_reason_that_cleaning_gives_is_known_to_the_quarantine_suite():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "mr_jobs").glob("*.py"))
    given = set(re.findall(r'RejectedRowError\("(\w+)"', source))
    ids = ("user_id", "movie_id", "imdb_id", "tmdb_id")
    given |= {f"{field}{ending}" for field in ids for ending in ("_not_integer", "_out_of_range")}
    given |= {"timestamp_before_1970", "timestamp_before_1995", "timestamp_in_future"}
    (rule,) = [
        expectation["kwargs"]["value_set"]
        for expectation in load_suite(SUITES, "quarantine")["expectations"]
        if expectation["type"] == "expect_column_values_to_be_in_set"
    ]
    given |= {"rejected_by_ingest", *ADVICE, *(f"{role}_{reason}" for role in ("user", "item") for reason in OF_IDS)}
    assert set(rule) == given


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"name": "movies"}', "is named 'movies'"),
        ('{"name": "t", "expectations": [{"type": "x", "severity": "critical"}]}', "x lacks a severity"),
        ('{"name": "t", "expectations": []}', "has no expect_table_columns_to_match_set"),
    ],
)
def test_a_suite_that_cannot_be_run_is_refused(tmp_path, content, message):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(SuiteError, match=message):
        load_suite(tmp_path, "t")
