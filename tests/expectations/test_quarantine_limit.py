"""Test what a share of quarantined rows warns of, what it stops, and what it says."""

import base64
from typing import Any

import pandas as pd
import pytest

from expectations.quarantine_limit import advice_for, judge_quarantine


def judged(
    rows: int, reasons: dict[str, int], limit: float = 0.2, file: str = "ratings.csv"
) -> dict[str, list[dict[str, Any]]]:
    accounting = pd.DataFrame({"source_file": [file], "rows_in": [rows], "rows_quarantined": [sum(reasons.values())]})
    quarantine = pd.DataFrame(
        [
            {"source_file": file, "reason": reason, "raw_line": base64.b64encode(f"row of {reason}".encode())}
            for reason, count in reasons.items()
            for _ in range(count)
        ],
        columns=["source_file", "reason", "raw_line"],
    )
    quarantine["raw_line"] = quarantine["raw_line"].map(lambda raw: raw.decode())
    return judge_quarantine(accounting, quarantine, limit)


@pytest.mark.parametrize(
    ("rejected", "failed", "warned"),
    [(0, 0, 0), (10, 0, 0), (11, 0, 1), (200, 0, 1), (201, 1, 0), (490, 1, 0), (510, 1, 0), (1000, 1, 0)],
)
def test_more_than_one_percent_warns_and_more_than_the_limit_stops(rejected: int, failed: int, warned: int) -> None:
    found = judged(1000, {"empty_line": rejected} if rejected else {})
    assert (len(found["failed"]), len(found["warnings"])) == (failed, warned)


def test_the_limit_is_a_setting() -> None:
    assert judged(1000, {"empty_line": 300}, limit=0.5)["failed"] == []
    assert len(judged(1000, {"empty_line": 30}, limit=0.02)["failed"]) == 1


def test_one_bad_row_of_three_warns_alone() -> None:
    found = judged(3, {"empty_line": 1})
    assert (len(found["failed"]), len(found["warnings"])) == (0, 1)


def test_the_three_commonest_reasons_come_with_a_row_and_the_line_that_would_help() -> None:
    found = judged(
        1000,
        {"user_id_not_integer": 100, "rating_off_half_star_grid": 300, "timestamp_in_future": 50, "empty_line": 5},
    )
    (failure,) = found["failed"]
    assert failure["examples"] == [
        "300 rating_off_half_star_grid, such as 'row of rating_off_half_star_grid'; look at `step` in [values]",
        "100 user_id_not_integer, such as 'row of user_id_not_integer'; look at [ids], `unit` in [time], "
        "or the column in [ratings.columns]",
        "50 timestamp_in_future, such as 'row of timestamp_in_future'; look at `unit` in [time]",
    ]
    assert (failure["unexpected"], failure["observed"]) == (455, 0.455)


def test_texts_of_persons_are_no_examples() -> None:
    (failure,) = judged(100, {"empty": 30}, file="feedback-reviews.jsonl")["failed"]
    assert failure["examples"] == ["30 empty; look at the file itself"]
    (failure,) = judged(100, {"empty": 30}, file="mine.jsonl")["failed"]
    assert failure["examples"] == ["30 empty, such as 'row of empty'; look at the file itself"]


def test_every_reason_of_the_cleaning_jobs_has_advice_or_is_about_the_file() -> None:
    assert advice_for("movie_id_out_of_range").startswith("`unit` in [time], `lowest`")
    assert advice_for("title_missing") == "the column in [items.columns] or [ratings.columns]"
    assert advice_for("empty_line") == "the file itself"
