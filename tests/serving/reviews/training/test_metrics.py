"""Metrics: worked examples, properties, and scikit-learn's answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from serving.reviews.training import metrics

LABELS = np.array([1, 1, 0, 0])
PROBABILITIES = np.array([0.9, 0.4, 0.6, 0.1])
pairs = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=50)


def arrays(rows: list[tuple[int, float]]) -> tuple[metrics.Labels, metrics.Probabilities]:
    return np.array([label for label, _ in rows]), np.array([probability for _, probability in rows])


def test_figures_of_four_texts() -> None:
    assert metrics.figures(LABELS, PROBABILITIES) == {
        "texts": 4,
        "positive_share": 0.5,
        "accuracy": 0.5,
        "f1": 0.5,
        "roc_auc": 0.75,
        "log_loss": pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.9)) / 4),
        "ece": pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4),
    }
    assert metrics.confusion(LABELS, PROBABILITIES) == {
        "true_positive": 1,
        "false_positive": 1,
        "true_negative": 1,
        "false_negative": 1,
    }


def test_one_class_has_no_roc_auc_and_no_positive_gives_an_f1_of_zero() -> None:
    assert metrics.roc_auc(np.array([1, 1]), np.array([0.2, 0.9])) is None
    assert metrics.f1(np.array([0]), np.array([0.2])) == 0.0


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    assert metrics.reliability(np.array([1, 0]), np.array([1.0, 0.95])) == [(0.975, 0.5, 2)]


@settings(deadline=None)
@given(pairs)
def test_the_figures_are_those_of_scikit_learn(rows: list[tuple[int, float]]) -> None:
    labels, probabilities = arrays(rows)
    predicted = probabilities >= 0.5
    assert metrics.accuracy(labels, probabilities) == pytest.approx(theirs.accuracy_score(labels, predicted))
    assert metrics.f1(labels, probabilities) == pytest.approx(theirs.f1_score(labels, predicted, zero_division=0))
    assert metrics.log_loss(labels, probabilities) == pytest.approx(
        theirs.log_loss(labels, np.clip(probabilities, 1e-15, 1 - 1e-15), labels=[0, 1]), rel=1e-2
    )
    if 0 < labels.sum() < len(labels):
        assert metrics.roc_auc(labels, probabilities) == pytest.approx(theirs.roc_auc_score(labels, probabilities))


@settings(deadline=None)
@given(pairs)
def test_a_calibration_error_lies_between_zero_and_one_and_ignores_the_order(rows: list[tuple[int, float]]) -> None:
    error = metrics.expected_calibration_error(*arrays(rows))
    assert 0 <= error <= 1
    assert metrics.expected_calibration_error(*arrays(rows[::-1])) == pytest.approx(error)


@settings(deadline=None)
@given(pairs)
def test_predicting_the_labels_themselves_has_no_error(rows: list[tuple[int, float]]) -> None:
    labels, _ = arrays(rows)
    assert metrics.expected_calibration_error(labels, labels.astype(float)) == 0.0
    assert metrics.accuracy(labels, labels.astype(float)) == 1.0
