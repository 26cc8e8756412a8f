import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics import coverage, exposure_gini, hits, novelty, ranking_metrics


def test_hits_are_the_list_entries_that_the_same_user_rated() -> None:
    lists = np.array([[1, 2, 3], [3, 2, -1]])
    found = hits(lists, np.array([10, 20]), np.array([10, 20, 20]), np.array([2, 3, 1]))
    assert found.tolist() == [[False, True, False], [True, False, False]]


def test_padding_is_no_hit_whatever_the_user_before_rated() -> None:
    assert not hits(np.array([[-1]]), np.array([2]), np.array([1]), np.array([3])).any()


def test_metrics_of_hits_at_ranks_1_and_3_with_4_relevant_movies() -> None:
    found = ranking_metrics(np.array([[True, False, True]]), np.array([4]))
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert {name: values[0] for name, values in found.items()} == pytest.approx(
        {
            "ndcg": (1 + 1 / 2) / ideal,
            "recall": 2 / 4,
            "precision": 2 / 3,
            "map": (1 + 2 / 3) / 3,
            "mrr": 1.0,
            "hit_rate": 1.0,
        }
    )


def test_no_hit_is_zero_in_every_metric() -> None:
    found = ranking_metrics(np.zeros((1, 5), dtype=bool), np.array([2]))
    assert {name: values[0] for name, values in found.items()} == dict.fromkeys(found, 0.0)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=8), st.integers(0, 6))
def test_metrics_equal_the_textbook_sums(rows: list[list[bool]], unlisted: int) -> None:
    hit = np.array(rows)
    relevant = hit.sum(axis=1) + unlisted + (hit.sum(axis=1) + unlisted == 0)
    found = ranking_metrics(hit, relevant)
    for user, row in enumerate(rows):
        ranks = [i for i, h in enumerate(row, start=1) if h]
        possible = min(int(relevant[user]), 4)
        ideal = sum(1 / math.log2(i + 1) for i in range(1, possible + 1))
        assert found["ndcg"][user] == pytest.approx(sum(1 / math.log2(i + 1) for i in ranks) / ideal)
        assert found["map"][user] == pytest.approx(sum((n + 1) / r for n, r in enumerate(ranks)) / possible)
        assert found["mrr"][user] == pytest.approx(1 / ranks[0] if ranks else 0)
        assert found["recall"][user] == pytest.approx(len(ranks) / relevant[user])


def test_a_user_without_test_ratings_is_refused() -> None:
    with pytest.raises(ValueError, match="leave such users out"):
        ranking_metrics(np.zeros((1, 2), dtype=bool), np.array([0]))


def test_coverage_counts_distinct_movies_and_not_the_padding() -> None:
    assert coverage(np.array([[1, 2], [2, -1]]), 8) == 0.25


def test_gini_is_zero_when_all_are_shown_alike_and_near_one_when_one_takes_all() -> None:
    assert exposure_gini(np.array([[1, 2], [3, 4]]), 4) == pytest.approx(0.0)
    assert exposure_gini(np.array([[1], [1]]), 4) == pytest.approx(0.75)


def test_novelty_is_the_mean_information_of_what_is_shown() -> None:
    assert novelty(np.array([[5, 7]]), np.array([5, 7]), np.array([2.0, 1.0]), 4) == pytest.approx((1 + 2) / 2)
