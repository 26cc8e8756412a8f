"""Suites as files: one JSON document a table, in Great Expectations' own format.

An expectation's ``severity`` is ``critical`` (an error: the run stops before anything is published) or ``warning`` (it
is shown, and the run goes on); ``notes`` says why it is expected.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE_COLUMNS = "expect_table_columns_to_match_set"


class SuiteError(Exception):
    """A suite file that is missing or says something that cannot be run."""


def load_suite(folder: Path, table: str) -> dict[str, Any]:
    """Return the suite document of ``table``; raises SuiteError naming what is wrong with it."""
    path = folder / f"{table}.json"
    if not path.is_file():
        raise SuiteError(f"{path} does not exist; a table needs a suite of its name.")
    try:
        suite: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path} is no JSON ({error}); correct it.") from error
    if suite.get("name") != table:
        raise SuiteError(f"{path} is named {suite.get('name')!r}; a suite has its table's name.")
    for expectation in suite.get("expectations", []):
        if expectation.get("severity") not in {"critical", "warning"} or not expectation.get("notes"):
            raise SuiteError(f"{path}: {expectation.get('type')} lacks a severity (critical, warning) or notes (why).")
    table_columns(suite)
    return suite


def table_columns(suite: dict[str, Any]) -> list[str]:
    """Return the columns that the suite says its table has."""
    for expectation in suite["expectations"]:
        if expectation["type"] == TABLE_COLUMNS:
            derived = set(suite.get("meta", {}).get("derived_columns", {}))
            return [column for column in expectation["kwargs"]["column_set"] if column not in derived]
    raise SuiteError(f"Suite {suite['name']} has no {TABLE_COLUMNS}; every suite states its table's columns.")


def columns_alone(suite: dict[str, Any]) -> dict[str, Any]:
    """Return the suite with nothing but what it says of the table's columns: without them no other rule can be computed."""
    (expected,) = (expectation for expectation in suite["expectations"] if expectation["type"] == TABLE_COLUMNS)
    kwargs = {**expected["kwargs"], "column_set": table_columns(suite)}
    return {**suite, "expectations": [{**expected, "kwargs": kwargs}], "meta": {}}
