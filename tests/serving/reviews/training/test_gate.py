"""The gate: better than plain, no worse than the champion, on paired texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.training.gate import decide, paired_difference

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


def right(wrong: int, of: int = 1000) -> np.ndarray:
    """Return a model's outcomes: its first so many texts are wrong."""
    return np.arange(of) >= wrong


def columns(rows: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([first for first, _ in rows]), np.array([second for _, second in rows])


def test_a_candidate_that_is_clearly_better_than_plain_may_go_live() -> None:
    decision = decide(right(100), right(150), None, seed=1)
    assert (decision.promote, decision.reasons) == (True, [])
    assert decision.against_plain.mean == pytest.approx(0.05)
    # 50 texts of 1,000: a standard error of sqrt(.05 * .95 / 1000) = .0069.
    assert decision.against_plain.low == pytest.approx(0.05 - 1.96 * 0.0069, abs=0.002)


def test_a_candidate_within_chance_of_plain_is_refused_with_the_figures() -> None:
    decision = decide(right(100), np.roll(right(105), 500), None, seed=1)
    assert not decision.promote
    assert decision.reasons[0].startswith(
        "The candidate is not better than the plain recipe: the difference in accuracy is +0.0050"
    )


def test_a_candidate_that_may_be_worse_than_the_champion_is_refused() -> None:
    decision = decide(right(120), right(200), right(100), seed=1)
    assert [reason.split(":")[0] for reason in decision.reasons] == ["The candidate may be worse than the champion"]


def test_the_champion_itself_may_go_live_again() -> None:
    assert decide(right(100), right(150), right(100), seed=1).promote
    assert decide(right(101, 10_000), right(1500, 10_000), right(100, 10_000), seed=1).promote


def test_models_of_different_texts_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not tested on the same texts"):
        paired_difference(right(1), right(1, of=10), seed=1)


@settings(deadline=None)
@given(outcomes, st.integers(0, 3))
def test_a_difference_has_its_mean_in_the_interval_and_turns_round_with_the_models(
    rows: list[tuple[bool, bool]], seed: int
) -> None:
    first, second = columns(rows)
    forward, back = paired_difference(first, second, seed, 2000), paired_difference(second, first, seed, 2000)
    assert -1 <= forward.low <= forward.mean <= forward.high <= 1
    assert back.mean == -forward.mean
    assert forward == paired_difference(first, second, seed, 2000)


@settings(deadline=None)
@given(outcomes)
def test_the_interval_is_that_of_drawing_texts(rows: list[tuple[bool, bool]]) -> None:
    first, second = columns(rows)
    found = paired_difference(first, second, 1, 4000)
    drawn = np.random.default_rng(2).integers(len(rows), size=(4000, len(rows)))
    low, high = np.quantile((first.astype(int) - second)[drawn].mean(axis=1), [0.025, 0.975])
    step = 2 / len(rows) + 0.02
    assert (found.low, found.high) == (pytest.approx(low, abs=step), pytest.approx(high, abs=step))


@settings(deadline=None)
@given(outcomes)
def test_a_model_is_never_better_than_itself(rows: list[tuple[bool, bool]]) -> None:
    first, _ = columns(rows)
    decision = decide(first, first, first, seed=1)
    assert not decision.promote
    assert len(decision.reasons) == 1
