"""Drift: the index by hand, what is kept of a batch, and when it is a warning or an error."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.drift import Limits, compare, judge, population_stability_index, profile

COUNTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)


def test_the_index_of_two_bins_is_what_one_computes_by_hand() -> None:
    # 60 and 40 of 100 became 40 and 60; half a row is added to each bin: 60.5/101 and 40.5/101.
    q, p = 60.5 / 101, 40.5 / 101
    assert population_stability_index([60, 40], [40, 60]) == pytest.approx(2 * (p - q) * math.log(p / q))
    assert population_stability_index([60, 40], [40, 60]) == pytest.approx(0.158947, abs=1e-6)


def test_shares_count_and_not_numbers() -> None:
    assert population_stability_index([1000, 3000], [2000, 6000]) == pytest.approx(0, abs=1e-6)


def test_an_empty_bin_gives_a_number() -> None:
    assert population_stability_index([100, 0], [0, 100]) == pytest.approx(10.5, abs=0.1)


@given(COUNTS, st.randoms())
def test_the_index_is_never_negative_and_takes_both_batches_alike(reference: list[int], random: object) -> None:
    current = list(reference)
    random.shuffle(current)  # type: ignore[attr-defined]
    index = population_stability_index(reference, current)
    assert index >= 0
    assert index == pytest.approx(population_stability_index(current, reference))


def test_the_profile_keeps_counts_of_values_and_of_tenths() -> None:
    frame = pd.DataFrame({"rating": [3.0, 3.0, 4.5, None], "rated_at": [1, 2, 3, 4]})
    kept = profile(frame, {"rating": "values", "rated_at": "quantiles"})
    assert kept["rows"] == 4
    assert kept["columns"]["rating"] == {"counts": {"3.0": 2, "4.5": 1}}
    assert kept["columns"]["rated_at"]["edges"][:2] == [pytest.approx(1.3), pytest.approx(1.6)]
    assert sum(kept["columns"]["rated_at"]["counts"]) == 4


def test_ten_equal_bins_for_a_thousand_different_values() -> None:
    kept = profile(pd.DataFrame({"x": range(1000)}), {"x": "quantiles"})
    assert kept["columns"]["x"]["counts"] == [100] * 10


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="declared as 'histogram', not values or quantiles"):
        profile(pd.DataFrame({"x": [1]}), {"x": "histogram"})


def test_the_same_batch_again_has_not_moved() -> None:
    frame = pd.DataFrame({"x": [1, 1, 2, 3, 5, 8], "y": list("aabbcc")})
    kept = profile(frame, {"x": "quantiles", "y": "values"})
    assert compare(kept, frame) == {"rows": 0.0, "psi": {"x": 0.0, "y": 0.0}}


def test_a_value_that_was_not_there_before_counts() -> None:
    kept = profile(pd.DataFrame({"y": ["a"] * 50}), {"y": "values"})
    moved = compare(kept, pd.DataFrame({"y": ["a"] * 25 + ["b"] * 75}))
    assert moved["rows"] == 1.0
    assert moved["psi"]["y"] > 1


def test_an_empty_batch_on_either_side_has_no_distribution() -> None:
    empty, full = pd.DataFrame({"x": pd.Series(dtype=float)}), pd.DataFrame({"x": [1.0, 2.0]})
    assert compare(profile(empty, {"x": "quantiles"}), full) == {"rows": 2.0, "psi": {}}
    assert compare(profile(full, {"x": "quantiles"}), empty) == {"rows": -1.0, "psi": {}}


def test_a_column_that_the_earlier_suite_looked_at_and_that_is_gone_is_not_compared() -> None:
    kept = profile(pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), {"x": "quantiles", "y": "values"})
    assert compare(kept, pd.DataFrame({"y": ["a", "b"]})) == {"rows": 0.0, "psi": {"y": 0.0}}


@pytest.mark.parametrize(
    ("rows", "psi", "failed", "warnings"),
    [
        (0.1, 0.1, [], []),
        (0.11, 0.0, [], ["row_count_close_to_batch_B"]),
        (-0.6, 0.0, ["row_count_close_to_batch_B"], []),
        (0.0, 0.2, [], ["distribution_of_x_close_to_batch_B"]),
        (0.0, 0.3, ["distribution_of_x_close_to_batch_B"], []),
    ],
)
def test_beyond_a_limit_it_is_a_warning_and_beyond_the_other_an_error(
    rows: float, psi: float, failed: list[str], warnings: list[str]
) -> None:
    found = judge({"rows": rows, "psi": {"x": psi}}, "B", Limits())
    assert [note["expectation"] for note in found["failed"]] == failed
    assert [note["expectation"] for note in found["warnings"]] == warnings


def test_times_that_are_all_the_batchs_are_not_compared():
    before, now = pd.DataFrame({"rated_at": [5, 5, 5]}), pd.DataFrame({"rated_at": [9, 9, 9, 9]})
    kept = profile(before, {"rated_at": "quantiles"})
    assert kept == {"rows": 3, "columns": {"rated_at": {"edges": [], "counts": [0]}}}
    assert compare(kept, now)["psi"] == {}
