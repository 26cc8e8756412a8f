"""Judge how many of a file's rows were quarantined, and say for what and what would help."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import pandas as pd

WARN_ABOVE = 0.01
DEFAULT_LIMIT = 0.2
# In a file of a few rows one bad row would be a large share.
FEWEST_ROWS = 20
REASONS_SHOWN = 3
LONGEST_EXAMPLE = 120
# What users of the reviews service gave. The task's log and result outlive a deleted account.
TEXTS_OF_PERSONS = "feedback-reviews.jsonl"
COLUMNS = ["source_file", "reason", "raw_line"]

# By the end of a reason: what a person changes. `[...]` are tables of the mapping, see docs/own-data.md.
ADVICE = (
    # The reasons of own data, which ingest gives.
    ("value_missing", "`value` in [ratings.columns]"),
    ("_outside_scale", "`lowest`, `highest` and `seen` in [values]"),
    ("_between_steps", "`step` in [values]"),
    ("_below_zero", "`seen` in [values]"),
    ("time_missing", "`time` in [ratings.columns]"),
    ("time_not_number", "`unit` in [time]"),
    ("_not_readable", "`unit` in [time]"),
    ("time_out_of_range", "`unit` in [time]"),
    ("event_missing", "`event` in [ratings.columns]"),
    ("event_unknown", "[events]"),
    ("_too_long", "the column in [ratings.columns]"),
    ("not_in_encoding", "`encoding` in [ratings]"),
    ("_json", "`shape` in [ratings]"),
    ("no_json_object", "`shape` in [ratings]"),
    ("no_heading_before", "`shape` in [ratings]"),
    ("_has_control_character", "`delimiter` and `quote` in [ratings]"),
    ("_not_integer", "[ids], `unit` in [time], or the column in [ratings.columns]"),
    ("_out_of_range", "`unit` in [time], `lowest` and `highest` in [values], or the column in [ratings.columns]"),
    ("_not_number", "`value` in [ratings.columns], or `decimal` in [values]"),
    ("_grid", "`step` in [values]"),
    ("_before_1970", "`unit` in [time]"),
    ("_before_1995", "`unit` in [time]"),
    ("_in_future", "`unit` in [time]"),
    ("missing_fields", "`delimiter` and `quote` in [ratings]"),
    ("extra_fields", "`delimiter` and `quote` in [ratings]"),
    ("bad_quoting", "`quote` and `escape` in [ratings]"),
    ("not_utf8", "`encoding` in [ratings]"),
    ("control_character", "`encoding` in [ratings]"),
    ("_missing", "the column in [items.columns] or [ratings.columns]"),
)


def judge_quarantine(
    accounting: pd.DataFrame, quarantine: pd.DataFrame, limit: float
) -> dict[str, list[dict[str, Any]]]:
    """Return ``failed`` and ``warnings``, in the form of a failed expectation.

    ``accounting`` has the counts of each file, ``quarantine`` the columns COLUMNS.
    """
    found: dict[str, list[dict[str, Any]]] = {"failed": [], "warnings": []}
    for row in accounting.to_dict("records"):
        rows, rejected = int(row["rows_in"]), int(row["rows_quarantined"])
        share = rejected / rows if rows else 0.0
        if share <= WARN_ABOVE:
            continue
        stops = share > limit and rows >= FEWEST_ROWS
        found["failed" if stops else "warnings"].append(
            {
                "expectation": "rows_quarantined_of_a_file",
                "kwargs": {"source_file": row["source_file"], "warning": WARN_ABOVE, "limit": limit},
                "why": "Rows are quarantined because they break a rule. So many say that the file is read the wrong way.",
                "unexpected": rejected,
                "observed": share,
                "examples": commonest_reasons(
                    quarantine[quarantine["source_file"] == row["source_file"]],
                    shown=row["source_file"] != TEXTS_OF_PERSONS,
                ),
            }
        )
    return found


def commonest_reasons(quarantine: pd.DataFrame, *, shown: bool = True) -> list[str]:
    """Return the commonest reasons, each with an example row and what to look at.

    Rows that are not `shown` give no example.
    """
    counts = quarantine["reason"].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return [
        f"{count} {reason}"
        + (f", such as {_text(quarantine[quarantine['reason'] == reason]['raw_line'].iloc[0])!r}" if shown else "")
        + f"; look at {advice_for(str(reason))}"
        for reason, count in counts.head(REASONS_SHOWN).items()
    ]


def advice_for(reason: str) -> str:
    """Return the line of the mapping that decides about a reason."""
    return next((advice for end, advice in ADVICE if reason.endswith(end)), "the file itself")


def _text(raw: object) -> str:
    try:
        text = base64.b64decode(str(raw)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return text if len(text) <= LONGEST_EXAMPLE else text[: LONGEST_EXAMPLE - 3] + "..."
