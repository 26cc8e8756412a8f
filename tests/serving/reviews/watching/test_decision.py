"""When to train again: what is a cause, what its name is, and what holds a training back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.reviews.watching.decision import Figure, Limits, decide, figures

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=7)
LIMITS = Limits()


def measured(labelled: int = 0, **languages: tuple[int, float, float | None]) -> dict[str, Any]:
    return {
        "publication": "20261121T030000",
        "model_version": "3",
        "languages": {
            name: {"texts": texts, "accuracy": accuracy, "expected": expected}
            for name, (texts, accuracy, expected) in languages.items()
        },
        "labelled": labelled,
    }


CAUSES = {
    "three points below on 200 texts": (measured(en=(200, 0.84, 0.87)), "accuracy-20261121T030000-1"),
    "one language of two": (measured(en=(900, 0.88, 0.87), ko=(450, 0.7, 0.87)), "accuracy-20261121T030000-3"),
    "both together": (measured(en=(150, 0.8, 0.87), ko=(150, 0.8, 0.87)), "accuracy-20261121T030000-1"),
    "labelled texts": (measured(labelled=500), "labelled-20261121T120000-1"),
    "twice as many labelled texts": (measured(labelled=1200), "labelled-20261121T120000-2"),
    "low accuracy before labelled texts": (measured(900, en=(250, 0.5, 0.9)), "accuracy-20261121T030000-1"),
}
NONE = {
    "nothing": measured(),
    "199 texts": measured(en=(199, 0.1, 0.87)),
    "2.9 points below": measured(en=(1000, 0.841, 0.87)),
    "better than the gate saw": measured(en=(1000, 0.99, 0.87)),
    "a gate that said nothing": measured(en=(1000, 0.5, None)),
    "499 labelled texts": measured(labelled=499),
    "no model": measured() | {"publication": None, "model_version": None},
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_starts_a_training_and_has_a_name(name: str) -> None:
    given_, cause = CAUSES[name]
    found = decide(given_, LONG_AGO, NOW, LIMITS)
    assert (found.train, found.cause) == (True, cause)


@pytest.mark.parametrize("name", NONE)
def test_without_a_cause_nothing_is_trained(name: str) -> None:
    found = decide(NONE[name], LONG_AGO, NOW, LIMITS)
    assert (found.train, found.cause) == (False, "")
    assert found.reason == "The accuracy on feedback is no cause, and too few labelled texts have come in."


def test_the_reason_says_what_was_seen() -> None:
    found = decide(measured(en=(250, 0.8, 0.87)), None, NOW, LIMITS)
    assert found.reason == "On 250 labelled texts (en) the model is right in 80.0%, and the gate saw 87.0%."
    assert decide(measured(500), None, NOW, LIMITS).cause == "labelled-first-1"


def test_within_the_pause_after_any_training_a_cause_waits() -> None:
    low = measured(en=(250, 0.8, 0.87))
    found = decide(low, NOW - timedelta(hours=23, minutes=59), NOW, LIMITS)
    assert (found.train, found.cause) == (False, "accuracy-20261121T030000-1")
    assert found.reason.endswith("The last training was at 2026-11-27 12:01 UTC; the next may start 24 hours later.")
    assert decide(low, NOW - timedelta(hours=24), NOW, LIMITS).train
    # A clock that was put back holds nothing for ever: the moment passes.
    assert not decide(low, NOW + timedelta(hours=1), NOW, LIMITS).train


def test_a_refused_training_is_tried_again_only_when_as_many_have_said_so_again() -> None:
    causes = {decide(measured(en=(texts, 0.8, 0.87)), LONG_AGO, NOW, LIMITS).cause for texts in range(200, 400)}
    assert causes == {"accuracy-20261121T030000-1"}
    for texts, cause in ((400, 2), (799, 2), (800, 3), (1600, 4)):
        found = decide(measured(en=(texts, 0.8, 0.87)), LONG_AGO, NOW, LIMITS).cause
        assert found == f"accuracy-20261121T030000-{cause}"


def test_a_cause_in_one_language_and_in_all_is_one_cause() -> None:
    one = decide(measured(en=(250, 0.7, 0.87), ko=(10, 0.9, 0.9)), LONG_AGO, NOW, LIMITS)
    other = decide(measured(en=(250, 0.84, 0.87), ko=(60, 0.1, 0.9)), LONG_AGO, NOW, LIMITS)
    assert one.cause == other.cause == "accuracy-20261121T030000-1"
    assert (one.reason.split("(")[1][:2], other.reason.split("(")[1][:3]) == ("en", "all")


def test_the_gates_accuracy_of_all_follows_the_languages_of_the_feedback() -> None:
    # 90 of 100 in the easy language, 170 of 200 in the hard one.
    given_ = measured(en=(100, 0.9, 0.9), ko=(200, 0.85, 0.84))["languages"]
    assert figures(given_)["all"] == Figure(300, pytest.approx(0.8667, abs=1e-4), pytest.approx(0.86))
    assert figures(measured(other=(10, 0.5, None))["languages"]) == {}


SHARES = st.floats(0, 1)


@given(st.integers(0, 5000), SHARES, SHARES, st.integers(0, 5000))
def test_a_cause_names_a_run_of_airflow_and_needs_enough_texts(
    texts: int, accuracy: float, expected: float, labelled: int
) -> None:
    found = decide(measured(labelled, en=(texts, accuracy, expected)), LONG_AGO, NOW, LIMITS)
    assert found.train == bool(found.cause)
    assert set(found.cause) <= set("abcdefghijklmnopqrstuvwxyzT0123456789-")
    assert not found.train or texts >= 200 or labelled >= 500
