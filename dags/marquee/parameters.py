"""Bound the parameters of the DAGs: Airflow checks them for the form, the REST API, the command line and backfills.

A value that no program can use is refused before the run starts. tests/contracts/test_bounds_agree.py compares the
bounds with those of the programs.
"""

from __future__ import annotations

from typing import Any

# The largest seed that numpy, MLlib and Optuna all take.
MOST_SEED = 2**32 - 1
MOST_DAYS = 100_000
# Refuses line ends and other control characters, which no path of a file has.
NO_CONTROL_CHARACTERS: dict[str, Any] = {
    "not": {"type": "string", "pattern": r"[\u0000-\u001f\u007f]"},
    "maxLength": 4096,
}
# A data set names folders in HDFS.
DATASET: dict[str, Any] = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9._-]{0,62}$"}
# A login would be in Airflow's database and its pages, so that an address has none.
SOURCE: dict[str, Any] = {
    "type": ["null", "string"],
    "pattern": r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,199}|(s3|hdfs)://([A-Za-z0-9_][A-Za-z0-9_.-]{0,199}@)?[^@:\u0000-\u001f]{1,400})$",
}
QUERY: dict[str, Any] = {"type": ["null", "string"], "maxLength": 20_000}
COLUMN: dict[str, Any] = {**NO_CONTROL_CHARACTERS, "type": "string", "minLength": 1, "maxLength": 200}


def whole(least: int, most: int) -> dict[str, Any]:
    """Return the schema of a whole number; 8.0 is one, so templates add `| int`."""
    return {"type": "integer", "minimum": least, "maximum": most}


def number(most: float, *, above_0: bool = False) -> dict[str, Any]:
    """Return the schema of a number from 0, or above it, to `most`."""
    least = {"exclusiveMinimum": 0} if above_0 else {"minimum": 0}
    # NaN is neither below nor above a bound, and Python's JSON reads it. This rule asks for a number that is not below 0.
    return {"type": "number", **least, "maximum": most, "not": {"exclusiveMaximum": 0}}


SETTINGS: dict[str, dict[str, Any]] = {
    "rank": whole(1, 512),
    "max_iter": whole(1, 100),
    "reg_param": number(100),
    "alpha": number(1000, above_0=True),
    "seed": whole(0, MOST_SEED),
    "cg_steps": whole(0, 100),
    "confidence_half_life_days": number(MOST_DAYS, above_0=True),
    "profile_half_life_days": number(MOST_DAYS, above_0=True),
    "neighbours": whole(0, 10_000),
    "largest_system": whole(1, 40_000),
    "neighbour_ridge": number(1_000_000, above_0=True),
    "neighbour_weight": number(100_000),
    "genre_weight": number(1000),
    "year_weight": number(1000),
    "prior_half_life_days": number(MOST_DAYS, above_0=True),
    "personal_weight": number(1000),
    "gain_power": number(10),
    "first_visit_days": number(MOST_DAYS),
    "first_visit_weight": number(1, above_0=True),
}
# The schema of `model_settings`: a misspelt name would otherwise stop the run only when it trains.
MODEL_SETTINGS: dict[str, Any] = {"type": "object", "properties": SETTINGS, "additionalProperties": False}
