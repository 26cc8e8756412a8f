"""Tables of lists are validated some users at a time, with the outcome of all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations.pieces import outcome_of_pieces, pieces
from expectations.suites import load_suite
from expectations.validate import validate_frame

SUITES = Path(__file__).parents[2] / "expectations"
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:great_expectations.*"),
]
OTHERS = {
    "movies": pd.DataFrame({"movie_id": range(1, 40)}),
    "ratings": pd.DataFrame({"user_id": [1, 2, 3, 4, 5], "movie_id": [31, 32, 33, 34, 35]}),
}


def lists(**changed: list[Any]) -> pd.DataFrame:
    """Five users with lists of three movies, with columns changed at the rows that are not None."""
    rows = {
        "user_id": [user for user in range(1, 6) for _ in range(3)],
        "rank": [1, 2, 3] * 5,
        "movie_id": [1, 2, 3] * 5,
        "score": [0.3, 0.2, 0.1] * 5,
        "reason_movie_ids": ["31,32", "", "31"] * 5,
    }
    frame = pd.DataFrame(rows)
    for name, values in changed.items():
        frame[name] = [old if new is None else new for old, new in zip(frame[name], values, strict=True)]
    return frame


def read_table(table: str, columns: Any, between: tuple[int, int] | None = None, /) -> pd.DataFrame:
    return OTHERS[table][list(columns)]


def test_a_piece_ends_with_the_rows_of_a_user_wherever_a_file_does() -> None:
    whole = lists()
    files = [whole[:4], whole[4:5], whole[5:11], whole[11:]]
    assert [piece["user_id"].unique().tolist() for piece in pieces(iter(files), "user_id", 5)] == [
        [1],
        [2, 3],
        [4],
        [5],
    ]
    assert [len(piece) for piece in pieces(iter(files), "user_id", 100)] == [15]
    assert [len(piece) for piece in pieces(iter([whole[:0]]), "user_id", 5)] == [0]


def test_files_that_are_not_in_order_are_refused_by_the_value_that_comes_again() -> None:
    whole = lists()
    with pytest.raises(ValueError, match="not in the order of user_id: 3 comes again"):
        list(pieces(iter([whole[:12], whole[:6]]), "user_id", 5))


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({}, set()),
        ({"movie_id": [None] * 13 + [35, None]}, {"expect_column_values_to_be_in_set"}),
        ({"rank": [None, 1] + [None] * 12 + [2]}, {"expect_compound_columns_to_be_unique"}),
        ({"reason_movie_ids": ["x"] * 15}, {"expect_column_values_to_match_regex"}),
    ],
)
def test_the_outcome_of_pieces_is_that_of_the_whole(
    changed: dict[str, list[Any]], rules: set[str], tmp_path: Path
) -> None:
    suite, frame = load_suite(SUITES, "recommendations"), lists(**changed)
    at_once = validate_frame(suite, frame, read_table)
    shown: list[list[int]] = []

    def outcome(piece: pd.DataFrame, is_shown: bool) -> dict[str, Any]:
        if is_shown:
            shown.append(piece["user_id"].unique().tolist())
        return validate_frame(suite, piece, read_table, tmp_path if is_shown else None)

    found = outcome_of_pieces(pieces(iter([frame[:7], frame[7:]]), "user_id", 6), outcome)
    assert {fault["expectation"] for fault in found["failed"]} == rules
    for name in ("success", "rows", "expectations"):
        assert found[name] == at_once[name]
    for kind in ("failed", "warnings"):
        counted = [[(f["expectation"], f["kwargs"], f["unexpected"]) for f in of[kind]] for of in (found, at_once)]
        assert counted[0] == counted[1]
    assert len(shown) == 1
    assert list(tmp_path.glob("validations/**/*.html"))


def test_data_docs_show_the_first_piece_that_fails_and_examples_are_few() -> None:
    shown: list[int] = []

    def outcome(piece: pd.DataFrame, is_shown: bool) -> dict[str, Any]:
        number = int(piece["user_id"].iloc[0])
        if is_shown:
            shown.append(number)
        fault = {
            "expectation": "e",
            "kwargs": {},
            "why": "",
            "unexpected": 4,
            "observed": None,
            "examples": [number] * 4,
        }
        return {"rows": 3, "success": number < 3, "expectations": 1, "failed": [fault][: number >= 3], "warnings": []}

    found = outcome_of_pieces(pieces(iter([lists()]), "user_id", 100), outcome)
    assert (found["success"], shown) == (True, [1])
    shown.clear()
    one_by_one = (frame for _, frame in lists().groupby("user_id"))
    found = outcome_of_pieces(one_by_one, outcome)
    assert shown == [3]
    (fault,) = found["failed"]
    assert (fault["unexpected"], fault["examples"], found["rows"]) == (12, [3, 3, 3, 3, 4], 15)
