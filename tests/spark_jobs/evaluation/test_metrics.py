import math

import numpy as np
import pytest
import pytrec_eval
from evaluation.metrics import (
    by_activity,
    calibration,
    coverage,
    exposure_gini,
    hits,
    intra_list_diversity,
    novelty,
    ranking_metrics,
)
from hypothesis import given
from hypothesis import strategies as st


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
    with pytest.raises(ValueError, match="Leave such users out"):
        ranking_metrics(np.zeros((1, 2), dtype=bool), np.array([0]))


def test_coverage_counts_distinct_movies_and_not_the_padding() -> None:
    assert coverage(np.array([[1, 2], [2, -1]]), 8) == 0.25


def test_gini_is_zero_when_all_are_shown_alike_and_near_one_when_one_takes_all() -> None:
    assert exposure_gini(np.array([[1, 2], [3, 4]]), 4) == pytest.approx(0.0)
    assert exposure_gini(np.array([[1], [1]]), 4) == pytest.approx(0.75)


def test_novelty_is_the_mean_information_of_what_is_shown() -> None:
    assert novelty(np.array([[5, 7]]), np.array([5, 7]), np.array([2.0, 1.0]), 4) == pytest.approx((1 + 2) / 2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 30))
def test_metrics_equal_those_of_trec_eval_on_random_lists(seed: int, k: int, movies: int) -> None:
    generator = np.random.default_rng(seed)
    users, shown = 4, min(k, movies)
    lists = np.full((users, k), -1)
    lists[:, :shown] = [generator.permutation(movies)[:shown] for _ in range(users)]
    rated = [generator.choice(movies + 5, generator.integers(1, movies + 5), replace=False) for _ in range(users)]
    pairs = np.repeat(np.arange(users), [len(r) for r in rated]), np.concatenate(rated)
    found = ranking_metrics(hits(lists, np.arange(users), *pairs), np.array([len(r) for r in rated]))

    names = {f"{name}.{k}" for name in ("ndcg_cut", "recall", "P", "map_cut", "success")} | {"recip_rank"}
    truth = {str(u): {str(m): 1 for m in rated[u]} for u in range(users)}
    run = {str(u): {str(m): float(-i) for i, m in enumerate(lists[u]) if m >= 0} for u in range(users)}
    judged = pytrec_eval.RelevanceEvaluator(truth, names).evaluate(run)
    for user in range(users):
        of = judged[str(user)]
        # trec_eval divides average precision by all relevant movies, here at most k of them count.
        scale = len(rated[user]) / min(len(rated[user]), k)
        assert {name: values[user] for name, values in found.items()} == pytest.approx(
            {
                "ndcg": of[f"ndcg_cut_{k}"],
                "recall": of[f"recall_{k}"],
                "precision": of[f"P_{k}"],
                "map": of[f"map_cut_{k}"] * scale,
                "mrr": of["recip_rank"],
                "hit_rate": of[f"success_{k}"],
            }
        )


def test_diversity_is_the_mean_share_of_genres_that_two_movies_of_a_list_do_not_share() -> None:
    genres = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    ids = np.array([10, 20, 30, 40])
    # 10 and 20 share one of two genres, 30 shares none with either: (1/2 + 1 + 1) / 3.
    assert intra_list_diversity(np.array([[10, 20, 30]]), ids, genres) == pytest.approx(2.5 / 3)
    assert intra_list_diversity(np.array([[10, 30, -1], [40, -1, -1]]), ids, genres) == 1.0
    assert intra_list_diversity(np.array([[40, -1]]), ids, genres) == 0.0


def test_slices_of_activity_hold_each_user_once() -> None:
    found = by_activity(np.array([0.1, 0.3, 0.5]), np.array([10, 49, 200]))
    assert found == {
        "under_50": {"users": 2, "mean": pytest.approx(0.2)},
        "200_and_more": {"users": 1, "mean": pytest.approx(0.5)},
    }


def test_calibration_has_the_share_of_hits_of_equal_parts_by_score() -> None:
    found = calibration(np.array([3, 1, 2, 4], dtype=np.float32), np.array([True, False, False, True]), bins=2)
    assert found == [
        {"score": 1.5, "hit_rate": 0.0, "entries": 2},
        {"score": 3.5, "hit_rate": 1.0, "entries": 2},
    ]
