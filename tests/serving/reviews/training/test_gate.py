"""The gate: better than plain, no worse than the champion, on paired texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reviews.training.gate import Champion, Decision, decide, paired_difference

outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


def right(wrong: int, of: int = 1000) -> np.ndarray:
    """Return a model's outcomes: its first so many texts are wrong."""
    return np.arange(of) >= wrong


def columns(rows: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([first for first, _ in rows]), np.array([second for _, second in rows])


def decided(candidate: np.ndarray, plain: np.ndarray, champion: np.ndarray | None, korean: int = 0) -> Decision:
    """Decide on texts in English, of which the first so many are Korean."""
    languages = np.where(np.arange(len(candidate)) < korean, "ko", "en")
    known = sorted({"en", *languages.tolist()})
    return decide(candidate, plain, None if champion is None else Champion(champion, known), languages, seed=1)


def test_a_candidate_that_is_clearly_better_than_plain_may_go_live() -> None:
    decision = decided(right(100), right(150), None)
    assert (decision.promote, decision.reasons) == (True, [])
    assert decision.against_plain.mean == pytest.approx(0.05)
    # 50 texts of 1,000: a standard error of sqrt(.05 * .95 / 1000) = .0069.
    assert decision.against_plain.low == pytest.approx(0.05 - 1.96 * 0.0069, abs=0.002)


def test_a_candidate_within_chance_of_plain_is_refused_with_the_figures() -> None:
    decision = decided(right(100), np.roll(right(105), 500), None)
    assert not decision.promote
    assert decision.reasons[0].startswith(
        "The candidate is not better than the plain recipe: the difference in accuracy is +0.0050"
    )


def test_a_candidate_that_may_be_worse_than_the_champion_is_refused() -> None:
    decision = decided(right(120), right(200), right(100))
    assert [reason.split(":")[0] for reason in decision.reasons] == [
        "The candidate may be worse than the champion",
        "In the language en, the candidate is worse than the champion",
    ]


def test_a_language_may_not_get_worse_while_the_whole_gets_better() -> None:
    # Korean is the first fifth: 20 of its 200 texts are newly wrong, and 100 English ones newly right.
    candidate, champion = right(20), ~((np.arange(1000) >= 200) & (np.arange(1000) < 300))
    decision = decided(candidate, right(150), champion, korean=200)
    assert decision.against_champion is not None
    assert decision.against_champion.mean == pytest.approx(0.08)
    assert (decision.by_language["ko"].mean, decision.by_language["en"].mean) == (-0.1, 0.125)
    assert not decision.promote
    assert [reason.split(":")[0] for reason in decision.reasons] == [
        "In the language ko, the candidate is worse than the champion"
    ]


@pytest.mark.parametrize("newly_wrong", [0, 1, 2, 3])
def test_a_language_that_is_worse_within_chance_does_not_count(newly_wrong: int) -> None:
    candidate, champion = right(newly_wrong), ~((np.arange(1000) >= 200) & (np.arange(1000) < 300))
    assert decided(candidate, right(150), champion, korean=200).promote


def test_a_candidate_that_lost_a_language_of_the_champion_is_refused() -> None:
    decision = decide(right(100), right(150), Champion(right(100), ["en", "ko"]), np.repeat("en", 1000), seed=1)
    assert decision.reasons == ["The candidate does not know the language ko, which the champion knows."]
    assert not decision.promote


def test_a_language_that_the_champion_does_not_know_may_be_added() -> None:
    decision = decide(right(100), right(150), Champion(right(100), ["ko"]), np.repeat(["ko", "en"], 500), seed=1)
    assert (decision.promote, list(decision.by_language)) == (True, ["ko"])


def test_the_champion_itself_may_go_live_again() -> None:
    assert decided(right(100), right(150), right(100)).promote
    assert decided(right(101, 10_000), right(1500, 10_000), right(100, 10_000)).promote


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
    decision = decided(first, first, first)
    assert not decision.promote
    assert len(decision.reasons) == 1
