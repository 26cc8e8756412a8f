from pathlib import Path

from evaluation.plots import draw
from promotion.model_card import model_card

RECORD = {
    "k": 10,
    "batch_id": "20260101T000000",
    "ratings": 1000,
    "movies": 50,
    "users": 20,
    "settings": {"rank": 64},
    "ndcg_user_ids": [5, 5, 6, 9],
    "calibration": [{"score": 1.0, "hit_rate": 0.1, "entries": 5}],
    "ndcg_by_activity": {"candidate": {"under_50": {"users": 4, "mean": 0.25}}},
    "explicit_als": {"rmse": 0.91234, "mae": 0.7, "ndcg": 0.004, "precision": 0.002, "recall": 0.001},
    "windows": [
        {
            "scorer": scorer,
            "window": window,
            "test_users": users,
            "test_from": 1_000_000_000 + window * 86_400,
            "test_until": 1_000_086_400 + window * 86_400,
            "metrics": {"ndcg": ndcg, "precision": 0.05, "recall": 0.03, "coverage": 0.02},
        }
        for scorer, window, users, ndcg in (
            ("candidate", 1, 1, 0.1),
            ("candidate", 2, 3, 0.3),
            ("popularity", 1, 1, 0.1),
            ("popularity", 2, 3, 0.1),
        )
    ],
}
DECISION = {
    "model_name": "marquee-als",
    "model_version": "7",
    "verdict": "promote",
    "reasons": ["beats it"],
    "intervals": {"popularity": {"mean": 0.15, "low": 0.05, "high": 0.25}},
}


def test_the_card_says_what_was_measured_and_decided() -> None:
    card = model_card(RECORD, DECISION)
    for line in (
        "# marquee-als version 7",
        "3 users, 4 pairs of user and window, 2001-09-10 to 2001-09-12.",
        "| metric | candidate | popularity |",
        # (1 * .1 + 3 * .3) / 4
        "| ndcg | 0.2500 | 0.1000 |",
        "| popularity | +0.1500 | +0.0500 to +0.2500 |",
        "| under 50 | 4 | 0.2500 |",
        "- rank: 64",
    ):
        assert line in card.splitlines(), line
    assert "Decision: **promote**, beats it." in card
    assert "| diversity |" not in card


def test_the_card_sets_explicit_als_beside_the_model_in_the_newest_window() -> None:
    card = model_card(RECORD, DECISION)
    assert "In the newest window it predicts stars with RMSE 0.912 and MAE 0.700." in card
    for line in ("| ndcg | 0.0040 | 0.3000 |", "| precision | 0.0020 | 0.0500 |", "| recall | 0.0010 | 0.0300 |"):
        assert line in card.splitlines(), line
    assert "Explicit ALS" not in model_card({**RECORD, "explicit_als": {}}, DECISION)


def test_each_plot_is_a_png_file(tmp_path: Path) -> None:
    paths = draw(RECORD, tmp_path)
    assert [p.name for p in paths] == ["ndcg_by_window.png", "calibration.png", "coverage_and_accuracy.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


def test_the_card_of_a_random_split_has_no_days_and_says_that_the_future_was_not_hidden() -> None:
    card = model_card(RECORD | {"split": "random"}, DECISION).splitlines()
    for line in (
        "## Accuracy on random slices, lists of 10",
        "3 users, 4 pairs of user and window.",
        "- The ratings have no times: the test rows were drawn at random, so the future was not hidden from the model. "
        "Nothing decays.",
    ):
        assert line in card, line


def test_the_card_says_how_alike_the_lists_are() -> None:
    measures = {"users": 671, "movies": 183, "coverage": 0.0202, "exposure_gini": 0.996, "overlap": 2.9}
    measures |= {"recent_top_share": 0.94, "novelty": 3.25, "miscalibration": 0.5}
    lines = model_card({**RECORD, "concentration": {"all": measures}}, DECISION).splitlines()
    assert "## How alike the lists are, first 10 movies, by how much their users have rated" in lines
    assert "| all | 671 | 183 | 0.0202 | 0.996 | 2.9 | 0.94 | 3.25 | 0.5 |" in lines
    assert "How alike" not in model_card(RECORD, DECISION)
