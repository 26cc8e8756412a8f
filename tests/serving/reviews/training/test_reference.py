"""What live predictions are compared with: tenths of the test texts' values, and their shares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serving.reviews.model.sentiment import Prediction
from serving.reviews.training.reference import reference, tenths

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def prediction(probability: float, known: float) -> Prediction:
    label = "positive" if probability >= 0.5 else "negative"
    return Prediction(label, probability, abs(probability - 0.5) >= 0.1, "en", [], known)


def test_ten_different_values_are_a_bin_each() -> None:
    found = tenths([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
    assert found["counts"] == [1] * 10
    assert found["edges"] == [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85]


def test_a_value_that_is_an_edge_belongs_to_the_bin_below_it() -> None:
    # Of short texts, shares of known n-grams are fractions that many texts have.
    assert tenths([0.5] * 6 + [1.0] * 4) == {"edges": [0.5], "counts": [6, 4]}
    assert tenths([0.25, 0.5, 0.5, 1.0]) == {"edges": [0.25, 0.5], "counts": [1, 2, 1]}
    assert tenths([1.0] * 9) == {"edges": [], "counts": [9]}


@given(SHARES)
def test_each_value_is_in_one_bin_and_no_bin_is_empty(values: list[float]) -> None:
    found = tenths(values)
    assert sum(found["counts"]) == len(values)
    assert len(found["counts"]) == len(found["edges"]) + 1 <= 10
    assert found["edges"] == sorted(set(found["edges"]))
    assert min(found["counts"]) > 0


def test_the_shares_and_the_accuracy_are_those_of_the_texts() -> None:
    predictions = [prediction(0.9, 1.0), prediction(0.55, 0.5), prediction(0.2, 0.5), prediction(0.1, 0.0)]
    found = reference(predictions, [1, 0, 0, 0])
    del found["bins"]
    assert found == {"texts": 4, "positive_share": 0.5, "confident_share": 0.75, "accuracy": 0.75}
