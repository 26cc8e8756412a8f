import pytest
from evaluation.record import diversity_metrics, explicit_metrics, pooled_means


def test_a_window_counts_by_its_test_users() -> None:
    windows = [
        {"scorer": scorer, "test_users": users, "metrics": {"ndcg": ndcg}}
        for scorer, users, ndcg in (("candidate", 1, 0.1), ("ease", 1, 0.5), ("candidate", 3, 0.3), ("ease", 3, 0.5))
    ]
    pooled = pooled_means({"k": 10, "windows": windows})
    assert pooled == pytest.approx({"candidate_ndcg_at_10": 0.25, "ease_ndcg_at_10": 0.5})


def test_explicit_als_has_its_errors_and_its_lists_metrics_under_names_of_its_own() -> None:
    record = {"k": 10, "explicit_als": {"rmse": 0.9, "mae": 0.7, "ndcg": 0.01}}
    assert explicit_metrics(record) == {
        "explicit_als_rmse": 0.9,
        "explicit_als_mae": 0.7,
        "explicit_als_ndcg_at_10": 0.01,
    }


def test_measures_of_diversity_are_logged_by_slice() -> None:
    record = {
        "k": 10,
        "diversity_by_activity": {
            "candidate": {"ndcg_tail": {"under_50": {"users": 3, "mean": 0.2}}},
            "popularity": {"ndcg_tail": {"under_50": {"users": 3, "mean": 0.1}}},
        },
        "concentration": {"all": {"users": 671, "overlap": 2.9}},
    }
    assert diversity_metrics(record) == {
        "candidate_ndcg_tail_under_50_at_10": 0.2,
        "lists_users_all_at_10": 671.0,
        "lists_overlap_all_at_10": 2.9,
    }
    # A record of an earlier version has neither.
    assert diversity_metrics({"k": 10}) == {}
