"""The statements: one each, documented, rendered from documented parameters, and fit for their tables."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

HQL = Path(__file__).parents[2] / "hql"
FILES = sorted(HQL.glob("*.hql"))
# The build sorts these. One reducer would sort all lists of a large batch.
UNSORTED = {
    HQL / f"export_{table}.hql" for table in ("recommendations", "discoveries", "similar_movies", "movie_neighbours")
}
PARAMETERS = {
    "batch_id": "20261123T190000",
    "attempt": "2-0199-cafe",
    "dataset": "ml-latest",
    "table": "ratings",
    "layout": {"ratings": {}, "movies": {}},
    "files": [
        {"name": "ratings.csv", "role": "ratings", "rows": 7},
        {"name": "README.txt", "role": "documentation", "rows": None},
        {"name": "movies.csv", "role": "movies", "rows": 2},
    ],
}


def rendered(path: Path) -> str:
    return jinja2.Template(path.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined).render(PARAMETERS)


def columns_of(table: str) -> list[str]:
    return re.findall(
        r"^    `?(\w+)`? [A-Z]+ COMMENT '.+'", (HQL / f"create_{table}.hql").read_text(encoding="utf-8"), re.M
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_one_documented_statement(path):
    text = path.read_text(encoding="utf-8")
    header = [line for line in text.splitlines() if line.startswith("--")]
    assert any(line.startswith("-- Parameters: ") for line in header)
    assert any(line.startswith("-- Usage: ") for line in header)
    assert ";" not in re.sub(r"--.*", "", text), "HiveServer2 takes one statement without a semicolon"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_renders_from_the_parameters_that_it_names(path):
    text = path.read_text(encoding="utf-8")
    stated = re.search(r"-- Parameters: (.*(?:\n-- (?!Usage).*)*)", text)[1]
    used = {name for name in PARAMETERS if re.search(r"\{[{%][^}]*\b" + name + r"\b", text)}
    assert used == {name for name in PARAMETERS if re.search(rf"\b{name}\b", stated)}
    assert "{{" not in rendered(path)


@pytest.mark.parametrize("path", sorted(HQL.glob("create_*.hql")), ids=lambda path: path.stem)
def test_tables_are_external_commented_and_not_transactional(path):
    if path.stem in ("create_database", "create_attempt_database", "create_attempt_table"):
        return
    text = path.read_text(encoding="utf-8")
    table = path.stem.removeprefix("create_")
    assert text.count("CREATE EXTERNAL TABLE IF NOT EXISTS marquee." + table + " (") == 1
    if table == "ids":
        # Its files are ingest's, of all batches of a data set.
        assert "PARTITIONED BY (dataset STRING COMMENT" in text
        assert "LOCATION '/marquee/ids'" in text
        assert "STORED AS TEXTFILE" in text
        return
    assert "PARTITIONED BY (batch_id STRING COMMENT" in text
    assert f"LOCATION '/marquee/warehouse/{table}'" in text
    assert "'transactional' = 'false'" in text
    assert ("STORED AS TEXTFILE" if table.startswith("staging_") else "STORED AS ORC") in text
    if not table.startswith("staging_"):
        assert "'orc.compress' = 'ZSTD'" in text


@pytest.mark.parametrize(
    "path",
    sorted({*HQL.glob("load_*.hql"), *HQL.glob("export_*.hql"), HQL / "add_partition.hql"} - UNSORTED),
    ids=lambda path: path.stem,
)
def test_a_load_replaces_its_output_in_a_total_order(path):
    text = rendered(path)
    if "ALTER TABLE" in text:
        assert "ADD IF NOT EXISTS PARTITION (batch_id = '20261123T190000')" in text
    else:
        assert "INSERT OVERWRITE" in text
        assert re.search(r"\nORDER BY [^)]+\n?$", text), "without a total order a rerun gives other bytes"


@pytest.mark.parametrize("path", sorted(UNSORTED), ids=lambda path: path.stem)
def test_an_export_of_lists_replaces_its_output_without_a_sort(path):
    assert "INSERT OVERWRITE DIRECTORY" in rendered(path)
    assert "ORDER BY" not in rendered(path)


@pytest.mark.parametrize("table", sorted(path.stem.removeprefix("export_") for path in HQL.glob("export_*.hql")))
def test_an_export_has_the_columns_of_its_table_in_their_order(table):
    text = (HQL / f"export_{table}.hql").read_text(encoding="utf-8")
    selected = re.search(r"SELECT\n(.*?)\nFROM", text, re.S)[1]
    assert [name.strip(" `,") for name in selected.splitlines()] == columns_of(table)


def test_row_accounting_counts_the_data_files_alone():
    text = rendered(HQL / "load_row_accounting.hql")
    assert re.findall(r"'(\w+\.\w+)' AS source_file,\s+CAST\((\d+) AS BIGINT\)", text) == [
        ("ratings.csv", "7"),
        ("movies.csv", "2"),
    ]
    assert "README" not in text
    assert text.count("UNION ALL") == 2


def test_quarantine_and_row_accounting_read_the_staging_tables_of_the_parts_that_there_are():
    for name in ("load_quarantine", "load_row_accounting"):
        text = (HQL / f"{name}.hql").read_text(encoding="utf-8")
        parts = PARAMETERS | {"layout": {"ratings": {}, "movies": {}, "users": {}}}
        sql = jinja2.Template(text).render(parts)
        assert re.findall(r"FROM marquee.staging_(\w+)", sql) == ["movies", "ratings", "users"]


def test_a_load_reads_what_the_same_load_wrote_and_not_the_batch_that_it_replaces():
    for path in HQL.glob("load_*.hql"):
        read = re.findall(r"(?:FROM|JOIN)\s+(marquee\w*)\.(\w+)", rendered(path))
        # The clean rows of mrjob, and the scores of Spark, were written by tasks before the load.
        written_before = {table for _, table in read if table.startswith("staging_")} | {"scored_reviews"}
        assert {database for database, table in read if table not in written_before} <= {"marquee_attempt"}, path


@pytest.mark.parametrize("part", ["ratings", "movies", "tags", "links", "users"])
def test_a_staging_table_has_its_tables_columns_between_where_a_row_stands_and_why_it_is_rejected(part):
    tags, why = ["outcome", "source_file", "byte_offset"], ["reason", "raw_line"]
    assert columns_of(f"staging_{part}") == [*tags, *columns_of(part), *why]
    assert f"LOCATION '/marquee/clean/ml-latest/20261123T190000/{part}'" in rendered(HQL / f"load_staging_{part}.hql")
