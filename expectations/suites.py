"""Load the suites: one JSON document a table, in Great Expectations' format.

An expectation's ``severity`` is ``critical`` (the run stops before it publishes anything) or ``warning`` (the run shows
it and goes on). Its ``notes`` give the reason for it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE_COLUMNS = "expect_table_columns_to_match_set"


class SuiteError(Exception):
    """Report a suite file that is missing or cannot be run."""


def load_suite(folder: Path, table: str) -> dict[str, Any]:
    """Return the suite document of ``table``; raise SuiteError with its fault."""
    path = folder / f"{table}.json"
    if not path.is_file():
        raise SuiteError(f"{path} does not exist. Write a suite with the table's name.")
    try:
        suite: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path} is not JSON ({error}). Correct it.") from error
    if suite.get("name") != table:
        raise SuiteError(f"{path} is named {suite.get('name')!r}. Give it its table's name.")
    for expectation in suite.get("expectations", []):
        if expectation.get("severity") not in {"critical", "warning"} or not expectation.get("notes"):
            raise SuiteError(
                f"{path}: {expectation.get('type')} lacks a severity (critical, warning) or notes (why). Add them."
            )
    table_columns(suite)
    return suite


def table_columns(suite: dict[str, Any]) -> list[str]:
    """Return the table's columns, from the suite."""
    for expectation in suite["expectations"]:
        if expectation["type"] == TABLE_COLUMNS:
            derived = set(suite.get("meta", {}).get("derived_columns", {}))
            return [column for column in expectation["kwargs"]["column_set"] if column not in derived]
    raise SuiteError(f"Suite {suite['name']} has no {TABLE_COLUMNS}. Add it: every suite states its table's columns.")


def columns_alone(suite: dict[str, Any]) -> dict[str, Any]:
    """Return the suite with only its rule about the table's columns.

    Without the columns, no other rule can be computed.
    """
    (expected,) = (expectation for expectation in suite["expectations"] if expectation["type"] == TABLE_COLUMNS)
    kwargs = {**expected["kwargs"], "column_set": table_columns(suite)}
    return {**suite, "expectations": [{**expected, "kwargs": kwargs}], "meta": {}}
